# SPDX-License-Identifier: GPL-2.0-or-later
#
# "xl mem-set" and "xl mem-max" while a grant stands: the grant is on top of
# the new limit each time, the guest balloons, and 100 changes at the same time
# as device memory comes and goes lose nothing.
# timeout: 500
# needs: qemu xendm-memoryd xendm-memory

NICS=8
NEED=$((NICS * 256 + 64)) # KiB
RACES=100
MORE=1024 # KiB, that come and go in each race
# A grant may fall between a change and its repair: the device model says so and
# gives it back.  It does so seldom; a tenth would be a fault of the daemon.
LOST_MAX=$((RACES / 10))

# limit_is MIB: the limit is libxl's for this size, plus the grant.
limit_is()
{
    [ "$(limit_of "$id")" -eq $(($1 * PAGES_PER_MIB + LIBXL_SLACK_PAGES + \
        $(grant_of linux) / KIB_PER_PAGE)) ]
}

# What libxl sets for 128 MiB and the grant, and the grant again.
twice_the_grant()
{
    [ "$(limit_of "$id")" -eq $((128 * PAGES_PER_MIB + LIBXL_SLACK_PAGES + \
        2 * NEED / KIB_PER_PAGE)) ]
}

# has_at_most PAGES, has_at_least PAGES: what the guest has.
has_at_most()
{
    [ "$(pages_of "$id")" -le "$1" ]
}

has_at_least()
{
    [ "$(pages_of "$id")" -ge "$1" ]
}

# sized MIB: what libxl was told last, for assert_identities.
sized()
{
    sed -i "s/^memory = .*/memory = $1/" "$(guest_dir linux)/xl.cfg"
    wait_until 5 "grant on top of $1 MiB" limit_is "$1"
    assert_identities linux
}

# granted KIB: the grant on record; without xl, as it is asked for so often.
granted()
{
    record=$(node "/libxl/$id/device-memory/record") || return 1
    [ "${record%% *}" -eq "$1" ]
}

# came_or_was_lost: the memory of added.txt was granted and is there, or Xen did
# not give it, because of the limit that libxl had just set.  Nothing else may
# have happened.
came_or_was_lost()
{
    if grep -q ': Xen gave [0-9]* of [0-9]* pages' added.txt; then
        lost=$((lost + 1))
        wait_until 10 "$NEED KiB after what was lost" granted "$NEED"
    elif grep -q '[^[:space:]]' added.txt; then
        fail "race $race: $(cat added.txt)"
    else
        granted $((NEED + MORE)) ||
            fail "race $race: the grant is $(grant_of linux) KiB"
    fi
}

memoryd_start
guest_new linux
guest_linux linux
guest_set linux maxmem 160
guest_nics linux e1000 "$NICS"
guest_start linux
guest_wait_linux linux
id=$(domid_of linux)
assert_equal "grant, KiB" "$NEED" "$(grant_of linux)"
at_start=$(pages_of "$id")

say "down, up, and up by just the grant"
xl mem-set linux 120m
sized 120
wait_until 60 "the guest's balloon" \
    has_at_most $((at_start - 7 * PAGES_PER_MIB))
xl mem-set linux 128m
sized 128
wait_until 60 "the guest's balloon" has_at_least "$((at_start - 16))"
xl mem-set linux "$((128 * 1024))k"
sized 128
# What libxl sets now is the very number that the limit has.
xl mem-set linux "$((128 * 1024 + NEED))k"
wait_until 5 "grant on top of a limit that is as high" twice_the_grant
xl mem-set linux 128m
sized 128

say "mem-max"
xl mem-max linux 144
sized 144
xl mem-max linux 160
sized 160
xl mem-set linux 128m
sized 128

say "the daemon is away meanwhile"
memoryd_stop
xl mem-set linux 120m
assert_fails "the grant without the daemon" limit_is 120
memoryd_start
sized 120
xl mem-set linux 128m
sized 128

say "$RACES times against device memory that comes and goes"
race=0
lost=0
while [ "$race" -lt "$RACES" ]; do
    race=$((race + 1))
    xl mem-set linux "$((120 + race % 2 * 8))m" &
    setting=$!
    guest_monitor linux \
        "object_add memory-backend-ram,id=m$race,size=${MORE}K" \
        > added.txt 2>&1 || :
    came_or_was_lost
    wait "$setting" || fail "xl mem-set in race $race"
    if [ $((race % 10)) -eq 0 ]; then
        sized "$((120 + race % 2 * 8))"
    fi
    guest_monitor linux "object_del m$race" > /dev/null 2>&1 || :
    wait_until 10 "$NEED KiB after race $race" granted "$NEED"
done
assert_at_most "grants that fell between a change and its repair" \
    "$LOST_MAX" "$lost"
sized 120
assert_equal "grant after all, KiB" "$NEED" "$(grant_of linux)"
xl mem-set linux 128m
sized 128
wait_until 60 "the guest's balloon" has_at_least "$((at_start - 16))"
