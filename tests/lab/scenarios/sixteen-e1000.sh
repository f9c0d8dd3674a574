# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sixteen e1000 and a standard VGA start and reach the boot prompt.
# timeout: 240
# needs: qemu xendm-memoryd xendm-memory

# 16 option ROMs of 256 KiB and the VGA BIOS of 64 KiB.
NEED=$((16 * 256 + 64))

memoryd_start
guest_new sixteen
guest_nics sixteen e1000 16
guest_start sixteen
guest_wait_firmware sixteen 200
assert_equal "grant, KiB" "$NEED" "$(grant_of sixteen)"
assert_identities sixteen
assert_equal "over-allocations of any domain" 0 "$(over_allocations)"

xendm-memory list | tee list.txt
assert_contains "the client's table" sixteen list.txt
assert_contains "the client's table" "$NEED" list.txt
xendm-memory show sixteen > show.txt
assert_equal "option ROMs that the client shows" 16 \
    "$(grep -c 'e1000.rom' show.txt)"

id=$(domid_of sixteen)
guest_destroy sixteen
assert_nothing_left "$id"
