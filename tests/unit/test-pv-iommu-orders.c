/*
 * PV IOMMU: a gfn is not a page, in any order
 *
 * What test-pv-iommu-sharing.c does by name is done here in every order of the
 * steps, and then with all that guests and devices can do, at random.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "pv-iommu-scene.h"

/* --- every order -------------------------------------------------------- */

/*
 * The mail's steps, each once, in all orders.  What a step says is known from
 * what came before: a frame that a device uses or that a view shows cannot be
 * nominated, a gfn that is not nominated cannot be shared, and one that is
 * mapped shares its frame with nobody.
 */
static const char steps[] = { 'v', 'n', 's', 'u', 'r', 'm', 'x' };

#define STEPS G_N_ELEMENTS(steps)

typedef struct Order {
    Scene *scene;
    bool nominated;             /* A is */
} Order;

static bool is_referenced(const Scene *scene)
{
    const Device *device = &scene->devices[0];
    unsigned i;

    for (i = 0; i < device->held->len; i++) {
        if (scene_held_at(device, i)->mfn == scene_frame(scene, GFN_A)) {
            return true;
        }
    }
    return scene_frame_in_view(scene, GFN_O) == scene_frame(scene, GFN_A);
}

static void step_nominate(Order *order)
{
    int expected = is_referenced(order->scene) ? -EBUSY : 0;

    g_assert_cmpint(scene_nominate(order->scene, GFN_A), ==, expected);
    order->nominated = !expected;
}

static void step_share(Order *order)
{
    XenPvIommuHypervisor *model = order->scene->model;

    g_assert_cmpint(xen_pv_iommu_hypervisor_nominate(model, OTHER_GUEST,
                                                     GFN_X), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        model, GUEST, GFN_A, OTHER_GUEST, GFN_X),
                    ==, order->nominated ? 0 : -EINVAL);
    g_assert_cmpuint(order->nominated, ==, scene_frame(order->scene, GFN_A) ==
                     scene_frame_of_other(order->scene, GFN_X));
}

static void step_map(Order *order)
{
    Scene *scene = order->scene;

    g_assert_cmpint(scene_try_map(scene, 0, GFN_A), ==, 0);
    g_assert_cmpuint(scene_frame(scene, GFN_A), !=,
                     scene_frame_of_other(scene, GFN_X));
    order->nominated = false;
}

static void take_step(Order *order, char step)
{
    Scene *scene = order->scene;

    switch (step) {
    case 'v':
        scene_set_view(scene);
        order->nominated = false;
        break;
    case 'n':
        step_nominate(order);
        break;
    case 's':
        step_share(order);
        break;
    case 'u':
        scene_unshare(scene, GFN_A, 0);
        order->nominated = false;
        break;
    case 'r':
        scene_remap(scene, GFN_A);
        order->nominated = false;
        break;
    case 'm':
        step_map(order);
        break;
    default:
        if (scene->devices[0].held->len) {
            scene_release_at(&scene->devices[0], 0);
        }
        break;
    }
    scene_assert_held(scene);
}

/* All orders of the steps from @at on. */
static unsigned take_orders(const Setup *setup, char *order, unsigned at)
{
    unsigned count = 0;
    unsigned i;

    if (at == STEPS) {
        Order taken = { .scene = scene_new(setup) };

        for (i = 0; i < STEPS; i++) {
            take_step(&taken, order[i]);
        }
        scene_free(taken.scene);
        return 1;
    }
    for (i = at; i < STEPS; i++) {
        char other = order[i];

        order[i] = order[at];
        order[at] = other;
        count += take_orders(setup, order, at + 1);
        order[at] = order[i];
        order[i] = other;
    }
    return count;
}

static void test_every_order(Scene *scene)
{
    char order[STEPS];

    memcpy(order, steps, STEPS);
    g_assert_cmpuint(take_orders(scene->setup, order, 0), ==,
                     7 * 6 * 5 * 4 * 3 * 2);
}

/* --- all of it, at random ----------------------------------------------- */

#define WALK_STEPS 100000
#define WALK_CHECK 256          /* steps between two looks at everything */
#define WALK_GFNS 24
#define WALK_RUN 6
#define WALK_HELD 40            /* pages of a device */

typedef struct Walk {
    Scene *scene;
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
    const Scene *scene = walk->scene;
    unsigned d;
    unsigned i;

    if (!scene->setup->tells || mfn == XEN_PV_IOMMU_NO_FRAME) {
        return;
    }
    for (d = 0; d < DEVICES; d++) {
        for (i = 0; i < scene->devices[d].held->len; i++) {
            const Held *held = scene_held_at(&scene->devices[d], i);

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
    const Scene *scene = walk->scene;
    unsigned d;
    unsigned i;

    for (d = 0; d < DEVICES; d++) {
        for (i = 0; i < scene->devices[d].held->len; i++) {
            const Held *held = scene_held_at(&scene->devices[d], i);

            if (held->gfn == gfn && held->mfn != mfn) {
                g_assert_true(held->told);
                walk->told++;
            }
        }
    }
}

static void walk_map(Walk *walk)
{
    Scene *scene = walk->scene;
    unsigned d = pick(walk, DEVICES);
    uint64_t gfn = pick(walk, WALK_GFNS);
    uint64_t pages = 1 + pick(walk, WALK_RUN);
    XenPvIommuAccess access = pick(walk, 3) ? XEN_PV_IOMMU_READ_WRITE
                                            : XEN_PV_IOMMU_READ;
    uint64_t before = scene_references(scene);
    uint64_t dead =
        xen_pv_iommu_client_counters(scene->client).table.dead_pages;
    unsigned held = scene->devices[d].held->len;
    uint64_t i;
    int ret;

    if (held + pages > WALK_HELD) {
        return;
    }
    ret = scene_try_map_run(scene, d, gfn, pages, access);
    if (!ret) {
        walk->mapped++;
        /* A prompt device may have released what it found to be stale. */
        g_assert_true(scene->devices[d].prompt ||
                      scene->devices[d].held->len == held + pages);
        for (i = 0; i < pages; i++) {
            assert_not_stale(walk, gfn + i, scene_frame(scene, gfn + i));
        }
        return;
    }
    g_assert_true(ret == -ENXIO || ret == -ESTALE || ret == -EIO ||
                  ret == -EEXIST);
    if (ret == -ESTALE) {
        return;             /* a prompt device may have released */
    }
    g_assert_cmpuint(scene->devices[d].held->len, ==, held);
    if (xen_pv_iommu_client_counters(scene->client).table.dead_pages == dead) {
        g_assert_cmpuint(scene_references(scene), ==, before);
    }
}

static void walk_release(Walk *walk)
{
    Device *device = &walk->scene->devices[pick(walk, DEVICES)];

    if (device->held->len) {
        scene_release_at(device, pick(walk, device->held->len));
    }
}

static void walk_change_frame(Walk *walk)
{
    XenPvIommuHypervisor *model = walk->scene->model;
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
    XenPvIommuHypervisor *model = walk->scene->model;
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
    XenPvIommuHypervisor *model = walk->scene->model;
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
    Scene *scene = walk->scene;
    Device *device = &scene->devices[pick(walk, DEVICES)];
    uint64_t bfn = pick(walk, 2) || !device->held->len
                   ? g_rand_int(walk->random)
                   : scene_held_at(device, pick(walk, device->held->len))->bfn;

    switch (pick(walk, 4)) {
    case 0:
        xen_pv_iommu_client_invalidate(scene->client, bfn,
                                       1 + pick(walk, 3), scene->now_ms);
        break;
    case 1:
        xen_pv_iommu_hypervisor_fail(scene->model, subops[pick(walk, 2)],
                                     pick(walk, 8), -EIO);
        break;
    case 2:
        if (!pick(walk, 50)) {
            xen_pv_iommu_hypervisor_fail(scene->model,
                                         XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 0,
                                         -EBUSY);
        }
        break;
    default:
        scene->now_ms += pick(walk, XEN_PV_IOMMU_QUIESCE_MS);
        xen_pv_iommu_client_expire(scene->client, scene->now_ms);
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
        scene_release_told(&walk->scene->devices[pick(walk, DEVICES)]);
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

static void test_random(Scene *scene)
{
    Walk walk = {
        .scene = scene,
        .random = g_rand_new_with_seed(g_test_rand_int()),
    };
    unsigned step;

    scene->devices[DEVICES - 1].prompt = true;
    for (step = 0; step < WALK_STEPS; step++) {
        walk_step(&walk);
        scene_assert_held(scene);
        if (step % WALK_CHECK == 0) {
            scene_assert_sound(scene);
        }
    }
    /* It was not all refusals. */
    g_assert_cmpuint(walk.mapped, >, WALK_STEPS / 100);
    g_assert_cmpuint(walk.told, >, WALK_STEPS / 1000);
    g_rand_free(walk.random);
    xen_pv_iommu_hypervisor_fail(scene->model,
                                 XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 0, 0);
}

static const SceneTest tests[] = {
    { "every-order", test_every_order },
    { "random", test_random },
};

int main(int argc, char **argv)
{
    return scene_main(argc, argv, "orders", tests, G_N_ELEMENTS(tests));
}
