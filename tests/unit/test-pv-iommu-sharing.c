/*
 * PV IOMMU: a gfn is not a page
 *
 * Guests share pages, show one frame at several gfns, and change the frame of
 * a gfn, while devices reach guest memory through BFNs.  Each order of the
 * steps that xen-devel walked through is a test here, by the mail's names (see
 * pv-iommu-scene.h, which also says what holds in all of them), through the
 * client, against each kind of server.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-scene.h"

/* A gfn of guest 1 and X of guest 2 show one frame: the first one's. */
static void share_with_x(Scene *scene, uint64_t gfn)
{
    uint64_t mfn = scene_frame(scene, gfn);

    g_assert_cmpint(scene_nominate(scene, gfn), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_nominate(
                        scene->model, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        scene->model, GUEST, gfn, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_cmpuint(scene_frame(scene, gfn), ==, mfn);
    g_assert_cmpuint(scene_frame_of_other(scene, GFN_X), ==, mfn);
    scene_assert_sound(scene);
}

static void alias_b_to_a(Scene *scene)
{
    xen_pv_iommu_hypervisor_balloon(scene->model, GUEST, GFN_B, 1);
    g_assert_cmpint(xen_pv_iommu_hypervisor_alias(scene->model, GUEST, GFN_A,
                                                  GFN_B), ==, 0);
    g_assert_cmpuint(scene_frame(scene, GFN_B), ==, scene_frame(scene, GFN_A));
    scene_assert_sound(scene);
}

static void balloon(Scene *scene, uint64_t gfn)
{
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(scene->model, GUEST, gfn,
                                                     1), ==, 1);
    scene_assert_sound(scene);
}

static void populate(Scene *scene, uint64_t gfn)
{
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(scene->model, GUEST, gfn,
                                                     1), ==, 0);
    scene_assert_sound(scene);
}

/* --- altp2m and sharing ------------------------------------------------- */

/*
 * "altp2m set up first, then sharing": the view's reference makes nomination
 * of A fail, so A cannot be shared, mapped or not.  The BFN of A leads to mA,
 * which O shows too.
 */
static void test_altp2m_then_share(Scene *scene)
{
    uint64_t bfn;

    scene_set_view(scene);
    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, -EBUSY);
    bfn = scene_map(scene, 0, GFN_A);
    g_assert_cmpuint(scene_reached(scene, bfn), ==,
                     scene_frame_in_view(scene, GFN_O));
    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, -EBUSY);
    scene_release(scene, 0, bfn);
    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, -EBUSY);
}

/*
 * "sharing set up first, then altp2m": setting the view unshares A.  A and O
 * show one new frame, X keeps mA, and the BFN of A leads to the new frame:
 * the bus never reaches what guest 2 shows.
 */
static void test_share_then_altp2m(Scene *scene)
{
    uint64_t shared = scene_frame(scene, GFN_A);
    uint64_t bfn;

    share_with_x(scene, GFN_A);
    scene_set_view(scene);
    g_assert_cmpuint(scene_frame(scene, GFN_A), !=, shared);
    g_assert_cmpuint(scene_frame_of_other(scene, GFN_X), ==, shared);
    bfn = scene_map(scene, 0, GFN_A);
    g_assert_cmpuint(scene_reached(scene, bfn), ==,
                     scene_frame_in_view(scene, GFN_O));
}

/*
 * Share, map, then the view: the mapping has unshared A before the view is
 * set, so the view changes no frame and the BFN stays right.
 */
static void test_share_then_map_then_altp2m(Scene *scene)
{
    uint64_t bfn;

    share_with_x(scene, GFN_A);
    bfn = scene_map(scene, 0, GFN_A);
    scene_set_view(scene);
    g_assert_cmpuint(scene_reached(scene, bfn), ==, scene_frame(scene, GFN_A));
    g_assert_cmpuint(scene_map(scene, 0, GFN_A), ==, bfn);
}

/*
 * An unshare of A while O shows A's frame: A cannot be shared then (see
 * above), so nothing changes, for the view, the device or the BFN.
 */
static void test_unshare_under_view(Scene *scene)
{
    uint64_t mfn = scene_frame(scene, GFN_A);
    uint64_t bfn;

    scene_set_view(scene);
    bfn = scene_map(scene, 0, GFN_A);
    scene_unshare(scene, GFN_A, 0);
    g_assert_cmpuint(scene_frame(scene, GFN_A), ==, mfn);
    g_assert_cmpuint(scene_frame_in_view(scene, GFN_O), ==, mfn);
    g_assert_false(scene_is_told(scene, 0, bfn));
    g_assert_cmpuint(scene_map(scene, 1, GFN_A), ==, bfn);
}

/*
 * "you'll get a new page, mN, at gfn A, but altp2m gfn O will still point to
 * mA": A moves on to mN.  The BFN still leads to mA, which is not free: the
 * view has a reference even after the device has released.  A's new BFN leads
 * to mN.
 */
static void test_view_on_old_frame(Scene *scene)
{
    uint64_t old = scene_frame(scene, GFN_A);
    uint64_t bfn;
    uint64_t new_bfn;

    share_with_x(scene, GFN_A);
    scene_set_view(scene);
    old = scene_frame(scene, GFN_A);
    bfn = scene_map(scene, 0, GFN_A);
    scene_remap(scene, GFN_A);
    g_assert_cmpuint(scene_frame_in_view(scene, GFN_O), ==, old);
    g_assert_cmpuint(scene_reached(scene, bfn), ==, old);
    new_bfn = scene_map(scene, 1, GFN_A);
    g_assert_cmpuint(new_bfn, !=, bfn);
    g_assert_true(scene_is_told(scene, 0, bfn));
    scene_release(scene, 0, bfn);
    g_assert_false(scene_is_free(scene, old));
    g_assert_cmpuint(scene_frame_in_view(scene, GFN_O), ==, old);
}

/*
 * "an unshare on domain 1 altp2m gfn O ... on *hostp2m* gfn O, which points to
 * mO, which is *not* shared": nothing happens, O and the view stay as they
 * are.  A gfn that exists in the view only has nothing to unshare.
 */
static void test_unshare_through_view(Scene *scene)
{
    uint64_t host = scene_frame(scene, GFN_O);
    uint64_t bfn;

    scene_set_view(scene);
    bfn = scene_map(scene, 0, GFN_O);
    scene_unshare(scene, GFN_O, 0);
    g_assert_cmpuint(scene_frame(scene, GFN_O), ==, host);
    g_assert_cmpuint(scene_frame_in_view(scene, GFN_O), ==,
                     scene_frame(scene, GFN_A));
    g_assert_false(scene_is_told(scene, 0, bfn));

    g_assert_cmpint(xen_pv_iommu_hypervisor_altp2m_remap(
                        scene->model, GUEST, VIEW, GFN_NONE, GFN_A), ==, 0);
    scene_unshare(scene, GFN_NONE, -ENOENT);
    g_assert_cmpint(scene_try_map(scene, 0, GFN_NONE), ==, -ENXIO);
}

/*
 * "the sharing of a gfn for which there is an altp2m of that gfn pointing to a
 * different gfn": hostp2m O shows mO, the view's O shows mA.  O can be shared,
 * since nothing else refers to mO.  Devices get O's frame of the host p2m,
 * after an unshare, never the view's.
 */
static void test_share_gfn_with_view(Scene *scene)
{
    uint64_t in_view;
    uint64_t bfn;

    scene_set_view(scene);
    in_view = scene_frame_in_view(scene, GFN_O);
    share_with_x(scene, GFN_O);
    g_assert_cmpuint(scene_frame_in_view(scene, GFN_O), ==, in_view);
    bfn = scene_map(scene, 0, GFN_O);
    g_assert_cmpuint(scene_reached(scene, bfn), !=, in_view);
    g_assert_cmpuint(scene_reached(scene, bfn), !=,
                     scene_frame_of_other(scene, GFN_X));
    g_assert_cmpuint(scene_frame_in_view(scene, GFN_O), ==, in_view);
}

/* --- mapping and sharing ------------------------------------------------ */

/*
 * Map before nominate: the mapping's reference makes nomination fail as long
 * as the BFN is used, by whomever, and no longer.
 */
static void test_map_then_nominate(Scene *scene)
{
    uint64_t bfn = scene_map(scene, 0, GFN_A);

    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, -EBUSY);
    g_assert_cmpuint(scene_map(scene, 1, GFN_A), ==, bfn);
    scene_release(scene, 0, bfn);
    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, -EBUSY);
    scene_release(scene, 1, bfn);
    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, 0);
}

/* Nominate, then map: A is private again, and cannot be shared any more. */
static void test_nominate_then_map(Scene *scene)
{
    uint64_t mfn = scene_frame(scene, GFN_A);
    uint64_t bfn;

    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, 0);
    bfn = scene_map(scene, 0, GFN_A);
    g_assert_cmpuint(scene_reached(scene, bfn), ==, mfn);
    g_assert_cmpint(xen_pv_iommu_hypervisor_nominate(
                        scene->model, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        scene->model, GUEST, GFN_A, OTHER_GUEST, GFN_X),
                    ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        scene->model, OTHER_GUEST, GFN_X, GUEST, GFN_A),
                    ==, -EINVAL);
}

/* Share before map: the map unshares, and guest 2 keeps the frame. */
static void test_share_then_map(Scene *scene)
{
    uint64_t shared = scene_frame(scene, GFN_A);
    uint64_t bfn;

    share_with_x(scene, GFN_A);
    bfn = scene_map(scene, 0, GFN_A);
    g_assert_cmpuint(scene_reached(scene, bfn), !=, shared);
    g_assert_cmpuint(scene_frame_of_other(scene, GFN_X), ==, shared);
    g_assert_false(scene_is_free(scene, shared));
}

/*
 * Two gfns of guest 1 share a frame and are mapped by two devices: each has a
 * frame of its own then, and the BFNs differ.
 */
static void test_share_then_map_both(Scene *scene)
{
    uint64_t bfn_a;
    uint64_t bfn_b;

    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, 0);
    g_assert_cmpint(scene_nominate(scene, GFN_B), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_share(
                        scene->model, GUEST, GFN_A, GUEST, GFN_B), ==, 0);
    g_assert_cmpuint(scene_frame(scene, GFN_A), ==, scene_frame(scene, GFN_B));
    bfn_a = scene_map(scene, 0, GFN_A);
    bfn_b = scene_map(scene, 1, GFN_B);
    g_assert_cmpuint(scene_frame(scene, GFN_A), !=, scene_frame(scene, GFN_B));
    g_assert_cmpuint(bfn_a, !=, bfn_b);
}

/* The host has no frame to unshare with: the map fails, nothing changes. */
static void test_share_then_map_full(Scene *scene)
{
    uint64_t gfn = GUEST_PAGES;

    share_with_x(scene, GFN_A);
    while (!xen_pv_iommu_hypervisor_populate(scene->model, OTHER_GUEST, gfn,
                                             1)) {
        gfn++;
    }
    g_assert_cmpint(scene_try_map(scene, 0, GFN_A), ==, -ENXIO);
    g_assert_cmpuint(scene_references(scene), ==, 0);
    g_assert_cmpuint(scene_frame(scene, GFN_A), ==,
                     scene_frame_of_other(scene, GFN_X));
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(
                         scene->model, OTHER_GUEST, GUEST_PAGES, 1), ==, 1);
    scene_map(scene, 0, GFN_A);
}

/*
 * Unshare while mapped: the mapping has unshared already, so nothing changes
 * and nobody is told.
 */
static void test_unshare_while_mapped(Scene *scene)
{
    uint64_t bfn;

    share_with_x(scene, GFN_A);
    bfn = scene_map(scene, 0, GFN_A);
    scene_unshare(scene, GFN_A, 0);
    g_assert_false(scene_is_told(scene, 0, bfn));
    g_assert_cmpuint(scene_map(scene, 1, GFN_A), ==, bfn);
    g_assert_cmpuint(scene_reached(scene, bfn), ==, scene_frame(scene, GFN_A));
    /* X is the last gfn of mA: it keeps it, and A does not notice. */
    g_assert_cmpint(xen_pv_iommu_hypervisor_unshare(
                        scene->model, OTHER_GUEST, GFN_X), ==, 0);
    g_assert_false(scene_is_told(scene, 0, bfn));
}

/* --- a gfn changes its frame -------------------------------------------- */

/*
 * Remap while mapped: every device that uses the BFN hears of it, at once
 * where the server tells, else when somebody asks for the gfn again.  The BFN
 * leads to the old frame, which is free with the last release and not before.
 */
static void test_remap_while_mapped(Scene *scene)
{
    uint64_t old = scene_frame(scene, GFN_A);
    uint64_t bfn = scene_map(scene, 0, GFN_A);
    uint64_t new_bfn;

    g_assert_cmpuint(scene_map(scene, 1, GFN_A), ==, bfn);
    scene_remap(scene, GFN_A);
    g_assert_cmpuint(scene_is_told(scene, 0, bfn), ==, scene->setup->tells);
    g_assert_cmpuint(scene_is_told(scene, 1, bfn), ==, scene->setup->tells);
    new_bfn = scene_map(scene, 2, GFN_A);
    g_assert_cmpuint(new_bfn, !=, bfn);
    g_assert_true(scene_is_told(scene, 0, bfn));
    g_assert_true(scene_is_told(scene, 1, bfn));
    scene_release(scene, 0, bfn);
    g_assert_false(scene_is_free(scene, old));
    scene_release(scene, 1, bfn);
    g_assert_true(scene_is_free(scene, old));
    g_assert_false(scene_is_told(scene, 2, new_bfn));
}

/* As before, and both devices release while they are told. */
static void test_remap_prompt(Scene *scene)
{
    uint64_t old = scene_frame(scene, GFN_A);
    uint64_t bfn = scene_map(scene, 0, GFN_A);

    scene->devices[0].prompt = true;
    scene->devices[1].prompt = true;
    g_assert_cmpuint(scene_map(scene, 1, GFN_A), ==, bfn);
    scene_remap(scene, GFN_A);
    scene_map(scene, 2, GFN_A);
    g_assert_true(scene_is_free(scene, old));
    g_assert_cmpuint(scene->devices[0].held->len, ==, 0);
    g_assert_cmpuint(scene->devices[1].held->len, ==, 0);
}

/*
 * Balloon, then populate the same gfn: another frame, another BFN, while the
 * old one still drains.  The release of one does not touch the other.
 */
static void test_balloon_then_populate(Scene *scene)
{
    uint64_t old = scene_frame(scene, GFN_A);
    uint64_t bfn = scene_map(scene, 0, GFN_A);
    uint64_t new_bfn;

    balloon(scene, GFN_A);
    g_assert_cmpint(scene_try_map(scene, 1, GFN_A), ==, -ENXIO);
    populate(scene, GFN_A);
    g_assert_cmpuint(scene_frame(scene, GFN_A), !=, old);
    new_bfn = scene_map(scene, 1, GFN_A);
    g_assert_cmpuint(new_bfn, !=, bfn);
    g_assert_true(scene_is_told(scene, 0, bfn));
    scene_release(scene, 0, bfn);
    g_assert_true(scene_is_free(scene, old));
    g_assert_cmpuint(scene_reached(scene, new_bfn), ==,
                     scene_frame(scene, GFN_A));
    g_assert_false(scene_is_told(scene, 1, new_bfn));
}

/* The device that still drains the old BFN maps the gfn anew, twice over. */
static void test_map_while_draining(Scene *scene)
{
    uint64_t first = scene_map(scene, 0, GFN_A);
    uint64_t second;
    uint64_t third;

    scene_remap(scene, GFN_A);
    second = scene_map(scene, 0, GFN_A);
    scene_remap(scene, GFN_A);
    third = scene_map(scene, 0, GFN_A);
    g_assert_true(scene_is_told(scene, 0, first));
    g_assert_true(scene_is_told(scene, 0, second));
    g_assert_false(scene_is_told(scene, 0, third));
    g_assert_cmpuint(scene_references(scene), ==, 3);
    scene_release(scene, 0, second);
    scene_release(scene, 0, third);
    scene_release(scene, 0, first);
    g_assert_cmpuint(scene_references(scene), ==, 0);
}

/* --- two gfns, one frame ------------------------------------------------ */

/*
 * A and B show one frame, two devices map one each.  Where Xen tells the BFN
 * it is the same one, and its reference goes with the last release; where the
 * client chooses, each has its own BFN and reference.
 */
static void test_alias_unmap_orders(Scene *scene)
{
    bool one_bfn = scene->setup->mode == XEN_PV_IOMMU_LOOKUP;
    unsigned first;

    alias_b_to_a(scene);
    for (first = 0; first < 2; first++) {
        uint64_t bfns[2] = {
            scene_map(scene, 0, GFN_A), scene_map(scene, 1, GFN_B),
        };

        g_assert_cmpuint(bfns[0] == bfns[1], ==, one_bfn);
        g_assert_cmpuint(scene_references(scene), ==, one_bfn ? 1 : 2);
        scene_release(scene, first, bfns[first]);
        g_assert_cmpuint(scene_references(scene), ==, 1);
        g_assert_cmpuint(scene_reached(scene, bfns[!first]), ==,
                         scene_frame(scene, GFN_A));
        scene_release(scene, !first, bfns[!first]);
        g_assert_cmpuint(scene_references(scene), ==, 0);
    }
}

/*
 * The frame leaves both gfns, before, between and after the releases: it is
 * free when neither gfn shows it and no device uses it, in whatever order.
 */
static void test_alias_balloon_orders(Scene *scene)
{
    static const char *const orders[] = {
        "ab01", "a0b1", "a01b", "0ab1", "0a1b", "01ab",
        "ba10", "b1a0", "b10a", "1ba0", "1b0a", "10ba",
    };
    unsigned i;
    unsigned step;

    xen_pv_iommu_hypervisor_balloon(scene->model, GUEST, GFN_B, 1);
    for (i = 0; i < G_N_ELEMENTS(orders); i++) {
        uint64_t mfn = scene_frame(scene, GFN_A);
        uint64_t bfns[2];

        g_assert_cmpint(xen_pv_iommu_hypervisor_alias(
                            scene->model, GUEST, GFN_A, GFN_B), ==, 0);
        bfns[0] = scene_map(scene, 0, GFN_A);
        bfns[1] = scene_map(scene, 1, GFN_B);
        for (step = 0; step < 4; step++) {
            char what = orders[i][step];

            g_assert_false(scene_is_free(scene, mfn));
            if (what == 'a' || what == 'b') {
                balloon(scene, what == 'a' ? GFN_A : GFN_B);
            } else {
                scene_release(scene, what - '0', bfns[what - '0']);
            }
        }
        g_assert_true(scene_is_free(scene, mfn));
        populate(scene, GFN_A);
    }
}

/*
 * A moves on, B still shows the frame.  Identity is the BFN, not the gfn: all
 * users of the frame's BFNs hear, device 1 as well, which came by B.  It can
 * have B again when the BFN has been given up, with the same frame behind it.
 */
static void test_alias_remap(Scene *scene)
{
    uint64_t mfn = scene_frame(scene, GFN_A);
    uint64_t bfn_a;
    uint64_t bfn_b;

    alias_b_to_a(scene);
    bfn_a = scene_map(scene, 0, GFN_A);
    bfn_b = scene_map(scene, 1, GFN_B);
    scene_remap(scene, GFN_A);
    scene_map(scene, 2, GFN_A);
    g_assert_true(scene_is_told(scene, 0, bfn_a));
    g_assert_true(scene_is_told(scene, 1, bfn_b));
    if (bfn_a == bfn_b) {
        g_assert_cmpint(scene_try_map(scene, 1, GFN_B), ==, -ESTALE);
    }
    scene_release(scene, 0, bfn_a);
    scene_release(scene, 1, bfn_b);
    g_assert_false(scene_is_free(scene, mfn));
    bfn_b = scene_map(scene, 1, GFN_B);
    g_assert_cmpuint(scene_reached(scene, bfn_b), ==, mfn);
    g_assert_false(scene_is_told(scene, 1, bfn_b));
}

/*
 * A moves on where nobody is told, B still shows the frame, and one request
 * asks for both.  Its answer for A says that the BFN is stale which it has for
 * B: it fails, the old users are told, and after their release it goes well.
 */
static void test_alias_in_one_request(Scene *scene)
{
    bool chosen = scene->setup->mode == XEN_PV_IOMMU_MAP;
    Device *device = &scene->devices[1];
    uint64_t bfn;
    unsigned i;

    for (i = 0; i < 2; i++) {
        alias_b_to_a(scene);
        bfn = scene_map(scene, 0, GFN_A);
        scene_remap(scene, GFN_A);
        device->prompt = i;
        g_assert_cmpint(scene_try_map_run(scene, 1, GFN_A, 2,
                                    XEN_PV_IOMMU_READ_WRITE),
                        ==, chosen ? 0 : -ESTALE);
        g_assert_true(scene_is_told(scene, 0, bfn));
        scene_release(scene, 0, bfn);
        if (!chosen) {
            g_assert_cmpuint(scene_references(scene), ==, 0);
            g_assert_cmpint(scene_try_map_run(scene, 1, GFN_A, 2,
                                        XEN_PV_IOMMU_READ_WRITE), ==, 0);
        }
        g_assert_cmpuint(device->held->len, ==, 2);
        scene_release_all(scene);
    }
}

/* An alias is one reference too many for sharing, like a mapping. */
static void test_alias_then_nominate(Scene *scene)
{
    alias_b_to_a(scene);
    g_assert_cmpint(scene_nominate(scene, GFN_A), ==, -EBUSY);
    g_assert_cmpint(scene_nominate(scene, GFN_B), ==, -EBUSY);
    balloon(scene, GFN_A);
    g_assert_cmpint(scene_nominate(scene, GFN_B), ==, 0);
}

/* --- the guest goes ----------------------------------------------------- */

/*
 * The domain is destroyed while its page is mapped.  A server of draft B keeps
 * the frame until the release.  XenServer's gives it back at once: there the
 * device model must have stopped its hardware before, and the release finds
 * that Xen knows nothing any more, which is no error.
 */
static void test_domain_destroyed(Scene *scene)
{
    bool keeps = scene->setup->host == XEN_PV_IOMMU_HOST_MAPPED;
    uint64_t mfn = scene_frame(scene, GFN_A);
    uint64_t bfn = scene_map(scene, 0, GFN_A);
    XenPvIommuRun run = { .gfn = GFN_A, .bfn = bfn, .pages = 1 };

    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(scene->model,
                                                          GUEST), ==, 0);
    g_assert_cmpuint(scene_is_free(scene, mfn), ==, !keeps);
    g_assert_cmpint(scene_try_map(scene, 1, GFN_B), ==, -ENXIO);
    g_assert_cmpuint(scene_references(scene), ==, keeps ? 1 : 0);
    g_array_set_size(scene->devices[0].held, 0);
    g_assert_cmpint(xen_pv_iommu_client_release(scene->devices[0].device,
                                                &run, 1), ==, 0);
    g_assert_true(scene_is_free(scene, mfn));
    g_assert_cmpuint(xen_pv_iommu_client_counters(
                         scene->client).failed_unmaps, ==, 0);
}

/* As before, with sharing and a view: the other guest keeps what it shows. */
static void test_domain_destroyed_shared(Scene *scene)
{
    uint64_t shared = scene_frame(scene, GFN_A);

    share_with_x(scene, GFN_A);
    scene_map(scene, 0, GFN_B);
    g_assert_cmpint(xen_pv_iommu_hypervisor_altp2m_remap(
                        scene->model, GUEST, VIEW, GFN_O, GFN_B), ==, 0);
    scene_release_all(scene);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(scene->model,
                                                          GUEST), ==, 0);
    g_assert_cmpuint(scene_frame_of_other(scene, GFN_X), ==, shared);
    g_assert_false(scene_is_free(scene, shared));
}

static const SceneTest tests[] = {
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
};

int main(int argc, char **argv)
{
    return scene_main(argc, argv, "sharing", tests, G_N_ELEMENTS(tests));
}
