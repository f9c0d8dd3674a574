/*
 * PV IOMMU: which BFNs are free
 *
 * One set of runs, by first frame; what is in no run is taken.  The tree knows
 * the longest free run below each of its nodes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "hw/xen/pv-iommu-bfn.h"
#include "record-tree.h"

typedef enum BfnState {
    BFN_TAKEN,
    BFN_FREE,
    BFN_EXCLUDED,
    BFN_CONDEMNED,              /* taken, and excluded when given back */
    BFN_STATES,
} BfnState;

typedef struct BfnRun {
    uint64_t bfn;
    uint64_t end;
    BfnState state;
} BfnRun;

struct XenPvIommuBfns {
    RecordTree runs;            /* neighbours differ in state; none is taken */
    uint64_t first;
    uint64_t end;
    uint64_t free_pages;
};

/* What becomes of a frame in each state. */
static const BfnState bfn_taken[BFN_STATES] = {
    [BFN_FREE] = BFN_TAKEN,
    [BFN_EXCLUDED] = BFN_EXCLUDED,
    [BFN_CONDEMNED] = BFN_CONDEMNED,
};
static const BfnState bfn_given[BFN_STATES] = {
    [BFN_TAKEN] = BFN_FREE,
    [BFN_FREE] = BFN_FREE,
    [BFN_EXCLUDED] = BFN_EXCLUDED,
    [BFN_CONDEMNED] = BFN_EXCLUDED,
};
static const BfnState bfn_excluded[BFN_STATES] = {
    [BFN_TAKEN] = BFN_CONDEMNED,
    [BFN_FREE] = BFN_EXCLUDED,
    [BFN_EXCLUDED] = BFN_EXCLUDED,
    [BFN_CONDEMNED] = BFN_CONDEMNED,
};

/* --- records --- */

/*
 * The first frame; how many pages, and in two bits below, the state.  What is
 * unpacked from no record begins beyond all frames and has no end.
 */
static Record run_pack(BfnRun run)
{
    return (Record){ run.bfn, (run.end - run.bfn) << 2 | run.state };
}

static BfnRun run_unpack(Record record)
{
    return (BfnRun){
        .bfn = record.hi,
        .end = record.hi + (record.lo >> 2),
        .state = record.lo & 3,
    };
}

static Record run_key(uint64_t bfn)
{
    return (Record){ bfn, 0 };
}

static uint64_t run_weight(Record record)
{
    return (record.lo & 3) == BFN_FREE ? record.lo >> 2 : 0;
}

/* --- runs --- */

/*
 * The run that begins at @bfn or goes across it; or what is taken from @bfn
 * on, to the next run or to @end.  The cursor is at the run or the next one.
 */
static BfnRun run_at(const XenPvIommuBfns *bfns, RecordCursor *cursor,
                     uint64_t bfn, uint64_t end)
{
    BfnRun before;
    Record next;
    BfnRun run = { .bfn = bfn, .end = end, .state = BFN_TAKEN };

    record_tree_seek(&bfns->runs, cursor, run_key(bfn));
    next = record_cursor_get(cursor);
    if (next.hi == bfn) {
        return run_unpack(next);
    }
    before = run_unpack(record_cursor_peek(cursor, -1));
    if (before.bfn < bfn && before.end > bfn) {
        record_tree_seek(&bfns->runs, cursor, run_key(before.bfn));
        return before;
    }
    run.end = MIN(end, next.hi);
    return run;
}

/* Let no run go across @bfn. */
static void run_cut(XenPvIommuBfns *bfns, RecordCursor *cursor, uint64_t bfn)
{
    BfnRun run = run_at(bfns, cursor, bfn, bfn);
    BfnRun rest = run;

    if (run.state == BFN_TAKEN || run.bfn == bfn) {
        return;
    }
    run.end = bfn;
    rest.bfn = bfn;
    record_tree_replace(&bfns->runs, cursor, run_pack(run));
    record_tree_seek(&bfns->runs, cursor, run_key(bfn));
    record_tree_insert(&bfns->runs, cursor, run_pack(rest));
}

/* Let the runs that meet at @bfn be one, if they can. */
static void run_join(XenPvIommuBfns *bfns, RecordCursor *cursor, uint64_t bfn)
{
    BfnRun left;
    BfnRun right;

    record_tree_seek(&bfns->runs, cursor, run_key(bfn));
    right = run_unpack(record_cursor_get(cursor));
    left = run_unpack(record_cursor_peek(cursor, -1));
    if (right.bfn != bfn || left.end != bfn || left.state != right.state) {
        return;
    }
    left.end = right.end;
    record_tree_remove(&bfns->runs, cursor);
    record_tree_seek(&bfns->runs, cursor, run_key(left.bfn));
    record_tree_replace(&bfns->runs, cursor, run_pack(left));
}

/* Change a whole run, or what is taken between runs. */
static void run_change(XenPvIommuBfns *bfns, RecordCursor *cursor, BfnRun run,
                       BfnState state)
{
    BfnState before = run.state;

    if (state == before) {
        return;
    }
    run.state = state;
    if (before == BFN_TAKEN) {
        record_tree_insert(&bfns->runs, cursor, run_pack(run));
    } else if (state == BFN_TAKEN) {
        record_tree_remove(&bfns->runs, cursor);
    } else {
        record_tree_replace(&bfns->runs, cursor, run_pack(run));
    }
    if (before == BFN_FREE) {
        bfns->free_pages -= run.end - run.bfn;
    }
    if (state == BFN_FREE) {
        bfns->free_pages += run.end - run.bfn;
    }
}

/* All frames of [bfn, end) go to the state that @becomes has for theirs. */
static void runs_change(XenPvIommuBfns *bfns, uint64_t bfn, uint64_t end,
                        const BfnState *becomes)
{
    RecordCursor cursor = { .height = 0 };
    uint64_t at = bfn;

    run_cut(bfns, &cursor, bfn);
    run_cut(bfns, &cursor, end);
    while (at < end) {
        BfnRun run = run_at(bfns, &cursor, at, end);

        run_change(bfns, &cursor, run, becomes[run.state]);
        run_join(bfns, &cursor, at);
        at = run.end;
    }
    run_join(bfns, &cursor, end);
}

/* --- the allocator --- */

XenPvIommuBfns *xen_pv_iommu_bfns_new(uint64_t first, uint64_t end)
{
    XenPvIommuBfns *bfns = g_new0(XenPvIommuBfns, 1);

    record_tree_init(&bfns->runs, 0, run_weight);
    bfns->end = MIN(end, XEN_PV_IOMMU_FRAME_END);
    bfns->first = MIN(first, bfns->end);
    runs_change(bfns, bfns->first, bfns->end, bfn_given);
    return bfns;
}

void xen_pv_iommu_bfns_free(XenPvIommuBfns *bfns)
{
    if (bfns) {
        record_tree_clear(&bfns->runs);
        g_free(bfns);
    }
}

void xen_pv_iommu_bfns_exclude(XenPvIommuBfns *bfns, uint64_t bfn,
                               uint64_t pages)
{
    uint64_t end = MIN(pages, UINT64_MAX - bfn) + bfn;

    bfn = MAX(bfn, bfns->first);
    end = MIN(end, bfns->end);
    if (bfn < end) {
        runs_change(bfns, bfn, end, bfn_excluded);
    }
}

/* The lowest place at or above @from, if it is below @end. */
static bool first_fit(const XenPvIommuBfns *bfns, uint64_t pages,
                      uint64_t from, uint64_t end, uint64_t *bfn)
{
    RecordCursor cursor = { .height = 0 };
    BfnRun run = run_at(bfns, &cursor, from, from);
    uint64_t place = from;

    if (run.state != BFN_FREE || run.end - from < pages) {
        Record record;

        record_tree_seek(&bfns->runs, &cursor, run_key(from));
        record = record_cursor_find_weight(&bfns->runs, &cursor, pages);
        if (record_is_none(record)) {
            return false;
        }
        place = record.hi;
    }
    if (place > end || pages > end - place) {
        return false;
    }
    *bfn = place;
    return true;
}

int xen_pv_iommu_bfns_take(XenPvIommuBfns *bfns, uint64_t pages, uint64_t from,
                           uint64_t end, uint64_t *bfn)
{
    if (pages == 0) {
        return -EINVAL;
    }
    if (!first_fit(bfns, pages, from, end, bfn) &&
        !first_fit(bfns, pages, bfns->first, end, bfn)) {
        return -ENOSPC;
    }
    runs_change(bfns, *bfn, *bfn + pages, bfn_taken);
    return 0;
}

uint64_t xen_pv_iommu_bfns_largest(XenPvIommuBfns *bfns, uint64_t end)
{
    RecordCursor cursor = { .height = 0 };
    uint64_t largest;
    Record record;
    BfnRun last;

    record_tree_seek(&bfns->runs, &cursor, run_key(end));
    record = record_cursor_peek(&cursor, -1);
    if (record_is_none(record)) {
        return 0;
    }
    last = run_unpack(record);
    record_tree_seek(&bfns->runs, &cursor, record);
    largest = record_cursor_max_before(&bfns->runs, &cursor);
    if (last.state == BFN_FREE) {
        largest = MAX(largest, MIN(last.end, end) - last.bfn);
    }
    return largest;
}

int xen_pv_iommu_bfns_give(XenPvIommuBfns *bfns, uint64_t bfn, uint64_t pages)
{
    RecordCursor cursor = { .height = 0 };
    uint64_t end;
    BfnRun run;

    if (pages == 0 || bfn < bfns->first || bfn >= bfns->end ||
        pages > bfns->end - bfn) {
        return -EINVAL;
    }
    end = bfn + pages;
    for (uint64_t at = bfn; at < end; at = run.end) {
        run = run_at(bfns, &cursor, at, end);
        if (run.state != BFN_TAKEN && run.state != BFN_CONDEMNED) {
            return -EINVAL;
        }
    }
    runs_change(bfns, bfn, end, bfn_given);
    return 0;
}

uint64_t xen_pv_iommu_bfns_free_pages(const XenPvIommuBfns *bfns)
{
    return bfns->free_pages;
}
