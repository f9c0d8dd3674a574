/*
 * Hypervisor node: its "reg" property
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_HYPERVISOR_NODE_H
#define HW_XEN_HYPERVISOR_DT_HYPERVISOR_NODE_H

#include "hw/xen/hypervisor-dt-regions.h"

/* How many 64-bit words "reg" has: base and size, region 0 and the others. */
static inline size_t
hypervisor_node_reg_words(const HypervisorDtRegions *regions)
{
    return 2 * (1 + (size_t)regions->number);
}

/**
 * hypervisor_node_reg: the words of "reg"
 * @base: of region 0, in bytes
 * @size: of region 0, in bytes
 * @regions: regions 1 and on
 *
 * Returns: hypervisor_node_reg_words() words in the host's order, to be freed
 * with g_free()
 */
static inline uint64_t *
hypervisor_node_reg(uint64_t base, uint64_t size,
                    const HypervisorDtRegions *regions)
{
    uint64_t *words = g_new(uint64_t, hypervisor_node_reg_words(regions));

    words[0] = base;
    words[1] = size;
    for (unsigned i = 0; i < regions->number; i++) {
        words[2 * (i + 1)] = regions->region[i].base;
        words[2 * (i + 1) + 1] = regions->region[i].size;
    }
    return words;
}

#endif /* HW_XEN_HYPERVISOR_DT_HYPERVISOR_NODE_H */
