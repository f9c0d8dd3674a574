/*
 * PV IOMMU: the object that serves all devices of this process
 *
 * Concepts
 * - XenPvIommu owns one client; the BQL serialises it.
 * - A subclass brings the ops table and its state: native or emulated.
 * - user.c is what devices call, events.c what Xen causes, placement.c the
 *   rule for memory that QEMU places; iommu.c is the QOM side.
 * - At most one object exists; the native one is made when a device attaches.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_IOMMU_H
#define HW_XEN_PV_IOMMU_IOMMU_H

#include "hw/xen/pv-iommu.h"
#include "qemu/interval-tree.h"
#include "qemu/queue.h"
#include "qemu/timer.h"
#include "qom/object.h"
#include "system/runstate.h"

#define TYPE_XEN_PV_IOMMU "xen-pv-iommu"
#define TYPE_XEN_PV_IOMMU_NATIVE TYPE_XEN_PV_IOMMU "-native"
#define TYPE_XEN_PV_IOMMU_EMULATED TYPE_XEN_PV_IOMMU "-emulated"

OBJECT_DECLARE_TYPE(XenPvIommu, XenPvIommuClass, XEN_PV_IOMMU)

#define PV_IOMMU_PAGE_SHIFT 12
#define PV_IOMMU_PAGE_SIZE (UINT64_C(1) << PV_IOMMU_PAGE_SHIFT)

/* Warnings, and traces, that a guest can cause: so many in so long. */
#define PV_IOMMU_REPORTS_MAX 10
#define PV_IOMMU_REPORTS_MS 60000

typedef struct PvIommuReports {
    int64_t since;
    unsigned count;
    unsigned left_out;
} PvIommuReports;

struct XenPvIommu {
    DeviceState parent_obj;

    /* What the subclass brings; set by its attach. */
    const XenPvIommuOps *ops;
    void *hypervisor;
    XenPvIommuClientConfig config;

    XenPvIommuClient *client;       /* since the first device */
    QLIST_HEAD(, XenPvIommuUser) users;
    QEMUTimer *deadline;
    VMChangeStateEntry *state_change;
    PvIommuReports reports;
    PvIommuReports traces;
};

struct XenPvIommuClass {
    DeviceClass parent_class;

    /* What deadlines are measured with. */
    QEMUClockType clock;

    /**
     * @attach: set ops, hypervisor and config.  Mandatory.
     * @iommu: the object
     * @errp: set when false is returned
     */
    bool (*attach)(XenPvIommu *iommu, Error **errp);

    /**
     * @detach: the reverse of @attach.  Mandatory.
     * @iommu: the object; its client is gone
     */
    void (*detach)(XenPvIommu *iommu);
};

/* A run of a mapping, in the tree of its user's BFNs. */
typedef struct PvIommuMappedRun {
    IntervalTreeNode node;          /* BFNs, the last one included */
    XenPvIommuMapping *mapping;
    XenPvIommuRun run;
    uint64_t page;                  /* how many pages come before it */
} PvIommuMappedRun;

/* Guest memory as QEMU sees it, to be marked dirty. */
typedef struct PvIommuMemory {
    MemoryRegion *region;           /* a reference */
    hwaddr offset;
    uint64_t length;
} PvIommuMemory;

struct XenPvIommuMapping {
    unsigned references;            /* one of the device's, until released */
    XenPvIommuUser *user;
    XenPvIommuAccess access;
    bool overdue;
    bool released;
    XenPvIommuRange range;
    PvIommuMappedRun *runs;
    unsigned run_count;
    GArray *memory;                 /* PvIommuMemory */
    QLIST_ENTRY(XenPvIommuMapping) next;
};

struct XenPvIommuUser {
    XenPvIommu *iommu;
    char *name;                     /* for messages */
    XenPvIommuRdmPolicy rdm_policy;
    unsigned quiesce_ms;
    const XenPvIommuUserOps *ops;   /* NULL: an orphan */
    void *opaque;
    XenPvIommuDevice *device;
    IntervalTreeRoot runs;          /* PvIommuMappedRun */
    QLIST_HEAD(, XenPvIommuMapping) mappings;
    unsigned overdue;               /* mappings that are */
    Error *blocker;                 /* of migration */
    QLIST_ENTRY(XenPvIommuUser) next;
};

/**
 * pv_iommu_find: the one object, if there is one
 *
 * Returns: the object or NULL; none is made
 */
XenPvIommu *pv_iommu_find(void);

/**
 * pv_iommu_get: the one object, with a client
 * @errp: set when NULL is returned
 *
 * On Xen, makes the native one.  Fails when there is no PV IOMMU.
 */
XenPvIommu *pv_iommu_get(Error **errp);

/**
 * pv_iommu_may_report: is there room for a warning that a guest has caused?
 * @iommu: the object
 *
 * Says how many were left out when there is room again.
 */
bool pv_iommu_may_report(XenPvIommu *iommu);

/**
 * pv_iommu_may_trace: is there room for a trace that anybody can cause?
 * @iommu: the object
 */
bool pv_iommu_may_trace(XenPvIommu *iommu);

/**
 * pv_iommu_ioserver_id: our ioreq server
 * @ioserver: set to its id
 *
 * Returns: false if there is none
 */
bool pv_iommu_ioserver_id(uint16_t *ioserver);

/**
 * pv_iommu_mapping_unref: free a mapping with its last reference
 * @mapping: the mapping; released if this is the last one
 */
void pv_iommu_mapping_unref(XenPvIommuMapping *mapping);

/* What the client calls; its opaque is a XenPvIommuUser. */
extern const XenPvIommuDeviceOps pv_iommu_device_ops;

/**
 * pv_iommu_arm_deadline: let the timer fire when the client says
 * @iommu: the object
 */
void pv_iommu_arm_deadline(XenPvIommu *iommu);

/**
 * pv_iommu_expire: the timer's function
 * @opaque: the object
 */
void pv_iommu_expire(void *opaque);

/**
 * pv_iommu_block_migration: a user's hardware does not stop
 * @user: the user
 */
void pv_iommu_block_migration(XenPvIommuUser *user);

/**
 * pv_iommu_settle: a mapping that was overdue is released
 * @mapping: the mapping
 */
void pv_iommu_settle(XenPvIommuMapping *mapping);

/**
 * pv_iommu_check_placements: what QEMU has placed in the guest until now
 * @iommu: the object
 * @name: the device that attaches
 * @policy: its policy
 * @errp: set when false is returned
 */
bool pv_iommu_check_placements(XenPvIommu *iommu, const char *name,
                               XenPvIommuRdmPolicy policy, Error **errp);

#endif /* HW_XEN_PV_IOMMU_IOMMU_H */
