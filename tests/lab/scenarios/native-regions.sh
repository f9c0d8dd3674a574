# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the PV IOMMU's native operations read from a real Xen: that it has no PV
# IOMMU; its highest page, which is that of its own memory map; its reserved
# regions, of which this machine, without an IOMMU, has none.
# timeout: 60
# needs: lab-pv-iommu

# The end of RAM in Xen's memory map.
end=$(sed -n 's/^(XEN)  \[[0-9a-f]*, \([0-9a-f]*\)\] (usable).*/\1/p' \
    "$LAB_HYPERVISOR_LOG" | tail -n 1)
[ -n "$end" ] || fail "Xen's log has no memory map"
lab-pv-iommu > read.txt || fail "lab-pv-iommu has failed"
cat read.txt
assert_contains "the answer" "PV IOMMU: Function not implemented" read.txt
read=$(sed -n 's/^highest page: ok, //p' read.txt)
[ -n "$read" ] || fail "no highest page"
# The map's end is its last byte.
assert_equal "highest page" $((0x$end / 4096)) "$((read))"
assert_contains "the regions" "regions: ok, 0" read.txt
