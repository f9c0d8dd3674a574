# SPDX-License-Identifier: GPL-2.0-or-later
#
# A scenario leaves a guest behind.
# expect: left behind: domain

printf '%s\n' 'name = "left"' 'type = "pvh"' 'memory = 128' \
    'kernel = "/lab/guest/vmlinuz"' > left.cfg
xl create -p left.cfg
