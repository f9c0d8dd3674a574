/*
 * PV IOMMU: what device models call
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "iommu.h"
#include "migration/blocker.h"
#include "migration/vmstate.h"
#include "trace.h"

/* --- membership --- */

static bool parse_mode(const XenPvIommuOptions *options,
                       XenPvIommuDeviceConfig *config, Error **errp)
{
    const char *mode = options->mode ? options->mode : "any";

    if (!strcmp(mode, "any")) {
        config->mode = XEN_PV_IOMMU_MAP;
        config->any_mode = true;
    } else if (!strcmp(mode, "map")) {
        config->mode = XEN_PV_IOMMU_MAP;
    } else if (!strcmp(mode, "lookup")) {
        config->mode = XEN_PV_IOMMU_LOOKUP;
    } else {
        error_setg(errp, "pv-iommu-mode='%s' is none of any, lookup, map",
                   mode);
        return false;
    }
    return true;
}

static bool parse_options(const XenPvIommuOptions *options,
                          XenPvIommuDeviceConfig *config, Error **errp)
{
    const char *policy = options->rdm_policy ? options->rdm_policy : "strict";

    if (!xen_pv_iommu_rdm_policy_parse(policy, &config->rdm_policy)) {
        error_setg(errp, "rdm-policy='%s' is neither strict nor relaxed",
                   policy);
        return false;
    }
    if (options->dma_bits < XEN_PV_IOMMU_DMA_BITS_MIN ||
        options->dma_bits > XEN_PV_IOMMU_DMA_BITS_MAX) {
        error_setg(errp, "dma-bits=%u is not from %d to %d",
                   options->dma_bits, XEN_PV_IOMMU_DMA_BITS_MIN,
                   XEN_PV_IOMMU_DMA_BITS_MAX);
        return false;
    }
    if (options->quiesce_ms > XEN_PV_IOMMU_QUIESCE_MS_MAX) {
        error_setg(errp, "quiesce-ms=%" PRIu32 " is above %d",
                   options->quiesce_ms, XEN_PV_IOMMU_QUIESCE_MS_MAX);
        return false;
    }
    config->dma_mask = UINT64_MAX >> (64 - options->dma_bits);
    config->pages_max = options->pages_max;
    config->quiesce_ms = options->quiesce_ms ? options->quiesce_ms
                                             : XEN_PV_IOMMU_QUIESCE_MS;
    return parse_mode(options, config, errp);
}

static void user_free(XenPvIommuUser *user)
{
    migrate_del_blocker(&user->blocker);
    g_free(user->name);
    g_free(user);
}

static XenPvIommuUser *user_new(XenPvIommu *iommu, const char *name,
                                const XenPvIommuDeviceConfig *config,
                                const XenPvIommuUserOps *ops, void *opaque)
{
    XenPvIommuUser *user = g_new0(XenPvIommuUser, 1);

    user->iommu = iommu;
    user->name = g_strdup(name);
    user->rdm_policy = config->rdm_policy;
    user->quiesce_ms = config->quiesce_ms;
    user->ops = ops;
    user->opaque = opaque;
    QLIST_INIT(&user->mappings);
    return user;
}

XenPvIommuUser *xen_pv_iommu_attach(DeviceState *dev,
                                    const XenPvIommuOptions *options,
                                    const XenPvIommuUserOps *ops,
                                    void *opaque, Error **errp)
{
    const char *type = object_get_typename(OBJECT(dev));
    g_autofree char *name = dev->id ? g_strdup_printf("%s '%s'", type, dev->id)
                                    : g_strdup(type);
    XenPvIommuDeviceConfig config = { .name = name };
    XenPvIommuUser *user;
    XenPvIommu *iommu;
    int ret;

    g_assert(bql_locked());
    if (!parse_options(options, &config, errp)) {
        return NULL;
    }
    iommu = pv_iommu_get(errp);
    if (!iommu || !pv_iommu_check_placements(iommu, name, config.rdm_policy,
                                             errp)) {
        return NULL;
    }
    user = user_new(iommu, name, &config, ops, opaque);
    ret = xen_pv_iommu_client_attach(iommu->client, &config,
                                     &pv_iommu_device_ops, user,
                                     &user->device);
    trace_xen_pv_iommu_attach(name, config.dma_mask, config.pages_max, ret);
    if (ret == -ENOTSUP) {
        error_setg(errp, "this Xen's PV IOMMU offers no map mode "
                   "(pv-iommu-mode=map)");
    } else if (ret) {
        error_setg_errno(errp, -ret, "cannot join the PV IOMMU");
    }
    if (ret) {
        user_free(user);
        return NULL;
    }
    QLIST_INSERT_HEAD(&iommu->users, user, next);
    return user;
}

/* Never saved: that fails for as long as there is an orphan. */
static int orphan_pre_save(void *opaque)
{
    return xen_pv_iommu_pre_save(opaque);
}

static const VMStateDescription vmstate_orphan = {
    .name = TYPE_XEN_PV_IOMMU "/orphan",
    .pre_save = orphan_pre_save,
    .fields = (const VMStateField[]) {
        VMSTATE_END_OF_LIST()
    },
};

/* Its device has gone, its hardware has not stopped. */
static void make_orphan(XenPvIommuUser *user)
{
    warn_report("%s: goes while its hardware has not stopped; what is mapped "
                "stays mapped until this process ends", user->name);
    pv_iommu_block_migration(user);
    vmstate_register_any(NULL, &vmstate_orphan, user);
}

void xen_pv_iommu_detach(XenPvIommuUser *user, bool quiet)
{
    XenPvIommuMapping *mapping, *next;

    g_assert(bql_locked());
    if (!user) {
        return;
    }
    trace_xen_pv_iommu_detach(user->name, quiet);
    user->ops = NULL;
    if (!quiet && !QLIST_EMPTY(&user->mappings)) {
        make_orphan(user);
        return;
    }
    QLIST_FOREACH_SAFE(mapping, &user->mappings, next, next) {
        xen_pv_iommu_release(mapping);
    }
    QLIST_REMOVE(user, next);
    xen_pv_iommu_client_detach(user->device);
    pv_iommu_arm_deadline(user->iommu);
    user_free(user);
}

XenPvIommuCaps xen_pv_iommu_caps(const XenPvIommuUser *user)
{
    return xen_pv_iommu_client_caps(user->iommu->client);
}

XenPvIommuMode xen_pv_iommu_mode(const XenPvIommuUser *user)
{
    return xen_pv_iommu_client_mode(user->device);
}

/*
 * In QEMU's own streams the guest's memory comes before the devices.  Xen's
 * toolstack stops the machine, has the devices saved, and saves memory last.
 */
static bool memory_is_saved(void)
{
    return runstate_check(RUN_STATE_FINISH_MIGRATE) ||
           runstate_check(RUN_STATE_SAVE_VM);
}

int xen_pv_iommu_pre_save(XenPvIommuUser *user)
{
    g_assert(bql_locked());
    if (!user || QLIST_EMPTY(&user->mappings)) {
        return 0;
    }
    if (user->ops) {
        user->ops->drain(user->opaque);
    }
    if (!QLIST_EMPTY(&user->mappings)) {
        error_report("%s: its hardware has not stopped and still uses guest "
                     "memory; its state cannot be saved", user->name);
        return -EBUSY;
    }
    if (memory_is_saved()) {
        error_report("%s: its hardware stopped after the guest's memory had "
                     "been saved; its state cannot be saved this time",
                     user->name);
        return -EBUSY;
    }
    return 0;
}

/* --- guest memory --- */

static void memory_clear(gpointer element)
{
    memory_region_unref(((PvIommuMemory *)element)->region);
}

/*
 * Hardware reaches RAM and nothing else: what QEMU emulates has no page.  A
 * page is given to the hardware as a whole.
 */
static bool find_memory(GArray *found, const XenPvIommuGfns *gfns,
                        XenPvIommuAccess access, hwaddr *fault)
{
    hwaddr gpa = gfns->gfn << PV_IOMMU_PAGE_SHIFT;
    uint64_t left = gfns->pages << PV_IOMMU_PAGE_SHIFT;

    while (left) {
        MemoryRegionSection section =
            memory_region_find(get_system_memory(), gpa, left);
        PvIommuMemory memory = {
            .region = section.mr,
            .offset = section.offset_within_region,
            .length = int128_get64(section.size),
        };

        *fault = gpa;
        if (!section.mr) {
            return false;
        }
        g_array_append_val(found, memory);      /* the reference with it */
        if (section.offset_within_address_space != gpa ||
            !memory_region_is_ram(section.mr) ||
            memory_region_is_ram_device(section.mr) ||
            (access & XEN_PV_IOMMU_WRITE &&
             (section.readonly || memory_region_is_rom(section.mr)))) {
            return false;
        }
        gpa += memory.length;
        left -= memory.length;
    }
    return true;
}

/*
 * The hardware wrote behind everybody's back.  QEMU's own bitmap is told, and
 * by it Xen's, while Xen tracks writes for a migration.
 */
static void mark_dirty(const XenPvIommuMapping *mapping)
{
    if (!(mapping->access & XEN_PV_IOMMU_WRITE)) {
        return;
    }
    for (guint i = 0; i < mapping->memory->len; i++) {
        const PvIommuMemory *memory =
            &g_array_index(mapping->memory, PvIommuMemory, i);

        memory_region_set_dirty(memory->region, memory->offset,
                                memory->length);
    }
}

/* --- mappings --- */

static bool range_valid(const XenPvIommuRange *range)
{
    uint64_t end = XEN_PV_IOMMU_FRAME_END << PV_IOMMU_PAGE_SHIFT;

    return range->length && range->gpa < end &&
           range->length <= end - range->gpa;
}

static XenPvIommuGfns range_gfns(const XenPvIommuRange *range)
{
    uint64_t first = range->gpa >> PV_IOMMU_PAGE_SHIFT;
    uint64_t last = (range->gpa + range->length - 1) >> PV_IOMMU_PAGE_SHIFT;

    return (XenPvIommuGfns){ .gfn = first, .pages = last - first + 1 };
}

static XenPvIommuMapping *mapping_new(XenPvIommuUser *user,
                                      const XenPvIommuRange *range,
                                      XenPvIommuAccess access)
{
    XenPvIommuMapping *mapping = g_new0(XenPvIommuMapping, 1);

    mapping->references = 1;
    mapping->user = user;
    mapping->range = *range;
    mapping->access = access;
    mapping->memory = g_array_new(false, true, sizeof(PvIommuMemory));
    g_array_set_clear_func(mapping->memory, memory_clear);
    return mapping;
}

void pv_iommu_mapping_unref(XenPvIommuMapping *mapping)
{
    if (--mapping->references) {
        return;
    }
    g_array_unref(mapping->memory);
    g_free(mapping->runs);
    g_free(mapping);
}

/* Enter what the client has mapped, so that its loss finds the mapping. */
static void enter_runs(XenPvIommuMapping *mapping, const GArray *runs)
{
    uint64_t page = 0;

    mapping->runs = g_new0(PvIommuMappedRun, runs->len);
    mapping->run_count = runs->len;
    for (guint i = 0; i < runs->len; i++) {
        PvIommuMappedRun *mapped = &mapping->runs[i];

        mapped->mapping = mapping;
        mapped->run = g_array_index(runs, XenPvIommuRun, i);
        mapped->page = page;
        mapped->node.start = mapped->run.bfn;
        mapped->node.last = mapped->run.bfn + mapped->run.pages - 1;
        interval_tree_insert(&mapped->node, &mapping->user->runs);
        page += mapped->run.pages;
    }
    QLIST_INSERT_HEAD(&mapping->user->mappings, mapping, next);
}

static void report_failure(XenPvIommuUser *user, int ret,
                           const XenPvIommuFailure *failure)
{
    g_autofree char *region = NULL;

    if (!failure->reserved.frames || !pv_iommu_may_report(user->iommu)) {
        return;
    }
    region = xen_pv_iommu_reserved_describe(&failure->reserved);
    error_report("%s: no bus address for guest frame 0x%" PRIx64 ": bus "
                 "frame 0x%" PRIx64 " lies in %s (rdm-policy=%s): %s",
                 user->name, failure->gfn, failure->bfn, region,
                 user->rdm_policy == XEN_PV_IOMMU_RDM_STRICT ? "strict"
                                                             : "relaxed",
                 strerror(-ret));
}

static int map_pages(XenPvIommuMapping *mapping, hwaddr *fault)
{
    g_autoptr(GArray) runs = g_array_new(false, false, sizeof(XenPvIommuRun));
    XenPvIommuGfns gfns = range_gfns(&mapping->range);
    XenPvIommuFailure failure = { .gfn = XEN_PV_IOMMU_NO_FRAME };
    int ret;

    if (!find_memory(mapping->memory, &gfns, mapping->access, fault)) {
        return -EFAULT;
    }
    ret = xen_pv_iommu_client_map(mapping->user->device, &gfns, 1,
                                  mapping->access, runs, &failure);
    /* It may have found out that other mappings are stale. */
    pv_iommu_arm_deadline(mapping->user->iommu);
    if (ret) {
        if (failure.gfn != XEN_PV_IOMMU_NO_FRAME) {
            *fault = failure.gfn << PV_IOMMU_PAGE_SHIFT;
        }
        report_failure(mapping->user, ret, &failure);
        return ret;
    }
    enter_runs(mapping, runs);
    return 0;
}

int xen_pv_iommu_map(XenPvIommuUser *user, hwaddr gpa, uint64_t length,
                     XenPvIommuAccess access, XenPvIommuMapping **mapping,
                     hwaddr *fault)
{
    XenPvIommuRange range = { .gpa = gpa, .length = length };
    XenPvIommuMapping *new;
    hwaddr blame = gpa;
    int ret = -EINVAL;

    g_assert(bql_locked());
    if (range_valid(&range)) {
        new = mapping_new(user, &range, access);
        ret = map_pages(new, &blame);
        if (!ret) {
            *mapping = new;
        } else {
            pv_iommu_mapping_unref(new);
        }
    }
    trace_xen_pv_iommu_map(user->name, gpa, length, access, ret);
    if (ret && fault) {
        *fault = MAX(blame, gpa);       /* a page can begin before */
    }
    return ret;
}

bool xen_pv_iommu_bus_address(const XenPvIommuMapping *mapping,
                              uint64_t offset, uint64_t *address,
                              uint64_t *length)
{
    uint64_t in_pages = (mapping->range.gpa & (PV_IOMMU_PAGE_SIZE - 1)) +
                        offset;
    const PvIommuMappedRun *run;
    unsigned low = 0;
    unsigned high = mapping->run_count;
    uint64_t in_run;

    if (offset >= mapping->range.length) {
        return false;
    }
    /* The last run that does not begin behind the byte. */
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;

        if (mapping->runs[middle].page <= in_pages >> PV_IOMMU_PAGE_SHIFT) {
            low = middle;
        } else {
            high = middle;
        }
    }
    run = &mapping->runs[low];
    in_run = in_pages - (run->page << PV_IOMMU_PAGE_SHIFT);
    if (length) {
        *length = MIN((run->run.pages << PV_IOMMU_PAGE_SHIFT) - in_run,
                      mapping->range.length - offset);
    }
    *address = (run->run.bfn << PV_IOMMU_PAGE_SHIFT) + in_run;
    return true;
}

void xen_pv_iommu_release(XenPvIommuMapping *mapping)
{
    g_autofree XenPvIommuRun *runs = NULL;
    XenPvIommuUser *user;
    int ret;

    g_assert(bql_locked());
    if (!mapping) {
        return;
    }
    user = mapping->user;
    runs = g_new(XenPvIommuRun, mapping->run_count);
    for (unsigned i = 0; i < mapping->run_count; i++) {
        runs[i] = mapping->runs[i].run;
        interval_tree_remove(&mapping->runs[i].node, &user->runs);
    }
    QLIST_REMOVE(mapping, next);
    mark_dirty(mapping);
    ret = xen_pv_iommu_client_release(user->device, runs, mapping->run_count);
    trace_xen_pv_iommu_release(user->name, mapping->range.gpa,
                               mapping->range.length, ret);
    pv_iommu_settle(mapping);
    mapping->released = true;
    pv_iommu_mapping_unref(mapping);
}
