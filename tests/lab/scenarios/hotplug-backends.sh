# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two small memory backends, a few pages apart, come and go behind devices:
# whichever goes, its pages go with it, and the other one works on.  One that is
# made anew at once, while the old one is not reclaimed yet, has its own pages.
# timeout: 400
# needs: qemu xendm-memoryd xendm-memory
PAGES=16
LARGE_PAGES=8192

# plugs ID SLOT: a backend, and a device whose BAR 2 shows it to the guest.
plugs()
{
    guest_monitor backends "object_add memory-backend-ram,id=$1,size=64K"
    guest_plug backends "$2" "$1-device" "ivshmem-plain,memdev=$1"
}

goes()
{
    guest_unplug backends "$1-device"
    guest_monitor backends "object_del $1"
}

# works ID SLOT VALUE: what the guest writes is there for all who look.
works()
{
    bar=$(guest_bar backends "$2" 2)
    guest_poke backends "$bar" "$3"
    assert_equal "$1, as the guest reads it" "$3" \
        "$(guest_peek backends "$bar")"
    assert_equal "$1, as the device model reads it" "$3" \
        "$(model_peek backends "$bar")"
    assert_equal "$1, as the guest's page has it" "$3" "$(lab-domain word \
        "$id" "$(block_gfn backends "memory-backend-ram/$1")")"
}

# settles PAGES: so many more than at the start.
settles()
{
    wait_for_pages backends $((pages + $1))
    assert_identities backends
}

memoryd_start
guest_new backends
guest_linux backends
guest_with_qmp backends
guest_start backends
guest_wait_linux backends
id=$(domid_of backends)
pages=$(pages_of "$id")

say "the second goes first"
plugs a 10
plugs b 11
works a 10 0x11111111
works b 11 0x22222222
settles $((2 * PAGES))
goes b
settles "$PAGES"
works a 10 0x33333333

say "the first goes first"
plugs b 11
works b 11 0x44444444
settles $((2 * PAGES))
goes a
settles "$PAGES"
works b 11 0x55555555

say "made anew at once"
guest_unplug backends b-device
guest_qmp backends object-del '{"id": "b"}' object-add \
    '{"qom-type": "memory-backend-ram", "id": "b", "size": 65536}'
settles "$PAGES"
guest_plug backends 11 b-device ivshmem-plain,memdev=b
works b 11 0x66666666
settles "$PAGES"
goes b
settles 0

say "a large one"
guest_monitor backends "object_add memory-backend-ram,id=large,size=32M"
settles "$LARGE_PAGES"
guest_monitor backends "object_del large"
settles 0
xendm-memory check > check.txt || fail "$(cat check.txt)"
