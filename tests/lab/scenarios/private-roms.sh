# SPDX-License-Identifier: GPL-2.0-or-later
#
# With option-rom=private, 28 NICs ask for nothing: their ROMs take no guest
# page.  A Linux guest reads the same bytes as with option-rom=guest.
# timeout: 300
# needs: qemu xendm-memoryd

memoryd_start
guest_new many
# QEMU makes them: libxl would want a script for each.
nic=0
while [ "$nic" -lt 28 ]; do
    guest_dm_args many -device "e1000,id=extra$nic"
    nic=$((nic + 1))
done
guest_dm_args many -machine option-rom=private
guest_start many
assert_equal "need, KiB" 0 "$(guest_property many need-kib)"
assert_equal "NICs" 28 "$(guest_monitor many 'info pci' |
    grep -c 'Ethernet controller')"
assert_identities many
guest_destroy many

for backing in guest private; do
    guest_new "$backing"
    guest_linux "$backing"
    guest_dm_args "$backing" -machine "option-rom=$backing"
    guest_dm_args "$backing" -device e1000,addr=0x10
    guest_start "$backing"
    guest_wait_linux "$backing"
    guest_rom_sum "$backing" 10 > "$backing.txt"
    assert_identities "$backing"
    guest_destroy "$backing"
done
[ -s guest.txt ] || fail "the guest cannot read the ROM"
assert_equal "check sum of the ROM" "$(cat guest.txt)" "$(cat private.txt)"
