# SPDX-License-Identifier: GPL-2.0-or-later
#
# A restored Linux guest hot-plugs and unplugs as before, and reads the private
# option ROM that it had, although the host's file is another by then.
# timeout: 400
# needs: qemu xendm-memoryd
ROM_PAGES=64
ROM="$LAB_STATE/nic.rom"

memoryd_start
cp /usr/lib/ipxe/qemu/efi-e1000.rom "$ROM"
guest_new restored
guest_linux restored
guest_dm_args restored -machine option-rom=private \
    -device "e1000,addr=0x10,romfile=$ROM"
guest_start restored
guest_wait_linux restored
sum=$(guest_rom_sum restored 10)
[ -n "$sum" ] || fail "the guest cannot read the ROM"

cp /usr/lib/ipxe/qemu/efi-rtl8139.rom "$ROM"
guest_save restored
guest_restore restored
wait_until 30 "the guest's answer" guest_run restored 'echo alive'
assert_equal "check sum of the ROM" "$sum" "$(guest_rom_sum restored 10)"
wait_until 10 "the device model's own request" no_provisional_grant restored
assert_equal "grant, KiB" 0 "$(grant_of restored)"
assert_identities restored

guest_monitor restored "object_add memory-backend-ram,id=backend,size=256K"
pages=$(pages_of "$(domid_of restored)")
assert_equal "grant with the backend, KiB" 256 "$(grant_of restored)"
assert_identities restored
guest_monitor restored "object_del backend"
wait_for_pages restored $((pages - ROM_PAGES))
assert_identities restored
