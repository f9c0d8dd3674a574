# SPDX-License-Identifier: GPL-2.0-or-later
#
# Start of a device model with 3 e1000, ours against stock, ten runs each.
# From the start of the program to "running" in xenstore; in turn, so that
# what disturbs one disturbs the other.
# timeout: 400
# needs: qemu qemu-stock xendm-memoryd

RUNS=10
LIMIT=1.05

memoryd_start
for model in stock ours; do
    guest_new "$model" "$model"
    guest_timed "$model" "$model"
    guest_nics "$model" e1000 3
    timed_start "$model" > /dev/null # brings the files into dom0's cache
    guest_destroy "$model"
done
run=0
while [ "$run" -lt "$RUNS" ]; do
    run=$((run + 1))
    for model in stock ours; do
        timed_start "$model" >> "$model.txt"
        guest_destroy "$model"
    done
done

for model in stock ours; do
    echo "bench: start with 3 e1000, $model:" \
        "$(awk '{ printf "%.0f ", $1 / 1000 }' "$model.txt")ms," \
        "median $(median "$model.txt") us"
done
ratio=$(ratio "$(median ours.txt)" "$(median stock.txt)")
echo "bench: start ratio ours/stock: $ratio (at most $LIMIT)"
assert_equal "runs of stock" "$RUNS" "$(wc -l < stock.txt)"
assert_equal "runs of ours" "$RUNS" "$(wc -l < ours.txt)"
assert_ratio "start, ours/stock" "$LIMIT" "$ratio"
