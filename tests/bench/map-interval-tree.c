/*
 * Benchmark of the mapping table: QEMU's interval-tree, a node in two trees
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/interval-tree.h"

#include "map-contender.h"

typedef struct Range {
    IntervalTreeNode by_bfn;
    IntervalTreeNode by_gfn;
    uint32_t uses;
} Range;

typedef struct Ranges {
    IntervalTreeRoot by_bfn;
    IntervalTreeRoot by_gfn;
} Ranges;

static Range *range_at_bfn(Ranges *ranges, uint64_t first, uint64_t last)
{
    IntervalTreeNode *node = interval_tree_iter_first(&ranges->by_bfn, first,
                                                      last);

    return node ? container_of(node, Range, by_bfn) : NULL;
}

static Range *range_at_gfn(Ranges *ranges, uint64_t gfn)
{
    IntervalTreeNode *node = interval_tree_iter_first(&ranges->by_gfn, gfn,
                                                      gfn);

    return container_of(node, Range, by_gfn);
}

static void *interval_new(void)
{
    return g_new0(Ranges, 1);
}

static void range_free(Ranges *ranges, Range *range)
{
    interval_tree_remove(&range->by_bfn, &ranges->by_bfn);
    interval_tree_remove(&range->by_gfn, &ranges->by_gfn);
    g_free(range);
}

static void interval_free(void *opaque)
{
    Ranges *ranges = opaque;
    Range *range;

    while ((range = range_at_bfn(ranges, 0, UINT64_MAX))) {
        range_free(ranges, range);
    }
    g_free(ranges);
}

static void interval_map(void *opaque, MapRun run)
{
    Ranges *ranges = opaque;
    Range *range = range_at_bfn(ranges, run.bfn, run.bfn + run.pages - 1);

    if (range) {
        range->uses++;
        return;
    }
    range = g_new(Range, 1);
    range->by_bfn.start = run.bfn;
    range->by_bfn.last = run.bfn + run.pages - 1;
    range->by_gfn.start = run.gfn;
    range->by_gfn.last = run.gfn + run.pages - 1;
    range->uses = 1;
    interval_tree_insert(&range->by_bfn, &ranges->by_bfn);
    interval_tree_insert(&range->by_gfn, &ranges->by_gfn);
}

static void interval_unmap(void *opaque, MapRun run)
{
    Ranges *ranges = opaque;
    Range *range = range_at_bfn(ranges, run.bfn, run.bfn + run.pages - 1);

    if (--range->uses == 0) {
        range_free(ranges, range);
    }
}

static uint64_t interval_find_bfn(void *opaque, uint64_t bfn)
{
    Range *range = range_at_bfn(opaque, bfn, bfn);

    return range->by_gfn.start + (bfn - range->by_bfn.start);
}

static uint64_t interval_find_gfn(void *opaque, uint64_t gfn)
{
    Range *range = range_at_gfn(opaque, gfn);

    return range->by_bfn.start + (gfn - range->by_gfn.start);
}

const MapContender map_contender_interval_tree = {
    .name = "interval-tree",
    .new = interval_new,
    .free = interval_free,
    .map = interval_map,
    .unmap = interval_unmap,
    .find_bfn = interval_find_bfn,
    .find_gfn = interval_find_gfn,
};
