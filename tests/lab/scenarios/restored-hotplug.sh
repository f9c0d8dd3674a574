# SPDX-License-Identifier: GPL-2.0-or-later
#
# A restored Linux guest hot-plugs and unplugs as before, be its option ROMs in
# guest pages or private.  Also the NIC that it brought along goes, with its
# pages; and it reads the private ROM that it had, although the host's file is
# another by then.
# timeout: 400
# needs: qemu xendm-memoryd
ROM_KIB=256
ROM="$LAB_STATE/nic.rom"

# restores NAME OPTION-ROM: started with a NIC, saved and restored, with another
# file in place of the ROM's.
restores()
{
    cp /usr/lib/ipxe/qemu/efi-e1000.rom "$ROM"
    guest_new "$1"
    guest_linux "$1"
    # Its video memory's BIOS would need a grant of its own.
    guest_set "$1" vga '"none"'
    guest_dm_args "$1" -machine "option-rom=$2" \
        -device "e1000,id=first,addr=0x10,romfile=$ROM"
    guest_start "$1"
    guest_wait_linux "$1"
    sum=$(guest_rom_sum "$1" 10)
    [ -n "$sum" ] || fail "guest $1 cannot read the ROM"
    pages=$(pages_of "$(domid_of "$1")")
    cp /usr/lib/ipxe/qemu/efi-rtl8139.rom "$ROM"
    guest_move "$1" save-restore
    wait_until 30 "the answer of guest $1" guest_run "$1" 'echo alive'
    assert_equal "check sum of the ROM" "$sum" "$(guest_rom_sum "$1" 10)"
    wait_for_pages "$1" "$pages"
}

# holds NAME ROMS: the identities, with so many ROMs beyond those at its start.
holds()
{
    assert_equal "grant, KiB" $((at_start + $2 * ROM_KIB)) "$(grant_of "$1")"
    wait_for_pages "$1" $((pages + $2 * ROM_KIB / KIB_PER_PAGE))
    assert_identities "$1"
}

memoryd_start

say "option ROMs in guest pages"
restores pages guest
at_start=$ROM_KIB
holds pages 0
guest_plug pages 11 hot e1000
holds pages 1
guest_unplug pages first
holds pages 0
guest_unplug pages hot
holds pages -1
guest_plug pages 11 again e1000
holds pages 0
id=$(domid_of pages)
guest_destroy pages
assert_nothing_left "$id"

say "private option ROMs"
restores private private
at_start=0
holds private 0
guest_plug private 11 hot e1000
holds private 0
guest_monitor private \
    "object_add memory-backend-ram,id=backend,size=${ROM_KIB}K"
holds private 1
guest_monitor private "object_del backend"
holds private 0
guest_unplug private first
guest_unplug private hot
holds private 0
