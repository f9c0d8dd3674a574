# SPDX-License-Identifier: GPL-2.0-or-later
#
# On arm64, QEMU adds its devices to libxl's tree; the guest finds and uses
# them, and no extended region overlaps them.
# machine: arm64-ioreq
# needs: qemu-arm64
# timeout: 180

# Without a window in it, our regions are libxl's own: nothing is rewritten
# there.
arm_guest_new plain trixie
arm_guest_start plain -p
arm_model_start plain ours ,device-tree=fixup
assert_contains "our QEMU's message" "nodes added" "$(guest_log plain)"
xl unpause plain
guest_wait_linux plain
guest_run plain 'uname -r'
guest_run plain 'od -An -v -tx1 /proc/device-tree/hypervisor/reg' |
    tr -d ' \n\r' > reg.guest
fdtget -t bx "$(arm_tree plain)" /hypervisor reg |
    awk '{ for (i = 1; i <= NF; i++) printf "%2s", $i }' | tr ' ' 0 > reg.libxl
assert_equal "regions without a window of QEMU's in them, as libxl's" \
    "$(cat reg.libxl)" "$(cat reg.guest)"
guest_destroy plain
arm_model_stop plain

# With virtio-pci's windows in the second bank they are taken out.
arm_guest_new fixed trixie
arm_guest_start fixed -p
arm_model_with_devices fixed ,device-tree=fixup
cat "$(guest_log fixed)"
arm_windows fixed > windows
assert_equal "windows for PCI" 3 "$(wc -l < windows)"
xl unpause fixed
guest_wait_linux fixed
guest_run fixed 'uname -r'
guest_regions fixed > regions
cat regions
assert_equal "region 0" "0x38000000 0x1000000" "$(sed -n 1p regions)"
assert_equal "regions" 4 "$(wc -l < regions)"
overlapping windows regions > overlaps
assert_equal "windows that overlap a region" "" "$(cat overlaps)"
say "QEMU's windows are out of the extended regions"

assert_guest_uses_devices fixed
