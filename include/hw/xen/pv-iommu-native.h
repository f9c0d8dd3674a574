/*
 * PV IOMMU: hypercalls to the Xen that this process runs on
 *
 * Concepts
 * - A handle has its own connection to Xen and one buffer of one page, made
 *   once, that each hypercall uses anew: no call allocates, maps or locks
 *   memory.
 * - The buffer is why a handle serves one caller at a time.
 * - A process that has restricted itself (xentoolcore_restrict_all(), QEMU's
 *   -xen-domid-restrict) has given up this hypercall with all others: what was
 *   opened before says -EPERM from then on.
 *
 * Needs libxencall and libxenctrl.  It knows nothing of QEMU, so that a test
 * can put other libraries below it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_NATIVE_H
#define HW_XEN_PV_IOMMU_NATIVE_H

#include "hw/xen/pv-iommu-ops.h"

/* Reserved regions that a host can have; more is taken for nonsense. */
#define XEN_PV_IOMMU_NATIVE_REGIONS_MAX 4096

typedef struct XenPvIommuNative XenPvIommuNative;

/*
 * What answers; its hypervisor argument is a XenPvIommuNative.  Besides what
 * XenPvIommuOps says:
 *
 *   submit            -EPERM also when the kernel refuses (ENOTTY, EBADF and
 *                     EPERM are what a restricted handle meets)
 *   an op's status    in this host's errno numbers, whatever Xen's are; one
 *                     that Xen's interface does not list is -EIO
 *   reserved_regions  -E2BIG: Xen has more than _NATIVE_REGIONS_MAX, or
 *                     another number each time that it is asked
 */
extern const XenPvIommuOps xen_pv_iommu_native_ops;

/**
 * xen_pv_iommu_native_open: connect to Xen
 * @native: set to a handle, to be closed with xen_pv_iommu_native_close()
 * @step: set on failure to what could not be done, for a message: a constant
 *        such as "open libxencall"
 *
 * Does not ask whether this Xen has a PV IOMMU: the first query_caps does.
 *
 * Returns: 0, or -errno of the library that failed
 */
int xen_pv_iommu_native_open(XenPvIommuNative **native, const char **step);

/**
 * xen_pv_iommu_native_close: disconnect
 * @native: the handle, or NULL
 */
void xen_pv_iommu_native_close(XenPvIommuNative *native);

#endif /* HW_XEN_PV_IOMMU_NATIVE_H */
