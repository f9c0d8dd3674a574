# SPDX-License-Identifier: GPL-2.0-or-later
#
# How the cost of a block more grows with the blocks that there are, up to the
# most that are allowed, and against stock as far as libxl's room goes.
# A block is a memory backend of a page.
# timeout: 480
# needs: qemu qemu-stock xendm-memoryd

MOST=1024   # DEVICE_MEMORY_BLOCKS_MAX
STOCK=100   # blocks that stock gets to; each leaves less of libxl's 1024 KiB

# cpu_us PID: what the process has used of the processor.
cpu_us()
{
    cat "/proc/$1/task/"*/schedstat | awk '{ n += $1 } END {
        printf "%d\n", n / 1000 }'
}

# grow MODEL THERE TOTAL: writes the time of the last ones into MODEL.txt.
grow()
{
    /lab/dom0/qmp-time "$LAB_STATE/$1.qmp" blocks --there "$2" "$3" > "$1.txt"
}

memoryd_start
for model in stock ours; do
    guest_new "$model" "$model"
    guest_dm_args "$model" \
        -qmp "unix:$LAB_STATE/$model.qmp,server=on,wait=off"
    # Paused: what the guest does is not what is measured.
    guest_start "$model" -p
done
id=$(domid_of ours)
blocks=$(xenstore-list \
    "/local/domain/0/device-model/$id/device-memory/blocks" | wc -l)
made=0
for total in 1 10 100 400 $((MOST - blocks)); do
    before=$(cpu_us "$memoryd_pid")
    grow ours "$made" "$total"
    ours=$(cat ours.txt)
    daemon=$((($(cpu_us "$memoryd_pid") - before) / (total - made)))
    against=
    if [ "$total" -le "$STOCK" ]; then
        grow stock "$made" "$total"
        stock=$(cat stock.txt)
        against=", stock $stock us, ratio $(ratio "$ours" "$stock")"
    fi
    echo "bench: the ${total}th block: ours $ours us$against; of the daemon's" \
        "processor time $daemon us"
    [ "$total" -gt "$STOCK" ] || few=$ours
    made=$total
done
echo "bench: the ${made}th block / the ${STOCK}th: $(ratio "$ours" "$few")"
assert_fails "a block more than the most" \
    /lab/dom0/qmp-time "$LAB_STATE/ours.qmp" blocks \
    --there "$made" $((made + 1)) > last.txt 2>&1
assert_contains "the error" "there are $MOST blocks already" last.txt
assert_identities ours
