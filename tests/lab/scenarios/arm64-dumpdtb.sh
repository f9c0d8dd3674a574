# SPDX-License-Identifier: GPL-2.0-or-later
#
# Our QEMU's xenpvh writes the guest's device tree where there is no Xen to be
# reached.
# machine: arm64
# needs: qemu-arm64
# timeout: 60

# without_xen COMMAND...: runs it where nothing leads to the hypervisor.
without_xen()
{
    unshare -m sh -c 'mount -t tmpfs none /dev/xen &&
        mount -t tmpfs none /proc/xen && "$@"' without_xen "$@"
}

# dump FILE MACHINE-OPTIONS ARGUMENT...
dump()
{
    dump_machine=xenpvh,dumpdtb=$1$2
    shift 2
    without_xen qemu-arm64 -display none -M "$dump_machine" "$@"
}

assert_fails "xl where there is no Xen" without_xen xl info > no-xen.log 2>&1

dump plain.dtb '' -m 512M -smp 2
assert_equal "regions of 512 MiB, as libxl would have them" \
    "0x38000000 0x1000000
0x60000000 0xa0000000
0x200000000 0xfe00000000" "$(tree_regions plain.dtb)"
assert_equal "CPUs" 2 "$(fdtget -l plain.dtb /cpus | grep -c '^cpu@')"

dump pci.dtb "$ARM_PCI_WINDOWS,xen-version=4.20,extended-regions-max=1" \
    -m 512M
assert_equal "Xen's version" "xen,xen-4.20 xen,xen" \
    "$(fdtget pci.dtb /hypervisor compatible)"
assert_equal "the largest region that QEMU's windows leave" \
    "0x38000000 0x1000000
0x200000000 0xee00000000" "$(tree_regions pci.dtb)"

assert_fails "dumpdtb without -m" dump none.dtb '' > no-m.log 2>&1
assert_contains "its message" "needs the guest's RAM size" no-m.log
assert_fails "windows that overlap RAM" dump none.dtb \
    ,pci-ecam-base=0x40000000,pci-ecam-size=0x10000000,pci-intx-irq-base=44 \
    -m 512M > overlap.log 2>&1
cat overlap.log
assert_contains "its message" "no device tree" overlap.log
assert_fails "a property out of its limits" dump none.dtb ,address-bits=53 \
    -m 512M > bits.log 2>&1
assert_contains "its message" "address-bits=53 is not from 32 to 52" bits.log
