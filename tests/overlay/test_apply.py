# SPDX-License-Identifier: GPL-2.0-or-later
"""apply, revert, check and list when all is well."""

import os
import shutil

from support import HOOKED_BUS, OverlayCase, snapshot, times


class ApplyTest(OverlayCase):

    def test_hooks_are_inserted_and_fenced(self) -> None:
        self.good("apply")
        self.assertEqual((self.tree / "hw/xen/bus.c").read_text(), HOOKED_BUS)
        self.assertEqual(
            (self.tree / "hw/Kconfig").read_text(),
            "source a/Kconfig\nsource xen/Kconfig\n"
            "# xendm: begin kconfig\nsource xen/new/Kconfig\n"
            "# xendm: end kconfig\nsource z/Kconfig\n")
        self.assertEqual(
            (self.tree / "docs/index.rst").read_text(),
            "   alpha\n   .. xendm: begin docs\n   beta\n"
            "   .. xendm: end docs\n   omega")

    def test_files_are_linked_by_the_rule(self) -> None:
        self.good("apply")
        links = [p for p in self.tree.rglob("*") if p.is_symlink()]
        self.assertEqual(
            sorted(str(p.relative_to(self.tree)) for p in links),
            ["hw/xen/new/Kconfig", "hw/xen/new/core.c",
             "tests/qtest/new-test.c"])
        for link in links:
            self.assertTrue(link.resolve().is_relative_to(self.root))
        self.assertFalse((self.tree / "README.rst").exists())

    def test_permissions_stay(self) -> None:
        self.good("apply")
        mode = (self.tree / "hw/xen/bus.c").stat().st_mode & 0o777
        self.assertEqual(mode, 0o640)

    def test_hard_linked_original_is_not_changed(self) -> None:
        original = self.tree.parent / "original.c"
        os.link(self.tree / "hw/xen/bus.c", original)
        self.good("apply")
        self.assertNotIn("xendm", original.read_text())

    def test_a_tree_inside_the_repository_gets_relative_links(self) -> None:
        inside = self.root / "build/joined"
        shutil.copytree(self.tree, inside)
        self.tree = inside
        self.good("apply")
        self.assertEqual(os.readlink(inside / "hw/xen/new/core.c"),
                         "../../../../../hw/xen/new/core.c")
        self.assertTrue((inside / "hw/xen/new/core.c").exists())

    def test_again_changes_nothing(self) -> None:
        self.good("apply")
        with self.unchanged():
            self.assertIn("up to date", self.good("apply"))

    def test_quiet_says_nothing(self) -> None:
        self.assertEqual(self.good("apply", "--quiet"), "")

    def test_changed_text_replaces_the_hook(self) -> None:
        self.good("apply")
        old = times(self.tree)
        self.edit(self.hooks, "    second();", "    third();")
        self.good("apply")
        content = (self.tree / "hw/xen/bus.c").read_text()
        self.assertEqual(content, HOOKED_BUS.replace("second();", "third();"))
        kconfig = str(self.tree / "hw/Kconfig")
        self.assertEqual(times(self.tree)[kconfig], old[kconfig])

    def test_removed_hook_goes(self) -> None:
        before = (self.tree / "docs/index.rst").read_bytes()
        self.good("apply")
        self.edit(self.hooks, HOOKS_DOCS, "")
        self.good("apply")
        self.assertEqual((self.tree / "docs/index.rst").read_bytes(), before)

    def test_moved_hook_moves(self) -> None:
        self.good("apply")
        self.edit(self.hooks, '"source xen/Kconfig"', '"source a/Kconfig"')
        self.good("apply")
        lines = (self.tree / "hw/Kconfig").read_text().splitlines()
        self.assertEqual(lines[2], "source xen/new/Kconfig")
        self.assertEqual(len(lines), 6)

    def test_added_and_removed_files_are_noticed(self) -> None:
        self.good("apply")
        (self.root / "hw/xen/new/more.c").write_text("int more;\n")
        (self.root / "hw/xen/new/core.c").unlink()
        self.good("apply")
        self.assertTrue((self.tree / "hw/xen/new/more.c").is_symlink())
        self.assertFalse(os.path.lexists(self.tree / "hw/xen/new/core.c"))

    def test_a_folder_of_ours_that_went_is_removed(self) -> None:
        self.good("apply")
        shutil.rmtree(self.root / "hw/xen/new")
        self.good("apply")
        self.assertFalse((self.tree / "hw/xen/new").exists())
        self.assertTrue((self.tree / "hw/xen/bus.c").exists())

    def test_a_hand_deleted_link_comes_back(self) -> None:
        self.good("apply")
        (self.tree / "hw/xen/new/core.c").unlink()
        self.good("apply")
        self.assertTrue((self.tree / "hw/xen/new/core.c").is_symlink())

    def test_a_hand_restored_file_is_hooked_again(self) -> None:
        before = (self.tree / "hw/xen/bus.c").read_bytes()
        self.good("apply")
        (self.tree / "hw/xen/bus.c").write_bytes(before)
        self.good("apply")
        self.assertEqual((self.tree / "hw/xen/bus.c").read_text(), HOOKED_BUS)

    def test_hook_for_another_series_stays_out(self) -> None:
        self.edit(self.hooks, 'id = "second-call"',
                  'id = "second-call"\nseries = ["10.2"]')
        self.good("apply")
        content = (self.tree / "hw/xen/bus.c").read_text()
        self.assertIn("first()", content)
        self.assertNotIn("second()", content)
        (self.tree / "VERSION").write_text("10.2.0\n")
        self.good("apply")
        self.assertEqual((self.tree / "hw/xen/bus.c").read_text(), HOOKED_BUS)


class RevertTest(OverlayCase):

    def test_revert_gives_back_every_byte(self) -> None:
        before = snapshot(self.tree)
        self.good("apply")
        self.assertNotEqual(snapshot(self.tree), before)
        self.good("revert")
        self.assertEqual(snapshot(self.tree), before)

    def test_odd_bytes_survive(self) -> None:
        odd = b"\xff\xfe not UTF-8\r\n\x0b\x0c\rlone\n    here();\n\n\nend"
        (self.tree / "hw/xen/bus.c").write_bytes(odd)
        before = snapshot(self.tree)
        self.good("apply")
        self.assertIn(b"second();",
                      (self.tree / "hw/xen/bus.c").read_bytes())
        self.good("revert")
        self.assertEqual(snapshot(self.tree), before)

    def test_revert_of_a_pristine_tree_changes_nothing(self) -> None:
        with self.unchanged():
            self.assertIn("nothing to revert", self.good("revert"))

    def test_revert_needs_no_known_version(self) -> None:
        before = snapshot(self.tree)
        self.good("apply")
        (self.tree / "VERSION").write_text("99.0.0\n")
        self.good("revert")
        (self.tree / "VERSION").write_text("10.0.13\n")
        self.assertEqual(snapshot(self.tree), before)

    def test_revert_works_after_the_table_lost_a_hook(self) -> None:
        before = snapshot(self.tree)
        self.good("apply")
        self.edit(self.hooks, HOOKS_DOCS, "")
        (self.root / "hw/xen/new/core.c").unlink()
        self.good("revert")
        self.assertEqual(snapshot(self.tree), before)


class CheckTest(OverlayCase):

    def test_check_changes_nothing(self) -> None:
        with self.unchanged():
            self.assertIn("would change", self.good("check"))

    def test_check_of_an_applied_tree(self) -> None:
        self.good("apply")
        with self.unchanged():
            self.assertIn("up to date", self.good("check"))


class ListTest(OverlayCase):

    def test_list_names_every_hook_and_file(self) -> None:
        with self.unchanged():
            output = self.good("list")
        for word in ("kconfig", "hw/Kconfig", "source xen/Kconfig", "after",
                     "a reason", "second-call", "10.0.13",
                     "link: hw/xen/new/core.c"):
            self.assertIn(word, output)
        self.assertNotIn("README", output)

    def test_list_for_a_tree_leaves_out_other_series(self) -> None:
        self.edit(self.hooks, 'id = "second-call"',
                  'id = "second-call"\nseries = ["10.2"]')
        self.assertNotIn("second-call", self.good("list"))


HOOKS_DOCS = """[[hook]]
id = "docs"
file = "docs/index.rst"
anchor = "   alpha"
where = "after"
text = "   beta"
why = "a reST file"
"""
