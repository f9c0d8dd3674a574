/*
 * PV IOMMU: a model of a hypervisor in this process
 *
 * Concepts
 * - It has frames (MFNs), domains with a p2m (gfn -> frame), page references,
 *   the M2B (frame -> BFN, domain, ioreq server) and, with an IOMMU, the bus's
 *   own table (BFN -> frame).  It answers XenPvIommuOps.
 * - The host's kind says which server it plays:
 *     none      no PV IOMMU at all: -ENOSYS
 *     direct    no IOMMU: a BFN is an MFN
 *     identity  an IOMMU with all of RAM mapped at MFN + offset, one flag and
 *               one reference per page, no invalidation: what XenServer ships
 *     mapped    an IOMMU whose BFNs the caller chooses, an M2B entry and a
 *               reference per (BFN, domain, ioreq server), invalidations:
 *               what the drafts describe; all of RAM is there at BFN = MFN as
 *               well, unless _set_one_to_one() says otherwise
 * - Guests balloon, share, unshare and remap; altp2m views exist beside the
 *   p2m.  What the bus sees is asked with _translate(): tests compare that
 *   with what the client believes.
 * - Errors come on demand.  Counters say what each request cost.
 *
 * What an operation answers, in the order of the checks:
 *
 *                    direct, identity            mapped
 *   map_foreign      -EPERM   direct             -ENXIO   domain
 *                    -ENXIO   domain             -EPERM   PV, or the caller's
 *                    -EPERM   PV, or the caller's -ENODEV  ioreq server
 *                    -ENOSPC  order              -ENOSPC  order
 *                    -ENXIO   gfn                -EINVAL  other flags, no
 *                    0        looked up before:           access
 *                             nothing is mapped  -EACCES  reserved region
 *                    -EPERM   else: guest RAM    -ENXIO   gfn
 *                                                -EPERM   BFN taken, or by the
 *                                                         same frame for
 *                                                         another access
 *   lookup_foreign   as for map, without the     as for map, without the BFN's
 *                    BFN's; then 0               and the access's; -ENOENT: no
 *                                                BFN and no 1:1
 *   unmap_foreign    -ENOENT  not looked up      -ENOENT  no such entry
 *   map_page         -EPERM   the caller has no pages here
 *   unmap_page       -EPERM   direct; -ENOENT  the BFN is not in the 1:1 map
 *   any other        -ENODEV
 *
 * The left column is XenServer's server, the right one draft B with that
 * server's numbers where the draft is silent (BFN taken) and -EINVAL where both
 * are (flags that the draft reserves).
 *
 * For tests: qtest, unit tests, benchmarks.  GLib only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_HYPERVISOR_H
#define HW_XEN_PV_IOMMU_HYPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/xen/pv-iommu-map.h"
#include "hw/xen/pv-iommu-ops.h"

/* Views of a guest's p2m, as in Xen (MAX_ALTP2M). */
#define XEN_PV_IOMMU_VIEWS_MAX 10

/* Xen's numbers for ioreqs (public/hvm/ioreq.h), and XenServer's own. */
#define XEN_PV_IOMMU_IOREQ_INVALIDATE 8
#define XEN_PV_IOMMU_IOREQ_INVAL_BFN 9

typedef struct XenPvIommuHypervisor XenPvIommuHypervisor;

typedef enum XenPvIommuHost {
    XEN_PV_IOMMU_HOST_NONE,
    XEN_PV_IOMMU_HOST_DIRECT,
    XEN_PV_IOMMU_HOST_IDENTITY,
    XEN_PV_IOMMU_HOST_MAPPED,
} XenPvIommuHost;

/*
 * With an IOMMU, a call with several operations flushes the IOTLB once, one
 * with a single operation if that changed the bus's table.
 */
typedef struct XenPvIommuHypervisorCounters {
    uint64_t calls;             /* hypercalls */
    uint64_t operations;
    uint64_t flushes;           /* of the IOTLB, see below */
    uint64_t references;        /* held for foreign mappings, now */
    uint64_t mapped;            /* BFNs in the bus's table by map, now */
    uint64_t freed;             /* frames that went back to the heap */
    uint64_t invalidations;     /* sent; once, however it arrived */
} XenPvIommuHypervisorCounters;

/**
 * XenPvIommuIoreqFunc: an ioreq for the device model
 * @type: XEN_PV_IOMMU_IOREQ_...
 * @size: 4 or 8: the width of @data
 * @data: a BFN; its 32 lowest bits if @size is 4
 * @buffered: through the buffered ring; else synchronous
 * @opaque: the caller's
 *
 * Returns: false if the ring is full (buffered only): the request comes again,
 *          synchronously
 */
typedef bool XenPvIommuIoreqFunc(unsigned type, unsigned size, uint64_t data,
                                 bool buffered, void *opaque);

/* What answers; its hypervisor argument is a XenPvIommuHypervisor. */
extern const XenPvIommuOps xen_pv_iommu_hypervisor_ops;

/**
 * xen_pv_iommu_hypervisor_new: a host
 * @host: its kind
 * @frames: its RAM; MFNs are 0 to @frames - 1.  As on a PC there is no RAM in
 *          the interrupt window (XEN_PV_IOMMU_MSI_BFN).
 * @offset: for identity: BFN - MFN
 *
 * Returns: a host without domains but the caller's, to be freed with
 *          xen_pv_iommu_hypervisor_free()
 */
XenPvIommuHypervisor *xen_pv_iommu_hypervisor_new(XenPvIommuHost host,
                                                  uint64_t frames,
                                                  uint64_t offset);
void xen_pv_iommu_hypervisor_free(XenPvIommuHypervisor *hypervisor);

/**
 * xen_pv_iommu_hypervisor_add_domain: a guest, without pages
 *
 * Domain 0 is the caller's.  The id of a destroyed guest can be used again
 * when its last page is free.
 *
 * Returns: 0, -EEXIST, or -EINVAL (no domain can have this id)
 */
int xen_pv_iommu_hypervisor_add_domain(XenPvIommuHypervisor *hypervisor,
                                       uint16_t domid);

/**
 * xen_pv_iommu_hypervisor_set_pv: a guest is paravirtualized
 *
 * Its pages cannot be looked up or mapped.
 *
 * Returns: 0, or -ENOENT
 */
int xen_pv_iommu_hypervisor_set_pv(XenPvIommuHypervisor *hypervisor,
                                   uint16_t domid);

/**
 * xen_pv_iommu_hypervisor_remove_domain: a guest is destroyed
 *
 * Operations on it fail with -ENXIO, except that its BFNs can be unmapped.
 * No invalidations are sent.
 *
 * Host "mapped": its pages go, except those with references: they follow with
 * the last one.  Hosts "direct" and "identity": all its pages go, whoever uses
 * them, as XenServer's do: unmapping them says -ENOENT afterwards.
 *
 * Returns: 0, or -ENOENT
 */
int xen_pv_iommu_hypervisor_remove_domain(XenPvIommuHypervisor *hypervisor,
                                          uint16_t domid);

/**
 * xen_pv_iommu_hypervisor_add_ioserver: an ioreq server of a guest
 *
 * Operations with another id fail with -ENODEV (draft B; host "mapped").
 * Invalidations of its BFNs go to @func.
 *
 * Returns: 0, -ENOENT (no such domain) or -EEXIST
 */
int xen_pv_iommu_hypervisor_add_ioserver(XenPvIommuHypervisor *hypervisor,
                                         uint16_t domid, uint16_t ioserver,
                                         XenPvIommuIoreqFunc *func,
                                         void *opaque);

/**
 * xen_pv_iommu_hypervisor_remove_ioserver: a device model has died
 *
 * Its references go with it (host "mapped").
 *
 * Returns: 0, or -ENOENT
 */
int xen_pv_iommu_hypervisor_remove_ioserver(XenPvIommuHypervisor *hypervisor,
                                            uint16_t domid, uint16_t ioserver);

/**
 * xen_pv_iommu_hypervisor_set_ioreq: how invalidations are sent
 * @type: XEN_PV_IOMMU_IOREQ_...
 * @size: 4 or 8
 */
void xen_pv_iommu_hypervisor_set_ioreq(XenPvIommuHypervisor *hypervisor,
                                       unsigned type, unsigned size);

/**
 * xen_pv_iommu_hypervisor_set_one_to_one: is all of RAM at BFN = MFN?
 * @one_to_one: what it is for host "mapped"; others do not care
 */
void xen_pv_iommu_hypervisor_set_one_to_one(XenPvIommuHypervisor *hypervisor,
                                            bool one_to_one);

/**
 * xen_pv_iommu_hypervisor_set_scatter: how frames are handed out
 * @scatter: false: one after the other, as far as they are free; true: no
 *           frame follows the one that was handed out before
 */
void xen_pv_iommu_hypervisor_set_scatter(XenPvIommuHypervisor *hypervisor,
                                         bool scatter);

/**
 * xen_pv_iommu_hypervisor_add_reserved: the host has a reserved region
 *
 * Mapping a BFN there fails with -EACCES (host "mapped").
 */
void xen_pv_iommu_hypervisor_add_reserved(XenPvIommuHypervisor *hypervisor,
                                          uint64_t start, uint64_t frames,
                                          uint32_t sbdf);

/**
 * xen_pv_iommu_hypervisor_occupy: BFNs are taken by another device model
 *
 * Mapping them fails with -EPERM.  For this caller they translate to nothing.
 */
void xen_pv_iommu_hypervisor_occupy(XenPvIommuHypervisor *hypervisor,
                                    uint64_t bfn, uint64_t pages);

/**
 * xen_pv_iommu_hypervisor_populate: a guest gets pages
 * Returns: 0, -ENOENT (domain), -EINVAL (beyond XEN_PV_IOMMU_FRAME_END),
 *          -EEXIST (a gfn has a page), -ENOMEM (the host is full); on failure
 *          nothing changed
 */
int xen_pv_iommu_hypervisor_populate(XenPvIommuHypervisor *hypervisor,
                                     uint16_t domid, uint64_t gfn,
                                     uint64_t pages);

/**
 * xen_pv_iommu_hypervisor_balloon: a guest gives pages back
 *
 * A frame with references stays.  Host "mapped": each of its BFNs' users gets
 * an invalidation, be it that another gfn shows the frame still.
 *
 * Returns: how many gfns had a page
 */
uint64_t xen_pv_iommu_hypervisor_balloon(XenPvIommuHypervisor *hypervisor,
                                         uint16_t domid, uint64_t gfn,
                                         uint64_t pages);

/**
 * xen_pv_iommu_hypervisor_remap: a gfn gets another, new frame
 *
 * As XENMEM_exchange does, or a page that is copied elsewhere.  Invalidations
 * as for balloon.
 *
 * Returns: 0, -ENOENT (domain or gfn), -ENOMEM
 */
int xen_pv_iommu_hypervisor_remap(XenPvIommuHypervisor *hypervisor,
                                  uint16_t domid, uint64_t gfn);

/**
 * xen_pv_iommu_hypervisor_alias: another gfn of the guest shows a gfn's frame
 *
 * A shared gfn is unshared first.
 *
 * Returns: 0, -ENOENT, -EINVAL (@alias is beyond XEN_PV_IOMMU_FRAME_END),
 *          -EEXIST, -ENOMEM
 */
int xen_pv_iommu_hypervisor_alias(XenPvIommuHypervisor *hypervisor,
                                  uint16_t domid, uint64_t gfn,
                                  uint64_t alias);

/**
 * xen_pv_iommu_hypervisor_nominate: a gfn may be shared from now on
 *
 * Fails, as Xen's does, if the frame has more references than its one gfn: a
 * foreign mapping, an altp2m view or an alias.
 *
 * Returns: 0, -ENOENT, -EBUSY
 */
int xen_pv_iommu_hypervisor_nominate(XenPvIommuHypervisor *hypervisor,
                                     uint16_t domid, uint64_t gfn);

/**
 * xen_pv_iommu_hypervisor_share: two nominated gfns show one frame
 *
 * The client gfn takes the source's frame; its own goes.
 *
 * Returns: 0, -ENOENT, -EINVAL (one is not nominated)
 */
int xen_pv_iommu_hypervisor_share(XenPvIommuHypervisor *hypervisor,
                                  uint16_t source_domid, uint64_t source_gfn,
                                  uint16_t client_domid, uint64_t client_gfn);

/**
 * xen_pv_iommu_hypervisor_unshare: a gfn gets a frame of its own again
 *
 * The last gfn of a frame keeps it.  Operations on a gfn do this first
 * (P2M_UNSHARE), as a guest's write does.
 *
 * Returns: 0, -ENOENT, -ENOMEM
 */
int xen_pv_iommu_hypervisor_unshare(XenPvIommuHypervisor *hypervisor,
                                    uint16_t domid, uint64_t gfn);

/**
 * xen_pv_iommu_hypervisor_altp2m_remap: in a view, a gfn shows another's frame
 * @view: 1 to XEN_PV_IOMMU_VIEWS_MAX
 * @gfn: the gfn in the view
 * @from: the gfn of the host p2m whose frame it shows
 *
 * Holds a reference on the frame; a shared @from is unshared first.  The host
 * p2m does not change.  The view's gfn follows no later change of the host p2m.
 *
 * Returns: 0, -EINVAL (no such view or gfn), -ENOENT, -ENOMEM
 */
int xen_pv_iommu_hypervisor_altp2m_remap(XenPvIommuHypervisor *hypervisor,
                                         uint16_t domid, unsigned view,
                                         uint64_t gfn, uint64_t from);

/**
 * xen_pv_iommu_hypervisor_frame: the frame behind a gfn
 * @view: 0: the host p2m, which a view's other gfns show as well
 * Returns: an MFN, or XEN_PV_IOMMU_NO_FRAME
 */
uint64_t xen_pv_iommu_hypervisor_frame(const XenPvIommuHypervisor *hypervisor,
                                       uint16_t domid, unsigned view,
                                       uint64_t gfn);

/**
 * xen_pv_iommu_hypervisor_home: the gfn that a frame was populated at
 *
 * A frame that is unshared for its last gfn belongs to that one.  For a test
 * that keeps the pages' contents by gfn.
 *
 * Returns: true, or false if the frame is free
 */
bool xen_pv_iommu_hypervisor_home(const XenPvIommuHypervisor *hypervisor,
                                  uint64_t mfn, uint16_t *domid,
                                  uint64_t *gfn);

/**
 * xen_pv_iommu_hypervisor_translate: what hardware reaches at a BFN
 * @mfn: set to the frame
 * Returns: false: the bus reports a fault
 */
bool xen_pv_iommu_hypervisor_translate(const XenPvIommuHypervisor *hypervisor,
                                       uint64_t bfn, XenPvIommuAccess access,
                                       uint64_t *mfn);

/**
 * xen_pv_iommu_hypervisor_free_frame: is a frame in the heap, for anybody?
 */
bool xen_pv_iommu_hypervisor_free_frame(const XenPvIommuHypervisor *hypervisor,
                                        uint64_t mfn);

/**
 * xen_pv_iommu_hypervisor_fail: an operation fails
 * @subop: which; 0: the hypercall itself
 * @after: how many of that kind are let through before
 * @status: what it says (a negative errno); 0: take all orders for it back
 *
 * One failure, then it is forgotten.  Several orders can wait.  What fails has
 * done nothing.
 */
void xen_pv_iommu_hypervisor_fail(XenPvIommuHypervisor *hypervisor,
                                  uint16_t subop, uint64_t after, int status);

/**
 * xen_pv_iommu_hypervisor_counters: what was asked and what is held
 */
XenPvIommuHypervisorCounters
xen_pv_iommu_hypervisor_counters(const XenPvIommuHypervisor *hypervisor);

/**
 * xen_pv_iommu_hypervisor_check: is the model sound?
 *
 * References are as many as what refers; no freed frame is reachable from a
 * p2m, a view or the bus, except by the 1:1 map.
 *
 * Returns: NULL, or what is wrong, to be freed with g_free()
 */
char *xen_pv_iommu_hypervisor_check(const XenPvIommuHypervisor *hypervisor);

#endif /* HW_XEN_PV_IOMMU_HYPERVISOR_H */
