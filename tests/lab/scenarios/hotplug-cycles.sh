# SPDX-License-Identifier: GPL-2.0-or-later
#
# 200 times a NIC with an option ROM comes and goes in a Linux guest.  Pages,
# limit and xenstore end as they began.
# timeout: 1200
# needs: qemu xendm-memoryd
CYCLES=200
ROM_PAGES=64

memoryd_start
guest_new cycles
guest_linux cycles
guest_nics cycles e1000 1
guest_start cycles
guest_wait_linux cycles
id=$(domid_of cycles)
assert_identities cycles
pages=$(pages_of "$id")
limit=$(limit_of "$id")
blocks_of cycles > before.txt

cycle=0
while [ "$cycle" -lt "$CYCLES" ]; do
    cycle=$((cycle + 1))
    guest_plug cycles 10 hot e1000
    [ "$cycle" -gt 1 ] || {
        assert_equal "pages while it is plugged" $((pages + ROM_PAGES)) \
            "$(pages_of "$id")"
        assert_equal "limit while it is plugged" $((limit + ROM_PAGES)) \
            "$(limit_of "$id")"
    }
    guest_unplug cycles hot
    wait_for_pages cycles "$pages"
done
say "$CYCLES cycles done"
assert_identities cycles
assert_equal "limit" "$limit" "$(limit_of "$id")"
blocks_of cycles > after.txt
cmp before.txt after.txt || fail "blocks in xenstore differ"
guest_destroy cycles
assert_nothing_left "$id"
