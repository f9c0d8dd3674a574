/*
 * PV IOMMU: reserved regions of the host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>

#include "hw/xen/pv-iommu-map.h"
#include "hw/xen/pv-iommu-reserved.h"

/* How a PCI address is packed: segment, bus, device, function. */
#define SBDF_SEGMENT(sbdf) ((sbdf) >> 16)
#define SBDF_BUS(sbdf) (((sbdf) >> 8) & 0xff)
#define SBDF_DEVICE(sbdf) (((sbdf) >> 3) & 0x1f)
#define SBDF_FUNCTION(sbdf) ((sbdf) & 7)

struct XenPvIommuReservedSet {
    /*
     * XenPvIommuReserved, ordered by start.  Each by itself, so that a pointer
     * to one lasts as long as the set.
     */
    GPtrArray *regions;
};

XenPvIommuReservedSet *xen_pv_iommu_reserved_new(void)
{
    XenPvIommuReservedSet *set = g_new0(XenPvIommuReservedSet, 1);

    set->regions = g_ptr_array_new_with_free_func(g_free);
    return set;
}

void xen_pv_iommu_reserved_free(XenPvIommuReservedSet *set)
{
    if (set) {
        g_ptr_array_unref(set->regions);
        g_free(set);
    }
}

const XenPvIommuReserved *
xen_pv_iommu_reserved_get(const XenPvIommuReservedSet *set, unsigned index)
{
    return index < set->regions->len ? g_ptr_array_index(set->regions, index)
                                     : NULL;
}

int xen_pv_iommu_reserved_add(XenPvIommuReservedSet *set,
                              const XenPvIommuReserved *region)
{
    const XenPvIommuReserved *other;
    XenPvIommuReserved *copy;
    unsigned index = 0;

    if (!region->frames || region->start >= XEN_PV_IOMMU_FRAME_END ||
        region->frames > XEN_PV_IOMMU_FRAME_END - region->start) {
        return -EINVAL;
    }
    if (set->regions->len >= XEN_PV_IOMMU_RESERVED_MAX) {
        return -ENOSPC;
    }
    while ((other = xen_pv_iommu_reserved_get(set, index)) &&
           other->start <= region->start) {
        index++;
    }
    copy = g_new(XenPvIommuReserved, 1);
    *copy = *region;
    g_ptr_array_insert(set->regions, index, copy);
    return 0;
}

/* Is there a frame in both?  Written so that no sum can wrap. */
static bool overlaps(const XenPvIommuReserved *region, uint64_t start,
                     uint64_t frames)
{
    return region->start < start ? start - region->start < region->frames
                                 : region->start - start < frames;
}

/* The first region from @index on that a run overlaps; @index is moved. */
static const XenPvIommuReserved *
next_overlap(const XenPvIommuReservedSet *set, unsigned *index,
             uint64_t start, uint64_t frames)
{
    const XenPvIommuReserved *region;

    while ((region = xen_pv_iommu_reserved_get(set, (*index)++))) {
        if (frames && overlaps(region, start, frames)) {
            return region;
        }
    }
    return NULL;
}

const XenPvIommuReserved *
xen_pv_iommu_reserved_find(const XenPvIommuReservedSet *set, uint64_t start,
                           uint64_t frames)
{
    unsigned index = 0;

    return next_overlap(set, &index, start, frames);
}

const XenPvIommuReserved *
xen_pv_iommu_reserved_find_rmrr(const XenPvIommuReservedSet *set,
                                uint64_t start, uint64_t frames)
{
    const XenPvIommuReserved *region;
    unsigned index = 0;

    do {
        region = next_overlap(set, &index, start, frames);
    } while (region && region->kind != XEN_PV_IOMMU_RESERVED_RMRR);
    return region;
}

bool xen_pv_iommu_reserved_allows(const XenPvIommuReservedSet *set,
                                  uint64_t start, uint64_t frames,
                                  XenPvIommuRdmPolicy policy,
                                  const XenPvIommuReserved **clash)
{
    const XenPvIommuReserved *first = NULL;
    const XenPvIommuReserved *region;
    unsigned index = 0;
    bool allowed = true;

    while (allowed && (region = next_overlap(set, &index, start, frames))) {
        allowed = policy == XEN_PV_IOMMU_RDM_RELAXED &&
                  region->kind == XEN_PV_IOMMU_RESERVED_RMRR;
        if (!first || !allowed) {
            first = region;
        }
    }
    if (clash) {
        *clash = first;
    }
    return allowed;
}

char *xen_pv_iommu_reserved_describe(const XenPvIommuReserved *region)
{
    g_autofree char *range = g_strdup_printf(
        "0x%" PRIx64 "-0x%" PRIx64, region->start,
        region->start + (region->frames - 1));

    if (region->kind == XEN_PV_IOMMU_RESERVED_MSI) {
        return g_strdup_printf("interrupt window %s", range);
    }
    if (region->sbdf == XEN_PV_IOMMU_NO_SBDF) {
        return g_strdup_printf("reserved region %s", range);
    }
    return g_strdup_printf("reserved region %s of %04x:%02x:%02x.%x", range,
                           SBDF_SEGMENT(region->sbdf), SBDF_BUS(region->sbdf),
                           SBDF_DEVICE(region->sbdf),
                           SBDF_FUNCTION(region->sbdf));
}

bool xen_pv_iommu_rdm_policy_parse(const char *name,
                                   XenPvIommuRdmPolicy *policy)
{
    if (g_str_equal(name, "strict")) {
        *policy = XEN_PV_IOMMU_RDM_STRICT;
    } else if (g_str_equal(name, "relaxed")) {
        *policy = XEN_PV_IOMMU_RDM_RELAXED;
    } else {
        return false;
    }
    return true;
}
