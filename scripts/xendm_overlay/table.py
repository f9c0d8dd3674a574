# SPDX-License-Identifier: GPL-2.0-or-later
"""What joins QEMU: hooks, our files, tested series."""

import fnmatch
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from . import OverlayError
from .fence import Hook, comment_style

HOOKS_FILE = "scripts/overlay-hooks.toml"
VERSIONS_FILE = "scripts/overlay-versions.toml"

_HOOK_KEYS = {"id", "file", "anchor", "where", "text", "why"}
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
# QEMU numbers the way to the next release 50 and up (10.0.50 becomes 10.1).
_FIRST_DEVELOPMENT_MICRO = 50


@dataclass(frozen=True)
class Series:
    series: str
    tested: str


@dataclass(frozen=True)
class Table:
    hooks: list[Hook]
    roots: list[str]
    ignore: list[str]
    series: list[Series]


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        raise OverlayError(f"{path}: file not found") from None
    except tomllib.TOMLDecodeError as error:
        raise OverlayError(f"{path}: {error}") from None


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts


def _hook_problems(number: int, entry: dict[str, Any]) -> list[str]:
    name = f"hook {entry.get('id', f'number {number}')!r}"
    missing = sorted(_HOOK_KEYS - entry.keys())
    unknown = sorted(entry.keys() - _HOOK_KEYS - {"series"})
    if missing or unknown:
        return ([f"{name}: '{key}' is missing" for key in missing] +
                [f"{name}: unknown key '{key}'" for key in unknown])
    problems = []
    for key in sorted(_HOOK_KEYS):
        if not isinstance(entry[key], str) or not entry[key].strip():
            problems.append(f"{name}: '{key}' must be a text that is not "
                            "empty")
    if problems:
        return problems
    if not _ID.fullmatch(entry["id"]):
        problems.append(f"{name}: 'id' must be lower-case words joined "
                        "by '-'")
    if entry["where"] not in ("before", "after"):
        problems.append(f"{name}: 'where' is {entry['where']!r}, must be "
                        "'before' or 'after'")
    if "\n" in entry["anchor"]:
        problems.append(f"{name}: 'anchor' must be one line")
    if not _inside(entry["file"]):
        problems.append(f"{name}: 'file' is {entry['file']!r}, must be a "
                        "path inside QEMU's tree")
    elif comment_style(entry["file"]) is None:
        problems.append(f"{name}: no comment style is known for "
                        f"{entry['file']!r}")
    return problems


def _read_hooks(entries: list[dict[str, Any]],
                known: set[str]) -> list[Hook]:
    problems: list[str] = []
    hooks: list[Hook] = []
    for number, entry in enumerate(entries, start=1):
        found = _hook_problems(number, entry)
        series = entry.get("series")
        if series is not None and not (isinstance(series, list) and series
                                       and set(series) <= known):
            found.append(f"hook {entry.get('id')!r}: 'series' is {series!r}, "
                         f"must be a list out of {sorted(known)}")
        if any(hook.id == entry.get("id") for hook in hooks):
            found.append(f"hook {entry['id']!r}: the id is used twice")
        problems += found
        if not found:
            hooks.append(Hook(entry["id"], entry["file"], entry["anchor"],
                              entry["where"], entry["text"].rstrip("\n"),
                              entry["why"].strip(),
                              tuple(series) if series else None))
    if problems:
        raise OverlayError(*problems)
    return hooks


def load(root: Path) -> Table:
    """Read both tables of the repository at root."""
    versions = _load(root / VERSIONS_FILE)
    series = [Series(entry["series"], entry["tested"])
              for entry in versions.get("series", [])]
    if not series:
        raise OverlayError(f"{root / VERSIONS_FILE}: no [[series]]")
    table = _load(root / HOOKS_FILE)
    join = table.get("join", {})
    roots = join.get("roots", [])
    if not roots or not all(_inside(folder) for folder in roots):
        raise OverlayError(f"{root / HOOKS_FILE}: [join] roots is {roots!r}, "
                           "must be a list of folders of the repository")
    hooks = _read_hooks(table.get("hook", []), {s.series for s in series})
    return Table(hooks, roots, join.get("ignore", []), series)


def joining_files(root: Path, table: Table) -> list[str]:
    """Our files that join, as sorted paths relative to root."""

    def wanted(name: str) -> bool:
        return not any(fnmatch.fnmatchcase(name, p) for p in table.ignore)

    found = []
    for folder in table.roots:
        for base, folders, names in os.walk(root / folder):
            folders[:] = filter(wanted, folders)
            found += [os.path.relpath(os.path.join(base, name), root)
                      for name in names if wanted(name)]
    return sorted(found)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def read_version(tree: Path) -> str:
    """The version that the tree's VERSION file states, e.g. 10.0.13."""
    path = tree / "VERSION"
    try:
        version = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OverlayError(f"{tree}: not a QEMU source tree: VERSION: "
                           f"{error.strerror}") from None
    if not _VERSION.fullmatch(version):
        raise OverlayError(f"{path}: {version!r} is not a QEMU version "
                           "(three numbers, such as 10.0.13)")
    return version


def series_of(version: str, table: Table, force: bool) -> str:
    """The tested series that version belongs to.

    With force, an unknown version counts as the newest tested series that
    is not newer than it, or else as the oldest.
    """
    major, minor, micro = _numbers(version)
    series = f"{major}.{minor}"
    known = sorted((s.series for s in table.series), key=_numbers)
    if series in known and micro < _FIRST_DEVELOPMENT_MICRO:
        return series
    if not force:
        raise OverlayError(f"QEMU {version} is not a version that xendm is "
                           f"tested with (tested: {', '.join(known)}); "
                           "--force-version tries it all the same")
    older = [s for s in known if _numbers(s) <= (major, minor)]
    return older[-1] if older else known[0]


def hooks_for(table: Table, series: str) -> list[Hook]:
    return [hook for hook in table.hooks
            if hook.series is None or series in hook.series]
