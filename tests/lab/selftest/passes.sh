# SPDX-License-Identifier: GPL-2.0-or-later
#
# After all that, a good scenario passes.

assert_equal "one" 1 1
