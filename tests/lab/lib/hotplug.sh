# SPDX-License-Identifier: GPL-2.0-or-later
# Devices that come and go while a guest runs.

# A Linux guest acknowledges within a second or two; the emulated one is slow.
HOTPLUG_PATIENCE=20

# guest_has_pci NAME SLOT COUNT: the Linux guest sees so many functions there.
guest_has_pci()
{
    [ "$(guest_run "$1" "ls /sys/bus/pci/devices | grep -c ':$2\\.0'")" = "$3" ]
}

# model_has NAME ID: the device model has a device of that id.
model_has()
{
    guest_monitor "$1" "qom-list /machine/peripheral" | grep -q "^$2 "
}

model_lacks()
{
    ! model_has "$1" "$2"
}

# guest_plug NAME SLOT ID OPTIONS: device_add in a slot (two hex digits); a
# Linux guest sees the device when this returns.
guest_plug()
{
    guest_monitor "$1" "device_add $4,id=$3,addr=0x$2"
    wait_until "$HOTPLUG_PATIENCE" "$3 in guest $1" guest_has_pci "$1" "$2" 1
}

# guest_unplug NAME ID: device_del; the Linux guest has let go of it, and the
# device model has it no more, when this returns.
guest_unplug()
{
    guest_monitor "$1" "device_del $2"
    wait_until "$HOTPLUG_PATIENCE" "$2 gone from guest $1" model_lacks "$1" "$2"
}

# wait_for_pages NAME PAGES: memory is reclaimed a moment after the device.
wait_for_pages()
{
    wait_until 10 "guest $1 at $2 pages" at_pages "$1" "$2"
}

at_pages()
{
    [ "$(pages_of "$(domid_of "$1")")" = "$2" ]
}

# blocks_of NAME: what the device model publishes, a line a block.
blocks_of()
{
    xenstore-ls "/local/domain/0/device-model/$(domid_of "$1")/device-memory/\
blocks"
}

# nodes_of NAME: all nodes of a guest, of what libxl and the daemon keep of it,
# and of its device model, with their values.  Only the ids of requests are left
# out, which count up.
nodes_of()
{
    nodes_domid=$(domid_of "$1")
    for nodes_below in "/local/domain/$nodes_domid" "/libxl/$nodes_domid" \
        "/local/domain/0/device-model/$nodes_domid"; do
        xenstore-ls -f "$nodes_below"
    done | sed -E 's,(/device-memory/(request|answer) = ")[0-9]+ ,\1ID ,' | sort
}

# guest_rom_sum NAME SLOT: the check sum of a device's ROM as the guest reads
# it.
guest_rom_sum()
{
    rom=/sys/bus/pci/devices/0000:00:$2.0/rom
    guest_run "$1" "echo 1 > $rom; md5sum < $rom; echo 0 > $rom" |
        awk 'NF == 2 && $2 == "-" { print $1 }'
}

# guest_with_qmp NAME: guest_qmp works on it.
guest_with_qmp()
{
    guest_dm_args "$1" -qmp "unix:$(guest_dir "$1")/qmp.sock,server=on,wait=off"
}

# guest_qmp NAME COMMAND [JSON-ARGUMENTS [COMMAND...]]: what QEMU returns, as
# JSON; several commands come right after another.
guest_qmp()
{
    qmp_socket=$(guest_dir "$1")/qmp.sock
    shift
    python3 /lab/dom0/qmp-run "$qmp_socket" "$@"
}

# block_gfn NAME BLOCK: where QEMU has populated a block.
block_gfn()
{
    guest_qmp "$1" qom-get \
        '{"path": "/machine/xen-device-memory", "property": "blocks"}' |
        python3 -c 'import json, sys
for block in json.load(sys.stdin):
    if block["name"] == sys.argv[1]:
        print(block["gfn"])' "$2"
}

# guest_bar NAME SLOT BAR: where the Linux guest has put a device's BAR, which
# it enables.
guest_bar()
{
    bar_device=/sys/bus/pci/devices/0000:00:$2.0
    guest_run "$1" "echo 1 > $bar_device/enable; \
sed -n $(($3 + 1))p $bar_device/resource" |
        awk 'NF == 3 { print $1 }'
}

# guest_poke NAME ADDRESS VALUE, guest_peek NAME ADDRESS: the guest writes and
# reads 32 bits.  model_peek NAME ADDRESS: the device model reads them.
guest_poke()
{
    guest_run "$1" "devmem $2 32 $3"
}

guest_peek()
{
    guest_run "$1" "devmem $2 32" | tr -d '\r'
}

model_peek()
{
    guest_monitor "$1" "xp /1xw $2" | tr -d '\r' | awk '{ print $2 }'
}
