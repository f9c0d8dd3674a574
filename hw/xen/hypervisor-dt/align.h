/*
 * Hypervisor node: addresses at multiples
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_ALIGN_H
#define HW_XEN_HYPERVISOR_DT_ALIGN_H

#include <stdint.h>

static inline uint64_t align_down(uint64_t address, uint64_t to)
{
    return address - address % to;
}

/* For addresses below 1 << HYPERVISOR_DT_ADDRESS_BITS_MAX: cannot wrap. */
static inline uint64_t align_up(uint64_t address, uint64_t to)
{
    return align_down(address + to - 1, to);
}

#endif /* HW_XEN_HYPERVISOR_DT_ALIGN_H */
