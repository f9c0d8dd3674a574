# SPDX-License-Identifier: GPL-2.0-or-later
"""Things that are made once for given inputs.

Each made thing has a folder build/lab/<name>/<key>, whose key is a hash of all
that went into it.  A folder is made under another name and renamed when it is
complete, so that one which exists is good.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .paths import WORK

# Older folders are removed: they would be used again only by going back.
KEPT = 2


def key(*inputs: str | bytes | Path) -> str:
    """A short hash of texts and of the contents of files and folders."""
    total = hashlib.sha256()
    for item in inputs:
        for part in _parts(item):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()[:16]


def _parts(item: str | bytes | Path):
    if isinstance(item, str):
        yield item.encode()
    elif isinstance(item, bytes):
        yield item
    elif item.is_dir():
        for path in sorted(item.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(item)).encode()
                yield path.read_bytes()
    else:
        yield item.read_bytes()


def get(name: str, item_key: str, why: str,
        make: Callable[[Path], None]) -> Path:
    """The folder of a thing, made by make(folder) if it is not there."""
    shelf = WORK / name
    folder = shelf / item_key
    if folder.is_dir():
        os.utime(folder)
        return folder
    print(f"lab: {why}", flush=True)
    shelf.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".making-", dir=shelf))
    try:
        make(unfinished)
        unfinished.chmod(0o755)
        _put(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _forget_old(shelf)
    return folder


def _put(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:
        # Another run of the lab has made the same thing meanwhile.
        if not folder.is_dir():
            raise


def _forget_old(shelf: Path) -> None:
    folders = [path for path in shelf.iterdir()
               if not path.name.startswith(".")]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in folders[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
