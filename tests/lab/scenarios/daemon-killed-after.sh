# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is killed after a guest has started: nothing changes for it.
# After a restart the grant on record stands, once, and a second guest starts.
# timeout: 180
# needs: qemu xendm-memoryd

memoryd_start
guest_new first
guest_nics first e1000 6
guest_start first
assert_identities first
grant=$(grant_of first)
limit=$(limit_of "$(domid_of first)")

memoryd_kill
guest_wait_hvmloader first
assert_equal "limit without the daemon" "$limit" \
    "$(limit_of "$(domid_of first)")"

memoryd_start
assert_equal "grant after the restart, KiB" "$grant" "$(grant_of first)"
assert_equal "limit after the restart" "$limit" \
    "$(limit_of "$(domid_of first)")"
assert_identities first

guest_new second
guest_nics second e1000 6
guest_start second
assert_identities second
assert_identities first
