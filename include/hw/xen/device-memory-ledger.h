/*
 * Device memory: the device model's ledger
 *
 * Concepts
 * - A block is a run of guest pages that the device model holds or is about
 *   to take: video memory, an option ROM, a memory backend.
 * - A block goes from wanted to granted to populated, and is then released.
 * - Credit is what the toolstack accounts for by itself (video memory); need
 *   is what the blocks come to beyond the credit.  Only need is asked for.
 * - Runs are [gfn, gfn + pages); two blocks never overlap.
 * - A page lingers when it has left its gfn but Xen still counts it, because
 *   it is still mapped somewhere.  Lingering pages are part of the need.
 *
 * A ledger decides nothing and calls nothing: it adds up.  It has no lock; its
 * owner serialises the calls.  GLib only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_LEDGER_H
#define HW_XEN_DEVICE_MEMORY_LEDGER_H

#include "hw/xen/device-memory-protocol.h"

/* One past the highest gfn a block can end at: 52-bit physical addresses. */
#define DEVICE_MEMORY_GFN_END (UINT64_C(1) << 40)

typedef struct DeviceMemoryLedger DeviceMemoryLedger;

typedef struct DeviceMemoryBlock {
    char *name;                     /* owned by the ledger */
    uint64_t gfn;                   /* first page */
    uint32_t pages;
    DeviceMemoryBlockState state;
} DeviceMemoryBlock;

/* Pages of the blocks in each state; need and credit in KiB. */
typedef struct DeviceMemoryTotals {
    uint64_t wanted_pages;
    uint64_t granted_pages;
    uint64_t populated_pages;
    uint64_t lingering_pages;
    uint32_t credit_kib;
    uint32_t need_kib;
    unsigned blocks;
} DeviceMemoryTotals;

/**
 * device_memory_ledger_new: an empty ledger without credit
 *
 * Returns: a ledger, to be freed with device_memory_ledger_free()
 */
DeviceMemoryLedger *device_memory_ledger_new(void);

/**
 * device_memory_ledger_free: forget all blocks
 * @ledger: the ledger, or NULL
 */
void device_memory_ledger_free(DeviceMemoryLedger *ledger);

/**
 * device_memory_ledger_set_credit: what the toolstack accounts for by itself
 * @ledger: the ledger
 * @credit_kib: in KiB; a part of a page at the end does not count
 */
void device_memory_ledger_set_credit(DeviceMemoryLedger *ledger,
                                     uint32_t credit_kib);

/**
 * device_memory_ledger_add: enter a block, as wanted
 * @ledger: the ledger
 * @name: what it is for; copied
 * @gfn: its first page
 * @pages: its size, in pages
 *
 * Returns: 0, or
 *   -EINVAL  @pages is 0, or the run leaves [0, DEVICE_MEMORY_GFN_END)
 *   -EEXIST  it overlaps a block
 *   -ENOSPC  there are DEVICE_MEMORY_BLOCKS_MAX blocks already
 *   -ERANGE  the block, or the need, would be larger than the protocol can say
 * On failure the ledger is as it was.
 */
int device_memory_ledger_add(DeviceMemoryLedger *ledger, const char *name,
                             uint64_t gfn, uint64_t pages);

/**
 * device_memory_ledger_set_state: move a block to its next state
 * @ledger: the ledger
 * @gfn: the first page of a block
 * @state: its new state; DEVICE_MEMORY_RELEASED removes the block
 *
 * Returns: 0, or
 *   -ENOENT  no block begins at @gfn
 *   -EINVAL  a block does not go from its state to @state: it goes forward by
 *            one, and from every state to DEVICE_MEMORY_RELEASED
 */
int device_memory_ledger_set_state(DeviceMemoryLedger *ledger, uint64_t gfn,
                                   DeviceMemoryBlockState state);

/**
 * device_memory_ledger_split: make two blocks of one
 * @ledger: the ledger
 * @gfn: the first page of the second one; both keep name and state
 *
 * Nothing is done where a block begins already, or where there is none.
 *
 * Returns: 0, or -ENOSPC if there are DEVICE_MEMORY_BLOCKS_MAX blocks already
 */
int device_memory_ledger_split(DeviceMemoryLedger *ledger, uint64_t gfn);

/**
 * device_memory_ledger_move: a block is somewhere else now
 * @ledger: the ledger
 * @from_gfn: the first page of a block
 * @to_gfn: its first page from now on
 *
 * The need does not change.  The caller moves the pages.
 *
 * Returns: 0, or
 *   -ENOENT  no block begins at @from_gfn
 *   -EINVAL  the new run leaves [0, DEVICE_MEMORY_GFN_END)
 *   -EEXIST  the new run overlaps a block, be it the old one
 * On failure the ledger is as it was.
 */
int device_memory_ledger_move(DeviceMemoryLedger *ledger, uint64_t from_gfn,
                              uint64_t to_gfn);

/**
 * device_memory_ledger_join: make one block of several
 * @ledger: the ledger
 * @name: what it is for; copied
 * @gfn: where the first one begins
 * @pages: what they come to
 *
 * Returns: 0, or
 *   -EINVAL  @pages is 0 or more than DEVICE_MEMORY_BLOCK_PAGES_MAX, or the
 *            run leaves [0, DEVICE_MEMORY_GFN_END)
 *   -ENOENT  the run is not exactly one of populated blocks end to end
 * On failure the ledger is as it was.
 */
int device_memory_ledger_join(DeviceMemoryLedger *ledger, const char *name,
                              uint64_t gfn, uint64_t pages);

/**
 * device_memory_ledger_rename: a block is for something else now
 * @ledger: the ledger
 * @gfn: the first page of a block
 * @name: what it is for; copied
 *
 * Returns: 0, or -ENOENT if no block begins at @gfn
 */
int device_memory_ledger_rename(DeviceMemoryLedger *ledger, uint64_t gfn,
                                const char *name);

/**
 * device_memory_ledger_linger: a block has left its gfn, Xen counts it still
 * @ledger: the ledger
 * @gfn: the first page of a block
 *
 * The gfn can be used anew; the need does not change.
 *
 * Returns: 0, or -ENOENT if no block begins at @gfn
 */
int device_memory_ledger_linger(DeviceMemoryLedger *ledger, uint64_t gfn);

/**
 * device_memory_ledger_settle: Xen counts some pages no more
 * @ledger: the ledger
 * @pages: how many of the lingering ones
 *
 * Returns: 0, or -EINVAL if fewer pages linger
 */
int device_memory_ledger_settle(DeviceMemoryLedger *ledger, uint64_t pages);

/**
 * device_memory_ledger_find: the block that begins at a page
 * @ledger: the ledger
 * @gfn: the page
 *
 * Returns: the block, valid until the ledger changes, or NULL
 */
const DeviceMemoryBlock *
device_memory_ledger_find(const DeviceMemoryLedger *ledger, uint64_t gfn);

/**
 * device_memory_ledger_get: the n-th block, in order of gfn
 * @ledger: the ledger
 * @n: 0 .. number of blocks - 1
 *
 * Returns: the block, valid until the ledger changes, or NULL past the end
 */
const DeviceMemoryBlock *
device_memory_ledger_get(const DeviceMemoryLedger *ledger, unsigned n);

/**
 * device_memory_ledger_totals: add up
 * @ledger: the ledger
 * @totals: filled in
 */
void device_memory_ledger_totals(const DeviceMemoryLedger *ledger,
                                 DeviceMemoryTotals *totals);

/**
 * device_memory_ledger_need: what must be granted, in KiB
 * @ledger: the ledger
 * @extra_pages: pages that are about to be added, counted as well
 *
 * Returns: max(0, blocks + lingering + @extra_pages - credit), in KiB, a
 * multiple of DEVICE_MEMORY_PAGE_KIB; UINT32_MAX if it is more than the
 * protocol can say
 */
uint32_t device_memory_ledger_need(const DeviceMemoryLedger *ledger,
                                   uint64_t extra_pages);

#endif /* HW_XEN_DEVICE_MEMORY_LEDGER_H */
