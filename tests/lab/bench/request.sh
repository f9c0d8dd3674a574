# SPDX-License-Identifier: GPL-2.0-or-later
#
# A request and its grant against a bare round trip through xenstore.
# The bare one is a write and a watch between two processes, there and back.
# timeout: 120
# needs: qemu-stock xendm-memoryd

ROUNDS=200
LIMIT=3

memoryd_policy '[defaults]' 'cap = 64 MiB' '[daemon]' \
    "request-burst = $((ROUNDS * 2))" 'request-rate = 10000'
memoryd_start
guest_new asker stock
guest_start asker
# The guest's firmware would take processor time from what is measured.
xl pause asker
id=$(domid_of asker)

bare=$(lab-roundtrip bare "$ROUNDS")
grant=$(lab-roundtrip grant "$id" "$ROUNDS")
assert_equal "limit after the last grant" \
    $(($(libxl_limit asker) + ROUNDS)) "$(limit_of "$id")"
ratio=$(ratio "$grant" "$bare")
echo "bench: bare round trip: median $bare us of $ROUNDS"
echo "bench: request to grant: median $grant us of $ROUNDS"
echo "bench: request ratio: $ratio (limit $LIMIT)"
assert_ratio "request ratio" "$LIMIT" "$ratio"
