# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hot-plug that gets no memory is an error of device_add: device model and
# guest go on.  With half of the pages and no daemon, over the cap, and with a
# daemon that is silent.  A bochs-display is refused whatever there is, and a
# memory backend on the command line.
# timeout: 300
# needs: qemu xendm-memoryd
DEADLINE_MS=2000
ALLOWANCE_MS=1000
ROM_PAGES=64

# refused TEXT [DRIVER]: device_add fails with the text and leaves nothing
# behind.
refused()
{
    before=$(pages_of "$id")
    guest_monitor errors "device_add ${2:-e1000},id=hot" > refused.txt 2>&1 ||
        :
    assert_contains "device_add" "$1" refused.txt
    assert_equal "pages" "$before" "$(pages_of "$id")"
    assert_equal "the guest's answer" alive "$(guest_run errors 'echo alive')"
    model_lacks errors hot || fail "the device is there all the same"
}

# has_need: the grant is what the device model needs, and it knows.
has_need()
{
    [ "$(grant_of errors)" = "$(guest_property errors need-kib)" ] &&
        [ "$(grant_of errors)" = "$(guest_property errors granted-kib)" ]
}

guest_new early
guest_dm_args early -object memory-backend-ram,id=early,size=64K
assert_fails "a start with a memory backend" guest_try_start early
assert_contains "the device model's log" 'no guest pages for \
memory-backend-ram/early (64 KiB): the guest has no memory yet' \
    "$(guest_log early)"

guest_new errors
guest_linux errors
# Linux takes video memory for its own and gives as much back to Xen; without
# any, the limit is as near as with other guests.
guest_set errors vga '"none"'
guest_nics errors e1000 3
guest_with_qmp errors
guest_start errors
guest_wait_linux errors
id=$(domid_of errors)

say "no daemon"
refused "a 'bochs-display' cannot be plugged in" bochs-display
# So much that Xen has half of a ROM left, and no more.
room=$(($(limit_of "$id") - $(pages_of "$id")))
assert_at_least "pages below the limit" $((ROM_PAGES / 2 + 1)) "$room"
guest_monitor errors "object_add memory-backend-ram,id=filler,\
size=$(((room - ROM_PAGES / 2) * 4))K"
refused "no guest pages for hot/e1000.rom (256 KiB): Xen gave \
$((ROM_PAGES / 2)) of $ROM_PAGES pages"

say "a daemon with a cap of 256 KiB"
memoryd_policy '[defaults]' 'cap=256KiB'
memoryd_start
refused "reason 'cap'"

say "a daemon that does not answer"
memoryd_freeze
refused 'did not answer within 2000 ms'
# Until the device model says so and goes on; what it adds to its deadline
# includes a wait of its own for readers of the memory that was refused.
took=$(/lab/dom0/qmp-time "$(guest_dir errors)/qmp.sock" refused e1000)
assert_at_least "time until device_add fails, us" $((DEADLINE_MS * 1000)) \
    "$took"
assert_at_most "time until device_add fails, us" \
    $(((DEADLINE_MS + ALLOWANCE_MS) * 1000)) "$took"
memoryd_thaw
sleep 1
assert_equal "grant after the withdrawal" "$(grant_of errors)" \
    "$(guest_property errors granted-kib)"

say "a daemon that is restarted with a higher cap"
memoryd_policy '[defaults]' 'cap=2MiB'
memoryd_stop
memoryd_start
wait_until 10 "a grant of all that the guest has" has_need

# The daemon stops first; nobody tidies up after the device model then.
say "the guest is destroyed with a memory backend plugged in"
guest_monitor errors "object_add memory-backend-ram,id=stays,size=64K"
xenstore-ls "/local/domain/0/device-model/$id/device-memory/blocks" > blocks.txt
assert_contains "the blocks" "16 populated memory-backend-ram/stays" blocks.txt
