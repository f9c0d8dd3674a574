/*
 * PV IOMMU: the model of a hypervisor: what the bus reaches
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hypervisor-internal.h"

/* A BFN's value: its frame and, in the two lowest bits, its access. */
static uint64_t bus_value(uint64_t mfn, XenPvIommuAccess access)
{
    return mfn << 2 | access;
}

static uint64_t bus_get(const XenPvIommuHypervisor *hypervisor, uint64_t bfn)
{
    return hypervisor_table_get(hypervisor->bus, bfn);
}

void hypervisor_bus_map(XenPvIommuHypervisor *hypervisor, uint64_t bfn,
                        uint64_t mfn, XenPvIommuAccess access)
{
    hypervisor_table_set(hypervisor->bus, bfn, bus_value(mfn, access));
    hypervisor->counters.mapped++;
    hypervisor->bus_changes++;
}

void hypervisor_bus_unmap(XenPvIommuHypervisor *hypervisor, uint64_t bfn)
{
    hypervisor_table_set(hypervisor->bus, bfn, XEN_PV_IOMMU_NO_FRAME);
    hypervisor->counters.mapped--;
    hypervisor->bus_changes++;
}

bool hypervisor_bus_entry(const XenPvIommuHypervisor *hypervisor, uint64_t bfn,
                          uint64_t *mfn, XenPvIommuAccess *access)
{
    uint64_t value = bus_get(hypervisor, bfn);

    if (value == XEN_PV_IOMMU_NO_FRAME || value == HYPERVISOR_BUS_TAKEN) {
        return false;
    }
    *mfn = hypervisor_bus_value_mfn(value);
    *access = hypervisor_bus_value_access(value);
    return true;
}

bool hypervisor_bus_one_to_one(const XenPvIommuHypervisor *hypervisor,
                               uint64_t bfn, uint64_t *mfn)
{
    if (!hypervisor->one_to_one || bfn < hypervisor->offset ||
        bfn - hypervisor->offset >= hypervisor->frame_count ||
        hypervisor->frames[bfn - hypervisor->offset].hole ||
        hypervisor_table_get(hypervisor->holes, bfn) !=
        XEN_PV_IOMMU_NO_FRAME) {
        return false;
    }
    *mfn = bfn - hypervisor->offset;
    return true;
}

bool hypervisor_bus_busy(const XenPvIommuHypervisor *hypervisor, uint64_t bfn)
{
    uint64_t mfn;

    return bus_get(hypervisor, bfn) != XEN_PV_IOMMU_NO_FRAME ||
           hypervisor_bus_one_to_one(hypervisor, bfn, &mfn);
}

bool hypervisor_bus_punch(XenPvIommuHypervisor *hypervisor, uint64_t bfn)
{
    uint64_t mfn;

    if (!hypervisor_bus_one_to_one(hypervisor, bfn, &mfn)) {
        return false;
    }
    hypervisor_table_set(hypervisor->holes, bfn, 0);
    hypervisor->bus_changes++;
    return true;
}

bool hypervisor_bus_is_reserved(const XenPvIommuHypervisor *hypervisor,
                                uint64_t bfn)
{
    const HypervisorRegion *region;
    unsigned i;

    for (i = 0; i < hypervisor->reserved->len; i++) {
        region = &g_array_index(hypervisor->reserved, HypervisorRegion, i);
        if (bfn >= region->start && bfn - region->start < region->frames) {
            return true;
        }
    }
    return false;
}

void xen_pv_iommu_hypervisor_occupy(XenPvIommuHypervisor *hypervisor,
                                    uint64_t bfn, uint64_t pages)
{
    uint64_t i;

    for (i = 0; i < pages; i++) {
        if (bus_get(hypervisor, bfn + i) == XEN_PV_IOMMU_NO_FRAME) {
            hypervisor_table_set(hypervisor->bus, bfn + i,
                                 HYPERVISOR_BUS_TAKEN);
        }
    }
}

bool xen_pv_iommu_hypervisor_translate(const XenPvIommuHypervisor *hypervisor,
                                       uint64_t bfn, XenPvIommuAccess access,
                                       uint64_t *mfn)
{
    XenPvIommuAccess allowed;

    if (hypervisor_bus_entry(hypervisor, bfn, mfn, &allowed)) {
        return (access & ~allowed) == 0;
    }
    return bus_get(hypervisor, bfn) != HYPERVISOR_BUS_TAKEN &&
           hypervisor_bus_one_to_one(hypervisor, bfn, mfn);
}
