/*
 * PV IOMMU: hypercalls, and giving BFNs back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "client-private.h"

int xen_pv_iommu_submit(XenPvIommuClient *client, unsigned count)
{
    int ret = client->ops->submit(client->hypervisor, client->batch, count);

    client->counters.calls++;
    if (!ret) {
        client->counters.operations += count;
    }
    return ret > 0 ? -EIO : ret;
}

int xen_pv_iommu_status(const XenPvIommuOp *op)
{
    return op->status > 0 ? -EIO : op->status;
}

void xen_pv_iommu_frames_add(GArray *frames, uint64_t bfn, uint64_t pages)
{
    XenPvIommuFrames next = { .bfn = bfn, .pages = pages };
    XenPvIommuFrames *last = frames->len
        ? &g_array_index(frames, XenPvIommuFrames, frames->len - 1) : NULL;

    if (last && last->bfn + last->pages == bfn) {
        last->pages += pages;
    } else {
        g_array_append_val(frames, next);
    }
}

/* Xen has one BFN back, or will not have it. */
static void unmapped(XenPvIommuClient *client, uint64_t bfn, int status,
                     uint64_t *counter)
{
    XenPvIommuFrames frames = { .bfn = bfn, .pages = 1 };

    /* A server with one reference per page may have lost it to another's. */
    if (status && status != -ENOENT) {
        client->counters.failed_unmaps++;
        xen_pv_iommu_map_bury(client->map, frames);
        return;
    }
    (*counter)++;
    if (xen_pv_iommu_chosen(client, bfn)) {
        /* It fails only for a BFN that a lookup told: not the allocator's. */
        xen_pv_iommu_bfns_give(client->bfns, bfn, 1);
    }
}

/*
 * A call that fails as a whole would cost the BFNs of all its operations, for
 * good: it is made a second time.  Xen says -ENOENT for what the first one did.
 */
static void unmap_batch(XenPvIommuClient *client, unsigned count,
                        uint64_t *counter)
{
    int ret = xen_pv_iommu_submit(client, count);

    if (ret) {
        ret = xen_pv_iommu_submit(client, count);
    }
    for (unsigned i = 0; i < count; i++) {
        const XenPvIommuOp *op = &client->batch[i];

        unmapped(client, op->u.unmap_foreign_page.bfn,
                 ret ? ret : xen_pv_iommu_status(op), counter);
    }
}

void xen_pv_iommu_unmap(XenPvIommuClient *client, const GArray *frames,
                        uint64_t *counter)
{
    unsigned count = 0;

    for (unsigned i = 0; i < frames->len; i++) {
        const XenPvIommuFrames *run =
            &g_array_index(frames, XenPvIommuFrames, i);

        for (uint64_t page = 0; page < run->pages; page++) {
            client->batch[count++] = (XenPvIommuOp){
                .subop = XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE,
                .u.unmap_foreign_page = {
                    .bfn = run->bfn + page,
                    .ioserver = client->ioserver,
                },
            };
            if (count == XEN_PV_IOMMU_BATCH) {
                unmap_batch(client, count, counter);
                count = 0;
            }
        }
    }
    if (count) {
        unmap_batch(client, count, counter);
    }
}
