/*
 * A guest, a model of a hypervisor and a client of the PV IOMMU, for tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pv-iommu-world.h"
#include "../../hw/xen/pv-iommu/client-private.h"

const XenPvIommuHost world_hosts[WORLD_HOSTS] = {
    XEN_PV_IOMMU_HOST_DIRECT,
    XEN_PV_IOMMU_HOST_IDENTITY,
    XEN_PV_IOMMU_HOST_MAPPED,
};

/* --- between client and model ------------------------------------------- */

static bool lies(const World *world, const XenPvIommuOp *op)
{
    return world->lie_subop && op->subop == world->lie_subop &&
           op->u.foreign_page.bfn >= world->lie_from &&
           op->u.foreign_page.bfn < world->lie_end;
}

/* What is a lie is not asked; the model sees something it does not have. */
static int world_submit(void *opaque, XenPvIommuOp *ops, unsigned count)
{
    World *world = opaque;
    XenPvIommuOp asked[XEN_PV_IOMMU_BATCH];
    int ret;

    g_assert_cmpuint(count, >=, 1);
    g_assert_cmpuint(count, <=, XEN_PV_IOMMU_BATCH);
    world->largest = MAX(world->largest, count);
    if (world->interrupts) {
        world->interrupts--;
        xen_pv_iommu_client_invalidate(world->client, world->interrupt_bfn, 1,
                                       world->now_ms);
    }
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpuint(ops[i].subop, <, WORLD_SUBOPS);
        world->asked[ops[i].subop]++;
        asked[i] = ops[i];
        if (lies(world, &ops[i])) {
            asked[i].subop = UINT16_MAX;
        }
    }
    ret = xen_pv_iommu_hypervisor_ops.submit(world->hypervisor, asked, count);
    for (unsigned i = 0; !ret && i < count; i++) {
        if (lies(world, &ops[i])) {
            ops[i].status = world->lie_status;
        } else {
            ops[i] = asked[i];
        }
    }
    return ret;
}

static int world_reserved_regions(void *opaque, XenPvIommuReservedFunc *func,
                                  void *func_opaque)
{
    World *world = opaque;

    return xen_pv_iommu_hypervisor_ops.reserved_regions(world->hypervisor,
                                                        func, func_opaque);
}

static int world_max_mfn(void *opaque, uint64_t *mfn)
{
    World *world = opaque;

    if (world->max_mfn || world->max_mfn_error) {
        *mfn = world->max_mfn;
        return world->max_mfn_error;
    }
    return xen_pv_iommu_hypervisor_ops.max_mfn(world->hypervisor, mfn);
}

const XenPvIommuOps world_ops = {
    .name = "world",
    .submit = world_submit,
    .reserved_regions = world_reserved_regions,
    .max_mfn = world_max_mfn,
};

/* --- a world ------------------------------------------------------------ */

static bool ioreq(unsigned type, unsigned size, uint64_t data, bool buffered,
                  void *opaque)
{
    World *world = opaque;

    g_assert_cmpuint(type, ==, XEN_PV_IOMMU_IOREQ_INVALIDATE);
    g_assert_cmpuint(size, ==, 8);
    if (world->client && !world->deaf) {
        xen_pv_iommu_client_invalidate(world->client, data, 1, world->now_ms);
    }
    return true;
}

World *world_new_guest(XenPvIommuHost host, uint64_t frames, uint64_t pages)
{
    World *world = g_new0(World, 1);

    world->host = host;
    world->hypervisor = xen_pv_iommu_hypervisor_new(host, frames,
                                                    WORLD_OFFSET);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(world->hypervisor,
                                                       WORLD_GUEST), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_ioserver(
                        world->hypervisor, WORLD_GUEST, WORLD_SERVER, ioreq,
                        world), ==, 0);
    if (pages) {
        g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                            world->hypervisor, WORLD_GUEST, 0, pages), ==, 0);
    }
    return world;
}

World *world_new_host(XenPvIommuHost host)
{
    return world_new_guest(host, WORLD_FRAMES, WORLD_PAGES);
}

int world_connect(World *world, uint64_t pages_max)
{
    XenPvIommuClientConfig config = {
        .domid = WORLD_GUEST, .ioserver = WORLD_SERVER,
        .pages_max = pages_max,
    };

    return xen_pv_iommu_client_new(&world_ops, world, &config,
                                   &world->client);
}

World *world_new(XenPvIommuHost host, uint64_t pages_max)
{
    World *world = world_new_host(host);

    g_assert_cmpint(world_connect(world, pages_max), ==, 0);
    return world;
}

void world_free(World *world)
{
    xen_pv_iommu_client_free(world->client);
    xen_pv_iommu_hypervisor_free(world->hypervisor);
    g_free(world);
}

XenPvIommuHypervisorCounters world_held(const World *world)
{
    return xen_pv_iommu_hypervisor_counters(world->hypervisor);
}

XenPvIommuCounters world_count(const World *world)
{
    return xen_pv_iommu_client_counters(world->client);
}

void world_check(const World *world)
{
    g_autofree char *model_error =
        xen_pv_iommu_hypervisor_check(world->hypervisor);
    g_autofree char *map_error = xen_pv_iommu_map_check(world->client->map);
    XenPvIommuCounters count = world_count(world);
    XenPvIommuHypervisorCounters held = world_held(world);

    g_assert_cmpstr(model_error, ==, NULL);
    g_assert_cmpstr(map_error, ==, NULL);
    g_assert_cmpuint(count.calls, ==, held.calls);
    g_assert_cmpuint(count.operations, ==, held.operations);
    g_assert_cmpuint(count.table.pages, ==,
                     count.mapped - count.unmapped - count.undone);
    g_assert_cmpuint(count.table.dead_pages, ==, count.failed_unmaps);
    g_assert_cmpuint(world->client->depth, ==, 0);
    g_assert_cmpuint(world->client->waiting->len, ==, 0);
}

/* --- devices ------------------------------------------------------------ */

static void invalidated(void *opaque, const XenPvIommuRun *run)
{
    Device *device = opaque;

    g_array_append_vals(device->told, run, 1);
    if (device->obedient) {
        g_assert_cmpint(xen_pv_iommu_client_release(device->handle, run, 1),
                        ==, 0);
    }
}

static void overdue(void *opaque, const XenPvIommuRun *run)
{
    Device *device = opaque;

    g_array_append_vals(device->overdue, run, 1);
}

static void relaxed(void *opaque, uint64_t bfn, uint64_t pages,
                    const XenPvIommuReserved *region)
{
    Device *device = opaque;
    XenPvIommuFrames frames = { .bfn = bfn, .pages = pages };

    g_assert_cmpuint(region->start, <, bfn + pages);
    g_assert_cmpuint(bfn, <, region->start + region->frames);
    g_array_append_val(device->relaxed, frames);
}

static const XenPvIommuDeviceOps device_ops = {
    .invalidated = invalidated,
    .overdue = overdue,
    .relaxed = relaxed,
};

XenPvIommuDeviceConfig device_config(void)
{
    return (XenPvIommuDeviceConfig){
        .name = "test",
        .dma_mask = UINT64_MAX,
        .rdm_policy = XEN_PV_IOMMU_RDM_STRICT,
        .mode = XEN_PV_IOMMU_MAP,
        .any_mode = true,
    };
}

Device *device_new(World *world, const XenPvIommuDeviceConfig *config)
{
    Device *device = g_new0(Device, 1);

    device->world = world;
    device->told = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    device->overdue = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    device->relaxed = g_array_new(FALSE, FALSE, sizeof(XenPvIommuFrames));
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, config,
                                               &device_ops, device,
                                               &device->handle), ==, 0);
    return device;
}

Device *device_new_plain(World *world)
{
    XenPvIommuDeviceConfig config = device_config();

    return device_new(world, &config);
}

void device_free(Device *device)
{
    xen_pv_iommu_client_detach(device->handle);
    g_array_unref(device->told);
    g_array_unref(device->overdue);
    g_array_unref(device->relaxed);
    g_free(device);
}

int device_try(Device *device, uint64_t gfn, uint64_t pages,
               XenPvIommuAccess access, XenPvIommuFailure *failure)
{
    XenPvIommuGfns gfns = { .gfn = gfn, .pages = pages };
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));

    return xen_pv_iommu_client_map(device->handle, &gfns, 1, access, runs,
                                   failure);
}

GArray *device_map(Device *device, uint64_t gfn, uint64_t pages)
{
    XenPvIommuGfns gfns = { .gfn = gfn, .pages = pages };
    GArray *runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));

    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, &gfns, 1,
                                            XEN_PV_IOMMU_READ_WRITE, runs,
                                            NULL), ==, 0);
    return runs;
}

void device_release(Device *device, const GArray *runs)
{
    g_assert_cmpint(xen_pv_iommu_client_release(
                        device->handle, (const XenPvIommuRun *)runs->data,
                        runs->len), ==, 0);
}

const XenPvIommuRun *run_at(const GArray *runs, unsigned index)
{
    g_assert_cmpuint(index, <, runs->len);
    return &g_array_index(runs, XenPvIommuRun, index);
}

/* --- what is expected --------------------------------------------------- */

uint64_t world_calls(uint64_t operations)
{
    return (operations + XEN_PV_IOMMU_BATCH - 1) / XEN_PV_IOMMU_BATCH;
}

void world_reaches(const World *world, const GArray *runs)
{
    for (unsigned i = 0; i < runs->len; i++) {
        const XenPvIommuRun *run = run_at(runs, i);

        for (uint64_t page = 0; page < run->pages; page++) {
            uint64_t mfn;

            g_assert_true(xen_pv_iommu_hypervisor_translate(
                              world->hypervisor, run->bfn + page,
                              XEN_PV_IOMMU_READ_WRITE, &mfn));
            g_assert_cmpuint(mfn, ==, xen_pv_iommu_hypervisor_frame(
                                          world->hypervisor, WORLD_GUEST, 0,
                                          run->gfn + page));
        }
    }
}

uint64_t world_first_choice(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 1);
    uint64_t bfn = run_at(runs, 0)->bfn;

    device_free(device);
    return bfn;
}
