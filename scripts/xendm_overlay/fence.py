# SPDX-License-Identifier: GPL-2.0-or-later
"""Hooks in the text of one file: insert, find, take out.

Text is handled as bytes and split at line feeds only, so that taking a hook
out gives back every byte of the file as it was.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import OverlayError

_SUFFIX_STYLES = {
    ".c": ("/* ", " */"), ".h": ("/* ", " */"), ".inc": ("/* ", " */"),
    ".build": ("# ", ""), ".py": ("# ", ""), ".sh": ("# ", ""),
    ".mak": ("# ", ""), ".rst": (".. ", ""),
}
_NAME_STYLES = {
    "Kconfig": ("# ", ""), "Makefile": ("# ", ""), "configure": ("# ", ""),
    "trace-events": ("# ", ""), "meson_options.txt": ("# ", ""),
}
_MARKER = re.compile(
    rb"[ \t]*(?:/\*|#|\.\.) xendm: (begin|end) ([a-z0-9-]+)(?: \*/)?\n?")
_MENTION = re.compile(rb"\bxendm: (?:begin|end)\b")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Hook:
    id: str
    file: str
    anchor: str
    where: str
    text: str
    why: str
    series: tuple[str, ...] | None = None


def comment_style(path: str) -> tuple[str, str] | None:
    """What opens and closes a comment in the file, None if unknown."""
    pure = PurePosixPath(path)
    return _NAME_STYLES.get(pure.name) or _SUFFIX_STYLES.get(pure.suffix)


def fenced(hook: Hook) -> bytes:
    """The lines that stand in the file for hook, markers included."""
    style = comment_style(hook.file)
    assert style is not None, "table.load() checks the style"
    first = hook.text.split("\n", 1)[0]
    indent = first[:len(first) - len(first.lstrip())]

    def marker(which: str) -> str:
        return f"{indent}{style[0]}xendm: {which} {hook.id}{style[1]}\n"

    return (marker("begin") + hook.text + "\n" + marker("end")).encode()


def has_marker(content: bytes) -> bool:
    return _MENTION.search(content) is not None


def strip(path: str, content: bytes) -> bytes:
    """The content without any fenced lines."""
    kept: list[bytes] = []
    inside = None
    for number, line in enumerate(_LINE.findall(content), 1):
        match = _MARKER.fullmatch(line)
        if match is None:
            if _MENTION.search(line):
                raise OverlayError(f"{path}:{number}: damaged xendm marker")
            if inside is None:
                kept.append(line)
            continue
        which, name = match.group(1), match.group(2).decode()
        if (which == b"begin") != (inside is None) or (
                inside is not None and inside != name):
            raise OverlayError(f"{path}:{number}: stray xendm marker "
                               f"'{which.decode()} {name}'")
        inside = name if which == b"begin" else None
    if inside is not None:
        raise OverlayError(f"{path}: marker 'begin {inside}' has no end")
    return b"".join(kept)


def _anchor_problem(hook: Hook, lines: list[bytes]) -> str | None:
    anchor = hook.anchor.encode()
    count = sum(line.rstrip(b"\n") == anchor for line in lines)
    if count != 1:
        return (f"hook '{hook.id}': the anchor line {hook.anchor!r} occurs "
                f"{count} times in {hook.file}, must occur exactly once")
    if hook.where == "after" and anchor == lines[-1]:
        return (f"hook '{hook.id}': {hook.file} ends with the anchor line "
                "and without a line feed")
    return None


def insert(hooks: list[Hook], content: bytes) -> bytes:
    """The pristine content of one file with its hooks inserted."""
    lines = _LINE.findall(content)
    problems = [p for h in hooks if (p := _anchor_problem(h, lines))]
    if problems:
        raise OverlayError(*problems)
    result = []
    for line in lines:
        here = [h for h in hooks if h.anchor.encode() == line.rstrip(b"\n")]
        result += [fenced(h) for h in here if h.where == "before"]
        result.append(line)
        result += [fenced(h) for h in here if h.where == "after"]
    return b"".join(result)
