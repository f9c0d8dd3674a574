# SPDX-License-Identifier: GPL-2.0-or-later
"""A made-up QEMU tree, a made-up repository, and the tool run on them."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TOOL = REPOSITORY / "scripts" / "overlay.py"
sys.path.insert(0, str(TOOL.parent))

QEMU_FILES = {
    "VERSION": "10.0.13\n",
    "hw/Kconfig": "source a/Kconfig\nsource xen/Kconfig\nsource z/Kconfig\n",
    "hw/meson.build": "subdir('xen')\nsubdir('xenpv')\n",
    "hw/xen/bus.c": "int before;\n    here();\nint after;\n",
    "hw/xen/meson.build": "# QEMU's own\n",
    "docs/index.rst": "   alpha\n   omega",
}

HOOKS = """
[join]
roots = ["hw/xen", "tests/qtest"]
ignore = [".*", "*~", "__pycache__"]

[[hook]]
id = "kconfig"
file = "hw/Kconfig"
anchor = "source xen/Kconfig"
where = "after"
text = "source xen/new/Kconfig"
why = "a reason"

[[hook]]
id = "call"
file = "hw/xen/bus.c"
anchor = "    here();"
where = "before"
text = '''
    if (!first()) {
        return;
    }
'''
why = "another reason"

[[hook]]
id = "second-call"
file = "hw/xen/bus.c"
anchor = "    here();"
where = "before"
text = "    second();"
why = "stands after the first"

[[hook]]
id = "docs"
file = "docs/index.rst"
anchor = "   alpha"
where = "after"
text = "   beta"
why = "a reST file"
"""

VERSIONS = """
[[series]]
series = "10.0"
tested = "10.0.13"

[[series]]
series = "10.2"
tested = "10.2.2"
"""

OUR_FILES = {
    "scripts/overlay-hooks.toml": HOOKS,
    "scripts/overlay-versions.toml": VERSIONS,
    "README.rst": "never joins\n",
    "hw/xen/new/Kconfig": "config NEW\n",
    "hw/xen/new/core.c": "int core;\n",
    "hw/xen/new/core.c~": "an editor's backup\n",
    "tests/qtest/new-test.c": "int test;\n",
}

HOOKED_BUS = """int before;
    /* xendm: begin call */
    if (!first()) {
        return;
    }
    /* xendm: end call */
    /* xendm: begin second-call */
    second();
    /* xendm: end second-call */
    here();
int after;
"""


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def snapshot(tree: Path) -> dict[str, tuple[object, ...]]:
    """Every path of the tree: kind, permissions, content or target."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        name = str(path.relative_to(tree))
        found[name] = (stat.filemode(status.st_mode), content)
    return found


def times(tree: Path) -> dict[str, tuple[int, int]]:
    """Every path's modification time and inode."""
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino)
            for path in tree.rglob("*")}


def run(command: str, tree: Path, root: Path,
        *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, command, "--tree", tree, "--root", root,
         *options], capture_output=True, text=True, check=False)


class OverlayCase(unittest.TestCase):
    """A test with a made-up tree (self.tree) and repository (self.root)."""

    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.tree = folder / "qemu"
        self.root = folder / "ours"
        self.make_up()

    def make_up(self) -> None:
        """Make both folders, in place of what they hold."""
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)
        write(self.tree, QEMU_FILES)
        write(self.root, OUR_FILES)
        (self.tree / "hw/xen/bus.c").chmod(0o640)

    def edit(self, path: Path, old: str, new: str) -> None:
        content = path.read_text(encoding="utf-8")
        self.assertIn(old, content)
        path.write_text(content.replace(old, new), encoding="utf-8")

    @property
    def hooks(self) -> Path:
        return self.root / "scripts/overlay-hooks.toml"

    def good(self, command: str, *options: str) -> str:
        result = run(command, self.tree, self.root, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout + result.stderr

    def refused(self, command: str, *words: str) -> str:
        """The command must fail, name all words and change nothing."""
        before = snapshot(self.tree)
        result = run(command, self.tree, self.root)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertNotIn("Traceback", result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(snapshot(self.tree), before)
        return result.stderr

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        before = snapshot(self.tree), times(self.tree)
        yield
        self.assertEqual((snapshot(self.tree), times(self.tree)), before)
