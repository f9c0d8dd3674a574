# SPDX-License-Identifier: GPL-2.0-or-later
#
# Without the daemon ours does what stock does, but says what to do.
# Four e1000 start, a fifth fails with our message.
# timeout: 120
# needs: qemu

guest_new four
guest_nics four e1000 4
guest_start four
guest_wait_hvmloader four
id=$(domid_of four)
assert_equal "max_pages" "$(libxl_limit four)" "$(limit_of "$id")"
assert_equal "service" none "$(guest_property four service)"
assert_equal "requests in xenstore" 0 \
    "$(nodes "/local/domain/0/device-model/$id/device-memory/request")"
guest_destroy four

guest_new five
guest_nics five e1000 5
assert_fails "a start with five e1000" guest_try_start five
log=$(guest_log five)
assert_contains "the device model's log" \
    'xen-device-memory: no guest pages for nic4/e1000.rom (256 KiB)' "$log"
assert_contains "the device model's log" \
    'Start xendm-memoryd before the guest' "$log"
