# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU tree: what it is now, and what must change.

A tree that the overlay was applied to carries a record (RECORD): the
checksums of each hooked file without and with its hooks, our links, and the
folders made for them.  What is found in the tree must agree with the record,
or else nothing is done.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from . import OverlayError, fence
from .fence import Hook
from .transaction import Step

RECORD = ".xendm-overlay.json"
_FORMAT = 1


@dataclass
class Record:
    """What an earlier run left in the tree."""
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    def dump(self) -> bytes:
        content = {"format": _FORMAT, "files": self.files,
                   "links": self.links, "folders": self.folders}
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()

    def __bool__(self) -> bool:
        return bool(self.files or self.links or self.folders)


def load_record(tree: Path) -> Record:
    path = tree / RECORD
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Record()
    except ValueError as error:
        raise OverlayError(f"{path}: damaged: {error}") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise OverlayError(f"{path}: written by another version of the "
                           "overlay tool; make the joined tree anew")
    return Record(content["files"], content["links"], content["folders"])


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pristine(tree: Path, path: str, record: Record) -> tuple[bytes, bytes]:
    """The content of a file of QEMU's: as found, and without our hooks."""
    there = tree / path
    if there.is_symlink() or not there.is_file():
        raise OverlayError(f"{path}: QEMU's tree has no such ordinary file")
    content = there.read_bytes()
    known = record.files.get(path)
    if known is None:
        if fence.has_marker(content):
            raise OverlayError(f"{path}: holds a xendm marker, but nothing "
                               "is recorded as applied to it")
        return content, content
    if _checksum(content) == known["pristine"]:
        return content, content
    if _checksum(content) != known["hooked"]:
        raise OverlayError(f"{path}: was changed after the overlay was "
                           "applied (it is neither QEMU's file nor QEMU's "
                           "file with our hooks)")
    bare = fence.strip(path, content)
    if _checksum(bare) != known["pristine"]:
        raise OverlayError(f"{path}: does not become QEMU's file when our "
                           "hooks are taken out")
    return content, bare


def _check_parents(tree: Path, path: str) -> None:
    """A link must land inside the tree, in a folder."""
    for parent in PurePosixPath(path).parents:
        there = tree / parent
        if there.is_symlink() or (there.exists() and not there.is_dir()):
            raise OverlayError(f"{path}: {parent} in QEMU's tree is not an "
                               "ordinary folder")


def _check_ours(tree: Path, path: str, record: Record) -> None:
    """What stands at a path of ours must be absent or our own link."""
    there = tree / path
    _check_parents(tree, path)
    if not os.path.lexists(there):
        return
    if path not in record.links:
        raise OverlayError(f"{path}: exists in QEMU's tree; a file of ours "
                           "never replaces one of QEMU's")
    if not there.is_symlink() or os.readlink(there) != record.links[path]:
        raise OverlayError(f"{path}: is no longer the link that the overlay "
                           "made")


class Plan:
    """The steps that take the tree to the wanted state."""

    def __init__(self, tree: Path, hooks: list[Hook],
                 links: dict[str, str]) -> None:
        self.tree = tree
        self.hooks = hooks
        self.old = load_record(tree)
        self.new = Record(links=links)
        self.problems: list[str] = []
        self._files = self._plan_files()
        self._check_links()
        self.new.folders = self._wanted_folders()
        self._check_emptied()
        if self.problems:
            raise OverlayError(*self.problems)
        self.steps = self._steps()

    def _plan_files(self) -> list[Step]:
        steps = []
        names = {hook.file for hook in self.hooks} | set(self.old.files)
        for name in sorted(names):
            mine = [hook for hook in self.hooks if hook.file == name]
            try:
                content, bare = _pristine(self.tree, name, self.old)
                wanted = fence.insert(mine, bare)
            except OverlayError as error:
                self.problems += error.problems
                continue
            if wanted != content:
                steps.append(Step(name, "file", wanted))
            if mine:
                self.new.files[name] = {"pristine": _checksum(bare),
                                        "hooked": _checksum(wanted)}
        return steps

    def _check_links(self) -> None:
        for path in sorted(set(self.new.links) | set(self.old.links)):
            try:
                _check_ours(self.tree, path, self.old)
            except OverlayError as error:
                self.problems += error.problems

    def _emptied(self) -> list[str]:
        """Folders of ours that go away, innermost first."""
        return [name for name in sorted(self.old.folders, reverse=True)
                if name not in self.new.folders
                and (self.tree / name).is_dir()]

    def _check_emptied(self) -> None:
        ours = set(self.old.links) | set(self.old.folders)
        for name in self._emptied():
            for there in sorted((self.tree / name).iterdir()):
                path = str(there.relative_to(self.tree))
                if path not in ours:
                    self.problems.append(f"{path}: is in a folder that the "
                                         "overlay made, but is not ours")

    def _wanted_folders(self) -> list[str]:
        """Folders for our links that QEMU does not have, outermost first."""
        found = set()
        for path in self.new.links:
            for parent in PurePosixPath(path).parents:
                name = str(parent)
                if name in self.old.folders or not (self.tree / name).exists():
                    found.add(name)
        return sorted(found)

    def _steps(self) -> list[Step]:
        made = [Step(name, "folder") for name in self.new.folders
                if not (self.tree / name).exists()]
        linked = [Step(path, "link", target=target)
                  for path, target in sorted(self.new.links.items())
                  if self.old.links.get(path) != target
                  or not os.path.lexists(self.tree / path)]
        gone = [Step(path, "absent")
                for path in sorted(set(self.old.links) - set(self.new.links))
                if os.path.lexists(self.tree / path)]
        emptied = [Step(name, "absent") for name in self._emptied()]
        return made + self._files + linked + gone + emptied + self._record()

    def _record(self) -> list[Step]:
        path = self.tree / RECORD
        if not self.new:
            return [Step(RECORD, "absent")] if path.exists() else []
        content = self.new.dump()
        if path.exists() and path.read_bytes() == content:
            return []
        return [Step(RECORD, "file", content)]


def link_target(root: Path, tree: Path, path: str) -> str:
    """What the link at path in tree points to.

    Relative for a tree inside the repository, so that both can move
    together.
    """
    source = root / path
    if tree.is_relative_to(root):
        return os.path.relpath(source, (tree / path).parent)
    return str(source)
