# SPDX-License-Identifier: GPL-2.0-or-later
#
# A restored guest whose device model does not ask, as there is nothing
# announced: its provisional grant is taken back, and the guest lives on.
# timeout: 150
# needs: qemu xendm-memoryd

taken_back()
{
    [ "$(grant_of silent)" -eq 0 ] && no_provisional_grant silent
}

memoryd_start
guest_new silent
guest_nics silent e1000 8
guest_start silent
# hvmloader would not find its memory map after a restore.
guest_wait_hvmloader silent
guest_save silent
xenstore-rm "$MEMORYD_ANNOUNCEMENT"
guest_restore silent
id=$(domid_of silent)
# What is not to be missed while xl is still at work is in the log.
assert_contains "the daemon's log" \
    'brought device memory along; provisional grant ' "$(memoryd_log)"
wait_until 20 "end of the provisional grant" taken_back
assert_equal "max_pages" "$(libxl_limit silent)" "$(limit_of "$id")"
assert_at_least "pages that the guest keeps" $(($(libxl_limit silent) + 1)) \
    "$(pages_of "$id")"
assert_contains "the daemon's log" 'does not say what it needs' \
    "$(memoryd_log)"
assert_equal "over-allocations" 0 "$(over_allocations "$id")"
assert_equal "state of the device model" running \
    "$(node "/local/domain/0/device-model/$id/state")"
guest_destroy silent
assert_nothing_left "$id"
