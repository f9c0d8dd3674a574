# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guests with 8 and with 16 e1000 are saved and restored, again and again: the
# stream finds room for their device memory, and the identities hold.
# timeout: 600
# needs: qemu xendm-memoryd

# soak/ has 20.
ROUNDS=2

memoryd_start
for nics in 8 16; do
    name="nics$nics"
    guest_new "$name"
    guest_nics "$name" e1000 "$nics"
    guest_start "$name"
    guest_wait_hvmloader "$name"
    assert_identities "$name"
    pages=$(pages_of "$(domid_of "$name")")
    round=0
    while [ "$round" -lt "$ROUNDS" ]; do
        round=$((round + 1))
        say "$nics NICs, round $round"
        guest_move "$name" save-restore
        assert_equal "grant, KiB" $((nics * 256 + 64)) "$(grant_of "$name")"
        assert_at_most "pages of $name, as before" "$pages" \
            "$(pages_of "$(domid_of "$name")")"
    done
    id=$(domid_of "$name")
    guest_destroy "$name"
    assert_nothing_left "$id"
done
