/*
 * PV IOMMU: the mapping table
 *
 * Concepts
 * - A use says: this owner (a device) reaches this gfn through this BFN.  The
 *   same use can be taken several times; it is counted.
 * - A BFN is mapped while it has a use.  Its access and its state belong to
 *   the BFN, so all its uses share them, whichever gfn and owner they have.
 * - The table answers both ways: which BFN has a gfn, who uses a BFN.  One gfn
 *   can have several BFNs (an old one that is being given up and a new one),
 *   one BFN several gfns (a frame that stands behind several gfns).
 * - It works on runs.  Neighbours that have all in common are one extent, cut
 *   at multiples of 4096 pages; no call's cost depends on the number of pages
 *   mapped except by a logarithm, and on the number of extents that its own
 *   run covers.  A run of uses that a call tells of is an extent or a part of
 *   one, so what looks like one run can be told in several.
 * - Memory: for each use of a page that has no neighbour on either side, at
 *   most 62 bytes (44 is usual), in whatever order they come and go; for
 *   neighbours next to nothing.  tests/bench measures it with one owner,
 *   tests/unit/test-pv-iommu-map.c with two.
 *
 * The table decides nothing and calls no hypervisor.  It has no lock; its
 * owner serialises the calls.  GLib only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_MAP_H
#define HW_XEN_PV_IOMMU_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One past the highest gfn and BFN: 52-bit addresses of 4 KiB pages. */
#define XEN_PV_IOMMU_FRAME_END (UINT64_C(1) << 40)

/* One past the highest owner; how often one use can be taken. */
#define XEN_PV_IOMMU_OWNERS_MAX (1u << 12)
#define XEN_PV_IOMMU_USES_MAX ((1u << 20) - 1)

/* What a table holds if its limits do not say less: 64 GiB of 4 KiB pages. */
#define XEN_PV_IOMMU_PAGES_MAX (UINT64_C(1) << 24)

typedef struct XenPvIommuMap XenPvIommuMap;

/* What the bus may do; a set of bits, never empty. */
typedef enum XenPvIommuAccess {
    XEN_PV_IOMMU_READ = 1 << 0,     /* of guest memory, by the device */
    XEN_PV_IOMMU_WRITE = 1 << 1,
    XEN_PV_IOMMU_READ_WRITE = XEN_PV_IOMMU_READ | XEN_PV_IOMMU_WRITE,
} XenPvIommuAccess;

typedef enum XenPvIommuState {
    XEN_PV_IOMMU_LIVE,          /* can be used, and shared */
    XEN_PV_IOMMU_INVALIDATED,   /* its page left the guest; users are told */
    XEN_PV_IOMMU_DRAINING,      /* users were told and have not all released */
    XEN_PV_IOMMU_DEAD,          /* Xen would not take it back: not used again */
} XenPvIommuState;

/* A run of uses that have all in common: bfn + i is used for gfn + i. */
typedef struct XenPvIommuUse {
    uint64_t bfn;
    uint64_t gfn;               /* XEN_PV_IOMMU_NO_FRAME for a dead BFN */
    uint64_t pages;
    uint32_t uses;              /* how often this owner took each; dead: 0 */
    uint16_t owner;             /* dead: 0 */
    XenPvIommuAccess access;    /* dead: both, for all that is known */
    XenPvIommuState state;
} XenPvIommuUse;

/* Frames from bfn on, one after the other. */
typedef struct XenPvIommuFrames {
    uint64_t bfn;
    uint64_t pages;
} XenPvIommuFrames;

/* How much there is. */
typedef struct XenPvIommuMapTotals {
    uint64_t pages;             /* mapped BFNs, the dead ones included */
    uint64_t dead_pages;
    uint64_t extents;
    uint64_t bytes;             /* memory that the table takes */
} XenPvIommuMapTotals;

/**
 * XenPvIommuUseFunc: told of a run of uses
 * @use: the run; valid during the call
 * @opaque: the caller's
 *
 * It must not change the table.
 *
 * Returns: false to hear of no more
 */
typedef bool XenPvIommuUseFunc(const XenPvIommuUse *use, void *opaque);

/**
 * XenPvIommuFramesFunc: told of BFNs that have lost their last use
 * @frames: the run
 * @opaque: the caller's
 *
 * It must not change the table.
 */
typedef void XenPvIommuFramesFunc(XenPvIommuFrames frames, void *opaque);

/**
 * xen_pv_iommu_map_new: an empty table
 * @pages_max: how many BFNs it may hold, at most XEN_PV_IOMMU_PAGES_MAX; more
 *             is taken as that
 *
 * Returns: a table, to be freed with xen_pv_iommu_map_free()
 */
XenPvIommuMap *xen_pv_iommu_map_new(uint64_t pages_max);

/**
 * xen_pv_iommu_map_free: forget everything
 * @map: the table, or NULL
 */
void xen_pv_iommu_map_free(XenPvIommuMap *map);

/**
 * xen_pv_iommu_map_set_owner_limit: how many pages an owner may use
 * @map: the table
 * @owner: below XEN_PV_IOMMU_OWNERS_MAX
 * @pages_max: pages are counted once for each different (BFN, gfn) that the
 *             owner uses, however often; the default is as many as the table
 *             may hold BFNs.  A limit below what is used now takes nothing
 *             away.
 */
void xen_pv_iommu_map_set_owner_limit(XenPvIommuMap *map, uint16_t owner,
                                      uint64_t pages_max);

/**
 * xen_pv_iommu_map_owner_pages: how many pages an owner uses
 * @map: the table
 * @owner: below XEN_PV_IOMMU_OWNERS_MAX
 *
 * Returns: pages, counted as for the limit
 */
uint64_t xen_pv_iommu_map_owner_pages(const XenPvIommuMap *map,
                                      uint16_t owner);

/**
 * xen_pv_iommu_map_add: take uses of a run
 * @map: the table
 * @bfn: its first BFN
 * @gfn: the gfn that @bfn stands for
 * @pages: its length
 * @owner: who
 * @access: what the BFNs are mapped for
 *
 * Each of the run's pages is used once more by @owner.  BFNs that were not
 * mapped become live.
 *
 * Returns: 0, or
 *   -EINVAL    @pages is 0, a run leaves [0, XEN_PV_IOMMU_FRAME_END), @owner
 *              or @access is none
 *   -EEXIST    a BFN of the run is mapped with another access
 *   -ESTALE    a BFN of the run is mapped and not live
 *   -ENOSPC    the table would hold more than it may
 *   -EDQUOT    the owner would use more than it may
 *   -EOVERFLOW a page would be used more than XEN_PV_IOMMU_USES_MAX times
 * Of several reasons the first in this list is given; of the second and third,
 * that of the lowest BFN, which is -ESTALE if it has both.  On failure the
 * table is as it was.
 */
int xen_pv_iommu_map_add(XenPvIommuMap *map, uint64_t bfn, uint64_t gfn,
                         uint64_t pages, uint16_t owner,
                         XenPvIommuAccess access);

/**
 * xen_pv_iommu_map_drop: give uses of a run back
 * @map: the table
 * @bfn: its first BFN
 * @gfn: the gfn that @bfn stands for
 * @pages: its length
 * @owner: who
 * @func: told, in ascending order and of each run once, of BFNs that have no
 *        use any more and are no longer in the table; may be NULL
 * @opaque: for @func
 *
 * Each of the run's pages is used once less by @owner, whatever its state.
 *
 * Returns: 0, or
 *   -EINVAL  as for xen_pv_iommu_map_add()
 *   -ENOENT  @owner does not use each page of the run
 * On failure the table is as it was.
 */
int xen_pv_iommu_map_drop(XenPvIommuMap *map, uint64_t bfn, uint64_t gfn,
                          uint64_t pages, uint16_t owner,
                          XenPvIommuFramesFunc *func, void *opaque);

/**
 * xen_pv_iommu_map_find_gfn: what is known of the beginning of a gfn run
 * @map: the table
 * @gfn: its first gfn
 * @pages: its length, at least 1
 * @access: what the BFN must be mapped for at least
 * @found: set to a run of a BFN that is live; @found->gfn >= @gfn, the first
 *         such gfn in the run; cut to the run; if several BFNs serve, the
 *         lowest.  @found->owner and @found->uses are one user's.
 *
 * Returns: true if there is one
 */
bool xen_pv_iommu_map_find_gfn(const XenPvIommuMap *map, uint64_t gfn,
                               uint64_t pages, XenPvIommuAccess access,
                               XenPvIommuUse *found);

/**
 * xen_pv_iommu_map_find_bfn: the first mapped BFN of a run
 * @map: the table
 * @bfn: its first BFN
 * @pages: its length, at least 1
 * @found: set to a run that begins with that BFN, cut to the run
 *
 * Returns: true if a BFN of the run is mapped
 */
bool xen_pv_iommu_map_find_bfn(const XenPvIommuMap *map, uint64_t bfn,
                               uint64_t pages, XenPvIommuUse *found);

/**
 * xen_pv_iommu_map_each_gfn: all uses of a run of gfns, in any state
 * @map: the table
 * @gfn: its first gfn
 * @pages: its length
 * @func: called for each, cut to the run, by ascending gfn, then BFN
 * @opaque: for @func
 */
void xen_pv_iommu_map_each_gfn(const XenPvIommuMap *map, uint64_t gfn,
                               uint64_t pages, XenPvIommuUseFunc *func,
                               void *opaque);

/**
 * xen_pv_iommu_map_each_bfn: all users of a run of BFNs (the M2B view)
 * @map: the table
 * @bfn: its first BFN
 * @pages: its length
 * @func: called for each, cut to the run, by ascending BFN, then gfn, then
 *        owner
 * @opaque: for @func
 *
 * The whole table is the run [0, XEN_PV_IOMMU_FRAME_END).
 */
void xen_pv_iommu_map_each_bfn(const XenPvIommuMap *map, uint64_t bfn,
                               uint64_t pages, XenPvIommuUseFunc *func,
                               void *opaque);

/**
 * xen_pv_iommu_map_set_state: a run of BFNs goes to another state
 * @map: the table
 * @bfn: its first BFN
 * @pages: its length
 * @state: XEN_PV_IOMMU_INVALIDATED or XEN_PV_IOMMU_DRAINING
 *
 * BFNs that are not mapped stay so; dead ones stay dead.
 *
 * Returns: how many BFNs have a new state; 0 for another @state
 */
uint64_t xen_pv_iommu_map_set_state(XenPvIommuMap *map, uint64_t bfn,
                                    uint64_t pages, XenPvIommuState state);

/**
 * xen_pv_iommu_map_bury: BFNs that Xen would not take back
 * @map: the table
 * @frames: a run; none of its BFNs is mapped
 *
 * They are dead: without user, counted in the table's pages even beyond its
 * limit, until xen_pv_iommu_map_free().
 *
 * Returns: 0, or
 *   -EINVAL  as for xen_pv_iommu_map_add()
 *   -EEXIST  one is mapped
 */
int xen_pv_iommu_map_bury(XenPvIommuMap *map, XenPvIommuFrames frames);

/**
 * xen_pv_iommu_map_totals: how much there is
 * @map: the table
 *
 * Returns: the totals; the call's cost does not depend on them
 */
XenPvIommuMapTotals xen_pv_iommu_map_totals(const XenPvIommuMap *map);

/**
 * xen_pv_iommu_map_check: is the table sound?
 * @map: the table
 *
 * For tests: goes through everything.
 *
 * Returns: NULL, or what is wrong, to be freed with g_free()
 */
char *xen_pv_iommu_map_check(const XenPvIommuMap *map);

#endif /* HW_XEN_PV_IOMMU_MAP_H */
