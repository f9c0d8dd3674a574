# SPDX-License-Identifier: GPL-2.0-or-later
#
# A command that does not exist ends a scenario.
# expect: ended with status 127

this-command-does-not-exist
echo "not reached"
