# SPDX-License-Identifier: GPL-2.0-or-later
#
# A scenario does not finish.
# timeout: 3
# expect: did not finish within 3 s

sleep 1000
