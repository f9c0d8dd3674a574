# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Linux guest with eight e1000 boots to its shell and sees all of them.
# timeout: 150
# needs: qemu xendm-memoryd

memoryd_start
guest_new linux
guest_linux linux
guest_nics linux e1000 8
guest_start linux
guest_wait_linux linux
assert_equal "NICs in the guest" 8 \
    "$(guest_run linux 'ls /sys/class/net | grep -c eth')"
assert_identities linux
