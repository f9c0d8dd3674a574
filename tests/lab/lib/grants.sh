# SPDX-License-Identifier: GPL-2.0-or-later
# Pages of dom0's that an Arm guest maps by grant, and where they come to lie.

# How many pages, and how often they are mapped.
GRANT_PAGES=8
GRANT_CYCLES=1000
# The guest's memory as its kernel counts it, in KiB.
GRANT_MEMORY=/sys/devices/system/xen_memory/xen_memory0/info/current_kb

# guest_maps_grants NAME: dom0 grants pages, the running guest maps them; how
# its address space looks meanwhile is in the file NAME.iomem.
guest_maps_grants()
{
    guest_run "$1" load-drivers
    mkfifo "$1.hold"
    lab-grant offer "$(domid_of "$1")" "$GRANT_PAGES" < "$1.hold" \
        > "$1.refs" &
    offer=$!
    exec 9> "$1.hold"
    wait_until 10 "the grant" test -s "$1.refs"
    guest_run "$1" "cat $GRANT_MEMORY" > "$1.memory"
    guest_run "$1" "lab-grant map 0 $GRANT_CYCLES \
        'cat /proc/iomem $GRANT_MEMORY' $(head -n 1 "$1.refs")" > "$1.iomem"
    sed -n '/Xen\|RAM/p' "$1.iomem"
    exec 9>&-
    wait "$offer"
    assert_contains "the guest wrote to the pages of dom0's" \
        "answered $GRANT_PAGES of $GRANT_PAGES" "$1.refs"
}

# grants_cost NAME: the KiB of RAM that the guest gave up for the mapped pages.
grants_cost()
{
    echo "$(($(tail -n 1 "$1.memory") - $(tail -n 1 "$1.iomem")))"
}

# iomem_ranges TEXT FILE: the ranges of /proc/iomem with the text: START SIZE.
iomem_ranges()
{
    sed -n "s/^ *\([0-9a-f]*\)-\([0-9a-f]*\) : $1.*/\1 \2/p" "$2" |
        while read -r first last; do
            printf '%#x %#x\n' "$((0x$first))" "$((0x$last - 0x$first + 1))"
        done
}

# assert_grants_in_region NAME REGIONS: they are in a region of the file, and
# cost no RAM.
assert_grants_in_region()
{
    iomem_ranges 'Xen scratch' "$1.iomem" > "$1.scratch"
    iomem_ranges 'System RAM' "$1.iomem" > "$1.ram"
    assert_at_least "ranges that Linux uses for grants" 1 \
        "$(wc -l < "$1.scratch")"
    assert_equal "those in an extended region" "$(wc -l < "$1.scratch")" \
        "$(overlapping "$1.scratch" "$2" | wc -l)"
    assert_equal "those in RAM" 0 \
        "$(overlapping "$1.scratch" "$1.ram" | wc -l)"
    assert_equal "RAM given up, KiB" 0 "$(grants_cost "$1")"
}

# assert_grants_in_ram NAME: they are not in a region.  The guest gave up RAM
# for them, or its balloon driver made up some, at an address that it guessed:
# the kernels of Debian 12 and 13 in turn.
assert_grants_in_ram()
{
    assert_equal "ranges that Linux uses for grants" 0 \
        "$(iomem_ranges 'Xen scratch' "$1.iomem" | wc -l)"
    if [ "$(iomem_ranges 'System RAM' "$1.iomem" | wc -l)" -gt 1 ]; then
        say "$1: the guest takes $(iomem_ranges 'System RAM' "$1.iomem" |
            head -n 1) for RAM, which nobody gave it"
        return
    fi
    assert_at_least "RAM given up, KiB" $((GRANT_PAGES * 4)) \
        "$(grants_cost "$1")"
}
