/*
 * PV IOMMU: clients and their devices, from beginning to end
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "client-private.h"

/*
 * Frames for BFNs of our own choice end at the first of these that leaves
 * twice the table's limit above the host's RAM.  Xen does not tell how wide
 * the IOMMU's addresses are.
 */
static const uint64_t bfn_ends[] = {
    UINT64_C(1) << 27,      /* 39 bits: VT-d, three levels */
    UINT32_MAX,             /* an ioreq of 4 bytes names all, and no "flush" */
    UINT64_C(1) << 36,      /* 48 bits: four levels */
};
#define BFN_END_MAX (UINT64_C(1) << 36)
#define BFN_ROOM (2 * XEN_PV_IOMMU_PAGES_MAX)

#define BYTES_PER_FRAME 4096

/* --- what this Xen offers ----------------------------------------------- */

static int query_caps(XenPvIommuClient *client)
{
    XenPvIommuOp *op = &client->batch[0];
    int ret;

    *op = (XenPvIommuOp){ .subop = XEN_PV_IOMMU_QUERY_CAPS };
    ret = xen_pv_iommu_submit(client, 1);
    if (!ret) {
        ret = xen_pv_iommu_status(op);
    }
    if (ret) {
        return ret;
    }
    client->caps.iommu = op->flags & (XEN_PV_IOMMU_CAP_MAP |
                                      XEN_PV_IOMMU_CAP_ALL_MFNS);
    client->caps.map = (op->flags & XEN_PV_IOMMU_CAP_MAP) &&
                       !(op->flags & XEN_PV_IOMMU_CAP_ALL_MFNS);
    if (op->flags & XEN_PV_IOMMU_CAP_ALL_MFNS) {
        client->caps.offset = op->u.query_caps.offset;
    }
    return 0;
}

/* --- reserved regions --------------------------------------------------- */

typedef struct Reading {
    XenPvIommuClient *client;
    int error;
} Reading;

static bool is_known(const XenPvIommuReservedSet *set,
                     const XenPvIommuReserved *region)
{
    const XenPvIommuReserved *known;

    for (unsigned i = 0; (known = xen_pv_iommu_reserved_get(set, i)); i++) {
        if (known->start == region->start &&
            known->frames == region->frames && known->sbdf == region->sbdf &&
            known->kind == region->kind) {
            return true;
        }
    }
    return false;
}

static int add_reserved(XenPvIommuClient *client,
                        const XenPvIommuReserved *region)
{
    int ret;

    if (!region->frames || is_known(client->reserved, region)) {
        return 0;
    }
    ret = xen_pv_iommu_reserved_add(client->reserved, region);
    if (!ret && client->bfns) {
        xen_pv_iommu_bfns_exclude(client->bfns, region->start, region->frames);
    }
    return ret;
}

static void read_region(uint64_t start_bfn, uint64_t frames, uint32_t sbdf,
                        void *opaque)
{
    Reading *reading = opaque;
    XenPvIommuReserved region = {
        .start = start_bfn, .frames = frames, .sbdf = sbdf,
        .kind = XEN_PV_IOMMU_RESERVED_RMRR,
    };
    int ret = add_reserved(reading->client, &region);

    reading->error = reading->error ? reading->error : ret;
}

int xen_pv_iommu_read_reserved(XenPvIommuClient *client)
{
    Reading reading = { .client = client };
    int ret = client->ops->reserved_regions(client->hypervisor, read_region,
                                            &reading);

    if (ret == -ENOSYS) {
        return 0;
    }
    return ret ? ret : reading.error;
}

static int add_interrupts(XenPvIommuClient *client)
{
    static const XenPvIommuReserved interrupts = {
        .start = XEN_PV_IOMMU_MSI_BFN,
        .frames = XEN_PV_IOMMU_MSI_FRAMES,
        .sbdf = XEN_PV_IOMMU_NO_SBDF,
        .kind = XEN_PV_IOMMU_RESERVED_MSI,
    };

    return add_reserved(client, &interrupts);
}

/* --- BFNs of our own choice --------------------------------------------- */

static uint64_t choose_end(uint64_t first)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bfn_ends); i++) {
        if (first <= bfn_ends[i] - BFN_ROOM) {
            return bfn_ends[i];
        }
    }
    return BFN_END_MAX;
}

static int make_bfns(XenPvIommuClient *client)
{
    uint64_t max_mfn;
    int ret;

    if (!client->caps.map) {
        return 0;
    }
    ret = client->ops->max_mfn(client->hypervisor, &max_mfn);
    if (ret) {
        return ret;
    }
    client->first_bfn = MIN(max_mfn, BFN_END_MAX - 1) + 1;
    client->end_bfn = choose_end(client->first_bfn);
    client->bfns = xen_pv_iommu_bfns_new(client->first_bfn, client->end_bfn);
    return 0;
}

bool xen_pv_iommu_chosen(const XenPvIommuClient *client, uint64_t bfn)
{
    return bfn >= client->first_bfn && bfn < client->end_bfn;
}

/* --- a client ----------------------------------------------------------- */

static int probe(XenPvIommuClient *client)
{
    int ret = query_caps(client);

    if (!ret) {
        ret = make_bfns(client);
    }
    if (!ret) {
        ret = add_interrupts(client);
    }
    if (!ret) {
        ret = xen_pv_iommu_read_reserved(client);
    }
    return ret;
}

int xen_pv_iommu_client_new(const XenPvIommuOps *ops, void *hypervisor,
                            const XenPvIommuClientConfig *config,
                            XenPvIommuClient **client)
{
    XenPvIommuClient *made = g_new0(XenPvIommuClient, 1);
    int ret;

    made->ops = ops;
    made->hypervisor = hypervisor;
    made->domid = config->domid;
    made->ioserver = config->ioserver;
    made->pages_max = config->pages_max
                      ? MIN(config->pages_max, XEN_PV_IOMMU_PAGES_MAX)
                      : XEN_PV_IOMMU_PAGES_MAX;
    made->map = xen_pv_iommu_map_new(made->pages_max);
    made->reserved = xen_pv_iommu_reserved_new();
    made->waiting = g_array_new(FALSE, FALSE, sizeof(XenPvIommuEvent));
    ret = probe(made);
    if (ret) {
        xen_pv_iommu_client_free(made);
    } else {
        *client = made;
    }
    return ret;
}

static bool note_dead(const XenPvIommuUse *use, void *opaque)
{
    xen_pv_iommu_frames_add(opaque, use->bfn, use->pages);
    return true;
}

/* What Xen once refused to take back may go now; there is no later. */
static void unmap_dead(XenPvIommuClient *client)
{
    g_autoptr(GArray) dead = g_array_new(FALSE, FALSE,
                                         sizeof(XenPvIommuFrames));

    if (xen_pv_iommu_map_totals(client->map).dead_pages) {
        xen_pv_iommu_map_each_bfn(client->map, 0, XEN_PV_IOMMU_FRAME_END,
                                  note_dead, dead);
        xen_pv_iommu_unmap(client, dead, &client->counters.unmapped);
    }
}

void xen_pv_iommu_client_free(XenPvIommuClient *client)
{
    if (!client) {
        return;
    }
    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        if (client->devices[i]) {
            xen_pv_iommu_client_detach(client->devices[i]);
        }
    }
    unmap_dead(client);
    xen_pv_iommu_map_free(client->map);
    xen_pv_iommu_bfns_free(client->bfns);
    xen_pv_iommu_reserved_free(client->reserved);
    g_array_unref(client->waiting);
    g_free(client);
}

void xen_pv_iommu_enter(XenPvIommuClient *client)
{
    client->depth++;
}

void xen_pv_iommu_leave(XenPvIommuClient *client)
{
    while (client->depth == 1 && client->waiting->len) {
        XenPvIommuEvent event =
            g_array_index(client->waiting, XenPvIommuEvent, 0);

        g_array_remove_index(client->waiting, 0);
        xen_pv_iommu_invalidate_event(client, &event);
    }
    client->depth--;
}

XenPvIommuCaps xen_pv_iommu_client_caps(const XenPvIommuClient *client)
{
    return client->caps;
}

const XenPvIommuReservedSet *
xen_pv_iommu_client_reserved(const XenPvIommuClient *client)
{
    return client->reserved;
}

XenPvIommuCounters
xen_pv_iommu_client_counters(const XenPvIommuClient *client)
{
    XenPvIommuCounters counters = client->counters;

    counters.table = xen_pv_iommu_map_totals(client->map);
    return counters;
}

/* --- its devices -------------------------------------------------------- */

static int choose_mode(const XenPvIommuClient *client,
                       const XenPvIommuDeviceConfig *config,
                       XenPvIommuMode *mode)
{
    *mode = config->mode;
    if (config->mode == XEN_PV_IOMMU_MAP && !client->caps.map) {
        *mode = XEN_PV_IOMMU_LOOKUP;
        return config->any_mode ? 0 : -ENOTSUP;
    }
    return 0;
}

/* One past the last frame of which each byte is within a mask. */
static uint64_t mask_end(uint64_t mask)
{
    uint64_t end = mask / BYTES_PER_FRAME +
                   (mask % BYTES_PER_FRAME == BYTES_PER_FRAME - 1);

    return MIN(end, XEN_PV_IOMMU_FRAME_END);
}

static int free_owner(const XenPvIommuClient *client, uint16_t *owner)
{
    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        if (!client->devices[i]) {
            *owner = i;
            return 0;
        }
    }
    return -ENOSPC;
}

int xen_pv_iommu_client_attach(XenPvIommuClient *client,
                               const XenPvIommuDeviceConfig *config,
                               const XenPvIommuDeviceOps *ops, void *opaque,
                               XenPvIommuDevice **device)
{
    uint64_t bfn_end = mask_end(config->dma_mask);
    XenPvIommuDevice *made;
    XenPvIommuMode mode;
    uint16_t owner;
    int ret;

    if (!bfn_end || config->quiesce_ms > XEN_PV_IOMMU_QUIESCE_MS_MAX) {
        return -EINVAL;
    }
    ret = choose_mode(client, config, &mode);
    if (!ret) {
        ret = free_owner(client, &owner);
    }
    if (ret) {
        return ret;
    }
    made = g_new0(XenPvIommuDevice, 1);
    *made = (XenPvIommuDevice){
        .client = client, .name = g_strdup(config->name),
        .ops = ops, .opaque = opaque,
        .bfn_end = bfn_end,
        .pages_max = config->pages_max
                     ? MIN(config->pages_max, client->pages_max)
                     : client->pages_max,
        .rdm_policy = config->rdm_policy,
        .mode = mode,
        .quiesce_ms = config->quiesce_ms ? config->quiesce_ms
                                         : XEN_PV_IOMMU_QUIESCE_MS,
        .owner = owner,
        .drain = xen_pv_iommu_drain_new(),
        .warned = g_hash_table_new(NULL, NULL),
    };
    xen_pv_iommu_map_set_owner_limit(client->map, owner, made->pages_max);
    client->devices[owner] = made;
    *device = made;
    return 0;
}

XenPvIommuMode xen_pv_iommu_client_mode(const XenPvIommuDevice *device)
{
    return device->mode;
}

const char *xen_pv_iommu_client_name(const XenPvIommuDevice *device)
{
    return device->name;
}

int xen_pv_iommu_quota_error(const XenPvIommuDevice *device)
{
    return device->pages_max < device->client->pages_max ? -EDQUOT : -ENOSPC;
}
