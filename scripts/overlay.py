#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Join xendm's files to a QEMU source tree, or take them out again.

  check   say whether 'apply' would succeed, and what it would change
  apply   insert the hooks and link our files; a second time changes nothing
  revert  take everything out; QEMU's files are again what they were
  list    print the table of hooks and the files that join
"""

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from xendm_overlay import OverlayError, table, transaction, tree
from xendm_overlay.fence import Hook

REPOSITORY = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def locked(folder: Path, shared: bool) -> Iterator[None]:
    """Keep a second run off the tree."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise OverlayError(f"{folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Overlay:
    """One command on one tree."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.root = options.root.resolve()
        self.force = options.force_version
        self.quiet = options.quiet
        self.tree = options.tree.resolve() if options.tree else None
        self.table = table.load(self.root)

    def say(self, text: str) -> None:
        if not self.quiet:
            print(f"overlay: {text}")

    def _hooks(self) -> tuple[str, list[Hook]]:
        """The tree's version and the hooks for it."""
        version = table.read_version(self.tree)
        series = table.series_of(version, self.table, self.force)
        if not version.startswith(series + "."):
            print(f"overlay: warning: QEMU {version} is treated like the "
                  f"{series} series", file=sys.stderr)
        return version, table.hooks_for(self.table, series)

    def _plan(self) -> tuple[str, tree.Plan]:
        version, hooks = self._hooks()
        links = {path: tree.link_target(self.root, self.tree, path)
                 for path in table.joining_files(self.root, self.table)}
        return version, tree.Plan(self.tree, hooks, links)

    def _recover(self) -> None:
        if transaction.recover(self.tree):
            print(f"overlay: {self.tree}: an interrupted run was undone",
                  file=sys.stderr)

    def check(self) -> None:
        with locked(self.tree, shared=True):
            if transaction.interrupted(self.tree):
                raise OverlayError(f"{self.tree}: a run was interrupted; "
                                   "'apply' or 'revert' undoes it first")
            version, plan = self._plan()
        state = (f"{count(len(plan.steps), 'path')} would change"
                 if plan.steps else "up to date")
        self.say(f"QEMU {version}: {count(len(plan.hooks), 'hook')} fit, "
                 f"{count(len(plan.new.links), 'file')} to link; {state}")

    def apply(self) -> None:
        with locked(self.tree, shared=False):
            self._recover()
            version, plan = self._plan()
            if not plan.steps:
                self.say(f"QEMU {version}: up to date")
                return
            transaction.run(self.tree, plan.steps)
        self.say(f"QEMU {version}: {count(len(plan.hooks), 'hook')} and "
                 f"{count(len(plan.new.links), 'link')} in place")

    def revert(self) -> None:
        with locked(self.tree, shared=False):
            self._recover()
            plan = tree.Plan(self.tree, [], {})
            if not plan.steps:
                self.say("nothing to revert")
                return
            transaction.run(self.tree, plan.steps)
        self.say("reverted")

    def list(self) -> None:
        hooks = self._hooks()[1] if self.tree else self.table.hooks
        for hook in hooks:
            print(f"{hook.id}\n"
                  f"    file:   {hook.file}\n"
                  f"    {hook.where + ':':7} {hook.anchor.strip()}\n"
                  f"    series: {', '.join(hook.series or ['all'])}\n"
                  f"    why:    {hook.why}")
        tested = ", ".join(f"{s.series} ({s.tested})"
                           for s in self.table.series)
        print(f"tested series: {tested}")
        for path in table.joining_files(self.root, self.table):
            print(f"link: {path}")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command",
                        choices=["check", "apply", "revert", "list"])
    parser.add_argument("--tree", type=Path, metavar="DIR",
                        help="the QEMU source tree (optional for 'list')")
    parser.add_argument("--root", type=Path, metavar="DIR",
                        default=REPOSITORY,
                        help="the repository that joins (default: the one "
                        "this program is in)")
    parser.add_argument("--force-version", action="store_true",
                        help="accept a QEMU version that is not tested")
    parser.add_argument("--quiet", action="store_true",
                        help="print nothing but errors and warnings")
    options = parser.parse_args(arguments)
    if options.tree is None and options.command != "list":
        parser.error(f"'{options.command}' needs --tree DIR")
    return options


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        getattr(Overlay(options), options.command)()
    except OverlayError as error:
        for problem in error.problems:
            print(f"overlay: error: {problem}", file=sys.stderr)
        if options.command != "list":
            print("overlay: nothing was changed", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"overlay: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
