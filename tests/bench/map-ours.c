/*
 * Benchmark of the mapping table: the table itself
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/xen/pv-iommu-map.h"
#include "map-contender.h"

static void *ours_new(void)
{
    return xen_pv_iommu_map_new(XEN_PV_IOMMU_PAGES_MAX);
}

static void ours_free(void *opaque)
{
    xen_pv_iommu_map_free(opaque);
}

static void ours_map(void *opaque, MapRun run)
{
    int ret = xen_pv_iommu_map_add(opaque, run.bfn, run.gfn, run.pages, 0,
                                   XEN_PV_IOMMU_READ_WRITE);

    g_assert_cmpint(ret, ==, 0);
}

static void ours_unmap(void *opaque, MapRun run)
{
    int ret = xen_pv_iommu_map_drop(opaque, run.bfn, run.gfn, run.pages, 0,
                                    NULL, NULL);

    g_assert_cmpint(ret, ==, 0);
}

static uint64_t ours_find_bfn(void *opaque, uint64_t bfn)
{
    XenPvIommuUse use;

    g_assert_true(xen_pv_iommu_map_find_bfn(opaque, bfn, 1, &use));
    return use.gfn;
}

static uint64_t ours_find_gfn(void *opaque, uint64_t gfn)
{
    XenPvIommuUse use;

    g_assert_true(xen_pv_iommu_map_find_gfn(opaque, gfn, 1, XEN_PV_IOMMU_READ,
                                            &use));
    return use.bfn;
}

static uint64_t ours_bytes(void *opaque)
{
    return xen_pv_iommu_map_totals(opaque).bytes;
}

const MapContender map_contender_ours = {
    .name = "ours",
    .new = ours_new,
    .free = ours_free,
    .map = ours_map,
    .unmap = ours_unmap,
    .find_bfn = ours_find_bfn,
    .find_gfn = ours_find_gfn,
    .bytes = ours_bytes,
};
