# SPDX-License-Identifier: GPL-2.0-or-later
"""configure on a copy of this repository.

QEMU's source is cut down to what our hooks and files need; its configure is
replaced by a script that notes how it was called.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))

from xendm_overlay import table

QEMU_CONFIGURE = """#!/bin/sh
echo "$PWD $*" >> "$(dirname "$0")/../calls"
: > build.ninja
"""


def configured_source() -> Path:
    status = (REPOSITORY / "build/config.status").read_text()
    match = re.search(r"^SOURCE='(.*)'$", status, re.MULTILINE)
    assert match, "configure writes SOURCE"
    return Path(match.group(1))


class ConfigureTest(unittest.TestCase):

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.root = self.folder / "xendm"
        self.source = self.folder / "qemu"
        self.table = table.load(REPOSITORY)
        self.copy_repository()
        self.cut_source()
        self.machine("x86_64")

    def machine(self, name: str) -> None:
        """What uname says from now on."""
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        (programs / "uname").write_text(f"#!/bin/sh\necho {name}\n")
        (programs / "uname").chmod(0o755)
        self.environment = dict(os.environ,
                                PATH=f"{programs}:{os.environ['PATH']}")

    def copy_repository(self) -> None:
        self.root.mkdir()
        for name in ("configure", "meson.build"):
            shutil.copy2(REPOSITORY / name, self.root)
        for name in ["scripts"] + self.table.roots:
            shutil.copytree(REPOSITORY / name, self.root / name,
                            dirs_exist_ok=True)
        # Spares downloads and time; configure looks whether they are right.
        (self.root / "build").mkdir()
        for name in ("build/host-tools", "build/pycache"):
            if (REPOSITORY / name).exists():
                os.symlink(REPOSITORY / name, self.root / name)

    def cut_source(self) -> None:
        pristine = configured_source()
        for name in ["VERSION"] + [hook.file for hook in self.table.hooks]:
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(pristine / name, self.source / name)
        for name in self.table.roots:
            shutil.copytree(pristine / name, self.source / name,
                            symlinks=True, dirs_exist_ok=True)
        (self.source / "configure").write_text(QEMU_CONFIGURE)
        (self.source / "configure").chmod(0o755)
        (self.source / ".git").mkdir()

    def configure(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.root / "configure", *options],
                              capture_output=True, text=True, check=False,
                              cwd=self.folder, env=self.environment)

    def good(self, *options: str) -> str:
        result = self.configure(*options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refused(self, *options: str) -> str:
        result = self.configure(*options)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        return result.stderr

    def good_source(self, *options: str) -> str:
        return self.good(f"--with-qemu-source={self.source}", *options)

    def refused_source(self, *words: str) -> None:
        """Refused, all words named, and nothing made."""
        errors = self.refused(f"--with-qemu-source={self.source}")
        for word in words:
            self.assertIn(word, errors)
        self.assertFalse((self.root / "build/joined").exists())
        self.assertFalse((self.root / "build/config.status").exists())

    def calls(self) -> list[str]:
        path = self.root / "build/calls"
        return path.read_text().splitlines() if path.exists() else []

    def test_joins_and_configures(self) -> None:
        self.good_source("--prefix=/opt/xen")
        joined = self.root / "build/joined"
        self.assertIn("xendm: begin", (joined / "hw/Kconfig").read_text())
        self.assertNotIn("xendm",
                         (self.source / "hw/Kconfig").read_text())
        self.assertFalse((joined / ".git").exists())
        self.assertEqual(len(self.calls()), 1)
        for word in (f"{self.root}/build/qemu ", "--prefix=/opt/xen",
                     "--enable-xen", "--disable-tcg", "--enable-vnc",
                     "--target-list=i386-softmmu"):
            self.assertIn(word, self.calls()[0])

    def test_again_does_nothing(self) -> None:
        self.good_source()
        self.assertEqual(self.good("--again"), "")
        self.good_source()
        self.assertEqual(len(self.calls()), 1)

    def test_again_keeps_the_options(self) -> None:
        self.good_source("--prefix=/opt/xen")
        status = (self.root / "build/config.status").read_text()
        self.good("--again")
        self.assertEqual((self.root / "build/config.status").read_text(),
                         status)

    def test_changed_prefix_configures_again(self) -> None:
        self.good_source()
        self.good_source("--prefix=/opt/xen")
        self.assertEqual(len(self.calls()), 2)

    def test_debug_info(self) -> None:
        self.good_source()
        self.assertIn("--disable-debug-info", self.calls()[0])
        self.good_source("--enable-debug-info")
        self.assertIn("--enable-debug-info", self.calls()[1])
        self.good("--again")
        self.assertEqual(len(self.calls()), 2)

    def test_new_file_is_linked(self) -> None:
        self.good_source()
        (self.root / "hw/xen/device-memory/more.c").write_text("int x;\n")
        self.good("--again")
        joined = self.root / "build/joined/hw/xen/device-memory/more.c"
        self.assertTrue(joined.is_symlink())
        self.assertEqual(len(self.calls()), 1)

    def test_refresh_copies_again(self) -> None:
        self.good_source()
        (self.source / "README").write_text("new\n")
        self.good_source()
        self.assertFalse((self.root / "build/joined/README").exists())
        self.good_source("--refresh")
        self.assertTrue((self.root / "build/joined/README").exists())
        self.assertEqual(len(self.calls()), 2)

    def test_removed_joined_tree_is_made_anew(self) -> None:
        self.good_source()
        shutil.rmtree(self.root / "build/joined")
        self.good("--again")
        self.assertTrue((self.root / "build/joined/VERSION").exists())

    def test_edited_joined_tree(self) -> None:
        self.good_source()
        with (self.root / "build/joined/hw/Kconfig").open("a") as stream:
            stream.write("# by hand\n")
        errors = self.refused("--again")
        self.assertIn("hw/Kconfig: was changed after", errors)
        self.assertIn("rm -r build/joined", errors)

    def test_wrong_version(self) -> None:
        (self.source / "VERSION").write_text("9.2.0\n")
        self.refused_source("9.2.0", "--force-version")
        self.good_source("--force-version")
        # 'make' goes on with what was forced.
        self.good("--again")

    def test_missing_anchor(self) -> None:
        (self.source / "hw/Kconfig").write_text("nothing\n")
        self.refused_source("source xen/Kconfig", "occurs 0 times",
                            "hw/Kconfig")

    def test_file_that_exists_upstream(self) -> None:
        (self.source / "hw/xen/device-memory").mkdir()
        (self.source / "hw/xen/device-memory/ledger.c").write_text("")
        self.refused_source("ledger.c: exists in QEMU's tree")

    def test_failing_qemu_configure(self) -> None:
        (self.source / "configure").write_text(
            "#!/bin/sh\necho 'ERROR: no zlib' >&2\nexit 1\n")
        errors = self.refused(f"--with-qemu-source={self.source}")
        self.assertIn("ERROR: no zlib", errors)
        self.assertIn("configure.log", errors)
        # It is not taken for done the next time.
        self.assertIn("ERROR: no zlib", self.refused("--again"))

    def test_not_a_source_tree(self) -> None:
        (self.source / "VERSION").unlink()
        self.refused_source("VERSION")

    def test_bad_options(self) -> None:
        for option, words in {
                "--with-qemu-source=/absent": ["/absent", "not a folder"],
                "--prefix=relative": ["--prefix", "absolute path"],
                "--prefix=/a b": ["--prefix", "'/a b'", "letters"],
                "--python=/bin/false": ["/bin/false", "3.11"],
                "--wrong": ["--wrong", "--help"],
        }.items():
            errors = self.refused(option)
            for word in words:
                self.assertIn(word, errors)

    def test_help(self) -> None:
        output = self.good("--help")
        for option in ("--with-qemu-source", "--force-version", "--prefix",
                       "--python", "--refresh", "--help"):
            self.assertIn(option, output)
        self.assertFalse((self.root / "build/joined").exists())
