# SPDX-License-Identifier: GPL-2.0-or-later
#
# On arm64, unmodified xl starts Linux guests with Debian 12's and 13's kernels
# and gives them a hypervisor node.
# machine: arm64
# timeout: 120

xl info | grep -E '^(xen_version|arm64|machine|nr_cpus)' || :
assert_equal "dom0's processor" aarch64 "$(uname -m)"

# boots NAME RELEASE: the guest's own node is the one that libxl made.
boots()
{
    began=$(now_ms)
    arm_guest_new "$1" "$2"
    arm_guest_start "$1"
    guest_wait_linux "$1"
    say "$2's kernel: init $(($(now_ms) - began)) ms after xl create"
    guest_run "$1" 'uname -r'
    assert_equal "reg in the $2 guest, as libxl made it" \
        "$(tree_reg "$(arm_tree "$1")")" "$(guest_reg "$1")"
    tree_regions "$(arm_tree "$1")"
    guest_destroy "$1"
}

boots old bookworm
boots new trixie
