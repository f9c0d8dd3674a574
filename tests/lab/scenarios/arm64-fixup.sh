# SPDX-License-Identifier: GPL-2.0-or-later
#
# On arm64, QEMU adds its devices to libxl's tree; the guest finds and uses
# them, and no extended region overlaps them.  What it says of the domain has to
# be right.
# machine: arm64-ioreq
# needs: qemu-arm64
# timeout: 300

# refused NAME WHAT TEXT [ARGUMENT...]: by the guest's device model, with a
# message.
refused()
{
    refused_name=$1
    refused_what=$2
    refused_text=$3
    shift 3
    assert_fails "our QEMU, $refused_what" \
        arm_model_try "$refused_name" ours "$@"
    assert_contains "its message" "$refused_text" "$(guest_log "$refused_name")"
    arm_model_stop "$refused_name"
}

arm_guest_new plain trixie
guest_set plain vcpus 2
arm_guest_start plain -p

# Our own generator makes the regions that libxl has made, no less and no more.
arm_dump plain.dtb '' -smp 2
assert_equal "regions without a window of QEMU's in them, as libxl's" \
    "$(tree_reg "$(arm_tree plain)")" "$(tree_reg plain.dtb)"

refused plain "with fewer CPUs than the domain's" \
    "can have 2 CPUs, -smp says 1" ,device-tree=fixup
ARM_MEMORY=$((ARM_MEMORY - 1))
refused plain "with less memory than the domain's" \
    "is -m what the domain has?" ,device-tree=fixup -smp 2
refused plain "the same, with a kernel of its own" \
    "beyond the end of RAM bank 0" ,device-tree=boot -smp 2 \
    -kernel /lab/guest/vmlinuz-trixie
ARM_MEMORY=$((ARM_MEMORY + 1))
refused plain "with a TPM that has no backend" "says that there is a TPM" \
    ,device-tree=fixup,tpm-base-addr=0x0c000000 -smp 2

# QEMU ends at a device that it does not have; nobody would serve the others.
before=$(lab-tree hash "$(domid_of plain)")
refused plain "with a device that lacks its disk" "can't find value 'typo'" \
    ,device-tree=fixup -smp 2 -device virtio-blk-device,drive=typo
refused plain "the same, with a kernel of its own" "can't find value 'typo'" \
    ,device-tree=boot -smp 2 -device virtio-blk-device,drive=typo \
    -kernel /lab/guest/vmlinuz-trixie
arm_model_start plain ours ,device-tree=fixup -smp 2 -incoming defer
assert_contains "what our QEMU says that waits for a domain" \
    "device-tree= is ignored" "$(guest_log plain)"
arm_model_stop plain
assert_equal "the guest's memory afterwards" "$before" \
    "$(lab-tree hash "$(domid_of plain)")"

# Without a window in it, nothing is rewritten there.
arm_model_start plain ours ,device-tree=fixup -smp 2
assert_contains "our QEMU's message" "nodes added" "$(guest_log plain)"
assert_contains "what it says of the regions" \
    "2 extended regions, Linux can use 2" "$(guest_log plain)"
arm_model_stop plain
arm_model_start plain ours ,device-tree=fixup -smp 2
assert_contains "the same QEMU once more" "0 nodes added, 10 were there" \
    "$(guest_log plain)"
xl unpause plain
guest_wait_linux plain
guest_run plain 'uname -r'
assert_equal "reg in the guest, as libxl made it" \
    "$(tree_reg "$(arm_tree plain)")" "$(guest_reg plain)"
guest_destroy plain
arm_model_stop plain

# Without a vuart, xl asks Xen for no shared interrupts.
arm_guest_new deaf
sed -i '/^vuart/d' "$(guest_dir deaf)/base"
arm_guest_start deaf -p
refused deaf "for a guest without shared interrupts" \
    "the domain has no interrupt 42" ,device-tree=fixup
guest_destroy deaf

# With virtio-pci's windows in the second bank they are taken out.
arm_guest_new fixed trixie
arm_guest_start fixed -p
arm_model_start fixed ours ",device-tree=fixup$ARM_PCI_WINDOWS"
arm_model_stop fixed
refused fixed "without a host that the tree has" "QEMU has none there" \
    ,device-tree=fixup
arm_model_with_devices fixed ,device-tree=fixup
cat "$(guest_log fixed)"
arm_windows fixed > windows
xl unpause fixed
guest_wait_linux fixed
guest_run fixed 'uname -r'
guest_regions fixed > regions
cat regions
assert_equal "region 0" "0x38000000 0x1000000" "$(sed -n 1p regions)"
assert_equal "regions" 4 "$(wc -l < regions)"
assert_apart windows regions
arm_dump fixed.dtb "$ARM_PCI_WINDOWS"
assert_equal "reg in the guest, as our QEMU's dumpdtb has it" \
    "$(tree_reg fixed.dtb)" "$(guest_reg fixed)"
say "QEMU's windows are out of the extended regions"

assert_guest_uses_devices fixed
guest_destroy fixed
arm_model_stop fixed

# Debian 12's kernel reads region 0 only, and has the others in the tree.
arm_guest_new old bookworm
arm_guest_start old -p
arm_model_with_devices old ,device-tree=fixup
xl unpause old
guest_wait_linux old
guest_run old 'uname -r'
assert_equal "reg in the guest with the old kernel" "$(tree_reg fixed.dtb)" \
    "$(guest_reg old)"
