/*
 * Hypervisor node: room for a tree that has grown
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_ROOM_H
#define HW_XEN_HYPERVISOR_DT_ROOM_H

#include "tree-in-guest.h"

/**
 * room_check: can a tree be as large as this where it is?
 * @ops: the domain
 * @domain: for @ops
 * @tree: the tree as it is; it was checked by hypervisor_dt_fixup()
 * @size: of the new one, in bytes
 * @error: filled in on failure
 *
 * See hypervisor_dt_domain_fixup() for what proves that a page is free.
 *
 * Returns: 0, or -ENOSPC, or from @ops
 */
int room_check(const HypervisorDtDomainOps *ops, void *domain,
               const TreeInGuest *tree, size_t size,
               HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_ROOM_H */
