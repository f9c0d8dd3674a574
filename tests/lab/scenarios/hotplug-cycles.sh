# SPDX-License-Identifier: GPL-2.0-or-later
#
# 200 times a NIC with an option ROM comes and goes in a Linux guest.  Pages,
# limit and all nodes of the guest in xenstore end as they began.  (Only the ids
# of requests count up.)
# timeout: 1200
# needs: qemu xendm-memoryd
CYCLES=200
ROM_PAGES=64

# The record is settled a moment after the answer, and the guest's drivers may
# still be at work.
nodes_are_at_rest()
{
    nodes_of cycles > before.txt
    sleep 2
    nodes_of cycles > after.txt
    cmp -s before.txt after.txt
}

nodes_are_as_before()
{
    nodes_of cycles > after.txt
    cmp -s before.txt after.txt
}

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
wait_until 30 "nodes that are at rest" nodes_are_at_rest

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
assert_equal "pages" "$pages" "$(pages_of "$id")"
assert_equal "limit" "$limit" "$(limit_of "$id")"
for path in "/local/domain/$id/memory/target" \
    "/libxl/$id/device-memory/record" "/libxl/$id/device-memory/cap" \
    "/local/domain/0/device-model/$id/device-memory/request" \
    "/local/domain/0/device-model/$id/device-memory/blocks/0"; do
    assert_contains "what is compared" "$path = " before.txt
done
becomes_true 5 nodes_are_as_before ||
    fail "nodes differ: $(diff before.txt after.txt)"
say "$(wc -l < before.txt) nodes are as before"
guest_destroy cycles
assert_nothing_left "$id"
