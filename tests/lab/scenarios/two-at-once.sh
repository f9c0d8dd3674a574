# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two guests start at once: each gets its own grant.
# timeout: 180
# needs: qemu xendm-memoryd

memoryd_start
guest_new left
guest_nics left e1000 6
guest_new right
guest_nics right e1000 9
guest_start left &
left=$!
guest_start right &
right=$!
wait "$left"
wait "$right"
guest_wait_hvmloader left
guest_wait_hvmloader right
assert_equal "grant of left, KiB" $((6 * 256 + 64)) "$(grant_of left)"
assert_equal "grant of right, KiB" $((9 * 256 + 64)) "$(grant_of right)"
assert_identities left
assert_identities right
left=$(domid_of left)
right=$(domid_of right)
guest_destroy left
assert_identities right
guest_destroy right
assert_nothing_left "$left"
assert_nothing_left "$right"
