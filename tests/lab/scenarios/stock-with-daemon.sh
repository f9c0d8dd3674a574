# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon gives headroom to every guest that is built, and takes it back
# before the device model starts: stock QEMU fails at five e1000 as ever.
# timeout: 120
# needs: qemu-stock xendm-memoryd

memoryd_policy '[defaults]' '[daemon]' 'log-level = debug'
memoryd_start
guest_new four stock
guest_nics four e1000 4
guest_start four
guest_wait_hvmloader four
assert_contains "the daemon's log" 'is being built; headroom' "$(memoryd_log)"
id=$(domid_of four)
assert_equal "max_pages (what libxl set)" "$(libxl_limit four)" \
    "$(limit_of "$id")"
no_provisional_grant four || fail "the provisional grant was not ended"
assert_equal "grant, KiB" 0 "$(grant_of four)"
guest_destroy four
assert_nothing_left "$id"

guest_new five stock
guest_nics five e1000 5
assert_fails "a start with five e1000" guest_try_start five
assert_contains "the device model's log" 'xen: failed to populate ram' \
    "$(guest_log five)"
