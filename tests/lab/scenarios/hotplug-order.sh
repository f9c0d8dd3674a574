# SPDX-License-Identifier: GPL-2.0-or-later
#
# NICs go in another order than they came.  The pages of each go with it, and
# the guest reads the right option ROM from those that stay.
# timeout: 300
# needs: qemu xendm-memoryd
ROM_PAGES=64

memoryd_start
guest_new order
guest_linux order
# There from the start, because Linux gives a ROM BAR no address later.
guest_dm_args order -device e1000,id=a,addr=0x10 \
    -device rtl8139,id=b,addr=0x11 -device e1000,id=c,addr=0x12
guest_start order
guest_wait_linux order
id=$(domid_of order)
pages=$(($(pages_of "$id") - 3 * ROM_PAGES))

sum_e1000=$(guest_rom_sum order 10)
sum_rtl8139=$(guest_rom_sum order 11)
[ -n "$sum_e1000" ] || fail "the guest cannot read the ROM of a"
[ "$sum_e1000" != "$sum_rtl8139" ] || fail "two models have the same ROM"
assert_identities order

guest_unplug order a
wait_for_pages order $((pages + 2 * ROM_PAGES))
assert_equal "ROM of b" "$sum_rtl8139" "$(guest_rom_sum order 11)"
assert_equal "ROM of c" "$sum_e1000" "$(guest_rom_sum order 12)"

guest_plug order 13 d rtl8139
assert_equal "pages" $((pages + 3 * ROM_PAGES)) "$(pages_of "$id")"
assert_equal "ROM of b" "$sum_rtl8139" "$(guest_rom_sum order 11)"
assert_equal "ROM of c" "$sum_e1000" "$(guest_rom_sum order 12)"
guest_unplug order c
guest_unplug order b
guest_unplug order d
wait_for_pages order "$pages"
assert_identities order
