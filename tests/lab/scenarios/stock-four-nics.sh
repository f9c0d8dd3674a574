# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stock QEMU: four e1000 start, a fifth fails to populate its option ROM.
# The failure is asserted, so that the comparison with ours stays true.
# timeout: 120
# needs: qemu-stock

guest_new four stock
guest_nics four e1000 4
guest_start four
guest_wait_hvmloader four
id=$(domid_of four)
assert_equal "pages left below the limit" 0 \
    $(($(limit_of "$id") - $(pages_of "$id")))
assert_at_least "pages that hvmloader was refused" 1 "$(over_allocations)"
guest_destroy four

guest_new five stock
guest_nics five e1000 5
assert_fails "a start with five e1000" guest_try_start five
assert_contains "the device model's log" 'xen: failed to populate ram' \
    "$(guest_log five)"
