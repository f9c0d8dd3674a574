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

#include "extents.h"
#include "hw/xen/pv-iommu-abi.h"
#include "hw/xen/pv-iommu-map.h"

G_STATIC_ASSERT(XEN_PV_IOMMU_FRAME_END == UINT64_C(1) << 40);
G_STATIC_ASSERT(XEN_PV_IOMMU_OWNERS_MAX == 1 << 12);
G_STATIC_ASSERT(XEN_PV_IOMMU_USES_MAX == (1 << 20) - 1);
G_STATIC_ASSERT(XEN_PV_IOMMU_DEAD == 3);

typedef struct MapOwner {
    uint64_t pages;
    uint64_t pages_max;
} MapOwner;

struct XenPvIommuMap {
    RecordTree by_bfn;          /* a dead BFN stands for itself, for nobody */
    RecordTree by_gfn;
    /* Of all changes; what is next is often near what was last. */
    RecordCursor bfn_cursor;
    RecordCursor gfn_cursor;
    uint64_t pages;
    uint64_t pages_max;
    uint64_t dead_pages;
    MapOwner *owners;           /* those from owners_len on use nothing */
    unsigned owners_len;
};

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

static bool is_access(XenPvIommuAccess access)
{
    return access == XEN_PV_IOMMU_READ || access == XEN_PV_IOMMU_WRITE ||
           access == XEN_PV_IOMMU_READ_WRITE;
}

/* One past the part of a run that lies below XEN_PV_IOMMU_FRAME_END. */
static uint64_t run_end(uint64_t frame, uint64_t pages)
{
    if (frame >= XEN_PV_IOMMU_FRAME_END) {
        return frame;
    }
    return frame + MIN(pages, XEN_PV_IOMMU_FRAME_END - frame);
}

/* --- pieces --- */

/* A part of a run that lies in one group, or in none. */
typedef struct MapPiece {
    uint64_t bfn;
    uint64_t end;
    bool mapped;
    Extent group;               /* if mapped: its first extent */
} MapPiece;

/* The first piece of [bfn, end) */
static MapPiece first_piece(const XenPvIommuMap *map, RecordCursor *cursor,
                            uint64_t bfn, uint64_t end)
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

        piece = first_piece(map, &map->bfn_cursor, bfn, end);
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
        owner >= XEN_PV_IOMMU_OWNERS_MAX || !is_access(access)) {
        return -EINVAL;
    }
    piece = first_piece(map, &map->bfn_cursor, bfn, end);
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
        piece = first_piece(map, &map->bfn_cursor, bfn, end);
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
        piece = first_piece(map, cursor, bfn, end);
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
        piece = first_piece(map, &map->bfn_cursor, bfn, end);
        drop_piece(map, &piece, &run, &freed);
    }
    freed_tell(&freed);
    return 0;
}

/* --- looking by BFN --- */

/* What is told of the part [bfn, end) of an extent. */
static XenPvIommuUse use_of(const Extent *extent, uint64_t bfn, uint64_t end)
{
    XenPvIommuUse use = {
        .bfn = bfn,
        .gfn = extent->to + (bfn - extent->from),
        .pages = end - bfn,
        .uses = extent->uses,
        .owner = extent->owner,
        .access = extent->access,
        .state = extent->state,
    };

    if (use.state == XEN_PV_IOMMU_DEAD) {
        use.gfn = XEN_PV_IOMMU_NO_FRAME;
    }
    return use;
}

/* The first piece of [bfn, end) that is mapped. */
static bool first_mapped(const XenPvIommuMap *map, RecordCursor *cursor,
                         uint64_t bfn, uint64_t end, MapPiece *piece)
{
    while (bfn < end) {
        *piece = first_piece(map, cursor, bfn, end);
        if (piece->mapped) {
            return true;
        }
        bfn = piece->end;
    }
    return false;
}

bool xen_pv_iommu_map_find_bfn(const XenPvIommuMap *map, uint64_t bfn,
                               uint64_t pages, XenPvIommuUse *found)
{
    uint64_t end = run_end(bfn, pages);
    RecordCursor cursor;
    MapPiece piece;
    Extent extent;

    if (bfn < end && extents_find_alone(&map->by_bfn, bfn, &extent)) {
        *found = use_of(&extent, bfn, MIN(end, extent_end(&extent)));
        return true;
    }
    cursor.height = 0;
    if (!first_mapped(map, &cursor, bfn, end, &piece)) {
        return false;
    }
    *found = use_of(&piece.group, piece.bfn, piece.end);
    return true;
}

void xen_pv_iommu_map_each_bfn(const XenPvIommuMap *map, uint64_t bfn,
                               uint64_t pages, XenPvIommuUseFunc *func,
                               void *opaque)
{
    RecordCursor cursor = { .height = 0 };
    uint64_t end = run_end(bfn, pages);
    MapPiece piece;
    Extent extent;

    if (!first_mapped(map, &cursor, bfn, end, &piece)) {
        return;
    }
    while (extents_get(&cursor, &extent) && extent.from < end) {
        XenPvIommuUse use = use_of(&extent, MAX(bfn, extent.from),
                                   MIN(end, extent_end(&extent)));

        if (!func(&use, opaque)) {
            return;
        }
        record_cursor_next(&cursor);
    }
}

/* --- looking by gfn --- */

/*
 * A part of a run of gfns, in one group by gfn, short enough that each of its
 * BFNs is in one group by BFN.
 */
typedef struct GfnPiece {
    uint64_t gfn;
    uint64_t end;
    Extent group;               /* by gfn: its first extent */
} GfnPiece;

/* The first piece of [gfn, end) that has a BFN, not yet short enough. */
static bool first_gfn_piece(const XenPvIommuMap *map, uint64_t gfn,
                            uint64_t end, GfnPiece *piece)
{
    RecordCursor cursor = { .height = 0 };

    if (gfn >= end ||
        (!extents_find(&map->by_gfn, &cursor, gfn, &piece->group) &&
         !extents_get(&cursor, &piece->group)) ||
        piece->group.from >= end) {
        return false;
    }
    piece->gfn = MAX(gfn, piece->group.from);
    piece->end = MIN(end, extent_end(&piece->group));
    return true;
}

/* The BFN that @pair gives the first gfn of @piece, as a piece by BFN. */
static MapPiece pair_piece(const XenPvIommuMap *map, RecordCursor *cursor,
                           const GfnPiece *piece, const Extent *pair)
{
    uint64_t bfn = pair->to + (piece->gfn - pair->from);

    return first_piece(map, cursor, bfn, bfn + (piece->end - piece->gfn));
}

/* Shorten @piece to the first place where a group by BFN ends. */
static void shorten_gfn_piece(const XenPvIommuMap *map, GfnPiece *piece)
{
    RecordCursor pairs = { .height = 0 };
    RecordCursor cursor = { .height = 0 };
    Extent pair;

    extents_find(&map->by_gfn, &pairs, piece->gfn, &pair);
    for (; extents_get(&pairs, &pair) && pair.from == piece->group.from;
         record_cursor_next(&pairs)) {
        MapPiece by_bfn = pair_piece(map, &cursor, piece, &pair);

        piece->end = MIN(piece->end,
                         piece->gfn + (by_bfn.end - by_bfn.bfn));
    }
}

/* Tell of each owner that uses the gfns of @piece through the BFNs of @pair */
static bool tell_pair(const XenPvIommuMap *map, const GfnPiece *piece,
                      const Extent *pair, XenPvIommuUseFunc *func,
                      void *opaque)
{
    RecordCursor cursor = { .height = 0 };
    MapPiece by_bfn = pair_piece(map, &cursor, piece, pair);
    uint64_t to = piece->gfn - (by_bfn.bfn - by_bfn.group.from);
    Extent extent;

    extents_member(&map->by_bfn, &cursor, by_bfn.group.from, to, 0, &extent);
    while (extents_get(&cursor, &extent) &&
           extent.from == by_bfn.group.from && extent.to == to) {
        XenPvIommuUse use = use_of(&extent, by_bfn.bfn, by_bfn.end);

        if (!func(&use, opaque)) {
            return false;
        }
        record_cursor_next(&cursor);
    }
    return true;
}

void xen_pv_iommu_map_each_gfn(const XenPvIommuMap *map, uint64_t gfn,
                               uint64_t pages, XenPvIommuUseFunc *func,
                               void *opaque)
{
    uint64_t end = run_end(gfn, pages);
    GfnPiece piece;

    while (first_gfn_piece(map, gfn, end, &piece)) {
        RecordCursor pairs = { .height = 0 };
        Extent pair;

        shorten_gfn_piece(map, &piece);
        extents_find(&map->by_gfn, &pairs, piece.gfn, &pair);
        for (; extents_get(&pairs, &pair) && pair.from == piece.group.from;
             record_cursor_next(&pairs)) {
            if (!tell_pair(map, &piece, &pair, func, opaque)) {
                return;
            }
        }
        gfn = piece.end;
    }
}

/*
 * Look for a BFN that serves the first gfn of @piece; the piece becomes as
 * short as needed for the answer to be true of all of it.
 */
static bool find_in_piece(const XenPvIommuMap *map, GfnPiece *piece,
                          XenPvIommuAccess access, XenPvIommuUse *found)
{
    RecordCursor pairs = { .height = 0 };
    RecordCursor cursor = { .height = 0 };
    Extent pair;
    Extent use;

    extents_find(&map->by_gfn, &pairs, piece->gfn, &pair);
    for (; extents_get(&pairs, &pair) && pair.from == piece->group.from;
         record_cursor_next(&pairs)) {
        MapPiece by_bfn = pair_piece(map, &cursor, piece, &pair);
        uint64_t to = piece->gfn - (by_bfn.bfn - by_bfn.group.from);

        piece->end = MIN(piece->end,
                         piece->gfn + (by_bfn.end - by_bfn.bfn));
        if (by_bfn.group.state == XEN_PV_IOMMU_LIVE &&
            (by_bfn.group.access & access) == access) {
            extents_member(&map->by_bfn, &cursor, by_bfn.group.from, to, 0,
                           &use);
            *found = use_of(&use, by_bfn.bfn,
                            by_bfn.bfn + (piece->end - piece->gfn));
            return true;
        }
    }
    return false;
}

/* The usual case: one gfn, one BFN, one user. */
static bool find_gfn_alone(const XenPvIommuMap *map, uint64_t gfn,
                           uint64_t end, XenPvIommuAccess access,
                           XenPvIommuUse *found)
{
    uint64_t pages;
    uint64_t bfn;
    Extent pair;
    Extent use;

    if (!extents_find_alone(&map->by_gfn, gfn, &pair)) {
        return false;
    }
    pages = MIN(end, extent_end(&pair)) - gfn;
    bfn = pair.to + (gfn - pair.from);
    if (!extents_find_alone(&map->by_bfn, bfn, &use) ||
        use.state != XEN_PV_IOMMU_LIVE || (use.access & access) != access) {
        return false;
    }
    *found = use_of(&use, bfn, MIN(bfn + pages, extent_end(&use)));
    return true;
}

bool xen_pv_iommu_map_find_gfn(const XenPvIommuMap *map, uint64_t gfn,
                               uint64_t pages, XenPvIommuAccess access,
                               XenPvIommuUse *found)
{
    uint64_t end = run_end(gfn, pages);
    GfnPiece piece;

    if (gfn < end && find_gfn_alone(map, gfn, end, access, found)) {
        return true;
    }
    while (first_gfn_piece(map, gfn, end, &piece)) {
        if (find_in_piece(map, &piece, access, found)) {
            return true;
        }
        gfn = piece.end;
    }
    return false;
}

/* --- states --- */

uint64_t xen_pv_iommu_map_set_state(XenPvIommuMap *map, uint64_t bfn,
                                    uint64_t pages, XenPvIommuState state)
{
    uint64_t end = run_end(bfn, pages);

    if (bfn >= end || (state != XEN_PV_IOMMU_INVALIDATED &&
                       state != XEN_PV_IOMMU_DRAINING)) {
        return 0;
    }
    return extents_set_state(&map->by_bfn, &map->bfn_cursor, bfn, end - bfn, state,
                             XEN_PV_IOMMU_DEAD);
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
    if (first_mapped(map, &map->bfn_cursor, frames.bfn,
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

/* --- soundness --- */

typedef struct MapCheck {
    uint64_t pages;
    uint64_t dead_pages;
    uint64_t paired;            /* pages of different (BFN, gfn) */
    uint64_t owner_pages[XEN_PV_IOMMU_OWNERS_MAX];
    Extent last;
} MapCheck;

/* Are the pairs of @extent in the set by gfn? */
static char *check_pairs(const XenPvIommuMap *map, const Extent *extent)
{
    RecordCursor cursor = { .height = 0 };
    uint64_t gfn = extent->to;
    uint64_t end = gfn + extent->pages;
    Extent group;

    while (gfn < end) {
        uint64_t bfn = extent->from + (gfn - extent->to);
        Extent pair;

        if (!extents_find(&map->by_gfn, &cursor, gfn, &group) ||
            bfn < gfn - group.from ||
            !extents_member(&map->by_gfn, &cursor, group.from,
                            bfn - (gfn - group.from), 0, &pair)) {
            return g_strdup_printf("BFN 0x%" G_GINT64_MODIFIER "x stands for "
                                   "gfn 0x%" G_GINT64_MODIFIER "x, but not "
                                   "the other way round", bfn, gfn);
        }
        gfn = extent_end(&group);
    }
    return NULL;
}

static char *check_extent(const XenPvIommuMap *map, const Extent *extent,
                          MapCheck *check)
{
    bool dead = extent->state == XEN_PV_IOMMU_DEAD;
    bool same_group = check->pages > 0 && extent->from == check->last.from;
    bool same_pair = same_group && extent->to == check->last.to;

    check->last = *extent;
    if (dead ? extent->uses != 0 || same_group || extent->to != extent->from
             : extent->uses == 0 || !is_access(extent->access)) {
        return g_strdup_printf("BFN 0x%" G_GINT64_MODIFIER "x is in state %d "
                               "with %u uses, access %d", extent->from,
                               extent->state, extent->uses, extent->access);
    }
    check->pages += same_group ? 0 : extent->pages;
    check->dead_pages += dead ? extent->pages : 0;
    if (dead) {
        return NULL;
    }
    check->owner_pages[extent->owner] += extent->pages;
    if (same_pair) {
        return NULL;
    }
    check->paired += extent->pages;
    return check_pairs(map, extent);
}

static char *check_by_bfn(const XenPvIommuMap *map, MapCheck *check)
{
    RecordCursor cursor = { .height = 0 };
    char *wrong = NULL;
    Extent extent;

    extents_find(&map->by_bfn, &cursor, 0, &extent);
    while (!wrong && extents_get(&cursor, &extent)) {
        wrong = check_extent(map, &extent, check);
        record_cursor_next(&cursor);
    }
    return wrong;
}

static char *check_counts(const XenPvIommuMap *map, const MapCheck *check)
{
    RecordCursor cursor = { .height = 0 };
    uint64_t paired = 0;
    Extent extent;

    extents_find(&map->by_gfn, &cursor, 0, &extent);
    while (extents_get(&cursor, &extent)) {
        paired += extent.pages;
        record_cursor_next(&cursor);
    }
    if (paired != check->paired) {
        return g_strdup("gfns stand for BFNs that do not stand for them");
    }
    if (map->pages != check->pages || map->dead_pages != check->dead_pages) {
        return g_strdup("the pages are not counted right");
    }
    for (unsigned i = 0; i < XEN_PV_IOMMU_OWNERS_MAX; i++) {
        if (xen_pv_iommu_map_owner_pages(map, i) != check->owner_pages[i]) {
            return g_strdup_printf("the pages of owner %u are not counted "
                                   "right", i);
        }
    }
    return NULL;
}

char *xen_pv_iommu_map_check(const XenPvIommuMap *map)
{
    g_autofree MapCheck *check = g_new0(MapCheck, 1);
    char *wrong = extents_check(&map->by_bfn);

    if (!wrong) {
        wrong = extents_check(&map->by_gfn);
    }
    if (!wrong) {
        wrong = check_by_bfn(map, check);
    }
    return wrong ? wrong : check_counts(map, check);
}
