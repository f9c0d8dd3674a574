/*
 * Device memory: pages set aside for a device model that may not ask later
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
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

/* Some pages of the guest: from @gfn on, up to but not including @end. */
typedef struct Run {
    uint64_t gfn;
    uint64_t end;
} Run;

static bool touches(const DeviceMemoryBlock *block, const Run *run)
{
    return block->gfn < run->end && run->gfn < block->gfn + block->pages;
}

/* The first part of @run, from @at on, in which there is no block. */
static Run find_gap(const DeviceMemoryLedger *ledger, const Run *run,
                    uint64_t at)
{
    const DeviceMemoryBlock *block;
    Run gap = { .gfn = at, .end = run->end };

    for (unsigned n = 0; (block = device_memory_ledger_get(ledger, n)); n++) {
        if (block->gfn <= gap.gfn) {
            gap.gfn = MAX(gap.gfn, block->gfn + block->pages);
        } else {
            gap.end = MIN(gap.end, block->gfn);
            break;
        }
    }
    return gap;
}

/* --- giving out --- */

/*
 * The part of the reserve to take from, none that lies in @run itself: the
 * smallest that has @pages, so that large ones stay large, or else the largest.
 */
static const DeviceMemoryBlock *choose(const DeviceMemoryLedger *ledger,
                                       const Run *run, uint64_t pages)
{
    const DeviceMemoryBlock *best = NULL;
    const DeviceMemoryBlock *block;

    for (unsigned n = 0; (block = device_memory_ledger_get(ledger, n)); n++) {
        if (!is_reserve(block) || touches(block, run)) {
            continue;
        }
        if (!best || (best->pages < pages ? block->pages > best->pages
                                          : block->pages >= pages &&
                                            block->pages < best->pages)) {
            best = block;
        }
    }
    return best;
}

/* Move the last @pages of a part of the reserve; they stay the reserve's. */
static bool move_pages(XenDeviceMemory *dm, const DeviceMemoryBlock *part,
                       uint64_t to, uint64_t pages, Error **errp)
{
    uint64_t from = part->gfn + part->pages - pages;
    int ret = device_memory_ledger_split(dm->ledger, from);

    if (!ret) {
        ret = device_memory_ledger_move(dm->ledger, from, to);
    }
    if (ret) {
        error_setg_errno(errp, -ret, "no entry for %" PRIu64 " pages of the "
                         "reserve at gfn 0x%" PRIx64, pages, to);
        return false;
    }
    ret = xen_device_memory_page_ops(dm)->move(dm->ops_state, from, to, pages);
    trace_xen_device_memory_move(from, to, pages, ret);
    if (ret) {
        /* Where they are is not known; nobody else gets them. */
        device_memory_ledger_rename(dm->ledger, to, DEVICE_MEMORY_LOST_NAME);
        error_setg_errno(errp, -ret, "cannot move %" PRIu64 " pages of the "
                         "reserve from gfn 0x%" PRIx64 " to 0x%" PRIx64,
                         pages, from, to);
    }
    return !ret;
}

/*
 * Fill @run with pages of the reserve.  Those that lie there already stay: an
 * unplugged block's, where QEMU has put a larger one.  With @source, only the
 * part that begins there is used, as far as it goes.
 */
static bool fill(XenDeviceMemory *dm, const Run *run, const uint64_t *source,
                 Error **errp)
{
    const DeviceMemoryBlock *part;
    Run gap = find_gap(dm->ledger, run, run->gfn);

    while (gap.gfn < gap.end) {
        uint64_t pages = gap.end - gap.gfn;

        part = source ? device_memory_ledger_find(dm->ledger, *source)
                      : choose(dm->ledger, run, pages);
        if (!part) {
            break;
        }
        pages = MIN(pages, part->pages);
        if (!move_pages(dm, part, gap.gfn, pages, errp)) {
            return false;
        }
        gap = find_gap(dm->ledger, run, gap.gfn + pages);
    }
    return true;
}

/* Is there nothing but parts of the reserve in @run, and enough in all? */
static bool can_fill(const Claim *claim, const Run *run, Error **errp)
{
    const DeviceMemoryBlock *block;
    uint64_t left = 0;
    ERRP_GUARD();

    for (unsigned n = 0;
         (block = device_memory_ledger_get(claim->dm->ledger, n)); n++) {
        if (is_reserve(block)) {
            left += block->pages;
        } else if (touches(block, run)) {
            error_setg(errp, "gfn 0x%" PRIx64 " is taken by %s", block->gfn,
                       block->name);
            return false;
        }
    }
    if (left >= claim->pages) {
        return true;
    }
    error_setg(errp, "this device model is restricted (-xen-domid-restrict) "
               "and can ask for none; %" PRIu64 " KiB of its reserve are left",
               left * DEVICE_MEMORY_PAGE_KIB);
    error_append_hint(errp, "Start it with a larger machine property "
                      "'device-memory-reserve', or do without option ROM "
                      "(romfile=).\n");
    return false;
}

/* Split what lies across a bound of @run. */
static bool isolate(DeviceMemoryLedger *ledger, const Run *run, Error **errp)
{
    int ret = device_memory_ledger_split(ledger, run->gfn);

    if (!ret) {
        ret = device_memory_ledger_split(ledger, run->end);
    }
    if (ret) {
        error_setg_errno(errp, -ret, "no entry for a part of the reserve at "
                         "gfn 0x%" PRIx64, run->gfn);
    }
    return !ret;
}

bool device_memory_reserve_take(const Claim *claim, Error **errp)
{
    XenDeviceMemory *dm = claim->dm;
    Run run = { .gfn = claim->gfn, .end = claim->gfn + claim->pages };
    ERRP_GUARD();
    int ret;

    if (!can_fill(claim, &run, errp) || !isolate(dm->ledger, &run, errp) ||
        !fill(dm, &run, NULL, errp)) {
        error_prepend(errp, "xen-device-memory: no guest pages for %s (%"
                      PRIu64 " KiB): ", claim->name,
                      claim->pages * DEVICE_MEMORY_PAGE_KIB);
        return false;
    }
    ret = device_memory_ledger_join(dm->ledger, claim->name, run.gfn,
                                    claim->pages);
    assert(!ret);   /* it has just been filled */
    return true;
}

/* --- taking back --- */

static bool is_one_part(const DeviceMemoryBlock *block,
                        const DeviceMemoryBlock *next)
{
    return is_reserve(block) && is_reserve(next) &&
           block->gfn + block->pages == next->gfn;
}

/* Entries are few, so parts that have come together become one. */
static void join_parts(DeviceMemoryLedger *ledger)
{
    const DeviceMemoryBlock *block, *next;
    unsigned n = 0;

    while ((next = device_memory_ledger_get(ledger, n + 1))) {
        block = device_memory_ledger_get(ledger, n);
        if (!is_one_part(block, next) ||
            device_memory_ledger_join(ledger, DEVICE_MEMORY_RESERVE_NAME,
                                      block->gfn,
                                      (uint64_t)block->pages + next->pages)) {
            n++;
        }
    }
}

/* Where the reserve was populated; empty without a reserve. */
static Run home_of(XenDeviceMemory *dm)
{
    uint64_t pages = memory_region_size(&dm->reserve) >> XEN_PAGE_SHIFT;
    uint64_t gfn = 0;

    if (pages) {
        gfn = memory_region_get_ram_addr(&dm->reserve) >> XEN_PAGE_SHIFT;
    }
    return (Run) { .gfn = gfn, .end = gfn + pages };
}

void device_memory_reserve_keep(XenDeviceMemory *dm,
                                const DeviceMemoryBlock *block)
{
    Run home = home_of(dm);
    uint64_t gfn = block->gfn;
    Error *err = NULL;

    trace_xen_device_memory_keep(block->name, gfn, block->pages);
    device_memory_ledger_rename(dm->ledger, gfn, DEVICE_MEMORY_RESERVE_NAME);
    if (!fill(dm, &home, &gfn, &err)) {
        warn_reportf_err(err, "xen-device-memory: ");
    }
    join_parts(dm->ledger);
}
