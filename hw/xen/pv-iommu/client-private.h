/*
 * PV IOMMU: what the client's files share
 *
 * Concepts
 * - client.c: life of clients and devices.  request.c: what both ways of
 *   mapping have in common; lookup.c, choose.c: those ways.  release.c: uses
 *   and BFNs go.  invalidate.c: BFNs lose their page.  submit.c: hypercalls.
 * - Nothing that Xen tells meanwhile comes between the steps of a call: an
 *   invalidation that arrives while one runs waits for its end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_CLIENT_PRIVATE_H
#define HW_XEN_PV_IOMMU_CLIENT_PRIVATE_H

#include "hw/xen/pv-iommu-bfn.h"
#include "hw/xen/pv-iommu-client.h"

#include "drain.h"

/*
 * BFNs that another device model has, and that we have therefore given up for
 * good.  Beyond this they are only avoided within the request, so that nobody
 * can make us remember without end.
 */
#define XEN_PV_IOMMU_TAKEN_MAX 65536

struct XenPvIommuDevice {
    XenPvIommuClient *client;
    char *name;
    const XenPvIommuDeviceOps *ops;
    void *opaque;
    uint64_t bfn_end;           /* one past what its mask reaches */
    uint64_t pages_max;         /* its own limit, or the client's */
    XenPvIommuRdmPolicy rdm_policy;
    XenPvIommuMode mode;
    unsigned quiesce_ms;
    uint16_t owner;             /* its index in the client's devices */
    XenPvIommuDrain *drain;
    GHashTable *warned;         /* reserved regions it was told of */
};

struct XenPvIommuClient {
    const XenPvIommuOps *ops;
    void *hypervisor;
    uint16_t domid;
    uint16_t ioserver;
    uint64_t pages_max;
    XenPvIommuCaps caps;

    XenPvIommuMap *map;
    XenPvIommuReservedSet *reserved;
    XenPvIommuDevice *devices[XEN_PV_IOMMU_DEVICES_MAX];
    XenPvIommuCounters counters;

    /* Map mode; without it, bfns is NULL and the frames are none. */
    XenPvIommuBfns *bfns;
    uint64_t first_bfn;
    uint64_t end_bfn;
    unsigned place;             /* which of our places we begin at */
    uint64_t taken;             /* BFNs given up for good */

    XenPvIommuOp batch[XEN_PV_IOMMU_BATCH];
    unsigned depth;             /* calls that are under way */
    GArray *waiting;            /* XenPvIommuEvent, until they are done */
};

/* An invalidation that has arrived. */
typedef struct XenPvIommuEvent {
    uint64_t bfn;
    uint64_t pages;
    int64_t now_ms;
} XenPvIommuEvent;

/* A BFN in a reserved region that the device's policy allows. */
typedef struct XenPvIommuWarning {
    XenPvIommuFrames frames;
    const XenPvIommuReserved *region;
} XenPvIommuWarning;

/* One call of xen_pv_iommu_client_map(). */
typedef struct XenPvIommuRequest {
    XenPvIommuDevice *device;
    const XenPvIommuGfns *gfns;
    unsigned count;
    XenPvIommuAccess access;
    GArray *runs;               /* the caller's */
    unsigned first_run;         /* ours in there */
    GArray *stale;              /* XenPvIommuFrames: no longer the gfn's */
    GArray *warnings;           /* XenPvIommuWarning */
    uint64_t shared;            /* pages that were mapped already */
    XenPvIommuFailure failure;
} XenPvIommuRequest;

/* --- submit.c ----------------------------------------------------------- */

/**
 * xen_pv_iommu_submit: one hypercall with what is in the client's batch
 * @client: the client
 * @count: how many operations, 1 to XEN_PV_IOMMU_BATCH
 *
 * Returns: 0, or -errno if the call failed as a whole
 */
int xen_pv_iommu_submit(XenPvIommuClient *client, unsigned count);

/**
 * xen_pv_iommu_status: what an operation of the batch says
 * @op: the operation
 *
 * Returns: 0 or -errno; what is neither is -EIO
 */
int xen_pv_iommu_status(const XenPvIommuOp *op);

/**
 * xen_pv_iommu_frames_add: append frames to an array
 * @frames: of XenPvIommuFrames
 * @bfn: the first; joined to the last entry where it goes on there
 * @pages: how many
 */
void xen_pv_iommu_frames_add(GArray *frames, uint64_t bfn, uint64_t pages);

/**
 * xen_pv_iommu_unmap: give BFNs back to Xen, in batches
 * @client: the client
 * @frames: array of XenPvIommuFrames; none is in the table
 * @counter: counts the pages that Xen took back
 *
 * BFNs of the allocator's are free there afterwards.  Those that Xen does not
 * take back are buried.
 */
void xen_pv_iommu_unmap(XenPvIommuClient *client, const GArray *frames,
                        uint64_t *counter);

/* --- client.c ----------------------------------------------------------- */

/**
 * xen_pv_iommu_enter: a call begins
 * xen_pv_iommu_leave: a call ends; if none is under way any more, what waited
 *                     for that is done
 * @client: the client
 */
void xen_pv_iommu_enter(XenPvIommuClient *client);
void xen_pv_iommu_leave(XenPvIommuClient *client);

/**
 * xen_pv_iommu_chosen: is a BFN one that we choose ourselves?
 * @client: the client
 * @bfn: the BFN
 */
bool xen_pv_iommu_chosen(const XenPvIommuClient *client, uint64_t bfn);

/**
 * xen_pv_iommu_read_reserved: learn the host's reserved regions
 * @client: the client; regions that it knows stay, new ones are added and
 *          BFNs there no longer chosen
 *
 * Returns: 0, or -errno
 */
int xen_pv_iommu_read_reserved(XenPvIommuClient *client);

/**
 * xen_pv_iommu_quota_error: a device would use more than it may
 * @device: the device
 *
 * Returns: -EDQUOT, or -ENOSPC if its limit is the client's
 */
int xen_pv_iommu_quota_error(const XenPvIommuDevice *device);

/* --- request.c ---------------------------------------------------------- */

/**
 * xen_pv_iommu_request_add: the device takes uses of a run
 * @request: the request
 * @run: appended to the caller's runs
 * @access: what the BFNs are mapped for
 *
 * Returns: as xen_pv_iommu_map_add(), but for xen_pv_iommu_quota_error()
 */
int xen_pv_iommu_request_add(XenPvIommuRequest *request,
                             const XenPvIommuRun *run,
                             XenPvIommuAccess access);

/**
 * xen_pv_iommu_request_undo: take back all uses of a failed request
 * @request: the request; the caller's runs are as they were
 * @lost: array of XenPvIommuFrames; gets the BFNs without use
 */
void xen_pv_iommu_request_undo(XenPvIommuRequest *request, GArray *lost);

/**
 * xen_pv_iommu_request_policy: may the device have these BFNs?
 * @request: the request; gets a warning or the failure's region
 * @bfn: the first
 * @pages: how many
 *
 * Returns: 0, -ERANGE (mask) or -EACCES (reserved)
 */
int xen_pv_iommu_request_policy(XenPvIommuRequest *request, uint64_t bfn,
                                uint64_t pages);

/**
 * xen_pv_iommu_request_fail: note what failed
 * @request: the request
 * @gfn: the page, or XEN_PV_IOMMU_NO_FRAME
 * @bfn: likewise
 * @error: -errno
 *
 * Returns: @error
 */
int xen_pv_iommu_request_fail(XenPvIommuRequest *request, uint64_t gfn,
                              uint64_t bfn, int error);

/* --- lookup.c, choose.c ------------------------------------------------- */

/**
 * xen_pv_iommu_lookup: serve a request with the BFNs that Xen tells
 * xen_pv_iommu_choose: serve a request with BFNs of our own choice
 * @request: the request
 *
 * Returns: 0, or -errno with everything as it was
 */
int xen_pv_iommu_lookup(XenPvIommuRequest *request);
int xen_pv_iommu_choose(XenPvIommuRequest *request);

/* --- invalidate.c ------------------------------------------------------- */

/**
 * xen_pv_iommu_invalidate_event: do what an invalidation asks for
 * @client: the client
 * @event: what has arrived
 *
 * Returns: how many BFNs were live
 */
uint64_t xen_pv_iommu_invalidate_event(XenPvIommuClient *client,
                                       const XenPvIommuEvent *event);

/**
 * xen_pv_iommu_invalidate_stale: BFNs turned out to be another gfn's
 * @client: the client
 * @frames: array of XenPvIommuFrames; what is not live is of no account
 */
void xen_pv_iommu_invalidate_stale(XenPvIommuClient *client,
                                   const GArray *frames);

#endif /* HW_XEN_PV_IOMMU_CLIENT_PRIVATE_H */
