# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that the environment may set."""

import os


def number(variable: str, default: float, smallest: float) -> float:
    """The value of a variable; a wrong one ends the program with a message."""
    text = os.environ.get(variable, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = smallest - 1
    if not smallest <= value <= 1000:
        raise SystemExit(f"lab: {variable} is '{text}'; allowed is a number "
                         f"from {smallest:g} to 1000")
    return value
