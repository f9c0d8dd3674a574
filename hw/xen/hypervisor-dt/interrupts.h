/*
 * Hypervisor node: which interrupts the nodes of a tree use
 *
 * Concepts
 * - A node says it in "interrupts" (they go to its interrupt parent), in
 *   "interrupts-extended" (each entry has a parent of its own) or, on behalf
 *   of what is below it, in "interrupt-map".
 * - Only those that go to the GIC are looked at; what QEMU's devices use must
 *   not be among them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_INTERRUPTS_H
#define HW_XEN_HYPERVISOR_DT_INTERRUPTS_H

#include <glib.h>

#include "hw/xen/hypervisor-dt-error.h"

typedef struct InterruptNode {
    const void *fdt;            /* as from blob_copy_checked() */
    int node;
    uint32_t parent;            /* phandle of its interrupt parent; 0: none */
    uint32_t address_cells;     /* of what is below it */
    uint32_t interrupt_cells;   /* likewise; 0: it says nothing */
} InterruptNode;

/**
 * interrupt_parents_new: the nodes that others can name as interrupt parents
 * @fdt: the tree
 *
 * Returns: a table of what has a phandle, to be freed with
 * g_hash_table_unref()
 */
GHashTable *interrupt_parents_new(const void *fdt);

/**
 * interrupts_check: does a node use an interrupt of QEMU's?
 * @node: the node
 * @parents: as from interrupt_parents_new() of the same tree
 * @ours: the interrupts of QEMU's devices, to their names
 * @error: filled in on failure
 *
 * Returns: 0, or
 *   -EEXIST  it does; @error names both
 *   -EINVAL  one of the three properties is not what it must be
 */
int interrupts_check(const InterruptNode *node, GHashTable *parents,
                     GHashTable *ours, HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_INTERRUPTS_H */
