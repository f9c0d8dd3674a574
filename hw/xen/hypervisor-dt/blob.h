/*
 * Hypervisor node: a device tree of unknown origin
 *
 * Concepts
 * - Nothing is believed before all of it was checked, on a copy that nobody
 *   else can change.
 * - What has been checked is safe to walk with libfdt, and not nested more
 *   deeply than HYPERVISOR_DT_DEPTH_MAX.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_BLOB_H
#define HW_XEN_HYPERVISOR_DT_BLOB_H

#include "hw/xen/hypervisor-dt-fixup.h"

/**
 * blob_copy_checked: take a tree over
 * @bytes: any bytes, of any alignment
 * @length: how many
 * @error: filled in on failure
 *
 * Returns: a copy of the tree, without what follows it, to be freed with
 * g_free(); NULL on failure, with -EINVAL, -E2BIG or -ELOOP as in
 * hypervisor_dt_fixup()
 */
void *blob_copy_checked(const void *bytes, size_t length,
                        HypervisorDtError *error);

/**
 * blob_check_limits: is a tree small enough?
 * @fdt: the tree; it is as libfdt wants it
 * @error: filled in on failure
 *
 * blob_copy_checked() looks at these as well.
 *
 * Returns: 0, or
 *   -E2BIG   too many nodes, or too many or too long names of properties
 *   -ELOOP   nodes are nested too deeply
 */
int blob_check_limits(const void *fdt, HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_BLOB_H */
