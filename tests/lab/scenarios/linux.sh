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
    "$(guest_run linux 'grep -l 0x020000 /sys/bus/pci/devices/*/class | wc -l')"
assert_identities linux
