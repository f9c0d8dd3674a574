/*
 * PV IOMMU: the model of a hypervisor: frames behind several gfns
 *
 * As Xen does it (seen from xen-devel, May 2016, "altp2m: Allow the hostp2m
 * entries to be of type p2m_ram_shared"): a gfn must be nominated before it is
 * shared, nomination fails when the frame has more references than that of
 * its one gfn, and setting a view unshares.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "hypervisor-internal.h"

/* The domain and the frame of a gfn; false if it has none. */
static bool find(const XenPvIommuHypervisor *hypervisor, uint16_t domid,
                 uint64_t gfn, HypervisorDomain **domain, uint64_t *mfn)
{
    *domain = hypervisor_domain(hypervisor, domid);
    if (!*domain) {
        return false;
    }
    *mfn = hypervisor_p2m_get(*domain, gfn);
    return *mfn != XEN_PV_IOMMU_NO_FRAME;
}

int xen_pv_iommu_hypervisor_nominate(XenPvIommuHypervisor *hypervisor,
                                     uint16_t domid, uint64_t gfn)
{
    HypervisorDomain *domain;
    HypervisorFrame *frame;
    uint64_t mfn;

    if (!find(hypervisor, domid, gfn, &domain, &mfn)) {
        return -ENOENT;
    }
    frame = &hypervisor->frames[mfn];
    if (frame->nominated) {
        return 0;
    }
    if (frame->shown != 1 || frame->views || frame->references) {
        return -EBUSY;
    }
    frame->nominated = true;
    return 0;
}

int xen_pv_iommu_hypervisor_share(XenPvIommuHypervisor *hypervisor,
                                  uint16_t source_domid, uint64_t source_gfn,
                                  uint16_t client_domid, uint64_t client_gfn)
{
    HypervisorDomain *source;
    HypervisorDomain *client;
    uint64_t kept;
    uint64_t dropped;

    if (!find(hypervisor, source_domid, source_gfn, &source, &kept) ||
        !find(hypervisor, client_domid, client_gfn, &client, &dropped)) {
        return -ENOENT;
    }
    if (!hypervisor->frames[kept].nominated ||
        !hypervisor->frames[dropped].nominated) {
        return -EINVAL;
    }
    if (kept != dropped) {
        hypervisor_p2m_set(hypervisor, client, client_gfn, kept);
    }
    return 0;
}

int hypervisor_unshare(XenPvIommuHypervisor *hypervisor,
                       HypervisorDomain *domain, uint64_t gfn)
{
    uint64_t mfn = hypervisor_p2m_get(domain, gfn);

    if (mfn == XEN_PV_IOMMU_NO_FRAME) {
        return -ENOENT;
    }
    if (!hypervisor->frames[mfn].nominated) {
        return 0;
    }
    if (hypervisor->frames[mfn].shown == 1) {
        hypervisor->frames[mfn].nominated = false;
        hypervisor_frame_give(hypervisor, mfn, domain->domid, gfn);
        return 0;
    }
    mfn = hypervisor_frame_allocate(hypervisor, domain->domid, gfn);
    if (mfn == XEN_PV_IOMMU_NO_FRAME) {
        return -ENOMEM;
    }
    hypervisor_p2m_set(hypervisor, domain, gfn, mfn);
    return 0;
}

int xen_pv_iommu_hypervisor_unshare(XenPvIommuHypervisor *hypervisor,
                                    uint16_t domid, uint64_t gfn)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);

    return domain ? hypervisor_unshare(hypervisor, domain, gfn) : -ENOENT;
}

int xen_pv_iommu_hypervisor_alias(XenPvIommuHypervisor *hypervisor,
                                  uint16_t domid, uint64_t gfn,
                                  uint64_t alias)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);
    int ret;

    if (!domain) {
        return -ENOENT;
    }
    if (alias >= XEN_PV_IOMMU_FRAME_END) {
        return -EINVAL;
    }
    if (hypervisor_p2m_get(domain, alias) != XEN_PV_IOMMU_NO_FRAME) {
        return -EEXIST;
    }
    ret = hypervisor_unshare(hypervisor, domain, gfn);
    if (ret < 0) {
        return ret;
    }
    hypervisor_p2m_set(hypervisor, domain, alias,
                       hypervisor_p2m_get(domain, gfn));
    return 0;
}

static void set_view(XenPvIommuHypervisor *hypervisor, HypervisorTable *view,
                     uint64_t gfn, uint64_t mfn)
{
    uint64_t old = hypervisor_table_get(view, gfn);

    hypervisor_table_set(view, gfn, mfn);
    hypervisor->frames[mfn].views++;
    if (old != XEN_PV_IOMMU_NO_FRAME) {
        hypervisor->frames[old].views--;
        hypervisor_frame_settle(hypervisor, old);
    }
}

int xen_pv_iommu_hypervisor_altp2m_remap(XenPvIommuHypervisor *hypervisor,
                                         uint16_t domid, unsigned view,
                                         uint64_t gfn, uint64_t from)
{
    HypervisorDomain *domain = hypervisor_domain(hypervisor, domid);
    HypervisorTable **table;
    int ret;

    if (view < 1 || view > XEN_PV_IOMMU_VIEWS_MAX ||
        gfn >= XEN_PV_IOMMU_FRAME_END) {
        return -EINVAL;
    }
    if (!domain) {
        return -ENOENT;
    }
    ret = hypervisor_unshare(hypervisor, domain, from);
    if (ret < 0) {
        return ret;
    }
    table = &domain->views[view - 1];
    if (!*table) {
        *table = hypervisor_table_new();
    }
    set_view(hypervisor, *table, gfn, hypervisor_p2m_get(domain, from));
    return 0;
}
