/*
 * PV IOMMU: the mapping table
 *
 * Two sets of extents: by BFN, with all that is known, and by gfn, with the
 * BFN only.  A (BFN, gfn) pair is in the second once, however many owners use
 * it, and its extents are cut without regard to the first set's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "map-internal.h"

G_STATIC_ASSERT(XEN_PV_IOMMU_FRAME_END == UINT64_C(1) << 40);
G_STATIC_ASSERT(XEN_PV_IOMMU_OWNERS_MAX == 1 << 12);
G_STATIC_ASSERT(XEN_PV_IOMMU_USES_MAX == (1 << 20) - 1);
G_STATIC_ASSERT(XEN_PV_IOMMU_DEAD == 3);

XenPvIommuMap *xen_pv_iommu_map_new(uint64_t pages_max)
{
    XenPvIommuMap *map = g_new0(XenPvIommuMap, 1);

    map->pages_max = MIN(pages_max, XEN_PV_IOMMU_PAGES_MAX);
    record_tree_init(&map->by_bfn, EXTENT_LO_KEY_MASK, NULL);
    record_tree_init(&map->by_gfn, EXTENT_LO_KEY_MASK, NULL);
    return map;
}

void xen_pv_iommu_map_free(XenPvIommuMap *map)
{
    if (map) {
        record_tree_clear(&map->by_bfn);
        record_tree_clear(&map->by_gfn);
        g_free(map->owners);
        g_free(map);
    }
}

/* --- owners --- */

static MapOwner *owner_get(XenPvIommuMap *map, uint16_t owner)
{
    if (owner >= map->owners_len) {
        unsigned len = MAX(owner + 1u, 2 * map->owners_len);

        map->owners = g_renew(MapOwner, map->owners, len);
        for (; map->owners_len < len; map->owners_len++) {
            map->owners[map->owners_len] = (MapOwner){
                .pages_max = map->pages_max,
            };
        }
    }
    return &map->owners[owner];
}

void xen_pv_iommu_map_set_owner_limit(XenPvIommuMap *map, uint16_t owner,
                                      uint64_t pages_max)
{
    if (owner < XEN_PV_IOMMU_OWNERS_MAX) {
        owner_get(map, owner)->pages_max = pages_max;
    }
}

uint64_t xen_pv_iommu_map_owner_pages(const XenPvIommuMap *map, uint16_t owner)
{
    return owner < map->owners_len ? map->owners[owner].pages : 0;
}

/* --- arguments --- */

static bool is_run(uint64_t frame, uint64_t pages)
{
    return pages > 0 && frame < XEN_PV_IOMMU_FRAME_END &&
           pages <= XEN_PV_IOMMU_FRAME_END - frame;
}

/* --- pieces --- */

MapPiece xen_pv_iommu_map_piece(const XenPvIommuMap *map,
                                RecordCursor *cursor, uint64_t bfn,
                                uint64_t end)
{
    MapPiece piece = { .bfn = bfn, .end = end };
    Extent next;

    piece.mapped = extents_find(&map->by_bfn, cursor, bfn, &piece.group);
    if (piece.mapped) {
        piece.end = MIN(end, extent_end(&piece.group));
    } else if (extents_get(cursor, &next)) {
        piece.end = MIN(end, next.from);
    }
    return piece;
}

/* The extent of @piece in which its first BFN stands for @gfn for @owner. */
static bool find_use(const XenPvIommuMap *map, RecordCursor *cursor,
                     const MapPiece *piece, uint64_t gfn, uint16_t owner,
                     Extent *use)
{
    uint64_t offset = piece->bfn - piece->group.from;

    return piece->mapped && piece->group.state != XEN_PV_IOMMU_DEAD &&
           gfn >= offset &&
           extents_member(&map->by_bfn, cursor, piece->group.from,
                          gfn - offset, owner, use);
}

/* --- adding --- */

/* What adding a run comes to. */
typedef struct MapDemand {
    uint64_t pages;             /* BFNs that are not mapped yet */
    uint64_t owner_pages;       /* pages that the owner does not use yet */
    bool overflow;
} MapDemand;

static int demand_piece(const XenPvIommuMap *map, RecordCursor *cursor,
                        const MapPiece *piece, const Extent *run,
                        MapDemand *demand)
{
    uint64_t pages = piece->end - piece->bfn;
    uint64_t gfn = run->to + (piece->bfn - run->from);
    Extent use;

    if (piece->mapped && piece->group.state != XEN_PV_IOMMU_LIVE) {
        return -ESTALE;
    }
    if (piece->mapped && piece->group.access != run->access) {
        return -EEXIST;
    }
    if (find_use(map, cursor, piece, gfn, run->owner, &use)) {
        demand->overflow |= use.uses == XEN_PV_IOMMU_USES_MAX;
    } else {
        demand->owner_pages += pages;
        demand->pages += piece->mapped ? 0 : pages;
    }
    return 0;
}

static int check_limits(XenPvIommuMap *map, uint16_t number,
                        const MapDemand *demand)
{
    const MapOwner *owner = owner_get(map, number);

    if (demand->pages > 0 && (map->pages >= map->pages_max ||
                              demand->pages > map->pages_max - map->pages)) {
        return -ENOSPC;
    }
    if (demand->owner_pages > 0 &&
        (owner->pages >= owner->pages_max ||
         demand->owner_pages > owner->pages_max - owner->pages)) {
        return -EDQUOT;
    }
    return demand->overflow ? -EOVERFLOW : 0;
}

static int check_demand(XenPvIommuMap *map, const Extent *run, uint64_t pages)
{
    uint64_t end = run->from + pages;
    MapDemand demand = { .pages = 0 };
    MapPiece piece;

    for (uint64_t bfn = run->from; bfn < end; bfn = piece.end) {
        int ret;

        piece = xen_pv_iommu_map_piece(map, &map->bfn_cursor, bfn, end);
        ret = demand_piece(map, &map->bfn_cursor, &piece, run, &demand);
        if (ret < 0) {
            return ret;
        }
    }
    return check_limits(map, run->owner, &demand);
}

static void put_pair(XenPvIommuMap *map, const Extent *use, uint64_t pages)
{
    Extent pair = { .from = use->to, .to = use->from, .pages = pages };
    Extent next;

    if (!extents_find(&map->by_gfn, &map->gfn_cursor, pair.from, &next) &&
        extents_within(pair.from, pages) &&
        (!extents_get(&map->gfn_cursor, &next) ||
         next.from >= pair.from + pages)) {
        extents_fill(&map->by_gfn, &map->gfn_cursor, &pair);
    } else {
        extents_put(&map->by_gfn, &map->gfn_cursor, &pair, pages);
    }
}

static void add_piece(XenPvIommuMap *map, const MapPiece *piece,
                      const Extent *run)
{
    RecordCursor *cursor = &map->bfn_cursor;
    uint64_t pages = piece->end - piece->bfn;
    Extent part = *run;
    Extent use;
    bool paired = false;

    part.from = piece->bfn;
    part.to += piece->bfn - run->from;
    if (find_use(map, cursor, piece, part.to, part.owner, &use)) {
        part.pages = pages;
        extents_count(&map->by_bfn, cursor, &part, 1);
        return;
    }
    if (piece->mapped) {
        paired = extents_any_owner(&map->by_bfn, cursor, part.from, part.to);
    } else {
        map->pages += pages;
    }
    map->owners[part.owner].pages += pages;
    extents_put(&map->by_bfn, cursor, &part, pages);
    if (!paired) {
        put_pair(map, &part, pages);
    }
}

/* The usual case: none of the BFNs is mapped.  The cursor is at the gap. */
static int add_to_gap(XenPvIommuMap *map, const Extent *run)
{
    MapDemand demand = { .pages = run->pages, .owner_pages = run->pages };
    int ret = check_limits(map, run->owner, &demand);

    if (ret == 0) {
        extents_fill(&map->by_bfn, &map->bfn_cursor, run);
        put_pair(map, run, run->pages);
        map->pages += run->pages;
        map->owners[run->owner].pages += run->pages;
    }
    return ret;
}

/* The next usual case: the owner uses just this run, and does so again. */
static bool add_again(XenPvIommuMap *map, const Extent *run)
{
    Extent whole;

    if (!extents_seek_alone(&map->by_bfn, &map->bfn_cursor, run->from,
                            &whole) ||
        whole.from != run->from || whole.to != run->to ||
        whole.pages != run->pages || whole.owner != run->owner ||
        whole.access != run->access || whole.state != run->state ||
        whole.uses == XEN_PV_IOMMU_USES_MAX) {
        return false;
    }
    whole.uses++;
    extents_change(&map->by_bfn, &map->bfn_cursor, &whole);
    return true;
}

int xen_pv_iommu_map_add(XenPvIommuMap *map, uint64_t bfn, uint64_t gfn,
                         uint64_t pages, uint16_t owner,
                         XenPvIommuAccess access)
{
    Extent run = {
        .from = bfn,
        .to = gfn,
        .pages = pages,
        .owner = owner,
        .uses = 1,
        .access = access,
        .state = XEN_PV_IOMMU_LIVE,
    };
    uint64_t end = bfn + pages;
    MapPiece piece;
    int ret;

    if (!is_run(bfn, pages) || !is_run(gfn, pages) ||
        owner >= XEN_PV_IOMMU_OWNERS_MAX || !map_is_access(access)) {
        return -EINVAL;
    }
    piece = xen_pv_iommu_map_piece(map, &map->bfn_cursor, bfn, end);
    if (piece.end == end && extents_within(bfn, pages)) {
        if (!piece.mapped) {
            return add_to_gap(map, &run);
        }
        if (add_again(map, &run)) {
            return 0;
        }
    }
    ret = check_demand(map, &run, pages);
    if (ret < 0) {
        return ret;
    }
    for (; bfn < end; bfn = piece.end) {
        piece = xen_pv_iommu_map_piece(map, &map->bfn_cursor, bfn, end);
        add_piece(map, &piece, &run);
    }
    return 0;
}

/* --- dropping --- */

/* BFNs that lost their last use and that the caller has not heard of yet. */
typedef struct MapFreed {
    XenPvIommuFrames frames;
    XenPvIommuFramesFunc *func;
    void *opaque;
} MapFreed;

static void freed_tell(MapFreed *freed)
{
    if (freed->func && freed->frames.pages > 0) {
        freed->func(freed->frames, freed->opaque);
    }
}

static void freed_add(MapFreed *freed, uint64_t bfn, uint64_t pages)
{
    if (freed->frames.bfn + freed->frames.pages != bfn) {
        freed_tell(freed);
        freed->frames = (XenPvIommuFrames){ .bfn = bfn };
    }
    freed->frames.pages += pages;
}

static bool uses_all(XenPvIommuMap *map, const Extent *run, uint64_t pages)
{
    RecordCursor *cursor = &map->bfn_cursor;
    uint64_t end = run->from + pages;
    MapPiece piece;
    Extent use;

    for (uint64_t bfn = run->from; bfn < end; bfn = piece.end) {
        piece = xen_pv_iommu_map_piece(map, cursor, bfn, end);
        if (!find_use(map, cursor, &piece, run->to + (bfn - run->from),
                      run->owner, &use)) {
            return false;
        }
    }
    return true;
}

static void drop_pair(XenPvIommuMap *map, const Extent *use, uint64_t pages)
{
    Extent pair = { .from = use->to, .to = use->from };

    if (!extents_take(&map->by_gfn, &map->gfn_cursor, &pair, pages)) {
        extents_remove(&map->by_gfn, &map->gfn_cursor, &pair, pages);
    }
}

static void drop_piece(XenPvIommuMap *map, const MapPiece *piece,
                       const Extent *run, MapFreed *freed)
{
    RecordCursor *cursor = &map->bfn_cursor;
    uint64_t pages = piece->end - piece->bfn;
    Extent part = *run;
    Extent use;

    part.from = piece->bfn;
    part.to += piece->bfn - run->from;
    find_use(map, cursor, piece, part.to, part.owner, &use);
    if (use.uses > 1) {
        part.pages = pages;
        extents_count(&map->by_bfn, cursor, &part, -1);
        return;
    }
    extents_remove(&map->by_bfn, cursor, &part, pages);
    map->owners[part.owner].pages -= pages;
    if (!extents_any_owner(&map->by_bfn, cursor, part.from, part.to)) {
        drop_pair(map, &part, pages);
    }
    if (!extents_find(&map->by_bfn, cursor, part.from, &use)) {
        map->pages -= pages;
        freed_add(freed, part.from, pages);
    }
}

/* The next usual case: the owner uses just this run more than once. */
static bool drop_one(XenPvIommuMap *map, const Extent *run, uint64_t pages)
{
    Extent whole;

    if (!extents_seek_alone(&map->by_bfn, &map->bfn_cursor, run->from,
                            &whole) ||
        whole.from != run->from || whole.to != run->to ||
        whole.pages != pages || whole.owner != run->owner ||
        whole.uses < 2) {
        return false;
    }
    whole.uses--;
    extents_change(&map->by_bfn, &map->bfn_cursor, &whole);
    return true;
}

int xen_pv_iommu_map_drop(XenPvIommuMap *map, uint64_t bfn, uint64_t gfn,
                          uint64_t pages, uint16_t owner,
                          XenPvIommuFramesFunc *func, void *opaque)
{
    Extent run = { .from = bfn, .to = gfn, .owner = owner, .uses = 1 };
    MapFreed freed = { .func = func, .opaque = opaque };
    uint64_t end = bfn + pages;
    MapPiece piece;

    if (!is_run(bfn, pages) || !is_run(gfn, pages) ||
        owner >= XEN_PV_IOMMU_OWNERS_MAX) {
        return -EINVAL;
    }
    /* The usual case: nobody else uses the BFNs, and this owner once. */
    if (extents_take(&map->by_bfn, &map->bfn_cursor, &run, pages)) {
        drop_pair(map, &run, pages);
        map->owners[owner].pages -= pages;
        map->pages -= pages;
        freed_add(&freed, bfn, pages);
        freed_tell(&freed);
        return 0;
    }
    if (drop_one(map, &run, pages)) {
        return 0;
    }
    if (!uses_all(map, &run, pages)) {
        return -ENOENT;
    }
    for (; bfn < end; bfn = piece.end) {
        piece = xen_pv_iommu_map_piece(map, &map->bfn_cursor, bfn, end);
        drop_piece(map, &piece, &run, &freed);
    }
    freed_tell(&freed);
    return 0;
}

/* --- states --- */

uint64_t xen_pv_iommu_map_set_state(XenPvIommuMap *map, uint64_t bfn,
                                    uint64_t pages, XenPvIommuState state)
{
    uint64_t end = map_run_end(bfn, pages);

    if (bfn >= end || (state != XEN_PV_IOMMU_INVALIDATED &&
                       state != XEN_PV_IOMMU_DRAINING)) {
        return 0;
    }
    return extents_set_state(&map->by_bfn, &map->bfn_cursor, bfn, end - bfn,
                             state, XEN_PV_IOMMU_DEAD);
}

int xen_pv_iommu_map_bury(XenPvIommuMap *map, XenPvIommuFrames frames)
{
    Extent dead = {
        .from = frames.bfn,
        .to = frames.bfn,
        .access = XEN_PV_IOMMU_READ_WRITE,
        .state = XEN_PV_IOMMU_DEAD,
    };
    MapPiece piece;

    if (!is_run(frames.bfn, frames.pages)) {
        return -EINVAL;
    }
    if (xen_pv_iommu_map_mapped_piece(map, &map->bfn_cursor, frames.bfn,
                     frames.bfn + frames.pages, &piece)) {
        return -EEXIST;
    }
    extents_put(&map->by_bfn, &map->bfn_cursor, &dead, frames.pages);
    map->pages += frames.pages;
    map->dead_pages += frames.pages;
    return 0;
}

/* --- totals --- */

XenPvIommuMapTotals xen_pv_iommu_map_totals(const XenPvIommuMap *map)
{
    return (XenPvIommuMapTotals){
        .pages = map->pages,
        .dead_pages = map->dead_pages,
        .extents = map->by_bfn.records,
        .bytes = sizeof(*map) + map->owners_len * sizeof(*map->owners) +
                 map->by_bfn.bytes + map->by_gfn.bytes,
    };
}
