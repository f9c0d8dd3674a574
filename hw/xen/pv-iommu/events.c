/*
 * PV IOMMU: what Xen causes: pages leave the guest, deadlines pass
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "hw/xen/pv-iommu-hooks.h"
#include "hw/xen/pv-iommu-hypervisor.h"
#include "iommu.h"
#include "migration/blocker.h"
#include "trace.h"

/* --- ioreqs --- */

/* As wide as it came. */
static uint64_t ioreq_data(unsigned size, uint64_t data)
{
    return size < sizeof(data) ? extract64(data, 0, 8 * MAX(size, 1)) : data;
}

static bool is_flush(unsigned size, uint64_t data)
{
    return data == ioreq_data(size, UINT64_MAX);
}

bool xen_pv_iommu_ioreq(unsigned type, unsigned size, uint64_t data)
{
    XenPvIommu *iommu;
    uint64_t told = 0;

    g_assert(bql_locked());
    data = ioreq_data(size, data);
    if (type == XEN_PV_IOMMU_IOREQ_INVALIDATE) {
        if (is_flush(size, data)) {
            return false;
        }
    } else if (type != XEN_PV_IOMMU_IOREQ_INVAL_BFN) {
        return false;
    }
    iommu = pv_iommu_find();
    if (!iommu || QLIST_EMPTY(&iommu->users)) {
        /* Nobody has a BFN.  QEMU does not know the other type. */
        return type == XEN_PV_IOMMU_IOREQ_INVAL_BFN;
    }
    told = xen_pv_iommu_client_invalidate(
        iommu->client, data, 1, qemu_clock_get_ms(
            XEN_PV_IOMMU_GET_CLASS(iommu)->clock));
    if (told || pv_iommu_may_trace(iommu)) {
        trace_xen_pv_iommu_ioreq(type, size, data, told);
    }
    pv_iommu_arm_deadline(iommu);
    return true;
}

/* --- what the client tells --- */

/*
 * The mappings that have a run, each with a reference: a device may release any
 * of them while another is told.  One that has the same BFNs by other gfns has
 * another run, which is told of by itself.
 */
static GPtrArray *find_mappings(XenPvIommuUser *user,
                                const XenPvIommuRun *run)
{
    GPtrArray *found = g_ptr_array_new();
    uint64_t last = run->bfn + run->pages - 1;
    IntervalTreeNode *node;

    for (node = interval_tree_iter_first(&user->runs, run->bfn, last); node;
         node = interval_tree_iter_next(node, run->bfn, last)) {
        PvIommuMappedRun *mapped = container_of(node, PvIommuMappedRun, node);

        if (mapped->run.bfn - mapped->run.gfn == run->bfn - run->gfn) {
            mapped->mapping->references++;
            g_ptr_array_add(found, mapped);
        }
    }
    return found;
}

/* The part of a mapped run that a lost one covers. */
static XenPvIommuRange lost_part(const PvIommuMappedRun *mapped,
                                 const XenPvIommuRun *run)
{
    uint64_t first = MAX(mapped->run.bfn, run->bfn);
    uint64_t end = MIN(mapped->run.bfn + mapped->run.pages,
                       run->bfn + run->pages);
    uint64_t gfn = mapped->run.gfn + (first - mapped->run.bfn);

    return (XenPvIommuRange){
        .gpa = gfn << PV_IOMMU_PAGE_SHIFT,
        .length = (end - first) << PV_IOMMU_PAGE_SHIFT,
    };
}

static void invalidated(void *opaque, const XenPvIommuRun *run)
{
    XenPvIommuUser *user = opaque;
    GPtrArray *found = find_mappings(user, run);

    trace_xen_pv_iommu_invalidated(user->name, run->gfn, run->bfn, run->pages);
    for (guint i = 0; i < found->len; i++) {
        PvIommuMappedRun *mapped = g_ptr_array_index(found, i);
        XenPvIommuMapping *mapping = mapped->mapping;
        XenPvIommuRange range = lost_part(mapped, run);

        if (!mapping->released && user->ops) {
            user->ops->invalidated(user->opaque, mapping, &range);
        }
        pv_iommu_mapping_unref(mapping);
    }
    g_ptr_array_unref(found);
}

void pv_iommu_block_migration(XenPvIommuUser *user)
{
    Error *err = NULL;

    if (user->blocker) {
        return;
    }
    error_setg(&user->blocker, "%s: its hardware has not stopped its DMA to "
               "guest memory", user->name);
    if (migrate_add_blocker_internal(&user->blocker, &err) < 0) {
        /* One is under way: pre_save will stop it. */
        error_free(err);
    }
}

static void overdue(void *opaque, const XenPvIommuRun *run)
{
    XenPvIommuUser *user = opaque;
    GPtrArray *found = find_mappings(user, run);

    for (guint i = 0; i < found->len; i++) {
        PvIommuMappedRun *mapped = g_ptr_array_index(found, i);

        user->overdue += !mapped->mapping->overdue;
        mapped->mapping->overdue = true;
        pv_iommu_mapping_unref(mapped->mapping);
    }
    g_ptr_array_unref(found);
    pv_iommu_block_migration(user);
    trace_xen_pv_iommu_overdue(user->name, run->gfn, run->bfn, run->pages);
    if (pv_iommu_may_report(user->iommu)) {
        warn_report("%s: its hardware has not stopped within %u ms: guest "
                    "frames 0x%" PRIx64 "-0x%" PRIx64 ", bus frames 0x%" PRIx64
                    "-0x%" PRIx64 ", stay mapped, and Xen keeps them",
                    user->name, user->quiesce_ms, run->gfn,
                    run->gfn + run->pages - 1, run->bfn,
                    run->bfn + run->pages - 1);
    }
}

static void relaxed(void *opaque, uint64_t bfn, uint64_t pages,
                    const XenPvIommuReserved *region)
{
    XenPvIommuUser *user = opaque;
    g_autofree char *text = xen_pv_iommu_reserved_describe(region);

    if (pv_iommu_may_report(user->iommu)) {
        warn_report("%s: bus frames 0x%" PRIx64 "-0x%" PRIx64 " lie in %s "
                    "(rdm-policy=relaxed)", user->name, bfn, bfn + pages - 1,
                    text);
    }
}

const XenPvIommuDeviceOps pv_iommu_device_ops = {
    .invalidated = invalidated,
    .overdue = overdue,
    .relaxed = relaxed,
};

void pv_iommu_settle(XenPvIommuMapping *mapping)
{
    XenPvIommuUser *user = mapping->user;

    if (!mapping->overdue) {
        return;
    }
    mapping->overdue = false;
    if (!--user->overdue) {
        migrate_del_blocker(&user->blocker);
    }
}

/* --- deadlines --- */

void pv_iommu_arm_deadline(XenPvIommu *iommu)
{
    int64_t deadline = xen_pv_iommu_client_deadline(iommu->client);

    if (deadline == INT64_MAX) {
        timer_del(iommu->deadline);
    } else {
        timer_mod(iommu->deadline, deadline);
    }
}

void pv_iommu_expire(void *opaque)
{
    XenPvIommu *iommu = opaque;

    g_assert(bql_locked());
    xen_pv_iommu_client_expire(iommu->client, qemu_clock_get_ms(
        XEN_PV_IOMMU_GET_CLASS(iommu)->clock));
    pv_iommu_arm_deadline(iommu);
}
