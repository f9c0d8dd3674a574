# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs that fail or die half-way.

Every system call that changes the tree is made to fail, and to end the
process, one after the other.
"""

import os
from collections.abc import Callable
from unittest import mock

from support import OverlayCase, snapshot, write

import overlay

CHANGING_CALLS = ("replace", "rename", "symlink", "mkdir", "rmdir", "unlink",
                  "fsync")


class Saboteur:
    """Lets some system calls pass, then does something else once."""

    def __init__(self, passes: int, action: Callable[[], None]) -> None:
        self.left = passes
        self.action = action
        self.struck = False

    def wrap(self, call: Callable) -> Callable:
        def wrapped(*arguments, **options):
            if self.left == 0 and not self.struck:
                self.struck = True
                self.action()
            self.left -= 1
            return call(*arguments, **options)
        return wrapped

    def __enter__(self) -> "Saboteur":
        self.patches = [mock.patch.object(os, name,
                                          self.wrap(getattr(os, name)))
                        for name in CHANGING_CALLS]
        for patch in self.patches:
            patch.start()
        return self

    def __exit__(self, *_) -> None:
        for patch in self.patches:
            patch.stop()


def no_space() -> None:
    raise OSError(28, "No space left on device")


def die() -> None:
    os._exit(99)


class InterruptedTest(OverlayCase):

    def call(self, command: str) -> int:
        """Run a command in this process, without its output."""
        arguments = [command, "--tree", str(self.tree), "--root",
                     str(self.root), "--quiet"]
        with mock.patch("sys.stderr"), mock.patch("sys.stdout"):
            return overlay.main(arguments)

    def good(self, command: str, *options: str) -> str:
        self.assertEqual(self.call(command), 0)
        return ""

    def make(self, applied: bool) -> dict:
        """Make both folders anew; what the tree is."""
        self.make_up()
        if applied:
            self.good("apply")
            self.edit(self.hooks, "    second();", "    third();")
            write(self.root, {"hw/xen/new/deep/more.c": "int more;\n"})
            (self.root / "tests/qtest/new-test.c").unlink()
        return snapshot(self.tree)

    def die_in_child(self, command: str, passes: int) -> bool:
        """Run command in a child that dies; true if it got that far."""
        child = os.fork()
        if child == 0:
            with Saboteur(passes, die):
                self.call(command)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 99

    def each_failure(self, command: str, applied: bool) -> int:
        for passes in range(1000):
            before = self.make(applied)
            with Saboteur(passes, no_space) as saboteur:
                status = self.call(command)
            if not saboteur.struck:
                return passes
            if status == 0:
                # Struck while removing the journal, after the last change.
                self.assertNotEqual(snapshot(self.tree), before)
            else:
                self.assertEqual(snapshot(self.tree), before, passes)
            self.good(command)
        self.fail("the command never ends")

    def each_death(self, command: str, applied: bool) -> int:
        self.make(applied)
        self.good(command)
        after = snapshot(self.tree)
        for passes in range(1000):
            before = self.make(applied)
            if not self.die_in_child(command, passes):
                return passes
            self.after_death(command, before, after)
        self.fail("the command never ends")

    def after_death(self, command: str, before: dict,
                    after: dict) -> None:
        """The tree is whole, or the next run makes it so."""
        if (self.tree / ".xendm-overlay.journal").exists():
            self.refused("check", "a run was interrupted")
        else:
            rest = {path: what for path, what in
                    snapshot(self.tree).items() if ".journal" not in path}
            self.assertIn(rest, (before, after))
        self.good(command)
        self.assertEqual(snapshot(self.tree), after)

    def test_first_apply_fails(self) -> None:
        self.assertGreater(self.each_failure("apply", False), 15)

    def test_second_apply_fails(self) -> None:
        self.assertGreater(self.each_failure("apply", True), 15)

    def test_revert_fails(self) -> None:
        self.assertGreater(self.each_failure("revert", True), 15)

    def test_first_apply_dies(self) -> None:
        self.assertGreater(self.each_death("apply", False), 15)

    def test_second_apply_dies(self) -> None:
        self.assertGreater(self.each_death("apply", True), 15)

    def test_revert_dies(self) -> None:
        self.assertGreater(self.each_death("revert", True), 15)

    def test_revert_after_a_dead_apply_gives_the_pristine_tree(self) -> None:
        pristine = snapshot(self.tree)
        self.assertTrue(self.die_in_child("apply", 20))
        self.assertNotEqual(snapshot(self.tree), pristine)
        self.good("revert")
        self.assertEqual(snapshot(self.tree), pristine)
