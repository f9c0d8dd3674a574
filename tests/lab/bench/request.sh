# SPDX-License-Identifier: GPL-2.0-or-later
#
# From a request to its grant, against a bare xenstore write/watch round trip
# between two processes.  At most 3.
# timeout: 300
# needs: qemu xendm-memoryd
COUNT=200

memoryd_start
guest_new request
guest_nics request e1000 1
xl create -p "$(guest_config request)"
lab-round-trip "$(domid_of request)" "$(grant_of request)" "$COUNT" > trip.txt
read -r bare asked ratio < trip.txt
say "bench: request to grant: bare round trip $bare us, request $asked us," \
    "ratio $ratio (at most 3)"
xenstore-rm /lab
assert_identities request
