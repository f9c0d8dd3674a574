/*
 * A guest, a model of a hypervisor and a client of the PV IOMMU, for tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_UNIT_PV_IOMMU_WORLD_H
#define TESTS_UNIT_PV_IOMMU_WORLD_H

#include "hw/xen/pv-iommu-client.h"
#include "hw/xen/pv-iommu-hypervisor.h"

#define WORLD_GUEST 1
#define WORLD_SERVER 5
#define WORLD_FRAMES 4096       /* of the host */
#define WORLD_PAGES 1024        /* of the guest, from gfn 0 */
#define WORLD_OFFSET UINT64_C(0x3e00000)
#define WORLD_SUBOPS (XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE + 1)

/* Between client and model: counts, and can play a server that misbehaves. */
typedef struct World {
    XenPvIommuHost host;
    XenPvIommuHypervisor *hypervisor;
    XenPvIommuClient *client;
    int64_t now_ms;
    uint64_t asked[WORLD_SUBOPS];   /* operations, by kind */
    unsigned largest;               /* operations in one call */
    bool deaf;                      /* invalidations do not get through */
    unsigned interrupts;            /* calls in which interrupt_bfn is told */
    uint64_t interrupt_bfn;
    uint64_t max_mfn;               /* if not 0: what the host says it is */
    int max_mfn_error;
    uint16_t lie_subop;             /* answers lie_status, undone, */
    int lie_status;                 /* if the BFN is in [lie_from, lie_end) */
    uint64_t lie_from;
    uint64_t lie_end;
} World;

/* A device: remembers what it was told. */
typedef struct Device {
    World *world;
    XenPvIommuDevice *handle;
    GArray *told;                   /* XenPvIommuRun */
    GArray *overdue;                /* XenPvIommuRun */
    GArray *relaxed;                /* XenPvIommuFrames */
    bool obedient;                  /* releases what it was told of, at once */
} Device;

/* The hosts that have a PV IOMMU. */
#define WORLD_HOSTS 3

extern const XenPvIommuHost world_hosts[WORLD_HOSTS];
extern const XenPvIommuOps world_ops;

/* A host of a kind and size, with a guest that has pages, without a client. */
World *world_new_guest(XenPvIommuHost host, uint64_t frames, uint64_t pages);
/* The same with the usual sizes. */
World *world_new_host(XenPvIommuHost host);
/* And with a client that may hold @pages_max. */
World *world_new(XenPvIommuHost host, uint64_t pages_max);
void world_free(World *world);
int world_connect(World *world, uint64_t pages_max);

/* Asserts that model, table and counters are sound and agree. */
void world_check(const World *world);
XenPvIommuHypervisorCounters world_held(const World *world);
XenPvIommuCounters world_count(const World *world);

/* How many calls n operations need. */
uint64_t world_calls(uint64_t operations);
/* Asserts that hardware reaches, at each BFN, the frame behind the gfn. */
void world_reaches(const World *world, const GArray *runs);
/* The BFN that the first device of a new client chooses first. */
uint64_t world_first_choice(void);

/* A device with 64-bit reach, strict, in any mode, map mode preferred. */
XenPvIommuDeviceConfig device_config(void);
Device *device_new(World *world, const XenPvIommuDeviceConfig *config);
Device *device_new_plain(World *world);
void device_free(Device *device);   /* detaches it */

/* Map one run; asserts success.  The array is the caller's. */
GArray *device_map(Device *device, uint64_t gfn, uint64_t pages);
int device_try(Device *device, uint64_t gfn, uint64_t pages,
               XenPvIommuAccess access, XenPvIommuFailure *failure);
void device_release(Device *device, const GArray *runs);
const XenPvIommuRun *run_at(const GArray *runs, unsigned index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

#endif /* TESTS_UNIT_PV_IOMMU_WORLD_H */
