/*
 * PV IOMMU: two guests, a client and its devices, for tests
 *
 * Concepts
 * - A scene has a model of a hypervisor, a guest whose memory devices reach
 *   through the client, and another guest.  It keeps a book of what each
 *   device uses, and of the frame that was behind it.
 * - Each step asserts what must hold after it.  Names are those of a mail on
 *   xen-devel (George Dunlap, 26 May 2016, "altp2m: Allow the hostp2m entries
 *   to be of type p2m_ram_shared"): guest 1 shows frames mA and mB at gfns A
 *   and B, guest 2 shows mX at gfn X; O is a gfn of guest 1 in a view (altp2m).
 *
 * What holds after every step of every test:
 * - a BFN that a device uses leads to the frame that it led to when it was
 *   had, and that frame is not free;
 * - a BFN that was had just now leads to the frame behind its gfn;
 * and at the end no reference is left.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_UNIT_PV_IOMMU_SCENE_H
#define TESTS_UNIT_PV_IOMMU_SCENE_H

#include <glib.h>

#include "hw/xen/pv-iommu-client.h"
#include "hw/xen/pv-iommu-hypervisor.h"

#define GUEST 1
#define OTHER_GUEST 2
#define GUEST_PAGES 64      /* of each, from gfn 0 on */
#define FRAMES 256
#define DEVICES 3
#define VIEW 1

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

/* A page that a device uses. */
typedef struct Held {
    uint64_t gfn;
    uint64_t bfn;
    uint64_t mfn;           /* behind the BFN when it was had */
    bool told;              /* that it is invalid */
} Held;

typedef struct Scene Scene;

typedef struct Device {
    Scene *scene;
    XenPvIommuDevice *device;
    GArray *held;           /* Held */
    bool prompt;            /* releases when it is told */
} Device;

struct Scene {
    const Setup *setup;
    XenPvIommuHypervisor *model;
    XenPvIommuClient *client;
    Device devices[DEVICES];
    int64_t now_ms;
};

/* A test, which gets a new scene of each setup. */
typedef struct SceneTest {
    const char *name;
    void (*func)(Scene *scene);
} SceneTest;

/* Run tests as /pv-iommu/FOLDER/SETUP/NAME. */
int scene_main(int argc, char **argv, const char *folder,
               const SceneTest *tests, unsigned count);

Scene *scene_new(const Setup *setup);

/* What is left is given back, and nothing remains. */
void scene_free(Scene *scene);

/* --- asking --- */

uint64_t scene_references(const Scene *scene);
bool scene_is_free(const Scene *scene, uint64_t mfn);

/* The frame at a BFN; there must be one. */
uint64_t scene_reached(const Scene *scene, uint64_t bfn);

/* The frame behind a gfn: of the guest, of its view, of the other guest. */
uint64_t scene_frame(const Scene *scene, uint64_t gfn);
uint64_t scene_frame_in_view(const Scene *scene, uint64_t gfn);
uint64_t scene_frame_of_other(const Scene *scene, uint64_t gfn);

/* Does a device that uses a BFN know that it is invalid? */
bool scene_is_told(const Scene *scene, unsigned d, uint64_t bfn);

Held *scene_held_at(const Device *device, unsigned i);

/* Nothing has moved under a device; besides, the model is consistent. */
void scene_assert_held(const Scene *scene);
void scene_assert_sound(const Scene *scene);

/* --- devices --- */

/* What the client says; what it gives goes into the book. */
int scene_try_map_run(Scene *scene, unsigned d, uint64_t gfn, uint64_t pages,
                      XenPvIommuAccess access);
int scene_try_map(Scene *scene, unsigned d, uint64_t gfn);

/* A device gets a gfn's BFN. */
uint64_t scene_map(Scene *scene, unsigned d, uint64_t gfn);

void scene_release(Scene *scene, unsigned d, uint64_t bfn);
void scene_release_at(Device *device, unsigned i);
void scene_release_told(Device *device);
void scene_release_all(Scene *scene);

/* --- the guest --- */

int scene_nominate(Scene *scene, uint64_t gfn);
void scene_unshare(Scene *scene, uint64_t gfn, int result);
void scene_remap(Scene *scene, uint64_t gfn);

/* In the view, O shows A's frame. */
void scene_set_view(Scene *scene);

#endif /* TESTS_UNIT_PV_IOMMU_SCENE_H */
