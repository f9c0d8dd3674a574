# SPDX-License-Identifier: GPL-2.0-or-later
#
# 200 times a NIC with an option ROM of a page comes and goes, ours against
# stock.
# The guest's part, a write to the eject register, is done for it.  Stock leaves
# a page behind each time; with a ROM of Debian's (64 pages) its device model
# would end in the fourth cycle.
# timeout: 120
# needs: qemu qemu-stock xendm-memoryd

CYCLES=200

# cycles MODEL: prints the medians of plug and unplug, in us.
cycles()
{
    /lab/dom0/qmp-time "$LAB_STATE/$1.qmp" cycle "$CYCLES" \
        "e1000,romfile=$PWD/page.rom,addr=10"
}

memoryd_start
dd if=/dev/zero of=page.rom bs=4096 count=1 2> /dev/null
for model in stock ours; do
    guest_new "$model" "$model"
    guest_dm_args "$model" \
        -qmp "unix:$LAB_STATE/$model.qmp,server=on,wait=off"
    # Paused: what the guest does is not what is measured.
    guest_start "$model" -p
    id=$(domid_of "$model")
    pages=$(pages_of "$id")
    began=$(now_ms)
    cycles "$model" > "$model.txt"
    echo $(($(now_ms) - began)) > "$model.total"
    [ "$model" = stock ] || wait_for_pages "$model" "$pages"
    left=$(($(pages_of "$id") - pages))
    read -r plug unplug < "$model.txt"
    echo "bench: $CYCLES cycles, $model: $(cat "$model.total") ms in all," \
        "plug $plug us, unplug $unplug us; pages left behind: $left"
    echo "$left" > "$model.left"
done
assert_identities ours
assert_equal "pages left behind by ours" 0 "$(cat ours.left)"
assert_equal "pages left behind by stock" "$CYCLES" "$(cat stock.left)"
echo "bench: cycles ratio ours/stock:" \
    "$(ratio "$(cat ours.total)" "$(cat stock.total)")"
