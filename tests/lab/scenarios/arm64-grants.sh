# SPDX-License-Identifier: GPL-2.0-or-later
#
# A grant that a guest maps lands in an extended region with Debian 13's kernel,
# and in RAM taken from the guest with Debian 12's, which cannot use regions.
# machine: arm64
# timeout: 150

PAGES=8
CYCLES=1000
# The guest's memory as its kernel counts it, in KiB.
MEMORY=/sys/devices/system/xen_memory/xen_memory0/info/current_kb

# maps NAME RELEASE: dom0 grants pages, the guest maps them; how the guest's
# address space looks meanwhile is in the file NAME.iomem.
maps()
{
    arm_guest_new "$1" "$2"
    arm_guest_start "$1"
    guest_wait_linux "$1"
    guest_run "$1" load-drivers
    mkfifo "$1.hold"
    lab-grant offer "$(domid_of "$1")" "$PAGES" < "$1.hold" > "$1.refs" &
    offer=$!
    exec 9> "$1.hold"
    wait_until 10 "the grant" test -s "$1.refs"
    guest_run "$1" "cat $MEMORY" > "$1.memory"
    guest_run "$1" "lab-grant map 0 $CYCLES 'cat /proc/iomem $MEMORY' \
        $(head -n 1 "$1.refs")" > "$1.iomem"
    sed -n '/Xen\|RAM/p' "$1.iomem"
    exec 9>&-
    wait "$offer"
    assert_contains "the guest wrote to the pages of dom0's" \
        "answered $PAGES of $PAGES" "$1.refs"
    tree_regions "$(arm_tree "$1")" | sed 1d > "$1.regions"
}

# taken NAME: the KiB of RAM that the guest gave up for the mapped pages.
taken()
{
    echo "$(($(tail -n 1 "$1.memory") - $(tail -n 1 "$1.iomem")))"
}

# ranges TEXT FILE: the ranges of /proc/iomem with the text: START SIZE.
ranges()
{
    sed -n "s/^ *\([0-9a-f]*\)-\([0-9a-f]*\) : $1.*/\1 \2/p" "$2" |
        while read -r first last; do
            printf '%#x %#x\n' "$((0x$first))" "$((0x$last - 0x$first + 1))"
        done
}

maps new trixie
ranges 'Xen scratch' new.iomem > scratch
ranges 'System RAM' new.iomem > ram
assert_at_least "ranges that Linux uses for grants" 1 "$(wc -l < scratch)"
assert_equal "those in an extended region" "$(wc -l < scratch)" \
    "$(overlapping scratch new.regions | wc -l)"
assert_equal "those in RAM" 0 "$(overlapping scratch ram | wc -l)"
assert_equal "RAM given up, KiB" 0 "$(taken new)"

maps old bookworm
assert_equal "ranges that the old kernel has for grants" 0 \
    "$(ranges 'Xen scratch' old.iomem | wc -l)"
assert_at_least "RAM that it gave up, KiB" $((PAGES * 4)) "$(taken old)"
