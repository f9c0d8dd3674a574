# SPDX-License-Identifier: GPL-2.0-or-later
#
# The agent in dom0 is killed.
# expect: dom0 went down

kill -KILL "$PPID"
sleep 1000
