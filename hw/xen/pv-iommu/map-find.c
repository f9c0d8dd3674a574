/*
 * PV IOMMU: the mapping table: looking things up
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/xen/pv-iommu-abi.h"
#include "map-internal.h"

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

bool xen_pv_iommu_map_mapped_piece(const XenPvIommuMap *map,
                                   RecordCursor *cursor, uint64_t bfn,
                                   uint64_t end, MapPiece *piece)
{
    while (bfn < end) {
        *piece = xen_pv_iommu_map_piece(map, cursor, bfn, end);
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
    uint64_t end = map_run_end(bfn, pages);
    RecordCursor cursor;
    MapPiece piece;
    Extent extent;

    if (bfn < end && extents_find_alone(&map->by_bfn, bfn, &extent)) {
        *found = use_of(&extent, bfn, MIN(end, extent_end(&extent)));
        return true;
    }
    cursor.height = 0;
    if (!xen_pv_iommu_map_mapped_piece(map, &cursor, bfn, end, &piece)) {
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
    uint64_t end = map_run_end(bfn, pages);
    MapPiece piece;
    Extent extent;

    if (!xen_pv_iommu_map_mapped_piece(map, &cursor, bfn, end, &piece)) {
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

    return xen_pv_iommu_map_piece(map, cursor, bfn,
                                  bfn + (piece->end - piece->gfn));
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
    uint64_t end = map_run_end(gfn, pages);
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
    uint64_t end = map_run_end(gfn, pages);
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
