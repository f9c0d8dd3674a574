# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stock QEMU's virtio-pci windows lie inside an extended region that libxl has
# given the guest, and nothing says so.
# machine: arm64-ioreq
# needs: qemu-arm64-stock
# timeout: 90

arm_guest_new stock trixie
arm_guest_start stock -p
tree_regions "$(arm_tree stock)" > regions
cat regions
assert_equal "region 2, of libxl" "0x200000000 0xfe00000000" \
    "$(sed -n 3p regions)"

arm_model_start stock stock "$ARM_PCI_WINDOWS"
arm_windows stock > windows
cat windows
assert_equal "windows for PCI" 3 "$(wc -l < windows)"
overlapping windows regions > overlaps
cat overlaps
assert_equal "windows inside a region of libxl's" 3 \
    "$(grep -c 'overlaps 0x200000000' overlaps)"
assert_lacks "stock QEMU's messages" overlap "$(guest_log stock)"
say "all three of stock QEMU's PCI windows are in libxl's extended region"

# Nor can stock QEMU say what the tree should be.
assert_fails "stock QEMU's dumpdtb" qemu-arm64-stock -display none \
    -M xenpvh,dumpdtb=stock.dtb > dump.log 2>&1
cat dump.log
assert_contains "stock QEMU's dumpdtb" "doesn't have an FDT" dump.log
