/*
 * Device memory: properties of the machine
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_MACHINE_H
#define HW_XEN_DEVICE_MEMORY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * device_memory_machine_reserve: machine property device-memory-reserve
 *
 * Returns: bytes, a multiple of the page size
 */
uint64_t device_memory_machine_reserve(void);

/**
 * device_memory_machine_private_roms: machine property option-rom
 *
 * Returns: whether it is "private"
 */
bool device_memory_machine_private_roms(void);

#endif /* HW_XEN_DEVICE_MEMORY_MACHINE_H */
