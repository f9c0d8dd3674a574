/*
 * Device memory: pages set aside for a device model that may not ask later
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "reserve.h"
#include "trace.h"

bool device_memory_reserve_make(XenDeviceMemory *dm, uint64_t size,
                                Error **errp)
{
    if (!size) {
        return true;
    }
    /* A RAMBlock, so that QEMU puts no other block there. */
    return memory_region_init_ram_nomigrate(&dm->reserve, OBJECT(dm),
                                            DEVICE_MEMORY_RESERVE_NAME, size,
                                            errp);
}

bool device_memory_reserve_is(const XenDeviceMemory *dm,
                              const MemoryRegion *mr)
{
    return mr == &dm->reserve;
}

bool device_memory_reserve_applies(XenDeviceMemory *dm)
{
    return dm->booted &&
           xen_device_memory_page_ops(dm)->restricted(dm->ops_state);
}

static bool is_reserve(const DeviceMemoryBlock *block)
{
    return !strcmp(block->name, DEVICE_MEMORY_RESERVE_NAME);
}

/*
 * The part of the reserve to carve from: one that lies where the block goes,
 * or else the smallest that will do, so that large ones stay large.
 */
static const DeviceMemoryBlock *choose(const Claim *claim, uint64_t *left)
{
    const DeviceMemoryBlock *best = NULL;
    const DeviceMemoryBlock *block;

    *left = 0;
    for (unsigned n = 0;
         (block = device_memory_ledger_get(claim->dm->ledger, n)); n++) {
        if (!is_reserve(block)) {
            continue;
        }
        *left += block->pages;
        if (block->pages < claim->pages) {
            continue;
        }
        if (block->gfn == claim->gfn) {
            return block;
        }
        if (!best || block->pages < best->pages) {
            best = block;
        }
    }
    return best;
}

static bool move_pages(const Claim *claim, uint64_t from, Error **errp)
{
    XenDeviceMemory *dm = claim->dm;
    int ret = 0;

    if (from != claim->gfn) {
        ret = xen_device_memory_page_ops(dm)->move(dm->ops_state, from,
                                                   claim->gfn, claim->pages);
        trace_xen_device_memory_move(from, claim->gfn, claim->pages, ret);
    }
    if (ret) {
        error_setg_errno(errp, -ret, "xen-device-memory: no guest pages for "
                         "%s: cannot move %" PRIu64 " pages of the reserve "
                         "from gfn 0x%" PRIx64 " to 0x%" PRIx64, claim->name,
                         claim->pages, from, claim->gfn);
    }
    return !ret;
}

bool device_memory_reserve_take(const Claim *claim, Error **errp)
{
    DeviceMemoryLedger *ledger = claim->dm->ledger;
    uint64_t left, from;
    const DeviceMemoryBlock *part = choose(claim, &left);
    ERRP_GUARD();
    int ret;

    if (!part) {
        error_setg(errp, "xen-device-memory: no guest pages for %s (%" PRIu64
                   " KiB): this device model is restricted "
                   "(-xen-domid-restrict) and can ask for none; %" PRIu64
                   " KiB of its reserve are left", claim->name,
                   claim->pages * DEVICE_MEMORY_PAGE_KIB,
                   left * DEVICE_MEMORY_PAGE_KIB);
        error_append_hint(errp, "Start it with a larger machine property "
                          "'device-memory-reserve', or do without option ROM "
                          "(romfile=).\n");
        return false;
    }
    ret = device_memory_ledger_carve(ledger, part->gfn, claim->name,
                                     claim->gfn, claim->pages, &from);
    if (ret) {
        error_setg_errno(errp, -ret, "xen-device-memory: no entry for %s (gfn "
                         "0x%" PRIx64 ", %" PRIu64 " pages)", claim->name,
                         claim->gfn, claim->pages);
        return false;
    }
    if (!move_pages(claim, from, errp)) {
        /* Where they are is not known; nobody else gets them. */
        device_memory_ledger_rename(ledger, claim->gfn, "lost");
        return false;
    }
    return true;
}

void device_memory_reserve_keep(XenDeviceMemory *dm,
                                const DeviceMemoryBlock *block)
{
    trace_xen_device_memory_keep(block->name, block->gfn, block->pages);
    device_memory_ledger_rename(dm->ledger, block->gfn,
                                DEVICE_MEMORY_RESERVE_NAME);
}
