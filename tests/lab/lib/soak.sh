# SPDX-License-Identifier: GPL-2.0-or-later
# What is repeated for as long as a number of rounds that was promised takes.

SOAK_ROUNDS=20
# Takes as long as the move itself.
SOAK_PLUG_EVERY=5
SOAK_SLOT=1e
SOAK_ROM_KIB=256

# soak_moves HOW NICS: a Linux guest with so many e1000 moves SOAK_ROUNDS times
# (see guest_move).  After each, it answers and has the pages that it had; after
# every fifth, it hot-plugs and unplugs a NIC with an option ROM.
soak_moves()
{
    soak_name="$1-$2"
    soak_grant=$(($2 * SOAK_ROM_KIB + 64))
    guest_new "$soak_name"
    guest_linux "$soak_name"
    guest_xen_console "$soak_name"
    guest_nics "$soak_name" e1000 "$2"
    guest_start "$soak_name"
    guest_wait_linux "$soak_name"
    assert_identities "$soak_name"
    assert_equal "grant, KiB" "$soak_grant" "$(grant_of "$soak_name")"
    soak_pages=$(pages_of "$(domid_of "$soak_name")")
    soak_round=0
    while [ "$soak_round" -lt "$SOAK_ROUNDS" ]; do
        guest_move "$soak_name" "$1"
        soak_check "$soak_name"
        soak_round=$((soak_round + 1))
        if [ $((soak_round % SOAK_PLUG_EVERY)) -eq 0 ]; then
            soak_plug "$soak_name"
        fi
        say "$1, $2 NICs: $soak_round of $SOAK_ROUNDS"
    done
    soak_id=$(domid_of "$soak_name")
    guest_destroy "$soak_name"
    assert_nothing_left "$soak_id"
}

# soak_check NAME: the guest lives, with the pages and the grant it began with.
soak_check()
{
    wait_until 30 "the answer of guest $1" guest_run "$1" 'echo alive'
    assert_equal "grant, KiB" "$soak_grant" "$(grant_of "$1")"
    wait_for_pages "$1" "$soak_pages"
}

# soak_plug NAME: a NIC with an option ROM comes and goes.
soak_plug()
{
    guest_plug "$1" "$SOAK_SLOT" hot e1000
    assert_equal "grant with one more NIC, KiB" \
        $((soak_grant + SOAK_ROM_KIB)) "$(grant_of "$1")"
    wait_for_pages "$1" $((soak_pages + SOAK_ROM_KIB / KIB_PER_PAGE))
    assert_identities "$1"
    guest_unplug "$1" hot
    wait_for_pages "$1" "$soak_pages"
    assert_equal "grant, KiB" "$soak_grant" "$(grant_of "$1")"
    assert_identities "$1"
}
