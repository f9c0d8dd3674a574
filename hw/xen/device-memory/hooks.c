/*
 * Device memory: what QEMU's own files call
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/rcu_queue.h"
#include "system/hostmem.h"
#include "system/runstate.h"
#include "hw/xen/device-memory.h"
#include "hw/xen/pv-iommu-hooks.h"
#include "claim.h"
#include "reserve.h"
#include "trace.h"

static uint64_t block_gfn(const RAMBlock *block)
{
    return block->offset >> XEN_PAGE_SHIFT;
}

static uint64_t block_pages(const RAMBlock *block)
{
    return block->max_length >> XEN_PAGE_SHIFT;
}

/* --- mappings of our own --- */

/*
 * QEMU's cache of mappings works on whole buckets of the guest's address
 * space.  Blocks that are smaller share a bucket: each mapping holds the pages
 * of the neighbours, and to the cache the mappings are all the same, so that
 * taking out one takes out the first that is found.  So blocks are mapped
 * here, one by one and exactly.
 */
typedef struct Mapping {
    struct rcu_head rcu;
    QLIST_ENTRY(Mapping) next;
    RAMBlock *block;
    void *host;
    uint32_t pages;
} Mapping;

/* Changed under the BQL; read by any thread, as RCU has it. */
static QLIST_HEAD(, Mapping) mappings = QLIST_HEAD_INITIALIZER(mappings);

/*
 * The reserve is never looked into.  While a migration comes in, video memory
 * may be at a BAR already; QEMU knows that later and has its own way for it.
 */
static bool is_mapped_here(XenDeviceMemory *dm, const RAMBlock *block,
                           const char *name)
{
    if (dm->rehearsing || device_memory_reserve_is(dm, block->mr)) {
        return false;
    }
    return !runstate_check(RUN_STATE_INMIGRATE) ||
           !g_strcmp0(dm->prepared.name, name) ||
           object_dynamic_cast(memory_region_owner(block->mr),
                               TYPE_MEMORY_BACKEND);
}

static bool map_pages(XenDeviceMemory *dm, uint64_t gfn, uint32_t pages,
                      void **host, Error **errp)
{
    const DeviceMemoryPageOps *ops = xen_device_memory_page_ops(dm);
    int ret = ops->map ? ops->map(dm->ops_state, gfn, pages, host) : 0;

    if (ret) {
        error_setg_errno(errp, -ret, "xen-device-memory: cannot map %"
                         PRIu32 " pages at gfn 0x%" PRIx64, pages, gfn);
    }
    return !ret;
}

static bool map_block(XenDeviceMemory *dm, RAMBlock *block, Error **errp)
{
    void *host = NULL;
    Mapping *mapping;

    if (dm->prepared.host && dm->prepared.gfn == block_gfn(block)) {
        host = g_steal_pointer(&dm->prepared.host);
    } else if (!map_pages(dm, block_gfn(block), block_pages(block), &host,
                          errp)) {
        return false;
    }
    if (host) {
        mapping = g_new0(Mapping, 1);
        mapping->block = block;
        mapping->host = block->host = host;
        mapping->pages = block_pages(block);
        QLIST_INSERT_HEAD_RCU(&mappings, mapping, next);
    }
    return true;
}

static void unmap_block(XenDeviceMemory *dm, const RAMBlock *block)
{
    Mapping *mapping;

    QLIST_FOREACH(mapping, &mappings, next) {
        if (mapping->block == block) {
            QLIST_REMOVE_RCU(mapping, next);
            xen_device_memory_page_ops(dm)->unmap(dm->ops_state,
                                                  mapping->host,
                                                  mapping->pages);
            g_free_rcu(mapping, rcu);
            return;
        }
    }
}

bool xen_device_memory_block_from_host(const void *ptr, RAMBlock **block,
                                       ram_addr_t *offset)
{
    Mapping *mapping;

    RCU_READ_LOCK_GUARD();
    QLIST_FOREACH_RCU(mapping, &mappings, next) {
        uintptr_t from_start = (uintptr_t)ptr - (uintptr_t)mapping->host;

        if (from_start < (uint64_t)mapping->pages << XEN_PAGE_SHIFT) {
            *block = mapping->block;
            *offset = from_start;
            return true;
        }
    }
    return false;
}

/* --- taking --- */

/* QEMU has moved video memory to where its BAR is or was. */
static void bring_back(XenDeviceMemory *dm, uint64_t gfn)
{
    const DeviceMemoryPageOps *ops = xen_device_memory_page_ops(dm);

    if (ops->bring_back) {
        ops->bring_back(dm->ops_state, gfn);
    }
}

/*
 * Give the pages of a populated block back to Xen.  Until it is unmapped, Xen
 * counts them as the guest's; until then they are part of the need.
 *
 * Returns: how many pages linger
 */
static uint64_t give_back(XenDeviceMemory *dm, const DeviceMemoryBlock *block)
{
    uint64_t gfn = block->gfn;
    uint32_t pages = block->pages;
    int ret;

    bring_back(dm, gfn);
    if (device_memory_reserve_applies(dm)) {
        device_memory_reserve_keep(dm, block);
        return 0;
    }
    ret = xen_device_memory_page_ops(dm)->release(dm->ops_state, gfn, pages);
    trace_xen_device_memory_release(gfn, pages, ret);
    if (ret) {
        /* They stay where they are, accounted for. */
        claim_report_kept(block->name, gfn, pages, ret);
        return 0;
    }
    device_memory_ledger_linger(dm->ledger, gfn);
    return pages;
}

/* Xen counts pages of ours no more. */
static void settle(XenDeviceMemory *dm, uint64_t pages)
{
    if (pages && !device_memory_ledger_settle(dm->ledger, pages)) {
        claim_withdraw(dm);
    }
}

static void forget_prepared(XenDeviceMemory *dm)
{
    const DeviceMemoryBlock *block =
        device_memory_ledger_find(dm->ledger, dm->prepared.gfn);

    if (dm->prepared.host) {
        xen_device_memory_page_ops(dm)->unmap(dm->ops_state,
                                              dm->prepared.host,
                                              dm->prepared.pages);
    }
    if (dm->prepared.populated && block) {
        settle(dm, give_back(dm, block));
    }
    g_free(dm->prepared.name);
    memset(&dm->prepared, 0, sizeof(dm->prepared));
}

static bool is_prepared(const XenDeviceMemory *dm, const Claim *claim)
{
    return dm->prepared.populated && dm->prepared.gfn == claim->gfn &&
           dm->prepared.pages == claim->pages;
}

static bool take(const Claim *claim, Error **errp)
{
    XenDeviceMemory *dm = claim->dm;

    if (is_prepared(dm, claim)) {
        dm->prepared.populated = false;     /* it is the block's now */
        return true;
    }
    if (device_memory_reserve_applies(dm)) {
        return device_memory_reserve_take(claim, errp);
    }
    if (!claim_enter(claim, errp)) {
        return false;
    }
    if (runstate_check(RUN_STATE_INMIGRATE)) {
        claim_incoming(claim);
        return true;
    }
    return claim_take(claim, errp);
}

/*
 * Memory backends on the command line are made before the board.  Such a block
 * would get the guest's own place, and the guest another.
 */
static bool is_in_time(const Claim *claim, Error **errp)
{
    XenDeviceMemoryClass *dmc = XEN_DEVICE_MEMORY_GET_CLASS(claim->dm);

    if (!dmc->has_guest_ram(claim->dm)) {
        error_setg(errp, "xen-device-memory: no guest pages for %s (%" PRIu64
                   " KiB): the guest has no memory yet; add it with "
                   "object_add once the guest runs", claim->name,
                   claim->pages * DEVICE_MEMORY_PAGE_KIB);
        return false;
    }
    return true;
}

bool xen_device_memory_add(RAMBlock *block, Error **errp)
{
    XenDeviceMemory *dm = xen_device_memory_current();
    g_autofree char *name = NULL;
    Claim claim;

    if (!dm || block->host ||
        !XEN_DEVICE_MEMORY_GET_CLASS(dm)->accounts_for(block->mr)) {
        return true;
    }
    name = device_memory_reserve_is(dm, block->mr)
           ? g_strdup(DEVICE_MEMORY_RESERVE_NAME)
           : claim_name(memory_region_owner(block->mr),
                        memory_region_name(block->mr));
    claim = (Claim){
        .dm = dm,
        .name = name,
        .gfn = block_gfn(block),
        .pages = block_pages(block),
    };
    trace_xen_device_memory_declare(claim.name, claim.gfn, claim.pages);
    if (!is_in_time(&claim, errp)) {
        return false;
    }
    if (!is_prepared(dm, &claim) &&
        !xen_pv_iommu_placement(memory_region_owner(block->mr), name,
                                claim.gfn, claim.pages, errp)) {
        return false;
    }
    if (!take(&claim, errp)) {
        return false;
    }
    if (is_mapped_here(dm, block, name) && !map_block(dm, block, errp)) {
        xen_device_memory_retire(block);
        xen_device_memory_reclaim(block);
        return false;
    }
    if (dm->booted && !dm->rehearsing) {
        xen_device_memory_publish(dm);
    }
    return true;
}

bool xen_device_memory_owns(ram_addr_t ram_addr)
{
    XenDeviceMemory *dm = xen_device_memory_current();

    return dm && device_memory_ledger_find(dm->ledger,
                                           ram_addr >> XEN_PAGE_SHIFT);
}

/* Make a region as the caller will, and remove it; the pages stay. */
static bool rehearse(XenDeviceMemory *dm, Object *owner, const char *name,
                     uint64_t size, Error **errp)
{
    g_autofree MemoryRegion *region = g_new0(MemoryRegion, 1);
    bool ok;

    dm->rehearsing = true;
    ok = memory_region_init_ram_nomigrate(region, owner, name, size, errp);
    if (ok) {
        object_unparent(OBJECT(region));
    }
    dm->rehearsing = false;
    return ok;
}

/*
 * The caller's allocation may not fail.  So it is rehearsed: a region of the
 * same size is made, which may fail, and removed; the pages stay, mapped.
 * QEMU's choice of an address depends on its blocks alone, so the real region
 * comes to the same place and finds the pages there.
 */
bool xen_device_memory_prepare(Object *owner, const char *name,
                               uint64_t size, Error **errp)
{
    XenDeviceMemory *dm = xen_device_memory_current();

    if (!dm) {
        return true;
    }
    forget_prepared(dm);
    if (!runstate_check(RUN_STATE_INMIGRATE)) {
        if (!rehearse(dm, owner, name, size, errp)) {
            return false;
        }
        if (dm->prepared.populated &&
            !map_pages(dm, dm->prepared.gfn, dm->prepared.pages,
                       &dm->prepared.host, errp)) {
            forget_prepared(dm);
            return false;
        }
    }
    dm->prepared.name = claim_name(owner, name);
    return true;
}

bool xen_device_memory_may_plug(DeviceState *dev, const char *instead,
                                Error **errp)
{
    if (!dev->hotplugged || !xen_device_memory_current()) {
        return true;
    }
    error_setg(errp, "xen-device-memory: a '%s' cannot be plugged in at run "
               "time; a '%s' can", object_get_typename(OBJECT(dev)), instead);
    return false;
}

/* --- giving back --- */

void xen_device_memory_retire(RAMBlock *block)
{
    XenDeviceMemory *dm = xen_device_memory_current();
    const DeviceMemoryBlock *entry;
    uint64_t pages;

    entry = dm ? device_memory_ledger_find(dm->ledger, block_gfn(block))
               : NULL;
    if (!entry || dm->leaving ||
        !XEN_DEVICE_MEMORY_GET_CLASS(dm)->accounts_for(block->mr)) {
        return;
    }
    if (dm->rehearsing) {
        dm->prepared.gfn = entry->gfn;
        dm->prepared.pages = entry->pages;
        dm->prepared.populated = true;
        return;
    }
    pages = give_back(dm, entry);
    if (pages) {
        g_hash_table_insert(dm->retired, block, GUINT_TO_POINTER(pages));
    }
}

void xen_device_memory_reclaim(RAMBlock *block)
{
    XenDeviceMemory *dm = xen_device_memory_current();
    gpointer pages;

    if (!dm) {
        return;
    }
    unmap_block(dm, block);
    if (!g_hash_table_steal_extended(dm->retired, block, NULL, &pages)) {
        return;
    }
    settle(dm, GPOINTER_TO_UINT(pages));
    if (dm->booted) {
        xen_device_memory_publish(dm);
    }
}
