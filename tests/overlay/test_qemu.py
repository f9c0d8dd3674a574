# SPDX-License-Identifier: GPL-2.0-or-later
"""This repository's own hooks on pristine QEMU sources.

Only the parts of QEMU's tree that the tool looks at are copied: VERSION, the
hooked files and the folders that our files join.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import REPOSITORY, run, snapshot, times

from xendm_overlay import table

BUILD = REPOSITORY / "build"


def configured_source() -> Path:
    """The pristine tree that configure found or fetched."""
    status = (BUILD / "config.status").read_text(encoding="utf-8")
    match = re.search(r"^SOURCE='(.*)'$", status, re.MULTILINE)
    assert match, "configure writes SOURCE"
    return Path(match.group(1))


def fetched_source(series: str, suites: list[str]) -> Path:
    """Debian's source package of a series."""
    folder = BUILD / f"source-{series}"
    there = sorted(folder.glob(f"qemu-{series}.*"))
    if there:
        return there[-1]
    result = subprocess.run(
        [REPOSITORY / "scripts/debian-source.sh", "qemu", series, folder,
         *suites], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip().splitlines()[-1])
    return Path(result.stdout.strip())


def function_body(source: str, name: str) -> str:
    match = re.search(rf"^[a-z][\w *]*\b{name}\([^;{{]*\)\n{{\n(.*?)^}}$",
                      source, re.MULTILINE | re.DOTALL)
    assert match, name
    return match.group(1)


class PristineCase:
    """The tests for one pristine tree; subclasses set source and series."""

    source: Path
    series: str

    def setUp(self) -> None:
        self.table = table.load(REPOSITORY)
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.tree = folder / "qemu"
        self.hooks = table.hooks_for(self.table, self.series)
        for name in ["VERSION"] + [hook.file for hook in self.hooks]:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.source / name, self.tree / name)
        for name in self.table.roots:
            shutil.copytree(self.source / name, self.tree / name,
                            symlinks=True, dirs_exist_ok=True)
        self.before = snapshot(self.tree)

    def good(self, command: str) -> str:
        result = run(command, self.tree, REPOSITORY)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_version_is_of_the_series(self) -> None:
        version = table.read_version(self.tree)
        self.assertEqual(table.series_of(version, self.table, False),
                         self.series)

    def test_every_hook_is_in_place(self) -> None:
        self.good("apply")
        for hook in self.hooks:
            with self.subTest(hook.id):
                content = (self.tree / hook.file).read_text(encoding="utf-8")
                before, inside, after = re.split(
                    rf"xendm: (?:begin|end) {hook.id}(?![a-z0-9-])", content)
                self.assertIn(hook.text, inside)
                self.assertIn(hook.anchor + "\n", before
                              if hook.where == "after" else after)

    def test_every_ioreq_passes_the_pv_iommu_first(self) -> None:
        """Synchronous or buffered; what it leaves is still QEMU's."""
        self.good("apply")
        source = (self.tree / "hw/xen/xen-hvm-common.c").read_text(
            encoding="utf-8")
        for caller in "cpu_handle_ioreq", "handle_buffered_iopage":
            self.assertRegex(function_body(source, caller),
                             r"\n +handle_ioreq\(state, &\w+\);\n")
        before, _, rest = function_body(source, "handle_ioreq").partition(
            "    /* xendm: begin pv-iommu-ioreq */\n")
        self.assertNotRegex(before, r"\b(return|goto|switch|handle_\w+\()")
        self.assertRegex(rest, r"""(?x)
            \A\s+if\ \(xen_pv_iommu_ioreq\(.*\)\)\ {\n
            \s+return;\n
            \s+}\n
            .*end\ pv-iommu-ioreq\ \*/\n
            \s+switch\ \(req->type\)\ {\n""")
        self.assertRegex(rest, r"case IOREQ_TYPE_INVALIDATE:\n"
                         r" +xen_invalidate_map_cache\(\);\n")

    def test_only_hooked_files_change(self) -> None:
        self.good("apply")
        now = snapshot(self.tree)
        changed = {name for name in self.before
                   if now.get(name) != self.before[name]}
        self.assertEqual(changed, {hook.file for hook in self.hooks})

    def test_every_file_of_ours_is_linked(self) -> None:
        self.good("apply")
        names = table.joining_files(REPOSITORY, self.table)
        self.assertGreater(len(names), 0)
        for name in names:
            self.assertTrue(os.path.samefile(self.tree / name,
                                             REPOSITORY / name), name)

    def test_again_changes_nothing(self) -> None:
        self.good("apply")
        applied = snapshot(self.tree), times(self.tree)
        self.assertIn("up to date", self.good("apply"))
        self.assertEqual((snapshot(self.tree), times(self.tree)), applied)

    def test_revert_gives_back_every_byte(self) -> None:
        self.good("apply")
        self.good("revert")
        self.assertEqual(snapshot(self.tree), self.before)


class Qemu100Test(PristineCase, unittest.TestCase):
    series = "10.0"

    @classmethod
    def setUpClass(cls) -> None:
        source = configured_source()
        if not table.read_version(source).startswith(cls.series + "."):
            source = fetched_source(cls.series, [
                "trixie", "trixie-updates", "trixie-security"])
        cls.source = source


class Qemu102Test(PristineCase, unittest.TestCase):
    series = "10.2"

    @classmethod
    def setUpClass(cls) -> None:
        # Not in Debian's stable releases, so it need not be to be had.
        try:
            cls.source = fetched_source(cls.series, [
                "trixie-backports", "forky", "sid"])
        except RuntimeError as error:
            print(f"skipped: QEMU {cls.series}.x: {error}", file=sys.stderr)
            raise unittest.SkipTest(str(error)) from None


class CoverageTest(unittest.TestCase):

    def test_every_tested_series_has_a_test_here(self) -> None:
        here = {case.series for case in PristineCase.__subclasses__()}
        listed = {s.series for s in table.load(REPOSITORY).series}
        self.assertEqual(here, listed)
