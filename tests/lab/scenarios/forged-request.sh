# SPDX-License-Identifier: GPL-2.0-or-later
#
# A request from another domain: refused and logged while that domain is
# anybody, granted when it is the guest's own stub domain, and refused for any
# other guest then too.
# timeout: 240
# needs: qemu qemu-stock xendm-memoryd

# requests_from_helper DOMID VALUE: the helper writes it below its own node,
# over the guest's own connection to xenstore.
requests_from_helper()
{
    guest_run helper "put-node $(place "$1")/request '$2'" > reply.txt
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

memoryd_start
# Paused, or SeaBIOS would give up after a minute and the guest end.
guest_new victim stock
guest_start victim -p
guest_new other stock
guest_start other -p
guest_new helper
guest_linux helper
# Gives it a node device-model of its own, as a stub domain has.
guest_set helper driver_domain 1
guest_start helper
guest_wait_linux helper
helper=$(domid_of helper)
victim=$(domid_of victim)
other=$(domid_of other)
victim_limit=$(limit_of "$victim")
other_limit=$(limit_of "$other")

say "an unrelated domain asks"
requests_from_helper "$victim" '7 1024'
wait_until 10 "refusal" answered "$victim" '7 refused 0 0 0 not-allowed'
assert_equal "max_pages of the victim" "$victim_limit" "$(limit_of "$victim")"
assert_contains "the daemon's log" \
    "domain $helper asks for domain $victim: request \"7 1024\" refused" \
    "$(memoryd_log)"

say "it claims to be a stub domain, where it can write"
guest_run helper "put-node /local/domain/$helper/target $victim" > reply.txt
assert_lacks "xenstored's reply to the helper" OK reply.txt
guest_run helper \
    "put-node /local/domain/$victim/image/device-model-domid $helper" \
    > reply.txt
assert_lacks "xenstored's reply to the helper" OK reply.txt
guest_run helper "put-node /local/domain/0/device-model/$victim/device-memory/request '7 1024'" \
    > reply.txt
assert_lacks "xenstored's reply to the helper" OK reply.txt

say "domain 0 makes it the victim's stub domain"
xenstore-write "/local/domain/$helper/target" "$victim" \
    "/local/domain/$victim/image/device-model-domid" "$helper"
requests_from_helper "$victim" '8 1024'
wait_until 10 "grant" answered "$victim" '8 granted 1024 65536'
assert_equal "max_pages of the victim" $((victim_limit + 256)) \
    "$(limit_of "$victim")"
requests_from_helper "$other" '9 1024'
wait_until 10 "refusal" answered "$other" '9 refused 0 0 0 not-allowed'
assert_equal "max_pages of the other" "$other_limit" "$(limit_of "$other")"
requests_from_helper "$victim" '10 0'
wait_until 10 "return" answered "$victim" '10 granted 0 65536'
assert_equal "max_pages of the victim" "$victim_limit" "$(limit_of "$victim")"

say "the helper goes first"
requests_from_helper "$victim" '11 1024'
wait_until 10 "grant" answered "$victim" '11 granted 1024 65536'
guest_destroy helper
assert_equal "max_pages of the victim" $((victim_limit + 256)) \
    "$(limit_of "$victim")"
# Or libxl would look for the stub domain.
xenstore-rm "/local/domain/$victim/image/device-model-domid"
guest_destroy victim
assert_nothing_left "$victim"
assert_nothing_left "$helper"
