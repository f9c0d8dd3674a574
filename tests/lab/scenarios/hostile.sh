# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device model that writes whatever does most harm: the daemon stays within
# its cap, its memory and its rate, answers another guest meanwhile, and says
# what it ignored.
# timeout: 240
# needs: qemu qemu-stock xendm-memoryd xendm-memory

CAP=4096     # KiB
RATE=20      # decisions a second
BURST=10
SECONDS_OF_FLOOD=15
NODES=6000
GROWTH=4096  # KiB of the daemon's memory
PATIENCE=500 # ms for another guest's answer, on an emulated machine

model_node()
{
    printf '/local/domain/0/device-model/%s/device-memory/%s\n' "$hostile" "$1"
}

peak_kib()
{
    awk '/^VmHWM:/ { print $2 }' "/proc/$memoryd_pid/status"
}

within_cap()
{
    assert_at_most "max_pages of the hostile guest" $((base + CAP / 4)) \
        "$(limit_of "$hostile")"
    assert_at_least "max_pages of the hostile guest" "$base" \
        "$(limit_of "$hostile")"
}

answered()
{
    [ "$(node "$(model_node answer)")" = "$1" ]
}

# refuses VALUE REASON: the value is answered with this, and takes nothing.
refuses()
{
    xenstore-write -- "$(model_node request)" "$1"
    wait_until 5 "answer to '$1'" answered_with "$2"
    assert_equal "max_pages after '$(printf '%.40s' "$1")'" "$base" \
        "$(limit_of "$hostile")"
    # For the rate.
    sleep 0.2
    xenstore-write -- "$(model_node answer)" none
}

answered_with()
{
    node "$(model_node answer)" | grep -q " $1\$"
}

# decisions: those that were logged, and those that the log has the number of.
decisions()
{
    awk '/"hostile"/ && / request "/ { n++ }
        /"hostile"/ && /decisions were not logged/ {
            for (i = 1; i < NF; i++) if ($(i + 1) == "decisions") n += $i
        }
        END { print n + 0 }' "$(memoryd_log)"
}

memoryd_policy '[defaults]' "cap = $CAP KiB" '[daemon]' \
    "request-rate = $RATE" "request-burst = $BURST"
memoryd_start
# Paused: what the guests do is not what matters, and SeaBIOS gives up some
# time.
guest_new hostile stock
guest_start hostile -p
guest_new victim
guest_nics victim e1000
guest_start victim -p
hostile=$(domid_of hostile)
base=$(limit_of "$hostile")
peak=$(peak_kib)

say "values"
refuses '-1' malformed
refuses '99999999999999999999 4' malformed
refuses '1 -4' malformed
refuses '2 4294967292' cap
refuses '3 99999999999999999999' malformed
refuses '4 0x40' malformed
refuses "5 $(head -c 3000 /dev/zero | tr '\0' 9)" malformed
refuses '' malformed
refuses 'drop; all' malformed
assert_contains "the daemon's log" 'refused (malformed)' "$(memoryd_log)"
assert_contains "the daemon's log" 'refused (cap)' "$(memoryd_log)"
xenstore-write -- "$(model_node request)" '6 4096'
wait_until 5 "the cap itself" answered "6 granted $CAP $CAP"
xenstore-write -- "$(model_node request)" '7 0'
wait_until 5 "nothing" answered "7 granted 0 $CAP"

say "$NODES nodes, and deep ones"
lab-flood nodes "$hostile" "$NODES"
xendm-memory show hostile > show.txt
assert_lacks "what the client shows" "$(printf '\033')" show.txt
# It claims blocks that it was never granted.
assert_equal "status of check" 3 "$(xendm-memory check > check.txt; echo $?)"
assert_contains "what check names" '"hostile": blocks: ' check.txt
xenstore-rm "$(dirname "$(model_node request)")"

say "requests for $SECONDS_OF_FLOOD s"
before=$(decisions)
lab-flood requests "$hostile" "$SECONDS_OF_FLOOD" > written.txt &
flood=$!
sleep 1
lab-round-trip "$(domid_of victim)" "$(grant_of victim)" 40 > trip.txt
within_cap
wait "$flood"
read -r bare asked ratio < trip.txt
say "$(cat written.txt) requests; meanwhile another guest's answer takes" \
    "$asked us (bare round trip $bare us)"
xenstore-rm /lab
assert_at_least "requests a second" 100 \
    $(($(cat written.txt) / SECONDS_OF_FLOOD))
assert_at_most "another guest's answer, us" $((PATIENCE * 1000)) "$asked"
within_cap
sleep 2
xenstore-write -- "$(model_node request)" '4000000001 0'
wait_until 5 "an orderly answer" answered "4000000001 granted 0 $CAP"
assert_equal "max_pages of the hostile guest" "$base" "$(limit_of "$hostile")"
# Each decision may be preceded by one that says that it is too busy.
assert_at_most "decisions" \
    $((2 * (BURST + RATE * (SECONDS_OF_FLOOD + 3)))) \
    $(($(decisions) - before))
assert_contains "the daemon's log" 'decisions were not logged' \
    "$(memoryd_log)"
assert_at_most "peak of the daemon's memory, KiB" $((peak + GROWTH)) \
    "$(peak_kib)"
say "peak of the daemon's memory: $peak KiB before, $(peak_kib) KiB after"

assert_identities victim
guest_destroy hostile
assert_nothing_left "$hostile"
