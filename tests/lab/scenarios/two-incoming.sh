# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two guests are restored at the same time, and a daemon that is killed in the
# middle is started again: each gets what is its own.
# timeout: 360
# needs: qemu xendm-memoryd

# both_restored: the grants are the ones that were asked for.
both_restored()
{
    for name in first second; do
        wait_until 10 "the request of $name" no_provisional_grant "$name"
        assert_identities "$name"
    done
    assert_equal "grant of first, KiB" $((6 * 256 + 64)) "$(grant_of first)"
    assert_equal "grant of second, KiB" $((9 * 256 + 64)) "$(grant_of second)"
}

# restore_both: starts both; their process ids are in $first and $second.
restore_both()
{
    guest_restore first &
    first=$!
    guest_restore second &
    second=$!
}

has_headroom()
{
    xenstore-ls -f /libxl | grep -q device-memory/provisional
}

memoryd_start
guest_new first
guest_nics first e1000 6
guest_start first
guest_new second
guest_nics second e1000 9
guest_start second
# hvmloader would not find its memory map after a restore.
guest_wait_hvmloader first
guest_wait_hvmloader second
guest_save first
guest_save second

restore_both
wait "$first"
wait "$second"
both_restored

say "the daemon dies meanwhile"
guest_save first
guest_save second
restore_both
wait_until 20 "headroom" has_headroom
memoryd_kill
memoryd_start
wait "$first"
wait "$second"
both_restored
