/*
 * Hypervisor node: what is taken, collected
 *
 * Concepts
 * - Ranges of addresses and interrupts, each with the name of who has it.  The
 *   names are made here and live as long as the collection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_TAKEN_H
#define HW_XEN_HYPERVISOR_DT_TAKEN_H

#include "hw/xen/hypervisor-dt-regions.h"

typedef struct Taken {
    GArray *ranges;         /* HypervisorDtRange */
    GPtrArray *names;       /* char * */
    GHashTable *interrupts; /* GIC interrupt id to name */
} Taken;

Taken *taken_new(void);
void taken_free(Taken *taken);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Taken, taken_free)

/* Add a range, also an empty one: checking is for the region core. */
void taken_add(Taken *taken, HypervisorDtRangeKind kind, uint64_t base,
               uint64_t size, const char *format, ...) G_GNUC_PRINTF(5, 6);

/**
 * taken_add_interrupt: an interrupt has a user
 * @taken: the collection
 * @irq: GIC interrupt id; must be an SPI
 * @error: filled in on failure
 * @format: printf's, for the user's name
 *
 * Returns: 0, or
 *   -EINVAL  @irq is not an SPI
 *   -EEXIST  it has a user already; @error names both
 */
int taken_add_interrupt(Taken *taken, unsigned irq, HypervisorDtError *error,
                        const char *format, ...) G_GNUC_PRINTF(4, 5);

#endif /* HW_XEN_HYPERVISOR_DT_TAKEN_H */
