# SPDX-License-Identifier: GPL-2.0-or-later
# Pages of dom0's that an Arm guest maps by grant, and where they come to lie.

# How many pages, and how often they are mapped.
GRANT_PAGES=8
GRANT_CYCLES=1000
# The guest's memory as its kernel counts it, in KiB.
GRANT_MEMORY=/sys/devices/system/xen_memory/xen_memory0/info/current_kb

# guest_maps_grants NAME: dom0 grants pages, the running guest maps them; how
# its address space looks meanwhile is in the file NAME.iomem, and in
# NAME.iomem-after when all are unmapped.  What it has mapped, it gives back.
guest_maps_grants()
{
    guest_run "$1" load-drivers
    mkfifo "$1.hold"
    lab-grant offer "$(domid_of "$1")" "$GRANT_PAGES" < "$1.hold" \
        > "$1.refs" &
    offer=$!
    exec 9> "$1.hold"
    wait_until 10 "the grant" test -s "$1.refs"
    guest_memory "$1" > "$1.memory"
    hold_grants "$1" "$(head -n 1 "$1.refs")"
    guest_run "$1" "lab-grant map 0 $GRANT_CYCLES \
        'cat /proc/iomem $GRANT_MEMORY' $(head -n 1 "$1.refs")" > "$1.iomem"
    sed -n '/Xen\|RAM/p' "$1.iomem"
    assert_grants_given_back "$1"
    exec 9>&-
    wait "$offer"
    assert_contains "the guest wrote to the pages of dom0's" \
        "answered $GRANT_PAGES of $GRANT_PAGES" "$1.refs"
}

# hold_grants NAME REFERENCES: once and for some seconds, so that Xen can be
# asked.
hold_grants()
{
    guest_run "$1" "lab-grant map 0 1 'sleep 6' $2" > /dev/null &
    holding=$!
    wait_until 10 "$GRANT_PAGES mapped pages" grants_are "$1" "$GRANT_PAGES"
    assert_equal "dom0's pages that the guest has mapped, Xen says" \
        "$GRANT_PAGES" "$(grants_in_xen "$1")"
    wait "$holding"
}

# assert_grants_given_back NAME: after GRANT_CYCLES times, nothing is left of
# them.  A kernel that gave up RAM takes it back when it has time to.
assert_grants_given_back()
{
    assert_equal "dom0's pages that the guest has mapped afterwards" 0 \
        "$(grants_in_xen "$1")"
    wait_until 30 "the guest's memory as it was before" guest_memory_is "$1" \
        "$(tail -n 1 "$1.memory")"
    guest_run "$1" "cat /proc/iomem" > "$1.iomem-after"
    assert_equal "ranges that Linux uses for grants afterwards, as meanwhile" \
        "$(iomem_ranges 'Xen scratch' "$1.iomem")" \
        "$(iomem_ranges 'Xen scratch' "$1.iomem-after")"
}

# grants_in_xen NAME: how many of dom0's pages the guest has mapped.
grants_in_xen()
{
    xl debug-keys g
    xl dmesg | awk -v guest="$(domid_of "$1")" '
        /gnttab_usage_print_all \[/ { number = 0 }
        /grant-table for remote/ { dom0 = /remote d0 / }
        dom0 && $2 ~ /^\[0x/ && $3 == guest { number++ }
        END { print number + 0 }'
}

# grants_are NAME NUMBER
grants_are()
{
    [ "$(grants_in_xen "$1")" = "$2" ]
}

# guest_memory NAME: the last line is the guest's memory in KiB.
guest_memory()
{
    guest_run "$1" "cat $GRANT_MEMORY" | tr -d '\r'
}

# guest_memory_is NAME KIB
guest_memory_is()
{
    [ "$(guest_memory "$1" | tail -n 1)" = "$2" ]
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

# assert_grants_in_region NAME REGIONS: they are within a region of the file, in
# one block of Linux's, and cost no RAM.
assert_grants_in_region()
{
    iomem_ranges 'Xen scratch' "$1.iomem" > "$1.scratch"
    iomem_ranges 'System RAM' "$1.iomem" > "$1.ram"
    assert_equal "bytes that Linux uses for grants" 0x8000000 \
        "$(cut -d ' ' -f 2 "$1.scratch")"
    assert_equal "those within an extended region" "$(cat "$1.scratch")" \
        "$(inside "$1.scratch" "$2")"
    assert_equal "those in RAM" "" "$(overlapping "$1.scratch" "$1.ram")"
    assert_equal "RAM given up, KiB" 0 "$(grants_cost "$1")"
}

# assert_grants_in_ram NAME: they are in no region, and the guest gave up RAM
# for them.
assert_grants_in_ram()
{
    assert_equal "ranges that Linux uses for grants" "" \
        "$(iomem_ranges 'Xen scratch' "$1.iomem")"
    assert_at_least "RAM given up, KiB" $((GRANT_PAGES * 4)) \
        "$(grants_cost "$1")"
}

# assert_grants_in_made_up_ram NAME TAKEN: the same of Debian 13's kernel, whose
# balloon driver, to get some back, makes up RAM where it knows of nothing.
# TAKEN: what is there, in fact; a line "START SIZE ..." for each.
assert_grants_in_made_up_ram()
{
    assert_equal "ranges that Linux uses for grants" "" \
        "$(iomem_ranges 'Xen scratch' "$1.iomem")"
    iomem_ranges 'System RAM' "$1.iomem" | sed '$d' > "$1.made-up"
    cat "$1.made-up"
    assert_equal "bytes of RAM that nobody gave the guest" 0x8000000 \
        "$(cut -d ' ' -f 2 "$1.made-up")"
    assert_equal "what of it is taken" "" \
        "$(overlapping "$1.made-up" "$2")"
    assert_at_least "RAM given up, KiB" $((GRANT_PAGES * 4)) \
        "$(grants_cost "$1")"
}
