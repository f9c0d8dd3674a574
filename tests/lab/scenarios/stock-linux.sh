# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stock QEMU: a Linux guest with a NIC reaches its shell and runs commands.
# timeout: 150
# needs: qemu-stock

guest_new linux stock
guest_linux linux
guest_nics linux e1000
guest_start linux
guest_wait_linux linux
assert_equal "status of a command that fails" 3 \
    "$(guest_run linux 'exit 3' || echo $?)"
assert_equal "output of a command" "two words" \
    "$(guest_run linux 'echo two words')"
assert_equal "NICs in the guest" 1 \
    "$(guest_run linux 'grep -l 0x020000 /sys/bus/pci/devices/*/class | wc -l')"
