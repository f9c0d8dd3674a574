# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's Xen for arm64 has no ioreq servers: a device model goes on without,
# and no access of the guest's reaches it.
# machine: arm64
# needs: qemu-arm64-stock

arm_guest_new none
arm_guest_start none -p
arm_model_start none stock ''
assert_contains "its messages" "failed to create ioreq server" \
    "$(guest_log none)"
xl unpause none
guest_wait_linux none
assert_fails "the guest's read of the device model's first virtio-mmio slot" \
    guest_run none "devmem $ARM_VIRTIO_MMIO"
