# SPDX-License-Identifier: GPL-2.0-or-later
#
# Our QEMU is attached to a paused guest, which boots with it and reads its
# devices.
# machine: arm64-ioreq
# needs: qemu-arm64
# timeout: 90

arm_guest_new attached trixie
arm_guest_start attached -p
arm_model_start attached ours ''
xl unpause attached
guest_wait_linux attached
assert_equal "what the guest reads in the first virtio-mmio slot" \
    "$ARM_VIRTIO_MAGIC" \
    "$(guest_run attached "devmem $ARM_VIRTIO_MMIO" | tail -n 1 | tr A-FX a-fx)"
arm_qmp attached query-status > status
assert_contains "the device model's status" running status
