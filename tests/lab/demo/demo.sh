# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest with sixteen network cards: stock QEMU fails, ours starts.
# timeout: 180
# needs: qemu qemu-stock xendm-memoryd xendm-memory

NICS=16

# show COMMAND...: runs it and shows what it prints.
show()
{
    say
    say "dom0# $*"
    "$@" 2>&1 | sed 's/^/# /'
}

say "A real $(xl info | sed -n 's/^xen_version *: /Xen /p') with Linux \
$(uname -r) as dom0, both under emulation."
say "A guest with $NICS e1000, a standard VGA and 128 MiB, started by an"
say "unmodified xl: first with stock QEMU, then with ours."

guest_new stock stock
guest_nics stock e1000 "$NICS"
say
say "dom0# xl create stock.cfg"
assert_fails "stock QEMU" guest_try_start stock
grep -h -e spawn -e 'not start' "$(guest_output stock)" | sed 's/^/# /'
show grep populate "$(guest_log stock)"
assert_contains "the log" 'failed to populate ram' "$(guest_log stock)"

say
say "dom0# xendm-memoryd &"
memoryd_start
guest_new ours
guest_nics ours e1000 "$NICS"
say "dom0# xl create ours.cfg"
guest_start ours
guest_wait_hvmloader ours
show xl list
show xendm-memory list
show sh -c 'xendm-memory show ours | head -14'
assert_identities ours
say
say "The guest's limit is libxl's $(libxl_limit ours) pages plus the grant of \
$(($(grant_of ours) / KIB_PER_PAGE)): $(limit_of "$(domid_of ours)")."
