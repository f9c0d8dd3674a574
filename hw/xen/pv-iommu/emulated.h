/*
 * PV IOMMU: the bus of the emulated host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_EMULATED_H
#define HW_XEN_PV_IOMMU_EMULATED_H

#include <stdbool.h>
#include <stdint.h>

#include "qemu/notify.h"

/**
 * pv_iommu_emulated_exists: is there an emulated host?
 */
bool pv_iommu_emulated_exists(void);

/**
 * pv_iommu_emulated_holds: does the bus keep transfers from ending?
 *
 * A test says so, to play hardware that does not stop at once.
 */
bool pv_iommu_emulated_holds(void);

/**
 * pv_iommu_emulated_wait: hear each time that the bus lets transfers end again
 * @notifier: called without data, until notifier_remove()
 *
 * There is an emulated host.
 */
void pv_iommu_emulated_wait(Notifier *notifier);

/**
 * pv_iommu_emulated_access: a bus master reads or writes
 * @address: on the bus, in bytes
 * @buffer: read into or written from
 * @length: at least 1; it does not cross a page
 * @write: its direction
 *
 * Returns: false if the bus faults
 */
bool pv_iommu_emulated_access(uint64_t address, void *buffer, unsigned length,
                              bool write);

#endif /* HW_XEN_PV_IOMMU_EMULATED_H */
