/*
 * Device memory: the device model's ledger
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "hw/xen/device-memory-ledger.h"

struct DeviceMemoryLedger {
    GPtrArray *blocks;      /* DeviceMemoryBlock, ordered by gfn */
    uint64_t pages;         /* sum over all blocks */
    uint64_t lingering;     /* pages of no block, counted all the same */
    uint32_t credit_kib;
};

static void block_free(gpointer opaque)
{
    DeviceMemoryBlock *block = opaque;

    g_free(block->name);
    g_free(block);
}

DeviceMemoryLedger *device_memory_ledger_new(void)
{
    DeviceMemoryLedger *ledger = g_new0(DeviceMemoryLedger, 1);

    ledger->blocks = g_ptr_array_new_with_free_func(block_free);
    return ledger;
}

void device_memory_ledger_free(DeviceMemoryLedger *ledger)
{
    if (ledger) {
        g_ptr_array_unref(ledger->blocks);
        g_free(ledger);
    }
}

void device_memory_ledger_set_credit(DeviceMemoryLedger *ledger,
                                     uint32_t credit_kib)
{
    ledger->credit_kib = credit_kib - credit_kib % DEVICE_MEMORY_PAGE_KIB;
}

static DeviceMemoryBlock *block_at(const DeviceMemoryLedger *ledger,
                                   unsigned n)
{
    return n < ledger->blocks->len ? g_ptr_array_index(ledger->blocks, n)
                                   : NULL;
}

/* The index of the first block that begins at @gfn or above. */
static unsigned lower_bound(const DeviceMemoryLedger *ledger, uint64_t gfn)
{
    unsigned low = 0;
    unsigned high = ledger->blocks->len;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (block_at(ledger, middle)->gfn < gfn) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t device_memory_ledger_need(const DeviceMemoryLedger *ledger,
                                   uint64_t extra_pages)
{
    uint64_t credit = ledger->credit_kib / DEVICE_MEMORY_PAGE_KIB;
    uint64_t pages;

    /* Neither can wrap: blocks and what lingers are below 2^32 pages each. */
    if (extra_pages > DEVICE_MEMORY_GFN_END) {
        return UINT32_MAX;
    }
    pages = ledger->pages + ledger->lingering + extra_pages;
    if (pages <= credit) {
        return 0;
    }
    if (pages - credit > DEVICE_MEMORY_TOTAL_MAX / DEVICE_MEMORY_PAGE_KIB) {
        return UINT32_MAX;
    }
    return (pages - credit) * DEVICE_MEMORY_PAGE_KIB;
}

static DeviceMemoryBlock *block_from(const DeviceMemoryLedger *ledger,
                                     uint64_t gfn)
{
    DeviceMemoryBlock *block = block_at(ledger, lower_bound(ledger, gfn));

    return block && block->gfn == gfn ? block : NULL;
}

static void insert_block(DeviceMemoryLedger *ledger, const char *name,
                         uint64_t gfn, uint64_t pages,
                         DeviceMemoryBlockState state)
{
    DeviceMemoryBlock *block = g_new(DeviceMemoryBlock, 1);

    *block = (DeviceMemoryBlock){
        .name = g_strdup(name),
        .gfn = gfn,
        .pages = pages,
        .state = state,
    };
    g_ptr_array_insert(ledger->blocks, lower_bound(ledger, gfn), block);
    ledger->pages += pages;
}

static void remove_block(DeviceMemoryLedger *ledger, DeviceMemoryBlock *block)
{
    ledger->pages -= block->pages;
    g_ptr_array_remove(ledger->blocks, block);
}

static bool overlaps(const DeviceMemoryLedger *ledger, uint64_t gfn,
                     uint64_t pages)
{
    unsigned n = lower_bound(ledger, gfn);
    const DeviceMemoryBlock *next = block_at(ledger, n);
    const DeviceMemoryBlock *prev = n ? block_at(ledger, n - 1) : NULL;

    return (next && next->gfn < gfn + pages) ||
           (prev && prev->gfn + prev->pages > gfn);
}

static bool is_run(uint64_t gfn, uint64_t pages)
{
    return pages && gfn < DEVICE_MEMORY_GFN_END &&
           pages <= DEVICE_MEMORY_GFN_END - gfn;
}

int device_memory_ledger_add(DeviceMemoryLedger *ledger, const char *name,
                             uint64_t gfn, uint64_t pages)
{
    if (!is_run(gfn, pages)) {
        return -EINVAL;
    }
    if (overlaps(ledger, gfn, pages)) {
        return -EEXIST;
    }
    if (ledger->blocks->len == DEVICE_MEMORY_BLOCKS_MAX) {
        return -ENOSPC;
    }
    if (pages > DEVICE_MEMORY_BLOCK_PAGES_MAX ||
        device_memory_ledger_need(ledger, pages) == UINT32_MAX) {
        return -ERANGE;
    }
    insert_block(ledger, name, gfn, pages, DEVICE_MEMORY_WANTED);
    return 0;
}

int device_memory_ledger_set_state(DeviceMemoryLedger *ledger, uint64_t gfn,
                                   DeviceMemoryBlockState state)
{
    DeviceMemoryBlock *block = block_from(ledger, gfn);

    if (!block) {
        return -ENOENT;
    }
    if (state == DEVICE_MEMORY_RELEASED) {
        remove_block(ledger, block);
        return 0;
    }
    if (state != block->state + 1) {
        return -EINVAL;
    }
    block->state = state;
    return 0;
}

int device_memory_ledger_split(DeviceMemoryLedger *ledger, uint64_t gfn)
{
    unsigned n = lower_bound(ledger, gfn);
    DeviceMemoryBlock *block = n ? block_at(ledger, n - 1) : NULL;
    uint64_t end = block ? block->gfn + block->pages : 0;

    if (end <= gfn || block_from(ledger, gfn)) {
        return 0;
    }
    if (ledger->blocks->len == DEVICE_MEMORY_BLOCKS_MAX) {
        return -ENOSPC;
    }
    block->pages -= end - gfn;
    ledger->pages -= end - gfn;
    insert_block(ledger, block->name, gfn, end - gfn, block->state);
    return 0;
}

int device_memory_ledger_move(DeviceMemoryLedger *ledger, uint64_t from_gfn,
                              uint64_t to_gfn)
{
    DeviceMemoryBlock *block = block_from(ledger, from_gfn);

    if (!block) {
        return -ENOENT;
    }
    if (!is_run(to_gfn, block->pages)) {
        return -EINVAL;
    }
    if (overlaps(ledger, to_gfn, block->pages)) {
        return -EEXIST;
    }
    insert_block(ledger, block->name, to_gfn, block->pages, block->state);
    remove_block(ledger, block);
    return 0;
}

/* How many populated blocks lie end to end from @gfn to @end; 0 if none do. */
static unsigned count_run(const DeviceMemoryLedger *ledger, unsigned first,
                          uint64_t gfn, uint64_t end)
{
    const DeviceMemoryBlock *block;
    unsigned count = 0;

    while (gfn < end) {
        block = block_at(ledger, first + count);
        if (!block || block->gfn != gfn ||
            block->state != DEVICE_MEMORY_POPULATED) {
            return 0;
        }
        gfn += block->pages;
        count++;
    }
    return gfn == end ? count : 0;
}

int device_memory_ledger_join(DeviceMemoryLedger *ledger, const char *name,
                              uint64_t gfn, uint64_t pages)
{
    unsigned first = lower_bound(ledger, gfn);
    unsigned count;

    if (!is_run(gfn, pages) || pages > DEVICE_MEMORY_BLOCK_PAGES_MAX) {
        return -EINVAL;
    }
    count = count_run(ledger, first, gfn, gfn + pages);
    if (!count) {
        return -ENOENT;
    }
    g_ptr_array_remove_range(ledger->blocks, first, count);
    ledger->pages -= pages;
    insert_block(ledger, name, gfn, pages, DEVICE_MEMORY_POPULATED);
    return 0;
}

int device_memory_ledger_rename(DeviceMemoryLedger *ledger, uint64_t gfn,
                                const char *name)
{
    DeviceMemoryBlock *block = block_from(ledger, gfn);

    if (!block) {
        return -ENOENT;
    }
    g_free(block->name);
    block->name = g_strdup(name);
    return 0;
}

int device_memory_ledger_linger(DeviceMemoryLedger *ledger, uint64_t gfn)
{
    DeviceMemoryBlock *block = block_from(ledger, gfn);

    if (!block) {
        return -ENOENT;
    }
    ledger->lingering += block->pages;
    remove_block(ledger, block);
    return 0;
}

int device_memory_ledger_settle(DeviceMemoryLedger *ledger, uint64_t pages)
{
    if (pages > ledger->lingering) {
        return -EINVAL;
    }
    ledger->lingering -= pages;
    return 0;
}

const DeviceMemoryBlock *
device_memory_ledger_find(const DeviceMemoryLedger *ledger, uint64_t gfn)
{
    return block_from(ledger, gfn);
}

const DeviceMemoryBlock *
device_memory_ledger_get(const DeviceMemoryLedger *ledger, unsigned n)
{
    return block_at(ledger, n);
}

void device_memory_ledger_totals(const DeviceMemoryLedger *ledger,
                                 DeviceMemoryTotals *totals)
{
    *totals = (DeviceMemoryTotals){
        .lingering_pages = ledger->lingering,
        .credit_kib = ledger->credit_kib,
        .need_kib = device_memory_ledger_need(ledger, 0),
        .blocks = ledger->blocks->len,
    };
    for (unsigned n = 0; n < ledger->blocks->len; n++) {
        const DeviceMemoryBlock *block = block_at(ledger, n);

        switch (block->state) {
        case DEVICE_MEMORY_WANTED:
            totals->wanted_pages += block->pages;
            break;
        case DEVICE_MEMORY_GRANTED:
            totals->granted_pages += block->pages;
            break;
        case DEVICE_MEMORY_POPULATED:
            totals->populated_pages += block->pages;
            break;
        case DEVICE_MEMORY_RELEASED:
            /* A released block is not in the ledger. */
            break;
        }
    }
}
