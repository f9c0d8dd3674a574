/*
 * PV IOMMU: the client: what it asks, holds and gives back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-world.h"

#define MFN_END WORLD_FRAMES

static const XenPvIommuHost hosts[] = {
    XEN_PV_IOMMU_HOST_DIRECT,
    XEN_PV_IOMMU_HOST_IDENTITY,
    XEN_PV_IOMMU_HOST_MAPPED,
};

/* How many calls n operations need. */
static uint64_t calls_for(uint64_t n)
{
    return (n + XEN_PV_IOMMU_BATCH - 1) / XEN_PV_IOMMU_BATCH;
}

static uint64_t pages_of(const GArray *runs)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < runs->len; i++) {
        pages += run_at(runs, i)->pages;
    }
    return pages;
}

/* Hardware reaches, at each BFN, the frame that the guest has at the gfn. */
static void assert_reaches(const World *world, const GArray *runs)
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

/* --- what this Xen offers ----------------------------------------------- */

static void test_probe_none(void)
{
    World *world = world_new_host(XEN_PV_IOMMU_HOST_NONE);

    g_assert_cmpint(world_connect(world, 0), ==, -ENOSYS);
    g_assert_null(world->client);
    world_free(world);
}

static void test_probe_direct(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_DIRECT, 0);
    XenPvIommuCaps caps = xen_pv_iommu_client_caps(world->client);
    Device *device = device_new_plain(world);

    g_assert_false(caps.iommu);
    g_assert_false(caps.map);
    g_assert_cmpint(xen_pv_iommu_client_mode(device->handle), ==,
                    XEN_PV_IOMMU_LOOKUP);
    g_assert_cmpstr(xen_pv_iommu_client_name(device->handle), ==, "test");
    device_free(device);
}

static void test_probe_identity(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    XenPvIommuCaps caps = xen_pv_iommu_client_caps(world->client);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuDeviceOps ops = { 0 };
    XenPvIommuDevice *handle;
    Device *device = device_new_plain(world);
    GArray *runs = device_map(device, 0, 4);

    g_assert_true(caps.iommu);
    g_assert_false(caps.map);
    g_assert_cmpuint(caps.offset, ==, WORLD_OFFSET);
    g_assert_cmpint(xen_pv_iommu_client_mode(device->handle), ==,
                    XEN_PV_IOMMU_LOOKUP);
    /* CAP_MAP is set there, and guest RAM is refused: it must not be tried. */
    g_assert_cmpuint(world->asked[XEN_PV_IOMMU_MAP_FOREIGN_PAGE], ==, 0);
    g_assert_cmpuint(world->asked[XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE], ==, 4);
    config.any_mode = false;
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               NULL, &handle), ==, -ENOTSUP);
    g_array_unref(runs);
    device_free(device);
}

static void test_probe_mapped(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuCaps caps = xen_pv_iommu_client_caps(world->client);
    XenPvIommuDeviceConfig config = device_config();
    Device *device = device_new_plain(world);
    Device *asking;

    config.mode = XEN_PV_IOMMU_LOOKUP;
    asking = device_new(world, &config);
    g_assert_true(caps.iommu);
    g_assert_true(caps.map);
    g_assert_cmpint(xen_pv_iommu_client_mode(device->handle), ==,
                    XEN_PV_IOMMU_MAP);
    g_assert_cmpint(xen_pv_iommu_client_mode(asking->handle), ==,
                    XEN_PV_IOMMU_LOOKUP);
    device_free(asking);
    device_free(device);
}

static void test_probe_fails(void)
{
    static const struct {
        uint16_t subop;
        int status;
        int expected;
    } cases[] = {
        { 0, -EPERM, -EPERM },
        { 0, -ENOSYS, -ENOSYS },
        { XEN_PV_IOMMU_QUERY_CAPS, -EIO, -EIO },
        { XEN_PV_IOMMU_QUERY_CAPS, 7, -EIO },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        World *world = world_new_host(XEN_PV_IOMMU_HOST_MAPPED);

        xen_pv_iommu_hypervisor_fail(world->hypervisor, cases[i].subop, 0,
                                     cases[i].status);
        g_assert_cmpint(world_connect(world, 0), ==, cases[i].expected);
        g_assert_null(world->client);
        world_free(world);
    }
}

/* --- how much it asks --------------------------------------------------- */

static void batches(XenPvIommuHost host, uint64_t pages)
{
    g_autoptr(World) world = world_new(host, 0);
    Device *device = device_new_plain(world);
    uint64_t before = world_held(world).calls;
    g_autoptr(GArray) runs = device_map(device, 0, pages);

    g_assert_cmpuint(world_held(world).calls - before, ==, calls_for(pages));
    g_assert_cmpuint(world_count(world).mapped, ==, pages);
    g_assert_cmpuint(world_held(world).references, ==, pages);
    g_assert_cmpuint(runs->len, ==, 1);
    assert_reaches(world, runs);
    before = world_held(world).calls;
    device_release(device, runs);
    g_assert_cmpuint(world_held(world).calls - before, ==, calls_for(pages));
    g_assert_cmpuint(world_count(world).unmapped, ==, pages);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    world_check(world);
    device_free(device);
}

static void test_batches(void)
{
    static const uint64_t sizes[] = { 1, 127, 128, 254, 255, 256, 1024 };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
            batches(hosts[k], sizes[i]);
        }
    }
}

/* A MiB costs three hypercalls and three flushes, scattered or not. */
static void test_cost_of_a_mib(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    XenPvIommuHypervisorCounters before = world_held(world);
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    XenPvIommuGfns gfns[256];

    for (unsigned i = 0; i < G_N_ELEMENTS(gfns); i++) {
        gfns[i] = (XenPvIommuGfns){ .gfn = 3 * i, .pages = 1 };
    }
    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, gfns, 256,
                                            XEN_PV_IOMMU_READ_WRITE, runs,
                                            NULL), ==, 0);
    g_assert_cmpuint(world_held(world).calls - before.calls, ==, 3);
    g_assert_cmpuint(world_held(world).flushes - before.flushes, ==, 3);
    g_assert_cmpuint(world->largest, ==, XEN_PV_IOMMU_BATCH);
    g_assert_cmpuint(pages_of(runs), ==, 256);
    assert_reaches(world, runs);
    before = world_held(world);
    device_release(device, runs);
    g_assert_cmpuint(world_held(world).calls - before.calls, ==, 3);
    g_assert_cmpuint(world_held(world).flushes - before.flushes, ==, 3);
    world_check(world);
    device_free(device);
}

static void test_nothing(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    uint64_t before = world_held(world).calls;
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));

    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, NULL, 0,
                                            XEN_PV_IOMMU_READ, runs, NULL),
                    ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_release(device->handle, NULL, 0),
                    ==, 0);
    g_assert_cmpuint(runs->len, ==, 0);
    g_assert_cmpuint(world_held(world).calls, ==, before);
    device_free(device);
}

/* --- references --------------------------------------------------------- */

/* Xen holds one reference for a page, however often it is looked up. */
static void test_one_reference(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        Device *first = device_new_plain(world);
        Device *second = device_new_plain(world);
        g_autoptr(GArray) once = device_map(first, 10, 4);
        g_autoptr(GArray) again = device_map(first, 10, 4);
        g_autoptr(GArray) other = device_map(second, 12, 4);

        g_assert_cmpuint(world_held(world).references, ==, 6);
        g_assert_cmpuint(world_count(world).mapped, ==, 6);
        g_assert_cmpuint(world_count(world).shared, ==, 6);
        device_release(first, once);
        g_assert_cmpuint(world_held(world).references, ==, 6);
        device_release(first, again);
        g_assert_cmpuint(world_held(world).references, ==, 4);
        assert_reaches(world, other);
        device_release(second, other);
        g_assert_cmpuint(world_held(world).references, ==, 0);
        /* No page was unmapped twice. */
        g_assert_cmpuint(world->asked[XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE], ==, 6);
        world_check(world);
        device_free(second);
        device_free(first);
    }
}

/* A request may name a page twice; it is asked for, and held, once. */
static void test_repeated_in_request(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        Device *device = device_new_plain(world);
        XenPvIommuGfns gfns[] = { { 0, 4 }, { 2, 4 }, { 0, 1 } };
        g_autoptr(GArray) runs = g_array_new(FALSE, FALSE,
                                             sizeof(XenPvIommuRun));

        g_assert_cmpint(xen_pv_iommu_client_map(device->handle, gfns, 3,
                                                XEN_PV_IOMMU_READ_WRITE, runs,
                                                NULL), ==, 0);
        g_assert_cmpuint(pages_of(runs), ==, 9);
        g_assert_cmpuint(world_held(world).references, ==, 6);
        assert_reaches(world, runs);
        device_release(device, runs);
        g_assert_cmpuint(world_held(world).references, ==, 0);
        world_check(world);
        device_free(device);
    }
}

/* A server with one flag for a page may have given it to somebody else. */
static void test_unmapped_behind_our_back(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 2);
    XenPvIommuOp op = {
        .subop = XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE,
        .u.unmap_foreign_page = { .bfn = run_at(runs, 0)->bfn },
    };
    XenPvIommuCounters count;

    g_assert_cmpint(xen_pv_iommu_hypervisor_ops.submit(world->hypervisor, &op,
                                                       1), ==, 0);
    g_assert_cmpint(op.status, ==, 0);
    device_release(device, runs);
    count = world_count(world);
    g_assert_cmpuint(count.unmapped, ==, 2);
    g_assert_cmpuint(count.failed_unmaps, ==, 0);
    g_assert_cmpuint(count.table.pages, ==, 0);
    device_free(device);
}

/* --- lookup ------------------------------------------------------------- */

static void test_lookup_scattered(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_DIRECT);
    g_autoptr(GArray) runs = NULL;
    Device *device;

    xen_pv_iommu_hypervisor_set_scatter(world->hypervisor, true);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                        world->hypervisor, WORLD_GUEST, 2000, 300), ==, 0);
    g_assert_cmpint(world_connect(world, 0), ==, 0);
    device = device_new_plain(world);
    runs = device_map(device, 2000, 300);
    g_assert_cmpuint(runs->len, ==, 300);
    assert_reaches(world, runs);
    device_release(device, runs);
    world_check(world);
    device_free(device);
}

static void test_lookup_asks_each_time(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) once = device_map(device, 0, 8);
    uint64_t calls = world_held(world).calls;
    g_autoptr(GArray) again = device_map(device, 0, 8);

    g_assert_cmpuint(world_held(world).calls, ==, calls + 1);
    device_free(device);
    g_assert_cmpuint(world_held(world).references, ==, 0);
}

/* A server without invalidations: only a lookup can tell that a gfn moved. */
static void test_lookup_finds_stale(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    Device *other = device_new_plain(world);
    g_autoptr(GArray) before = device_map(device, 4, 3);
    g_autoptr(GArray) shared = device_map(other, 5, 1);
    g_autoptr(GArray) after = NULL;
    XenPvIommuRun stale = *run_at(shared, 0);
    unsigned i;

    world->deaf = true;
    g_assert_cmpint(xen_pv_iommu_hypervisor_remap(world->hypervisor,
                                                  WORLD_GUEST, 5), ==, 0);
    after = device_map(device, 4, 3);
    g_assert_cmpuint(after->len, ==, 3);
    assert_reaches(world, after);
    g_assert_cmpuint(world_count(world).stale, ==, 1);
    g_assert_cmpuint(world_count(world).invalidations, ==, 0);
    g_assert_cmpuint(device->told->len, ==, 1);
    g_assert_cmpuint(other->told->len, ==, 1);
    g_assert_cmpuint(run_at(other->told, 0)->bfn, ==, stale.bfn);
    g_assert_cmpuint(run_at(device->told, 0)->gfn, ==, 5);
    /* No time was given, so the deadline begins when one is. */
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, 50), ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    50 + XEN_PV_IOMMU_QUIESCE_MS);
    /* Once it is found out, asking again finds nothing new. */
    i = world_count(world).stale;
    g_assert_cmpint(device_try(device, 5, 1, XEN_PV_IOMMU_READ, NULL), ==, 0);
    g_assert_cmpuint(world_count(world).stale, ==, i);
    device_release(other, shared);
    device_release(device, before);
    world_check(world);
    device_free(other);
    device_free(device);
    g_assert_cmpuint(world_held(world).references, ==, 0);
}

/* The gfn's frame may change while one request is under way. */
static void test_lookup_stale_in_request(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) first = device_map(device, 0, 1);
    g_autoptr(GArray) second = NULL;

    world->deaf = true;
    g_assert_cmpint(xen_pv_iommu_hypervisor_remap(world->hypervisor,
                                                  WORLD_GUEST, 0), ==, 0);
    device->obedient = true;
    second = device_map(device, 0, 1);
    g_assert_cmpuint(device->told->len, ==, 1);
    g_assert_cmpuint(world_held(world).references, ==, 1);
    assert_reaches(world, second);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    world_check(world);
    device_free(device);
}

/* A request that fails has told nobody of what it found. */
static void test_lookup_stale_and_failed(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 1);

    world->deaf = true;
    g_assert_cmpint(xen_pv_iommu_hypervisor_remap(world->hypervisor,
                                                  WORLD_GUEST, 0), ==, 0);
    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 1, -ENXIO);
    g_assert_cmpint(device_try(device, 0, 2, XEN_PV_IOMMU_READ, NULL), ==,
                    -ENXIO);
    g_assert_cmpuint(device->told->len, ==, 0);
    g_assert_cmpuint(world_count(world).stale, ==, 0);
    g_assert_cmpuint(world_held(world).references, ==, 1);
    world_check(world);
    device_free(device);
}

static void test_lookup_beyond_mask(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuFailure failure = { 0 };
    Device *device;
    uint64_t bfn;

    config.dma_mask = (WORLD_OFFSET << 12) - 1;
    device = device_new(world, &config);
    g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, &failure), ==,
                    -ERANGE);
    g_assert_cmpuint(failure.gfn, ==, 0);
    g_assert_cmpuint(failure.bfn, >=, WORLD_OFFSET);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    bfn = failure.bfn;
    device_free(device);

    /* The last byte of the page decides. */
    config.dma_mask = ((bfn + 1) << 12) - 2;
    device = device_new(world, &config);
    g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -ERANGE);
    device_free(device);
    config.dma_mask++;
    device = device_new(world, &config);
    g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, NULL), ==, 0);
    g_assert_cmpint(device_try(device, 0, 2, XEN_PV_IOMMU_READ, &failure), ==,
                    -ERANGE);
    g_assert_cmpuint(failure.gfn, ==, 1);
    g_assert_cmpuint(world_held(world).references, ==, 1);
    world_check(world);
    device_free(device);
}

/* --- map ---------------------------------------------------------------- */

static void test_map_shares(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *first = device_new_plain(world);
    Device *second = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(first, 0, 16);
    uint64_t calls = world_held(world).calls;
    g_autoptr(GArray) shared = device_map(second, 4, 8);
    g_autoptr(GArray) wider = NULL;

    g_assert_cmpuint(world_held(world).calls, ==, calls);
    g_assert_cmpuint(shared->len, ==, 1);
    g_assert_cmpuint(run_at(shared, 0)->bfn, ==, run_at(runs, 0)->bfn + 4);
    /* What is known is shared, and only the rest is asked for. */
    wider = device_map(second, 12, 8);
    g_assert_cmpuint(world_held(world).calls, ==, calls + 1);
    g_assert_cmpuint(world->asked[XEN_PV_IOMMU_MAP_FOREIGN_PAGE], ==, 20);
    assert_reaches(world, wider);
    world_check(world);
    device_free(second);
    device_free(first);
}

/* Access that was not given before needs a BFN of its own. */
static void test_map_access(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    XenPvIommuGfns gfns = { .gfn = 7, .pages = 1 };
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    uint64_t mfn;

    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, &gfns, 1,
                                            XEN_PV_IOMMU_READ, runs, NULL),
                    ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, &gfns, 1,
                                            XEN_PV_IOMMU_WRITE, runs, NULL),
                    ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, &gfns, 1,
                                            XEN_PV_IOMMU_READ, runs, NULL),
                    ==, 0);
    g_assert_cmpuint(run_at(runs, 0)->bfn, !=, run_at(runs, 1)->bfn);
    g_assert_cmpuint(run_at(runs, 0)->bfn, ==, run_at(runs, 2)->bfn);
    g_assert_false(xen_pv_iommu_hypervisor_translate(
                       world->hypervisor, run_at(runs, 0)->bfn,
                       XEN_PV_IOMMU_WRITE, &mfn));
    g_assert_false(xen_pv_iommu_hypervisor_translate(
                       world->hypervisor, run_at(runs, 1)->bfn,
                       XEN_PV_IOMMU_READ, &mfn));
    device_release(device, runs);
    world_check(world);
    device_free(device);
}

static void test_map_keeps_clear(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_MAPPED);
    XenPvIommuDeviceConfig config = device_config();
    g_autoptr(GArray) runs = NULL;
    Device *device;

    /* All that a 32-bit device could have is reserved, but for a few pages. */
    xen_pv_iommu_hypervisor_add_reserved(world->hypervisor, WORLD_FRAMES,
                                         XEN_PV_IOMMU_MSI_BFN - 100 -
                                         WORLD_FRAMES, 0x10);
    xen_pv_iommu_hypervisor_add_reserved(
        world->hypervisor,
        XEN_PV_IOMMU_MSI_BFN + XEN_PV_IOMMU_MSI_FRAMES + 100, 0x100000, 0x18);
    g_assert_cmpint(world_connect(world, 0), ==, 0);
    config.dma_mask = UINT32_MAX;
    device = device_new(world, &config);
    runs = device_map(device, 0, 150);
    /* No run is long enough, and both sides of the interrupts are used. */
    g_assert_cmpuint(runs->len, ==, 2);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 0);
    for (unsigned i = 0; i < runs->len; i++) {
        const XenPvIommuRun *run = run_at(runs, i);

        g_assert_null(xen_pv_iommu_reserved_find(
                          xen_pv_iommu_client_reserved(world->client),
                          run->bfn, run->pages));
        g_assert_cmpuint(run->bfn, >=, MFN_END);
        g_assert_cmpuint(run->bfn + run->pages, <=, 0x100000);
    }
    g_assert_cmpint(device_try(device, 200, 50, XEN_PV_IOMMU_READ, NULL), ==,
                    0);
    g_assert_cmpint(device_try(device, 300, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -ENOSPC);
    world_check(world);
    device_free(device);
}

/* A mask below the host's RAM leaves nothing to choose from. */
static void test_map_mask_too_small(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    Device *device;
    uint64_t calls;

    config.dma_mask = ((uint64_t)MFN_END << 12) - 1;
    device = device_new(world, &config);
    calls = world_held(world).calls;
    g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -ENOSPC);
    g_assert_cmpuint(world_held(world).calls, ==, calls);
    device_free(device);
    config.dma_mask += 4096;
    device = device_new(world, &config);
    g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, NULL), ==, 0);
    g_assert_cmpint(device_try(device, 1, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -ENOSPC);
    world_check(world);
    device_free(device);
}

/* What another device has beyond our mask is not shared. */
static void test_map_mask_and_sharing(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    Device *wide = device_new_plain(world);
    g_autoptr(GArray) high = device_map(wide, 0, 2);
    g_autoptr(GArray) low = NULL;
    Device *narrow;

    config.dma_mask = (run_at(high, 0)->bfn << 12) - 1;
    narrow = device_new(world, &config);
    low = device_map(narrow, 0, 2);
    g_assert_cmpuint(run_at(low, 0)->bfn + 2, <=, run_at(high, 0)->bfn);
    assert_reaches(world, low);
    world_check(world);
    device_free(narrow);
    device_free(wide);
}

/* Device models that know nothing of each other begin at different places. */
static void test_map_places(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_MAPPED);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    XenPvIommuDeviceConfig device = device_config();
    XenPvIommuDeviceOps ops = { 0 };

    for (uint16_t server = 0; server < 64; server++) {
        XenPvIommuClientConfig config = {
            .domid = WORLD_GUEST, .ioserver = server,
        };
        XenPvIommuGfns gfns = { .gfn = 0, .pages = 1 };
        g_autoptr(GArray) runs = g_array_new(FALSE, FALSE,
                                             sizeof(XenPvIommuRun));
        XenPvIommuClient *client;
        XenPvIommuDevice *handle;

        if (server != WORLD_SERVER) {
            g_assert_cmpint(xen_pv_iommu_hypervisor_add_ioserver(
                                world->hypervisor, WORLD_GUEST, server, NULL,
                                NULL), ==, 0);
        }
        g_assert_cmpint(xen_pv_iommu_client_new(&world_ops, world, &config,
                                                &client), ==, 0);
        g_assert_cmpint(xen_pv_iommu_client_attach(client, &device, &ops,
                                                   NULL, &handle), ==, 0);
        g_assert_cmpint(xen_pv_iommu_client_map(handle, &gfns, 1,
                                                XEN_PV_IOMMU_READ, runs, NULL),
                        ==, 0);
        g_hash_table_add(seen, GSIZE_TO_POINTER(run_at(runs, 0)->bfn));
        xen_pv_iommu_client_detach(handle);
        xen_pv_iommu_client_free(client);
    }
    g_assert_cmpuint(g_hash_table_size(seen), >=, 60);
}

/* --- BFNs that are somebody else's -------------------------------------- */

static uint64_t first_choice(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 1);
    uint64_t bfn = run_at(runs, 0)->bfn;

    device_free(device);
    return bfn;
}

static void test_busy_elsewhere(void)
{
    static const int errors[] = { -EPERM, -EEXIST, -EBUSY, -EACCES };
    uint64_t busy = first_choice() + 2;

    for (unsigned i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
        Device *device = device_new_plain(world);
        g_autoptr(GArray) runs = NULL;
        g_autoptr(GArray) later = NULL;

        world->lie_subop = XEN_PV_IOMMU_MAP_FOREIGN_PAGE;
        world->lie_status = errors[i];
        world->lie_from = busy;
        world->lie_end = busy + 1;
        runs = device_map(device, 0, 200);
        g_assert_cmpuint(runs->len, ==, 1);
        g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
        g_assert_cmpuint(world_count(world).undone, ==, 126);
        g_assert_cmpuint(world_held(world).references, ==, 200);
        /* It is remembered, and so is the better place. */
        later = device_map(device, 400, 100);
        g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
        g_assert_cmpuint(run_at(later, 0)->bfn, ==,
                         run_at(runs, 0)->bfn + 200);
        world->lie_subop = 0;
        assert_reaches(world, runs);
        world_check(world);
        device_free(device);
    }
}

/* Another device model has its pages where we would begin. */
static void test_busy_in_the_model(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = NULL;

    xen_pv_iommu_hypervisor_occupy(world->hypervisor, first_choice(), 1000);
    runs = device_map(device, 0, 256);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
    assert_reaches(world, runs);
    world_check(world);
    device_free(device);
}

/* Whatever is tried is taken: reported, and nothing is left behind. */
static void test_busy_everywhere(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    XenPvIommuFailure failure = { 0 };
    g_autoptr(GArray) runs = NULL;

    world->lie_subop = XEN_PV_IOMMU_MAP_FOREIGN_PAGE;
    world->lie_status = -EPERM;
    world->lie_end = UINT64_MAX;
    g_assert_cmpint(device_try(device, 5, 2, XEN_PV_IOMMU_READ, &failure), ==,
                    -EPERM);
    g_assert_cmpuint(world_count(world).bfn_retries, ==,
                     XEN_PV_IOMMU_BFN_TRIES);
    g_assert_cmpuint(failure.gfn, ==, 5);
    g_assert_cmpuint(failure.bfn, !=, XEN_PV_IOMMU_NO_FRAME);
    g_assert_cmpuint(world->asked[XEN_PV_IOMMU_MAP_FOREIGN_PAGE], ==,
                     2 * (XEN_PV_IOMMU_BFN_TRIES + 1));
    /* It was the gfn, then: our BFNs are not used up by that. */
    world->lie_subop = 0;
    runs = device_map(device, 5, 1);
    g_assert_cmpuint(run_at(runs, 0)->bfn, ==, first_choice());
    world_check(world);
    device_free(device);
}

/* As many tries as are allowed are enough, and no more are made. */
static void test_busy_last_try(void)
{
    for (unsigned taken = XEN_PV_IOMMU_BFN_TRIES;
         taken <= XEN_PV_IOMMU_BFN_TRIES + 1; taken++) {
        g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
        Device *device = device_new_plain(world);

        for (unsigned i = 0; i < taken; i++) {
            xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                         XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 0,
                                         -EEXIST);
        }
        g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, NULL), ==,
                        taken > XEN_PV_IOMMU_BFN_TRIES ? -EEXIST : 0);
        g_assert_cmpuint(world_count(world).bfn_retries, ==,
                         XEN_PV_IOMMU_BFN_TRIES);
        world_check(world);
        device_free(device);
    }
}

/* What was shared before is counted once, however often a request is tried. */
static void test_busy_and_shared(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) before = device_map(device, 3, 5);
    g_autoptr(GArray) runs = NULL;

    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 4, -EBUSY);
    runs = device_map(device, 0, 20);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
    g_assert_cmpuint(world_count(world).shared, ==, 5);
    g_assert_cmpuint(world_held(world).references, ==, 20);
    assert_reaches(world, runs);
    world_check(world);
    device_free(device);
}

/* Where there is only one place to begin at: the BFN itself is remembered. */
static void test_busy_remembered(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    g_autoptr(GArray) one = NULL;
    g_autoptr(GArray) two = NULL;
    Device *device;

    config.dma_mask = ((uint64_t)(MFN_END + 3) << 12) - 1;
    device = device_new(world, &config);
    xen_pv_iommu_hypervisor_occupy(world->hypervisor, MFN_END, 1);
    one = device_map(device, 0, 1);
    two = device_map(device, 1, 1);
    g_assert_cmpuint(run_at(one, 0)->bfn, ==, MFN_END + 1);
    g_assert_cmpuint(run_at(two, 0)->bfn, ==, MFN_END + 2);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
    g_assert_cmpint(device_try(device, 2, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -ENOSPC);
    device_release(device, one);
    device_release(device, two);
    world_check(world);
    device_free(device);
}

/* What another BFN cannot cure is not tried with one. */
static void test_busy_and_worse(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    XenPvIommuFailure failure = { 0 };

    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 0, -EEXIST);
    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 3, -EIO);
    g_assert_cmpint(device_try(device, 10, 8, XEN_PV_IOMMU_READ, &failure),
                    ==, -EIO);
    g_assert_cmpuint(failure.gfn, ==, 14);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 0);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    world_check(world);
    device_free(device);
}

/* A device was plugged in, with a region of its own, after we asked. */
static void test_region_appears(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    uint64_t place = first_choice();
    g_autoptr(GArray) runs = NULL;
    g_autoptr(GArray) later = NULL;

    xen_pv_iommu_hypervisor_add_reserved(world->hypervisor, place, 1000, 0x20);
    runs = device_map(device, 0, 10);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
    g_assert_nonnull(xen_pv_iommu_reserved_find(
                         xen_pv_iommu_client_reserved(world->client), place,
                         1));
    later = device_map(device, 10, 100);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
    world_check(world);
    device_free(device);
}

static void test_region_everywhere(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuFailure failure = { 0 };
    Device *device;

    config.dma_mask = ((uint64_t)(MFN_END + 8) << 12) - 1;
    device = device_new(world, &config);
    xen_pv_iommu_hypervisor_add_reserved(world->hypervisor, MFN_END, 8, 0x20);
    g_assert_cmpint(device_try(device, 0, 8, XEN_PV_IOMMU_READ, &failure), ==,
                    -ENOSPC);
    world_check(world);
    device_free(device);
}

/* --- half done ---------------------------------------------------------- */

/* The device's request of 300 pages fails at each page, one after the other. */
static void fail_at(World *world, Device *device, uint64_t page, int error)
{
    uint16_t subop = world->host == XEN_PV_IOMMU_HOST_MAPPED
                     ? XEN_PV_IOMMU_MAP_FOREIGN_PAGE
                     : XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE;
    XenPvIommuHypervisorCounters before = world_held(world);
    XenPvIommuMapTotals totals = world_count(world).table;
    XenPvIommuFailure failure = { 0 };
    uint64_t calls = calls_for(page + 1);
    uint64_t skipped;

    /* 10 pages of those are mapped already, and in map mode not asked for. */
    skipped = subop == XEN_PV_IOMMU_MAP_FOREIGN_PAGE && page >= 100 ? 10 : 0;
    xen_pv_iommu_hypervisor_fail(world->hypervisor, subop, page - skipped,
                                 error);
    g_assert_cmpint(device_try(device, 0, 300, XEN_PV_IOMMU_READ_WRITE,
                               &failure), ==, error);
    g_assert_cmpuint(failure.gfn, ==, page);
    g_assert_cmpuint(world_held(world).references, ==, before.references);
    g_assert_cmpuint(world_held(world).mapped, ==, before.mapped);
    g_assert_cmpuint(world_count(world).table.pages, ==, totals.pages);
    g_assert_cmpuint(world_count(world).table.extents, ==, totals.extents);
    g_assert_cmpuint(world_held(world).calls - before.calls, <=, 2 * calls);
    xen_pv_iommu_hypervisor_fail(world->hypervisor, subop, 0, 0);
}

static void test_fails_at_each_page(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        Device *device = device_new_plain(world);
        Device *other = device_new_plain(world);
        g_autoptr(GArray) kept = device_map(device, 95, 5);
        g_autoptr(GArray) others = device_map(other, 90, 10);

        for (uint64_t page = 0; page < 300; page++) {
            if (page < 90 || page >= 100 ||
                hosts[k] != XEN_PV_IOMMU_HOST_MAPPED) {
                fail_at(world, device, page, -EIO);
            }
        }
        world_check(world);
        assert_reaches(world, kept);
        assert_reaches(world, others);
        g_assert_cmpuint(world_count(world).shared, ==, 5);
        device_release(device, kept);
        device_release(other, others);
        g_assert_cmpuint(world_held(world).references, ==, 0);
        device_free(other);
        device_free(device);
    }
}

/* The call itself fails, in the first, the second and the third batch. */
static void test_call_fails(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        for (unsigned batch = 0; batch < 3; batch++) {
            g_autoptr(World) world = world_new(hosts[k], 0);
            Device *device = device_new_plain(world);
            XenPvIommuFailure failure = { 0 };
            XenPvIommuHypervisorCounters before = world_held(world);
            g_autoptr(GArray) runs = NULL;

            xen_pv_iommu_hypervisor_fail(world->hypervisor, 0, batch, -EFAULT);
            g_assert_cmpint(device_try(device, 0, 300, XEN_PV_IOMMU_WRITE,
                                       &failure), ==, -EFAULT);
            g_assert_cmpuint(failure.gfn, ==, XEN_PV_IOMMU_NO_FRAME);
            g_assert_cmpuint(world_count(world).undone, ==,
                             batch * XEN_PV_IOMMU_BATCH);
            g_assert_cmpuint(world_held(world).calls - before.calls, ==,
                             batch + 1 + batch);
            g_assert_cmpuint(world_held(world).references, ==, 0);
            world_check(world);
            /* All BFNs are free again: the same request gets the same. */
            runs = device_map(device, 0, 300);
            if (hosts[k] == XEN_PV_IOMMU_HOST_MAPPED) {
                g_assert_cmpuint(run_at(runs, 0)->bfn, ==, first_choice());
            }
            device_free(device);
        }
    }
}

/* Of a batch with several failures, all that went well is taken back. */
static void test_fails_several_times(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        Device *device = device_new_plain(world);
        uint16_t subop = hosts[k] == XEN_PV_IOMMU_HOST_MAPPED
                         ? XEN_PV_IOMMU_MAP_FOREIGN_PAGE
                         : XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE;
        XenPvIommuFailure failure = { 0 };

        xen_pv_iommu_hypervisor_fail(world->hypervisor, subop, 3, -ENXIO);
        xen_pv_iommu_hypervisor_fail(world->hypervisor, subop, 50, -EIO);
        g_assert_cmpint(device_try(device, 0, 300, XEN_PV_IOMMU_READ_WRITE,
                                   &failure), ==, -ENXIO);
        g_assert_cmpuint(failure.gfn, ==, 3);
        g_assert_cmpuint(world_count(world).undone, ==, 125);
        g_assert_cmpuint(world_held(world).references, ==, 0);
        world_check(world);
        device_free(device);
    }
}

/* Pages that were told behind a failure: one reference for a shared frame. */
static void test_fails_before_aliases(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_DIRECT, 0);
    Device *device = device_new_plain(world);

    for (uint64_t alias = 0; alias < 4; alias++) {
        g_assert_cmpint(xen_pv_iommu_hypervisor_alias(
                            world->hypervisor, WORLD_GUEST, 9,
                            WORLD_PAGES + alias), ==, 0);
    }
    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 2, -EIO);
    g_assert_cmpint(device_try(device, WORLD_PAGES - 1, 5, XEN_PV_IOMMU_READ,
                               NULL), ==, -EIO);
    g_assert_cmpuint(world_count(world).undone, ==, 2);
    g_assert_cmpuint(world->asked[XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE], ==, 2);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    world_check(world);
    device_free(device);
}

/* --- BFNs that Xen does not take back ----------------------------------- */

static void test_undo_fails(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = NULL;
    uint64_t place = first_choice();

    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 9, -EIO);
    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 4, -EIO);
    g_assert_cmpint(device_try(device, 0, 20, XEN_PV_IOMMU_READ_WRITE, NULL),
                    ==, -EIO);
    g_assert_cmpuint(world_count(world).failed_unmaps, ==, 1);
    g_assert_cmpuint(world_count(world).undone, ==, 18);
    g_assert_cmpuint(world_held(world).references, ==, 1);
    world_check(world);
    /* The dead BFN is not chosen again. */
    runs = device_map(device, 100, 20);
    g_assert_true(run_at(runs, 0)->bfn > place + 4 ||
                  run_at(runs, 0)->bfn + 20 <= place + 4);
    device_release(device, runs);
    world_check(world);
    device_free(device);
}

/* A release that Xen refuses; the last offer, at the end, it takes. */
static void test_release_fails(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        World *world = world_new(hosts[k], 0);
        Device *device = device_new_plain(world);
        g_autoptr(GArray) runs = device_map(device, 0, 200);

        xen_pv_iommu_hypervisor_fail(world->hypervisor, 0, 1, -EFAULT);
        device_release(device, runs);
        g_assert_cmpuint(world_count(world).failed_unmaps, ==, 200 - 127);
        g_assert_cmpuint(world_held(world).references, ==, 200 - 127);
        g_assert_cmpuint(world_count(world).table.dead_pages, ==, 200 - 127);
        world_check(world);
        device_free(device);
        xen_pv_iommu_client_free(world->client);
        world->client = NULL;
        g_assert_cmpuint(world_held(world).references, ==, 0);
        world_free(world);
    }
}

/* Xen tells a BFN that is dead: it cannot be used. */
static void test_lookup_of_dead(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 1);

    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 0, -EIO);
    device_release(device, runs);
    g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -ESTALE);
    g_assert_cmpint(device_try(device, 1, 1, XEN_PV_IOMMU_READ, NULL), ==, 0);
    world_check(world);
    device_free(device);
}

/* --- wrong requests ----------------------------------------------------- */

static void test_bad_requests(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    uint64_t calls = world_held(world).calls;

    g_assert_cmpint(device_try(device, 0, 0, XEN_PV_IOMMU_READ, NULL), ==,
                    -EINVAL);
    g_assert_cmpint(device_try(device, 0, 1, 0, NULL), ==, -EINVAL);
    g_assert_cmpint(device_try(device, 0, 1, 4, NULL), ==, -EINVAL);
    g_assert_cmpint(device_try(device, XEN_PV_IOMMU_FRAME_END, 1,
                               XEN_PV_IOMMU_READ, NULL), ==, -EINVAL);
    g_assert_cmpint(device_try(device, XEN_PV_IOMMU_FRAME_END - 1, 2,
                               XEN_PV_IOMMU_READ, NULL), ==, -EINVAL);
    g_assert_cmpint(device_try(device, 1, UINT64_MAX, XEN_PV_IOMMU_READ,
                               NULL), ==, -EINVAL);
    g_assert_cmpuint(world_held(world).calls, ==, calls);
    device_free(device);
}

static void test_no_page(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        Device *device = device_new_plain(world);
        XenPvIommuFailure failure = { 0 };

        g_assert_cmpint(device_try(device, WORLD_PAGES - 1, 2,
                                   XEN_PV_IOMMU_READ, &failure), ==, -ENXIO);
        g_assert_cmpuint(failure.gfn, ==, WORLD_PAGES);
        g_assert_cmpint(device_try(device, WORLD_PAGES - 1, 1,
                                   XEN_PV_IOMMU_READ, NULL), ==, 0);
        world_check(world);
        device_free(device);
    }
}

static void test_domain_gone(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        Device *device = device_new_plain(world);
        g_autoptr(GArray) runs = device_map(device, 0, 4);

        g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(
                            world->hypervisor, WORLD_GUEST), ==, 0);
        g_assert_cmpint(device_try(device, 8, 1, XEN_PV_IOMMU_READ, NULL),
                        ==, -ENXIO);
        device_release(device, runs);
        g_assert_cmpuint(world_held(world).references, ==, 0);
        g_assert_cmpuint(world_count(world).table.pages, ==, 0);
        device_free(device);
    }
}

static void test_bad_releases(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    Device *other = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 10, 4);
    XenPvIommuRun good = *run_at(runs, 0);
    XenPvIommuRun bad[] = {
        { good.gfn, good.bfn, 5 },
        { good.gfn + 1, good.bfn, 4 },
        { good.gfn, good.bfn, 0 },
        { good.gfn, XEN_PV_IOMMU_FRAME_END, 1 },
        { good.gfn, good.bfn, UINT64_MAX },
        { UINT64_MAX, good.bfn, 4 },
    };
    XenPvIommuRun parts[] = {
        { good.gfn + 2, good.bfn + 2, 1 },
        { good.gfn + 2, good.bfn + 2, 1 },
        { good.gfn, good.bfn, 1 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpint(xen_pv_iommu_client_release(device->handle, &bad[i],
                                                    1), ==, -ENOENT);
    }
    g_assert_cmpint(xen_pv_iommu_client_release(other->handle, &good, 1), ==,
                    -ENOENT);
    g_assert_cmpuint(world_held(world).references, ==, 4);
    /* What is before the bad run is released, what is behind is not. */
    g_assert_cmpint(xen_pv_iommu_client_release(device->handle, parts, 3), ==,
                    -ENOENT);
    g_assert_cmpuint(world_held(world).references, ==, 3);
    world_check(world);
    device_free(other);
    device_free(device);
    g_assert_cmpuint(world_held(world).references, ==, 0);
}

/* --- limits ------------------------------------------------------------- */

static void test_client_limit(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 300);
        Device *device = device_new_plain(world);
        Device *other = device_new_plain(world);
        uint64_t calls = world_held(world).calls;
        g_autoptr(GArray) runs = NULL;

        g_assert_cmpint(device_try(device, 0, 301, XEN_PV_IOMMU_READ_WRITE,
                                   NULL), ==, -ENOSPC);
        g_assert_cmpuint(world_held(world).calls, ==, calls);
        runs = device_map(device, 0, 300);
        g_assert_cmpint(device_try(device, 300, 1, XEN_PV_IOMMU_READ_WRITE,
                                   NULL), ==, -ENOSPC);
        /* Another device can share what is there, and no more. */
        g_assert_cmpint(device_try(other, 299, 1, XEN_PV_IOMMU_READ_WRITE,
                                   NULL), ==, 0);
        g_assert_cmpint(device_try(other, 299, 2, XEN_PV_IOMMU_READ_WRITE,
                                   NULL), ==, -ENOSPC);
        g_assert_cmpuint(world_held(world).references, ==, 300);
        world_check(world);
        device_free(other);
        device_free(device);
    }
}

/* The client's limit is hit by a request that cannot be known to hit it. */
static void test_client_limit_found_late(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 300);
    Device *device = device_new_plain(world);
    Device *other = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 100);
    XenPvIommuFailure failure = { 0 };

    g_assert_cmpint(device_try(other, 100, 201, XEN_PV_IOMMU_READ_WRITE,
                               &failure), ==, -ENOSPC);
    g_assert_cmpuint(failure.gfn, ==, 300);
    g_assert_cmpuint(world_held(world).references, ==, 100);
    g_assert_cmpuint(world_count(world).undone, ==, 201);
    world_check(world);
    g_assert_cmpint(device_try(other, 100, 200, XEN_PV_IOMMU_READ_WRITE,
                               NULL), ==, 0);
    device_free(other);
    device_free(device);
}

static void test_device_quota(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        XenPvIommuDeviceConfig config = device_config();
        Device *unlimited = device_new_plain(world);
        g_autoptr(GArray) runs = NULL;
        g_autoptr(GArray) shared = NULL;
        Device *device;
        uint64_t calls;

        config.pages_max = 150;
        device = device_new(world, &config);
        calls = world_held(world).calls;
        g_assert_cmpint(device_try(device, 0, 151, XEN_PV_IOMMU_READ_WRITE,
                                   NULL), ==, -EDQUOT);
        g_assert_cmpuint(world_held(world).calls, ==, calls);
        runs = device_map(device, 0, 150);
        /* What it uses already costs nothing more. */
        shared = device_map(device, 0, 150);
        calls = world_held(world).calls;
        g_assert_cmpint(device_try(device, 149, 2, XEN_PV_IOMMU_READ_WRITE,
                                   NULL), ==, -EDQUOT);
        g_assert_cmpuint(world_held(world).calls, ==, calls);
        g_assert_cmpint(device_try(unlimited, 150, 151,
                                   XEN_PV_IOMMU_READ_WRITE, NULL), ==, 0);
        world_check(world);
        device_free(device);
        device_free(unlimited);
        g_assert_cmpuint(world_held(world).references, ==, 0);
    }
}

static void test_huge_request(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new(hosts[k], 0);
        Device *device = device_new_plain(world);
        uint64_t calls = world_held(world).calls;

        g_assert_cmpint(device_try(device, 0, XEN_PV_IOMMU_FRAME_END,
                                   XEN_PV_IOMMU_READ, NULL), ==, -ENOSPC);
        g_assert_cmpint(device_try(device, 0, XEN_PV_IOMMU_PAGES_MAX + 1,
                                   XEN_PV_IOMMU_READ, NULL), ==, -ENOSPC);
        g_assert_cmpuint(world_held(world).calls, ==, calls);
        device_free(device);
    }
}

static void test_devices_limit(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuDevice *handles[XEN_PV_IOMMU_DEVICES_MAX];
    XenPvIommuDeviceOps ops = { 0 };
    XenPvIommuDevice *more;

    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config,
                                                   &ops, NULL, &handles[i]),
                        ==, 0);
    }
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               NULL, &more), ==, -ENOSPC);
    xen_pv_iommu_client_detach(handles[7]);
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               NULL, &handles[7]), ==, 0);
    for (unsigned i = 0; i < XEN_PV_IOMMU_DEVICES_MAX; i++) {
        xen_pv_iommu_client_detach(handles[i]);
    }
}

static void test_bad_devices(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuDeviceOps ops = { 0 };
    XenPvIommuDevice *handle;

    config.quiesce_ms = XEN_PV_IOMMU_QUIESCE_MS_MAX + 1;
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               NULL, &handle), ==, -EINVAL);
    config.quiesce_ms--;
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               NULL, &handle), ==, 0);
    xen_pv_iommu_client_detach(handle);
    config.dma_mask = 4094;
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               NULL, &handle), ==, -EINVAL);
    config.dma_mask = 4095;
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               NULL, &handle), ==, 0);
    xen_pv_iommu_client_detach(handle);
}

/* --- reserved regions --------------------------------------------------- */

/* In lookup mode Xen's BFN can be in a region; the policy is the device's. */
static void test_reserved_lookup(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_IDENTITY);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuFailure failure = { 0 };
    g_autoptr(GArray) first = NULL;
    g_autoptr(GArray) second = NULL;
    uint64_t mfn = xen_pv_iommu_hypervisor_frame(world->hypervisor,
                                                 WORLD_GUEST, 0, 5);
    Device *strict;
    Device *relaxed;

    xen_pv_iommu_hypervisor_add_reserved(world->hypervisor,
                                         mfn + WORLD_OFFSET, 2, 0x10);
    g_assert_cmpint(world_connect(world, 0), ==, 0);
    strict = device_new(world, &config);
    config.rdm_policy = XEN_PV_IOMMU_RDM_RELAXED;
    relaxed = device_new(world, &config);
    g_assert_cmpint(device_try(strict, 0, 10, XEN_PV_IOMMU_READ, &failure),
                    ==, -EACCES);
    g_assert_cmpuint(failure.gfn, ==, 5);
    g_assert_cmpuint(failure.bfn, ==, mfn + WORLD_OFFSET);
    g_assert_cmpuint(failure.reserved.sbdf, ==, 0x10);
    g_assert_cmpuint(failure.reserved.frames, ==, 2);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    first = device_map(relaxed, 0, 10);
    g_assert_cmpuint(relaxed->relaxed->len, ==, 1);
    second = device_map(relaxed, 0, 10);
    g_assert_cmpuint(relaxed->relaxed->len, ==, 1);
    g_assert_cmpint(device_try(strict, 5, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -EACCES);
    g_assert_cmpint(device_try(strict, 0, 5, XEN_PV_IOMMU_READ, NULL), ==, 0);
    world_check(world);
    device_free(relaxed);
    device_free(strict);
}

/*
 * A device that may not have the BFN that Xen tells, and so has one of its own
 * choice: looking the gfn up again says nothing against that one.
 */
static void test_reserved_both_ways(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_MAPPED);
    XenPvIommuDeviceConfig config = device_config();
    uint64_t mfn = xen_pv_iommu_hypervisor_frame(world->hypervisor,
                                                 WORLD_GUEST, 0, 0);
    g_autoptr(GArray) told = NULL;
    g_autoptr(GArray) chosen = NULL;
    g_autoptr(GArray) again = NULL;
    Device *asking;
    Device *choosing;

    xen_pv_iommu_hypervisor_add_reserved(world->hypervisor, mfn, 1, 0x10);
    g_assert_cmpint(world_connect(world, 0), ==, 0);
    choosing = device_new(world, &config);
    config.rdm_policy = XEN_PV_IOMMU_RDM_RELAXED;
    config.mode = XEN_PV_IOMMU_LOOKUP;
    asking = device_new(world, &config);
    told = device_map(asking, 0, 1);
    chosen = device_map(choosing, 0, 1);
    g_assert_cmpuint(run_at(told, 0)->bfn, ==, mfn);
    g_assert_cmpuint(run_at(chosen, 0)->bfn, >=, MFN_END);
    /* Whichever of the two Xen tells now, the other one is good as well. */
    again = device_map(asking, 0, 1);
    g_assert_true(run_at(again, 0)->bfn == mfn ||
                  run_at(again, 0)->bfn == run_at(chosen, 0)->bfn);
    g_assert_cmpuint(choosing->told->len, ==, 0);
    g_assert_cmpuint(asking->told->len, ==, 0);
    g_assert_cmpuint(world_count(world).stale, ==, 0);
    world_check(world);
    device_free(choosing);
    device_free(asking);
}

/* A warning that a failed request would have given is given by the next. */
static void test_reserved_warning_kept(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_IDENTITY);
    XenPvIommuDeviceConfig config = device_config();
    uint64_t mfn = xen_pv_iommu_hypervisor_frame(world->hypervisor,
                                                 WORLD_GUEST, 0, 0);
    g_autoptr(GArray) runs = NULL;
    Device *device;

    xen_pv_iommu_hypervisor_add_reserved(world->hypervisor,
                                         mfn + WORLD_OFFSET, 2, 0x10);
    g_assert_cmpint(world_connect(world, 0), ==, 0);
    config.rdm_policy = XEN_PV_IOMMU_RDM_RELAXED;
    device = device_new(world, &config);
    g_assert_cmpint(device_try(device, WORLD_PAGES, 1, XEN_PV_IOMMU_READ,
                               NULL), ==, -ENXIO);
    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 3, -EIO);
    g_assert_cmpint(device_try(device, 0, 10, XEN_PV_IOMMU_READ, NULL), ==,
                    -EIO);
    g_assert_cmpuint(device->relaxed->len, ==, 0);
    runs = device_map(device, 0, 10);
    g_assert_cmpuint(device->relaxed->len, ==, 1);
    device_free(device);
}

/* The interrupt window is nobody's, relaxed or not. */
static void test_reserved_interrupts(void)
{
    g_autoptr(World) world = g_new0(World, 1);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuFailure failure = { 0 };
    Device *device;

    world->host = XEN_PV_IOMMU_HOST_IDENTITY;
    world->hypervisor = xen_pv_iommu_hypervisor_new(world->host, 256,
                                                    XEN_PV_IOMMU_MSI_BFN);
    xen_pv_iommu_hypervisor_add_domain(world->hypervisor, WORLD_GUEST);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                        world->hypervisor, WORLD_GUEST, 0, 4), ==, 0);
    g_assert_cmpint(world_connect(world, 0), ==, 0);
    config.rdm_policy = XEN_PV_IOMMU_RDM_RELAXED;
    device = device_new(world, &config);
    g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, &failure), ==,
                    -EACCES);
    g_assert_cmpint(failure.reserved.kind, ==, XEN_PV_IOMMU_RESERVED_MSI);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    device_free(device);
}

static void test_reserved_limit(void)
{
    for (unsigned more = 0; more < 2; more++) {
        World *world = world_new_host(XEN_PV_IOMMU_HOST_MAPPED);

        /* One place is the interrupt window's. */
        for (unsigned i = 0; i < XEN_PV_IOMMU_RESERVED_MAX - 1 + more; i++) {
            xen_pv_iommu_hypervisor_add_reserved(world->hypervisor,
                                                 0x200000 + 2 * i, 1, i);
        }
        g_assert_cmpint(world_connect(world, 0), ==, more ? -ENOSPC : 0);
        world_free(world);
    }
}

/* --- the end ------------------------------------------------------------ */

static void test_detach_releases(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts); k++) {
        g_autoptr(World) world = world_new_host(hosts[k]);
        Device *device;
        Device *other;
        g_autoptr(GArray) shared = NULL;

        xen_pv_iommu_hypervisor_set_scatter(world->hypervisor, true);
        g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                            world->hypervisor, WORLD_GUEST, 2000, 1500), ==,
                        0);
        g_assert_cmpint(world_connect(world, 0), ==, 0);
        device = device_new_plain(world);
        other = device_new_plain(world);
        shared = device_map(other, 2100, 7);
        for (unsigned i = 0; i < 3; i++) {
            g_array_unref(device_map(device, 2000 + 10 * i, 1400));
        }
        g_assert_cmpuint(world_held(world).references, ==, 1420);
        device_free(device);
        g_assert_cmpuint(world_held(world).references, ==, 7);
        world_check(world);
        device_release(other, shared);
        g_assert_cmpuint(world_held(world).references, ==, 0);
        device_free(other);
    }
}

static void test_free_releases(void)
{
    World *world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);

    g_array_unref(device_map(device, 0, 300));
    xen_pv_iommu_client_free(world->client);
    world->client = NULL;
    g_assert_cmpuint(world_held(world).references, ==, 0);
    g_array_unref(device->told);
    g_array_unref(device->overdue);
    g_array_unref(device->relaxed);
    g_free(device);
    world_free(world);
    xen_pv_iommu_client_free(NULL);
}

static void add_probe_and_lookup(void)
{
    g_test_add_func("/client/probe/none", test_probe_none);
    g_test_add_func("/client/probe/direct", test_probe_direct);
    g_test_add_func("/client/probe/identity", test_probe_identity);
    g_test_add_func("/client/probe/mapped", test_probe_mapped);
    g_test_add_func("/client/probe/fails", test_probe_fails);
    g_test_add_func("/client/batches", test_batches);
    g_test_add_func("/client/cost-of-a-mib", test_cost_of_a_mib);
    g_test_add_func("/client/nothing", test_nothing);
    g_test_add_func("/client/one-reference", test_one_reference);
    g_test_add_func("/client/repeated-in-request", test_repeated_in_request);
    g_test_add_func("/client/unmapped-behind-our-back",
                    test_unmapped_behind_our_back);
    g_test_add_func("/client/lookup/scattered", test_lookup_scattered);
    g_test_add_func("/client/lookup/asks-each-time",
                    test_lookup_asks_each_time);
    g_test_add_func("/client/lookup/finds-stale", test_lookup_finds_stale);
    g_test_add_func("/client/lookup/stale-in-request",
                    test_lookup_stale_in_request);
    g_test_add_func("/client/lookup/stale-and-failed",
                    test_lookup_stale_and_failed);
    g_test_add_func("/client/lookup/beyond-mask", test_lookup_beyond_mask);
    g_test_add_func("/client/lookup/of-dead", test_lookup_of_dead);
}

static void add_map(void)
{
    g_test_add_func("/client/map/shares", test_map_shares);
    g_test_add_func("/client/map/access", test_map_access);
    g_test_add_func("/client/map/keeps-clear", test_map_keeps_clear);
    g_test_add_func("/client/map/mask-too-small", test_map_mask_too_small);
    g_test_add_func("/client/map/mask-and-sharing",
                    test_map_mask_and_sharing);
    g_test_add_func("/client/map/places", test_map_places);
    g_test_add_func("/client/busy/elsewhere", test_busy_elsewhere);
    g_test_add_func("/client/busy/in-the-model", test_busy_in_the_model);
    g_test_add_func("/client/busy/everywhere", test_busy_everywhere);
    g_test_add_func("/client/busy/last-try", test_busy_last_try);
    g_test_add_func("/client/busy/and-shared", test_busy_and_shared);
    g_test_add_func("/client/busy/remembered", test_busy_remembered);
    g_test_add_func("/client/busy/and-worse", test_busy_and_worse);
    g_test_add_func("/client/busy/region-appears", test_region_appears);
    g_test_add_func("/client/busy/region-everywhere",
                    test_region_everywhere);
}

static void add_failures(void)
{
    g_test_add_func("/client/fails/at-each-page", test_fails_at_each_page);
    g_test_add_func("/client/fails/call", test_call_fails);
    g_test_add_func("/client/fails/several-times", test_fails_several_times);
    g_test_add_func("/client/fails/before-aliases",
                    test_fails_before_aliases);
    g_test_add_func("/client/fails/undo", test_undo_fails);
    g_test_add_func("/client/fails/release", test_release_fails);
    g_test_add_func("/client/bad-requests", test_bad_requests);
    g_test_add_func("/client/no-page", test_no_page);
    g_test_add_func("/client/domain-gone", test_domain_gone);
    g_test_add_func("/client/bad-releases", test_bad_releases);
}

static void add_limits_and_regions(void)
{
    g_test_add_func("/client/limit/client", test_client_limit);
    g_test_add_func("/client/limit/client-found-late",
                    test_client_limit_found_late);
    g_test_add_func("/client/limit/device", test_device_quota);
    g_test_add_func("/client/limit/huge-request", test_huge_request);
    g_test_add_func("/client/limit/devices", test_devices_limit);
    g_test_add_func("/client/limit/bad-devices", test_bad_devices);
    g_test_add_func("/client/limit/regions", test_reserved_limit);
    g_test_add_func("/client/reserved/lookup", test_reserved_lookup);
    g_test_add_func("/client/reserved/both-ways", test_reserved_both_ways);
    g_test_add_func("/client/reserved/warning-kept",
                    test_reserved_warning_kept);
    g_test_add_func("/client/reserved/interrupts",
                    test_reserved_interrupts);
    g_test_add_func("/client/detach", test_detach_releases);
    g_test_add_func("/client/free", test_free_releases);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_probe_and_lookup();
    add_map();
    add_failures();
    add_limits_and_regions();
    return g_test_run();
}
