/*
 * PV IOMMU: the model of a hypervisor, between its files
 *
 * Concepts
 * - hypervisor.c             the host: made, asked, failing on demand
 * - hypervisor-operations.c  what an operation means, by kind of host
 * - hypervisor-memory.c      frames, guests and their p2m
 * - hypervisor-sharing.c     nominate, share, unshare, alias, altp2m
 * - hypervisor-m2b.c         who refers to a frame from the bus; invalidation
 * - hypervisor-bus.c         what the bus reaches
 * - hypervisor-table.c       a sparse array by frame number
 * - hypervisor-check.c       is all that consistent?
 *
 * - A frame is free when nothing refers to it: no p2m entry (shown), no view
 *   (views), no foreign mapping (references) and no call that is working on it
 *   (holds).
 * - Calls out of the model (invalidations) come when it is consistent: the
 *   callee may submit operations.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_HYPERVISOR_INTERNAL_H
#define HW_XEN_PV_IOMMU_HYPERVISOR_INTERNAL_H

#include <glib.h>

#include "hw/xen/pv-iommu-hypervisor.h"

/* --- hypervisor-table.c --- */

/* Values of 64 bits by frame number; what is not set is NO_FRAME. */
typedef struct HypervisorTable HypervisorTable;

/* It must not change the table. */
typedef void HypervisorTableFunc(uint64_t key, uint64_t value, void *opaque);

HypervisorTable *hypervisor_table_new(void);
void hypervisor_table_free(HypervisorTable *table);
uint64_t hypervisor_table_get(HypervisorTable *table, uint64_t key);
void hypervisor_table_set(HypervisorTable *table, uint64_t key,
                          uint64_t value);
uint64_t hypervisor_table_used(const HypervisorTable *table);
void hypervisor_table_each(HypervisorTable *table, HypervisorTableFunc *func,
                           void *opaque);

/* --- what there is --- */

typedef struct HypervisorFrame {
    uint64_t gfn;               /* where it was populated */
    uint32_t shown;             /* p2m entries */
    uint32_t views;             /* entries of altp2m views */
    uint32_t references;        /* M2B entries, or the one flag */
    uint32_t m2b;               /* its first entry: index + 1 */
    uint32_t holds;             /* calls that are at work on it */
    uint16_t domid;             /* whose it is */
    bool free;
    bool hole;                  /* no RAM is there */
    bool nominated;             /* may be shared */
} HypervisorFrame;

typedef struct HypervisorM2b {
    uint64_t bfn;
    uint32_t next;              /* index + 1 */
    uint16_t domid;
    uint16_t ioserver;
} HypervisorM2b;

typedef struct HypervisorDomain {
    uint16_t domid;
    bool pv;
    HypervisorTable *p2m;
    HypervisorTable *views[XEN_PV_IOMMU_VIEWS_MAX];     /* or NULL */
} HypervisorDomain;

typedef struct HypervisorIoserver {
    uint16_t domid;
    uint16_t ioserver;
    XenPvIommuIoreqFunc *func;
    void *opaque;
} HypervisorIoserver;

typedef struct HypervisorRegion {
    uint64_t start;
    uint64_t frames;
    uint32_t sbdf;
} HypervisorRegion;

/* A failure that was ordered. */
typedef struct HypervisorOrder {
    uint64_t after;
    int status;
    uint16_t subop;
} HypervisorOrder;

/* What an operation means; each returns the operation's status. */
typedef struct HypervisorKind {
    bool iommu;
    void (*query_caps)(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op);
    int (*map_foreign)(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op);
    int (*lookup_foreign)(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op);
    int (*unmap_foreign)(XenPvIommuHypervisor *hypervisor, XenPvIommuOp *op);
} HypervisorKind;

struct XenPvIommuHypervisor {
    XenPvIommuHost host;
    uint64_t frame_count;
    uint64_t offset;
    bool one_to_one;
    bool scatter;
    unsigned ioreq_type;
    unsigned ioreq_size;

    HypervisorFrame *frames;
    GArray *heap;               /* uint64_t; the end is handed out first */
    uint64_t last_allocated;

    GPtrArray *domains;         /* HypervisorDomain */
    GHashTable *dying;          /* domid -> frames that are left of it */
    GArray *ioservers;          /* HypervisorIoserver */
    GArray *reserved;           /* HypervisorRegion */

    GArray *m2b;                /* HypervisorM2b; a pool */
    uint32_t m2b_unused;        /* first of those not in use: index + 1 */
    HypervisorTable *bus;       /* BFN -> frame and access */
    HypervisorTable *holes;     /* BFNs taken from the 1:1 map */
    uint64_t bus_changes;

    GArray *orders;             /* HypervisorOrder */
    XenPvIommuHypervisorCounters counters;
};

/* --- hypervisor-operations.c --- */

/* NULL for a host without PV IOMMU. */
const HypervisorKind *hypervisor_kind(XenPvIommuHost host);

/* --- hypervisor-memory.c --- */

HypervisorDomain *hypervisor_domain(const XenPvIommuHypervisor *hypervisor,
                                    uint16_t domid);
void hypervisor_domain_free(HypervisorDomain *domain);

/* Fill the heap of a new host. */
void hypervisor_heap_init(XenPvIommuHypervisor *hypervisor);

/* A frame for a gfn, referred to by nothing yet; NO_FRAME: there is none. */
uint64_t hypervisor_frame_allocate(XenPvIommuHypervisor *hypervisor,
                                   uint16_t domid, uint64_t gfn);

/* It goes back to the heap if nothing refers to it any more. */
void hypervisor_frame_settle(XenPvIommuHypervisor *hypervisor, uint64_t mfn);

/* It is another domain's from now on. */
void hypervisor_frame_give(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                           uint16_t domid, uint64_t gfn);

/* NO_FRAME if the gfn has none. */
uint64_t hypervisor_p2m_get(const HypervisorDomain *domain, uint64_t gfn);

/*
 * A gfn gets another frame, or none (NO_FRAME).  Users of the old one get
 * invalidations.
 */
void hypervisor_p2m_set(XenPvIommuHypervisor *hypervisor,
                        HypervisorDomain *domain, uint64_t gfn, uint64_t mfn);

/* --- hypervisor-sharing.c --- */

/*
 * A gfn gets a frame of its own if it is shared.
 * Returns: 0, -ENOENT (no frame), -ENOMEM
 */
int hypervisor_unshare(XenPvIommuHypervisor *hypervisor,
                       HypervisorDomain *domain, uint64_t gfn);

/* --- hypervisor-m2b.c --- */

const HypervisorIoserver *
hypervisor_ioserver(const XenPvIommuHypervisor *hypervisor, uint16_t domid,
                    uint16_t ioserver);

/* An entry and its reference, unless there is an identical one. */
void hypervisor_m2b_add(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                        HypervisorM2b entry);

/* Returns: false if the frame has no entry for this BFN and ioreq server */
bool hypervisor_m2b_remove(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                           uint64_t bfn, uint16_t ioserver);

/*
 * A BFN of a frame: the one of this ioreq server if it has one, else another's.
 * Returns: NO_FRAME if there is none
 */
uint64_t hypervisor_m2b_find(const XenPvIommuHypervisor *hypervisor,
                             uint64_t mfn, uint16_t domid, uint16_t ioserver);

/* Tell the users of a frame that a gfn has lost it. */
void hypervisor_m2b_notify(XenPvIommuHypervisor *hypervisor, uint64_t mfn);

/* --- hypervisor-bus.c --- */

/* A BFN that leads to no frame of this caller. */
#define HYPERVISOR_BUS_TAKEN UINT64_C(0)

/* Enter a BFN: a frame and what the bus may do, at least one thing. */
void hypervisor_bus_map(XenPvIommuHypervisor *hypervisor, uint64_t bfn,
                        uint64_t mfn, XenPvIommuAccess access);
void hypervisor_bus_unmap(XenPvIommuHypervisor *hypervisor, uint64_t bfn);

/* What was entered; false if it was not, or is taken by another. */
bool hypervisor_bus_entry(const XenPvIommuHypervisor *hypervisor, uint64_t bfn,
                          uint64_t *mfn, XenPvIommuAccess *access);

/* Is a BFN in use in any way, be it by the 1:1 map? */
bool hypervisor_bus_busy(const XenPvIommuHypervisor *hypervisor, uint64_t bfn);

/* The frame that the 1:1 map (or, without IOMMU, the bus) has at a BFN. */
bool hypervisor_bus_one_to_one(const XenPvIommuHypervisor *hypervisor,
                               uint64_t bfn, uint64_t *mfn);

/* Take a BFN out of the 1:1 map; false if it is not there. */
bool hypervisor_bus_punch(XenPvIommuHypervisor *hypervisor, uint64_t bfn);

bool hypervisor_bus_is_reserved(const XenPvIommuHypervisor *hypervisor,
                                uint64_t bfn);

static inline uint64_t hypervisor_bus_value_mfn(uint64_t value)
{
    return value >> 2;
}

static inline XenPvIommuAccess hypervisor_bus_value_access(uint64_t value)
{
    return (XenPvIommuAccess)(value & XEN_PV_IOMMU_READ_WRITE);
}

#endif /* HW_XEN_PV_IOMMU_HYPERVISOR_INTERNAL_H */
