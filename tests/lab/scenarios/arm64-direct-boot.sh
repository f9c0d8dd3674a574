# SPDX-License-Identifier: GPL-2.0-or-later
#
# On arm64, QEMU puts kernel, initrd and device tree into a domain that xl has
# made without them; the guest finds and uses QEMU's devices.
# machine: arm64-ioreq
# needs: qemu-arm64
# timeout: 120

xendm-empty-image empty.img
arm_guest_new direct trixie
guest_set direct vcpus 2
guest_set direct kernel "\"$PWD/empty.img\""
sed -i '/^ramdisk = /d' "$(guest_dir direct)/base"
arm_guest_start direct -p
arm_model_with_devices direct ,device-tree=boot -smp 2 \
    -kernel /lab/guest/vmlinuz-trixie -initrd /lab/guest/ramdisk-trixie \
    -append 'console=hvc0 quiet panic=1 lab.console=hvc0'
assert_contains "our QEMU's message" "kernel at 0x4" "$(guest_log direct)"
arm_windows direct > windows
xl unpause direct
guest_wait_linux direct
guest_run direct 'uname -r'
assert_equal "the guest's CPUs" 2 "$(guest_run direct nproc | tr -d '\r\n')"
assert_equal "the UART that Xen emulates" arm,sbsa-uart "$(guest_run direct \
    'tr -d "\0" < /proc/device-tree/serial@22000000/compatible; echo' |
    tr -d '\r\n')"
guest_regions direct > regions
cat regions
assert_equal "region 0" "0x38000000 0x1000000" "$(sed -n 1p regions)"
assert_equal "regions" 4 "$(wc -l < regions)"
assert_apart windows regions
arm_dump direct.dtb "$ARM_PCI_WINDOWS" -smp 2
assert_equal "reg in the guest, as our QEMU's dumpdtb has it" \
    "$(tree_reg direct.dtb)" "$(guest_reg direct)"
assert_guest_uses_devices direct
