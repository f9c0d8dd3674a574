# SPDX-License-Identifier: GPL-2.0-or-later
"""Join this repository's files to an unmodified QEMU source tree.

    table        what joins: the hooks, our files, the tested series
    fence        hooks in the text of one file: insert, find, take out
    tree         one QEMU tree: what it is now, what must change
    transaction  change several files, all or nothing
"""


class OverlayError(Exception):
    """One or more reasons why nothing was done."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)
