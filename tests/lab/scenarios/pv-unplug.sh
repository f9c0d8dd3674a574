# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest's kernel unplugs its emulated NICs through Xen's platform device: the
# pages of their option ROMs go back to Xen, and the total falls.  With stock
# QEMU the guest keeps the pages.
# timeout: 180
# needs: qemu qemu-stock xendm-memoryd xendm-memory
NICS=3
ROM_KIB=256
ROM_PAGES=64

# emulated_nics NAME: of Ethernet controllers, what the device model has.
emulated_nics()
{
    guest_monitor "$1" 'info pci' | grep -c 'Ethernet controller' || :
}

# starts MODEL: paused, then up to its shell; its pages before its kernel runs
# and after are in files.
starts()
{
    guest_new "$1" "$1"
    guest_linux "$1" xen_emul_unplug=nics
    # Linux takes video memory for its own and gives as much back to Xen.
    guest_set "$1" vga '"none"'
    guest_nics "$1" e1000 "$NICS"
    guest_start "$1" -p
    id=$(domid_of "$1")
    limit=$(limit_of "$id")
    assert_equal "emulated NICs of $1" "$NICS" "$(emulated_nics "$1")"
    pages_of "$id" > "$1-before.txt"
    xl unpause "$1"
    guest_wait_linux "$1"
    assert_equal "emulated NICs of $1" 0 "$(emulated_nics "$1")"
    # Memory is reclaimed a moment after the device.
    sleep 1
    pages_of "$id" > "$1-after.txt"
}

memoryd_start
starts ours
assert_equal "grant, KiB" 0 "$(grant_of ours)"
assert_equal "max_pages" $((limit - NICS * ROM_PAGES)) "$(limit_of "$id")"
assert_identities ours
assert_equal "nodes of blocks" 0 "$(blocks_of ours 2>&1 | grep -c e1000)"
xendm-memory check > check.txt || fail "$(cat check.txt)"
guest_destroy ours
assert_contains "the daemon's log" "grant 0 -> $ROM_KIB KiB" "$(memoryd_log)"

starts stock
assert_equal "max_pages of stock" "$limit" "$(limit_of "$id")"
guest_destroy stock
assert_equal "pages of ours and stock at the start" "$(cat stock-before.txt)" \
    "$(cat ours-before.txt)"
assert_equal "pages that stock has kept and ours has given back" \
    $((NICS * ROM_PAGES)) $(($(cat stock-after.txt) - $(cat ours-after.txt)))
say "pages: $(cat ours-before.txt) at the start;" \
    "then ours $(cat ours-after.txt), stock $(cat stock-after.txt)"
