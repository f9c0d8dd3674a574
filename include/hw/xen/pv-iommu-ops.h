/*
 * PV IOMMU: the hypervisor, as the client sees it
 *
 * Concepts
 * - One small table.  native.c fills it with hypercalls, hypervisor.c with a
 *   model of a hypervisor in this process.
 * - The table carries operations as they go over the wire; what they mean is
 *   the client's business.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_OPS_H
#define HW_XEN_PV_IOMMU_OPS_H

#include <stdint.h>

#include "hw/xen/pv-iommu-abi.h"

/*
 * Operations in one call: what fits in one page of libxencall's buffers, which
 * begin with a header of 16 bytes.
 */
#define XEN_PV_IOMMU_BATCH 127

/**
 * XenPvIommuReservedFunc: told of one reserved region of the host
 * @start_bfn: its first frame
 * @frames: how many
 * @sbdf: the PCI device that needs it: segment << 16 | bus << 8 | devfn
 * @opaque: the caller's
 */
typedef void XenPvIommuReservedFunc(uint64_t start_bfn, uint64_t frames,
                                    uint32_t sbdf, void *opaque);

typedef struct XenPvIommuOps {
    const char *name;

    /**
     * @submit: one hypercall
     * @hypervisor: what the table works on
     * @ops: the operations, at most XEN_PV_IOMMU_BATCH; each one's status and
     *       results are filled in when the call returns 0
     * @count: how many, at least 1
     *
     * Returns: 0, or
     *   -ENOSYS  this Xen has no PV IOMMU, or not for this domain
     *   -EPERM   the process has given up its privilege
     *   -EINVAL  @count is 0 or above XEN_PV_IOMMU_BATCH
     *   other    the call failed as a whole; no operation was done
     */
    int (*submit)(void *hypervisor, XenPvIommuOp *ops, unsigned count);

    /**
     * @reserved_regions: tell of the host's reserved regions (RMRRs)
     * @hypervisor: what the table works on
     * @func: called for each region
     * @opaque: for @func
     *
     * Returns: 0, or -errno; -ENOSYS: Xen cannot tell (no IOMMU)
     */
    int (*reserved_regions)(void *hypervisor, XenPvIommuReservedFunc *func,
                            void *opaque);

    /**
     * @max_mfn: the highest machine frame of the host
     * @hypervisor: what the table works on
     * @mfn: set to it
     *
     * All of RAM can have a BFN that equals its MFN (the 1:1 map), so BFNs of
     * our own choice lie above.
     *
     * Returns: 0, or -errno
     */
    int (*max_mfn)(void *hypervisor, uint64_t *mfn);
} XenPvIommuOps;

#endif /* HW_XEN_PV_IOMMU_OPS_H */
