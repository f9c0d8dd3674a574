# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device model under -xen-domid-restrict starts with its ROMs, hot-plugs from
# its reserve, and says why when that is used up.
# (The option by hand, without the empty root that libxl's dm_restrict=1 adds,
# so that ROM files can be hot-plugged; dm-restrict.sh has that.)
# timeout: 300
# needs: qemu xendm-memoryd

# A restricted device model cannot write its state to xenstore, and libxl's way
# of asking it needs dm_restrict.  So this says it for it, once it is complete.
say_running()
{
    wait_until 60 "the device model's blocks" blocks_of restricted
    sleep 1
    xenstore-write \
        "/local/domain/0/device-model/$(domid_of restricted)/state" running
}

memoryd_start
guest_new restricted
guest_linux restricted
guest_set restricted vga '"none"'
# QEMU's old backends end the device model when xenstore is closed to them.
guest_set restricted vkb_device 0
guest_nics restricted e1000 1
guest_dm_args restricted -xen-domid-restrict \
    -machine device-memory-reserve=320K
say_running > say.txt 2>&1 &
guest_start restricted
wait $!
guest_wait_linux restricted
id=$(domid_of restricted)
pages=$(pages_of "$id")
assert_equal "need: a ROM and the reserve, KiB" $((256 + 320)) \
    "$(guest_property restricted need-kib)"
assert_equal "grant, KiB" $((256 + 320)) "$(grant_of restricted)"
assert_equal "service" unreachable "$(guest_property restricted service)"

for round in 1 2 3; do
    say "round $round"
    guest_plug restricted 10 hot e1000
    guest_monitor restricted "device_add e1000,id=more" > more.txt 2>&1 || :
    assert_contains "device_add" "is restricted (-xen-domid-restrict) and can \
ask for none; 64 KiB of its reserve are left" more.txt
    guest_unplug restricted hot
done
assert_equal "the guest's answer" alive "$(guest_run restricted 'echo alive')"
assert_equal "pages" "$pages" "$(pages_of "$id")"
assert_equal "need, KiB" $((256 + 320)) "$(guest_property restricted need-kib)"
