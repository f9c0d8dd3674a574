/*
 * Hypervisor node: what a tree says that is to be fixed up
 *
 * Concepts
 * - One walk over all nodes finds out where RAM is, what else is taken, and
 *   which of QEMU's devices are there already.
 * - A node's "reg" counts if it is an address of the guest's: below the root,
 *   and below buses that map one to one (an empty "ranges").  Of a bus that
 *   maps otherwise, its windows count.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_SURVEY_H
#define HW_XEN_HYPERVISOR_DT_SURVEY_H

#include "taken.h"

typedef struct Survey {
    /* What it is about; the caller's. */
    const void *fdt;            /* as from blob_copy_checked() */
    const void *devices;        /* a tree with QEMU's devices below its root */
    GHashTable *interrupts;     /* those of QEMU's devices, to their names */
    /* What was found. */
    int hypervisor;             /* the node's offset */
    GArray *regions;            /* HypervisorDtRange, the node's reg[1..] */
    uint64_t region0_base;
    uint64_t region0_size;
    GArray *ram;                /* HypervisorDtRange */
    Taken *found;               /* everything in the tree, RAM included */
    GHashTable *present;        /* offsets in @devices, plus 1 */
} Survey;

/* Nothing found yet; @interrupts must live as long as @survey. */
void survey_init(Survey *survey, GHashTable *interrupts);
void survey_clear(Survey *survey);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Survey, survey_clear)

/**
 * survey_run: walk over the tree
 * @survey: filled in
 * @fdt: the tree, as from blob_copy_checked(); must live as long as @survey
 * @devices: a tree with QEMU's devices below its root; likewise
 * @error: filled in on failure
 *
 * Returns: 0, or -EINVAL, -ENOENT, -EEXIST, -ERANGE or -ELOOP as in
 * hypervisor_dt_fixup()
 */
int survey_run(Survey *survey, const void *fdt, const void *devices,
               HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_SURVEY_H */
