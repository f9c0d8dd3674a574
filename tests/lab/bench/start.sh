# SPDX-License-Identifier: GPL-2.0-or-later
#
# Start of a device model with 3 e1000, ours against stock, ten runs each.
# From the start of the program to "running" in xenstore; alternating, so that
# what disturbs one disturbs the other.
# timeout: 400
# needs: qemu qemu-stock xendm-memoryd

RUNS=10
LIMIT=1.05

memoryd_start
run=1
while [ "$run" -le "$RUNS" ]; do
    for model in stock ours; do
        guest_new "$model$run" "$model"
        guest_timed "$model$run" "$model"
        guest_nics "$model$run" e1000 3
        timed_start "$model$run" >> "$model.txt"
        guest_destroy "$model$run"
    done
    run=$((run + 1))
done

for model in stock ours; do
    echo "bench: start with 3 e1000, $model: $(sort -n "$model.txt" |
        awk '{ printf "%.0f ", $1 / 1000 }')ms," \
        "median $(median "$model.txt") us"
done
ratio=$(ratio "$(median ours.txt)" "$(median stock.txt)")
echo "bench: start ratio ours/stock: $ratio (limit $LIMIT)"
assert_equal "runs" "$RUNS" "$(wc -l < ours.txt)"
assert_ratio "start ratio" "$LIMIT" "$ratio"
