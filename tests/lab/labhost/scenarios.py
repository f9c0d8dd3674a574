# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenario files and what their heads say."""

import re
from dataclasses import dataclass
from pathlib import Path

from . import settings
from .architectures import DEFAULT, KINDS, Kind
from .errors import LabError
from .paths import LAB
from .products import PRODUCTS

# Only files in here are run by "all".
MAIN = "scenarios"
FOLDERS = (MAIN, "soak", "bench", "demo", "selftest")
# Where scenario files from elsewhere are in dom0.
OUTSIDE = "outside"
DEFAULT_TIMEOUT = 60.0

# Slower machines can stretch every limit by one factor.
SCALE = settings.number("XENDM_LAB_TIMEOUT_SCALE", 1, 0.1)

_FIELD = re.compile(r"^# (timeout|needs|expect|machine):(.*)$")


@dataclass(frozen=True)
class Scenario:
    """One scenario file."""

    name: str  # folder/file without .sh
    path: Path
    title: str  # the first sentence of its comment
    timeout: float  # seconds
    needs: tuple[str, ...]  # products
    machine: Kind
    expect: str  # for the self-test: a text of the problem, or nothing

    def problems(self) -> list[str]:
        """Why it cannot be run here."""
        needs = list(self.needs)
        if self.machine.hypervisor:
            needs.append(self.machine.hypervisor)
        found = (PRODUCTS[name].problem() for name in needs)
        return [problem for problem in found if problem]


def _load(path: Path) -> Scenario:
    folder = path.parent.name if path.parent.parent == LAB else OUTSIDE
    name = f"{folder}/{path.stem}"
    head = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        head.append(line)
    fields = {match[1]: match[2].strip()
              for match in map(_FIELD.match, head) if match}
    text = [line[1:].strip() for line in head
            if not line.startswith(("#!", "# SPDX")) and not _FIELD.match(line)]
    title = " ".join(text).strip().split(". ")[0].rstrip(".")
    if not title:
        raise LabError(f"{path}: no comment on top says what it shows")
    machine = _machine(path, fields)
    return Scenario(name, path, title, _timeout(path, fields) * SCALE,
                    _needs(path, fields, machine), machine,
                    fields.get("expect", ""))


def _machine(path: Path, fields: dict[str, str]) -> Kind:
    name = fields.get("machine", DEFAULT.name)
    if name not in KINDS:
        raise LabError(f"{path}: machine is '{name}'; allowed are: "
                       f"{', '.join(KINDS)}")
    return KINDS[name]


def _needs(path: Path, fields: dict[str, str],
           machine: Kind) -> tuple[str, ...]:
    needs = tuple(fields.get("needs", "").split())
    allowed = [product.name for product in PRODUCTS.values()
               if product.architecture == machine.architecture]
    for need in needs:
        if need not in allowed:
            raise LabError(f"{path}: needs '{need}'; on machine "
                           f"{machine.name} allowed are: "
                           f"{', '.join(allowed)}")
    return needs


def _timeout(path: Path, fields: dict[str, str]) -> float:
    value = fields.get("timeout")
    if value is None:
        return DEFAULT_TIMEOUT
    if not value.isdecimal() or int(value) == 0:
        raise LabError(f"{path}: timeout is '{value}'; allowed is a number "
                       "of seconds above 0")
    return float(value)


def in_folder(folder: str) -> list[Scenario]:
    """The scenarios of one folder, by name."""
    return [_load(path) for path in sorted((LAB / folder).glob("*.sh"))]


def find(names: list[str]) -> list[Scenario]:
    """The scenarios meant: all, folders, names, or files from elsewhere."""
    found = []
    for name in names:
        for scenario in _find_one(name.removesuffix(".sh")):
            if scenario not in found:
                found.append(scenario)
    return found


def _find_one(name: str) -> list[Scenario]:
    if name == "all":
        return in_folder(MAIN)
    if name in FOLDERS:
        return in_folder(name)
    for folder in ("", *FOLDERS):
        path = LAB / folder / f"{name}.sh"
        if path.is_file() and path.parent.name in FOLDERS:
            return [_load(path)]
    path = Path(f"{name}.sh").resolve()
    if path.is_file():
        return [_load(path)]
    raise LabError(f"there is no scenario '{name}'; 'tests/lab/lab list' "
                   "shows all")
