/*
 * PV IOMMU: the client
 *
 * Concepts
 * - A client speaks for one domain's device models in this process.  It joins
 *   a mapping table, a BFN allocator, the reserved regions and an ops table.
 * - Lookup: Xen tells the BFN.  Map: the client chooses it.  What this Xen
 *   offers is asked once (query_caps) and decides:
 *     no flag                lookup; the BFN is the machine address (no IOMMU)
 *     CAP_MAP | CAP_ALL_MFNS lookup; all of RAM has a BFN at a fixed offset,
 *                            and such servers refuse to map guest RAM
 *     CAP_MAP                map, and lookup
 * - A gfn is not a page.  Identity is the BFN that Xen returned.  In lookup
 *   mode each request asks Xen, and what the table holds for the gfn under
 *   another BFN is stale from then on; in map mode a live BFN is shared,
 *   because a server that offers it tells of every BFN that becomes invalid.
 * - Xen holds one reference per BFN for us: it is unmapped when its last use
 *   goes, not before, and never under running DMA.
 * - An invalidated BFN's devices are told.  They stop their hardware and
 *   release; the page returns to Xen with the last release.  A device that
 *   does not within its deadline is reported, and the mapping kept.
 * - One page, one operation: a request of n pages that are not known takes
 *   at most ceil(n / XEN_PV_IOMMU_BATCH) calls, and is undone exactly when it
 *   fails half-way.
 *
 * The client has no lock, no thread and no clock: its owner serialises the
 * calls and passes the time.  A device's functions may call
 * xen_pv_iommu_client_release() and nothing else of the client.  What a
 * hypervisor tells from within a hypercall (a model does that) waits until the
 * call that made it is done.  GLib only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_CLIENT_H
#define HW_XEN_PV_IOMMU_CLIENT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/xen/pv-iommu-map.h"
#include "hw/xen/pv-iommu-ops.h"
#include "hw/xen/pv-iommu-reserved.h"

/* Devices of a client. */
#define XEN_PV_IOMMU_DEVICES_MAX 256

/* How long a device may take to quiesce, unless it says otherwise. */
#define XEN_PV_IOMMU_QUIESCE_MS 1000
#define XEN_PV_IOMMU_QUIESCE_MS_MAX 60000

/* How often another BFN is tried when Xen says that one is taken. */
#define XEN_PV_IOMMU_BFN_TRIES 4

typedef struct XenPvIommuClient XenPvIommuClient;
typedef struct XenPvIommuDevice XenPvIommuDevice;

typedef enum XenPvIommuMode {
    XEN_PV_IOMMU_LOOKUP,            /* Xen tells the BFN */
    XEN_PV_IOMMU_MAP,               /* the client chooses it */
} XenPvIommuMode;

/* What this Xen offers. */
typedef struct XenPvIommuCaps {
    bool iommu;                     /* false: a BFN is a machine address */
    bool map;                       /* map mode is there, besides lookup */
    uint64_t offset;                /* BFN - MFN where all of RAM has one */
} XenPvIommuCaps;

/* A run of guest pages that is wanted. */
typedef struct XenPvIommuGfns {
    uint64_t gfn;
    uint64_t pages;
} XenPvIommuGfns;

/* A run that is mapped: bfn + i reaches gfn + i. */
typedef struct XenPvIommuRun {
    uint64_t gfn;
    uint64_t bfn;
    uint64_t pages;
} XenPvIommuRun;

/* Why a request failed, for messages. */
typedef struct XenPvIommuFailure {
    /* The first page that failed, or XEN_PV_IOMMU_NO_FRAME; each by itself */
    uint64_t gfn;
    uint64_t bfn;
    XenPvIommuReserved reserved;    /* .frames != 0: it was in the way */
} XenPvIommuFailure;

typedef struct XenPvIommuDeviceOps {
    /**
     * @invalidated: pages have left the guest
     * @opaque: the device's
     * @run: what the device uses of them; it may have several mappings there
     *
     * The device must stop its hardware's access to the run and release its
     * uses, in this call or later.  It must not map the run meanwhile.
     */
    void (*invalidated)(void *opaque, const XenPvIommuRun *run);

    /**
     * @overdue: the device has not released a run within its deadline; for a
     *           report.  The mapping stays.  May be NULL.
     */
    void (*overdue)(void *opaque, const XenPvIommuRun *run);

    /**
     * @relaxed: a BFN lies in a reserved region, and the device's policy
     *           allows it; for a warning.  May be NULL.  Called once for each
     *           region, with the first run that met it.
     */
    void (*relaxed)(void *opaque, uint64_t bfn, uint64_t pages,
                    const XenPvIommuReserved *region);
} XenPvIommuDeviceOps;

typedef struct XenPvIommuDeviceConfig {
    const char *name;               /* for messages; copied */
    /* The highest bus address in bytes that the hardware can reach */
    uint64_t dma_mask;
    XenPvIommuRdmPolicy rdm_policy;
    /* XEN_PV_IOMMU_MAP falls back to lookup only with @any_mode */
    XenPvIommuMode mode;
    bool any_mode;
    /* Different (BFN, gfn) in use; 0: no limit but the client's */
    uint64_t pages_max;
    unsigned quiesce_ms;            /* 0: XEN_PV_IOMMU_QUIESCE_MS */
} XenPvIommuDeviceConfig;

typedef struct XenPvIommuClientConfig {
    uint16_t domid;                 /* whose memory */
    uint16_t ioserver;              /* our ioreq server's id */
    uint64_t pages_max;             /* 0: XEN_PV_IOMMU_PAGES_MAX */
} XenPvIommuClientConfig;

/*
 * What a client has done and seen.  Never goes down, but for the totals.  The
 * table's pages are @mapped less @unmapped and @undone.
 */
typedef struct XenPvIommuCounters {
    uint64_t calls;                 /* hypercalls */
    uint64_t operations;            /* in calls that did not fail as a whole */
    uint64_t mapped;                /* BFNs that became mapped */
    uint64_t shared;                /* pages that were mapped already */
    uint64_t unmapped;              /* BFNs that Xen took back */
    uint64_t undone;                /* likewise, after a failure */
    uint64_t failed_unmaps;         /* BFNs that are dead since */
    uint64_t invalidations;         /* BFNs told by Xen, and used */
    uint64_t unknown_invalidations; /* BFNs that nobody uses */
    uint64_t repeated_invalidations;/* BFNs that were invalid already */
    uint64_t stale;                 /* BFNs that a lookup found out, not told */
    uint64_t overdue;               /* runs not released in time */
    uint64_t bfn_retries;           /* requests tried again elsewhere */
    XenPvIommuMapTotals table;
} XenPvIommuCounters;

/**
 * xen_pv_iommu_client_new: a client of a hypervisor
 * @ops: the hypervisor
 * @hypervisor: for @ops; stays the caller's and must outlive the client
 * @config: whose memory; copied
 * @client: set to a client, to be freed with xen_pv_iommu_client_free()
 *
 * Asks what this Xen offers and which regions of the host are reserved.  A Xen
 * that cannot tell the regions has none.
 *
 * Returns: 0, or
 *   -ENOSYS  this Xen has no PV IOMMU
 *   -ENOSPC  there are more than XEN_PV_IOMMU_RESERVED_MAX regions
 *   other    from the hypercall
 */
int xen_pv_iommu_client_new(const XenPvIommuOps *ops, void *hypervisor,
                            const XenPvIommuClientConfig *config,
                            XenPvIommuClient **client);

/**
 * xen_pv_iommu_client_free: give everything back to Xen
 * @client: a client without devices, or NULL; what Xen once refused to take
 *          back is offered a last time
 */
void xen_pv_iommu_client_free(XenPvIommuClient *client);

/**
 * xen_pv_iommu_client_caps: what this Xen offers
 * @client: the client
 */
XenPvIommuCaps xen_pv_iommu_client_caps(const XenPvIommuClient *client);

/**
 * xen_pv_iommu_client_reserved: the host's reserved regions
 * @client: the client
 *
 * Returns: the set; owned by the client
 */
const XenPvIommuReservedSet *
xen_pv_iommu_client_reserved(const XenPvIommuClient *client);

/**
 * xen_pv_iommu_client_counters: what it has done and seen
 * @client: the client
 */
XenPvIommuCounters
xen_pv_iommu_client_counters(const XenPvIommuClient *client);

/**
 * xen_pv_iommu_client_attach: a device joins
 * @client: the client
 * @config: what it is; copied
 * @ops: its functions; must outlive the device
 * @opaque: for @ops
 * @device: set to the device, to be given back with
 *          xen_pv_iommu_client_detach()
 *
 * Returns: 0, or
 *   -EINVAL   @config->quiesce_ms is above XEN_PV_IOMMU_QUIESCE_MS_MAX, or the
 *             mask is below one page
 *   -ENOSPC   there are XEN_PV_IOMMU_DEVICES_MAX devices
 *   -ENOTSUP  map mode is wanted, this Xen does not offer it, and no other
 *             will do
 */
int xen_pv_iommu_client_attach(XenPvIommuClient *client,
                               const XenPvIommuDeviceConfig *config,
                               const XenPvIommuDeviceOps *ops, void *opaque,
                               XenPvIommuDevice **device);

/**
 * xen_pv_iommu_client_detach: a device goes
 * @device: its hardware is quiet; what it has not released is released
 */
void xen_pv_iommu_client_detach(XenPvIommuDevice *device);

/**
 * xen_pv_iommu_client_mode: how a device gets its bus addresses
 * @device: the device
 */
XenPvIommuMode xen_pv_iommu_client_mode(const XenPvIommuDevice *device);

/**
 * xen_pv_iommu_client_name: what a device is called in messages
 * @device: the device
 *
 * Returns: the name; owned by the device
 */
const char *xen_pv_iommu_client_name(const XenPvIommuDevice *device);

/**
 * xen_pv_iommu_client_map: bus addresses for guest pages
 * @device: who
 * @gfns: the runs wanted
 * @count: how many
 * @access: what the bus may do
 * @runs: appended to, in @gfns' order: an array (GArray) of XenPvIommuRun;
 *        neighbours that continue each other are one run
 * @failure: set on failure; may be NULL
 *
 * In map mode a gfn run that is not yet mapped gets one run of BFNs where the
 * allocator has one that is long enough, else several.  BFNs that Xen says are
 * taken (-EPERM, -EEXIST, -EBUSY) or reserved (-EACCES) are avoided and the
 * request is tried elsewhere, up to XEN_PV_IOMMU_BFN_TRIES times.
 *
 * In lookup mode a BFN that turns out to be no longer the gfn's is treated as
 * invalidated before this returns; its deadlines begin with the next call that
 * knows the time, which xen_pv_iommu_client_deadline() then asks for.
 *
 * Returns: 0, or
 *   -EINVAL   a run is empty or leaves [0, XEN_PV_IOMMU_FRAME_END), or @access
 *             is none
 *   -ENOSPC   the client holds as much as it may, or no BFN is free within the
 *             device's mask
 *   -EDQUOT   the device holds as much as it may
 *   -EBUSY    called by a device's function
 *   -ENXIO    a gfn has no page, or the domain is gone
 *   -ERANGE   (lookup) a BFN is beyond the device's mask
 *   -EACCES   a BFN is in a reserved region, and the policy is strict
 *   -ESTALE   (lookup) Xen tells a BFN that is invalid and not yet released by
 *             all its users; it may be this request that has found it out
 *   -EOVERFLOW the device would use a page more than XEN_PV_IOMMU_USES_MAX
 *             times
 *   other     what Xen said
 * On failure nothing is mapped that was not before, and @runs is as it was.
 */
int xen_pv_iommu_client_map(XenPvIommuDevice *device,
                            const XenPvIommuGfns *gfns, unsigned count,
                            XenPvIommuAccess access, GArray *runs,
                            XenPvIommuFailure *failure);

/**
 * xen_pv_iommu_client_release: the hardware no longer uses these
 * @device: who
 * @runs: as returned by xen_pv_iommu_client_map(), or parts of them
 * @count: how many
 *
 * BFNs that nobody uses any more are unmapped, in batches.  A BFN that Xen
 * does not know any more (-ENOENT) counts as unmapped; one that it refuses to
 * unmap is dead, and not chosen again.
 *
 * Returns: 0, or
 *   -ENOENT  the device does not use all of a run, or a run is empty; the
 *            runs before it are released, that one and the ones after it are
 *            not
 */
int xen_pv_iommu_client_release(XenPvIommuDevice *device,
                                const XenPvIommuRun *runs, unsigned count);

/**
 * xen_pv_iommu_client_invalidate: Xen says that BFNs have lost their page
 * @client: the client
 * @bfn: the first; any value, it is not trusted
 * @pages: how many
 * @now_ms: the time, for the deadlines; milliseconds of any clock, not
 *          negative
 *
 * The cost is that of what is mapped in the run, however long it is.  From
 * within a hypercall or a device's function it is done later, and 0 returned.
 *
 * Returns: how many BFNs of the run are used and were live
 */
uint64_t xen_pv_iommu_client_invalidate(XenPvIommuClient *client, uint64_t bfn,
                                        uint64_t pages, int64_t now_ms);

/**
 * xen_pv_iommu_client_deadline: when to call xen_pv_iommu_client_expire()
 * @client: the client
 *
 * Ask after each xen_pv_iommu_client_map(), _invalidate() and _expire().
 *
 * Returns: the time of the next deadline, INT64_MAX if there is none, or 0 if
 *          a run waits that has no deadline yet: call at once
 */
int64_t xen_pv_iommu_client_deadline(const XenPvIommuClient *client);

/**
 * xen_pv_iommu_client_expire: report what has not been released in time
 * @client: the client
 * @now_ms: the time
 *
 * Each device that still uses an invalid BFN whose deadline has passed is told
 * by its overdue function, once for each run.
 *
 * Returns: how many runs were overdue
 */
unsigned xen_pv_iommu_client_expire(XenPvIommuClient *client, int64_t now_ms);

#endif /* HW_XEN_PV_IOMMU_CLIENT_H */
