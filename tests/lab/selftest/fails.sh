# SPDX-License-Identifier: GPL-2.0-or-later
#
# An assertion does not hold.
# expect: ended with status 1

assert_equal "one" 1 2
