/*
 * PV IOMMU: two guests, a client and its devices, for tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pv-iommu-scene.h"

#define SERVER 3
#define OFFSET UINT64_C(0x3e00000)

static const Setup setups[] = {
    { "direct", XEN_PV_IOMMU_HOST_DIRECT, XEN_PV_IOMMU_LOOKUP, false },
    { "identity", XEN_PV_IOMMU_HOST_IDENTITY, XEN_PV_IOMMU_LOOKUP, false },
    { "mapped-lookup", XEN_PV_IOMMU_HOST_MAPPED, XEN_PV_IOMMU_LOOKUP, true },
    { "mapped", XEN_PV_IOMMU_HOST_MAPPED, XEN_PV_IOMMU_MAP, true },
};

Held *scene_held_at(const Device *device, unsigned i)
{
    return &g_array_index(device->held, Held, i);
}

/* --- what a device and an ioreq server do ------------------------------- */

void scene_release_at(Device *device, unsigned i)
{
    XenPvIommuRun run = {
        .gfn = scene_held_at(device, i)->gfn,
        .bfn = scene_held_at(device, i)->bfn,
        .pages = 1,
    };

    g_array_remove_index_fast(device->held, i);
    g_assert_cmpint(xen_pv_iommu_client_release(device->device, &run, 1),
                    ==, 0);
}

void scene_release_told(Device *device)
{
    unsigned i;

    for (i = device->held->len; i-- > 0; ) {
        if (scene_held_at(device, i)->told) {
            scene_release_at(device, i);
        }
    }
}

static void invalidated(void *opaque, const XenPvIommuRun *run)
{
    Device *device = opaque;
    bool known = false;
    unsigned i;

    for (i = 0; i < device->held->len; i++) {
        Held *held = scene_held_at(device, i);
        uint64_t page = held->bfn - run->bfn;

        if (page < run->pages && held->gfn == run->gfn + page) {
            held->told = true;
            known = true;
        }
    }
    /* It is told of what it uses, and of nothing else. */
    g_assert_true(known);
    if (device->prompt) {
        scene_release_told(device);
    }
}

static const XenPvIommuDeviceOps device_ops = {
    .invalidated = invalidated,
};

static bool hear(unsigned type, unsigned size, uint64_t data, bool buffered,
                 void *opaque)
{
    Scene *scene = opaque;

    g_assert_true(scene->setup->tells);
    xen_pv_iommu_client_invalidate(scene->client, data, 1, scene->now_ms);
    return true;
}

/* --- a scene ------------------------------------------------------------ */

static void add_guest(Scene *scene, uint16_t domid)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(scene->model, domid),
                    ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(scene->model, domid, 0,
                                                     GUEST_PAGES), ==, 0);
}

static void add_device(Scene *scene, unsigned i)
{
    Device *device = &scene->devices[i];
    XenPvIommuDeviceConfig config = {
        .name = "device",
        .dma_mask = UINT64_MAX,
        .mode = scene->setup->mode,
    };

    device->scene = scene;
    device->held = g_array_new(false, false, sizeof(Held));
    g_assert_cmpint(xen_pv_iommu_client_attach(scene->client, &config,
                                               &device_ops, device,
                                               &device->device), ==, 0);
}

Scene *scene_new(const Setup *setup)
{
    Scene *scene = g_new0(Scene, 1);
    XenPvIommuClientConfig config = { .domid = GUEST, .ioserver = SERVER };
    unsigned i;

    scene->setup = setup;
    scene->model = xen_pv_iommu_hypervisor_new(setup->host, FRAMES, OFFSET);
    add_guest(scene, GUEST);
    add_guest(scene, OTHER_GUEST);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_ioserver(
                        scene->model, GUEST, SERVER, hear, scene), ==, 0);
    g_assert_cmpint(xen_pv_iommu_client_new(&xen_pv_iommu_hypervisor_ops,
                                            scene->model, &config,
                                            &scene->client), ==, 0);
    for (i = 0; i < DEVICES; i++) {
        add_device(scene, i);
    }
    return scene;
}

uint64_t scene_references(const Scene *scene)
{
    return xen_pv_iommu_hypervisor_counters(scene->model).references;
}

bool scene_is_free(const Scene *scene, uint64_t mfn)
{
    return xen_pv_iommu_hypervisor_free_frame(scene->model, mfn);
}

uint64_t scene_reached(const Scene *scene, uint64_t bfn)
{
    uint64_t mfn = XEN_PV_IOMMU_NO_FRAME;

    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      scene->model, bfn, XEN_PV_IOMMU_READ, &mfn));
    return mfn;
}

void scene_assert_held(const Scene *scene)
{
    unsigned d;
    unsigned i;

    for (d = 0; d < DEVICES; d++) {
        for (i = 0; i < scene->devices[d].held->len; i++) {
            const Held *held = scene_held_at(&scene->devices[d], i);

            g_assert_cmpuint(scene_reached(scene, held->bfn), ==, held->mfn);
            g_assert_false(scene_is_free(scene, held->mfn));
        }
    }
}

void scene_assert_sound(const Scene *scene)
{
    g_autofree char *wrong = xen_pv_iommu_hypervisor_check(scene->model);

    g_assert_cmpstr(wrong, ==, NULL);
    scene_assert_held(scene);
}

void scene_release_all(Scene *scene)
{
    unsigned d;

    for (d = 0; d < DEVICES; d++) {
        while (scene->devices[d].held->len) {
            scene_release_at(&scene->devices[d], 0);
            scene_assert_sound(scene);
        }
    }
}

void scene_free(Scene *scene)
{
    XenPvIommuHypervisorCounters counters;
    unsigned d;

    scene_assert_sound(scene);
    scene_release_all(scene);
    for (d = 0; d < DEVICES; d++) {
        xen_pv_iommu_client_detach(scene->devices[d].device);
        g_array_unref(scene->devices[d].held);
    }
    xen_pv_iommu_client_free(scene->client);
    counters = xen_pv_iommu_hypervisor_counters(scene->model);
    g_assert_cmpuint(counters.references, ==, 0);
    g_assert_cmpuint(counters.mapped, ==, 0);
    scene_assert_sound(scene);
    xen_pv_iommu_hypervisor_free(scene->model);
    g_free(scene);
}

/* --- steps -------------------------------------------------------------- */

uint64_t scene_frame(const Scene *scene, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(scene->model, GUEST, 0, gfn);
}

uint64_t scene_frame_in_view(const Scene *scene, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(scene->model, GUEST, VIEW, gfn);
}

uint64_t scene_frame_of_other(const Scene *scene, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(scene->model, OTHER_GUEST, 0, gfn);
}

int scene_try_map_run(Scene *scene, unsigned d, uint64_t gfn, uint64_t pages,
                      XenPvIommuAccess access)
{
    Device *device = &scene->devices[d];
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
                .mfn = scene_reached(scene, run->bfn + page),
            };

            g_assert_cmpuint(held.mfn, ==, scene_frame(scene, held.gfn));
            g_array_append_val(device->held, held);
        }
    }
    return ret;
}

int scene_try_map(Scene *scene, unsigned d, uint64_t gfn)
{
    return scene_try_map_run(scene, d, gfn, 1, XEN_PV_IOMMU_READ_WRITE);
}

uint64_t scene_map(Scene *scene, unsigned d, uint64_t gfn)
{
    Device *device = &scene->devices[d];

    g_assert_cmpint(scene_try_map(scene, d, gfn), ==, 0);
    scene_assert_sound(scene);
    return scene_held_at(device, device->held->len - 1)->bfn;
}

static bool find_held(const Device *device, uint64_t bfn, unsigned *found)
{
    unsigned i;

    for (i = 0; i < device->held->len; i++) {
        if (scene_held_at(device, i)->bfn == bfn) {
            *found = i;
            return true;
        }
    }
    return false;
}

void scene_release(Scene *scene, unsigned d, uint64_t bfn)
{
    unsigned i = 0;

    g_assert_true(find_held(&scene->devices[d], bfn, &i));
    scene_release_at(&scene->devices[d], i);
    scene_assert_sound(scene);
}

bool scene_is_told(const Scene *scene, unsigned d, uint64_t bfn)
{
    unsigned i = 0;

    g_assert_true(find_held(&scene->devices[d], bfn, &i));
    return scene_held_at(&scene->devices[d], i)->told;
}

int scene_nominate(Scene *scene, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_nominate(scene->model, GUEST, gfn);
}

void scene_unshare(Scene *scene, uint64_t gfn, int result)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_unshare(scene->model, GUEST, gfn),
                    ==, result);
    scene_assert_sound(scene);
}

void scene_set_view(Scene *scene)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_altp2m_remap(
                        scene->model, GUEST, VIEW, GFN_O, GFN_A), ==, 0);
    g_assert_cmpuint(scene_frame_in_view(scene, GFN_O), ==,
                     scene_frame(scene, GFN_A));
    scene_assert_sound(scene);
}

void scene_remap(Scene *scene, uint64_t gfn)
{
    uint64_t mfn = scene_frame(scene, gfn);

    g_assert_cmpint(xen_pv_iommu_hypervisor_remap(scene->model, GUEST, gfn),
                    ==, 0);
    g_assert_cmpuint(scene_frame(scene, gfn), !=, mfn);
    scene_assert_sound(scene);
}

/* --- every test in every setup ------------------------------------------ */

typedef struct Run {
    const Setup *setup;
    const SceneTest *test;
} Run;

static void run_test(const void *data)
{
    const Run *run = data;
    Scene *scene = scene_new(run->setup);

    run->test->func(scene);
    scene_free(scene);
}

int scene_main(int argc, char **argv, const char *folder,
               const SceneTest *tests, unsigned count)
{
    unsigned s;
    unsigned t;

    g_test_init(&argc, &argv, NULL);
    for (s = 0; s < G_N_ELEMENTS(setups); s++) {
        for (t = 0; t < count; t++) {
            g_autofree char *path =
                g_strdup_printf("/pv-iommu/%s/%s/%s", folder, setups[s].name,
                                tests[t].name);
            Run *run = g_new(Run, 1);

            *run = (Run) { &setups[s], &tests[t] };
            g_test_add_data_func_full(path, run, run_test, g_free);
        }
    }
    return g_test_run();
}
