# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon was killed before a guest starts: a clear error, in time.
# Its announcement is still there, so the device model asks and waits until its
# deadline.  After a restart of the daemon the same guest starts.
# timeout: 150
# needs: qemu xendm-memoryd

DEADLINE=3000 # ms

memoryd_start
memoryd_kill
node "$MEMORYD_ANNOUNCEMENT" > /dev/null ||
    fail "the announcement is gone: nothing to show"

guest_new orphan
guest_nics orphan e1000 6
guest_dm_args orphan -global "xen-device-memory.boot-deadline=$DEADLINE"
began=$(now_ms)
assert_fails "a start without an answer" guest_try_start orphan
# libxl itself needs some seconds to take the guest down.
assert_at_most "time until the error, ms" $((DEADLINE + 20000)) \
    $(($(now_ms) - began))
assert_contains "the device model's log" \
    "the toolstack did not answer within $DEADLINE ms" "$(guest_log orphan)"

memoryd_start
guest_start orphan
guest_wait_hvmloader orphan
assert_identities orphan
