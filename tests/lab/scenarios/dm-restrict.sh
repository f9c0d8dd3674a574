# SPDX-License-Identifier: GPL-2.0-or-later
#
# dm_restrict=1 by libxl itself: the device model runs as nobody's user in an
# empty root, has its ROMs, and hot-plugs from its reserve.
# timeout: 150
# needs: qemu xendm-memoryd

RESERVE=1024 # KiB
# The first user of libxl's range, to which the domain's number is added.
FIRST_USER=131072

# status_of KEY: a line of the device model's /proc/PID/status, first number.
status_of()
{
    awk -v key="$1:" '$1 == key { print $2 }' "/proc/$model/status"
}

memoryd_start
guest_new restricted
guest_linux restricted
guest_set restricted dm_restrict 1
guest_set restricted device_model_override '"/lab/bin/qemu-restricted"'
# QEMU's old backends end the device model when xenstore is closed to them.
guest_set restricted vkb_device 0
guest_nics restricted e1000 8
guest_dm_args restricted -machine "device-memory-reserve=${RESERVE}K"
guest_start restricted
guest_wait_linux restricted
id=$(domid_of restricted)
model=$(node "/local/domain/$id/image/device-model-pid")
assert_equal "user of the device model" $((FIRST_USER + id)) "$(status_of Uid)"
assert_equal "its capabilities" 0000000000000000 "$(status_of CapEff)"
assert_equal "its root" "/run/xen/qemu-root-$id" \
    "$(readlink "/proc/$model/root" | sed 's|^/var/run|/run|')"
assert_equal "service" unreachable "$(guest_property restricted service)"
need=$((8 * 256 + 64 + RESERVE))
assert_equal "grant, KiB" "$need" "$(grant_of restricted)"
assert_identities restricted
pages=$(pages_of "$id")

guest_monitor restricted "object_add memory-backend-ram,id=some,size=768K" \
    > some.txt 2>&1 || :
assert_lacks "what object_add says" Error some.txt
guest_monitor restricted "object_add memory-backend-ram,id=more,size=512K" \
    > more.txt 2>&1 || :
assert_contains "object_add" "is restricted (-xen-domid-restrict) and can ask \
for none; $((RESERVE - 768)) KiB of its reserve are left" more.txt
# In the empty root there is no ROM file; a NIC without one can come.
guest_monitor restricted "device_add e1000,id=hot" > hot.txt 2>&1 || :
assert_contains "device_add" 'failed to find romfile' hot.txt
guest_plug restricted 1e hot e1000,romfile=
guest_unplug restricted hot
guest_monitor restricted "object_del some"
assert_equal "the guest's answer" alive "$(guest_run restricted 'echo alive')"
assert_equal "pages" "$pages" "$(pages_of "$id")"
assert_equal "grant, KiB" "$need" "$(grant_of restricted)"
assert_identities restricted

# Without what translates the options, libxl's do not fit to this QEMU.
guest_new plain
guest_set plain dm_restrict 1
assert_fails "dm_restrict without qemu-restricted" guest_try_start plain
assert_contains "the device model's log" 'chroot: invalid option' \
    "$(guest_log plain)"
