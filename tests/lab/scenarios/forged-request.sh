# SPDX-License-Identifier: GPL-2.0-or-later
#
# A request from another domain, be it PVH or PV: refused and logged while that
# domain is anybody, granted when it is the guest's own stub domain, and refused
# for any other guest then too.
# timeout: 300
# needs: qemu-stock xendm-memoryd

# helper_puts PATH VALUE: the helper writes it, over its own connection to
# xenstore; xenstored's reply goes to reply.txt.
helper_puts()
{
    guest_run helper "put-node $1 '$2'" > reply.txt
}

# helper_requests DOMID VALUE: below its own node.
helper_requests()
{
    helper_puts "$(place "$1")/request" "$2"
    assert_contains "xenstored's reply to the helper" OK reply.txt
}

place()
{
    printf '/local/domain/%s/device-model/%s/device-memory\n' "$helper" "$1"
}

answered()
{
    [ "$(node "$(place "$1")/answer")" = "$2" ]
}

# helper_start TYPE
helper_start()
{
    guest_new helper stock
    guest_linux helper
    guest_without_model helper "$1"
    # Gives it a node device-model of its own, as a stub domain has.
    guest_set helper driver_domain 1
    guest_start helper
    guest_wait_linux helper
    helper=$(domid_of helper)
}

# helper_end: or libxl would look for the stub domain.
helper_end()
{
    guest_destroy helper
    xenstore-rm "/local/domain/$victim/image/device-model-domid"
    assert_nothing_left "$helper"
}

stranger()
{
    say "$1: an unrelated domain asks"
    helper_requests "$victim" '7 1024'
    wait_until 10 "refusal" answered "$victim" '7 refused 0 0 0 not-allowed'
    assert_equal "max_pages of the victim" "$victim_limit" \
        "$(limit_of "$victim")"
    assert_contains "the daemon's log" "domain $helper asks for domain \
$victim: request \"7 1024\" refused" "$(memoryd_log)"
}

pretender()
{
    say "$1: it claims to be a stub domain, where it can write"
    for path in "/local/domain/$helper/target" \
        "/local/domain/$victim/image/device-model-domid" \
        "/local/domain/0/device-model/$victim/device-memory/request"; do
        helper_puts "$path" "$victim"
        assert_lacks "xenstored's reply to the helper" OK reply.txt
    done
    assert_equal "max_pages of the victim" "$victim_limit" \
        "$(limit_of "$victim")"
}

stub_domain()
{
    say "$1: domain 0 makes it the victim's stub domain"
    xenstore-write "/local/domain/$helper/target" "$victim" \
        "/local/domain/$victim/image/device-model-domid" "$helper"
    helper_requests "$victim" '8 1024'
    wait_until 10 "grant" answered "$victim" '8 granted 1024 65536'
    assert_equal "max_pages of the victim" $((victim_limit + 256)) \
        "$(limit_of "$victim")"
    helper_requests "$other" '9 1024'
    wait_until 10 "refusal" answered "$other" '9 refused 0 0 0 not-allowed'
    assert_equal "max_pages of the other" "$other_limit" \
        "$(limit_of "$other")"
    helper_requests "$victim" '10 0'
    wait_until 10 "return" answered "$victim" '10 granted 0 65536'
    assert_equal "max_pages of the victim" "$victim_limit" \
        "$(limit_of "$victim")"
}

memoryd_start
# Paused, or SeaBIOS would give up after a minute and they would end.
for name in victim other; do
    guest_new "$name" stock
    guest_start "$name" -p
done
victim=$(domid_of victim)
other=$(domid_of other)
victim_limit=$(limit_of "$victim")
other_limit=$(limit_of "$other")
for type in pvh pv; do
    helper_start "$type"
    stranger "$type"
    pretender "$type"
    stub_domain "$type"
    [ "$type" = pv ] || helper_end
done

say "the helper goes first"
helper_requests "$victim" '11 1024'
wait_until 10 "grant" answered "$victim" '11 granted 1024 65536'
helper_end
assert_equal "max_pages of the victim" $((victim_limit + 256)) \
    "$(limit_of "$victim")"
guest_destroy victim
assert_nothing_left "$victim"
