# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ten guests one after the other, of different needs: grants never mix.
# After they are gone nothing is left, in Xen or in xenstore.
# timeout: 240
# needs: qemu xendm-memoryd

memoryd_start
free=$(lab-domain free)
for number in 1 2 3 4 5 6 7 8 9 10; do
    guest_new "guest$number"
    guest_nics "guest$number" e1000 "$number"
    guest_start "guest$number"
    guest_wait_hvmloader "guest$number"
    assert_equal "grant of guest$number, KiB" $((number * 256 + 64)) \
        "$(grant_of "guest$number")"
    assert_identities "guest$number"
    id=$(domid_of "guest$number")
    guest_destroy "guest$number"
    assert_nothing_left "$id"
done

memory_is_back()
{
    [ "$(lab-domain free)" -ge "$free" ]
}
wait_until 10 "free memory of the host as before" memory_is_back
