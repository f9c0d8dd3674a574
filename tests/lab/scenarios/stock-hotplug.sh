# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stock QEMU: hot-plug of a NIC that gets no memory ends the device model, and
# an unplugged one leaves its pages behind.  Both are asserted, so that the
# comparison with ours stays true.
# timeout: 300
# needs: qemu-stock

guest_new leak stock
guest_linux leak
guest_start leak
guest_wait_linux leak
id=$(domid_of leak)
pages=$(pages_of "$id")
guest_plug leak 10 hot e1000
guest_unplug leak hot
sleep 2
assert_equal "pages left behind" 64 $(($(pages_of "$id") - pages))
guest_destroy leak

guest_new dies stock
guest_nics dies e1000 4
guest_start dies
guest_wait_hvmloader dies
# What it has to say goes to the monitor, and ends with it.
assert_fails "device_add" guest_monitor dies "device_add e1000,id=hot"
assert_fails "the device model's monitor" guest_monitor dies "info status"
