/*
 * PV IOMMU: uses go, and BFNs with their last use
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "client-private.h"

/* Uses that are looked at in one go when a device goes. */
#define DETACH_USES 1024

static void note_lost(XenPvIommuFrames frames, void *opaque)
{
    xen_pv_iommu_frames_add(opaque, frames.bfn, frames.pages);
}

/* --- runs that the device was to release -------------------------------- */

typedef struct LastUses {
    const XenPvIommuDevice *device;
    const XenPvIommuRun *run;
    GArray *runs;           /* XenPvIommuRun: no use remains there */
} LastUses;

static bool note_last_use(const XenPvIommuUse *use, void *opaque)
{
    LastUses *last = opaque;
    XenPvIommuRun run = {
        .gfn = use->gfn, .bfn = use->bfn, .pages = use->pages,
    };

    if (use->owner == last->device->owner && use->uses == 1 &&
        use->state != XEN_PV_IOMMU_LIVE &&
        use->bfn - use->gfn == last->run->bfn - last->run->gfn) {
        g_array_append_val(last->runs, run);
    }
    return true;
}

/* What the device does not have to release any more once @run is dropped. */
static GArray *last_uses(const XenPvIommuDevice *device,
                         const XenPvIommuRun *run)
{
    LastUses last = {
        .device = device, .run = run,
        .runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun)),
    };

    if (!xen_pv_iommu_drain_empty(device->drain)) {
        xen_pv_iommu_map_each_bfn(device->client->map, run->bfn, run->pages,
                                  note_last_use, &last);
    }
    return last.runs;
}

/* --- release ------------------------------------------------------------ */

static int drop(XenPvIommuDevice *device, const XenPvIommuRun *run,
                GArray *lost)
{
    g_autoptr(GArray) last = NULL;

    if (!run->pages || run->bfn >= XEN_PV_IOMMU_FRAME_END ||
        run->pages > XEN_PV_IOMMU_FRAME_END - run->bfn) {
        return -ENOENT;
    }
    last = last_uses(device, run);
    if (xen_pv_iommu_map_drop(device->client->map, run->bfn, run->gfn,
                              run->pages, device->owner, note_lost, lost)) {
        return -ENOENT;
    }
    for (unsigned i = 0; i < last->len; i++) {
        xen_pv_iommu_drain_remove(device->drain,
                                  &g_array_index(last, XenPvIommuRun, i));
    }
    return 0;
}

int xen_pv_iommu_client_release(XenPvIommuDevice *device,
                                const XenPvIommuRun *runs, unsigned count)
{
    XenPvIommuClient *client = device->client;
    g_autoptr(GArray) lost = g_array_new(FALSE, FALSE,
                                         sizeof(XenPvIommuFrames));
    int ret = 0;

    xen_pv_iommu_enter(client);
    for (unsigned i = 0; !ret && i < count; i++) {
        ret = drop(device, &runs[i], lost);
    }
    xen_pv_iommu_unmap(client, lost, &client->counters.unmapped);
    xen_pv_iommu_leave(client);
    return ret;
}

/* --- a device goes ------------------------------------------------------ */

typedef struct OwnUses {
    uint16_t owner;
    GArray *uses;           /* XenPvIommuUse */
} OwnUses;

static bool note_own_use(const XenPvIommuUse *use, void *opaque)
{
    OwnUses *own = opaque;

    if (use->owner == own->owner) {
        g_array_append_vals(own->uses, use, 1);
    }
    return own->uses->len < DETACH_USES;
}

static void drop_uses(XenPvIommuDevice *device, const XenPvIommuUse *use,
                      GArray *lost)
{
    for (uint32_t i = 0; i < use->uses; i++) {
        xen_pv_iommu_map_drop(device->client->map, use->bfn, use->gfn,
                              use->pages, device->owner, note_lost, lost);
    }
}

static void release_all(XenPvIommuDevice *device)
{
    XenPvIommuClient *client = device->client;
    g_autoptr(GArray) lost = g_array_new(FALSE, FALSE,
                                         sizeof(XenPvIommuFrames));
    g_autoptr(GArray) uses = g_array_new(FALSE, FALSE, sizeof(XenPvIommuUse));
    OwnUses own = { .owner = device->owner, .uses = uses };
    uint64_t from = 0;

    do {
        g_array_set_size(uses, 0);
        g_array_set_size(lost, 0);
        xen_pv_iommu_map_each_bfn(client->map, from,
                                  XEN_PV_IOMMU_FRAME_END - from, note_own_use,
                                  &own);
        for (unsigned i = 0; i < uses->len; i++) {
            const XenPvIommuUse *use = &g_array_index(uses, XenPvIommuUse, i);

            drop_uses(device, use, lost);
            from = use->bfn;
        }
        xen_pv_iommu_unmap(client, lost, &client->counters.unmapped);
    } while (uses->len == DETACH_USES);
}

void xen_pv_iommu_client_detach(XenPvIommuDevice *device)
{
    XenPvIommuClient *client = device->client;

    xen_pv_iommu_enter(client);
    release_all(device);
    client->devices[device->owner] = NULL;
    xen_pv_iommu_map_set_owner_limit(client->map, device->owner, UINT64_MAX);
    xen_pv_iommu_drain_free(device->drain);
    g_hash_table_unref(device->warned);
    g_free(device->name);
    g_free(device);
    xen_pv_iommu_leave(client);
}
