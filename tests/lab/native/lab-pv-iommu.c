/*
 * What our PV IOMMU's native operations read from the Xen that this runs on:
 * whether there is a PV IOMMU, the highest page of RAM, reserved regions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hw/xen/pv-iommu-native.h"

static const char *outcome(int ret)
{
    return ret ? strerror(-ret) : "ok";
}

static void print_region(uint64_t start_bfn, uint64_t frames, uint32_t sbdf,
                         void *opaque)
{
    unsigned *count = opaque;

    (*count)++;
    printf("region: 0x%" PRIx64 "+0x%" PRIx64 " of 0x%" PRIx32 "\n",
           start_bfn, frames, sbdf);
}

int main(void)
{
    const XenPvIommuOps *ops = &xen_pv_iommu_native_ops;
    XenPvIommuOp op = { .subop = XEN_PV_IOMMU_QUERY_CAPS };
    XenPvIommuNative *native;
    const char *step;
    unsigned regions = 0;
    uint64_t highest = 0;
    int ret = xen_pv_iommu_native_open(&native, &step);

    if (ret) {
        fprintf(stderr, "lab-pv-iommu: cannot %s: %s\n", step, strerror(-ret));
        return 1;
    }
    printf("PV IOMMU: %s\n", outcome(ops->submit(native, &op, 1)));
    ret = ops->max_mfn(native, &highest);
    printf("highest page: %s, 0x%" PRIx64 "\n", outcome(ret), highest);
    ret = ops->reserved_regions(native, print_region, &regions);
    printf("regions: %s, %u\n", outcome(ret), regions);
    xen_pv_iommu_native_close(native);
    return 0;
}
