# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux guests with 8 and with 16 e1000 migrate to this same host, again and
# again.  With too low a cap there, and without the daemon, it fails as on
# stock, and the guest goes on where it was.
# timeout: 600
# needs: qemu xendm-memoryd

# soak/ has 20.
ROUNDS=2
STOCK_ERROR='annot (re-)build domain'

# still_here: the guest goes on at the source, with all that it had: it answers,
# and its device model serves it.
still_here()
{
    assert_equal "domain of $name" "$id" "$(domid_of "$name")"
    wait_until 10 "end of the other domain" only_domain "$id"
    wait_until 30 "the answer of guest $name" guest_run "$name" 'echo alive'
    guest_monitor "$name" 'info status' > status.txt
    assert_contains "the device model" 'VM status: running' status.txt
    assert_identities "$name"
}

# only_domain DOMID: no other guest is there.
only_domain()
{
    [ "$(xl list | awk 'NR > 2 { n++ } END { print n + 0 }')" -eq 1 ] &&
        xl list "$1"
}

memoryd_start
for nics in 8 16; do
    name="nics$nics"
    guest_new "$name"
    guest_linux "$name"
    # With video memory, Linux gives as much back to Xen, and would fit without
    # any grant.
    guest_set "$name" vga '"none"'
    guest_xen_console "$name"
    guest_nics "$name" e1000 "$nics"
    guest_start "$name"
    guest_wait_linux "$name"
    round=0
    while [ "$round" -lt "$ROUNDS" ]; do
        round=$((round + 1))
        say "$nics NICs, round $round"
        guest_move "$name" migrate
        assert_equal "grant, KiB" $((nics * 256)) "$(grant_of "$name")"
    done

    say "$nics NICs, with too low a cap at the destination"
    id=$(domid_of "$name")
    memoryd_policy '[defaults]' 'cap = 512 KiB'
    memoryd_reload
    assert_fails "a migration above the cap" guest_try_migrate "$name"
    assert_contains "xl's output" "$STOCK_ERROR" "$(guest_output "$name")"
    still_here

    say "$nics NICs, without the daemon"
    memoryd_stop
    assert_fails "a migration without the daemon" guest_try_migrate "$name"
    assert_contains "xl's output" "$STOCK_ERROR" "$(guest_output "$name")"
    still_here
    memoryd_policy '[defaults]'
    memoryd_start
    guest_destroy "$name"
    assert_nothing_left "$id"
done
