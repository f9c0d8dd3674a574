# SPDX-License-Identifier: GPL-2.0-or-later
#
# Video memory that libxl does not know of is asked for as well.
# A bochs-display (16 MiB, and 32 KiB of option ROM) beside the VGA, and a
# videoram of 24 MiB, of which QEMU makes 32.
# timeout: 120
# needs: qemu xendm-memoryd

memoryd_start
guest_new displays
guest_set displays videoram 24
guest_dm_args displays -device bochs-display
guest_nics displays e1000
guest_start displays
guest_wait_hvmloader displays
assert_equal "grant, KiB" $(((16 + 32 - 24) * 1024 + 32 + 256 + 64)) \
    "$(grant_of displays)"
assert_identities displays
assert_equal "over-allocations of any domain" 0 "$(over_allocations)"
