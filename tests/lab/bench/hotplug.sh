# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a device_add with an option ROM of a page takes, ours against stock.
# timeout: 300
# needs: qemu qemu-stock xendm-memoryd
COUNT=20

memoryd_start
for model in stock ours; do
    guest_new "plug-$model" "$model"
    guest_dm_args "plug-$model" \
        -qmp "unix:$LAB_STATE/$model.qmp,server=on,wait=off"
    guest_start "plug-$model"
    guest_wait_hvmloader "plug-$model"
done
dd if=/dev/zero of=page.rom bs=4096 count=1 2> /dev/null
for model in stock ours; do
    /lab/dom0/qmp-time "$LAB_STATE/$model.qmp" plug "$COUNT" \
        "e1000,romfile=$PWD/page.rom" > "$model.txt"
done
stock=$(cat stock.txt)
ours=$(cat ours.txt)
say "bench: device_add with an option ROM: stock $stock us, ours $ours us," \
    "ratio $(awk "BEGIN { printf \"%.2f\", $ours / $stock }")"
assert_identities plug-ours
