# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is killed while a request waits, and started again: the guest
# starts, and the grant is neither lost nor given twice.
# timeout: 150
# needs: qemu xendm-memoryd

# Long: how soon the new daemon runs depends on the machine.
DEADLINE=30000 # ms

asks()
{
    xenstore-ls -f /local/domain/0/device-model 2> /dev/null |
        grep -q 'device-memory/request = '
}

memoryd_start
memoryd_freeze
guest_new waiting
guest_nics waiting e1000 6
guest_dm_args waiting -global "xen-device-memory.boot-deadline=$DEADLINE"
guest_try_start waiting &
starting=$!
wait_until 20 "request of the device model" asks
memoryd_kill
memoryd_start
wait "$starting" ||
    fail "the guest did not start: $(cat "$(guest_log waiting)")"
guest_wait_hvmloader waiting
assert_equal "grant, KiB" $((6 * 256 + 64)) "$(grant_of waiting)"
assert_identities waiting
