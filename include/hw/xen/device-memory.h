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
 * Called with the BQL held, where nothing else is said.  See
 * docs/specs/device-memory.rst for the protocol and
 * docs/devel/device-memory.rst for a walk through the code.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_H
#define HW_XEN_DEVICE_MEMORY_H

#include "hw/xen/xendm-compat.h"

/* pci_patch_ids(), or a function like it: adapt a ROM's @size bytes at @rom. */
typedef void XenOptionRomPatch(PCIDevice *pdev, uint8_t *rom, uint32_t size);

/**
 * xen_device_memory_add: account for a new RAMBlock and populate it
 * @block: its offset, size and memory region are set; its host address is not.
 *         It gets its host address here, unless QEMU is to map it: video
 *         memory of an incoming migration.
 * @errp: set when false is returned
 *
 * During an incoming migration the pages have come with the stream; the block
 * is only accounted for.
 *
 * Returns: true when the block has its pages, or is none of ours; false when
 * the toolstack refuses or does not answer, Xen has no pages, or they cannot be
 * mapped.  Nothing is held then.
 */
bool xen_device_memory_add(RAMBlock *block, Error **errp);

/**
 * xen_device_memory_owns: was this RAMBlock populated by us?
 * @ram_addr: where the block begins, in bytes
 *
 * Returns: whether xen_device_memory_add() has populated a block there
 */
bool xen_device_memory_owns(ram_addr_t ram_addr);

/**
 * xen_device_memory_prepare: take memory before it is too late to fail
 * @owner: the device that will need it
 * @name: what it is for
 * @size: how much it will be, in bytes
 * @errp: set when false is returned
 *
 * For option ROMs, whose allocation itself may not fail.  The block that is
 * added next, with the same owner, name and size, finds its pages populated.
 *
 * Returns: true when such a block can be added; false when it is refused, not
 * answered, or cannot be populated.  Nothing is held then.
 */
bool xen_device_memory_prepare(Object *owner, const char *name,
                               uint64_t size, Error **errp);

/**
 * xen_device_memory_may_plug: can this device come while the guest runs?
 * @dev: a device that is being realized
 * @instead: a device like it that can
 * @errp: set when false is returned
 *
 * For devices whose allocation may not fail, and that do not let go of their
 * memory when they are unplugged.
 *
 * Returns: true for a device of the command line, and for any device when
 * nothing is accounted for
 */
bool xen_device_memory_may_plug(DeviceState *dev, const char *instead,
                                Error **errp);

/**
 * xen_device_memory_block_from_host: whose is this address?
 * @ptr: an address in this process
 * @block: set to the block that has it
 * @offset: set to the distance from the block's begin, in bytes
 *
 * Any thread may call this, with and without the BQL.
 *
 * Returns: whether @ptr is in a block that was mapped by
 * xen_device_memory_add(); nothing is set otherwise
 */
bool xen_device_memory_block_from_host(const void *ptr, RAMBlock **block,
                                       ram_addr_t *offset);

/**
 * xen_device_memory_retire: a RAMBlock is about to be removed
 * @block: the block, still complete
 *
 * Its pages are given back to Xen, wherever QEMU has moved them; its address
 * can be used anew.  Mappings live until xen_device_memory_reclaim(), because
 * they may still be read.
 */
void xen_device_memory_retire(RAMBlock *block);

/**
 * xen_device_memory_reclaim: nobody reads a removed RAMBlock any more
 * @block: the block; its memory region may be gone
 *
 * Mappings made by xen_device_memory_add() are removed, and the toolstack is
 * told that the total is lower.
 */
void xen_device_memory_reclaim(RAMBlock *block);

/**
 * xen_device_memory_bring_back: undo what QEMU has done to video memory
 * @ram_addr: where a RAMBlock that is about to go begins, in bytes
 *
 * Pages that are at a BAR are moved back; the next display can take the
 * block's role.  Part of QEMU's own file, where these things are kept.
 */
void xen_device_memory_bring_back(ram_addr_t ram_addr);

/**
 * xen_device_memory_private_rom: keep an option ROM in this process
 * @pdev: the device; romsize is set
 * @name: of the memory region
 * @path: the file to load, or NULL when the contents come by migration
 * @size: of the file, in bytes; at most romsize
 * @patch: applied to the contents, or NULL
 * @errp: set when the file cannot be loaded
 *
 * Returns: false when the ROM is to be kept in guest pages; true when it has
 * been dealt with, be it by an error
 */
bool xen_device_memory_private_rom(PCIDevice *pdev, const char *name,
                                   const char *path, int64_t size,
                                   XenOptionRomPatch *patch, Error **errp);

/**
 * xen_device_memory_machine_class_init: add our machine properties
 * @oc: the class of PC machines
 */
void xen_device_memory_machine_class_init(ObjectClass *oc);

#endif /* HW_XEN_DEVICE_MEMORY_H */
