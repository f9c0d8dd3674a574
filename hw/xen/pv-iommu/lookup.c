/*
 * PV IOMMU: bus addresses that Xen tells
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client-private.h"

/*
 * Such a server holds one reference for a BFN, however often it is looked up,
 * and a bus address is what it is: both directions, whatever was asked for.
 */
#define LOOKUP_ACCESS XEN_PV_IOMMU_READ_WRITE

typedef struct Lookup {
    XenPvIommuRequest *request;
    unsigned count;         /* operations in the batch */
    XenPvIommuRun run;      /* of the batch's results; not yet in the table */
    GArray *orphans;        /* uint64_t: BFNs told, and of no use to us */
} Lookup;

/* --- what can be refused without asking Xen ----------------------------- */

static int compare_gfns(const void *a, const void *b)
{
    const XenPvIommuGfns *left = a;
    const XenPvIommuGfns *right = b;

    return left->gfn < right->gfn ? -1 : left->gfn > right->gfn;
}

typedef struct Known {
    uint16_t owner;
    uint64_t pages;         /* gfns that the owner uses */
    uint64_t end;           /* those below are counted */
} Known;

static bool count_known(const XenPvIommuUse *use, void *opaque)
{
    Known *known = opaque;
    uint64_t begin = MAX(use->gfn, known->end);
    uint64_t end = use->gfn + use->pages;

    if (use->owner == known->owner && use->state == XEN_PV_IOMMU_LIVE &&
        begin < end) {
        known->pages += end - begin;
        known->end = end;
    }
    return true;
}

/* How many of the gfns does the device certainly not use yet? */
static uint64_t unknown_pages(const XenPvIommuRequest *request)
{
    g_autofree XenPvIommuGfns *sorted =
        g_new(XenPvIommuGfns, request->count);
    Known known = { .owner = request->device->owner };
    uint64_t pages = 0;
    uint64_t end = 0;

    if (request->count) {
        memcpy(sorted, request->gfns, request->count * sizeof(*sorted));
        qsort(sorted, request->count, sizeof(*sorted), compare_gfns);
    }
    for (unsigned i = 0; i < request->count; i++) {
        uint64_t first = MAX(sorted[i].gfn, end);

        end = MAX(end, sorted[i].gfn + sorted[i].pages);
        if (first < end) {
            pages += end - first;
            xen_pv_iommu_map_each_gfn(request->device->client->map, first,
                                      end - first, count_known, &known);
        }
    }
    return pages - known.pages;
}

static int check_limits(const XenPvIommuRequest *request)
{
    const XenPvIommuDevice *device = request->device;
    uint64_t used = xen_pv_iommu_map_owner_pages(device->client->map,
                                                 device->owner);

    return unknown_pages(request) > device->pages_max - used
           ? xen_pv_iommu_quota_error(device) : 0;
}

/* --- what Xen told ------------------------------------------------------ */

typedef struct StaleSearch {
    const XenPvIommuClient *client;
    const XenPvIommuRun *run;
    GArray *stale;
} StaleSearch;

static bool note_stale(const XenPvIommuUse *use, void *opaque)
{
    StaleSearch *search = opaque;

    /* A BFN of our choice can stand beside one that Xen tells. */
    if (use->bfn - use->gfn != search->run->bfn - search->run->gfn &&
        !xen_pv_iommu_chosen(search->client, use->bfn)) {
        xen_pv_iommu_frames_add(search->stale, use->bfn, use->pages);
    }
    return true;
}

static uint64_t pages_mapped(const XenPvIommuClient *client,
                             const XenPvIommuRun *run)
{
    uint64_t end = run->bfn + run->pages;
    uint64_t bfn = run->bfn;
    uint64_t pages = 0;
    XenPvIommuUse found;

    while (bfn < end &&
           xen_pv_iommu_map_find_bfn(client->map, bfn, end - bfn, &found)) {
        pages += found.pages;
        bfn = found.bfn + found.pages;
    }
    return pages;
}

/* What a BFN is mapped for, if it is one of our own choice. */
static XenPvIommuAccess access_of(const Lookup *lookup, uint64_t bfn)
{
    XenPvIommuUse found;

    if (xen_pv_iommu_map_find_bfn(lookup->request->device->client->map, bfn, 1,
                                  &found) &&
        !(lookup->request->access & ~found.access)) {
        return found.access;
    }
    return LOOKUP_ACCESS;
}

static void note_orphan(Lookup *lookup, uint64_t bfn)
{
    g_array_append_val(lookup->orphans, bfn);
}

/* The table does not take a run as a whole: take it up to what is wrong. */
static int take_pages(Lookup *lookup, const XenPvIommuRun *run)
{
    int ret = 0;

    for (uint64_t page = 0; page < run->pages; page++) {
        XenPvIommuRun one = {
            .gfn = run->gfn + page, .bfn = run->bfn + page, .pages = 1,
        };

        if (!ret) {
            ret = xen_pv_iommu_request_add(lookup->request, &one,
                                           access_of(lookup, one.bfn));
            if (ret) {
                xen_pv_iommu_request_fail(lookup->request, one.gfn, one.bfn,
                                          ret);
            }
        }
        if (ret) {
            note_orphan(lookup, one.bfn);
        }
    }
    return ret;
}

/* The run of results that has been gathered goes into the table. */
static int take_run(Lookup *lookup)
{
    XenPvIommuRequest *request = lookup->request;
    XenPvIommuClient *client = request->device->client;
    XenPvIommuRun run = lookup->run;
    StaleSearch search = {
        .client = client, .run = &run, .stale = request->stale,
    };
    uint64_t before;
    uint64_t after;
    int ret;

    lookup->run.pages = 0;
    if (!run.pages) {
        return 0;
    }
    before = xen_pv_iommu_map_totals(client->map).pages;
    request->shared += pages_mapped(client, &run);
    ret = xen_pv_iommu_request_add(request, &run, LOOKUP_ACCESS);
    if (ret) {
        ret = take_pages(lookup, &run);
    }
    after = xen_pv_iommu_map_totals(client->map).pages;
    client->counters.mapped += after - before;
    if (!ret && !xen_pv_iommu_chosen(client, run.bfn)) {
        xen_pv_iommu_map_each_gfn(client->map, run.gfn, run.pages, note_stale,
                                  &search);
    }
    return ret;
}

static int take_result(Lookup *lookup, const XenPvIommuOp *op)
{
    uint64_t bfn = op->u.foreign_page.bfn;
    uint64_t gfn = op->u.foreign_page.gfn;
    XenPvIommuRun *run = &lookup->run;
    int status = xen_pv_iommu_request_policy(lookup->request, bfn, 1);
    int ret;

    if (!status && run->pages && run->bfn + run->pages == bfn &&
        run->gfn + run->pages == gfn) {
        run->pages++;
        return 0;
    }
    ret = take_run(lookup);
    if (ret) {
        /* An earlier page failed; where this one lies is not the reason. */
        lookup->request->failure.reserved = (XenPvIommuReserved){ 0 };
    } else if (status) {
        ret = xen_pv_iommu_request_fail(lookup->request, gfn, bfn, status);
    }
    if (ret) {
        note_orphan(lookup, bfn);
        return ret;
    }
    *run = (XenPvIommuRun){ .gfn = gfn, .bfn = bfn, .pages = 1 };
    return 0;
}

/* What came before the failure counts; it may fail as well, and earlier. */
static int take_failure(Lookup *lookup, const XenPvIommuOp *op, int status)
{
    int ret = take_run(lookup);

    return ret ? ret : xen_pv_iommu_request_fail(lookup->request,
                                                 op->u.foreign_page.gfn,
                                                 XEN_PV_IOMMU_NO_FRAME,
                                                 status);
}

/* Everything that Xen answered is looked at: it holds references for it. */
static int flush(Lookup *lookup)
{
    XenPvIommuClient *client = lookup->request->device->client;
    unsigned count = lookup->count;
    int error = 0;
    int ret;

    lookup->count = 0;
    ret = count ? xen_pv_iommu_submit(client, count) : 0;
    for (unsigned i = 0; !ret && i < count; i++) {
        const XenPvIommuOp *op = &client->batch[i];
        int status = xen_pv_iommu_status(op);

        if (error) {
            if (!status) {
                note_orphan(lookup, op->u.foreign_page.bfn);
            }
        } else if (status) {
            error = take_failure(lookup, op, status);
        } else {
            error = take_result(lookup, op);
        }
    }
    if (!ret) {
        ret = error ? error : take_run(lookup);
    }
    return ret;
}

/* --- asking ------------------------------------------------------------- */

static int ask(Lookup *lookup, uint64_t gfn)
{
    const XenPvIommuRequest *request = lookup->request;
    XenPvIommuClient *client = request->device->client;

    client->batch[lookup->count++] = (XenPvIommuOp){
        .subop = XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE,
        .flags =
            (request->access & XEN_PV_IOMMU_READ
             ? XEN_PV_IOMMU_OP_READABLE : 0) |
            (request->access & XEN_PV_IOMMU_WRITE
             ? XEN_PV_IOMMU_OP_WRITEABLE : 0),
        .u.foreign_page = {
            .bfn = 0,
            .gfn = gfn,
            .domid = client->domid,
            .ioserver = client->ioserver,
        },
    };
    return lookup->count == XEN_PV_IOMMU_BATCH ? flush(lookup) : 0;
}

static int ask_all(Lookup *lookup)
{
    const XenPvIommuRequest *request = lookup->request;
    int ret = 0;

    for (unsigned i = 0; !ret && i < request->count; i++) {
        const XenPvIommuGfns *gfns = &request->gfns[i];

        for (uint64_t page = 0; !ret && page < gfns->pages; page++) {
            ret = ask(lookup, gfns->gfn + page);
        }
    }
    return ret ? ret : flush(lookup);
}

/* --- taking back -------------------------------------------------------- */

static int compare_bfns(gconstpointer a, gconstpointer b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* Xen holds one reference for a BFN, so each is unmapped once, or not. */
static void orphans_to_unmap(const Lookup *lookup, GArray *frames)
{
    XenPvIommuClient *client = lookup->request->device->client;
    uint64_t last = XEN_PV_IOMMU_NO_FRAME;
    XenPvIommuUse found;

    g_array_sort(lookup->orphans, compare_bfns);
    for (unsigned i = 0; i < lookup->orphans->len; i++) {
        uint64_t bfn = g_array_index(lookup->orphans, uint64_t, i);

        if (bfn != last &&
            !xen_pv_iommu_map_find_bfn(client->map, bfn, 1, &found)) {
            xen_pv_iommu_frames_add(frames, bfn, 1);
            client->counters.mapped++;
        }
        last = bfn;
    }
}

static void undo(Lookup *lookup)
{
    XenPvIommuClient *client = lookup->request->device->client;
    g_autoptr(GArray) frames = g_array_new(FALSE, FALSE,
                                           sizeof(XenPvIommuFrames));

    orphans_to_unmap(lookup, frames);
    xen_pv_iommu_request_undo(lookup->request, frames);
    xen_pv_iommu_unmap(client, frames, &client->counters.undone);
}

int xen_pv_iommu_lookup(XenPvIommuRequest *request)
{
    Lookup lookup = { .request = request };
    int ret = check_limits(request);

    if (ret) {
        return ret;
    }
    lookup.orphans = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    ret = ask_all(&lookup);
    if (ret) {
        undo(&lookup);
    }
    g_array_unref(lookup.orphans);
    return ret;
}
