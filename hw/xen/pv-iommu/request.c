/*
 * PV IOMMU: a request for bus addresses, whichever way they are had
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "client-private.h"

int xen_pv_iommu_request_fail(XenPvIommuRequest *request, uint64_t gfn,
                              uint64_t bfn, int error)
{
    request->failure.gfn = gfn;
    request->failure.bfn = bfn;
    return error;
}

static XenPvIommuRun *last_run(XenPvIommuRequest *request)
{
    GArray *runs = request->runs;

    return runs->len > request->first_run
           ? &g_array_index(runs, XenPvIommuRun, runs->len - 1) : NULL;
}

int xen_pv_iommu_request_add(XenPvIommuRequest *request,
                             const XenPvIommuRun *run,
                             XenPvIommuAccess access)
{
    XenPvIommuRun *last = last_run(request);
    int ret = xen_pv_iommu_map_add(request->device->client->map, run->bfn,
                                   run->gfn, run->pages,
                                   request->device->owner, access);

    if (ret) {
        return ret == -EDQUOT ? xen_pv_iommu_quota_error(request->device)
                              : ret;
    }
    if (last && last->bfn + last->pages == run->bfn &&
        last->gfn + last->pages == run->gfn) {
        last->pages += run->pages;
    } else {
        g_array_append_vals(request->runs, run, 1);
    }
    return 0;
}

static void note_lost(XenPvIommuFrames frames, void *opaque)
{
    xen_pv_iommu_frames_add(opaque, frames.bfn, frames.pages);
}

void xen_pv_iommu_request_undo(XenPvIommuRequest *request, GArray *lost)
{
    for (unsigned i = request->first_run; i < request->runs->len; i++) {
        const XenPvIommuRun *run =
            &g_array_index(request->runs, XenPvIommuRun, i);

        xen_pv_iommu_map_drop(request->device->client->map, run->bfn, run->gfn,
                              run->pages, request->device->owner, note_lost,
                              lost);
    }
    g_array_set_size(request->runs, request->first_run);
}

int xen_pv_iommu_request_policy(XenPvIommuRequest *request, uint64_t bfn,
                                uint64_t pages)
{
    const XenPvIommuDevice *device = request->device;
    XenPvIommuWarning warning = { .frames = { .bfn = bfn, .pages = pages } };

    if (bfn >= device->bfn_end || pages > device->bfn_end - bfn) {
        return -ERANGE;
    }
    if (!xen_pv_iommu_reserved_allows(device->client->reserved, bfn, pages,
                                      device->rdm_policy, &warning.region)) {
        request->failure.reserved = *warning.region;
        return -EACCES;
    }
    /* Once for each region, or a guest could fill the log. */
    if (warning.region &&
        g_hash_table_add(device->warned, (gpointer)warning.region)) {
        g_array_append_val(request->warnings, warning);
    }
    return 0;
}

static bool is_valid(const XenPvIommuRequest *request)
{
    if (!request->access || (request->access & ~XEN_PV_IOMMU_READ_WRITE)) {
        return false;
    }
    for (unsigned i = 0; i < request->count; i++) {
        const XenPvIommuGfns *gfns = &request->gfns[i];

        if (!gfns->pages || gfns->gfn >= XEN_PV_IOMMU_FRAME_END ||
            gfns->pages > XEN_PV_IOMMU_FRAME_END - gfns->gfn) {
            return false;
        }
    }
    return true;
}

static void warn(const XenPvIommuRequest *request)
{
    const XenPvIommuDevice *device = request->device;

    for (unsigned i = 0; device->ops->relaxed && i < request->warnings->len;
         i++) {
        const XenPvIommuWarning *warning =
            &g_array_index(request->warnings, XenPvIommuWarning, i);

        device->ops->relaxed(device->opaque, warning->frames.bfn,
                             warning->frames.pages, warning->region);
    }
}

/* A failed request has told nobody, so the next one must. */
static void forget_warnings(const XenPvIommuRequest *request)
{
    for (unsigned i = 0; i < request->warnings->len; i++) {
        g_hash_table_remove(
            request->device->warned,
            (gpointer)g_array_index(request->warnings, XenPvIommuWarning,
                                    i).region);
    }
}

static int compare_runs(gconstpointer a, gconstpointer b)
{
    const XenPvIommuRun *left = a;
    const XenPvIommuRun *right = b;

    return left->bfn < right->bfn ? -1 : left->bfn > right->bfn;
}

static int compare_frames(gconstpointer a, gconstpointer b)
{
    const XenPvIommuFrames *left = a;
    const XenPvIommuFrames *right = b;

    return left->bfn < right->bfn ? -1 : left->bfn > right->bfn;
}

/* Has a run of the request a BFN that the request found to be stale? */
static bool has_stale(XenPvIommuRequest *request)
{
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    unsigned next = 0;

    if (!request->stale->len) {
        return false;
    }
    g_array_append_vals(runs, &g_array_index(request->runs, XenPvIommuRun,
                                             request->first_run),
                        request->runs->len - request->first_run);
    g_array_sort(runs, compare_runs);
    g_array_sort(request->stale, compare_frames);
    for (unsigned i = 0; i < runs->len; i++) {
        const XenPvIommuRun *run = &g_array_index(runs, XenPvIommuRun, i);
        const XenPvIommuFrames *stale =
            &g_array_index(request->stale, XenPvIommuFrames, next);

        while (stale->bfn + stale->pages <= run->bfn) {
            if (++next == request->stale->len) {
                return false;
            }
            stale++;
        }
        if (stale->bfn < run->bfn + run->pages) {
            return true;
        }
    }
    return false;
}

/*
 * A frame can stand behind two gfns of a request and have left a third, or one
 * of the two since.  Its BFN is stale for all its users, so that the request
 * must not return it: the device would be told of a run before it has it.
 */
static int refuse_stale(XenPvIommuRequest *request)
{
    XenPvIommuClient *client = request->device->client;
    g_autoptr(GArray) lost = NULL;

    if (!has_stale(request)) {
        return 0;
    }
    lost = g_array_new(FALSE, FALSE, sizeof(XenPvIommuFrames));
    xen_pv_iommu_request_undo(request, lost);
    xen_pv_iommu_unmap(client, lost, &client->counters.undone);
    return -ESTALE;
}

static int serve(XenPvIommuRequest *request)
{
    XenPvIommuClient *client = request->device->client;
    int ret = request->device->mode == XEN_PV_IOMMU_MAP
              ? xen_pv_iommu_choose(request) : xen_pv_iommu_lookup(request);

    if (!ret) {
        ret = refuse_stale(request);
        if (!ret) {
            client->counters.shared += request->shared;
            warn(request);
        }
        xen_pv_iommu_invalidate_stale(client, request->stale);
    }
    if (ret) {
        forget_warnings(request);
    }
    return ret;
}

int xen_pv_iommu_client_map(XenPvIommuDevice *device,
                            const XenPvIommuGfns *gfns, unsigned count,
                            XenPvIommuAccess access, GArray *runs,
                            XenPvIommuFailure *failure)
{
    XenPvIommuRequest request = {
        .device = device,
        .gfns = gfns,
        .count = count,
        .access = access,
        .runs = runs,
        .first_run = runs->len,
        .failure = {
            .gfn = XEN_PV_IOMMU_NO_FRAME, .bfn = XEN_PV_IOMMU_NO_FRAME,
        },
    };
    int ret = -EINVAL;

    if (device->client->depth) {
        ret = -EBUSY;
    } else if (is_valid(&request)) {
        request.stale = g_array_new(FALSE, FALSE, sizeof(XenPvIommuFrames));
        request.warnings = g_array_new(FALSE, FALSE,
                                       sizeof(XenPvIommuWarning));
        xen_pv_iommu_enter(device->client);
        ret = serve(&request);
        xen_pv_iommu_leave(device->client);
        g_array_unref(request.stale);
        g_array_unref(request.warnings);
    }
    if (ret && failure) {
        *failure = request.failure;
    }
    return ret;
}
