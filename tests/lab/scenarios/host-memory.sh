# SPDX-License-Identifier: GPL-2.0-or-later
#
# A host that is short of memory: hot-plug is refused with an error that says
# so, and device model and guest go on.  What one guest was granted is not given
# to another, even before its device model has taken it.
# timeout: 200
# needs: qemu xendm-memoryd

MORE=8192 # KiB

free_is_steady()
{
    steady=$(lab-domain free)
    sleep 1
    [ "$(lab-domain free)" -eq "$steady" ]
}

# can_give KIB: of the host's free memory, so much is not its reserve.
can_give()
{
    wait_until 60 "an end of changes of the free memory" free_is_steady
    reserve=$(($(lab-domain free) - $1))
    memoryd_policy '[defaults]' "host-reserve = $reserve KiB"
    memoryd_reload
}

goes_on()
{
    assert_equal "the guest's answer" alive "$(guest_run "$1" 'echo alive')"
    guest_monitor "$1" 'info status' > status.txt
    assert_contains "the device model" 'VM status: running' status.txt
    assert_identities "$1"
}

# asks NAME KIB: its last request is for so much in all.
asks()
{
    model=/local/domain/0/device-model/$(domid_of "$1")
    case $(node "$model/device-memory/request") in
    *" $2") ;;
    *) return 1 ;;
    esac
}

has_grant()
{
    [ "$(grant_of "$1")" -eq "$2" ]
}

# plug_more NAME: what its device model says is in NAME.txt.
plug_more()
{
    guest_monitor "$1" \
        "object_add memory-backend-ram,id=more,size=${MORE}K" \
        > "$1.txt" 2>&1 || :
}

memoryd_start
for name in one two; do
    guest_new "$name"
    guest_linux "$name"
    # With video memory, Linux goes on for some time to give memory back.
    guest_set "$name" vga '"none"'
    # It is to wait for the daemon, however slow this machine is.
    guest_dm_args "$name" -global xen-device-memory.run-deadline=30000
    guest_start "$name"
    guest_wait_linux "$name"
    assert_equal "grant of $name, KiB" 0 "$(grant_of "$name")"
done

say "128 KiB for an option ROM of 256"
can_give 128
guest_monitor one "device_add e1000,id=hot" > refused.txt 2>&1 || :
assert_contains "device_add" "no guest pages for hot/e1000.rom (256 KiB): the \
toolstack refused, reason 'host-memory': needed in all 256 KiB, granted 0 KiB" \
    refused.txt
model_lacks one hot || fail "the device is there all the same"
goes_on one

say "two ask for $MORE KiB of $((MORE + MORE / 2)); one is slow to take it"
can_give $((MORE + MORE / 2))
memoryd_freeze
plug_more one &
asking=$!
wait_until 20 "request of one" asks one "$MORE"
pid=$(node "/local/domain/$(domid_of one)/image/device-model-pid")
at_end kill -CONT "$pid"
kill -STOP "$pid"
memoryd_thaw
wait_until 20 "grant of one" has_grant one "$MORE"
plug_more two
assert_contains "what two is told" \
    "reason 'host-memory': needed in all $MORE KiB, granted 0 KiB" two.txt
kill -CONT "$pid"
wait "$asking"
assert_lacks "what one is told" 'no guest pages' one.txt
assert_equal "grant of one, KiB" "$MORE" "$(grant_of one)"
goes_on one
goes_on two
assert_at_least "free memory of the host, KiB" "$reserve" "$(lab-domain free)"
