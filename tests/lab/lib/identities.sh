# SPDX-License-Identifier: GPL-2.0-or-later
# What has to be true of a guest of ours whenever it is at rest.

KIB_PER_PAGE=4
PAGES_PER_MIB=256
# libxl adds 1024 KiB to the memory that it was told to give.
LIBXL_SLACK_PAGES=256

# libxl_limit NAME: the max_pages that libxl itself sets for the guest.
libxl_limit()
{
    memory=$(sed -n 's/^memory = //p' "$(guest_dir "$1")/xl.cfg")
    printf '%s\n' $((memory * PAGES_PER_MIB + LIBXL_SLACK_PAGES))
}

# grant_of NAME: the grant on the toolstack's record, KiB; 0 without one.
grant_of()
{
    record=$(node "/libxl/$(domid_of "$1")/device-memory/record") || record=0
    printf '%s\n' "${record%% *}"
}

# guest_property NAME PROPERTY: a property of QEMU's object for device memory.
guest_property()
{
    guest_monitor "$1" "qom-get /machine/xen-device-memory $2" |
        tr -d '\r\n" '
}

# assert_identities NAME: the limit is libxl's plus the grant, to the page; the
# grant is what the device model needs; the domain is within its limit and was
# never refused a page.
assert_identities()
{
    identity_domid=$(domid_of "$1")
    identity_grant=$(grant_of "$1")
    assert_equal "need of $1 (its grant), KiB" "$identity_grant" \
        "$(guest_property "$1" need-kib)"
    assert_equal "granted to $1 as its device model knows, KiB" \
        "$identity_grant" "$(guest_property "$1" granted-kib)"
    assert_equal "max_pages of $1 (libxl's limit + grant)" \
        $(($(libxl_limit "$1") + identity_grant / KIB_PER_PAGE)) \
        "$(limit_of "$identity_domid")"
    assert_at_most "nr_pages of $1 (its max_pages)" \
        "$(limit_of "$identity_domid")" "$(pages_of "$identity_domid")"
    assert_equal "over-allocations of $1" 0 \
        "$(over_allocations "$identity_domid")"
}

# assert_nothing_left DOMID: nothing of a dead guest is in xenstore.
assert_nothing_left()
{
    for left in "/local/domain/0/device-model/$1" "/libxl/$1" \
        "/local/domain/$1"; do
        assert_equal "nodes below $left" 0 "$(nodes "$left")"
    done
}
