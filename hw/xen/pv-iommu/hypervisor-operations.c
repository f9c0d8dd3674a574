/*
 * PV IOMMU: the model of a hypervisor: what an operation means
 *
 * Two servers: XenServer's, which knows one flag and one reference per page
 * and maps no guest RAM at a chosen BFN, and that of draft B.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "hypervisor-internal.h"

/* The domain that an operation is about. */
static int find_domain(const XenPvIommuHypervisor *hypervisor, uint16_t domid,
                       HypervisorDomain **domain)
{
    if (domid == 0 || domid == XEN_PV_IOMMU_DOMID_SELF) {
        return -EPERM;      /* the caller's own */
    }
    *domain = hypervisor_domain(hypervisor, domid);
    if (!*domain) {
        return -ENXIO;
    }
    return (*domain)->pv ? -EPERM : 0;
}

/* The frame of a gfn, after P2M_UNSHARE. */
static int find_frame(XenPvIommuHypervisor *hypervisor,
                      HypervisorDomain *domain, uint64_t gfn, uint64_t *mfn)
{
    if (hypervisor_unshare(hypervisor, domain, gfn) < 0) {
        return -ENXIO;
    }
    *mfn = hypervisor_p2m_get(domain, gfn);
    return 0;
}

/* --- XenServer's server --- */

static void direct_query_caps(XenPvIommuHypervisor *hypervisor,
                              XenPvIommuOp *op)
{
    op->flags = 0;
}

static void identity_query_caps(XenPvIommuHypervisor *hypervisor,
                                XenPvIommuOp *op)
{
    op->flags = XEN_PV_IOMMU_CAP_MAP | XEN_PV_IOMMU_CAP_ALL_MFNS;
    op->u.query_caps.offset = hypervisor->offset;
}

static int shipped_find(XenPvIommuHypervisor *hypervisor,
                        const XenPvIommuOp *op, uint64_t *mfn)
{
    HypervisorDomain *domain;
    int ret = find_domain(hypervisor, op->u.foreign_page.domid, &domain);

    if (ret < 0) {
        return ret;
    }
    if (op->flags & XEN_PV_IOMMU_OP_ORDER_SHIPPED) {
        return -ENOSPC;
    }
    return find_frame(hypervisor, domain, op->u.foreign_page.gfn, mfn);
}

static int direct_map(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    return -EPERM;
}

static int identity_map(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    uint64_t mfn;
    int ret = shipped_find(hypervisor, op, &mfn);

    if (ret < 0) {
        return ret;
    }
    /* It says that it has mapped what was looked up before, and does not. */
    return hypervisor->frames[mfn].references ? 0 : -EPERM;
}

static int shipped_lookup(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    HypervisorFrame *frame;
    uint64_t mfn;
    int ret = shipped_find(hypervisor, op, &mfn);

    if (ret < 0) {
        return ret;
    }
    frame = &hypervisor->frames[mfn];
    if (!frame->references) {
        frame->references = 1;
        hypervisor->counters.references++;
    }
    op->u.foreign_page.bfn = mfn + hypervisor->offset;
    return 0;
}

/* Neither the domain nor the ioreq server is looked at. */
static int shipped_unmap(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    HypervisorFrame *frame;
    uint64_t mfn;

    if (!hypervisor_bus_one_to_one(hypervisor, op->u.unmap_foreign_page.bfn,
                                   &mfn)) {
        return -ENOENT;
    }
    frame = &hypervisor->frames[mfn];
    if (!frame->references) {
        return -ENOENT;
    }
    frame->references = 0;
    hypervisor->counters.references--;
    hypervisor_frame_settle(hypervisor, mfn);
    return 0;
}

/* --- draft B's server --- */

static void mapped_query_caps(XenPvIommuHypervisor *hypervisor,
                              XenPvIommuOp *op)
{
    op->flags = XEN_PV_IOMMU_CAP_MAP;
}

static int mapped_find_domain(const XenPvIommuHypervisor *hypervisor,
                              const XenPvIommuOp *op,
                              HypervisorDomain **domain)
{
    int ret = find_domain(hypervisor, op->u.foreign_page.domid, domain);

    if (ret < 0) {
        return ret;
    }
    if (!hypervisor_ioserver(hypervisor, op->u.foreign_page.domid,
                             op->u.foreign_page.ioserver)) {
        return -ENODEV;
    }
    return op->flags & XEN_PV_IOMMU_OP_ORDER ? -ENOSPC : 0;
}

static void mapped_enter(XenPvIommuHypervisor *hypervisor,
                         const XenPvIommuOp *op, uint64_t mfn)
{
    HypervisorM2b entry = {
        .bfn = op->u.foreign_page.bfn,
        .domid = op->u.foreign_page.domid,
        .ioserver = op->u.foreign_page.ioserver,
    };

    hypervisor_m2b_add(hypervisor, mfn, entry);
}

static int mapped_map(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    uint64_t bfn = op->u.foreign_page.bfn;
    XenPvIommuAccess wanted = (XenPvIommuAccess)op->flags;
    XenPvIommuAccess access;
    HypervisorDomain *domain;
    uint64_t mfn;
    uint64_t there;
    int ret = mapped_find_domain(hypervisor, op, &domain);

    if (ret < 0) {
        return ret;
    }
    if (!op->flags || op->flags & ~XEN_PV_IOMMU_READ_WRITE ||
        bfn >= XEN_PV_IOMMU_FRAME_END) {
        return -EINVAL;
    }
    if (hypervisor_bus_is_reserved(hypervisor, bfn)) {
        return -EACCES;
    }
    ret = find_frame(hypervisor, domain, op->u.foreign_page.gfn, &mfn);
    if (ret < 0) {
        return ret;
    }
    if (hypervisor_bus_entry(hypervisor, bfn, &there, &access)) {
        if (there != mfn || access != wanted) {
            return -EPERM;
        }
    } else if (hypervisor_bus_busy(hypervisor, bfn)) {
        return -EPERM;
    } else {
        hypervisor_bus_map(hypervisor, bfn, mfn, wanted);
    }
    mapped_enter(hypervisor, op, mfn);
    return 0;
}

static int mapped_lookup(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    HypervisorDomain *domain;
    uint64_t mfn;
    uint64_t bfn;
    uint64_t there;
    int ret = mapped_find_domain(hypervisor, op, &domain);

    if (ret < 0) {
        return ret;
    }
    if (op->flags & ~XEN_PV_IOMMU_READ_WRITE) {
        return -EINVAL;
    }
    ret = find_frame(hypervisor, domain, op->u.foreign_page.gfn, &mfn);
    if (ret < 0) {
        return ret;
    }
    bfn = hypervisor_m2b_find(hypervisor, mfn, op->u.foreign_page.domid,
                              op->u.foreign_page.ioserver);
    if (bfn == XEN_PV_IOMMU_NO_FRAME) {
        bfn = mfn + hypervisor->offset;
        if (!hypervisor_bus_one_to_one(hypervisor, bfn, &there)) {
            return -ENOENT;
        }
    }
    op->u.foreign_page.bfn = bfn;
    mapped_enter(hypervisor, op, mfn);
    return 0;
}

static int mapped_unmap(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op)
{
    uint64_t bfn = op->u.unmap_foreign_page.bfn;
    uint16_t ioserver = op->u.unmap_foreign_page.ioserver;
    XenPvIommuAccess access;
    uint64_t mfn;

    if (!hypervisor_bus_entry(hypervisor, bfn, &mfn, &access)) {
        /* Looked up in the 1:1 map, which may have lost it since. */
        mfn = bfn - hypervisor->offset;
    }
    return mfn < hypervisor->frame_count &&
           hypervisor_m2b_remove(hypervisor, mfn, bfn, ioserver) ? 0 : -ENOENT;
}

/* --- which is which --- */

static const HypervisorKind kinds[] = {
    [XEN_PV_IOMMU_HOST_DIRECT] = {
        .iommu = false,
        .query_caps = direct_query_caps,
        .map_foreign = direct_map,
        .lookup_foreign = shipped_lookup,
        .unmap_foreign = shipped_unmap,
    },
    [XEN_PV_IOMMU_HOST_IDENTITY] = {
        .iommu = true,
        .query_caps = identity_query_caps,
        .map_foreign = identity_map,
        .lookup_foreign = shipped_lookup,
        .unmap_foreign = shipped_unmap,
    },
    [XEN_PV_IOMMU_HOST_MAPPED] = {
        .iommu = true,
        .query_caps = mapped_query_caps,
        .map_foreign = mapped_map,
        .lookup_foreign = mapped_lookup,
        .unmap_foreign = mapped_unmap,
    },
};

const HypervisorKind *hypervisor_kind(XenPvIommuHost host)
{
    return host == XEN_PV_IOMMU_HOST_NONE ? NULL : &kinds[host];
}
