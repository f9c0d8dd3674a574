/*
 * PV IOMMU: bus addresses of our own choice
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "client-private.h"

/*
 * Where a device may begin to look: one of this many places, so that device
 * models that know nothing of each other rarely meet, each on a boundary that
 * leaves room for large pages (2 MiB).
 */
#define PLACES 4096
#define PLACE_FRAMES 512

/* 2^64 divided by the golden ratio: multiples of it are spread evenly. */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

/* One try at a request. */
typedef struct Choice {
    XenPvIommuRequest *request;
    uint64_t from;          /* begin to look for BFNs here */
    GArray *fresh;          /* XenPvIommuRun: taken, to be mapped */
    unsigned count;         /* operations in the batch */
    GArray *mapped;         /* XenPvIommuFrames: Xen has mapped them */
    GArray *unmapped;       /* XenPvIommuFrames: taken, and not mapped */
    GArray *busy;           /* uint64_t: taken, somebody else's; all tries */
    bool retry;             /* what is wrong is wrong with BFNs */
    bool refreshed;         /* in this try Xen was asked for its regions */
} Choice;

static uint64_t place(const XenPvIommuDevice *device, unsigned number)
{
    const XenPvIommuClient *client = device->client;
    uint64_t key = (uint64_t)number << 32 | (uint64_t)client->domid << 16 |
                   client->ioserver;
    uint64_t end = MIN(device->bfn_end, client->end_bfn);
    uint64_t frames = end > client->first_bfn ? end - client->first_bfn : 0;
    uint64_t stride = frames / PLACES;

    stride = MAX(stride - stride % PLACE_FRAMES, PLACE_FRAMES);
    return client->first_bfn +
           (key * SPREAD >> 32) % MAX(frames / stride, 1) * stride;
}

/* --- which BFNs --------------------------------------------------------- */

static int take_run(Choice *choice, uint64_t gfn, uint64_t *pages)
{
    const XenPvIommuDevice *device = choice->request->device;
    XenPvIommuBfns *bfns = device->client->bfns;
    XenPvIommuRun run = { .gfn = gfn };
    int ret = xen_pv_iommu_bfns_take(bfns, *pages, choice->from,
                                     device->bfn_end, &run.bfn);

    if (ret) {
        *pages = MIN(*pages, xen_pv_iommu_bfns_largest(bfns, device->bfn_end));
        ret = *pages ? xen_pv_iommu_bfns_take(bfns, *pages, choice->from,
                                              device->bfn_end, &run.bfn)
                     : -ENOSPC;
    }
    if (ret) {
        return ret;
    }
    run.pages = *pages;
    g_array_append_val(choice->fresh, run);
    return xen_pv_iommu_request_add(choice->request, &run,
                                    choice->request->access);
}

/* Gfns that have no BFN yet get some, within all limits; Xen is not asked. */
static int plan_fresh(Choice *choice, uint64_t gfn, uint64_t pages)
{
    int ret = 0;

    while (!ret && pages) {
        uint64_t length = pages;

        ret = take_run(choice, gfn, &length);
        if (!ret) {
            gfn += length;
            pages -= length;
        }
    }
    return ret ? xen_pv_iommu_request_fail(choice->request, gfn,
                                           XEN_PV_IOMMU_NO_FRAME, ret) : 0;
}

/*
 * How much of a live run serves this device?  A run that the client's other
 * devices may have can be beyond this one's mask, or against its policy.
 */
static uint64_t shareable(Choice *choice, const XenPvIommuUse *found)
{
    const XenPvIommuDevice *device = choice->request->device;
    uint64_t pages = found->pages;

    if (found->bfn >= device->bfn_end) {
        return 0;
    }
    pages = MIN(pages, device->bfn_end - found->bfn);
    if (xen_pv_iommu_request_policy(choice->request, found->bfn, pages)) {
        choice->request->failure.reserved = (XenPvIommuReserved){ 0 };
        return 0;
    }
    return pages;
}

static int plan_known(Choice *choice, const XenPvIommuUse *found,
                      uint64_t *pages)
{
    XenPvIommuRun run = {
        .gfn = found->gfn, .bfn = found->bfn,
        .pages = shareable(choice, found),
    };
    int ret;

    if (!run.pages) {
        *pages = found->pages;
        return plan_fresh(choice, found->gfn, found->pages);
    }
    *pages = run.pages;
    ret = xen_pv_iommu_request_add(choice->request, &run, found->access);
    if (ret) {
        return xen_pv_iommu_request_fail(choice->request, run.gfn, run.bfn,
                                         ret);
    }
    choice->request->shared += run.pages;
    return 0;
}

static int plan_gfns(Choice *choice, uint64_t gfn, uint64_t pages)
{
    const XenPvIommuRequest *request = choice->request;
    int ret = 0;

    while (!ret && pages) {
        XenPvIommuUse found;
        uint64_t length = pages;

        if (xen_pv_iommu_map_find_gfn(request->device->client->map, gfn, pages,
                                      request->access, &found)) {
            length = found.gfn - gfn;
        }
        if (length) {
            ret = plan_fresh(choice, gfn, length);
        } else {
            ret = plan_known(choice, &found, &length);
        }
        gfn += length;
        pages -= length;
    }
    return ret;
}

static int plan(Choice *choice)
{
    int ret = 0;

    for (unsigned i = 0; !ret && i < choice->request->count; i++) {
        const XenPvIommuGfns *gfns = &choice->request->gfns[i];

        ret = plan_gfns(choice, gfns->gfn, gfns->pages);
    }
    return ret;
}

/* --- asking Xen --------------------------------------------------------- */

static bool is_busy(int status)
{
    return status == -EPERM || status == -EEXIST || status == -EBUSY ||
           status == -EACCES;
}

/* Xen would not have this BFN. */
static void take_busy(Choice *choice, uint64_t bfn, int status)
{
    XenPvIommuClient *client = choice->request->device->client;
    const XenPvIommuReserved *region;

    g_array_append_val(choice->busy, bfn);
    if (status != -EACCES || choice->refreshed) {
        return;
    }
    /* A region has appeared since we asked: keep clear of all of it. */
    choice->refreshed = true;
    xen_pv_iommu_read_reserved(client);
    region = xen_pv_iommu_reserved_find(client->reserved, bfn, 1);
    if (region) {
        choice->request->failure.reserved = *region;
    }
}

/* One page's status.  What another BFN can cure matters less than the rest. */
static int take_status(Choice *choice, const XenPvIommuOp *op, int status,
                       int error)
{
    uint64_t bfn = op->u.foreign_page.bfn;

    if (!status) {
        xen_pv_iommu_frames_add(choice->mapped, bfn, 1);
        choice->request->device->client->counters.mapped++;
        return error;
    }
    if (is_busy(status)) {
        take_busy(choice, bfn, status);
        if (error) {
            return error;
        }
        choice->retry = true;
    } else {
        xen_pv_iommu_frames_add(choice->unmapped, bfn, 1);
        if (error && !choice->retry) {
            return error;
        }
        choice->retry = false;
    }
    return xen_pv_iommu_request_fail(choice->request, op->u.foreign_page.gfn,
                                     bfn, status);
}

static int flush(Choice *choice)
{
    XenPvIommuClient *client = choice->request->device->client;
    unsigned count = choice->count;
    int error = 0;
    int ret;

    if (!count) {
        return 0;
    }
    choice->count = 0;
    ret = xen_pv_iommu_submit(client, count);
    for (unsigned i = 0; i < count; i++) {
        const XenPvIommuOp *op = &client->batch[i];

        if (ret) {
            xen_pv_iommu_frames_add(choice->unmapped, op->u.foreign_page.bfn,
                                    1);
        } else {
            error = take_status(choice, op, xen_pv_iommu_status(op), error);
        }
    }
    return ret ? ret : error;
}

static int ask(Choice *choice, uint64_t gfn, uint64_t bfn)
{
    const XenPvIommuRequest *request = choice->request;
    XenPvIommuClient *client = request->device->client;

    client->batch[choice->count++] = (XenPvIommuOp){
        .subop = XEN_PV_IOMMU_MAP_FOREIGN_PAGE,
        .flags =
            (request->access & XEN_PV_IOMMU_READ
             ? XEN_PV_IOMMU_OP_READABLE : 0) |
            (request->access & XEN_PV_IOMMU_WRITE
             ? XEN_PV_IOMMU_OP_WRITEABLE : 0),
        .u.foreign_page = {
            .bfn = bfn,
            .gfn = gfn,
            .domid = client->domid,
            .ioserver = client->ioserver,
        },
    };
    return choice->count == XEN_PV_IOMMU_BATCH ? flush(choice) : 0;
}

/* Map what is fresh.  After a failure the rest counts as not mapped. */
static int submit(Choice *choice)
{
    int ret = 0;

    for (unsigned i = 0; i < choice->fresh->len; i++) {
        const XenPvIommuRun *run =
            &g_array_index(choice->fresh, XenPvIommuRun, i);
        uint64_t page = 0;

        while (!ret && page < run->pages) {
            ret = ask(choice, run->gfn + page, run->bfn + page);
            page++;
        }
        if (page < run->pages) {
            xen_pv_iommu_frames_add(choice->unmapped, run->bfn + page,
                                    run->pages - page);
        }
    }
    return ret ? ret : flush(choice);
}

/* --- taking back, and trying again -------------------------------------- */

static void give_frames(XenPvIommuBfns *bfns, const GArray *frames)
{
    for (unsigned i = 0; i < frames->len; i++) {
        const XenPvIommuFrames *run =
            &g_array_index(frames, XenPvIommuFrames, i);

        xen_pv_iommu_bfns_give(bfns, run->bfn, run->pages);
    }
}

static void undo(Choice *choice, bool submitted)
{
    XenPvIommuClient *client = choice->request->device->client;
    g_autoptr(GArray) lost = g_array_new(FALSE, FALSE,
                                         sizeof(XenPvIommuFrames));

    /* What loses its last use is what is fresh, and known better by status. */
    xen_pv_iommu_request_undo(choice->request, lost);
    if (!submitted) {
        for (unsigned i = 0; i < choice->fresh->len; i++) {
            const XenPvIommuRun *run =
                &g_array_index(choice->fresh, XenPvIommuRun, i);

            xen_pv_iommu_frames_add(choice->unmapped, run->bfn, run->pages);
        }
    }
    give_frames(client->bfns, choice->unmapped);
    xen_pv_iommu_unmap(client, choice->mapped, &client->counters.undone);
    choice->request->shared = 0;
}

static int try_once(Choice *choice)
{
    int ret;

    g_array_set_size(choice->fresh, 0);
    g_array_set_size(choice->mapped, 0);
    g_array_set_size(choice->unmapped, 0);
    choice->retry = false;
    choice->refreshed = false;
    choice->request->failure.reserved = (XenPvIommuReserved){ 0 };
    ret = plan(choice);
    if (ret) {
        undo(choice, false);
        return ret;
    }
    ret = submit(choice);
    if (ret) {
        undo(choice, true);
    }
    return ret;
}

/*
 * BFNs that were busy have been kept aside.  If another one did, they are
 * somebody's and not tried again.  If none did, it may be the gfn that Xen
 * would not map, and a guest must not be able to use up our BFNs that way.
 */
static void settle_busy(XenPvIommuClient *client, const GArray *busy,
                        bool cured)
{
    for (unsigned i = 0; i < busy->len; i++) {
        uint64_t bfn = g_array_index(busy, uint64_t, i);

        if (cured && client->taken < XEN_PV_IOMMU_TAKEN_MAX) {
            client->taken++;
            xen_pv_iommu_bfns_exclude(client->bfns, bfn, 1);
        }
        xen_pv_iommu_bfns_give(client->bfns, bfn, 1);
    }
}

int xen_pv_iommu_choose(XenPvIommuRequest *request)
{
    XenPvIommuClient *client = request->device->client;
    Choice choice = {
        .request = request,
        .fresh = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun)),
        .mapped = g_array_new(FALSE, FALSE, sizeof(XenPvIommuFrames)),
        .unmapped = g_array_new(FALSE, FALSE, sizeof(XenPvIommuFrames)),
        .busy = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
    };
    unsigned tries = 0;
    int ret;

    choice.from = place(request->device, client->place);
    ret = try_once(&choice);
    while (ret && choice.retry && tries < XEN_PV_IOMMU_BFN_TRIES) {
        tries++;
        client->counters.bfn_retries++;
        choice.from = place(request->device, client->place + tries);
        ret = try_once(&choice);
    }
    if (!ret) {
        client->place += tries;
    }
    settle_busy(client, choice.busy, !ret);
    g_array_unref(choice.fresh);
    g_array_unref(choice.mapped);
    g_array_unref(choice.unmapped);
    g_array_unref(choice.busy);
    return ret;
}
