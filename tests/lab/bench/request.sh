# SPDX-License-Identifier: GPL-2.0-or-later
#
# From a request to its grant, against a bare round trip through xenstore.
# The bare one is a write and a watch between two processes, there and back.
# timeout: 300
# needs: qemu xendm-memoryd

COUNT=200
LIMIT=3

memoryd_start
guest_new request
guest_nics request e1000
# Paused: what the guest does is not what is measured.
guest_start request -p
lab-round-trip "$(domid_of request)" "$(grant_of request)" "$COUNT" > trip.txt
xenstore-rm /lab
read -r bare asked ratio < trip.txt
echo "bench: medians of $COUNT: bare round trip $bare us, request to grant" \
    "$asked us"
echo "bench: request ratio: $ratio (at most $LIMIT)"
assert_identities request
assert_ratio "request to grant / bare round trip" "$LIMIT" "$ratio"
