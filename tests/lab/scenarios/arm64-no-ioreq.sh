# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's Xen for arm64 has no ioreq servers: a device model goes on without,
# and no access of the guest's reaches it.  Ours does not tell a guest of
# devices then.
# machine: arm64
# needs: qemu-arm64 qemu-arm64-stock

arm_guest_new none
arm_guest_start none -p
assert_fails "our QEMU that is to make the guest's tree, without -m" \
    timeout 20 qemu-arm64 -M xenpvh,device-tree=fixup -nodefaults \
    -display none -xen-domid "$(domid_of none)" -xen-attach > no-m.log 2>&1
assert_contains "its message" "need the domain's RAM size (-m)" no-m.log
for use in fixup boot; do
    assert_fails "the same with -m (device-tree=$use)" arm_model_try none ours \
        ",device-tree=$use" -kernel /lab/guest/vmlinuz
    assert_contains "its message" "Xen has no ioreq server for them" \
        "$(guest_log none)"
    arm_model_stop none
done
arm_model_start none stock ''
assert_contains "its messages" "failed to create ioreq server" \
    "$(guest_log none)"
xl unpause none
guest_wait_linux none
assert_fails "the guest's read of the device model's first virtio-mmio slot" \
    guest_run none "devmem $ARM_VIRTIO_MMIO"
