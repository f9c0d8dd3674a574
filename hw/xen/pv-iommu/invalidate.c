/*
 * PV IOMMU: BFNs lose their page
 *
 * Users are noted first and told afterwards, when nothing of ours is under
 * way: what they are told makes them release.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client-private.h"

/* --- marking ------------------------------------------------------------ */

typedef struct Marking {
    XenPvIommuClient *client;
    GArray *live;           /* XenPvIommuFrames that were live, ascending */
    uint64_t used;          /* BFNs that have a user */
    uint64_t end;           /* those below are counted */
} Marking;

/* A BFN can come several times, by its users; runs begin in ascending order. */
static bool note_use(const XenPvIommuUse *use, void *opaque)
{
    Marking *marking = opaque;
    uint64_t begin = MAX(use->bfn, marking->end);
    uint64_t end = use->bfn + use->pages;
    XenPvIommuRun run = {
        .gfn = use->gfn, .bfn = use->bfn, .pages = use->pages,
    };

    if (use->state == XEN_PV_IOMMU_DEAD) {
        return true;
    }
    if (begin < end) {
        marking->used += end - begin;
        marking->end = end;
    }
    if (use->state == XEN_PV_IOMMU_LIVE) {
        if (begin < end) {
            xen_pv_iommu_frames_add(marking->live, begin, end - begin);
        }
        xen_pv_iommu_drain_add(marking->client->devices[use->owner]->drain,
                               &run);
    }
    return true;
}

/* Live BFNs of a run become invalid, and their users' runs wait. */
static uint64_t mark(Marking *marking, uint64_t bfn, uint64_t pages)
{
    XenPvIommuMap *map = marking->client->map;
    unsigned first = marking->live->len;
    uint64_t count = 0;

    marking->end = 0;
    xen_pv_iommu_map_each_bfn(map, bfn, pages, note_use, marking);
    /* The last entry may have grown; what is invalid is not counted again. */
    for (unsigned i = first ? first - 1 : 0; i < marking->live->len; i++) {
        const XenPvIommuFrames *run =
            &g_array_index(marking->live, XenPvIommuFrames, i);

        count += xen_pv_iommu_map_set_state(map, run->bfn, run->pages,
                                            XEN_PV_IOMMU_INVALIDATED);
    }
    return count;
}

/* --- telling ------------------------------------------------------------ */

static void tell_devices(XenPvIommuClient *client)
{
    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        XenPvIommuDevice *device = client->devices[i];
        XenPvIommuRun run;

        while (device && xen_pv_iommu_drain_tell(device->drain, &run)) {
            device->ops->invalidated(device->opaque, &run);
        }
    }
}

static void tell(const Marking *marking)
{
    tell_devices(marking->client);
    for (unsigned i = 0; i < marking->live->len; i++) {
        const XenPvIommuFrames *run =
            &g_array_index(marking->live, XenPvIommuFrames, i);

        xen_pv_iommu_map_set_state(marking->client->map, run->bfn, run->pages,
                                   XEN_PV_IOMMU_DRAINING);
    }
}

/* --- deadlines ---------------------------------------------------------- */

static void start_deadline(XenPvIommuDevice *device, int64_t now_ms)
{
    int64_t quiesce_ms = device->quiesce_ms;

    xen_pv_iommu_drain_start(device->drain,
                             now_ms > INT64_MAX - 1 - quiesce_ms
                             ? INT64_MAX - 1 : now_ms + quiesce_ms);
}

static void start_deadlines(XenPvIommuClient *client, int64_t now_ms)
{
    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        if (client->devices[i]) {
            start_deadline(client->devices[i], now_ms);
        }
    }
}

int64_t xen_pv_iommu_client_deadline(const XenPvIommuClient *client)
{
    int64_t deadline = INT64_MAX;

    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        const XenPvIommuDevice *device = client->devices[i];

        if (device) {
            deadline = MIN(deadline,
                           xen_pv_iommu_drain_deadline(device->drain));
        }
    }
    return deadline;
}

unsigned xen_pv_iommu_client_expire(XenPvIommuClient *client, int64_t now_ms)
{
    unsigned count = 0;

    xen_pv_iommu_enter(client);
    start_deadlines(client, now_ms);
    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        XenPvIommuDevice *device = client->devices[i];
        XenPvIommuRun run;

        while (device &&
               xen_pv_iommu_drain_overdue(device->drain, now_ms, &run)) {
            count++;
            client->counters.overdue++;
            if (device->ops->overdue) {
                device->ops->overdue(device->opaque, &run);
            }
        }
    }
    xen_pv_iommu_leave(client);
    return count;
}

/* --- what has arrived --------------------------------------------------- */

static void add_saturated(uint64_t *counter, uint64_t pages)
{
    *counter = pages > UINT64_MAX - *counter ? UINT64_MAX : *counter + pages;
}

uint64_t xen_pv_iommu_invalidate_event(XenPvIommuClient *client,
                                       const XenPvIommuEvent *event)
{
    g_autoptr(GArray) live = g_array_new(FALSE, FALSE,
                                         sizeof(XenPvIommuFrames));
    Marking marking = { .client = client, .live = live };
    uint64_t pages = 0;
    uint64_t count = 0;

    if (event->bfn < XEN_PV_IOMMU_FRAME_END && event->pages) {
        pages = MIN(event->pages, XEN_PV_IOMMU_FRAME_END - event->bfn);
        count = mark(&marking, event->bfn, pages);
    }
    client->counters.invalidations += count;
    client->counters.repeated_invalidations += marking.used - count;
    add_saturated(&client->counters.unknown_invalidations,
                  event->pages - marking.used);
    start_deadlines(client, event->now_ms);
    tell(&marking);
    return count;
}

void xen_pv_iommu_invalidate_stale(XenPvIommuClient *client,
                                   const GArray *frames)
{
    g_autoptr(GArray) live = g_array_new(FALSE, FALSE,
                                         sizeof(XenPvIommuFrames));
    Marking marking = { .client = client, .live = live };

    for (unsigned i = 0; i < frames->len; i++) {
        const XenPvIommuFrames *run =
            &g_array_index(frames, XenPvIommuFrames, i);

        client->counters.stale += mark(&marking, run->bfn, run->pages);
    }
    tell(&marking);
}

uint64_t xen_pv_iommu_client_invalidate(XenPvIommuClient *client, uint64_t bfn,
                                        uint64_t pages, int64_t now_ms)
{
    XenPvIommuEvent event = { .bfn = bfn, .pages = pages, .now_ms = now_ms };
    uint64_t count;

    if (client->depth) {
        g_array_append_val(client->waiting, event);
        return 0;
    }
    xen_pv_iommu_enter(client);
    count = xen_pv_iommu_invalidate_event(client, &event);
    xen_pv_iommu_leave(client);
    return count;
}
