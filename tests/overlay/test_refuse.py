# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tool must refuse, with nothing changed."""

import os
import shutil
import subprocess
import sys

from support import TOOL, OverlayCase, run


class VersionTest(OverlayCase):

    def test_unknown_series(self) -> None:
        (self.tree / "VERSION").write_text("9.2.4\n")
        self.refused("apply", "9.2.4", "10.0, 10.2", "--force-version")
        self.refused("check", "9.2.4")

    def test_development_version_is_not_the_series(self) -> None:
        (self.tree / "VERSION").write_text("10.0.49\n")
        self.good("check")
        (self.tree / "VERSION").write_text("10.0.50\n")
        self.refused("apply", "10.0.50")

    def test_force_takes_the_newest_older_series(self) -> None:
        (self.tree / "VERSION").write_text("11.0.0\n")
        self.edit(self.hooks, 'id = "kconfig"',
                  'id = "kconfig"\nseries = ["10.2"]')
        output = self.good("apply", "--force-version")
        self.assertIn("11.0.0 is treated like the 10.2 series", output)
        self.assertIn("new/Kconfig", (self.tree / "hw/Kconfig").read_text())

    def test_force_takes_the_oldest_series_for_an_older_one(self) -> None:
        (self.tree / "VERSION").write_text("9.0.0\n")
        output = self.good("check", "--force-version")
        self.assertIn("9.0.0 is treated like the 10.0 series", output)

    def test_not_a_version(self) -> None:
        (self.tree / "VERSION").write_text("ten\n")
        self.refused("apply", "'ten'", "three numbers")

    def test_not_a_qemu_tree(self) -> None:
        (self.tree / "VERSION").unlink()
        self.refused("apply", "not a QEMU source tree")

    def test_no_such_folder(self) -> None:
        result = run("apply", self.tree / "absent", self.root)
        self.assertEqual(result.returncode, 1)
        self.assertIn("absent: No such file or directory", result.stderr)


class AnchorTest(OverlayCase):

    def test_missing(self) -> None:
        self.edit(self.tree / "hw/Kconfig", "xen", "zen")
        self.refused("apply", "'kconfig'", "source xen/Kconfig",
                     "occurs 0 times in hw/Kconfig")

    def test_doubled(self) -> None:
        self.edit(self.tree / "hw/xen/bus.c", "int after;",
                  "    here();")
        self.refused("apply", "'call'", "'second-call'",
                     "occurs 2 times in hw/xen/bus.c")

    def test_part_of_a_line_does_not_count(self) -> None:
        self.edit(self.tree / "hw/Kconfig", "source xen/Kconfig",
                  "source xen/Kconfig # why")
        self.refused("apply", "occurs 0 times")

    def test_last_line_without_line_feed(self) -> None:
        self.edit(self.hooks, '"   alpha"', '"   omega"')
        self.refused("apply", "'docs'", "without a line feed")

    def test_lost_after_applying(self) -> None:
        self.good("apply")
        self.edit(self.hooks, '"source xen/Kconfig"', '"source gone"')
        self.refused("apply", "source gone", "occurs 0 times")

    def test_every_problem_is_named_at_once(self) -> None:
        self.edit(self.tree / "hw/Kconfig", "xen", "zen")
        (self.tree / "docs/index.rst").unlink()
        (self.tree / "tests/qtest").mkdir(parents=True)
        (self.tree / "tests/qtest/new-test.c").write_text("theirs\n")
        self.refused("apply", "'kconfig'", "docs/index.rst: ",
                     "tests/qtest/new-test.c: ", "nothing was changed")


class OurPathTest(OverlayCase):

    def test_file_exists_upstream(self) -> None:
        (self.root / "hw/xen/meson.build").write_text("# ours\n")
        self.refused("apply", "hw/xen/meson.build: exists in QEMU's tree")

    def test_the_same_content_is_no_excuse(self) -> None:
        shutil.copy(self.tree / "hw/xen/bus.c", self.root / "hw/xen/bus.c")
        self.refused("apply", "hw/xen/bus.c: exists in QEMU's tree")

    def test_foreign_link_at_our_path(self) -> None:
        (self.tree / "hw/xen/new").mkdir()
        os.symlink("elsewhere", self.tree / "hw/xen/new/core.c")
        self.refused("apply", "hw/xen/new/core.c: exists in QEMU's tree")

    def test_file_where_a_folder_is_needed(self) -> None:
        (self.tree / "hw/xen/new").write_text("a file\n")
        self.refused("apply", "hw/xen/new in QEMU's tree is not an ordinary")

    def test_folder_that_leads_out_of_the_tree(self) -> None:
        outside = self.tree.parent / "outside"
        outside.mkdir()
        (self.tree / "tests").mkdir()
        os.symlink(outside, self.tree / "tests/qtest")
        self.refused("apply", "tests/qtest in QEMU's tree is not an ordinary")
        self.assertEqual(list(outside.iterdir()), [])

    def test_link_replaced_by_a_file(self) -> None:
        self.good("apply")
        (self.tree / "hw/xen/new/core.c").unlink()
        (self.tree / "hw/xen/new/core.c").write_text("by hand\n")
        for command in ("apply", "revert", "check"):
            self.refused(command, "core.c: is no longer the link")

    def test_foreign_file_in_our_folder(self) -> None:
        self.good("apply")
        (self.tree / "hw/xen/new/notes").write_text("by hand\n")
        self.refused("revert", "hw/xen/new/notes: is in a folder")


class DirtyTest(OverlayCase):

    def setUp(self) -> None:
        super().setUp()
        self.good("apply")

    def test_edited_outside_the_fence(self) -> None:
        self.edit(self.tree / "hw/xen/bus.c", "int after;", "int later;")
        for command in ("apply", "revert", "check"):
            self.refused(command, "hw/xen/bus.c: was changed after")

    def test_edited_inside_the_fence(self) -> None:
        self.edit(self.tree / "hw/xen/bus.c", "first()", "fist()")
        for command in ("apply", "revert", "check"):
            self.refused(command, "hw/xen/bus.c: was changed after")

    def test_hooked_file_gone(self) -> None:
        (self.tree / "hw/Kconfig").unlink()
        for command in ("apply", "revert"):
            self.refused(command, "hw/Kconfig: ", "no such ordinary file")

    def test_lost_record(self) -> None:
        (self.tree / ".xendm-overlay.json").unlink()
        self.refused("apply", "holds a xendm marker", "hw/xen/bus.c",
                     "core.c: exists in QEMU's tree")

    def test_damaged_record(self) -> None:
        (self.tree / ".xendm-overlay.json").write_text("{")
        self.refused("apply", ".xendm-overlay.json: damaged")

    def test_record_of_another_format(self) -> None:
        (self.tree / ".xendm-overlay.json").write_text('{"format": 99}')
        self.refused("apply", "another version of the overlay tool")


class StrayFenceTest(OverlayCase):

    def test_marker_in_a_pristine_file(self) -> None:
        for text in ("    /* xendm: begin call */", "# xendm: end kconfig"):
            with self.subTest(text):
                path = self.tree / "hw/xen/bus.c"
                before = path.read_text()
                self.edit(path, "int after;", text)
                self.refused("apply", "hw/xen/bus.c: holds a xendm marker")
                path.write_text(before)


class TableTest(OverlayCase):
    """Mistakes in the tables themselves."""

    def check_table(self, old: str, new: str, *words: str) -> None:
        self.edit(self.hooks, old, new)
        self.refused("apply", *words)

    def test_syntax(self) -> None:
        self.check_table("[[hook]]", "[[hook", "overlay-hooks.toml")

    def test_where(self) -> None:
        self.check_table('"before"', '"near"', "'near'",
                         "'before' or 'after'")

    def test_missing_key(self) -> None:
        self.check_table('why = "a reason"', "", "'kconfig'",
                         "'why' is missing")

    def test_unknown_key(self) -> None:
        self.check_table('why = "a reason"', 'why = "a"\nwho = "b"',
                         "unknown key 'who'")

    def test_empty_text(self) -> None:
        self.check_table('"   beta"', '"  "', "'docs'", "'text' must be")

    def test_id_used_twice(self) -> None:
        self.check_table('"second-call"', '"call"', "'call'", "used twice")

    def test_bad_id(self) -> None:
        self.check_table('"kconfig"', '"K config"', "lower-case")

    def test_file_outside_the_tree(self) -> None:
        self.check_table('"hw/Kconfig"', '"../Kconfig"', "'../Kconfig'",
                         "inside QEMU's tree")

    def test_file_of_unknown_kind(self) -> None:
        self.check_table('"hw/Kconfig"', '"hw/thing.bin"', "comment style")

    def test_unknown_series(self) -> None:
        self.check_table('id = "kconfig"', 'id = "kconfig"\nseries = ["9"]',
                         "['9']", "10.0")

    def test_anchor_of_two_lines(self) -> None:
        self.check_table('"   alpha"', '"a\\nb"', "'anchor' must be one line")

    def test_no_roots(self) -> None:
        self.check_table('["hw/xen", "tests/qtest"]', "[]", "roots")


class UsageTest(OverlayCase):

    def test_tree_is_needed(self) -> None:
        result = subprocess.run([sys.executable, TOOL, "apply"],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("--tree", result.stderr)
