# SPDX-License-Identifier: GPL-2.0-or-later
#
# A scenario leaves a node in xenstore and a process behind.
# expect: left behind: xenstore node /local/litter

xenstore-write /local/litter 1
sleep 1000 &
