# SPDX-License-Identifier: GPL-2.0-or-later
#
# With QEMU's devices in the tree, a grant that the guest maps lands in an
# extended region clear of QEMU's windows; with regions off, in RAM that Debian
# 13's kernel makes up, and which happens to be clear of them.
# machine: arm64-ioreq
# needs: qemu-arm64
# timeout: 300

# runs NAME MACHINE-OPTIONS: a paused guest of libxl's, mended by our QEMU.
runs()
{
    arm_guest_new "$1" trixie
    arm_guest_start "$1" -p
    arm_model_with_devices "$1" ",device-tree=fixup$2"
    xl unpause "$1"
    guest_wait_linux "$1"
    guest_run "$1" 'uname -r'
    guest_regions "$1" > "$1.regions"
    cat "$1.regions"
    guest_maps_grants "$1"
}

runs on ''
arm_windows on > windows
sed -i 1d on.regions
assert_grants_in_region on on.regions
assert_apart windows on.regions
assert_apart windows on.scratch
arm_dump on.dtb "$ARM_PCI_WINDOWS"
assert_equal "regions in the guest, as our QEMU's dumpdtb has them" \
    "$(tree_regions on.dtb | sed 1d)" "$(cat on.regions)"
guest_destroy on
arm_model_stop on

# Without a list, the kernel guesses.
runs off ,extended-regions=off
assert_equal "regions" 1 "$(wc -l < off.regions)"
assert_equal "region 0" "0x38000000 0x1000000" "$(cat off.regions)"
arm_windows off > taken
assert_equal "windows for PCI" 3 "$(wc -l < taken)"
echo "$ARM_VIRTIO_MMIO $ARM_VIRTIO_MMIO_SIZE virtio-mmio" >> taken
assert_grants_in_made_up_ram off taken
