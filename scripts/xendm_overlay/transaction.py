# SPDX-License-Identifier: GPL-2.0-or-later
"""Change several files of a tree, all or nothing.

Before the first change, what each path is now is saved below the journal
folder.  If a change fails, everything is put back.  If the process dies, the
journal stays and the next run puts everything back.

    JOURNAL.new   being written; the tree is as it was
    JOURNAL       changes are under way; recover() undoes them
    JOURNAL.done  all changes are made; only the folder is left to remove
"""

import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

JOURNAL = ".xendm-overlay.journal"
_UNDO = "undo.json"
_SCRATCH = "scratch"


@dataclass(frozen=True)
class Step:
    """What path (relative to the tree) shall become.

    kind is "file" (data: the content), "link" (target), "folder" or
    "absent".
    """
    path: str
    kind: str
    data: bytes = b""
    target: str = ""


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(scratch: Path, path: Path, data: bytes, mode: int) -> None:
    scratch.write_bytes(data)
    scratch.chmod(mode)
    _sync(scratch)
    os.replace(scratch, path)


def _mode(path: Path) -> int:
    """The permissions that a new content of path gets."""
    try:
        return stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:
        return 0o644


def _perform(tree: Path, step: Step, scratch: Path) -> None:
    path = tree / step.path
    if step.kind == "file":
        _replace(scratch, path, step.data, _mode(path))
    elif step.kind == "folder":
        path.mkdir()
    elif step.kind == "link":
        os.symlink(step.target, scratch)
        os.replace(scratch, path)
    elif path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()


def _save(tree: Path, journal: Path, number: int,
          path: str) -> dict[str, object]:
    """Save what path is, return the note that _restore() needs."""
    there = tree / path
    if there.is_symlink():
        return {"path": path, "kind": "link", "target": os.readlink(there)}
    if there.is_dir():
        return {"path": path, "kind": "folder"}
    if there.exists():
        shutil.copy2(there, journal / str(number))
        _sync(journal / str(number))
        return {"path": path, "kind": "file", "saved": str(number)}
    return {"path": path, "kind": "absent"}


def _restore(tree: Path, journal: Path, note: dict[str, str]) -> None:
    path = tree / note["path"]
    scratch = journal / _SCRATCH
    scratch.unlink(missing_ok=True)
    if note["kind"] == "file":
        shutil.copy2(journal / note["saved"], scratch)
        os.replace(scratch, path)
    elif note["kind"] == "link":
        os.symlink(note["target"], scratch)
        os.replace(scratch, path)
    elif note["kind"] == "folder":
        path.mkdir(exist_ok=True)
    elif path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _undo(tree: Path) -> None:
    journal = tree / JOURNAL
    notes = json.loads((journal / _UNDO).read_text(encoding="utf-8"))
    for note in reversed(notes):
        _restore(tree, journal, note)
    _finish(tree)


def _finish(tree: Path) -> None:
    done = tree / (JOURNAL + ".done")
    os.rename(tree / JOURNAL, done)
    shutil.rmtree(done, ignore_errors=True)


def interrupted(tree: Path) -> bool:
    """True if an earlier run died between its first and last change."""
    return (tree / JOURNAL).exists()


def recover(tree: Path) -> bool:
    """Undo what a run that died left; true if there was something."""
    for suffix in (".new", ".done"):
        shutil.rmtree(tree / (JOURNAL + suffix), ignore_errors=True)
    if not interrupted(tree):
        return False
    _undo(tree)
    return True


def run(tree: Path, steps: list[Step]) -> None:
    """Perform all steps in their order, or none of them."""
    prepared = tree / (JOURNAL + ".new")
    prepared.mkdir()
    try:
        notes = [_save(tree, prepared, number, step.path)
                 for number, step in enumerate(steps)]
        (prepared / _UNDO).write_text(json.dumps(notes), encoding="utf-8")
        _sync(prepared / _UNDO)
        os.rename(prepared, tree / JOURNAL)
    except BaseException:
        shutil.rmtree(prepared, ignore_errors=True)
        raise
    try:
        for step in steps:
            _perform(tree, step, tree / JOURNAL / _SCRATCH)
        _finish(tree)
    except BaseException:
        _undo(tree)
        raise
