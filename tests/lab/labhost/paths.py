# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are, on the host and in dom0."""

from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
PROJECT = LAB.parent.parent
WORK = PROJECT / "build" / "lab"

CONFIG = LAB / "config"
LOGS = WORK / "logs"

# Where the image of this run is mounted in dom0.
DOM0_LAB = "/lab"


def shown(path: Path) -> str:
    """The path as a person at the project's root would type it."""
    try:
        return str(path.relative_to(PROJECT))
    except ValueError:
        return str(path)


def read_list(path: Path, architecture: str) -> list[str]:
    """A list file's entries: one a line, # starts a comment.

    "entry [amd64]" counts only for that architecture.
    """
    entries = []
    for line in path.read_text().splitlines():
        entry, _, only = line.split("#")[0].strip().partition(" ")
        if entry and only.strip("[] ") in ("", architecture):
            entries.append(entry)
    return entries
