# SPDX-License-Identifier: GPL-2.0-or-later
#
# On a Xen without PV IOMMU, xen-copy-engine copies in a Linux guest by the
# processor; one that wants bus addresses is refused, at start and at hot-plug,
# and nothing else notices.  So is the host that is emulated for tests, and so
# are bus addresses for a device model that will be restricted.  An engine that
# is armed to write its buffer is saved and restored, and does it then.
# timeout: 400
# needs: qemu

# Registers, and what is read from them: docs/specs/xen-copy-engine.rst.
ID=0x00
SOURCE=0x08
DESTINATION=0x10
LENGTH=0x18
DIRECTION=0x1c
COMMAND=0x20
STATUS=0x24
ERROR=0x28
DONE=0x2c
COPIES=0x38

# registers TEXT: runs a shell command in the guest, in which "poke REGISTER
# VALUE" and "peek REGISTER" reach the device; one command, because each takes
# a while.
registers()
{
    guest_run engine "poke() { devmem \$(($bar + \$1)) 32 \$2; }; \
        peek() { devmem \$(($bar + \$1)) 32; }; $1" | tr -d '\r'
}

# copy FROM TO: 4 KiB, by the engine.
copy()
{
    registers "poke $SOURCE $1; poke $DESTINATION $2; poke $LENGTH 4096; \
        poke $COMMAND 1; peek $STATUS; poke $COMMAND 2; sleep 1; \
        peek $STATUS; peek $ERROR; peek $DONE; poke $COMMAND 3; peek $STATUS" \
        > copied.txt
    assert_equal "armed, finished, error, bytes copied, idle" \
        "0x00000001 0x00000003 0x00000000 0x00001000 0x00000000" \
        "$(tr '\n' ' ' < copied.txt | sed 's/ $//')"
}

# slot_of FILE VALUE: the PCI device whose file has the value.
slot_of()
{
    guest_run engine "dirname \$(grep -l $2 /sys/bus/pci/devices/*/$1)" |
        tr -d '\r'
}

# bar_of SLOT: where its first BAR is.
bar_of()
{
    guest_run engine "head -n 1 $1/resource | cut -d ' ' -f 1" | tr -d '\r'
}

guest_new engine
guest_linux engine
guest_dm_args engine -device xen-copy-engine,id=ce0
guest_start engine
guest_wait_linux engine
slot=$(slot_of device 0x7863)
display=$(slot_of class 0x030000)
bar=$(bar_of "$slot")
video=$(bar_of "$display")
say "the engine's registers are at $bar, video memory at $video"
# Bus master and memory space on; the display's memory space as well.
guest_run engine "printf '\006' | \
    dd of=$slot/config bs=1 seek=4 conv=notrunc 2> /dev/null"
guest_run engine "echo 1 > $display/enable"
assert_equal "the engine's id" 0x31454358 "$(registers "peek $ID")"

# Linux leaves the first MiB of RAM alone, and lets nobody look there; so what
# is copied there is copied back to be looked at.
guest_run engine "devmem $video 32 0xfeedface"
copy "$video" 0x20000
copy 0x20000 $((video + 0x100000))
assert_equal "what was copied to RAM and back" 0xFEEDFACE \
    "$(guest_run engine "devmem $((video + 0x100000)) 32" | tr -d '\r')"
assert_equal "copies" 0x00000002 "$(registers "peek $COPIES")"

# The buffer's contents, the registers and the state go along.
registers "poke $SOURCE $video; poke $LENGTH 32; poke $DIRECTION 1; \
    poke $COMMAND 1; poke $COMMAND 2; sleep 1; poke $COMMAND 3; \
    poke $DESTINATION $((video + 0x200000)); poke $DIRECTION 2; \
    poke $COMMAND 1; peek $STATUS; devmem $((video + 0x200000)) 32" > armed.txt
assert_equal "armed; not written yet" "0x00000001 0x00000000" \
    "$(tr '\n' ' ' < armed.txt | sed 's/ $//')"
guest_save engine
guest_restore engine
wait_until 30 "the answer of the restored guest" guest_run engine 'echo alive'
assert_equal "still armed" 0x00000001 "$(registers "peek $STATUS")"
registers "poke $COMMAND 2; sleep 1; peek $STATUS; peek $ERROR; \
    devmem $((video + 0x200000)) 32; poke $COMMAND 3; poke $DIRECTION 0" \
    > written.txt
assert_equal "finished, error, what was written" \
    "0x00000003 0x00000000 0xFEEDFACE" \
    "$(tr '\n' ' ' < written.txt | sed 's/ $//')"

guest_monitor engine "device_add xen-copy-engine,id=late,pv-iommu=on" \
    > refused.txt 2>&1 || :
assert_contains "device_add's answer" "this Xen has no PV IOMMU" refused.txt
assert_equal "the guest's answer" alive \
    "$(guest_run engine 'echo alive' | tr -d '\r')"
copy 0x20000 "$video"
say "refused at hot-plug; the guest and the other engine go on"
guest_destroy engine

# refused NAME REASON ARGUMENT...: a device model with these does not start.
refused()
{
    name=$1
    reason=$2
    shift 2
    guest_new "$name"
    guest_dm_args "$name" "$@"
    if guest_try_start "$name"; then
        fail "a device model has started with $*"
    fi
    assert_contains "the device model's log" "$reason" "$(guest_log "$name")"
    say "refused at start: $reason"
}

refused wants "this Xen has no PV IOMMU" \
    -device xen-copy-engine,id=ce0,pv-iommu=on
refused pretends "a host that is emulated is for tests without Xen" \
    -device xen-pv-iommu-emulated \
    -device xen-copy-engine,id=ce0,pv-iommu=on,engine=emulated
refused restricted "this device model will not be able to make" \
    -xen-domid-restrict -device xen-copy-engine,id=ce0,pv-iommu=on
