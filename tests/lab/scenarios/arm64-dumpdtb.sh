# SPDX-License-Identifier: GPL-2.0-or-later
#
# Our QEMU's xenpvh writes the guest's device tree where there is no Xen to be
# reached.
# machine: arm64
# needs: qemu-arm64
# timeout: 120

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
assert_equal "the GIC's kind, if nothing is said" arm,gic-v3 \
    "$(fdtget plain.dtb /interrupt-controller@3001000 compatible)"
assert_equal "CPUs" 2 "$(fdtget -l plain.dtb /cpus | grep -c '^cpu@')"

dump pci.dtb "$ARM_PCI_WINDOWS,xen-version=4.20,extended-regions-max=1" \
    -m 512M
assert_equal "Xen's version" "xen,xen-4.20 xen,xen" \
    "$(fdtget pci.dtb /hypervisor compatible)"
assert_equal "the largest region that QEMU's windows leave" \
    "0x38000000 0x1000000
0x200000000 0xee00000000" "$(tree_regions pci.dtb)"

dump exclude.dtb ,gic-version=2,address-bits=36,extended-regions-exclude=`
    `0x70000000+0x10000000:0x300000000+1 -m 512M
assert_equal "the GIC's kind" "arm,cortex-a15-gic arm,cortex-a9-gic" \
    "$(fdtget exclude.dtb /interrupt-controller@3001000 compatible)"
assert_equal "what two exclusions and 36 bits leave" \
    "0x38000000 0x1000000
0x60000000 0x10000000
0x80000000 0x80000000
0x200000000 0x100000000
0x300200000 0xcffe00000" "$(tree_regions exclude.dtb)"
dump off.dtb ,extended-regions=off -m 512M
assert_equal "no regions" "0x38000000 0x1000000" "$(tree_regions off.dtb)"

# bad_option OPTION MESSAGE
bad_option()
{
    assert_fails "$1" dump none.dtb ",$1" -m 512M > bad.log 2>&1
    assert_contains "its message" "$2" bad.log
}

for bad in -1+1 1+-1 +1+1 '1+ 1' 1 1+ 0x+1 1+0 0xffffffffffffffff+2 1+1: :; do
    bad_option "extended-regions-exclude=$bad" "is not BASE+SIZE"
done
bad_option gic-version=4 "gic-version=4 is not from 2 to 3"
bad_option extended-regions-max=0 "extended-regions-max=0 is not from 1 to 256"
for bad in -4294967292.17 4 4. .17 +4.17 4.-1 4.17.5 65536.0; do
    bad_option "xen-version=$bad" "is not two numbers like 4.17"
done

assert_fails "dumpdtb without -m" dump none.dtb '' > no-m.log 2>&1
assert_contains "its message" "needs the guest's RAM size" no-m.log
assert_fails "windows that overlap RAM" dump none.dtb \
    ,pci-ecam-base=0x40000000,pci-ecam-size=0x10000000,pci-mmio-base=`
    `0x23000000,pci-mmio-size=0x1000000,pci-intx-irq-base=44 \
    -m 512M > overlap.log 2>&1
cat overlap.log
assert_contains "its message" "no device tree: PCI ECAM`
    ` [0x40000000, 0x4fffffff] overlaps RAM bank 0 [0x40000000," overlap.log
assert_fails "a property out of its limits" dump none.dtb ,address-bits=53 \
    -m 512M > bits.log 2>&1
assert_contains "its message" "address-bits=53 is not from 32 to 52" bits.log
