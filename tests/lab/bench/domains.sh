# SPDX-License-Identifier: GPL-2.0-or-later
#
# How the daemon's work grows with the guests that it looks after: a request,
# and the arrival of a guest, among 1 to 200.
# The guests are domains of the real Xen without memory or processors, each with
# the nodes of libxl and of a device model, and with a grant.
# timeout: 120
# needs: xendm-memoryd

FIRST=1000  # domid
REQUESTS=50
TOTALS='1 10 50 100 200'
# A request against a bare round trip, among 200 guests / among 1, at most.
GROWTH=2

# cpu_us: what the daemon has used of the processor.
cpu_us()
{
    cat "/proc/$memoryd_pid/task/"*/schedstat | awk '{ n += $1 } END {
        printf "%d\n", n / 1000 }'
}

# has_grant DOMID: its request has been answered.
has_grant()
{
    case $(node "/local/domain/0/device-model/$1/device-memory/answer") in
    '1 granted 64 '*) ;;
    *) return 1 ;;
    esac
}

memoryd_start
at_end lab-guests remove "$FIRST" 200
made=0
for total in $TOTALS; do
    before=$(cpu_us)
    lab-guests make $((FIRST + made)) $((total - made))
    last=$((FIRST + total - 1))
    wait_until 20 "grant of domain $last" has_grant "$last"
    sleep 1
    arrival=$((($(cpu_us) - before) / (total - made)))
    made=$total
    before=$(cpu_us)
    lab-round-trip "$last" 64 "$REQUESTS" > trip.txt
    # Its last request is not among those measured.
    used=$((($(cpu_us) - before) / (REQUESTS + 1)))
    read -r bare asked ratio < trip.txt
    echo "$ratio" >> ratios.txt
    echo "bench: among $total guests: a request $asked us (bare $bare us," \
        "ratio $ratio), of the daemon's processor time $used us; an arrival" \
        "$arrival us; daemon $(awk '/^VmRSS:/ { print $2 }' \
        "/proc/$memoryd_pid/status") KiB"
    xenstore-rm /lab
done
assert_equal "guests" 200 "$(($(lab-domain list | wc -l) - 1))"
growth=$(ratio "$(tail -n 1 ratios.txt)" "$(head -n 1 ratios.txt)")
echo "bench: request ratio among 200 guests / among 1: $growth" \
    "(at most $GROWTH)"
assert_ratio "growth of a request with the guests" "$GROWTH" "$growth"
