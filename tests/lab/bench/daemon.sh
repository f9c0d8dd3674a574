# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the daemon costs while nobody asks: how often it is woken and what
# memory it has, with one guest, and with the nodes of 200 that do not exist;
# and what a request costs then.
# timeout: 300
# needs: qemu xendm-memoryd

GUESTS=200
BLOCKS=16
IDLE=20     # s
WAKE_UPS=2  # at most, in that time
GROWTH=2048 # KiB, at most

switches()
{
    awk '/^voluntary_ctxt_switches:/ { print $2 }' \
        "/proc/$memoryd_pid/task/"*/status | awk '{ n += $1 } END { print n }'
}

memory_kib()
{
    awk '/^VmRSS:/ { print $2 }' "/proc/$memoryd_pid/status"
}

# idle WHAT: measures while nothing happens.
idle()
{
    before=$(switches)
    sleep "$IDLE"
    woken=$(($(switches) - before))
    echo "bench: daemon idle, $1: woken $woken times in $IDLE s," \
        "$(memory_kib) KiB"
    assert_at_most "wake-ups in $IDLE s, $1" "$WAKE_UPS" "$woken"
}

# nodes_of_guests: what device models of as many guests write.
nodes_of_guests()
{
    guest=0
    while [ "$guest" -lt "$GUESTS" ]; do
        guest=$((guest + 1))
        place=/local/domain/0/device-model/$((20000 + guest))/device-memory
        set -- "$place/request" "1 4096" "$place/answer" \
            "1 granted 4096 65536"
        block=0
        while [ "$block" -lt "$BLOCKS" ]; do
            set -- "$@" "$place/blocks/$block" \
                "64 populated nic$block/e1000.rom"
            block=$((block + 1))
        done
        xenstore-write "$@"
    done
}

forget_guests()
{
    guest=0
    while [ "$guest" -lt "$GUESTS" ]; do
        guest=$((guest + 1))
        xenstore-rm "/local/domain/0/device-model/$((20000 + guest))"
    done
}

memoryd_start
guest_new request
guest_nics request e1000
guest_start request -p
sleep 2
memory=$(memory_kib)
idle "one guest"
lab-round-trip "$(domid_of request)" "$(grant_of request)" 50 > few.txt
at_end forget_guests
nodes_of_guests
sleep 1
idle "and the nodes of $GUESTS more"
lab-round-trip "$(domid_of request)" "$(grant_of request)" 50 > many.txt
xenstore-rm /lab
read -r bare_few few rest < few.txt
read -r bare_many many rest < many.txt
echo "bench: request to grant: $few us (bare $bare_few us); with the nodes of" \
    "$GUESTS guests $many us (bare $bare_many us)"
assert_at_most "memory of the daemon, KiB" $((memory + GROWTH)) \
    "$(memory_kib)"
assert_identities request
