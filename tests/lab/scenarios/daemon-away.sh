# SPDX-License-Identifier: GPL-2.0-or-later
#
# Devices come and go while the daemon is stopped: as soon as it runs again, the
# grant is what the device model needs.
# timeout: 300
# needs: qemu xendm-memoryd xendm-memory
ROM_KIB=256
ROM_PAGES=64

# back GRANT: the daemon starts, and comes to that grant by itself.
back()
{
    memoryd_start
    wait_until 10 "a grant of $1 KiB" has_grant "$1"
    wait_until 10 "numbers that agree" xendm-memory check
    assert_identities away
}

has_grant()
{
    [ "$(grant_of away)" = "$1" ]
}

memoryd_start
guest_new away
guest_linux away
# Linux takes video memory for its own and gives as much back to Xen.
guest_set away vga '"none"'
guest_dm_args away -device e1000,id=a,addr=0x10 -device e1000,id=b,addr=0x11
guest_start away
guest_wait_linux away
id=$(domid_of away)
pages=$(($(pages_of "$id") - 2 * ROM_PAGES))
assert_identities away
assert_equal "grant, KiB" $((2 * ROM_KIB)) "$(grant_of away)"

say "a NIC goes"
memoryd_stop
guest_unplug away a
wait_for_pages away $((pages + ROM_PAGES))
assert_equal "grant meanwhile, KiB" $((2 * ROM_KIB)) "$(grant_of away)"
back "$ROM_KIB"

say "a NIC comes"
memoryd_stop
guest_plug away 12 c e1000
assert_equal "pages" $((pages + 2 * ROM_PAGES)) "$(pages_of "$id")"
back $((2 * ROM_KIB))

say "two NICs go, three come"
memoryd_stop
guest_unplug away b
guest_unplug away c
wait_for_pages away "$pages"
for slot in 10 11 12; do
    guest_plug away "$slot" "again$slot" e1000
done
back $((3 * ROM_KIB))

say "the daemon was killed, and a NIC goes"
memoryd_kill
guest_unplug away again10
wait_for_pages away $((pages + 2 * ROM_PAGES))
back $((2 * ROM_KIB))
