/*
 * PV IOMMU: pages leave the guest under the devices that use them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-world.h"
#include "../../hw/xen/pv-iommu/client-private.h"

#define QUIESCE_MS 100

static Device *device_with_quiesce(World *world, unsigned quiesce_ms)
{
    XenPvIommuDeviceConfig config = device_config();

    config.quiesce_ms = quiesce_ms;
    return device_new(world, &config);
}

static void assert_told(const GArray *told, unsigned index, uint64_t gfn,
                        uint64_t bfn, uint64_t pages)
{
    const XenPvIommuRun *run = run_at(told, index);

    g_assert_cmpuint(run->gfn, ==, gfn);
    g_assert_cmpuint(run->bfn, ==, bfn);
    g_assert_cmpuint(run->pages, ==, pages);
}

static void balloon(World *world, uint64_t gfn, uint64_t pages)
{
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(
                         world->hypervisor, WORLD_GUEST, gfn, pages), ==,
                     pages);
}

static bool is_free(const World *world, uint64_t mfn)
{
    return xen_pv_iommu_hypervisor_free_frame(world->hypervisor, mfn);
}

static uint64_t frame_of(const World *world, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(world->hypervisor, WORLD_GUEST, 0,
                                         gfn);
}

/* --- who is told, of what ----------------------------------------------- */

static void test_told_by_range(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *first = device_new_plain(world);
    Device *second = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(first, 0, 100);
    g_autoptr(GArray) part = device_map(second, 40, 20);
    uint64_t bfn = run_at(runs, 0)->bfn;

    g_assert_cmpuint(xen_pv_iommu_client_invalidate(world->client, bfn + 30,
                                                    20, 0), ==, 20);
    g_assert_cmpuint(first->told->len, ==, 1);
    assert_told(first->told, 0, 30, bfn + 30, 20);
    g_assert_cmpuint(second->told->len, ==, 1);
    assert_told(second->told, 0, 40, bfn + 40, 10);
    g_assert_cmpuint(world_count(world).invalidations, ==, 20);
    g_assert_cmpuint(world_count(world).repeated_invalidations, ==, 0);
    g_assert_cmpuint(world_count(world).unknown_invalidations, ==, 0);
    /* Nothing was unmapped under the devices. */
    g_assert_cmpuint(world_held(world).references, ==, 100);
    world_check(world);
    device_free(second);
    device_free(first);
}

/* --- states ------------------------------------------------------------- */

typedef struct Watcher {
    const World *world;
    XenPvIommuState seen;       /* when it was told */
} Watcher;

static XenPvIommuState state_of(const World *world, uint64_t bfn)
{
    XenPvIommuUse use;

    g_assert_true(xen_pv_iommu_map_find_bfn(world->client->map, bfn, 1, &use));
    return use.state;
}

static void watch(void *opaque, const XenPvIommuRun *run)
{
    Watcher *watcher = opaque;

    watcher->seen = state_of(watcher->world, run->bfn);
}

/* Live, invalid when its users are told, draining when all have been. */
static void test_states(void)
{
    static const XenPvIommuDeviceOps ops = { .invalidated = watch };
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuGfns gfns = { 0, 2 };
    Watcher watcher = { .world = world };
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    XenPvIommuDevice *handle;
    uint64_t bfn;

    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               &watcher, &handle), ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_map(handle, &gfns, 1,
                                            XEN_PV_IOMMU_READ, runs, NULL),
                    ==, 0);
    bfn = run_at(runs, 0)->bfn;
    g_assert_cmpint(state_of(world, bfn), ==, XEN_PV_IOMMU_LIVE);
    xen_pv_iommu_client_invalidate(world->client, bfn, 1, 0);
    g_assert_cmpint(watcher.seen, ==, XEN_PV_IOMMU_INVALIDATED);
    g_assert_cmpint(state_of(world, bfn), ==, XEN_PV_IOMMU_DRAINING);
    g_assert_cmpint(state_of(world, bfn + 1), ==, XEN_PV_IOMMU_LIVE);
    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 0, -EIO);
    xen_pv_iommu_client_detach(handle);
    g_assert_cmpint(state_of(world, bfn), ==, XEN_PV_IOMMU_DEAD);
    world_check(world);
}

/* A frame behind several gfns: all its users hear of it. */
static void test_told_by_alias(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_DIRECT, 0);
    Device *first = device_new_plain(world);
    Device *second = device_new_plain(world);
    g_autoptr(GArray) one = NULL;
    g_autoptr(GArray) two = NULL;
    uint64_t bfn;

    g_assert_cmpint(xen_pv_iommu_hypervisor_alias(
                        world->hypervisor, WORLD_GUEST, 3, WORLD_PAGES), ==,
                    0);
    one = device_map(first, 3, 1);
    two = device_map(second, WORLD_PAGES, 1);
    bfn = run_at(one, 0)->bfn;
    g_assert_cmpuint(run_at(two, 0)->bfn, ==, bfn);
    g_assert_cmpuint(world_held(world).references, ==, 1);
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(world->client, bfn, 1, 0),
                     ==, 1);
    assert_told(first->told, 0, 3, bfn, 1);
    assert_told(second->told, 0, WORLD_PAGES, bfn, 1);
    /* Xen tells the same BFN until all have given it back. */
    g_assert_cmpint(device_try(first, WORLD_PAGES, 1, XEN_PV_IOMMU_READ,
                               NULL), ==, -ESTALE);
    device_release(first, one);
    g_assert_cmpint(device_try(first, WORLD_PAGES, 1, XEN_PV_IOMMU_READ,
                               NULL), ==, -ESTALE);
    device_release(second, two);
    g_assert_cmpint(device_try(first, WORLD_PAGES, 1, XEN_PV_IOMMU_READ,
                               NULL), ==, 0);
    world_check(world);
    device_free(second);
    device_free(first);
}

/* --- what Xen says is not trusted --------------------------------------- */

static void test_unknown(void)
{
    static const struct {
        uint64_t bfn;
        uint64_t pages;
    } cases[] = {
        { 0, 1 }, { UINT64_MAX, 1 }, { UINT64_MAX, UINT64_MAX }, { 5, 0 },
        { XEN_PV_IOMMU_FRAME_END, 1 }, { XEN_PV_IOMMU_FRAME_END - 1, 2 },
        { XEN_PV_IOMMU_FRAME_END - 1, UINT64_MAX },
    };
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 10);
    uint64_t expected = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpuint(xen_pv_iommu_client_invalidate(
                             world->client, cases[i].bfn, cases[i].pages, 0),
                         ==, 0);
        /* A counter that is full stays so. */
        if (cases[i].pages > UINT64_MAX - expected) {
            expected = UINT64_MAX;
        } else {
            expected += cases[i].pages;
        }
        g_assert_cmpuint(world_count(world).unknown_invalidations, ==,
                         expected);
    }
    g_assert_cmpuint(device->told->len, ==, 0);
    g_assert_cmpuint(world_count(world).invalidations, ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    world_check(world);
    device_free(device);
}

/* A huge range costs what is mapped in it, and no more. */
static void test_everything(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) low = device_map(device, 0, 10);
    g_autoptr(GArray) high = device_map(device, 500, 10);

    for (unsigned i = 0; i < 10000; i++) {
        g_assert_cmpuint(xen_pv_iommu_client_invalidate(
                             world->client, 0, XEN_PV_IOMMU_FRAME_END, i), ==,
                         i ? 0 : 20);
    }
    g_assert_cmpuint(device->told->len, ==, 2);
    g_assert_cmpuint(world_count(world).invalidations, ==, 20);
    g_assert_cmpuint(world_count(world).repeated_invalidations, ==,
                     20 * 9999);
    g_assert_cmpuint(world_count(world).unknown_invalidations, ==,
                     10000 * (XEN_PV_IOMMU_FRAME_END - 20));
    world_check(world);
    device_free(device);
}

/* Half of it is invalid already: only the other half is told. */
static void test_repeated(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 10);
    uint64_t bfn = run_at(runs, 0)->bfn;

    g_assert_cmpuint(xen_pv_iommu_client_invalidate(world->client, bfn + 3, 4,
                                                    0), ==, 4);
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(world->client, bfn, 12,
                                                    0), ==, 6);
    g_assert_cmpuint(device->told->len, ==, 3);
    assert_told(device->told, 1, 0, bfn, 3);
    assert_told(device->told, 2, 7, bfn + 7, 3);
    g_assert_cmpuint(world_count(world).repeated_invalidations, ==, 4);
    g_assert_cmpuint(world_count(world).unknown_invalidations, ==, 2);
    device_release(device, runs);
    /* A late one is for nobody. */
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(world->client, bfn, 10,
                                                    0), ==, 0);
    g_assert_cmpuint(world_count(world).unknown_invalidations, ==, 12);
    world_check(world);
    device_free(device);
}

/* Dead BFNs have no user. */
static void test_dead(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 3);

    xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                 XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 1, -EIO);
    device_release(device, runs);
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(
                         world->client, run_at(runs, 0)->bfn, 3, 0), ==, 0);
    g_assert_cmpuint(world_count(world).unknown_invalidations, ==, 3);
    g_assert_cmpuint(world_count(world).repeated_invalidations, ==, 0);
    world_check(world);
    device_free(device);
}

/* --- the page and its way back ------------------------------------------ */

/* Ballooned away under DMA: the frame stays until the device is done. */
static void test_balloon(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 20, 4);
    uint64_t mfn = frame_of(world, 21);

    balloon(world, 21, 1);
    g_assert_cmpuint(device->told->len, ==, 1);
    assert_told(device->told, 0, 21, run_at(runs, 0)->bfn + 1, 1);
    g_assert_false(is_free(world, mfn));
    g_assert_cmpint(device_try(device, 21, 1, XEN_PV_IOMMU_READ, NULL), ==,
                    -ENXIO);
    g_assert_cmpint(xen_pv_iommu_client_release(
                        device->handle, run_at(device->told, 0), 1), ==, 0);
    g_assert_true(is_free(world, mfn));
    g_assert_cmpuint(world_held(world).references, ==, 3);
    world_check(world);
    device_free(device);
}

/* The page goes when the last of two devices has released it. */
static void test_balloon_two_devices(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *first = device_new_plain(world);
    Device *second = device_new_plain(world);
    g_autoptr(GArray) one = device_map(first, 20, 1);
    g_autoptr(GArray) two = device_map(second, 20, 1);
    uint64_t mfn = frame_of(world, 20);

    first->obedient = true;
    balloon(world, 20, 1);
    g_assert_cmpuint(first->told->len, ==, 1);
    g_assert_cmpuint(second->told->len, ==, 1);
    g_assert_false(is_free(world, mfn));
    device_release(second, two);
    g_assert_true(is_free(world, mfn));
    world_check(world);
    device_free(second);
    device_free(first);
}

/* Back from the balloon with a new frame: a new BFN, beside the old one. */
static void test_balloon_and_back(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) old = device_map(device, 20, 1);
    g_autoptr(GArray) new = NULL;
    uint64_t mfn;

    balloon(world, 20, 1);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                        world->hypervisor, WORLD_GUEST, 20, 1), ==, 0);
    new = device_map(device, 20, 1);
    g_assert_cmpuint(run_at(new, 0)->bfn, !=, run_at(old, 0)->bfn);
    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      world->hypervisor, run_at(new, 0)->bfn,
                      XEN_PV_IOMMU_WRITE, &mfn));
    g_assert_cmpuint(mfn, ==, frame_of(world, 20));
    device_release(device, old);
    device_release(device, new);
    world_check(world);
    device_free(device);
}

/* A device that releases when it is told, many runs at once. */
static void test_release_in_callback(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    Device *other = device_new_plain(world);
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    XenPvIommuGfns gfns[100];

    for (unsigned i = 0; i < G_N_ELEMENTS(gfns); i++) {
        gfns[i] = (XenPvIommuGfns){ .gfn = 5 * i, .pages = 2 };
    }
    g_assert_cmpint(xen_pv_iommu_client_map(device->handle, gfns, 100,
                                            XEN_PV_IOMMU_READ_WRITE, runs,
                                            NULL), ==, 0);
    g_array_unref(device_map(other, 0, 300));
    device->obedient = true;
    other->obedient = true;
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(
                         world->client, 0, XEN_PV_IOMMU_FRAME_END, 0), ==,
                     380);
    g_assert_cmpuint(device->told->len, ==, 100);
    g_assert_cmpuint(world_count(world).table.pages, ==, 0);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    world_check(world);
    device_free(other);
    device_free(device);
}

/* --- a device that does more than it was told --------------------------- */

typedef struct Eager {
    XenPvIommuDevice *handle;
    GArray *runs;               /* all that it has */
    unsigned told;
    int map_error;
} Eager;

static void eager_invalidated(void *opaque, const XenPvIommuRun *run)
{
    Eager *eager = opaque;
    XenPvIommuGfns gfns = { .gfn = run->gfn, .pages = 1 };
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));

    eager->told++;
    eager->map_error = xen_pv_iommu_client_map(eager->handle, &gfns, 1,
                                               XEN_PV_IOMMU_READ, runs, NULL);
    g_assert_cmpint(xen_pv_iommu_client_release(
                        eager->handle, (XenPvIommuRun *)eager->runs->data,
                        eager->runs->len), ==, 0);
    g_array_set_size(eager->runs, 0);
}

/* Told once, it releases all that it has: it is told of nothing more. */
static void test_releases_everything(void)
{
    static const XenPvIommuDeviceOps ops = {
        .invalidated = eager_invalidated,
    };
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuGfns gfns[] = { { 0, 4 }, { 100, 4 }, { 200, 4 } };
    Eager eager = {
        .runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun)),
    };

    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               &eager, &eager.handle), ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_map(eager.handle, gfns, 3,
                                            XEN_PV_IOMMU_READ, eager.runs,
                                            NULL), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(
                         world->client, 0, XEN_PV_IOMMU_FRAME_END, 0), ==, 12);
    g_assert_cmpuint(eager.told, ==, 1);
    g_assert_cmpint(eager.map_error, ==, -EBUSY);
    g_assert_cmpuint(world_held(world).references, ==, 0);
    world_check(world);
    xen_pv_iommu_client_detach(eager.handle);
    g_array_unref(eager.runs);
}

/* --- invalidations from within a call ----------------------------------- */

/* What arrives during a request is done when the request is. */
static void test_during_map(void)
{
    for (unsigned fails = 0; fails < 2; fails++) {
        g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_IDENTITY, 0);
        Device *device = device_new_plain(world);
        uint64_t bfn = frame_of(world, 2) + WORLD_OFFSET;

        if (fails) {
            xen_pv_iommu_hypervisor_fail(world->hypervisor,
                                         XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE,
                                         200, -EIO);
        }
        world->interrupts = 2;
        world->interrupt_bfn = bfn;
        g_assert_cmpint(device_try(device, 0, 300, XEN_PV_IOMMU_READ, NULL),
                        ==, fails ? -EIO : 0);
        g_assert_cmpuint(world_count(world).invalidations, ==, !fails);
        g_assert_cmpuint(device->told->len, ==, !fails);
        world_check(world);
        device_free(device);
    }
}

/* What arrives while a device releases in its callback: likewise. */
static void test_during_callback(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_new_plain(world);
    g_autoptr(GArray) runs = device_map(device, 0, 10);
    uint64_t bfn = run_at(runs, 0)->bfn;

    device->obedient = true;
    world->interrupts = 1;
    world->interrupt_bfn = bfn + 7;
    g_assert_cmpuint(xen_pv_iommu_client_invalidate(world->client, bfn, 2, 0),
                     ==, 2);
    g_assert_cmpuint(device->told->len, ==, 2);
    assert_told(device->told, 0, 0, bfn, 2);
    assert_told(device->told, 1, 7, bfn + 7, 1);
    g_assert_cmpuint(world_held(world).references, ==, 7);
    world_check(world);
    device_free(device);
}

/* --- deadlines ---------------------------------------------------------- */

static void test_overdue(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_with_quiesce(world, QUIESCE_MS);
    g_autoptr(GArray) runs = device_map(device, 0, 10);
    uint64_t mfn = frame_of(world, 4);

    world->now_ms = 1000;
    balloon(world, 4, 1);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    1000 + QUIESCE_MS);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client,
                                                999 + QUIESCE_MS), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client,
                                                1000 + QUIESCE_MS), ==, 1);
    assert_told(device->overdue, 0, 4, run_at(runs, 0)->bfn + 4, 1);
    g_assert_cmpuint(world_count(world).overdue, ==, 1);
    /* Once.  The mapping is kept; a late release still works. */
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, 100000), ==,
                     0);
    g_assert_false(is_free(world, mfn));
    device_release(device, runs);
    g_assert_true(is_free(world, mfn));
    world_check(world);
    device_free(device);
}

static void test_deadlines_by_device(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *slow = device_with_quiesce(world, XEN_PV_IOMMU_QUIESCE_MS_MAX);
    Device *usual = device_with_quiesce(world, 0);
    Device *quick = device_with_quiesce(world, 1);
    g_autoptr(GArray) one = device_map(slow, 0, 1);
    g_autoptr(GArray) two = device_map(usual, 0, 1);
    g_autoptr(GArray) three = device_map(quick, 0, 1);

    balloon(world, 0, 1);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==, 1);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, 1), ==, 1);
    g_assert_cmpuint(quick->overdue->len, ==, 1);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    XEN_PV_IOMMU_QUIESCE_MS);
    g_assert_cmpuint(xen_pv_iommu_client_expire(
                         world->client, XEN_PV_IOMMU_QUIESCE_MS_MAX - 1), ==,
                     1);
    g_assert_cmpuint(usual->overdue->len, ==, 1);
    g_assert_cmpuint(xen_pv_iommu_client_expire(
                         world->client, XEN_PV_IOMMU_QUIESCE_MS_MAX), ==, 1);
    g_assert_cmpuint(slow->overdue->len, ==, 1);
    world_check(world);
    device_free(quick);
    device_free(usual);
    device_free(slow);
}

/* Only what is still used is late, page by page. */
static void test_released_in_part(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_with_quiesce(world, QUIESCE_MS);
    g_autoptr(GArray) runs = device_map(device, 0, 10);
    g_autoptr(GArray) again = device_map(device, 2, 1);
    XenPvIommuRun run = *run_at(runs, 0);
    XenPvIommuRun middle = { run.gfn + 4, run.bfn + 4, 3 };
    XenPvIommuRun left = { run.gfn, run.bfn, 4 };

    xen_pv_iommu_client_invalidate(world->client, run.bfn, 10, 0);
    g_assert_cmpuint(device->told->len, ==, 1);
    g_assert_cmpint(xen_pv_iommu_client_release(device->handle, &middle, 1),
                    ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_release(device->handle, &left, 1), ==,
                    0);
    /* Page 2 was taken twice and has one use left; 7 to 9 have theirs. */
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, QUIESCE_MS),
                     ==, 2);
    assert_told(device->overdue, 0, 2, run.bfn + 2, 1);
    assert_told(device->overdue, 1, 7, run.bfn + 7, 3);
    world_check(world);
    device_free(device);
}

/* One device reaches a BFN by two gfns, and another one does as well. */
static void test_released_by_gfn(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_DIRECT, 0);
    Device *device = device_with_quiesce(world, QUIESCE_MS);
    Device *other = device_with_quiesce(world, 2 * QUIESCE_MS);
    g_autoptr(GArray) one = NULL;
    g_autoptr(GArray) twice = NULL;
    g_autoptr(GArray) alias = NULL;
    g_autoptr(GArray) others = NULL;

    g_assert_cmpint(xen_pv_iommu_hypervisor_alias(
                        world->hypervisor, WORLD_GUEST, 3, WORLD_PAGES), ==,
                    0);
    one = device_map(device, 3, 1);
    twice = device_map(device, 3, 1);
    alias = device_map(device, WORLD_PAGES, 1);
    others = device_map(other, 3, 1);
    xen_pv_iommu_client_invalidate(world->client, run_at(one, 0)->bfn, 1, 0);
    device_release(device, twice);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, QUIESCE_MS),
                     ==, 2);
    g_assert_cmpuint(run_at(device->overdue, 0)->gfn +
                     run_at(device->overdue, 1)->gfn, ==, 3 + WORLD_PAGES);
    world_check(world);
    device_free(other);
    device_free(device);
}

static void test_released_one_gfn(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_DIRECT, 0);
    Device *device = device_with_quiesce(world, QUIESCE_MS);
    g_autoptr(GArray) one = NULL;
    g_autoptr(GArray) alias = NULL;

    g_assert_cmpint(xen_pv_iommu_hypervisor_alias(
                        world->hypervisor, WORLD_GUEST, 3, WORLD_PAGES), ==,
                    0);
    one = device_map(device, 3, 1);
    alias = device_map(device, WORLD_PAGES, 1);
    xen_pv_iommu_client_invalidate(world->client, run_at(one, 0)->bfn, 1, 0);
    device_release(device, one);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, QUIESCE_MS),
                     ==, 1);
    g_assert_cmpuint(run_at(device->overdue, 0)->gfn, ==, WORLD_PAGES);
    world_check(world);
    device_free(device);
}

/* A BFN's new use has nothing to do with the deadline of its old one. */
static void test_used_again(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_with_quiesce(world, QUIESCE_MS);
    g_autoptr(GArray) runs = device_map(device, 0, 1);
    g_autoptr(GArray) again = NULL;

    xen_pv_iommu_client_invalidate(world->client, run_at(runs, 0)->bfn, 1, 0);
    device_release(device, runs);
    again = device_map(device, 0, 1);
    g_assert_cmpuint(run_at(again, 0)->bfn, ==, run_at(runs, 0)->bfn);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, 10000), ==, 0);
    world_check(world);
    device_free(device);
}

static void test_clock(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_with_quiesce(world, QUIESCE_MS);
    g_autoptr(GArray) runs = device_map(device, 0, 4);
    uint64_t bfn = run_at(runs, 0)->bfn;

    xen_pv_iommu_client_invalidate(world->client, bfn, 1, INT64_MAX);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX - 1);
    xen_pv_iommu_client_invalidate(world->client, bfn + 1, 1, 0);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, INT64_MAX - 2),
                     ==, 0);
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client, INT64_MAX), ==,
                     2);
    device_free(device);
}

/* A device that goes takes its deadlines along. */
static void test_detach(void)
{
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    Device *device = device_with_quiesce(world, QUIESCE_MS);
    uint64_t mfn = frame_of(world, 0);

    g_array_unref(device_map(device, 0, 4));
    balloon(world, 0, 4);
    device_free(device);
    g_assert_true(is_free(world, mfn));
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    world_check(world);
}

/* Without an overdue function the run is counted all the same. */
static void test_overdue_untold(void)
{
    static const XenPvIommuDeviceOps ops = {
        .invalidated = eager_invalidated,
    };
    g_autoptr(World) world = world_new(XEN_PV_IOMMU_HOST_MAPPED, 0);
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuGfns gfns = { 0, 4 };
    Eager eager = {
        .runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun)),
    };
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));

    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config, &ops,
                                               &eager, &eager.handle), ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_map(eager.handle, &gfns, 1,
                                            XEN_PV_IOMMU_READ, runs, NULL),
                    ==, 0);
    balloon(world, 0, 4);
    g_assert_cmpuint(eager.told, ==, 4);
    /* It released nothing; each page came, and is late, by itself. */
    g_assert_cmpuint(xen_pv_iommu_client_expire(world->client,
                                                XEN_PV_IOMMU_QUIESCE_MS), ==,
                     4);
    g_assert_cmpuint(world_count(world).overdue, ==, 4);
    xen_pv_iommu_client_detach(eager.handle);
    g_array_unref(eager.runs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/invalidate/told-by-range", test_told_by_range);
    g_test_add_func("/invalidate/states", test_states);
    g_test_add_func("/invalidate/told-by-alias", test_told_by_alias);
    g_test_add_func("/invalidate/unknown", test_unknown);
    g_test_add_func("/invalidate/everything", test_everything);
    g_test_add_func("/invalidate/repeated", test_repeated);
    g_test_add_func("/invalidate/dead", test_dead);
    g_test_add_func("/invalidate/balloon", test_balloon);
    g_test_add_func("/invalidate/balloon-two-devices",
                    test_balloon_two_devices);
    g_test_add_func("/invalidate/balloon-and-back", test_balloon_and_back);
    g_test_add_func("/invalidate/release-in-callback",
                    test_release_in_callback);
    g_test_add_func("/invalidate/releases-everything",
                    test_releases_everything);
    g_test_add_func("/invalidate/during-map", test_during_map);
    g_test_add_func("/invalidate/during-callback", test_during_callback);
    g_test_add_func("/invalidate/overdue", test_overdue);
    g_test_add_func("/invalidate/deadlines-by-device",
                    test_deadlines_by_device);
    g_test_add_func("/invalidate/released-in-part", test_released_in_part);
    g_test_add_func("/invalidate/released-by-gfn", test_released_by_gfn);
    g_test_add_func("/invalidate/released-one-gfn", test_released_one_gfn);
    g_test_add_func("/invalidate/used-again", test_used_again);
    g_test_add_func("/invalidate/clock", test_clock);
    g_test_add_func("/invalidate/detach", test_detach);
    g_test_add_func("/invalidate/overdue-untold", test_overdue_untold);
    return g_test_run();
}
