/*
 * PV IOMMU: memory that QEMU places in the guest, and reserved regions
 *
 * A reserved region of the host has to be at the same address for whoever
 * reaches it by DMA.  Where QEMU puts video memory or an option ROM there,
 * such a device would find that instead.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "exec/cpu-common.h"
#include "hw/boards.h"
#include "hw/xen/pv-iommu-hooks.h"
#include "system/xen.h"
#include "iommu.h"
#include "trace.h"

typedef struct Placement {
    XenPvIommu *iommu;
    const char *device;             /* who asks */
    const char *name;               /* what was placed */
    uint64_t gfn;
    uint64_t pages;
    XenPvIommuRdmPolicy policy;
} Placement;

static bool check(const Placement *placement, Error **errp)
{
    const XenPvIommuReserved *clash = xen_pv_iommu_reserved_find_rmrr(
        xen_pv_iommu_client_reserved(placement->iommu->client),
        placement->gfn, placement->pages);
    bool allowed = placement->policy == XEN_PV_IOMMU_RDM_RELAXED;
    g_autofree char *region = NULL;
    g_autofree char *text = NULL;

    if (!clash) {
        return true;
    }
    region = xen_pv_iommu_reserved_describe(clash);
    text = g_strdup_printf("%s: %s, at guest frames 0x%" PRIx64 "-0x%" PRIx64
                           ", lies in %s", placement->device, placement->name,
                           placement->gfn,
                           placement->gfn + placement->pages - 1, region);
    trace_xen_pv_iommu_placement(text, allowed);
    if (allowed) {
        warn_report("%s (rdm-policy=relaxed)", text);
    } else {
        error_setg(errp, "%s (rdm-policy=strict)", text);
    }
    return allowed;
}

/* The owner's own word; strict where it has none. */
static XenPvIommuRdmPolicy owner_policy(Object *owner)
{
    XenPvIommuRdmPolicy policy = XEN_PV_IOMMU_RDM_STRICT;
    g_autofree char *name = NULL;

    if (owner && object_property_find(owner, "rdm-policy")) {
        name = object_property_get_str(owner, "rdm-policy", NULL);
    }
    if (name && xen_pv_iommu_rdm_policy_parse(name, &policy)) {
        return policy;
    }
    return XEN_PV_IOMMU_RDM_STRICT;
}

static char *owner_name(Object *owner)
{
    DeviceState *dev = (DeviceState *)object_dynamic_cast(owner, TYPE_DEVICE);
    const char *type = owner ? object_get_typename(owner) : "QEMU";

    return dev && dev->id ? g_strdup_printf("%s '%s'", type, dev->id)
                          : g_strdup(type);
}

bool xen_pv_iommu_placement(Object *owner, const char *name, uint64_t gfn,
                            uint64_t pages, Error **errp)
{
    XenPvIommu *iommu = pv_iommu_find();
    g_autofree char *device = NULL;
    Placement placement;

    g_assert(bql_locked());
    if (!iommu || QLIST_EMPTY(&iommu->users)) {
        return true;
    }
    device = owner_name(owner);
    placement = (Placement){
        .iommu = iommu,
        .device = device,
        .name = name,
        .gfn = gfn,
        .pages = pages,
        .policy = owner_policy(owner),
    };
    return check(&placement, errp);
}

/* --- what was placed before the first device came --- */

typedef struct Survey {
    Placement placement;
    Error *err;
} Survey;

typedef struct Search {
    const MemoryRegion *region;
    uint64_t gfn;
} Search;

/* Xen leaves it where it is below this: legacy VGA is a window to it. */
#define LEGACY_END 0xc0000

static bool is_mapping(Int128 start, Int128 length, const MemoryRegion *mr,
                       hwaddr offset, void *opaque)
{
    Search *search = opaque;

    if (mr != search->region || int128_get64(start) < LEGACY_END) {
        return false;
    }
    search->gfn = (int128_get64(start) - offset) >> PV_IOMMU_PAGE_SHIFT;
    return true;
}

/*
 * Pages are at their block's offset, whether a BAR shows them elsewhere or not.
 * Those of a display (QEMU watches what is written there) are moved to where
 * the guest has put the BAR.
 */
static uint64_t block_gfn(const RAMBlock *block)
{
    Search search = {
        .region = block->mr,
        .gfn = block->offset >> PV_IOMMU_PAGE_SHIFT,
    };

    if (memory_region_is_logging(block->mr, DIRTY_MEMORY_VGA)) {
        RCU_READ_LOCK_GUARD();
        flatview_for_each_range(
            address_space_to_flatview(&address_space_memory), is_mapping,
            &search);
    }
    return search.gfn;
}

/* Guest RAM is the toolstack's choice, and not ours. */
static bool is_guest_ram(RAMBlock *block)
{
    return xen_enabled() ? xen_mr_is_memory(block->mr)
                         : block->mr == current_machine->ram;
}

static int survey_block(RAMBlock *block, void *opaque)
{
    Survey *survey = opaque;

    if (is_guest_ram(block)) {
        return 0;
    }
    survey->placement.name = block->idstr;
    survey->placement.gfn = block_gfn(block);
    survey->placement.pages = block->max_length >> PV_IOMMU_PAGE_SHIFT;
    return !check(&survey->placement, &survey->err);
}

bool pv_iommu_check_placements(XenPvIommu *iommu, const char *name,
                               XenPvIommuRdmPolicy policy, Error **errp)
{
    Survey survey = {
        .placement = { .iommu = iommu, .device = name, .policy = policy },
    };

    qemu_ram_foreach_block(survey_block, &survey);
    error_propagate(errp, survey.err);
    return !survey.err;
}
