# SPDX-License-Identifier: GPL-2.0-or-later
#
# A display and a memory backend come and go: 16 MiB of video memory, which the
# guest moves to a BAR, and 2 MiB of a backend.  QEMU 10.0 hot-plugs neither a
# virtio-vga nor a virtio-gpu-pci: that is its own error, and nothing changes.
# timeout: 300
# needs: qemu xendm-memoryd

memoryd_start
guest_new display
guest_linux display
guest_start display
guest_wait_linux display
id=$(domid_of display)
pages=$(pages_of "$id")

for driver in virtio-vga virtio-gpu-pci VGA; do
    guest_monitor display "device_add $driver,id=refused" > refused.txt 2>&1 ||
        :
    assert_contains "device_add $driver" \
        "Device '$driver' does not support hotplugging" refused.txt
    model_lacks display refused || fail "there is a $driver all the same"
    assert_equal "pages" "$pages" "$(pages_of "$id")"
    assert_equal "the guest's answer" alive \
        "$(guest_run display 'echo alive')"
done
assert_identities display

guest_plug display 10 screen secondary-vga
at_screen=$(pages_of "$id")
assert_at_least "pages more" 4096 $((at_screen - pages))
assert_identities display
guest_monitor display "object_add memory-backend-ram,id=backend,size=2M"
assert_equal "pages more with the backend" 512 \
    $(($(pages_of "$id") - at_screen))
assert_identities display
guest_monitor display "object_del backend"
wait_for_pages display "$at_screen"
guest_unplug display screen
wait_for_pages display "$pages"
assert_identities display
