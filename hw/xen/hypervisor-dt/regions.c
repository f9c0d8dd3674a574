/*
 * Hypervisor node: where extended regions can be
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "align.h"
#include "hw/xen/hypervisor-dt-regions.h"

/* Ranges are handled as [base, last]: one that ends at 2^64 has no end. */
static uint64_t last_of(uint64_t base, uint64_t size)
{
    return base + (size - 1);
}

/* --- ranges --- */

static int check_extent(const char *name, uint64_t base, uint64_t size,
                        HypervisorDtError *error)
{
    if (!size) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "%s at 0x%" PRIx64 " is empty: its size must not be 0", name,
            base);
    }
    if (last_of(base, size) < base) {
        return hypervisor_dt_error_set(error, -ERANGE,
            "%s at 0x%" PRIx64 " with size 0x%" PRIx64 " ends beyond 2^64",
            name, base, size);
    }
    return 0;
}

static int check_extents(const HypervisorDtRange *ranges, size_t number,
                         HypervisorDtError *error)
{
    if (number > HYPERVISOR_DT_TAKEN_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "%zu ranges are taken, at most %d are allowed", number,
            HYPERVISOR_DT_TAKEN_MAX);
    }
    for (size_t i = 0; i < number; i++) {
        int ret = check_extent(ranges[i].name, ranges[i].base, ranges[i].size,
                               error);

        if (ret) {
            return ret;
        }
    }
    return 0;
}

static int clash(const HypervisorDtRange *first,
                 const HypervisorDtRange *second, HypervisorDtError *error)
{
    hypervisor_dt_error_set(error, -EEXIST,
        "%s [0x%" PRIx64 ", 0x%" PRIx64 "] overlaps %s [0x%" PRIx64
        ", 0x%" PRIx64 "]",
        first->name, first->base, last_of(first->base, first->size),
        second->name, second->base, last_of(second->base, second->size));
    return hypervisor_dt_error_clash(error, first->name, second->name);
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* A total order, so that of several clashes always the same one is told. */
static int compare_ranges(const void *a, const void *b)
{
    const HypervisorDtRange *left = a;
    const HypervisorDtRange *right = b;
    int order = compare_u64(left->base, right->base);

    if (!order) {
        order = compare_u64(left->size, right->size);
    }
    return order ? order : strcmp(left->name, right->name);
}

/* The one of two that reaches further. */
static const HypervisorDtRange *further(const HypervisorDtRange *range,
                                        const HypervisorDtRange *other)
{
    return !range || last_of(other->base, other->size) >
                     last_of(range->base, range->size) ? other : range;
}

static bool reaches(const HypervisorDtRange *range, uint64_t address)
{
    return range && last_of(range->base, range->size) >= address;
}

/* @ranges are sorted: who comes before can only overlap with its end. */
static int check_clashes(const HypervisorDtRange *ranges, size_t number,
                         HypervisorDtError *error)
{
    const HypervisorDtRange *own = NULL;
    const HypervisorDtRange *found = NULL;

    for (size_t i = 0; i < number; i++) {
        const HypervisorDtRange *range = &ranges[i];

        if (range->kind == HYPERVISOR_DT_EXCLUDED) {
            continue;
        }
        if (reaches(own, range->base)) {
            return clash(own, range, error);
        }
        if (range->kind == HYPERVISOR_DT_FOUND) {
            found = further(found, range);
            continue;
        }
        if (reaches(found, range->base)) {
            return clash(found, range, error);
        }
        own = further(own, range);
    }
    return 0;
}

static void sort_ranges(HypervisorDtRange *ranges, size_t number)
{
    if (number) {
        qsort(ranges, number, sizeof(*ranges), compare_ranges);
    }
}

int hypervisor_dt_ranges_check(const HypervisorDtRange *ranges, size_t number,
                               HypervisorDtError *error)
{
    g_autofree HypervisorDtRange *sorted = NULL;
    int ret = check_extents(ranges, number, error);

    if (ret) {
        return ret;
    }
    sorted = g_new(HypervisorDtRange, number);
    for (size_t i = 0; i < number; i++) {
        sorted[i] = ranges[i];
    }
    sort_ranges(sorted, number);
    return check_clashes(sorted, number, error);
}

/* --- what must hold before regions are looked for --- */

static uint64_t last_address(const HypervisorDtSpace *space)
{
    return (UINT64_C(1) << space->address_bits) - 1;
}

static int check_limits(const HypervisorDtSpace *space,
                        HypervisorDtError *error)
{
    if (space->address_bits < HYPERVISOR_DT_ADDRESS_BITS_MIN ||
        space->address_bits > HYPERVISOR_DT_ADDRESS_BITS_MAX) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "%u address bits: %d to %d are allowed", space->address_bits,
            HYPERVISOR_DT_ADDRESS_BITS_MIN, HYPERVISOR_DT_ADDRESS_BITS_MAX);
    }
    if (space->maximum > HYPERVISOR_DT_REGIONS_MAX) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "%u extended regions at most: the limit is %d", space->maximum,
            HYPERVISOR_DT_REGIONS_MAX);
    }
    if (space->banks_number > HYPERVISOR_DT_BANKS_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "%zu RAM banks, at most %d are allowed", space->banks_number,
            HYPERVISOR_DT_BANKS_MAX);
    }
    return 0;
}

static int check_bank(const HypervisorDtBank *bank, HypervisorDtError *error)
{
    int ret = check_extent(bank->name, bank->base, bank->size, error);

    if (!ret && bank->ram > bank->size) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "%s has 0x%" PRIx64 " bytes of RAM, its window at 0x%" PRIx64
            " has room for 0x%" PRIx64, bank->name, bank->ram, bank->base,
            bank->size);
    }
    return ret;
}

/* The windows of the banks as sorted ranges, checked; NULL on failure. */
static HypervisorDtRange *windows_of(const HypervisorDtSpace *space,
                                     HypervisorDtError *error)
{
    g_autofree HypervisorDtRange *windows =
        g_new(HypervisorDtRange, space->banks_number + 1);

    for (size_t i = 0; i < space->banks_number; i++) {
        const HypervisorDtBank *bank = &space->banks[i];

        if (check_bank(bank, error)) {
            return NULL;
        }
        windows[i] = (HypervisorDtRange) {
            .name = bank->name,
            .base = bank->base,
            .size = bank->size,
            .kind = HYPERVISOR_DT_OWN,
        };
    }
    sort_ranges(windows, space->banks_number);
    if (check_clashes(windows, space->banks_number, error)) {
        return NULL;
    }
    return g_steal_pointer(&windows);
}

static int check_reach(const HypervisorDtSpace *space,
                       const HypervisorDtRange *range,
                       HypervisorDtError *error)
{
    uint64_t last = last_of(range->base, range->size);

    if (range->kind == HYPERVISOR_DT_OWN && last > last_address(space)) {
        return hypervisor_dt_error_set(error, -ERANGE,
            "%s [0x%" PRIx64 ", 0x%" PRIx64 "] ends beyond the address space"
            " of %u bits", range->name, range->base, last,
            space->address_bits);
    }
    return 0;
}

/* Everything that is taken, RAM included, sorted and checked. */
static HypervisorDtRange *obstacles_of(const HypervisorDtSpace *space,
                                       size_t *number,
                                       HypervisorDtError *error)
{
    g_autofree HypervisorDtRange *all = NULL;
    size_t n = 0;

    if (check_extents(space->taken, space->taken_number, error)) {
        return NULL;
    }
    all = g_new(HypervisorDtRange,
                space->taken_number + space->banks_number + 1);
    for (size_t i = 0; i < space->taken_number; i++) {
        all[n++] = space->taken[i];
    }
    for (size_t i = 0; i < space->banks_number; i++) {
        if (space->banks[i].ram) {
            all[n++] = (HypervisorDtRange) {
                .name = space->banks[i].name,
                .base = space->banks[i].base,
                .size = space->banks[i].ram,
                .kind = HYPERVISOR_DT_OWN,
            };
        }
    }
    if (check_extents(all, n, error)) {
        return NULL;
    }
    sort_ranges(all, n);
    if (check_clashes(all, n, error)) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (check_reach(space, &all[i], error)) {
            return NULL;
        }
    }
    *number = n;
    return g_steal_pointer(&all);
}

/* --- the regions --- */

/* The part of [@base, @end) that can be a region, if there is one. */
static void add_gap(GArray *regions, uint64_t base, uint64_t end)
{
    HypervisorDtRegion region;
    uint64_t block;

    base = align_up(base, HYPERVISOR_DT_REGION_ALIGN);
    end = align_down(end, HYPERVISOR_DT_REGION_ALIGN);
    if (end < base || end - base < HYPERVISOR_DT_REGION_MIN) {
        return;
    }
    block = align_up(base, HYPERVISOR_DT_LINUX_BLOCK);
    region = (HypervisorDtRegion) {
        .base = base,
        .size = end - base,
        .linux_usable = block <= end &&
                        end - block >= HYPERVISOR_DT_LINUX_BLOCK,
    };
    g_array_append_val(regions, region);
}

typedef struct Sweep {
    const HypervisorDtRange *obstacles;     /* sorted */
    size_t number;
    size_t next;            /* the first obstacle not yet passed */
    uint64_t free_from;     /* all that was passed ends here, or before */
    uint64_t end;           /* of the address space */
} Sweep;

/* Both windows and obstacles ascend, so neither is looked at twice. */
static void sweep_window(Sweep *sweep, const HypervisorDtRange *window,
                         GArray *regions)
{
    uint64_t end = MIN(last_of(window->base, window->size),
                       sweep->end - 1) + 1;

    if (window->base >= end) {
        return;
    }
    sweep->free_from = MAX(sweep->free_from, window->base);
    while (sweep->next < sweep->number &&
           sweep->obstacles[sweep->next].base < end) {
        const HypervisorDtRange *obstacle = &sweep->obstacles[sweep->next++];
        uint64_t obstacle_end = MIN(last_of(obstacle->base, obstacle->size),
                                    sweep->end - 1) + 1;

        if (obstacle->base > sweep->free_from) {
            add_gap(regions, sweep->free_from, obstacle->base);
        }
        sweep->free_from = MAX(sweep->free_from, obstacle_end);
    }
    if (end > sweep->free_from) {
        add_gap(regions, sweep->free_from, end);
    }
}

static int compare_by_size(const void *a, const void *b)
{
    const HypervisorDtRegion *left = a;
    const HypervisorDtRegion *right = b;
    int order = compare_u64(right->size, left->size);

    return order ? order : compare_u64(left->base, right->base);
}

static int compare_by_base(const void *a, const void *b)
{
    const HypervisorDtRegion *left = a;
    const HypervisorDtRegion *right = b;

    return compare_u64(left->base, right->base);
}

/* The largest first, cut, and back in order. */
static void keep_largest(GArray *regions, unsigned maximum)
{
    if (regions->len > maximum) {
        g_array_sort(regions, compare_by_size);
        g_array_set_size(regions, maximum);
        g_array_sort(regions, compare_by_base);
    }
}

static void fill_in(HypervisorDtRegions *regions, const GArray *kept,
                    unsigned found)
{
    memset(regions, 0, sizeof(*regions));
    regions->number = kept->len;
    regions->left_out = found - kept->len;
    for (unsigned i = 0; i < kept->len; i++) {
        regions->region[i] = g_array_index(kept, HypervisorDtRegion, i);
        regions->linux_usable += regions->region[i].linux_usable;
    }
}

int hypervisor_dt_regions_compute(const HypervisorDtSpace *space,
                                  HypervisorDtRegions *regions,
                                  HypervisorDtError *error)
{
    g_autofree HypervisorDtRange *windows = NULL;
    g_autofree HypervisorDtRange *obstacles = NULL;
    g_autoptr(GArray) list = NULL;
    Sweep sweep = { .number = 0 };
    unsigned found;

    if (check_limits(space, error)) {
        return error->code;
    }
    windows = windows_of(space, error);
    if (!windows) {
        return error->code;
    }
    obstacles = obstacles_of(space, &sweep.number, error);
    if (!obstacles) {
        return error->code;
    }
    sweep.obstacles = obstacles;
    sweep.end = last_address(space) + 1;
    list = g_array_new(FALSE, FALSE, sizeof(HypervisorDtRegion));
    for (size_t i = 0; i < space->banks_number; i++) {
        sweep_window(&sweep, &windows[i], list);
    }
    found = list->len;
    keep_largest(list, space->maximum);
    fill_in(regions, list, found);
    return 0;
}
