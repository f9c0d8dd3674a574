# SPDX-License-Identifier: GPL-2.0-or-later
"""Running other programs, with errors that say what was run."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from .errors import LabError

# Ordinary users have no sbin in their PATH, where mke2fs and depmod are.
SEARCH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


def find(program: str, package: str) -> str:
    """The full name of a program; package is what to install without it."""
    found = shutil.which(program, path=SEARCH)
    if not found:
        raise LabError(f"the program {program} is missing: install Debian's "
                       f"package {package}")
    return found


def run(argv: list[str | Path], **options) -> str:
    """Run a program that has to succeed; its standard output."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        raise LabError(f"failed with status {done.returncode}: "
                       f"{shlex.join(words)}\n{done.stderr.strip()}")
    return done.stdout
