/*
 * PV IOMMU: what one device has yet to give back
 *
 * Concepts
 * - A run that became invalid under a device waits here: first until the
 *   device is told, then until it releases the run or is late.
 * - A run without a deadline gets one from the next call that knows the time.
 * - Runs are told, and are late, in the order in which they came.  What is
 *   late is reported and forgotten, so nothing is here for longer than the
 *   device may take to quiesce.
 *
 * Adding, removing and telling cost O(log n) for n runs; the rest O(1) for
 * each run that it returns or sets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_DRAIN_H
#define HW_XEN_PV_IOMMU_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/xen/pv-iommu-client.h"

typedef struct XenPvIommuDrain XenPvIommuDrain;

/**
 * xen_pv_iommu_drain_new: nothing waits
 *
 * Returns: to be freed with xen_pv_iommu_drain_free()
 */
XenPvIommuDrain *xen_pv_iommu_drain_new(void);

/**
 * xen_pv_iommu_drain_free: forget everything
 * @drain: or NULL
 */
void xen_pv_iommu_drain_free(XenPvIommuDrain *drain);

/**
 * xen_pv_iommu_drain_empty: does nothing wait?
 * @drain: the device's
 */
bool xen_pv_iommu_drain_empty(const XenPvIommuDrain *drain);

/**
 * xen_pv_iommu_drain_add: a run waits, untold and without a deadline
 * @drain: the device's
 * @run: no page of it, (bfn, gfn), waits already
 */
void xen_pv_iommu_drain_add(XenPvIommuDrain *drain, const XenPvIommuRun *run);

/**
 * xen_pv_iommu_drain_remove: the device no longer uses a run
 * @drain: the device's
 * @run: what of it does not wait is of no account
 */
void xen_pv_iommu_drain_remove(XenPvIommuDrain *drain,
                               const XenPvIommuRun *run);

/**
 * xen_pv_iommu_drain_start: runs without a deadline get one
 * @drain: the device's
 * @deadline_ms: when; not before the last one that was set
 */
void xen_pv_iommu_drain_start(XenPvIommuDrain *drain, int64_t deadline_ms);

/**
 * xen_pv_iommu_drain_tell: the next run that the device has not been told of
 * @drain: the device's
 * @run: set to it; it counts as told from now on
 *
 * Returns: false if there is none
 */
bool xen_pv_iommu_drain_tell(XenPvIommuDrain *drain, XenPvIommuRun *run);

/**
 * xen_pv_iommu_drain_deadline: when the first run is late
 * @drain: the device's
 *
 * Returns: a time, INT64_MAX if nothing waits, 0 if the first run has no
 *          deadline yet
 */
int64_t xen_pv_iommu_drain_deadline(const XenPvIommuDrain *drain);

/**
 * xen_pv_iommu_drain_overdue: take out the next run that is late
 * @drain: the device's
 * @now_ms: the time
 * @run: set to it
 *
 * Returns: false if there is none
 */
bool xen_pv_iommu_drain_overdue(XenPvIommuDrain *drain, int64_t now_ms,
                                XenPvIommuRun *run);

#endif /* HW_XEN_PV_IOMMU_DRAIN_H */
