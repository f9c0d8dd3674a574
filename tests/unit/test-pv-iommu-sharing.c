/*
 * PV IOMMU: a gfn is not a page
 *
 * Guests share pages, show one frame at several gfns, and change the frame of
 * a gfn, while devices reach guest memory through BFNs.  Each order of the
 * steps that xen-devel walked through (George Dunlap, 26 May 2016, "altp2m:
 * Allow the hostp2m entries to be of type p2m_ram_shared") is a test here,
 * through the client, against the model of a hypervisor, for each kind of
 * server.  The names are the mail's: guest 1 shows frames mA and mB at gfns A
 * and B, guest 2 shows mX at gfn X; O is a gfn of guest 1 in a view (altp2m).
 *
 * What holds after every step of every test:
 * - a BFN that a device uses leads to the frame that it led to when it was
 *   had, and that frame is not free;
 * - a BFN that was had just now leads to the frame behind its gfn;
 * and at the end no reference is left.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "hw/xen/pv-iommu-client.h"
#include "hw/xen/pv-iommu-hypervisor.h"

#define GUEST 1
#define OTHER_GUEST 2
#define SERVER 3
#define VIEW 1

#define FRAMES 256
#define OFFSET UINT64_C(0x3e00000)
#define GUEST_PAGES 64
#define DEVICES 3

#define GFN_A 8
#define GFN_B 9
#define GFN_O 16
#define GFN_X 8             /* of the other guest */
#define GFN_NONE 100        /* nobody has a page there */

/* A kind of server and how its client gets BFNs. */
typedef struct Setup {
    const char *name;
    XenPvIommuHost host;
    XenPvIommuMode mode;
    bool tells;             /* of BFNs that become invalid */
} Setup;

static const Setup setups[] = {
    { "direct", XEN_PV_IOMMU_HOST_DIRECT, XEN_PV_IOMMU_LOOKUP, false },
    { "identity", XEN_PV_IOMMU_HOST_IDENTITY, XEN_PV_IOMMU_LOOKUP, false },
    { "mapped-lookup", XEN_PV_IOMMU_HOST_MAPPED, XEN_PV_IOMMU_LOOKUP, true },
    { "mapped", XEN_PV_IOMMU_HOST_MAPPED, XEN_PV_IOMMU_MAP, true },
};

/* A page that a device uses. */
typedef struct Held {
    uint64_t gfn;
    uint64_t bfn;
    uint64_t mfn;           /* behind the BFN when it was had */
    bool told;              /* that it is invalid */
} Held;

typedef struct World World;

typedef struct Device {
    World *world;
    XenPvIommuDevice *device;
    GArray *held;           /* Held */
    bool prompt;            /* releases when it is told */
} Device;

struct World {
    const Setup *setup;
    XenPvIommuHypervisor *model;
    XenPvIommuClient *client;
    Device devices[DEVICES];
    int64_t now_ms;
};

static Held *held_at(const Device *device, unsigned i)
{
    return &g_array_index(device->held, Held, i);
}

/* --- what a device and an ioreq server do ------------------------------- */

static void release_at(Device *device, unsigned i)
{
    XenPvIommuRun run = {
        .gfn = held_at(device, i)->gfn,
        .bfn = held_at(device, i)->bfn,
        .pages = 1,
    };

    g_array_remove_index_fast(device->held, i);
    g_assert_cmpint(xen_pv_iommu_client_release(device->device, &run, 1),
                    ==, 0);
}

static void release_told(Device *device)
{
    unsigned i;

    for (i = device->held->len; i-- > 0; ) {
        if (held_at(device, i)->told) {
            release_at(device, i);
        }
    }
}

static void invalidated(void *opaque, const XenPvIommuRun *run)
{
    Device *device = opaque;
    bool known = false;
    unsigned i;

    for (i = 0; i < device->held->len; i++) {
        Held *held = held_at(device, i);
        uint64_t page = held->bfn - run->bfn;

        if (page < run->pages && held->gfn == run->gfn + page) {
            held->told = true;
            known = true;
        }
    }
    /* It is told of what it uses, and of nothing else. */
    g_assert_true(known);
    if (device->prompt) {
        release_told(device);
    }
}

static const XenPvIommuDeviceOps device_ops = {
    .invalidated = invalidated,
};

static bool hear(unsigned type, unsigned size, uint64_t data, bool buffered,
                 void *opaque)
{
    World *world = opaque;

    g_assert_true(world->setup->tells);
    xen_pv_iommu_client_invalidate(world->client, data, 1, world->now_ms);
    return true;
}

/* --- a world ------------------------------------------------------------ */

static void add_guest(World *world, uint16_t domid)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(world->model, domid),
                    ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(world->model, domid, 0,
                                                     GUEST_PAGES), ==, 0);
}

static void add_device(World *world, unsigned i)
{
    Device *device = &world->devices[i];
    XenPvIommuDeviceConfig config = {
        .name = "device",
        .dma_mask = UINT64_MAX,
        .mode = world->setup->mode,
    };

    device->world = world;
    device->held = g_array_new(false, false, sizeof(Held));
    g_assert_cmpint(xen_pv_iommu_client_attach(world->client, &config,
                                               &device_ops, device,
                                               &device->device), ==, 0);
}

static World *world_new(const Setup *setup)
{
    World *world = g_new0(World, 1);
    XenPvIommuClientConfig config = { .domid = GUEST, .ioserver = SERVER };
    unsigned i;

    world->setup = setup;
    world->model = xen_pv_iommu_hypervisor_new(setup->host, FRAMES, OFFSET);
    add_guest(world, GUEST);
    add_guest(world, OTHER_GUEST);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_ioserver(
                        world->model, GUEST, SERVER, hear, world), ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_new(&xen_pv_iommu_hypervisor_ops,
                                            world->model, &config,
                                            &world->client), ==, 0);
    for (i = 0; i < DEVICES; i++) {
        add_device(world, i);
    }
    return world;
}

static uint64_t references(const World *world)
{
    return xen_pv_iommu_hypervisor_counters(world->model).references;
}

static bool is_free(const World *world, uint64_t mfn)
{
    return xen_pv_iommu_hypervisor_free_frame(world->model, mfn);
}

static uint64_t reached(const World *world, uint64_t bfn)
{
    uint64_t mfn = XEN_PV_IOMMU_NO_FRAME;

    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      world->model, bfn, XEN_PV_IOMMU_READ, &mfn));
    return mfn;
}

/* Nothing has moved under a device. */
static void assert_held(const World *world)
{
    unsigned d;
    unsigned i;

    for (d = 0; d < DEVICES; d++) {
        for (i = 0; i < world->devices[d].held->len; i++) {
            const Held *held = held_at(&world->devices[d], i);

            g_assert_cmpuint(reached(world, held->bfn), ==, held->mfn);
            g_assert_false(is_free(world, held->mfn));
        }
    }
}

static void assert_sound(const World *world)
{
    g_autofree char *wrong = xen_pv_iommu_hypervisor_check(world->model);

    g_assert_cmpstr(wrong, ==, NULL);
    assert_held(world);
}

static void release_all(World *world)
{
    unsigned d;

    for (d = 0; d < DEVICES; d++) {
        while (world->devices[d].held->len) {
            release_at(&world->devices[d], 0);
            assert_sound(world);
        }
    }
}

/* The end of each test: what is left is given back, and nothing remains. */
static void world_free(World *world)
{
    XenPvIommuHypervisorCounters counters;
    unsigned d;

    assert_sound(world);
    release_all(world);
    for (d = 0; d < DEVICES; d++) {
        xen_pv_iommu_client_detach(world->devices[d].device);
        g_array_unref(world->devices[d].held);
    }
    xen_pv_iommu_client_free(world->client);
    counters = xen_pv_iommu_hypervisor_counters(world->model);
    g_assert_cmpuint(counters.references, ==, 0);
    g_assert_cmpuint(counters.mapped, ==, 0);
    assert_sound(world);
    xen_pv_iommu_hypervisor_free(world->model);
    g_free(world);
}

/* --- steps -------------------------------------------------------------- */

static uint64_t frame(const World *world, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(world->model, GUEST, 0, gfn);
}

static uint64_t frame_in_view(const World *world, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(world->model, GUEST, VIEW, gfn);
}

static uint64_t frame_of_other(const World *world, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(world->model, OTHER_GUEST, 0, gfn);
}

static int try_map_run(World *world, unsigned d, uint64_t gfn, uint64_t pages,
                       XenPvIommuAccess access)
{
    Device *device = &world->devices[d];
    g_autoptr(GArray) runs = g_array_new(false, false, sizeof(XenPvIommuRun));
    XenPvIommuGfns gfns = { .gfn = gfn, .pages = pages };
    unsigned i;
    uint64_t page;
    int ret = xen_pv_iommu_client_map(device->device, &gfns, 1, access, runs,
                                      NULL);

    for (i = 0; i < runs->len; i++) {
        const XenPvIommuRun *run = &g_array_index(runs, XenPvIommuRun, i);

        for (page = 0; page < run->pages; page++) {
            Held held = {
                .gfn = run->gfn + page,
                .bfn = run->bfn + page,
                .mfn = reached(world, run->bfn + page),
            };

            g_assert_cmpuint(held.mfn, ==, frame(world, held.gfn));
            g_array_append_val(device->held, held);
        }
    }
    return ret;
}

static int try_map(World *world, unsigned d, uint64_t gfn)
{
    return try_map_run(world, d, gfn, 1, XEN_PV_IOMMU_READ_WRITE);
}

/* A device gets a gfn's BFN. */
static uint64_t map(World *world, unsigned d, uint64_t gfn)
{
    Device *device = &world->devices[d];

    g_assert_cmpint(try_map(world, d, gfn), ==, 0);
    assert_sound(world);
    return held_at(device, device->held->len - 1)->bfn;
}

static bool find_held(const Device *device, uint64_t bfn, unsigned *found)
{
    unsigned i;

    for (i = 0; i < device->held->len; i++) {
        if (held_at(device, i)->bfn == bfn) {
            *found = i;
            return true;
        }
    }
    return false;
}

static void release(World *world, unsigned d, uint64_t bfn)
{
    unsigned i = 0;

    g_assert_true(find_held(&world->devices[d], bfn, &i));
    release_at(&world->devices[d], i);
    assert_sound(world);
}

/* Does a device that uses a BFN know that it is invalid? */
static bool is_told(const World *world, unsigned d, uint64_t bfn)
{
    unsigned i = 0;

    g_assert_true(find_held(&world->devices[d], bfn, &i));
    return held_at(&world->devices[d], i)->told;
}

static int nominate(World *world, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_nominate(world->model, GUEST, gfn);
}

/* A gfn of guest 1 and X of guest 2 show one frame: the first one's. */
static void share_with_x(World *world, uint64_t gfn)
{
    uint64_t mfn = frame(world, gfn);

    g_assert_cmpint(nominate(world, gfn), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_nominate(
                        world->model, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        world->model, GUEST, gfn, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_cmpuint(frame(world, gfn), ==, mfn);
    g_assert_cmpuint(frame_of_other(world, GFN_X), ==, mfn);
    assert_sound(world);
}

static void unshare_gfn(World *world, uint64_t gfn, int result)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_unshare(world->model, GUEST, gfn),
                    ==, result);
    assert_sound(world);
}

/* In the view, O shows A's frame. */
static void set_view(World *world)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_altp2m_remap(
                        world->model, GUEST, VIEW, GFN_O, GFN_A), ==, 0);
    g_assert_cmpuint(frame_in_view(world, GFN_O), ==, frame(world, GFN_A));
    assert_sound(world);
}

static void alias_b_to_a(World *world)
{
    xen_pv_iommu_hypervisor_balloon(world->model, GUEST, GFN_B, 1);
    g_assert_cmpint(xen_pv_iommu_hypervisor_alias(world->model, GUEST, GFN_A,
                                                  GFN_B), ==, 0);
    g_assert_cmpuint(frame(world, GFN_B), ==, frame(world, GFN_A));
    assert_sound(world);
}

static void remap(World *world, uint64_t gfn)
{
    uint64_t mfn = frame(world, gfn);

    g_assert_cmpint(xen_pv_iommu_hypervisor_remap(world->model, GUEST, gfn),
                    ==, 0);
    g_assert_cmpuint(frame(world, gfn), !=, mfn);
    assert_sound(world);
}

static void balloon(World *world, uint64_t gfn)
{
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(world->model, GUEST, gfn,
                                                     1), ==, 1);
    assert_sound(world);
}

static void populate(World *world, uint64_t gfn)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(world->model, GUEST, gfn,
                                                     1), ==, 0);
    assert_sound(world);
}

/* --- altp2m and sharing ------------------------------------------------- */

/*
 * "altp2m set up first, then sharing": the view's reference makes nomination
 * of A fail, so A cannot be shared, mapped or not.  The BFN of A leads to mA,
 * which O shows too.
 */
static void test_altp2m_then_share(World *world)
{
    uint64_t bfn;

    set_view(world);
    g_assert_cmpint(nominate(world, GFN_A), ==, -EBUSY);
    bfn = map(world, 0, GFN_A);
    g_assert_cmpuint(reached(world, bfn), ==, frame_in_view(world, GFN_O));
    g_assert_cmpint(nominate(world, GFN_A), ==, -EBUSY);
    release(world, 0, bfn);
    g_assert_cmpint(nominate(world, GFN_A), ==, -EBUSY);
}

/*
 * "sharing set up first, then altp2m": setting the view unshares A.  A and O
 * show one new frame, X keeps mA, and the BFN of A leads to the new frame:
 * the bus never reaches what guest 2 shows.
 */
static void test_share_then_altp2m(World *world)
{
    uint64_t shared = frame(world, GFN_A);
    uint64_t bfn;

    share_with_x(world, GFN_A);
    set_view(world);
    g_assert_cmpuint(frame(world, GFN_A), !=, shared);
    g_assert_cmpuint(frame_of_other(world, GFN_X), ==, shared);
    bfn = map(world, 0, GFN_A);
    g_assert_cmpuint(reached(world, bfn), ==, frame_in_view(world, GFN_O));
}

/*
 * Share, map, then the view: the mapping has unshared A before the view is
 * set, so the view changes no frame and the BFN stays right.
 */
static void test_share_then_map_then_altp2m(World *world)
{
    uint64_t bfn;

    share_with_x(world, GFN_A);
    bfn = map(world, 0, GFN_A);
    set_view(world);
    g_assert_cmpuint(reached(world, bfn), ==, frame(world, GFN_A));
    g_assert_cmpuint(map(world, 0, GFN_A), ==, bfn);
}

/*
 * An unshare of A while O shows A's frame: A cannot be shared then (see
 * above), so nothing changes, for the view, the device or the BFN.
 */
static void test_unshare_under_view(World *world)
{
    uint64_t mfn = frame(world, GFN_A);
    uint64_t bfn;

    set_view(world);
    bfn = map(world, 0, GFN_A);
    unshare_gfn(world, GFN_A, 0);
    g_assert_cmpuint(frame(world, GFN_A), ==, mfn);
    g_assert_cmpuint(frame_in_view(world, GFN_O), ==, mfn);
    g_assert_false(is_told(world, 0, bfn));
    g_assert_cmpuint(map(world, 1, GFN_A), ==, bfn);
}

/*
 * "you'll get a new page, mN, at gfn A, but altp2m gfn O will still point to
 * mA": A moves on to mN.  The BFN still leads to mA, which is not free: the
 * view has a reference even after the device has released.  A's new BFN leads
 * to mN.
 */
static void test_view_on_old_frame(World *world)
{
    uint64_t old = frame(world, GFN_A);
    uint64_t bfn;
    uint64_t new_bfn;

    share_with_x(world, GFN_A);
    set_view(world);
    old = frame(world, GFN_A);
    bfn = map(world, 0, GFN_A);
    remap(world, GFN_A);
    g_assert_cmpuint(frame_in_view(world, GFN_O), ==, old);
    g_assert_cmpuint(reached(world, bfn), ==, old);
    new_bfn = map(world, 1, GFN_A);
    g_assert_cmpuint(new_bfn, !=, bfn);
    g_assert_true(is_told(world, 0, bfn));
    release(world, 0, bfn);
    g_assert_false(is_free(world, old));
    g_assert_cmpuint(frame_in_view(world, GFN_O), ==, old);
}

/*
 * "an unshare on domain 1 altp2m gfn O ... on *hostp2m* gfn O, which points to
 * mO, which is *not* shared": nothing happens, O and the view stay as they
 * are.  A gfn that exists in the view only has nothing to unshare.
 */
static void test_unshare_through_view(World *world)
{
    uint64_t host = frame(world, GFN_O);
    uint64_t bfn;

    set_view(world);
    bfn = map(world, 0, GFN_O);
    unshare_gfn(world, GFN_O, 0);
    g_assert_cmpuint(frame(world, GFN_O), ==, host);
    g_assert_cmpuint(frame_in_view(world, GFN_O), ==, frame(world, GFN_A));
    g_assert_false(is_told(world, 0, bfn));

    g_assert_cmpint(xen_pv_iommu_hypervisor_altp2m_remap(
                        world->model, GUEST, VIEW, GFN_NONE, GFN_A), ==, 0);
    unshare_gfn(world, GFN_NONE, -ENOENT);
    g_assert_cmpint(try_map(world, 0, GFN_NONE), ==, -ENXIO);
}

/*
 * "the sharing of a gfn for which there is an altp2m of that gfn pointing to a
 * different gfn": hostp2m O shows mO, the view's O shows mA.  O can be shared,
 * since nothing else refers to mO.  Devices get O's frame of the host p2m,
 * after an unshare, never the view's.
 */
static void test_share_gfn_with_view(World *world)
{
    uint64_t in_view;
    uint64_t bfn;

    set_view(world);
    in_view = frame_in_view(world, GFN_O);
    share_with_x(world, GFN_O);
    g_assert_cmpuint(frame_in_view(world, GFN_O), ==, in_view);
    bfn = map(world, 0, GFN_O);
    g_assert_cmpuint(reached(world, bfn), !=, in_view);
    g_assert_cmpuint(reached(world, bfn), !=, frame_of_other(world, GFN_X));
    g_assert_cmpuint(frame_in_view(world, GFN_O), ==, in_view);
}

/* --- mapping and sharing ------------------------------------------------ */

/*
 * Map before nominate: the mapping's reference makes nomination fail as long
 * as the BFN is used, by whomever, and no longer.
 */
static void test_map_then_nominate(World *world)
{
    uint64_t bfn = map(world, 0, GFN_A);

    g_assert_cmpint(nominate(world, GFN_A), ==, -EBUSY);
    g_assert_cmpuint(map(world, 1, GFN_A), ==, bfn);
    release(world, 0, bfn);
    g_assert_cmpint(nominate(world, GFN_A), ==, -EBUSY);
    release(world, 1, bfn);
    g_assert_cmpint(nominate(world, GFN_A), ==, 0);
}

/* Nominate, then map: A is private again, and cannot be shared any more. */
static void test_nominate_then_map(World *world)
{
    uint64_t mfn = frame(world, GFN_A);
    uint64_t bfn;

    g_assert_cmpint(nominate(world, GFN_A), ==, 0);
    bfn = map(world, 0, GFN_A);
    g_assert_cmpuint(reached(world, bfn), ==, mfn);
    g_assert_cmpint(xen_pv_iommu_hypervisor_nominate(
                        world->model, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        world->model, GUEST, GFN_A, OTHER_GUEST, GFN_X),
                    ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        world->model, OTHER_GUEST, GFN_X, GUEST, GFN_A),
                    ==, -EINVAL);
}

/* Share before map: the map unshares, and guest 2 keeps the frame. */
static void test_share_then_map(World *world)
{
    uint64_t shared = frame(world, GFN_A);
    uint64_t bfn;

    share_with_x(world, GFN_A);
    bfn = map(world, 0, GFN_A);
    g_assert_cmpuint(reached(world, bfn), !=, shared);
    g_assert_cmpuint(frame_of_other(world, GFN_X), ==, shared);
    g_assert_false(is_free(world, shared));
}

/*
 * Two gfns of guest 1 share a frame and are mapped by two devices: each has a
 * frame of its own then, and the BFNs differ.
 */
static void test_share_then_map_both(World *world)
{
    uint64_t bfn_a;
    uint64_t bfn_b;

    g_assert_cmpint(nominate(world, GFN_A), ==, 0);
    g_assert_cmpint(nominate(world, GFN_B), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        world->model, GUEST, GFN_A, GUEST, GFN_B), ==, 0);
    g_assert_cmpuint(frame(world, GFN_A), ==, frame(world, GFN_B));
    bfn_a = map(world, 0, GFN_A);
    bfn_b = map(world, 1, GFN_B);
    g_assert_cmpuint(frame(world, GFN_A), !=, frame(world, GFN_B));
    g_assert_cmpuint(bfn_a, !=, bfn_b);
}

/* The host has no frame to unshare with: the map fails, nothing changes. */
static void test_share_then_map_full(World *world)
{
    uint64_t gfn = GUEST_PAGES;

    share_with_x(world, GFN_A);
    while (!xen_pv_iommu_hypervisor_populate(world->model, OTHER_GUEST, gfn,
                                             1)) {
        gfn++;
    }
    g_assert_cmpint(try_map(world, 0, GFN_A), ==, -ENXIO);
    g_assert_cmpuint(references(world), ==, 0);
    g_assert_cmpuint(frame(world, GFN_A), ==, frame_of_other(world, GFN_X));
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(
                         world->model, OTHER_GUEST, GUEST_PAGES, 1), ==, 1);
    map(world, 0, GFN_A);
}

/*
 * Unshare while mapped: the mapping has unshared already, so nothing changes
 * and nobody is told.
 */
static void test_unshare_while_mapped(World *world)
{
    uint64_t bfn;

    share_with_x(world, GFN_A);
    bfn = map(world, 0, GFN_A);
    unshare_gfn(world, GFN_A, 0);
    g_assert_false(is_told(world, 0, bfn));
    g_assert_cmpuint(map(world, 1, GFN_A), ==, bfn);
    g_assert_cmpuint(reached(world, bfn), ==, frame(world, GFN_A));
    /* X is the last gfn of mA: it keeps it, and A does not notice. */
    g_assert_cmpint(xen_pv_iommu_hypervisor_unshare(
                        world->model, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_false(is_told(world, 0, bfn));
}

/* --- a gfn changes its frame -------------------------------------------- */

/*
 * Remap while mapped: every device that uses the BFN hears of it, at once
 * where the server tells, else when somebody asks for the gfn again.  The BFN
 * leads to the old frame, which is free with the last release and not before.
 */
static void test_remap_while_mapped(World *world)
{
    uint64_t old = frame(world, GFN_A);
    uint64_t bfn = map(world, 0, GFN_A);
    uint64_t new_bfn;

    g_assert_cmpuint(map(world, 1, GFN_A), ==, bfn);
    remap(world, GFN_A);
    g_assert_cmpuint(is_told(world, 0, bfn), ==, world->setup->tells);
    g_assert_cmpuint(is_told(world, 1, bfn), ==, world->setup->tells);
    new_bfn = map(world, 2, GFN_A);
    g_assert_cmpuint(new_bfn, !=, bfn);
    g_assert_true(is_told(world, 0, bfn));
    g_assert_true(is_told(world, 1, bfn));
    release(world, 0, bfn);
    g_assert_false(is_free(world, old));
    release(world, 1, bfn);
    g_assert_true(is_free(world, old));
    g_assert_false(is_told(world, 2, new_bfn));
}

/* As before, and both devices release while they are told. */
static void test_remap_prompt(World *world)
{
    uint64_t old = frame(world, GFN_A);
    uint64_t bfn = map(world, 0, GFN_A);

    world->devices[0].prompt = true;
    world->devices[1].prompt = true;
    g_assert_cmpuint(map(world, 1, GFN_A), ==, bfn);
    remap(world, GFN_A);
    map(world, 2, GFN_A);
    g_assert_true(is_free(world, old));
    g_assert_cmpuint(world->devices[0].held->len, ==, 0);
    g_assert_cmpuint(world->devices[1].held->len, ==, 0);
}

/*
 * Balloon, then populate the same gfn: another frame, another BFN, while the
 * old one still drains.  The release of one does not touch the other.
 */
static void test_balloon_then_populate(World *world)
{
    uint64_t old = frame(world, GFN_A);
    uint64_t bfn = map(world, 0, GFN_A);
    uint64_t new_bfn;

    balloon(world, GFN_A);
    g_assert_cmpint(try_map(world, 1, GFN_A), ==, -ENXIO);
    populate(world, GFN_A);
    g_assert_cmpuint(frame(world, GFN_A), !=, old);
    new_bfn = map(world, 1, GFN_A);
    g_assert_cmpuint(new_bfn, !=, bfn);
    g_assert_true(is_told(world, 0, bfn));
    release(world, 0, bfn);
    g_assert_true(is_free(world, old));
    g_assert_cmpuint(reached(world, new_bfn), ==, frame(world, GFN_A));
    g_assert_false(is_told(world, 1, new_bfn));
}

/* The device that still drains the old BFN maps the gfn anew, twice over. */
static void test_map_while_draining(World *world)
{
    uint64_t first = map(world, 0, GFN_A);
    uint64_t second;
    uint64_t third;

    remap(world, GFN_A);
    second = map(world, 0, GFN_A);
    remap(world, GFN_A);
    third = map(world, 0, GFN_A);
    g_assert_true(is_told(world, 0, first));
    g_assert_true(is_told(world, 0, second));
    g_assert_false(is_told(world, 0, third));
    g_assert_cmpuint(references(world), ==, 3);
    release(world, 0, second);
    release(world, 0, third);
    release(world, 0, first);
    g_assert_cmpuint(references(world), ==, 0);
}

/* --- two gfns, one frame ------------------------------------------------ */

/*
 * A and B show one frame, two devices map one each.  Where Xen tells the BFN
 * it is the same one, and its reference goes with the last release; where the
 * client chooses, each has its own BFN and reference.
 */
static void test_alias_unmap_orders(World *world)
{
    bool one_bfn = world->setup->mode == XEN_PV_IOMMU_LOOKUP;
    unsigned first;

    alias_b_to_a(world);
    for (first = 0; first < 2; first++) {
        uint64_t bfns[2] = { map(world, 0, GFN_A), map(world, 1, GFN_B) };

        g_assert_cmpuint(bfns[0] == bfns[1], ==, one_bfn);
        g_assert_cmpuint(references(world), ==, one_bfn ? 1 : 2);
        release(world, first, bfns[first]);
        g_assert_cmpuint(references(world), ==, 1);
        g_assert_cmpuint(reached(world, bfns[!first]), ==,
                         frame(world, GFN_A));
        release(world, !first, bfns[!first]);
        g_assert_cmpuint(references(world), ==, 0);
    }
}

/*
 * The frame leaves both gfns, before, between and after the releases: it is
 * free when neither gfn shows it and no device uses it, in whatever order.
 */
static void test_alias_balloon_orders(World *world)
{
    static const char *const orders[] = {
        "ab01", "a0b1", "a01b", "0ab1", "0a1b", "01ab",
        "ba10", "b1a0", "b10a", "1ba0", "1b0a", "10ba",
    };
    unsigned i;
    unsigned step;

    xen_pv_iommu_hypervisor_balloon(world->model, GUEST, GFN_B, 1);
    for (i = 0; i < G_N_ELEMENTS(orders); i++) {
        uint64_t mfn = frame(world, GFN_A);
        uint64_t bfns[2];

        g_assert_cmpint(xen_pv_iommu_hypervisor_alias(
                            world->model, GUEST, GFN_A, GFN_B), ==, 0);
        bfns[0] = map(world, 0, GFN_A);
        bfns[1] = map(world, 1, GFN_B);
        for (step = 0; step < 4; step++) {
            char what = orders[i][step];

            g_assert_false(is_free(world, mfn));
            if (what == 'a' || what == 'b') {
                balloon(world, what == 'a' ? GFN_A : GFN_B);
            } else {
                release(world, what - '0', bfns[what - '0']);
            }
        }
        g_assert_true(is_free(world, mfn));
        populate(world, GFN_A);
    }
}

/*
 * A moves on, B still shows the frame.  Identity is the BFN, not the gfn: all
 * users of the frame's BFNs hear, device 1 as well, which came by B.  It can
 * have B again when the BFN has been given up, with the same frame behind it.
 */
static void test_alias_remap(World *world)
{
    uint64_t mfn = frame(world, GFN_A);
    uint64_t bfn_a;
    uint64_t bfn_b;

    alias_b_to_a(world);
    bfn_a = map(world, 0, GFN_A);
    bfn_b = map(world, 1, GFN_B);
    remap(world, GFN_A);
    map(world, 2, GFN_A);
    g_assert_true(is_told(world, 0, bfn_a));
    g_assert_true(is_told(world, 1, bfn_b));
    if (bfn_a == bfn_b) {
        g_assert_cmpint(try_map(world, 1, GFN_B), ==, -ESTALE);
    }
    release(world, 0, bfn_a);
    release(world, 1, bfn_b);
    g_assert_false(is_free(world, mfn));
    bfn_b = map(world, 1, GFN_B);
    g_assert_cmpuint(reached(world, bfn_b), ==, mfn);
    g_assert_false(is_told(world, 1, bfn_b));
}

/*
 * A moves on where nobody is told, B still shows the frame, and one request
 * asks for both.  Its answer for A says that the BFN is stale which it has for
 * B: it fails, the old users are told, and after their release it goes well.
 */
static void test_alias_in_one_request(World *world)
{
    bool chosen = world->setup->mode == XEN_PV_IOMMU_MAP;
    Device *device = &world->devices[1];
    uint64_t bfn;
    unsigned i;

    for (i = 0; i < 2; i++) {
        alias_b_to_a(world);
        bfn = map(world, 0, GFN_A);
        remap(world, GFN_A);
        device->prompt = i;
        g_assert_cmpint(try_map_run(world, 1, GFN_A, 2,
                                    XEN_PV_IOMMU_READ_WRITE),
                        ==, chosen ? 0 : -ESTALE);
        g_assert_true(is_told(world, 0, bfn));
        release(world, 0, bfn);
        if (!chosen) {
            g_assert_cmpuint(references(world), ==, 0);
            g_assert_cmpint(try_map_run(world, 1, GFN_A, 2,
                                        XEN_PV_IOMMU_READ_WRITE), ==, 0);
        }
        g_assert_cmpuint(device->held->len, ==, 2);
        release_all(world);
    }
}

/* An alias is one reference too many for sharing, like a mapping. */
static void test_alias_then_nominate(World *world)
{
    alias_b_to_a(world);
    g_assert_cmpint(nominate(world, GFN_A), ==, -EBUSY);
    g_assert_cmpint(nominate(world, GFN_B), ==, -EBUSY);
    balloon(world, GFN_A);
    g_assert_cmpint(nominate(world, GFN_B), ==, 0);
}

/* --- the guest goes ----------------------------------------------------- */

/*
 * The domain is destroyed while its page is mapped.  A server of draft B keeps
 * the frame until the release.  XenServer's gives it back at once: there the
 * device model must have stopped its hardware before, and the release finds
 * that Xen knows nothing any more, which is no error.
 */
static void test_domain_destroyed(World *world)
{
    bool keeps = world->setup->host == XEN_PV_IOMMU_HOST_MAPPED;
    uint64_t mfn = frame(world, GFN_A);
    uint64_t bfn = map(world, 0, GFN_A);
    XenPvIommuRun run = { .gfn = GFN_A, .bfn = bfn, .pages = 1 };

    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(world->model,
                                                          GUEST), ==, 0);
    g_assert_cmpuint(is_free(world, mfn), ==, !keeps);
    g_assert_cmpint(try_map(world, 1, GFN_B), ==, -ENXIO);
    g_assert_cmpuint(references(world), ==, keeps ? 1 : 0);
    g_array_set_size(world->devices[0].held, 0);
    g_assert_cmpint(xen_pv_iommu_client_release(world->devices[0].device,
                                                &run, 1), ==, 0);
    g_assert_true(is_free(world, mfn));
    g_assert_cmpuint(xen_pv_iommu_client_counters(
                         world->client).failed_unmaps, ==, 0);
}

/* As before, with sharing and a view: the other guest keeps what it shows. */
static void test_domain_destroyed_shared(World *world)
{
    uint64_t shared = frame(world, GFN_A);

    share_with_x(world, GFN_A);
    map(world, 0, GFN_B);
    g_assert_cmpint(xen_pv_iommu_hypervisor_altp2m_remap(
                        world->model, GUEST, VIEW, GFN_O, GFN_B), ==, 0);
    release_all(world);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(world->model,
                                                          GUEST), ==, 0);
    g_assert_cmpuint(frame_of_other(world, GFN_X), ==, shared);
    g_assert_false(is_free(world, shared));
}

/* --- all of it, at random ----------------------------------------------- */

#define WALK_STEPS 100000
#define WALK_CHECK 256          /* steps between two looks at everything */
#define WALK_GFNS 24
#define WALK_RUN 6
#define WALK_HELD 40            /* pages of a device */

typedef struct Walk {
    World *world;
    GRand *random;
    uint64_t mapped;            /* requests that went well */
    uint64_t told;              /* pages found to be told of */
} Walk;

static uint32_t pick(Walk *walk, uint32_t count)
{
    return g_rand_int_range(walk->random, 0, count);
}

static uint16_t pick_guest(Walk *walk)
{
    return pick(walk, 4) ? GUEST : OTHER_GUEST;
}

/* Who uses a frame that left its gfn knows it, where the server tells. */
static void assert_told_of(Walk *walk, uint64_t mfn)
{
    const World *world = walk->world;
    unsigned d;
    unsigned i;

    if (!world->setup->tells || mfn == XEN_PV_IOMMU_NO_FRAME) {
        return;
    }
    for (d = 0; d < DEVICES; d++) {
        for (i = 0; i < world->devices[d].held->len; i++) {
            const Held *held = held_at(&world->devices[d], i);

            if (held->mfn == mfn) {
                g_assert_true(held->told);
                walk->told++;
            }
        }
    }
}

/* Who has had another BFN for a gfn knows that it is stale. */
static void assert_not_stale(Walk *walk, uint64_t gfn, uint64_t mfn)
{
    const World *world = walk->world;
    unsigned d;
    unsigned i;

    for (d = 0; d < DEVICES; d++) {
        for (i = 0; i < world->devices[d].held->len; i++) {
            const Held *held = held_at(&world->devices[d], i);

            if (held->gfn == gfn && held->mfn != mfn) {
                g_assert_true(held->told);
                walk->told++;
            }
        }
    }
}

static void walk_map(Walk *walk)
{
    World *world = walk->world;
    unsigned d = pick(walk, DEVICES);
    uint64_t gfn = pick(walk, WALK_GFNS);
    uint64_t pages = 1 + pick(walk, WALK_RUN);
    XenPvIommuAccess access = pick(walk, 3) ? XEN_PV_IOMMU_READ_WRITE
                                            : XEN_PV_IOMMU_READ;
    uint64_t before = references(world);
    uint64_t dead =
        xen_pv_iommu_client_counters(world->client).table.dead_pages;
    unsigned held = world->devices[d].held->len;
    uint64_t i;
    int ret;

    if (held + pages > WALK_HELD) {
        return;
    }
    ret = try_map_run(world, d, gfn, pages, access);
    if (!ret) {
        walk->mapped++;
        /* A prompt device may have released what it found to be stale. */
        g_assert_true(world->devices[d].prompt ||
                      world->devices[d].held->len == held + pages);
        for (i = 0; i < pages; i++) {
            assert_not_stale(walk, gfn + i, frame(world, gfn + i));
        }
        return;
    }
    g_assert_true(ret == -ENXIO || ret == -ESTALE || ret == -EIO ||
                  ret == -EEXIST);
    if (ret == -ESTALE) {
        return;             /* a prompt device may have released */
    }
    g_assert_cmpuint(world->devices[d].held->len, ==, held);
    if (xen_pv_iommu_client_counters(world->client).table.dead_pages == dead) {
        g_assert_cmpuint(references(world), ==, before);
    }
}

static void walk_release(Walk *walk)
{
    Device *device = &walk->world->devices[pick(walk, DEVICES)];

    if (device->held->len) {
        release_at(device, pick(walk, device->held->len));
    }
}

static void walk_change_frame(Walk *walk)
{
    XenPvIommuHypervisor *model = walk->world->model;
    uint16_t domid = pick_guest(walk);
    uint64_t gfn = pick(walk, WALK_GFNS);
    uint64_t mfn = xen_pv_iommu_hypervisor_frame(model, domid, 0, gfn);

    if (pick(walk, 2)) {
        xen_pv_iommu_hypervisor_balloon(model, domid, gfn, 1);
    } else if (xen_pv_iommu_hypervisor_remap(model, domid, gfn) < 0) {
        return;
    }
    assert_told_of(walk, mfn);
}

static void walk_share(Walk *walk)
{
    XenPvIommuHypervisor *model = walk->world->model;
    uint16_t source = pick_guest(walk);
    uint16_t client = pick_guest(walk);
    uint64_t source_gfn = pick(walk, WALK_GFNS);
    uint64_t client_gfn = pick(walk, WALK_GFNS);

    if (!xen_pv_iommu_hypervisor_nominate(model, source, source_gfn) &&
        !xen_pv_iommu_hypervisor_nominate(model, client, client_gfn)) {
        g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                            model, source, source_gfn, client, client_gfn),
                        ==, 0);
    }
}

static void walk_guest(Walk *walk)
{
    XenPvIommuHypervisor *model = walk->world->model;
    uint16_t domid = pick_guest(walk);
    uint64_t gfn = pick(walk, WALK_GFNS);
    uint64_t other = pick(walk, WALK_GFNS);

    switch (pick(walk, 5)) {
    case 0:
        xen_pv_iommu_hypervisor_alias(model, domid, gfn, other);
        break;
    case 1:
        xen_pv_iommu_hypervisor_unshare(model, domid, gfn);
        break;
    case 2:
        xen_pv_iommu_hypervisor_altp2m_remap(model, domid, 1 + pick(walk, 2),
                                             gfn, other);
        break;
    default:
        xen_pv_iommu_hypervisor_populate(model, domid, gfn,
                                         1 + pick(walk, 3));
        break;
    }
}

/* Time, failures, and BFNs that somebody made up or said twice. */
static void walk_mishap(Walk *walk)
{
    static const uint16_t subops[] = {
        XEN_PV_IOMMU_MAP_FOREIGN_PAGE, XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE,
    };
    World *world = walk->world;
    Device *device = &world->devices[pick(walk, DEVICES)];
    uint64_t bfn = pick(walk, 2) || !device->held->len
                   ? g_rand_int(walk->random)
                   : held_at(device, pick(walk, device->held->len))->bfn;

    switch (pick(walk, 4)) {
    case 0:
        xen_pv_iommu_client_invalidate(world->client, bfn,
                                       1 + pick(walk, 3), world->now_ms);
        break;
    case 1:
        xen_pv_iommu_hypervisor_fail(world->model, subops[pick(walk, 2)],
                                     pick(walk, 8), -EIO);
        break;
    case 2:
        if (!pick(walk, 50)) {
            xen_pv_iommu_hypervisor_fail(world->model,
                                         XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 0,
                                         -EBUSY);
        }
        break;
    default:
        world->now_ms += pick(walk, XEN_PV_IOMMU_QUIESCE_MS);
        xen_pv_iommu_client_expire(world->client, world->now_ms);
        break;
    }
}

static void walk_step(Walk *walk)
{
    uint32_t what = pick(walk, 100);

    if (what < 30) {
        walk_map(walk);
    } else if (what < 50) {
        walk_release(walk);
    } else if (what < 60) {
        release_told(&walk->world->devices[pick(walk, DEVICES)]);
    } else if (what < 70) {
        walk_change_frame(walk);
    } else if (what < 80) {
        walk_share(walk);
    } else if (what < 98) {
        walk_guest(walk);
    } else {
        walk_mishap(walk);
    }
}

static void test_random(World *world)
{
    Walk walk = {
        .world = world,
        .random = g_rand_new_with_seed(g_test_rand_int()),
    };
    unsigned step;

    world->devices[DEVICES - 1].prompt = true;
    for (step = 0; step < WALK_STEPS; step++) {
        walk_step(&walk);
        assert_held(world);
        if (step % WALK_CHECK == 0) {
            assert_sound(world);
        }
    }
    /* It was not all refusals. */
    g_assert_cmpuint(walk.mapped, >, WALK_STEPS / 100);
    g_assert_cmpuint(walk.told, >, WALK_STEPS / 1000);
    g_rand_free(walk.random);
    xen_pv_iommu_hypervisor_fail(world->model,
                                 XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 0, 0);
}

/* --- every test in every setup ------------------------------------------ */

typedef struct Case {
    const char *name;
    void (*func)(World *world);
} Case;

static const Case cases[] = {
    { "altp2m-then-share", test_altp2m_then_share },
    { "share-then-altp2m", test_share_then_altp2m },
    { "share-then-map-then-altp2m", test_share_then_map_then_altp2m },
    { "unshare-under-view", test_unshare_under_view },
    { "view-on-old-frame", test_view_on_old_frame },
    { "unshare-through-view", test_unshare_through_view },
    { "share-gfn-with-view", test_share_gfn_with_view },
    { "map-then-nominate", test_map_then_nominate },
    { "nominate-then-map", test_nominate_then_map },
    { "share-then-map", test_share_then_map },
    { "share-then-map-both", test_share_then_map_both },
    { "share-then-map-full", test_share_then_map_full },
    { "unshare-while-mapped", test_unshare_while_mapped },
    { "remap-while-mapped", test_remap_while_mapped },
    { "remap-prompt", test_remap_prompt },
    { "balloon-then-populate", test_balloon_then_populate },
    { "map-while-draining", test_map_while_draining },
    { "alias-unmap-orders", test_alias_unmap_orders },
    { "alias-balloon-orders", test_alias_balloon_orders },
    { "alias-remap", test_alias_remap },
    { "alias-in-one-request", test_alias_in_one_request },
    { "alias-then-nominate", test_alias_then_nominate },
    { "domain-destroyed", test_domain_destroyed },
    { "domain-destroyed-shared", test_domain_destroyed_shared },
    { "random", test_random },
};

typedef struct Run {
    const Setup *setup;
    const Case *test;
} Run;

static void run_case(const void *data)
{
    const Run *run = data;
    World *world = world_new(run->setup);

    run->test->func(world);
    world_free(world);
}

int main(int argc, char **argv)
{
    static Run runs[G_N_ELEMENTS(setups)][G_N_ELEMENTS(cases)];
    unsigned s;
    unsigned c;

    g_test_init(&argc, &argv, NULL);
    for (s = 0; s < G_N_ELEMENTS(setups); s++) {
        for (c = 0; c < G_N_ELEMENTS(cases); c++) {
            g_autofree char *path = g_strdup_printf(
                "/pv-iommu/sharing/%s/%s", setups[s].name, cases[c].name);

            runs[s][c] = (Run) { &setups[s], &cases[c] };
            g_test_add_data_func(path, &runs[s][c], run_case);
        }
    }
    return g_test_run();
}
