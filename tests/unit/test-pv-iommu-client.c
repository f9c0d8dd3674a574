/*
 * PV IOMMU: the client: what it asks, holds and gives back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-world.h"

static uint64_t pages_of(const GArray *runs)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < runs->len; i++) {
        pages += run_at(runs, i)->pages;
    }
    return pages;
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

    g_assert_cmpuint(world_held(world).calls - before, ==, world_calls(pages));
    g_assert_cmpuint(world_count(world).mapped, ==, pages);
    g_assert_cmpuint(world_held(world).references, ==, pages);
    g_assert_cmpuint(runs->len, ==, 1);
    world_reaches(world, runs);
    before = world_held(world).calls;
    device_release(device, runs);
    g_assert_cmpuint(world_held(world).calls - before, ==, world_calls(pages));
    g_assert_cmpuint(world_count(world).unmapped, ==, pages);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    world_check(world);
    device_free(device);
}

static void test_batches(void)
{
    static const uint64_t sizes[] = { 1, 127, 128, 254, 255, 256, 1024 };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        for (unsigned k = 0; k < WORLD_HOSTS; k++) {
            batches(world_hosts[k], sizes[i]);
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
    world_reaches(world, runs);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
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
        world_reaches(world, other);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
        Device *device = device_new_plain(world);
        XenPvIommuGfns gfns[] = { { 0, 4 }, { 2, 4 }, { 0, 1 } };
        g_autoptr(GArray) runs = g_array_new(FALSE, FALSE,
                                             sizeof(XenPvIommuRun));

        g_assert_cmpint(xen_pv_iommu_client_map(device->handle, gfns, 3,
                                                XEN_PV_IOMMU_READ_WRITE, runs,
                                                NULL), ==, 0);
        g_assert_cmpuint(pages_of(runs), ==, 9);
        g_assert_cmpuint(world_held(world).references, ==, 6);
        world_reaches(world, runs);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 300);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
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

/* One page as often as a device can use it, and once more. */
static void test_uses_limit(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    unsigned count = XEN_PV_IOMMU_USES_MAX + 1;
    g_autofree XenPvIommuGfns *gfns = g_new(XenPvIommuGfns, count);
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));

    for (unsigned i = 0; i < count; i++) {
        gfns[i] = (XenPvIommuGfns){ .gfn = 5, .pages = 1 };
    }
    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, gfns, count,
                                            XEN_PV_IOMMU_READ_WRITE, runs,
                                            NULL), ==, -EOVERFLOW);
    g_assert_cmpuint(runs->len, ==, 0);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, gfns, count - 1,
                                            XEN_PV_IOMMU_READ_WRITE, runs,
                                            NULL), ==, 0);
    g_assert_cmpuint(runs->len, ==, count - 1);
    g_assert_cmpint(device_try(device, 5, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -EOVERFLOW);
    g_assert_cmpuint(world_held(world).references, ==, 1);
    world_check(world);
    device_free(device);
    g_assert_cmpuint(world_held(world).references, ==, 0);
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

/* --- the end ------------------------------------------------------------ */

static void test_detach_releases(void)
{
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new_host(world_hosts[k]);
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
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
    g_test_add_func("/client/bad-requests", test_bad_requests);
    g_test_add_func("/client/no-page", test_no_page);
    g_test_add_func("/client/domain-gone", test_domain_gone);
    g_test_add_func("/client/bad-releases", test_bad_releases);
    g_test_add_func("/client/limit/client", test_client_limit);
    g_test_add_func("/client/limit/client-found-late",
                    test_client_limit_found_late);
    g_test_add_func("/client/limit/device", test_device_quota);
    g_test_add_func("/client/limit/huge-request", test_huge_request);
    g_test_add_func("/client/limit/uses", test_uses_limit);
    g_test_add_func("/client/limit/devices", test_devices_limit);
    g_test_add_func("/client/limit/bad-devices", test_bad_devices);
    g_test_add_func("/client/detach", test_detach_releases);
    g_test_add_func("/client/free", test_free_releases);
    return g_test_run();
}
