# SPDX-License-Identifier: GPL-2.0-or-later
"""The one exception that the command line turns into a message."""


class LabError(Exception):
    """Something that the person who runs the lab has to know and can mend."""
