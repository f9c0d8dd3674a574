/*
 * PV IOMMU: the client: bus addresses of its own choice
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-world.h"
#include "../../hw/xen/pv-iommu/client-private.h"

#define MFN_END WORLD_FRAMES

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
    world_reaches(world, wider);
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
    world_reaches(world, low);
    world_check(world);
    device_free(narrow);
    device_free(wide);
}

/*
 * BFNs are within 39 address bits while that leaves room for 128 GiB above the
 * host's RAM, else what an ioreq of 4 bytes can name (all ones is no name),
 * else within 48 bits; and nowhere if there is no room at all.
 */
static void test_map_address_width(void)
{
    static const struct {
        uint64_t max_mfn;
        uint64_t end;
    } cases[] = {
        { (384 << 18) - 1, UINT64_C(1) << 27 },
        { 384 << 18, UINT32_MAX },
        { UINT32_MAX - (128 << 18) - 1, UINT32_MAX },
        { UINT32_MAX - (128 << 18), UINT64_C(1) << 36 },
        { (UINT64_C(1) << 36) - 2, UINT64_C(1) << 36 },
        { (UINT64_C(1) << 36) - 1, 0 },
        { UINT64_MAX, 0 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_MAPPED);
        g_autoptr(GArray) runs = NULL;
        Device *device;

        world->max_mfn = cases[i].max_mfn;
        g_assert_cmpint(world_connect(world, 0), ==, 0);
        device = device_new_plain(world);
        if (cases[i].end) {
            runs = device_map(device, 0, 1);
            g_assert_cmpuint(run_at(runs, 0)->bfn, >, cases[i].max_mfn);
            g_assert_cmpuint(run_at(runs, 0)->bfn, <, cases[i].end);
            g_assert_cmpuint(world->client->end_bfn, ==, cases[i].end);
        } else {
            g_assert_cmpint(device_try(device, 0, 1, XEN_PV_IOMMU_READ, NULL),
                            ==, -ENOSPC);
        }
        world_check(world);
        device_free(device);
    }
}

static void test_map_no_max_mfn(void)
{
    g_autoptr(World) world = world_new_host(XEN_PV_IOMMU_HOST_MAPPED);

    world->max_mfn_error = -EFAULT;
    g_assert_cmpint(world_connect(world, 0), ==, -EFAULT);
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

static void test_busy_elsewhere(void)
{
    static const int errors[] = { -EPERM, -EEXIST, -EBUSY, -EACCES };
    uint64_t busy = world_first_choice() + 2;

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
        world_reaches(world, runs);
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

    xen_pv_iommu_hypervisor_occupy(world->hypervisor, world_first_choice(),
                                   1000);
    runs = device_map(device, 0, 256);
    g_assert_cmpuint(world_count(world).bfn_retries, ==, 1);
    world_reaches(world, runs);
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
    g_assert_cmpuint(run_at(runs, 0)->bfn, ==, world_first_choice());
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
    world_reaches(world, runs);
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

/* BFNs of others are remembered up to a limit, and avoided beyond it. */
static void test_busy_limit(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    uint64_t free_pages =
        xen_pv_iommu_bfns_free_pages(world->client->bfns);
    uint64_t busy = 0;

    while (busy <= XEN_PV_IOMMU_TAKEN_MAX) {
        g_autoptr(GArray) runs = NULL;

        for (unsigned i = 0; i < XEN_PV_IOMMU_BATCH; i++) {
            xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                         XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 0,
                                         -EEXIST);
        }
        busy += XEN_PV_IOMMU_BATCH;
        runs = device_map(device, 0, XEN_PV_IOMMU_BATCH);
        device_release(device, runs);
        g_assert_cmpuint(world->client->taken, ==,
                         MIN(busy, XEN_PV_IOMMU_TAKEN_MAX));
        g_assert_cmpuint(
            xen_pv_iommu_bfns_free_pages(world->client->bfns), ==,
            free_pages - world->client->taken);
    }
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
    uint64_t place = world_first_choice();
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/map/shares", test_map_shares);
    g_test_add_func("/client/map/access", test_map_access);
    g_test_add_func("/client/map/keeps-clear", test_map_keeps_clear);
    g_test_add_func("/client/map/mask-too-small", test_map_mask_too_small);
    g_test_add_func("/client/map/mask-and-sharing", test_map_mask_and_sharing);
    g_test_add_func("/client/map/address-width", test_map_address_width);
    g_test_add_func("/client/map/no-max-mfn", test_map_no_max_mfn);
    g_test_add_func("/client/map/places", test_map_places);
    g_test_add_func("/client/busy/elsewhere", test_busy_elsewhere);
    g_test_add_func("/client/busy/in-the-model", test_busy_in_the_model);
    g_test_add_func("/client/busy/everywhere", test_busy_everywhere);
    g_test_add_func("/client/busy/last-try", test_busy_last_try);
    g_test_add_func("/client/busy/and-shared", test_busy_and_shared);
    g_test_add_func("/client/busy/remembered", test_busy_remembered);
    g_test_add_func("/client/busy/limit", test_busy_limit);
    g_test_add_func("/client/busy/and-worse", test_busy_and_worse);
    g_test_add_func("/client/busy/region-appears", test_region_appears);
    g_test_add_func("/client/busy/region-everywhere", test_region_everywhere);
    return g_test_run();
}
