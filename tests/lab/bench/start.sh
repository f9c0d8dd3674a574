# SPDX-License-Identifier: GPL-2.0-or-later
#
# From the device model's start to "running" in xenstore, with 3 e1000: ours
# against stock, ten runs each, in turn.  At most 1.05.
# timeout: 600
# needs: qemu qemu-stock xendm-memoryd
RUNS=10

# start_time NAME: microseconds.
start_time()
{
    lab-start-time > start-time.txt &
    start_timer=$!
    wait_until 10 "the watch of lab-start-time" grep -q ready start-time.txt
    # Paused: what the guest does is not what is measured.
    xl create -p "$(guest_config "$1")" > "$(guest_output "$1")" 2>&1 ||
        fail "guest $1 does not start: $(cat "$(guest_output "$1")")"
    wait "$start_timer"
    guest_destroy "$1"
    tail -n 1 start-time.txt
}

# median FILE: of one number a line.
median()
{
    sort -n "$1" | awk '{ v[NR] = $1 } END {
        printf "%d\n", NR % 2 ? v[(NR + 1) / 2] \
                             : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

memoryd_start
for model in stock ours; do
    guest_new "start-$model" "$model"
    guest_nics "start-$model" e1000 3
    start_time "start-$model" > /dev/null   # files are in dom0's cache now
    : > "$model.txt"
done
run=0
while [ "$run" -lt "$RUNS" ]; do
    run=$((run + 1))
    for model in stock ours; do
        start_time "start-$model" >> "$model.txt"
    done
done
stock=$(median stock.txt)
ours=$(median ours.txt)
say "bench: start with 3 e1000: stock $stock us, ours $ours us, ratio" \
    "$(awk "BEGIN { printf \"%.3f\", $ours / $stock }") (at most 1.05)"
paste stock.txt ours.txt
