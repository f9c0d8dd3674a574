/*
 * PV IOMMU: what goes over the wire
 *
 * Concepts
 * - One hypercall takes an array of 32-byte operations; each has its own
 *   status, the call as a whole fails only when the array cannot be read.
 * - A frame is 4 KiB.  A BFN is a bus address in frames, a GFN a guest
 *   address in frames, an MFN a machine address in frames.
 * - "Foreign" operations are about another domain's pages: map (the caller
 *   chooses the BFN), lookup (Xen tells it) and unmap.
 *
 * The layout is that of the one PV IOMMU in production, XenServer's and
 * XCP-ng's public/pv-iommu.h, for 64-bit callers; the meaning of the fields is
 * draft B of the interface (xen-devel, June 2015).  docs/specs/pv-iommu.rst
 * says what this project relies on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_ABI_H
#define HW_XEN_PV_IOMMU_ABI_H

#include <stddef.h>
#include <stdint.h>

/* The hypercall's number: the first after the architectures' own (48 to 55) */
#define XEN_PV_IOMMU_HYPERCALL 56

/* What an operation is */
#define XEN_PV_IOMMU_QUERY_CAPS           1
#define XEN_PV_IOMMU_MAP_PAGE             2
#define XEN_PV_IOMMU_UNMAP_PAGE           3
#define XEN_PV_IOMMU_MAP_FOREIGN_PAGE     4
#define XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE  5
#define XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE   6

/* Flags that query_caps returns */
#define XEN_PV_IOMMU_CAP_MAP       (1 << 0)    /* BFNs can be chosen */
#define XEN_PV_IOMMU_CAP_ALL_MFNS  (1 << 1)    /* all of RAM has a BFN */

/* Flags of the map and lookup operations */
#define XEN_PV_IOMMU_OP_READABLE   (1 << 0)    /* the bus may read */
#define XEN_PV_IOMMU_OP_WRITEABLE  (1 << 1)    /* the bus may write */

/*
 * Bits 10 to 15 of the flags are for a page order.  There is none but 0: what
 * draft B forbids is -ENOSPC, and XenServer looks at three of the bits only.
 */
#define XEN_PV_IOMMU_OP_ORDER          0xfc00
#define XEN_PV_IOMMU_OP_ORDER_SHIPPED  0xc400

/* The caller's own domain (public/xen.h), and the first that is no domain */
#define XEN_PV_IOMMU_DOMID_SELF 0x7ff0

/* An address without a frame: no BFN, no GFN */
#define XEN_PV_IOMMU_NO_FRAME UINT64_MAX

typedef struct XenPvIommuOp {
    uint16_t subop;
    uint16_t flags;
    int32_t status;                 /* out: 0 or -errno, in Xen's numbers */
    _Alignas(8) union {             /* for 32-bit callers: the same layout */
        struct {
            uint64_t offset;        /* out: BFN - MFN, with CAP_ALL_MFNS */
        } query_caps;
        struct {
            uint64_t bfn;
            uint64_t gfn;
        } map_page;
        struct {
            uint64_t bfn;
        } unmap_page;
        struct {
            uint64_t bfn;           /* map: in; lookup: out */
            uint64_t gfn;
            uint16_t domid;
            uint16_t ioserver;
        } foreign_page;             /* map_foreign_page, lookup_foreign_page */
        struct {
            uint64_t bfn;
            uint16_t ioserver;
        } unmap_foreign_page;
    } u;
} XenPvIommuOp;

_Static_assert(sizeof(XenPvIommuOp) == 32, "an operation has 32 bytes");
_Static_assert(offsetof(XenPvIommuOp, u.foreign_page.domid) == 24, "domid");
_Static_assert(offsetof(XenPvIommuOp, u.foreign_page.ioserver) == 26, "server");
_Static_assert(offsetof(XenPvIommuOp, u.unmap_foreign_page.ioserver) == 16,
               "server of an unmap");

#endif /* HW_XEN_PV_IOMMU_ABI_H */
