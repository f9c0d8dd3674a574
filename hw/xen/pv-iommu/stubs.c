/*
 * PV IOMMU: entry points for a QEMU that is built without it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/xen/pv-iommu-hooks.h"

void xen_pv_iommu_ioserver(uint16_t ioserver)
{
}

bool xen_pv_iommu_ioreq(unsigned type, unsigned size, uint64_t data)
{
    return false;
}

bool xen_pv_iommu_placement(Object *owner, const char *name, uint64_t gfn,
                            uint64_t pages, Error **errp)
{
    return true;
}
