/*
 * PV IOMMU: the client: bus addresses that Xen tells
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-world.h"

#define MFN_END WORLD_FRAMES

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
    world_reaches(world, runs);
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
    world_reaches(world, after);
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
    world_reaches(world, second);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    world_check(world);
    device_free(device);
}

/* Pages that moved, asked for in any order: each is stale, and once. */
static void test_lookup_stale_in_any_order(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) before = device_map(device, 4, 8);
    g_autoptr(GArray) after = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    XenPvIommuGfns gfns[] = { { 5, 1 }, { 9, 1 }, { 6, 1 }, { 5, 1 } };

    world->deaf = true;
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(xen_pv_iommu_hypervisor_remap(
                            world->hypervisor, WORLD_GUEST, gfns[i].gfn), ==,
                        0);
    }
    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, gfns, 4,
                                            XEN_PV_IOMMU_READ, after, NULL),
                    ==, 0);
    g_assert_cmpuint(world_count(world).stale, ==, 3);
    g_assert_cmpuint(device->told->len, ==, 2);
    g_assert_cmpuint(run_at(device->told, 0)->gfn, ==, 5);
    g_assert_cmpuint(run_at(device->told, 0)->pages, ==, 2);
    g_assert_cmpuint(run_at(device->told, 1)->gfn, ==, 9);
    world_reaches(world, after);
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
    config.pages_max = 4;
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
    /* A gfn that has two BFNs is one gfn for what is left of the limit. */
    g_assert_cmpint(device_try(asking, 0, 1, XEN_PV_IOMMU_READ, NULL), ==, 0);
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

/* An earlier page fails for another reason: no region is to blame. */
static void test_reserved_behind_failure(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_IDENTITY);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuFailure failure = { 0 };
    uint64_t mfn = xen_pv_iommu_hypervisor_frame(world->hypervisor,
                                                 WORLD_GUEST, 0, 1);
    g_autoptr(GArray) runs = NULL;
    Device *holding;
    Device *asking;

    xen_pv_iommu_hypervisor_add_reserved(world->hypervisor,
                                         mfn + WORLD_OFFSET, 1, 0x10);
    g_assert_cmpint(world_connect(world, 0), ==, 0);
    holding = device_new(world, &config);
    asking = device_new(world, &config);
    runs = device_map(holding, 0, 1);
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(
                         world->client, run_at(runs, 0)->bfn, 1, 0), ==, 1);
    g_assert_cmpint(device_try(asking, 0, 2, XEN_PV_IOMMU_READ, &failure), ==,
                    -ESTALE);
    g_assert_cmpuint(failure.gfn, ==, 0);
    g_assert_cmpuint(failure.reserved.frames, ==, 0);
    world_check(world);
    device_free(asking);
    device_free(holding);
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/lookup/scattered", test_lookup_scattered);
    g_test_add_func("/client/lookup/asks-each-time",
                    test_lookup_asks_each_time);
    g_test_add_func("/client/lookup/finds-stale", test_lookup_finds_stale);
    g_test_add_func("/client/lookup/stale-in-request",
                    test_lookup_stale_in_request);
    g_test_add_func("/client/lookup/stale-in-any-order",
                    test_lookup_stale_in_any_order);
    g_test_add_func("/client/lookup/stale-and-failed",
                    test_lookup_stale_and_failed);
    g_test_add_func("/client/lookup/beyond-mask", test_lookup_beyond_mask);
    g_test_add_func("/client/reserved/lookup", test_reserved_lookup);
    g_test_add_func("/client/reserved/both-ways", test_reserved_both_ways);
    g_test_add_func("/client/reserved/warning-kept",
                    test_reserved_warning_kept);
    g_test_add_func("/client/reserved/behind-failure",
                    test_reserved_behind_failure);
    g_test_add_func("/client/reserved/interrupts", test_reserved_interrupts);
    g_test_add_func("/client/limit/regions", test_reserved_limit);
    return g_test_run();
}
