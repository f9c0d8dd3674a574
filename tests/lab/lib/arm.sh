# SPDX-License-Identifier: GPL-2.0-or-later
# Arm guests: libxl builds them, a device model of ours is attached by hand.
#
# Their functions fit those of guest.sh: guest_set, guest_start, guest_run and
# the rest work on them too.

# The memory of arm_guest_new's guests in MiB, for QEMU's -m.
ARM_MEMORY=256

# The device model's virtio-mmio slots, all of them, and what is to be read in
# the first: "virt".
ARM_VIRTIO_MMIO=0x2000000
ARM_VIRTIO_MMIO_SIZE=0x1400
ARM_VIRTIO_MAGIC=0x74726976

# arm_guest_new NAME [bookworm|trixie]: the small Linux with the kernel of that
# Debian release (default: bookworm, 6.1; trixie has 6.12).  It is talked to by
# way of Xen's console.  libxl starts no device model for it.
#
# The vuart is for the device model: Xen gives a guest only as many SPIs as
# libxl knows of devices, in 32s, so that with it there are those of xenpvh (33
# to 47).
arm_guest_new()
{
    mkdir -p "$(guest_dir "$1")"
    at_end guest_destroy "$1"
    : > "$(guest_dir "$1")/nics"
    : > "$(guest_dir "$1")/dm-args"
    case ${2:-bookworm} in
    bookworm) arm_suffix= ;;
    trixie) arm_suffix=-trixie ;;
    *) fail "arm_guest_new: kernel '$2'; allowed are bookworm and trixie" ;;
    esac
    cat > "$(guest_dir "$1")/base" << END
name = "$1"
type = "pvh"
vcpus = 1
memory = $ARM_MEMORY
kernel = "/lab/guest/vmlinuz$arm_suffix"
ramdisk = "/lab/guest/ramdisk$arm_suffix"
cmdline = "console=hvc0 quiet panic=1"
vuart = "sbsa_uart"
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
END
    guest_xen_console "$1"
}

# arm_guest_start NAME [OPTION...]: guest_start; libxl's final device tree is in
# the file of arm_tree NAME afterwards.
arm_guest_start()
{
    LIBXL_DEBUG_DUMP_DTB=$(arm_tree "$1")
    export LIBXL_DEBUG_DUMP_DTB
    guest_start "$@"
    unset LIBXL_DEBUG_DUMP_DTB
}

# arm_tree NAME: the file with the device tree that libxl has made.
arm_tree()
{
    printf '%s/tree.dtb\n' "$(guest_dir "$1")"
}

# arm_model_try NAME stock|ours MACHINE-OPTIONS [ARGUMENT...]: starts QEMU's
# machine xenpvh, attached to the guest, which is paused (guest_start NAME -p)
# or runs.  MACHINE-OPTIONS begin with a comma or are empty.  The status says
# whether QEMU answers on its monitor; its messages are in guest_log NAME.
arm_model_try()
{
    model_name=$1
    case $2 in
    ours) model=/lab/bin/qemu-arm64 ;;
    stock) model=/lab/bin/qemu-arm64-stock ;;
    *) fail "arm_model_try: device model '$2'; allowed are stock and ours" ;;
    esac
    model_options=$3
    shift 3
    model_domid=$(domid_of "$model_name")
    printf '%s\n' "$model_domid" > "$(guest_dir "$model_name")/model-domid"
    model_socket=$(guest_dir "$model_name")/qmp.sock
    rm -f "$model_socket"
    "$model" -M "xenpvh$model_options" -xen-domid "$model_domid" \
        -xen-attach -m "$ARM_MEMORY" -name "$model_name" -nodefaults \
        -display none -no-user-config \
        -qmp "unix:$model_socket,server=on,wait=off" "$@" \
        > "$(guest_log "$model_name")" 2>&1 &
    printf '%s\n' "$!" > "$(guest_dir "$model_name")/model-pid"
    at_end arm_model_stop "$model_name"
    model_tries=100
    while [ "$model_tries" -gt 0 ] && arm_model_lives "$model_name"; do
        if arm_qmp "$model_name" query-status > /dev/null 2>&1; then
            return 0
        fi
        sleep "$POLL"
        model_tries=$((model_tries - 1))
    done
    return 1
}

# arm_model_start NAME stock|ours MACHINE-OPTIONS [ARGUMENT...]: the same, and
# it has to work.
arm_model_start()
{
    if ! arm_model_try "$@"; then
        sed 's/^/  device model: /' "$(guest_log "$1")"
        fail "the device model of guest $1 does not start"
    fi
}

# arm_model_lives NAME: the device model's process is there.
arm_model_lives()
{
    kill -0 "$(cat "$(guest_dir "$1")/model-pid")" 2> /dev/null
}

# arm_model_stop NAME: ends the device model; no error if it has ended.  What it
# wrote to xenstore goes too, which libxl does only for those that it starts.
arm_model_stop()
{
    if [ -f "$(guest_dir "$1")/model-pid" ]; then
        kill "$(cat "$(guest_dir "$1")/model-pid")" 2> /dev/null || :
        wait "$(cat "$(guest_dir "$1")/model-pid")" 2> /dev/null || :
        xenstore-rm "/local/domain/0/device-model/$(cat \
            "$(guest_dir "$1")/model-domid")" 2> /dev/null || :
        rm "$(guest_dir "$1")/model-pid"
    fi
}

# arm_qmp NAME COMMAND [JSON-ARGUMENTS]: what QEMU replies, as JSON.
arm_qmp()
{
    qmp_socket=$(guest_dir "$1")/qmp.sock
    shift
    python3 /lab/dom0/qmp-run "$qmp_socket" "$@"
}

# tree_regions FILE: the regions of the hypervisor node in a device tree, a line
# "START SIZE" for each, in hexadecimal.
tree_regions()
{
    fdtget -t x "$1" /hypervisor reg | tr -s ' ' '\n' | paste -d ' ' - - - - |
        while read -r a b c d; do
            printf '%#x %#x\n' "$((0x$a << 32 | 0x$b))" "$((0x$c << 32 | 0x$d))"
        done
}

# tree_reg FILE: all of the hypervisor node's reg, in hexadecimal.
tree_reg()
{
    fdtget -t bx "$1" /hypervisor reg |
        awk '{ for (i = 1; i <= NF; i++) printf "%2s", $i }' | tr ' ' 0
}

# guest_reg NAME: the same as the guest sees it.
guest_reg()
{
    guest_run "$1" 'od -An -v -tx1 /proc/device-tree/hypervisor/reg' |
        tr -d ' \n\r'
}

# arm_dump FILE MACHINE-OPTIONS [ARGUMENT...]: the tree that our QEMU writes for
# a guest of ARM_MEMORY.
arm_dump()
{
    dump_machine=xenpvh,dumpdtb=$1$2
    shift 2
    qemu-arm64 -M "$dump_machine" -m "$ARM_MEMORY" -display none "$@"
}

# Where the usual recipe puts the windows of virtio-pci, as machine options:
# inside the second bank of guest RAM's address space.
ARM_PCI_WINDOWS=,pci-ecam-base=0xf100000000,pci-ecam-size=0x10000000
ARM_PCI_WINDOWS=$ARM_PCI_WINDOWS,pci-mmio-base=0xf110000000
ARM_PCI_WINDOWS=$ARM_PCI_WINDOWS,pci-mmio-size=0x2000000
ARM_PCI_WINDOWS=$ARM_PCI_WINDOWS,pci-mmio-high-base=0xf000000000
ARM_PCI_WINDOWS=$ARM_PCI_WINDOWS,pci-mmio-high-size=0x100000000
ARM_PCI_WINDOWS=$ARM_PCI_WINDOWS,pci-intx-irq-base=44

# arm_windows NAME: the windows that the device model decodes for PCI, as its
# own memory map says: a line "START SIZE WINDOW" for each, in hexadecimal.
arm_windows()
{
    arm_qmp "$1" human-monitor-command '{"command-line": "info mtree"}' |
        sed 's/\\r\\n/\n/g' | sed -n 's/^ *\([0-9a-f]*\)-\([0-9a-f]*\) .*: '`
        `'\(alias \)\{0,1\}\(pcie-[a-z-]*\).*/\1 \2 \4/p' | sort -u |
        while read -r first last window; do
            printf '%#x %#x %s\n' "$((0x$first))" \
                "$((0x$last - 0x$first + 1))" "$window"
        done
}

# overlapping FILE FILE: the pairs of lines "START SIZE ..." of the two files
# that have an address in common.
overlapping()
{
    while read -r start size name; do
        while read -r other_start other_size other_name; do
            if [ "$((start))" -lt "$((other_start + other_size))" ] &&
                [ "$((other_start))" -lt "$((start + size))" ]; then
                echo "$start $size $name overlaps" \
                    "$other_start $other_size $other_name"
            fi
        done < "$2"
    done < "$1"
}

# inside FILE FILE: the lines "START SIZE ..." of the first file that lie within
# a line of the second.
inside()
{
    while read -r start rest; do
        while read -r other_start other_size _; do
            if [ "$((start))" -ge "$((other_start))" ] &&
                [ "$((start + ${rest%% *}))" -le \
                    "$((other_start + other_size))" ]
            then
                echo "$start $rest"
                break
            fi
        done < "$2"
    done < "$1"
}

# assert_apart WINDOWS REGIONS: no line "START SIZE ..." of the one file has an
# address in common with one of the other, and the first has the three that
# arm_windows prints.  The virtio-mmio slots count as well.
assert_apart()
{
    assert_equal "windows for PCI" 3 "$(wc -l < "$1")"
    assert_at_least "what they are compared with" 1 "$(wc -l < "$2")"
    { cat "$1" && echo "$ARM_VIRTIO_MMIO $ARM_VIRTIO_MMIO_SIZE virtio-mmio"; } \
        > "$1.all"
    assert_equal "windows that overlap one of those" "" \
        "$(overlapping "$1.all" "$2")"
}

# guest_regions NAME: the regions of the hypervisor node as the guest sees them,
# as tree_regions prints them.
guest_regions()
{
    guest_run "$1" 'od -An -v -tx1 -w16 /proc/device-tree/hypervisor/reg' |
        tr -d ' \r' | grep -E '^[0-9a-f]{32}$' | while read -r pair; do
        printf '%#x %#x\n' "$((0x${pair%????????????????}))" \
            "$((0x${pair#????????????????}))"
    done
}

# arm_model_with_devices NAME MACHINE-OPTIONS [ARGUMENT...]: our device model,
# with a disk on virtio-mmio, full of x, and a random number generator on
# virtio-pci.  All of ARM_PCI_WINDOWS lies above 4 GiB, so there is no place for
# the 32-bit BAR of MSI-X (vectors=0).
arm_model_with_devices()
{
    devices_name=$1
    devices_options=$2$ARM_PCI_WINDOWS
    devices_disk=$(guest_dir "$1")/disk.img
    shift 2
    head -c 1048576 /dev/zero | tr '\0' x > "$devices_disk"
    arm_model_start "$devices_name" ours "$devices_options" \
        -drive "file=$devices_disk,format=raw,if=none,id=d0" \
        -device virtio-blk-device,drive=d0 \
        -device virtio-rng-pci,disable-legacy=on,vectors=0 "$@"
}

# assert_guest_uses_devices NAME: those two.
assert_guest_uses_devices()
{
    guest_run "$1" load-drivers
    assert_equal "bytes of the virtio-mmio disk, as the guest reads them" \
        xxxxxxxx "$(guest_run "$1" 'head -c 8 /dev/vda; echo' | tr -d '\r\n')"
    assert_equal "bytes of virtio-pci's random number generator" 16 \
        "$(guest_run "$1" 'head -c 16 /dev/hwrng | wc -c' | tr -d '\r\n ')"
    say "the guest uses a virtio-mmio and a virtio-pci device"
}
