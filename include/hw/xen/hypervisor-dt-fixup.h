/*
 * Hypervisor node: adding QEMU's devices to a tree that libxl has made
 *
 * Concepts
 * - libxl puts a device tree into the guest's memory; it knows nothing of the
 *   devices that QEMU emulates, and gives their addresses away as extended
 *   regions.
 * - The fix-up reads such a tree, adds the nodes that are missing, takes
 *   QEMU's windows out of the regions, and returns a new tree.  It writes
 *   nothing else: region 0 and all nodes that are there stay as they are.
 * - The tree is bytes from somebody else's memory.  It is checked as a whole
 *   before any of it is believed, and nothing in it makes this code crash,
 *   loop or read beyond it.
 * - What comes out is within the limits for what goes in.
 * - Done twice, the second time changes nothing.  (One exception: if nothing
 *   was left of the regions that a tree had, it looks as if it never had any.)
 *
 * GLib and libfdt; no state, no I/O, no access to the guest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_FIXUP_H
#define HW_XEN_HYPERVISOR_DT_FIXUP_H

#include "hw/xen/hypervisor-dt-tree.h"

/* How deep nodes may be nested (FDT_MAX_DEPTH of Linux, drivers/of/fdt.c). */
#define HYPERVISOR_DT_DEPTH_MAX 64

/*
 * Limits that keep the time bounded; what libxl makes is far below them (about
 * 150 nodes with 128 CPUs, 500 bytes of names).
 */
#define HYPERVISOR_DT_NODES_MAX 4096            /* the root included */
#define HYPERVISOR_DT_STRINGS_MAX 65536         /* bytes of property names */
#define HYPERVISOR_DT_PROPERTY_NAME_MAX 255     /* characters of one of them */

/* Bytes that tell how large a tree is: magic number and total size. */
#define HYPERVISOR_DT_PREFIX_SIZE 8

typedef struct HypervisorDtFixup {
    unsigned address_bits;  /* of the domain's guest-physical addresses */
    HypervisorDtWindow windows[HYPERVISOR_DT_RAM_BANKS];    /* for RAM */
    HypervisorDtDevices devices;
    HypervisorDtRegionOptions regions;
    uint64_t ram;           /* bytes that the tree must have; 0: any */
    size_t room;            /* bytes that the new tree may have */
} HypervisorDtFixup;

/* What was done, for the log. */
typedef struct HypervisorDtFixupReport {
    unsigned added;         /* nodes that were added */
    unsigned present;       /* nodes that were there already */
    uint64_t ram;           /* bytes, sum of the memory nodes */
    HypervisorDtRegions regions;
} HypervisorDtFixupReport;

/**
 * hypervisor_dt_blob_size: how large the tree is that begins here
 * @prefix: its first HYPERVISOR_DT_PREFIX_SIZE bytes
 * @size: set to the size it claims to have, in bytes
 * @error: filled in on failure
 *
 * For a reader who must know how much to fetch.  The claim is checked against
 * HYPERVISOR_DT_BLOB_MAX, nothing else is.
 *
 * Returns: 0, or
 *   -EINVAL  it does not begin with the magic number, or claims to be smaller
 *            than its header
 *   -E2BIG   it claims to be larger than HYPERVISOR_DT_BLOB_MAX
 */
int hypervisor_dt_blob_size(const void *prefix, size_t *size,
                            HypervisorDtError *error);

/**
 * hypervisor_dt_fixup: add QEMU's devices to a tree
 * @blob: the tree; any bytes, any alignment; it is not changed
 * @length: how many bytes there are; the tree may be shorter
 * @fixup: what to do
 * @size: set to the size of the new tree, in bytes
 * @report: filled in on success, or NULL
 * @error: filled in on failure
 *
 * RAM is what the tree's memory nodes say; it must lie in @fixup->windows.
 * The regions are those that the windows, RAM, the tree's own nodes and QEMU's
 * windows leave.  If the tree lists regions already, then nothing outside
 * those is given out either: whoever built the domain knew why.
 *
 * A device is there already if a node of its kind has the same registers,
 * interrupts and windows.
 *
 * Returns: the new tree, to be freed with g_free(), of at most @fixup->room
 * bytes.  NULL on failure, with one of these as @error->code:
 *   -EINVAL   the bytes are no device tree (truncated, wrong magic number,
 *             blocks that overlap or lie outside, a broken structure), or a
 *             property is not what it must be (cells, compatible, reg,
 *             interrupts); or it has not as much RAM as @fixup says
 *   -E2BIG    the tree, or something in it, is larger than the limits, or
 *             would be with QEMU's devices
 *   -ELOOP    nodes are nested too deeply, or the interrupt parents of the
 *             hypervisor node go round in a circle
 *   -ENODEV   a device in the tree is of a kind that only QEMU serves, and
 *             QEMU has none there
 *   -ENOENT   there is no hypervisor node, no interrupt controller with
 *             phandle 65000, or no RAM; or the hypervisor node's interrupt
 *             leads to a phandle that no node has
 *   -ERANGE   a range ends beyond the address space or 2^64, or RAM lies
 *             outside the windows for it
 *   -EEXIST   something that must be unique is there twice, or a device of
 *             QEMU's clashes with something in the tree; @error names both
 *   -ENOSPC   the new tree is larger than @fixup->room
 * and those of hypervisor_dt_generate() for what @fixup itself says.  On
 * failure @size and @report are as they were.
 */
void *hypervisor_dt_fixup(const void *blob, size_t length,
                          const HypervisorDtFixup *fixup, size_t *size,
                          HypervisorDtFixupReport *report,
                          HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_FIXUP_H */
