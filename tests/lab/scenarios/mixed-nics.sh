# SPDX-License-Identifier: GPL-2.0-or-later
#
# Eight virtio-net-pci and eight rtl8139 start and reach the boot prompt.
# Without a VGA, which makes the boot fast and the need a round number.
# timeout: 180
# needs: qemu xendm-memoryd

memoryd_start
guest_new mixed
guest_set mixed vga '"none"'
guest_nics mixed virtio-net-pci 8
guest_nics mixed rtl8139 8
guest_start mixed
guest_wait_firmware mixed
assert_equal "grant, KiB" $((16 * 256)) "$(grant_of mixed)"
assert_identities mixed
assert_equal "over-allocations of any domain" 0 "$(over_allocations)"
