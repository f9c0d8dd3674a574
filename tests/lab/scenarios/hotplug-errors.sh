# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hot-plug that gets no memory is an error of device_add: device model and
# guest go on.  With no daemon, over the cap, and with a daemon that is silent.
# timeout: 300
# needs: qemu xendm-memoryd
DEADLINE_MS=2000
ALLOWANCE_MS=1000

# refused TEXT: device_add fails with the text and leaves nothing behind.
refused()
{
    before=$(pages_of "$id")
    guest_monitor errors "device_add e1000,id=hot" > refused.txt 2>&1 || :
    assert_contains "device_add" "$1" refused.txt
    assert_equal "pages" "$before" "$(pages_of "$id")"
    assert_equal "the guest's answer" alive "$(guest_run errors 'echo alive')"
    model_lacks errors hot || fail "the device is there all the same"
}

guest_new errors
guest_linux errors
# Linux takes video memory for its own and gives as much back to Xen; without
# any, the limit is as near as with other guests.
guest_set errors vga '"none"'
guest_nics errors e1000 4
guest_with_qmp errors
guest_start errors
guest_wait_linux errors
id=$(domid_of errors)

say "no daemon"
refused 'no guest pages for hot/e1000.rom (256 KiB): Xen gave'

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
assert_equal "grant after the withdrawal" "$(guest_property errors need-kib)" \
    "$(guest_property errors granted-kib)"

# The daemon stops first; nobody tidies up after the device model then.
say "the guest is destroyed with a memory backend plugged in"
memoryd_policy '[defaults]' 'cap=2MiB'
memoryd_reload
guest_monitor errors "object_add memory-backend-ram,id=stays,size=64K"
xenstore-ls "/local/domain/0/device-model/$id/device-memory/blocks" > blocks.txt
assert_contains "the blocks" "16 populated memory-backend-ram/stays" blocks.txt
