/*
 * PV IOMMU: what QEMU's own files, and other capabilities, call
 *
 * Concepts
 * - Xen's ioreqs arrive in hw/xen/xen-hvm-common.c.  Those that say that a BFN
 *   has lost its page are for the PV IOMMU.
 * - Memory that QEMU places in the guest (video memory, option ROMs) keeps
 *   clear of the host's reserved regions once a device uses the PV IOMMU.
 * - Without such a device, all is as in an unmodified QEMU.
 *
 * Called with the BQL held.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_HOOKS_H
#define HW_XEN_PV_IOMMU_HOOKS_H

#include "qom/object.h"

/**
 * xen_pv_iommu_ioserver: Xen has given this device model an ioreq server
 * @ioserver: its id; mappings are made in its name
 */
void xen_pv_iommu_ioserver(uint16_t ioserver);

/**
 * xen_pv_iommu_ioreq: is an ioreq about a BFN?
 * @type: its type, in Xen's numbers
 * @size: the width of its data in bytes
 * @data: its data; any value, it is not trusted
 *
 * IOREQ_TYPE_INVALIDATE with all bits set asks to flush the map cache, and is
 * left to QEMU, as is every other type but XenServer's IOREQ_TYPE_INVAL_BFN.
 * Where no device uses the PV IOMMU, IOREQ_TYPE_INVALIDATE is left to QEMU
 * whatever its data.
 *
 * Returns: true if it is done with
 */
bool xen_pv_iommu_ioreq(unsigned type, unsigned size, uint64_t data);

/**
 * xen_pv_iommu_placement: may QEMU place memory in the guest here?
 * @owner: the device it is for, or NULL
 * @name: what it is
 * @gfn: its first page
 * @pages: how many
 * @errp: set when false is returned
 *
 * The policy is the owner's property "rdm-policy", or strict if it has none.
 * Asked before a page is populated.
 *
 * Returns: false if it lies in a reserved region of the host, the policy is
 *          strict, and a device uses the PV IOMMU
 */
bool xen_pv_iommu_placement(Object *owner, const char *name, uint64_t gfn,
                            uint64_t pages, Error **errp);

#endif /* HW_XEN_PV_IOMMU_HOOKS_H */
