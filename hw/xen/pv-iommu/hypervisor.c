/*
 * PV IOMMU: a model of a hypervisor in this process: the host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "hypervisor-internal.h"

XenPvIommuHypervisor *xen_pv_iommu_hypervisor_new(XenPvIommuHost host,
                                                  uint64_t frames,
                                                  uint64_t offset)
{
    XenPvIommuHypervisor *hypervisor = g_new0(XenPvIommuHypervisor, 1);

    hypervisor->host = host;
    hypervisor->frame_count = frames;
    hypervisor->offset = host == XEN_PV_IOMMU_HOST_IDENTITY ? offset : 0;
    hypervisor->one_to_one = true;
    hypervisor->ioreq_type = XEN_PV_IOMMU_IOREQ_INVALIDATE;
    hypervisor->ioreq_size = 8;
    hypervisor->frames = g_new0(HypervisorFrame, frames);
    hypervisor->heap = g_array_new(false, false, sizeof(uint64_t));
    hypervisor->domains = g_ptr_array_new_with_free_func(
        (GDestroyNotify)hypervisor_domain_free);
    hypervisor->dying = g_hash_table_new(NULL, NULL);
    hypervisor->ioservers = g_array_new(false, false,
                                        sizeof(HypervisorIoserver));
    hypervisor->reserved = g_array_new(false, false,
                                       sizeof(HypervisorRegion));
    hypervisor->m2b = g_array_new(false, false, sizeof(HypervisorM2b));
    hypervisor->bus = hypervisor_table_new();
    hypervisor->holes = hypervisor_table_new();
    hypervisor->orders = g_array_new(false, false, sizeof(HypervisorOrder));
    hypervisor_heap_init(hypervisor);
    return hypervisor;
}

void xen_pv_iommu_hypervisor_free(XenPvIommuHypervisor *hypervisor)
{
    if (!hypervisor) {
        return;
    }
    g_array_unref(hypervisor->orders);
    hypervisor_table_free(hypervisor->holes);
    hypervisor_table_free(hypervisor->bus);
    g_array_unref(hypervisor->m2b);
    g_array_unref(hypervisor->reserved);
    g_array_unref(hypervisor->ioservers);
    g_hash_table_destroy(hypervisor->dying);
    g_ptr_array_unref(hypervisor->domains);
    g_array_unref(hypervisor->heap);
    g_free(hypervisor->frames);
    g_free(hypervisor);
}

void xen_pv_iommu_hypervisor_set_one_to_one(XenPvIommuHypervisor *hypervisor,
                                            bool one_to_one)
{
    if (hypervisor->host == XEN_PV_IOMMU_HOST_MAPPED) {
        hypervisor->one_to_one = one_to_one;
    }
}

void xen_pv_iommu_hypervisor_add_reserved(XenPvIommuHypervisor *hypervisor,
                                          uint64_t start, uint64_t frames,
                                          uint32_t sbdf)
{
    HypervisorRegion region = {
        .start = start,
        .frames = frames,
        .sbdf = sbdf,
    };

    g_array_append_val(hypervisor->reserved, region);
}

XenPvIommuHypervisorCounters
xen_pv_iommu_hypervisor_counters(const XenPvIommuHypervisor *hypervisor)
{
    return hypervisor->counters;
}

/* --- failures on demand --- */

void xen_pv_iommu_hypervisor_fail(XenPvIommuHypervisor *hypervisor,
                                  uint16_t subop, uint64_t after, int status)
{
    HypervisorOrder order = {
        .after = after,
        .status = status,
        .subop = subop,
    };
    unsigned i;

    if (status) {
        g_array_append_val(hypervisor->orders, order);
        return;
    }
    for (i = hypervisor->orders->len; i-- > 0; ) {
        if (g_array_index(hypervisor->orders, HypervisorOrder,
                          i).subop == subop) {
            g_array_remove_index(hypervisor->orders, i);
        }
    }
}

/* The status of a failure that is due, or 0. */
static int ordered_failure(XenPvIommuHypervisor *hypervisor, uint16_t subop)
{
    HypervisorOrder *order;
    unsigned i;
    int status;

    for (i = 0; i < hypervisor->orders->len; i++) {
        order = &g_array_index(hypervisor->orders, HypervisorOrder, i);
        if (order->subop == subop && !order->after) {
            status = order->status;
            g_array_remove_index(hypervisor->orders, i);
            return status;
        }
    }
    for (i = 0; i < hypervisor->orders->len; i++) {
        order = &g_array_index(hypervisor->orders, HypervisorOrder, i);
        if (order->subop == subop) {
            order->after--;
        }
    }
    return 0;
}

/* --- what the client sees --- */

static int unmap_page(XenPvIommuHypervisor *hypervisor,
                      const HypervisorKind *kind, const XenPvIommuOp *op)
{
    if (!kind->iommu) {
        return -EPERM;
    }
    return hypervisor_bus_punch(hypervisor, op->u.unmap_page.bfn) ? 0
                                                                  : -ENOENT;
}

static int operate(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    const HypervisorKind *kind = hypervisor_kind(hypervisor->host);
    int status = ordered_failure(hypervisor, op->subop);

    hypervisor->counters.operations++;
    if (status) {
        return status;
    }
    switch (op->subop) {
    case XEN_PV_IOMMU_QUERY_CAPS:
        kind->query_caps(hypervisor, op);
        return 0;
    case XEN_PV_IOMMU_MAP_PAGE:
        return -EPERM;      /* the caller has no page to map */
    case XEN_PV_IOMMU_UNMAP_PAGE:
        return unmap_page(hypervisor, kind, op);
    case XEN_PV_IOMMU_MAP_FOREIGN_PAGE:
        return kind->map_foreign(hypervisor, op);
    case XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE:
        return kind->lookup_foreign(hypervisor, op);
    case XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE:
        return kind->unmap_foreign(hypervisor, op);
    default:
        return -ENODEV;
    }
}

static int hypervisor_submit(void *opaque, XenPvIommuOp *ops, unsigned count)
{
    XenPvIommuHypervisor *hypervisor = opaque;
    const HypervisorKind *kind = hypervisor_kind(hypervisor->host);
    uint64_t before = hypervisor->bus_changes;
    unsigned i;
    int ret;

    if (!count || count > XEN_PV_IOMMU_BATCH) {
        return -EINVAL;
    }
    hypervisor->counters.calls++;
    ret = ordered_failure(hypervisor, 0);
    if (ret < 0) {
        return ret;
    }
    if (!kind) {
        return -ENOSYS;
    }
    for (i = 0; i < count; i++) {
        ops[i].status = operate(hypervisor, &ops[i]);
    }
    if (kind->iommu) {
        hypervisor->counters.flushes +=
            count > 1 ? 1 : hypervisor->bus_changes - before;
    }
    return 0;
}

static int hypervisor_reserved_regions(void *opaque,
                                       XenPvIommuReservedFunc *func,
                                       void *func_opaque)
{
    XenPvIommuHypervisor *hypervisor = opaque;
    const HypervisorKind *kind = hypervisor_kind(hypervisor->host);
    const HypervisorRegion *region;
    unsigned i;

    if (!kind || !kind->iommu) {
        return -ENOSYS;
    }
    for (i = 0; i < hypervisor->reserved->len; i++) {
        region = &g_array_index(hypervisor->reserved, HypervisorRegion, i);
        func(region->start, region->frames, region->sbdf, func_opaque);
    }
    return 0;
}

static int hypervisor_max_mfn(void *opaque, uint64_t *mfn)
{
    XenPvIommuHypervisor *hypervisor = opaque;

    *mfn = hypervisor->frame_count ? hypervisor->frame_count - 1 : 0;
    return 0;
}

const XenPvIommuOps xen_pv_iommu_hypervisor_ops = {
    .name = "emulated",
    .submit = hypervisor_submit,
    .reserved_regions = hypervisor_reserved_regions,
    .max_mfn = hypervisor_max_mfn,
};
