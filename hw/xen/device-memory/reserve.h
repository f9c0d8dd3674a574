/*
 * Device memory: pages set aside for a device model that may not ask later
 *
 * Concepts
 * - After -xen-domid-restrict a device model can neither ask, populate nor
 *   release.  It can still move pages within its guest.
 * - The reserve is a RAMBlock of its own, populated at start, of the size of
 *   the machine property device-memory-reserve.
 * - A block that is needed later gets its pages: they are moved to it.
 * - A block that goes becomes part of the reserve.  Its pages are moved to
 *   where the reserve has gaps, so that after a migration they are where the
 *   destination expects them; what has no room there stays where it is.
 * - A new block may be put where such a part lies; the part is used then.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_RESERVE_H
#define HW_XEN_DEVICE_MEMORY_RESERVE_H

#include "claim.h"

/* What the reserve's blocks are called in the ledger. */
#define DEVICE_MEMORY_RESERVE_NAME "reserve"

/* And what pages are called that a failed move has left somewhere. */
#define DEVICE_MEMORY_LOST_NAME "lost"

/**
 * device_memory_reserve_make: populate the reserve
 * @dm: the object
 * @size: in bytes; 0 makes none
 * @errp: set when false is returned
 *
 * Returns: whether the reserve is there
 */
bool device_memory_reserve_make(XenDeviceMemory *dm, uint64_t size,
                                Error **errp);

/**
 * device_memory_reserve_is: is a memory region the reserve?
 * @dm: the object
 * @mr: the memory region
 */
bool device_memory_reserve_is(const XenDeviceMemory *dm,
                              const MemoryRegion *mr);

/**
 * device_memory_reserve_applies: must pages come from the reserve now?
 * @dm: the object
 *
 * Returns: whether the device model has been restricted
 */
bool device_memory_reserve_applies(XenDeviceMemory *dm);

/**
 * device_memory_reserve_take: make a block of pages of the reserve
 * @claim: a block that is not in the ledger
 * @errp: set when false is returned
 *
 * Returns: true when the block is in the ledger, as populated
 */
bool device_memory_reserve_take(const Claim *claim, Error **errp);

/**
 * device_memory_reserve_keep: a block is not needed any more
 * @dm: the object
 * @block: a populated block of its ledger, part of the reserve from now on;
 *         not valid afterwards
 *
 * A warning is printed if Xen does not move its pages.
 */
void device_memory_reserve_keep(XenDeviceMemory *dm,
                                const DeviceMemoryBlock *block);

#endif /* HW_XEN_DEVICE_MEMORY_RESERVE_H */
