# SPDX-License-Identifier: GPL-2.0-or-later
#
# A scenario leaves a guest behind.
# expect: left behind: domain

printf 'name = "left"\ntype = "pvh"\nmemory = 128\nkernel = "/lab/guest/vmlinuz"\n' \
    > left.cfg
xl create -p left.cfg
