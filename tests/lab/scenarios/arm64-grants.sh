# SPDX-License-Identifier: GPL-2.0-or-later
#
# A grant that a guest maps lands in an extended region with Debian 13's kernel,
# and in RAM taken from the guest with Debian 12's, which cannot use regions.
# machine: arm64
# timeout: 240

# runs NAME RELEASE
runs()
{
    arm_guest_new "$1" "$2"
    arm_guest_start "$1"
    guest_wait_linux "$1"
    guest_maps_grants "$1"
}

runs new trixie
tree_regions "$(arm_tree new)" | sed 1d > regions
assert_grants_in_region new regions

runs old bookworm
assert_grants_in_ram old
