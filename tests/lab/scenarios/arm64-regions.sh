# SPDX-License-Identifier: GPL-2.0-or-later
#
# With QEMU's devices in the tree, a grant that the guest maps lands in an
# extended region clear of QEMU's windows; with regions off, in the guest's RAM.
# machine: arm64-ioreq
# needs: qemu-arm64
# timeout: 180

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
assert_equal "grants in a window of QEMU's" "" \
    "$(overlapping on.scratch windows)"
guest_destroy on
arm_model_stop on

# What a kernel sees that knows of region 0 only.
runs off ,extended-regions=off
assert_equal "regions" 1 "$(wc -l < off.regions)"
assert_equal "region 0" "0x38000000 0x1000000" "$(cat off.regions)"
assert_grants_in_ram off
