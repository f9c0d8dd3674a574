# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ioreqs about a BFN reach our hook in QEMU's loop: number 9, which is
# XenServer's, and an INVALIDATE that carries a BFN.  Nobody has a BFN here: the
# first changes nothing, the second is left to QEMU.  A stock QEMU ends on the
# first.  No Xen sends them yet: lab-ioreq puts them where Xen puts its own.
# An INVALIDATE with all ones, which is today's, empties QEMU's map cache as
# ever.
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

# An engine that copies by the processor reads guest memory by way of the map
# cache.  Its registers: docs/specs/xen-copy-engine.rst.
MIB=1048576

# fill_cache: QEMU reads from one MiB of guest memory after the other, each of
# which gets a mapping of its own.
fill_cache()
{
    guest_run ours "$(printf '%s ' \
        'for mib in 16 24 32 40 48 56 64 72; do' \
        "devmem \$(($bar + 0x08)) 32 \$((mib * $MIB));" \
        "devmem \$(($bar + 0x18)) 32 4096; devmem \$(($bar + 0x1c)) 32 1;" \
        "devmem \$(($bar + 0x20)) 32 1; devmem \$(($bar + 0x20)) 32 2;" \
        "usleep 200000; devmem \$(($bar + 0x20)) 32 3; done")"
}

# mappings: of guest memory in the device model.
mappings()
{
    grep -c /dev/xen/privcmd "/proc/$model/maps"
}

# flushes YES|NO TYPE DATA: what an ioreq does to a map cache with something in.
flushes()
{
    fill_cache
    before=$(mappings)
    assert_at_least "mappings with a cache in use" $((unused + 8)) "$before"
    lab-ioreq "$id" "$2" "$3" || fail "type $2, data $3"
    after=$(mappings)
    say "type $2, data $3: $before mappings, then $after"
    if [ "$1" = yes ]; then
        assert_at_most "mappings after" $((before - 8)) "$after"
    else
        assert_at_least "mappings after" "$before" "$after"
    fi
}

guest_new ours
guest_linux ours
guest_dm_args ours -device xen-copy-engine,id=ce0
guest_start ours
guest_wait_linux ours
id=$(domid_of ours)
model=$(node "/local/domain/$id/image/device-model-pid")
slot=$(guest_run ours \
    'dirname $(grep -l 0x7863 /sys/bus/pci/devices/*/device)' | tr -d '\r')
bar=$(guest_run ours "head -n 1 $slot/resource | cut -d ' ' -f 1" | tr -d '\r')
guest_run ours "printf '\006' | \
    dd of=$slot/config bs=1 seek=4 conv=notrunc 2> /dev/null"
keep_busy ours
lab-ioreq "$id" "$INVALIDATE" "$FLUSH" || fail "today's INVALIDATE"
unused=$(mappings)
say "mappings after a flush: $unused"
flushes yes "$INVALIDATE" "$FLUSH"
flushes no "$INVAL_BFN" "$BFN"
# Without a device that uses bus addresses, our hook leaves it to QEMU, which
# does not look at the data.
flushes yes "$INVALIDATE" "$BFN"
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
