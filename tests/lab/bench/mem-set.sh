# SPDX-License-Identifier: GPL-2.0-or-later
#
# How long a limit lacks the grant after "xl mem-set" has set it: from the one
# change of max_pages to the other.
# timeout: 150
# needs: qemu xendm-memoryd

COUNT=20
LIMIT=500000 # us; libxl holds its lock for most of it

# gaps NUMBER: so many have been measured.
gaps()
{
    [ "$(wc -l < gaps.txt)" -ge "$1" ]
}

memoryd_start
guest_new resized
guest_nics resized e1000 2
guest_start resized -p
id=$(domid_of resized)
: > gaps.txt
lab-limit-gap "$id" $(($(grant_of resized) / 4)) "$COUNT" >> gaps.txt &
measuring=$!
sleep 1
number=0
while [ "$number" -lt "$COUNT" ]; do
    number=$((number + 1))
    xl mem-set resized "$((120 + number % 2 * 4))m"
    wait_until 5 "grant after change $number" gaps "$number"
done
wait "$measuring"
echo "bench: without the grant after mem-set: median $(median gaps.txt) us," \
    "longest $(sort -n gaps.txt | tail -n 1) us of $COUNT"
assert_at_most "longest time without the grant, us" "$LIMIT" \
    "$(sort -n gaps.txt | tail -n 1)"
