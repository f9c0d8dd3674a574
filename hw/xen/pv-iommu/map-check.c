/*
 * PV IOMMU: the mapping table: is it sound?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "map-internal.h"

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
             : extent->uses == 0 || !map_is_access(extent->access)) {
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
