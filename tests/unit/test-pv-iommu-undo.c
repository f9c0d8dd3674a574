/*
 * PV IOMMU: the client: what is half done is undone
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-world.h"

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
    uint64_t calls = world_calls(page + 1);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
        Device *device = device_new_plain(world);
        Device *other = device_new_plain(world);
        g_autoptr(GArray) kept = device_map(device, 95, 5);
        g_autoptr(GArray) others = device_map(other, 90, 10);

        for (uint64_t page = 0; page < 300; page++) {
            if (page < 90 || page >= 100 ||
                world_hosts[k] != XEN_PV_IOMMU_HOST_MAPPED) {
                fail_at(world, device, page, -EIO);
            }
        }
        world_check(world);
        world_reaches(world, kept);
        world_reaches(world, others);
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
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        for (unsigned batch = 0; batch < 3; batch++) {
            g_autoptr(World) world = world_new(world_hosts[k], 0);
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
            if (world_hosts[k] == XEN_PV_IOMMU_HOST_MAPPED) {
                g_assert_cmpuint(run_at(runs, 0)->bfn, ==,
                                 world_first_choice());
            }
            device_free(device);
        }
    }
}

/* Of a batch with several failures, all that went well is taken back. */
static void test_fails_several_times(void)
{
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
        Device *device = device_new_plain(world);
        uint16_t subop = world_hosts[k] == XEN_PV_IOMMU_HOST_MAPPED
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
    uint64_t place = world_first_choice();

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

/* A call that fails once is made again, and nothing is lost. */
static void test_release_fails_once(void)
{
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        g_autoptr(World) world = world_new(world_hosts[k], 0);
        Device *device = device_new_plain(world);
        g_autoptr(GArray) runs = device_map(device, 0, 200);
        uint64_t calls = world_held(world).calls;

        xen_pv_iommu_hypervisor_fail(world->hypervisor, 0, 1, -EFAULT);
        device_release(device, runs);
        g_assert_cmpuint(world_held(world).calls - calls, ==, 3);
        g_assert_cmpuint(world_count(world).failed_unmaps, ==, 0);
        g_assert_cmpuint(world_count(world).unmapped, ==, 200);
        g_assert_cmpuint(world_count(world).table.pages, ==, 0);
        g_assert_cmpuint(world_held(world).references, ==, 0);
        world_check(world);
        device_free(device);
    }
}

/* A release that Xen refuses; the last offer, at the end, it takes. */
static void test_release_fails(void)
{
    for (unsigned k = 0; k < WORLD_HOSTS; k++) {
        World *world = world_new(world_hosts[k], 0);
        Device *device = device_new_plain(world);
        g_autoptr(GArray) runs = device_map(device, 0, 200);

        xen_pv_iommu_hypervisor_fail(world->hypervisor, 0, 1, -EFAULT);
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/fails/at-each-page", test_fails_at_each_page);
    g_test_add_func("/client/fails/call", test_call_fails);
    g_test_add_func("/client/fails/several-times", test_fails_several_times);
    g_test_add_func("/client/fails/before-aliases", test_fails_before_aliases);
    g_test_add_func("/client/fails/undo", test_undo_fails);
    g_test_add_func("/client/fails/release-once", test_release_fails_once);
    g_test_add_func("/client/fails/release", test_release_fails);
    g_test_add_func("/client/lookup/of-dead", test_lookup_of_dead);
    return g_test_run();
}
