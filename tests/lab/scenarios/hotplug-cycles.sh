# SPDX-License-Identifier: GPL-2.0-or-later
#
# 200 times a NIC with an option ROM comes and goes in a Linux guest.  Pages,
# limit and xenstore end as they began.
# timeout: 400
# needs: qemu xendm-memoryd
CYCLES=200
ROM_PAGES=64

memoryd_start
guest_new cycles
guest_linux cycles
guest_nics cycles e1000 1
guest_dm_args cycles -qmp "unix:$LAB_STATE/cycles.qmp,server=on,wait=off"
guest_start cycles
guest_wait_linux cycles
id=$(domid_of cycles)
assert_identities cycles
pages=$(pages_of "$id")
limit=$(limit_of "$id")
blocks_of cycles > before.txt

guest_plug cycles 10 hot e1000
assert_equal "pages while it is plugged" $((pages + ROM_PAGES)) \
    "$(pages_of "$id")"
assert_equal "limit while it is plugged" $((limit + ROM_PAGES)) \
    "$(limit_of "$id")"
guest_unplug cycles hot
wait_for_pages cycles "$pages"

began=$(now_ms)
/lab/dom0/hotplug-cycles "$LAB_STATE/cycles.qmp" "$CYCLES" e1000,addr=0x10
say "$CYCLES cycles in $(($(now_ms) - began)) ms"
wait_for_pages cycles "$pages"
sleep 1
assert_identities cycles
assert_equal "limit" "$limit" "$(limit_of "$id")"
blocks_of cycles > after.txt
cmp before.txt after.txt || fail "blocks in xenstore differ"
guest_destroy cycles
assert_nothing_left "$id"
