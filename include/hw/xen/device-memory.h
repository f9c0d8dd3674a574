/*
 * Device memory: what QEMU's own files call
 *
 * Concepts
 * - Under Xen a RAMBlock that is not guest RAM takes pages of the guest.
 * - Each such block is entered in a ledger; what the toolstack does not
 *   account for by itself is asked for before Xen is asked for the pages.
 * - One object, of a subclass of "xen-device-memory", does this for the whole
 *   device model: "-native" under Xen, "-emulated" for tests without Xen.
 * - Without such an object every function here does nothing and succeeds.
 *
 * Called with the BQL held.  See docs/specs/device-memory.rst for the protocol
 * and docs/devel/device-memory.rst for a walk through the code.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_H
#define HW_XEN_DEVICE_MEMORY_H

#include "hw/xen/xendm-compat.h"

/**
 * xen_device_memory_add: account for a new RAMBlock and populate it
 * @ram_addr: where it goes, in bytes; under Xen also its guest address
 * @size: its size, in bytes
 * @mr: the memory region that it is for
 * @errp: set when false is returned
 *
 * During an incoming migration the pages have come with the stream; the block
 * is only accounted for.
 *
 * Returns: true when the block has its pages, or is none of ours; false when
 * the toolstack refuses or does not answer, or Xen has no pages.  Nothing is
 * held then.
 */
bool xen_device_memory_add(ram_addr_t ram_addr, ram_addr_t size,
                           MemoryRegion *mr, Error **errp);

/**
 * xen_device_memory_owns: was this RAMBlock populated by us?
 * @ram_addr: where the block begins, in bytes
 *
 * Returns: whether xen_device_memory_add() has populated a block there
 */
bool xen_device_memory_owns(ram_addr_t ram_addr);

/**
 * xen_device_memory_prepare: ask for memory before it is too late to fail
 * @owner: the device that will need it
 * @name: what it is for
 * @size: how much it will be, in bytes
 * @errp: set when false is returned
 *
 * For callers whose allocation itself may not fail.  What is granted here is
 * used up by the next xen_device_memory_add().
 *
 * Returns: true when a block of @size may be added, or when no toolstack
 * decides about it; false when it is refused or not answered
 */
bool xen_device_memory_prepare(Object *owner, const char *name,
                               uint64_t size, Error **errp);

#endif /* HW_XEN_DEVICE_MEMORY_H */
