/*
 * Hypervisor node: the tree that a domain's first CPU will find
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_TREE_IN_GUEST_H
#define HW_XEN_HYPERVISOR_DT_TREE_IN_GUEST_H

#include "hw/xen/hypervisor-dt-domain.h"

typedef struct TreeInGuest {
    uint64_t gpa;
    uint64_t kernel;            /* where the first CPU begins */
    void *bytes;                /* a copy, nothing of it is checked */
    size_t size;                /* as it claims */
} TreeInGuest;

/**
 * memory_unreadable: say that reading failed, for no reason of the domain's
 * @error: filled in
 * @ret: from an op of the domain; not -EFAULT, which says what is not RAM
 * @gpa: where
 *
 * Returns: @ret
 */
int memory_unreadable(HypervisorDtError *error, int ret, uint64_t gpa);

/**
 * tree_in_guest_read: fetch it
 * @ops: the domain
 * @domain: for @ops
 * @tree: filled in; to be cleared, also on failure
 * @error: filled in on failure
 *
 * Returns: 0, -EFAULT, as hypervisor_dt_blob_size(), or from @ops
 */
int tree_in_guest_read(const HypervisorDtDomainOps *ops, void *domain,
                       TreeInGuest *tree, HypervisorDtError *error);
void tree_in_guest_clear(TreeInGuest *tree);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TreeInGuest, tree_in_guest_clear)

#endif /* HW_XEN_HYPERVISOR_DT_TREE_IN_GUEST_H */
