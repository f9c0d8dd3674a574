# SPDX-License-Identifier: GPL-2.0-or-later
# Guests: their configurations, their life, their monitor, their serial port.
#
# A guest is described by files in $LAB_STATE/guest-NAME, so that a scenario
# can have several at once.

LINUX_READY='lab-guest: shell ready'
# What hvmloader prints last.
HVMLOADER_READY='Invoking SeaBIOS'
# What SeaBIOS prints when all option ROMs are initialised and boot begins.
FIRMWARE_READY='Press ESC for boot menu'
# Where xenconsoled writes what guests say.
XEN_CONSOLES=/var/log/xen/console

guest_dir()
{
    printf '%s/guest-%s\n' "$LAB_STATE" "$1"
}

# guest_new NAME [stock|ours]: a guest of 128 MiB with a standard VGA, no NIC,
# nothing to boot from, and the given device model (default: ours).
guest_new()
{
    mkdir -p "$(guest_dir "$1")"
    at_end guest_destroy "$1"
    rm -f "$(guest_dir "$1")/xen-console"
    : > "$(guest_dir "$1")/nics"
    : > "$(guest_dir "$1")/dm-args"
    case ${2:-ours} in
    ours) guest_model=/lab/bin/qemu ;;
    stock) guest_model=/lab/bin/qemu-stock ;;
    *) fail "guest_new: device model '$2'; allowed are stock and ours" ;;
    esac
    guest_serial=$(guest_dir "$1")/serial
    cat > "$(guest_dir "$1")/base" << EOF
name = "$1"
type = "hvm"
vcpus = 1
device_model_version = "qemu-xen"
device_model_override = "$guest_model"
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
vnc = 0
serial = "unix:$guest_serial.sock,server=on,wait=off,logfile=$guest_serial.log"
EOF
    guest_set "$1" memory 128
    guest_set "$1" vga '"stdvga"'
    # Our programs are not installed, so QEMU does not find its ROMs itself.
    for place in /usr/share/qemu /usr/share/seabios /usr/lib/ipxe/qemu; do
        guest_dm_args "$1" -L "$place"
    done
}

# guest_set NAME KEY VALUE: a line of the configuration (strings in quotes).
guest_set()
{
    sed -i "/^$2 = /d" "$(guest_dir "$1")/base"
    printf '%s = %s\n' "$2" "$3" >> "$(guest_dir "$1")/base"
}

# guest_timed NAME [stock|ours]: to be measured by timed_start.
guest_timed()
{
    case ${2:-ours} in
    ours) guest_set "$1" device_model_override '"/lab/bin/lab-start-qemu"' ;;
    stock) guest_set "$1" device_model_override \
        '"/lab/bin/lab-start-qemu-stock"' ;;
    esac
}

# timed_start NAME: starts a guest, paused; prints the microseconds from the
# start of its device model until that says "running" in xenstore.
timed_start()
{
    lab-start-time > "$(guest_dir "$1")/start-time" &
    timer=$!
    guest_start "$1" -p > /dev/null
    wait "$timer"
    cat "$(guest_dir "$1")/start-time"
}

# guest_nics NAME MODEL [COUNT]: emulated NICs, made by libxl.
guest_nics()
{
    nic_count=${3:-1}
    while [ "$nic_count" -gt 0 ]; do
        printf "'model=%s,type=ioemu,script=/lab/dom0/vif-none'\n" "$2" \
            >> "$(guest_dir "$1")/nics"
        nic_count=$((nic_count - 1))
    done
}

# guest_dm_args NAME ARGUMENT...: extra arguments for the device model.
guest_dm_args()
{
    dm_file=$(guest_dir "$1")/dm-args
    shift
    printf "'%s'\n" "$@" >> "$dm_file"
}

# guest_linux NAME [KERNEL-ARGUMENTS]: boots the small Linux (128 MiB suffice).
guest_linux()
{
    guest_set "$1" kernel '"/lab/guest/vmlinuz"'
    guest_set "$1" ramdisk '"/lab/guest/ramdisk"'
    # Without xen_emul_unplug Linux would throw its emulated NICs out.
    guest_set "$1" cmdline "\"console=ttyS0 quiet panic=1 pci=noearly \
${2:-xen_emul_unplug=never}\""
    # SeaBIOS would run each option ROM for a second; zero stands for none.
    guest_dm_args "$1" -fw_cfg \
        name=etc/pci-optionrom-exec,file=/lab/guest/zero
}

# guest_xen_console NAME: the small Linux (after guest_linux) is talked to by
# way of Xen's console in place of an emulated serial port.  Each domain has one
# of its own; so it is for guests without a device model, and for those that
# migrate on one host, where two device models would share a socket.
guest_xen_console()
{
    sed -i '/^cmdline = /s/"$/ lab.console=hvc0"/' "$(guest_dir "$1")/base"
    rm -f "$XEN_CONSOLES/guest-$1.log"
    : > "$(guest_dir "$1")/xen-console"
}

# guest_without_model NAME pv|pvh: makes the small Linux (after guest_linux) a
# guest of that type, which has no device model.
guest_without_model()
{
    guest_set "$1" type "\"$2\""
    guest_xen_console "$1"
}

# guest_config NAME: writes the file for xl; its name.
guest_config()
{
    {
        cat "$(guest_dir "$1")/base"
        printf 'vif = [ %s ]\n' "$(paste -sd, "$(guest_dir "$1")/nics")"
        printf 'device_model_args = [ %s ]\n' \
            "$(paste -sd, "$(guest_dir "$1")/dm-args")"
    } > "$(guest_dir "$1")/xl.cfg"
    printf '%s\n' "$(guest_dir "$1")/xl.cfg"
}

# guest_try_start NAME [OPTION...]: the status of "xl create".  What it prints
# goes to the file of guest_output NAME.
guest_try_start()
{
    config_file=$(guest_config "$1")
    start_name=$1
    shift
    start_began=$(now_ms)
    start_status=0
    xl create "$@" "$config_file" > "$(guest_output "$start_name")" 2>&1 ||
        start_status=$?
    printf 'xl create %s: status %s after %s ms\n' "$start_name" \
        "$start_status" "$(($(now_ms) - start_began))"
    return "$start_status"
}

# guest_output NAME: the file with what "xl create" printed.
guest_output()
{
    printf '%s\n' "$(guest_dir "$1")/xl-create.txt"
}

# guest_log NAME: the device model's log of the guest started last.
guest_log()
{
    printf '/var/log/xen/qemu-dm-%s.log\n' "$1"
}

# guest_start NAME [OPTION...]: has to work; the guest is running then.
guest_start()
{
    if ! guest_try_start "$@"; then
        sed 's/^/  xl: /' "$(guest_output "$1")"
        sed 's/^/  device model: /' "$(guest_log "$1")" || :
        fail "guest $1 does not start"
    fi
}

# guest_wait_hvmloader NAME [SECONDS]: until hvmloader is done: the guest's
# memory does not change any more before an operating system runs.
guest_wait_hvmloader()
{
    guest_firmware_says "$1" "$HVMLOADER_READY" "${2:-60}" ||
        fail "guest $1: SeaBIOS does not start"
}

# guest_wait_firmware NAME [SECONDS]: until SeaBIOS has initialised all option
# ROMs and is about to boot.  Slow with many NICs and a VGA: each option ROM
# prints lines, and to scroll costs thousands of exits to the device model.
guest_wait_firmware()
{
    guest_firmware_says "$1" "$FIRMWARE_READY" "${2:-60}" ||
        fail "guest $1: no boot prompt"
}

# guest_firmware_says NAME TEXT SECONDS: the guest's firmware prints a line with
# the text within that time, or has done so in this scenario.
guest_firmware_says()
{
    lab-wait-text "$3" "$LAB_HYPERVISOR_LOG" "$LAB_HYPERVISOR_LOG_START" \
        "(d$(domid_of "$1")) " "$2"
}

# guest_wait_linux NAME [SECONDS]: until the small Linux has its shell.
guest_wait_linux()
{
    guest_said=$(guest_dir "$1")/serial.log
    if [ -f "$(guest_dir "$1")/xen-console" ]; then
        guest_said=$XEN_CONSOLES/guest-$1.log
    fi
    lab-wait-text "${2:-90}" "$guest_said" 0 "$LINUX_READY" ||
        fail "guest $1: Linux has no shell"
}

# guest_run NAME COMMAND: runs a shell command in the small Linux; prints its
# output and has its status.
guest_run()
{
    guest_line=$(guest_dir "$1")/serial.sock
    if [ -f "$(guest_dir "$1")/xen-console" ]; then
        guest_line=$(node "/local/domain/$(domid_of "$1")/console/tty")
    fi
    python3 /lab/dom0/guest-run "$guest_line" "$2"
}

# guest_monitor NAME COMMAND: a command of QEMU's monitor.
guest_monitor()
{
    xl qemu-monitor-command "$1" "$2"
}

# guest_destroy NAME: gone when it returns; no error if it is not there.
guest_destroy()
{
    if xl domid "$1" > /dev/null 2>&1; then
        xl destroy "$1"
    fi
}
