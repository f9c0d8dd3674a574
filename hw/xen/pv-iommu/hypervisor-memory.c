/*
 * PV IOMMU: the model of a hypervisor: frames, guests and their p2m
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "hw/xen/pv-iommu-reserved.h"
#include "hypervisor-internal.h"

/* The first id that no domain can have (public/xen.h). */
#define DOMID_FIRST_RESERVED 0x7ff0

/* --- frames --- */

static uint64_t *heap_end(XenPvIommuHypervisor *hypervisor, unsigned back)
{
    return &g_array_index(hypervisor->heap, uint64_t,
                          hypervisor->heap->len - 1 - back);
}

void hypervisor_heap_init(XenPvIommuHypervisor *hypervisor)
{
    uint64_t mfn = hypervisor->frame_count;

    while (mfn-- > 0) {
        if (mfn >= XEN_PV_IOMMU_MSI_BFN &&
            mfn - XEN_PV_IOMMU_MSI_BFN < XEN_PV_IOMMU_MSI_FRAMES) {
            hypervisor->frames[mfn].hole = true;
        } else {
            hypervisor->frames[mfn].free = true;
            g_array_append_val(hypervisor->heap, mfn);
        }
    }
    hypervisor->last_allocated = XEN_PV_IOMMU_NO_FRAME - 1;
}

static int compare_descending(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a;
    uint64_t second = *(const uint64_t *)b;

    return first < second ? 1 : first > second ? -1 : 0;
}

/*
 * What was freed last is handed out first, which finds those who still use it;
 * a request of several pages gets them in order none the less.
 */
static void sort_heap_end(XenPvIommuHypervisor *hypervisor, uint64_t count)
{
    uint64_t *start;
    uint64_t i;

    if (count < 2 || hypervisor->scatter) {
        return;
    }
    start = heap_end(hypervisor, count - 1);
    for (i = 1; i < count; i++) {
        if (start[i] > start[i - 1]) {
            qsort(start, count, sizeof(*start), compare_descending);
            return;
        }
    }
}

uint64_t hypervisor_frame_allocate(XenPvIommuHypervisor *hypervisor,
                                   uint16_t domid, uint64_t gfn)
{
    HypervisorFrame *frame;
    uint64_t mfn;

    if (!hypervisor->heap->len) {
        return XEN_PV_IOMMU_NO_FRAME;
    }
    mfn = *heap_end(hypervisor, 0);
    if (hypervisor->scatter && mfn == hypervisor->last_allocated + 1 &&
        hypervisor->heap->len > 1) {
        uint64_t other = *heap_end(hypervisor, 1);

        *heap_end(hypervisor, 1) = mfn;
        mfn = other;
    }
    g_array_set_size(hypervisor->heap, hypervisor->heap->len - 1);
    hypervisor->last_allocated = mfn;
    frame = &hypervisor->frames[mfn];
    *frame = (HypervisorFrame) {
        .domid = domid,
        .gfn = gfn,
    };
    return mfn;
}

/* A destroyed guest's id is free again with its last frame. */
static void settle_dying(XenPvIommuHypervisor *hypervisor, uint16_t domid)
{
    void *key = GUINT_TO_POINTER(domid);
    unsigned left = GPOINTER_TO_UINT(g_hash_table_lookup(hypervisor->dying,
                                                         key));
    unsigned i;

    if (left > 1) {
        g_hash_table_insert(hypervisor->dying, key,
                            GUINT_TO_POINTER(left - 1));
        return;
    }
    if (!g_hash_table_remove(hypervisor->dying, key)) {
        return;
    }
    for (i = hypervisor->ioservers->len; i-- > 0; ) {
        if (g_array_index(hypervisor->ioservers, HypervisorIoserver,
                          i).domid == domid) {
            g_array_remove_index_fast(hypervisor->ioservers, i);
        }
    }
}

void hypervisor_frame_settle(XenPvIommuHypervisor *hypervisor, uint64_t mfn)
{
    HypervisorFrame *frame = &hypervisor->frames[mfn];

    if (frame->shown || frame->views || frame->references || frame->holds) {
        return;
    }
    frame->free = true;
    frame->nominated = false;
    g_array_append_val(hypervisor->heap, mfn);
    hypervisor->counters.freed++;
    settle_dying(hypervisor, frame->domid);
}

void hypervisor_frame_give(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                           uint16_t domid, uint64_t gfn)
{
    HypervisorFrame *frame = &hypervisor->frames[mfn];
    uint16_t before = frame->domid;

    frame->domid = domid;
    frame->gfn = gfn;
    if (before != domid) {
        settle_dying(hypervisor, before);
    }
}

bool xen_pv_iommu_hypervisor_home(const XenPvIommuHypervisor *hypervisor,
                                  uint64_t mfn, uint16_t *domid,
                                  uint64_t *gfn)
{
    if (mfn >= hypervisor->frame_count || hypervisor->frames[mfn].free ||
        hypervisor->frames[mfn].hole) {
        return false;
    }
    *domid = hypervisor->frames[mfn].domid;
    *gfn = hypervisor->frames[mfn].gfn;
    return true;
}

bool xen_pv_iommu_hypervisor_free_frame(const XenPvIommuHypervisor *hypervisor,
                                        uint64_t mfn)
{
    return mfn < hypervisor->frame_count && hypervisor->frames[mfn].free;
}

void xen_pv_iommu_hypervisor_set_scatter(XenPvIommuHypervisor *hypervisor,
                                         bool scatter)
{
    hypervisor->scatter = scatter;
}

/* --- domains --- */

HypervisorDomain *hypervisor_domain(const XenPvIommuHypervisor *hypervisor,
                                    uint16_t domid)
{
    HypervisorDomain *domain;
    unsigned i;

    for (i = 0; i < hypervisor->domains->len; i++) {
        domain = g_ptr_array_index(hypervisor->domains, i);
        if (domain->domid == domid) {
            return domain;
        }
    }
    return NULL;
}

void hypervisor_domain_free(HypervisorDomain *domain)
{
    unsigned i;

    hypervisor_table_free(domain->p2m);
    for (i = 0; i < XEN_PV_IOMMU_VIEWS_MAX; i++) {
        hypervisor_table_free(domain->views[i]);
    }
    g_free(domain);
}

int xen_pv_iommu_hypervisor_add_domain(XenPvIommuHypervisor *hypervisor,
                                       uint16_t domid)
{
    HypervisorDomain *domain;

    if (domid >= DOMID_FIRST_RESERVED) {
        return -EINVAL;
    }
    if (domid == 0 || hypervisor_domain(hypervisor, domid) ||
        g_hash_table_contains(hypervisor->dying, GUINT_TO_POINTER(domid))) {
        return -EEXIST;
    }
    domain = g_new0(HypervisorDomain, 1);
    domain->domid = domid;
    domain->p2m = hypervisor_table_new();
    g_ptr_array_add(hypervisor->domains, domain);
    return 0;
}

int xen_pv_iommu_hypervisor_set_pv(XenPvIommuHypervisor *hypervisor,
                                   uint16_t domid)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);

    if (!domain) {
        return -ENOENT;
    }
    domain->pv = true;
    return 0;
}

static void drop_shown(uint64_t gfn, uint64_t mfn, void *opaque)
{
    XenPvIommuHypervisor *hypervisor = opaque;

    hypervisor->frames[mfn].shown--;
    hypervisor_frame_settle(hypervisor, mfn);
}

static void drop_view(uint64_t gfn, uint64_t mfn, void *opaque)
{
    XenPvIommuHypervisor *hypervisor = opaque;

    hypervisor->frames[mfn].views--;
    hypervisor_frame_settle(hypervisor, mfn);
}

/* XenServer's server forgets foreign mappings of a domain that goes. */
static void relinquish(XenPvIommuHypervisor *hypervisor, uint16_t domid)
{
    HypervisorFrame *frame;
    uint64_t mfn;

    if (hypervisor->host == XEN_PV_IOMMU_HOST_MAPPED) {
        return;
    }
    for (mfn = 0; mfn < hypervisor->frame_count; mfn++) {
        frame = &hypervisor->frames[mfn];
        if (!frame->free && frame->domid == domid && frame->references) {
            frame->references = 0;
            hypervisor->counters.references--;
            hypervisor_frame_settle(hypervisor, mfn);
        }
    }
}

static unsigned count_frames(const XenPvIommuHypervisor *hypervisor,
                             uint16_t domid)
{
    const HypervisorFrame *frame;
    unsigned count = 0;
    uint64_t mfn;

    for (mfn = 0; mfn < hypervisor->frame_count; mfn++) {
        frame = &hypervisor->frames[mfn];
        count += !frame->free && frame->domid == domid;
    }
    return count;
}

int xen_pv_iommu_hypervisor_remove_domain(XenPvIommuHypervisor *hypervisor,
                                          uint16_t domid)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);
    unsigned left;
    unsigned i;

    if (!domain) {
        return -ENOENT;
    }
    hypervisor_table_each(domain->p2m, drop_shown, hypervisor);
    for (i = 0; i < XEN_PV_IOMMU_VIEWS_MAX; i++) {
        if (domain->views[i]) {
            hypervisor_table_each(domain->views[i], drop_view, hypervisor);
        }
    }
    g_ptr_array_remove_fast(hypervisor->domains, domain);
    relinquish(hypervisor, domid);

    /* One more than there are, for the moment when there is none. */
    left = count_frames(hypervisor, domid);
    g_hash_table_insert(hypervisor->dying, GUINT_TO_POINTER(domid),
                        GUINT_TO_POINTER(left + 1));
    settle_dying(hypervisor, domid);
    return 0;
}

/* --- the p2m --- */

uint64_t hypervisor_p2m_get(const HypervisorDomain *domain, uint64_t gfn)
{
    return hypervisor_table_get(domain->p2m, gfn);
}

void hypervisor_p2m_set(XenPvIommuHypervisor *hypervisor,
                        HypervisorDomain *domain, uint64_t gfn, uint64_t mfn)
{
    uint64_t old = hypervisor_p2m_get(domain, gfn);

    hypervisor_table_set(domain->p2m, gfn, mfn);
    if (mfn != XEN_PV_IOMMU_NO_FRAME) {
        hypervisor->frames[mfn].shown++;
    }
    if (old == XEN_PV_IOMMU_NO_FRAME) {
        return;
    }
    hypervisor->frames[old].shown--;
    hypervisor->frames[old].holds++;
    hypervisor_m2b_notify(hypervisor, old);
    hypervisor->frames[old].holds--;
    hypervisor_frame_settle(hypervisor, old);
}

int xen_pv_iommu_hypervisor_populate(XenPvIommuHypervisor *hypervisor,
                                     uint16_t domid, uint64_t gfn,
                                     uint64_t pages)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);
    uint64_t i;

    if (!domain) {
        return -ENOENT;
    }
    if (gfn > XEN_PV_IOMMU_FRAME_END ||
        pages > XEN_PV_IOMMU_FRAME_END - gfn) {
        return -EINVAL;
    }
    if (pages > hypervisor->heap->len) {
        return -ENOMEM;
    }
    for (i = 0; i < pages; i++) {
        if (hypervisor_p2m_get(domain, gfn + i) != XEN_PV_IOMMU_NO_FRAME) {
            return -EEXIST;
        }
    }
    sort_heap_end(hypervisor, pages);
    for (i = 0; i < pages; i++) {
        hypervisor_p2m_set(hypervisor, domain, gfn + i,
                           hypervisor_frame_allocate(hypervisor, domid,
                                                     gfn + i));
    }
    return 0;
}

uint64_t xen_pv_iommu_hypervisor_balloon(XenPvIommuHypervisor *hypervisor,
                                         uint16_t domid, uint64_t gfn,
                                         uint64_t pages)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);
    uint64_t count = 0;
    uint64_t i;

    if (!domain || gfn >= XEN_PV_IOMMU_FRAME_END) {
        return 0;
    }
    pages = MIN(pages, XEN_PV_IOMMU_FRAME_END - gfn);
    for (i = 0; i < pages; i++) {
        if (hypervisor_p2m_get(domain, gfn + i) != XEN_PV_IOMMU_NO_FRAME) {
            hypervisor_p2m_set(hypervisor, domain, gfn + i,
                               XEN_PV_IOMMU_NO_FRAME);
            count++;
        }
    }
    return count;
}

int xen_pv_iommu_hypervisor_remap(XenPvIommuHypervisor *hypervisor,
                                  uint16_t domid, uint64_t gfn)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);
    uint64_t mfn;

    if (!domain ||
        hypervisor_p2m_get(domain, gfn) == XEN_PV_IOMMU_NO_FRAME) {
        return -ENOENT;
    }
    mfn = hypervisor_frame_allocate(hypervisor, domid, gfn);
    if (mfn == XEN_PV_IOMMU_NO_FRAME) {
        return -ENOMEM;
    }
    hypervisor_p2m_set(hypervisor, domain, gfn, mfn);
    return 0;
}

uint64_t xen_pv_iommu_hypervisor_frame(const XenPvIommuHypervisor *hypervisor,
                                       uint16_t domid, unsigned view,
                                       uint64_t gfn)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);
    uint64_t mfn = XEN_PV_IOMMU_NO_FRAME;

    if (!domain) {
        return XEN_PV_IOMMU_NO_FRAME;
    }
    if (view >= 1 && view <= XEN_PV_IOMMU_VIEWS_MAX &&
        domain->views[view - 1]) {
        mfn = hypervisor_table_get(domain->views[view - 1], gfn);
    }
    return mfn != XEN_PV_IOMMU_NO_FRAME ? mfn
                                        : hypervisor_p2m_get(domain, gfn);
}
