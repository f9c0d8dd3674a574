# SPDX-License-Identifier: GPL-2.0-or-later
#
# Three device models write requests as fast as xenstored takes them: the daemon
# stays within its rate, its memory and its cap, and another guest's hot-plug is
# answered within its ordinary deadline, 2 s.
# (On the emulated machine that is about a thousand a second, and all its time.)
# timeout: 150
# needs: qemu qemu-stock xendm-memoryd

FLOODERS="one two three"
CAP=4096     # KiB
RATE=20      # decisions a second and guest
BURST=10
SECONDS_OF_FLOOD=15
REQUESTS=300 # a second, at least, or it was no flood
PLUGS=8
GROWTH=4096  # KiB of the daemon's memory

request_of()
{
    printf '/local/domain/0/device-model/%s/device-memory/request\n' "$1"
}

peak_kib()
{
    awk '/^VmHWM:/ { print $2 }' "/proc/$memoryd_pid/status"
}

# decisions NAME: those that were logged, and those that the log counts.
decisions()
{
    awk -v name="\"$1\"" 'index($0, name) && / request "/ { n++ }
        index($0, name) && /decisions were not logged/ {
            for (i = 1; i < NF; i++) if ($(i + 1) == "decisions") n += $i
        }
        END { print n + 0 }' "$(memoryd_log)"
}

# answered DOMID TEXT
answered()
{
    [ "$(node "/local/domain/0/device-model/$1/device-memory/answer")" = "$2" ]
}

# plug_meanwhile: the victim's hot-plugs, each of which its device model would
# refuse if it were not answered within its deadline; the longest one's time,
# ms.
plug_meanwhile()
{
    plug=0
    slowest=0
    while [ "$plug" -lt "$PLUGS" ]; do
        plug=$((plug + 1))
        began=$(now_ms)
        guest_monitor victim "device_add e1000,id=hot$plug" > plug.txt 2>&1 ||
            :
        took=$(($(now_ms) - began))
        assert_lacks "what device_add says" Error plug.txt
        [ "$took" -le "$slowest" ] || slowest=$took
    done
    assert_equal "grant after $PLUGS plugs, KiB" \
        $((64 + PLUGS * 256)) "$(grant_of victim)"
}

memoryd_policy '[defaults]' "cap = $CAP KiB" '[daemon]' \
    "request-rate = $RATE" "request-burst = $BURST"
memoryd_start
domids=
for name in victim $FLOODERS; do
    case $name in
    victim) guest_new "$name" ;;
    *) guest_new "$name" stock ;;
    esac
    # Paused: what a guest does is not what matters.
    guest_start "$name" -p
    [ "$name" = victim ] || domids="$domids $(domid_of "$name")"
done
base=$(limit_of "$(domid_of one)")
peak=$(peak_kib)

# The words are domain ids.
# shellcheck disable=SC2086
lab-torrent "$SECONDS_OF_FLOOD" $domids > written.txt &
torrent=$!
sleep 2
plug_meanwhile
wait "$torrent"
read -r taken refused rate < written.txt
say "$taken requests by three device models, $rate a second; meanwhile the" \
    "slowest device_add of another took $slowest ms"
assert_at_least "requests a second" "$REQUESTS" "$rate"
assert_equal "requests that xenstored has refused" 0 "$refused"

sleep 2
for name in $FLOODERS; do
    domid=$(domid_of "$name")
    assert_at_most "max_pages of $name" $((base + CAP / 4)) \
        "$(limit_of "$domid")"
    xenstore-write "$(request_of "$domid")" '4100000000 0'
    wait_until 5 "an orderly answer" answered "$domid" \
        "4100000000 granted 0 $CAP"
    assert_equal "max_pages of $name" "$base" "$(limit_of "$domid")"
    # Each decision may be preceded by one that says that it is too busy.
    assert_at_most "decisions for $name" \
        $((2 * (BURST + RATE * (SECONDS_OF_FLOOD + 5)))) "$(decisions "$name")"
    assert_at_least "decisions for $name" "$SECONDS_OF_FLOOD" \
        "$(decisions "$name")"
done
assert_at_most "peak of the daemon's memory, KiB" $((peak + GROWTH)) \
    "$(peak_kib)"
say "peak of the daemon's memory: $peak KiB before, $(peak_kib) KiB after"
assert_identities victim
