# SPDX-License-Identifier: GPL-2.0-or-later
#
# Over the cap: refused with a message that says by how much.
# When the cap is raised and the policy reloaded, the same guest starts.
# timeout: 150
# needs: qemu xendm-memoryd

# The VGA BIOS and three option ROMs; the fourth is one page too much.
CAP=$((64 + 4 * 256 - 4))

memoryd_policy '[defaults]' 'cap = 64 MiB' '[name capped]' "cap = $CAP KiB"
memoryd_start
guest_new capped
guest_nics capped e1000 4
assert_fails "a start over the cap" guest_try_start capped
log=$(guest_log capped)
assert_contains "the device model's log" "no guest pages for nic3/e1000.rom \
(256 KiB): the toolstack refused, reason 'cap': needed in all $((CAP + 4)) \
KiB, granted $((64 + 3 * 256)) KiB, cap $CAP KiB" "$log"
assert_equal "grants on record after the failure" 0 \
    "$(xenstore-ls -f /libxl 2> /dev/null | grep -c device-memory || :)"

# Another guest has the default cap, not this one's.
guest_new other
guest_nics other e1000 4
guest_start other
assert_identities other
guest_destroy other

memoryd_policy '[defaults]' 'cap = 64 MiB' '[name capped]' \
    "cap = $((CAP + 4)) KiB"
memoryd_reload
guest_start capped
guest_wait_hvmloader capped
assert_equal "grant, KiB" $((CAP + 4)) "$(grant_of capped)"
assert_identities capped
