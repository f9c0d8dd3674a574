# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ioreqs about a BFN reach our hook in QEMU's loop: number 9, which is
# XenServer's, and an INVALIDATE that carries a BFN.  Nobody has a BFN here, so
# that they change nothing.  A stock QEMU ends on the first.  No Xen sends them
# yet: lab-ioreq puts them where Xen puts its own.
# timeout: 300
# needs: qemu qemu-stock

# Numbers and data: docs/specs/pv-iommu.rst.
INVALIDATE=8
INVAL_BFN=9
BFN=0x12345
FLUSH=0xffffffffffffffff

# A guest that reads from a device makes the device model look.
keep_busy()
{
    guest_run "$1" "$(printf '%s ' \
        'while cat /sys/bus/pci/devices/*/config; do sleep 0.1; done' \
        '> /dev/null & :')"
}

guest_new ours
guest_linux ours
guest_start ours
guest_wait_linux ours
id=$(domid_of ours)
keep_busy ours
for type in $INVAL_BFN $INVALIDATE; do
    for data in $BFN 0 0xfffffffffffffffe $FLUSH; do
        lab-ioreq "$id" "$type" "$data" || fail "type $type, data $data"
        printf 'checked: type %s with data %s was taken\n' "$type" "$data"
    done
done
guest_monitor ours "info status" > status.txt
assert_contains "the device model" running status.txt
assert_lacks "its log" "Invalid ioreq" "$(guest_log ours)"
guest_destroy ours

guest_new dies stock
guest_linux dies
guest_start dies
guest_wait_linux dies
id=$(domid_of dies)
keep_busy dies
assert_fails "number 9" lab-ioreq "$id" "$INVAL_BFN" "$BFN"
assert_contains "the log of stock" "Invalid ioreq type 0x9" "$(guest_log dies)"
assert_fails "the monitor of stock" guest_monitor dies "info status"
