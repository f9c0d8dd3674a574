/*
 * PV IOMMU: which BFNs are free
 *
 * Concepts
 * - Where a device model chooses bus addresses, it takes them from here: runs
 *   of frames, lowest first, within the device's DMA mask.
 * - Some frames are nobody's to choose: reserved regions of devices (RMRRs),
 *   the message-signalled interrupt window, the 1:1 map of the host's RAM.
 *   They are excluded when the allocator is made.
 * - Several device models of one domain 0 choose from one space without
 *   knowing of each other.  Each begins at a place of its own, and a run that
 *   Xen says is taken is excluded and another chosen.
 *
 * It has no lock; its owner serialises the calls.  GLib only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_BFN_H
#define HW_XEN_PV_IOMMU_BFN_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/xen/pv-iommu-map.h"

typedef struct XenPvIommuBfns XenPvIommuBfns;

/**
 * xen_pv_iommu_bfns_new: an allocator of the frames [first, end)
 * @first: the lowest frame it may give
 * @end: one past the highest, at most XEN_PV_IOMMU_FRAME_END; more is taken as
 *       that
 *
 * Returns: an allocator, to be freed with xen_pv_iommu_bfns_free()
 */
XenPvIommuBfns *xen_pv_iommu_bfns_new(uint64_t first, uint64_t end);

/**
 * xen_pv_iommu_bfns_free: forget everything
 * @bfns: the allocator, or NULL
 */
void xen_pv_iommu_bfns_free(XenPvIommuBfns *bfns);

/**
 * xen_pv_iommu_bfns_exclude: never give these frames
 * @bfns: the allocator
 * @bfn: the first
 * @pages: how many; what lies outside the allocator's frames is of no account
 *
 * Frames that are given out stay so and are not given again once they are
 * back.
 */
void xen_pv_iommu_bfns_exclude(XenPvIommuBfns *bfns, uint64_t bfn,
                               uint64_t pages);

/**
 * xen_pv_iommu_bfns_take: a run of free frames
 * @bfns: the allocator
 * @pages: how long; at least 1
 * @from: begin to look here, and below it when there is nothing above
 * @end: one past the highest frame that will do (the device's DMA mask)
 * @bfn: set to the run's first frame
 *
 * Of the runs that are long enough, the lowest one at or above @from is taken.
 * The cost is logarithmic in the number of free runs.
 *
 * Returns: 0, or
 *   -EINVAL  @pages is 0
 *   -ENOSPC  no such run is free below @end
 */
int xen_pv_iommu_bfns_take(XenPvIommuBfns *bfns, uint64_t pages, uint64_t from,
                           uint64_t end, uint64_t *bfn);

/**
 * xen_pv_iommu_bfns_largest: the longest free run
 * @bfns: the allocator
 * @end: one past the highest frame that will do
 *
 * For a request that no single run can serve.
 *
 * Returns: its length in pages, 0 if nothing is free.  A run that crosses @end
 * counts with the part below.
 */
uint64_t xen_pv_iommu_bfns_largest(XenPvIommuBfns *bfns, uint64_t end);

/**
 * xen_pv_iommu_bfns_give: frames are free again
 * @bfns: the allocator
 * @bfn: the first
 * @pages: how many; they need not be the run that was taken
 *
 * Returns: 0, or
 *   -EINVAL  a frame was not taken
 * On failure nothing has changed.
 */
int xen_pv_iommu_bfns_give(XenPvIommuBfns *bfns, uint64_t bfn, uint64_t pages);

/**
 * xen_pv_iommu_bfns_free_pages: how many frames can be taken
 * @bfns: the allocator
 */
uint64_t xen_pv_iommu_bfns_free_pages(const XenPvIommuBfns *bfns);

#endif /* HW_XEN_PV_IOMMU_BFN_H */
