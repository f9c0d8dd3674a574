# SPDX-License-Identifier: GPL-2.0-or-later
#
# On arm64, a broken, truncated, oversized or cyclic device tree in a domain's
# memory is refused by name, and not a byte of that memory changes.
#
# A tree in read-only memory is not among them: Xen has none on Arm that a
# toolstack could give to a domain.  The unit tests have it.
# machine: arm64-ioreq
# needs: qemu-arm64
# timeout: 600

# MiB; all of it is hashed, again and again.  With 128 and less, libxl would put
# the tree into the last page.
ARM_MEMORY=160
LAST_PAGE=0x49fff000

# tree_with HEX OFFSET: the good tree with other bytes, in bad.dtb.
tree_with()
{
    cp good.dtb bad.dtb
    python3 -c 'import sys
f = open("bad.dtb", "r+b")
f.seek(int(sys.argv[2]))
f.write(bytes.fromhex(sys.argv[1]))' "$@"
}

# refused WHAT TEXT: the tree in memory is refused with a message that has the
# text; the memory is the same afterwards.
refused()
{
    before=$(lab-tree hash "$id")
    [ "$before" != "$last" ] || fail "$1: the hash is that of another tree"
    last=$before
    assert_fails "our QEMU on a tree: $1" \
        arm_model_try victim ours ,device-tree=fixup"$ARM_PCI_WINDOWS"
    assert_contains "the message ($1)" "left as it is: $2" \
        "$(guest_log victim)"
    assert_equal "memory ($1)" "$before" "$(lab-tree hash "$id")"
    arm_model_stop victim
}

# tree_refused WHAT TEXT: the same with bad.dtb.
tree_refused()
{
    lab-tree write "$id" bad.dtb
    refused "$@"
    lab-tree write "$id" good.dtb
}

arm_guest_new victim
arm_guest_start victim -p
id=$(domid_of victim)
last=
address=$(lab-tree address "$id")
lab-tree read "$id" good.dtb

tree_with deadbeef 0
tree_refused broken "no device tree: it begins with 0xdeadbeef"
tree_with 00000010 20
tree_refused "too old" "device tree of version 16"
tree_with fffffff0 8
tree_refused "broken structure block" "the device tree's structure block is at"
# The length of the first property leads libfdt back to where it is.
structure=$(od -An -tx1 -j8 -N4 good.dtb | tr -d ' ')
tree_with fffffff4 $((0x$structure + 12))
tree_refused circular "the device tree is broken: a property takes"
tree_with 00000100 4
tree_refused truncated "the device tree's structure block is at"
tree_with 00000004 4
tree_refused "without a header" "the device tree claims to have 4 bytes"
tree_with 7fffffff 4
tree_refused oversized "the device tree claims to have 2147483647 bytes"

say "trees that libfdt can read"
cp good.dtb bad.dtb
fdtput -c bad.dtb /circle
fdtput -t x bad.dtb /circle phandle 99
fdtput -t x bad.dtb /circle interrupt-parent 99
fdtput -t x bad.dtb /hypervisor interrupt-parent 99
tree_refused cyclic "the hypervisor node's interrupt parents go round"
cp good.dtb bad.dtb
path=$(printf '/deeper%.0s' $(seq 100))
fdtput -cp bad.dtb "$path"
tree_refused deep "the device tree's nodes are nested more than"
cp good.dtb bad.dtb
fdtput -c bad.dtb /endless
fdtput -t x bad.dtb /endless reg ffffffff fffff000 0 2000
tree_refused "beyond 2^64" "node endless: 0xfffffffffffff000 with size 0x2000"
cp good.dtb bad.dtb
fdtput -c bad.dtb /intruder
fdtput -t x bad.dtb /intruder reg f1 4000 0 1000
tree_refused "in QEMU's way" \
    "PCI ECAM [0xf100000000, 0xf10fffffff] overlaps node intruder"
cp good.dtb bad.dtb
fdtput -c bad.dtb /bus
fdtput -t x bad.dtb /bus interrupts-extended fde8 0 c 4
tree_refused "with QEMU's interrupt" "interrupt 44 of PCI INTA is also that of"

say "trees in the wrong place"
lab-tree move "$id" 0x1000
refused "no memory there" "no device tree can be at 0x1000"
lab-tree move "$id" "$(printf '%#x' $((address + 4)))"
last=
refused misaligned "no device tree can be at"
lab-tree move "$id" "$LAST_PAGE"
tree_with 00002000 4
head -c 4096 bad.dtb > page.dtb
lab-tree write "$id" page.dtb
refused "beyond the end of RAM" "the device tree at $LAST_PAGE claims to have"
lab-tree move "$id" "$address"
{ cat good.dtb; head -c 16384 /dev/zero | tr '\0' x; } > bad.dtb
tree_refused "no room behind it" "no room for the new device tree"

# What made all of them hostile was the tree: the good one is accepted.
{ cat good.dtb; head -c 16384 /dev/zero; } > bad.dtb
lab-tree write "$id" bad.dtb
before=$(lab-tree hash "$id")
arm_model_start victim ours ,device-tree=fixup"$ARM_PCI_WINDOWS"
assert_contains "our QEMU's message" "nodes added" "$(guest_log victim)"
[ "$before" != "$(lab-tree hash "$id")" ] || fail "the hash does not change"
