/*
 * PV IOMMU: the mapping table, at its limits and against a naive model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "hw/xen/pv-iommu-abi.h"
#include "hw/xen/pv-iommu-map.h"
#include "pv-iommu-map-model.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XenPvIommuMap, xen_pv_iommu_map_free)

#define END XEN_PV_IOMMU_FRAME_END
#define RW XEN_PV_IOMMU_READ_WRITE

static int add(XenPvIommuMap *map, uint64_t bfn, uint64_t gfn, uint64_t pages,
               uint16_t owner)
{
    return xen_pv_iommu_map_add(map, bfn, gfn, pages, owner, RW);
}

static int drop(XenPvIommuMap *map, uint64_t bfn, uint64_t gfn, uint64_t pages,
                uint16_t owner)
{
    return xen_pv_iommu_map_drop(map, bfn, gfn, pages, owner, NULL, NULL);
}

static void assert_sound(const XenPvIommuMap *map)
{
    g_autofree char *wrong = xen_pv_iommu_map_check(map);

    g_assert_cmpstr(wrong, ==, NULL);
}

/* --- random operations --- */

typedef struct RandomCase {
    const char *path;
    unsigned frames;
    uint64_t first_bfn;
    uint64_t first_gfn;
    uint64_t pages_max;
    unsigned steps;
    unsigned compare_every;
} RandomCase;

static const RandomCase random_cases[] = {
    /* Across a multiple of the longest extent, which nothing may show. */
    { "/pv-iommu/map/random/few", 24, 4096 - 11, 8192 - 13, END,
      400000, 64 },
    { "/pv-iommu/map/random/some", 96, 3 * 4096 - 48, 4096 - 31, 80,
      400000, 256 },
    { "/pv-iommu/map/random/first", 64, 0, 0, END, 100000, 128 },
    { "/pv-iommu/map/random/last", 64, END - 64, END - 64, END, 100000, 128 },
    { "/pv-iommu/map/random/first-and-last", 64, 0, END - 64, END,
      100000, 128 },
    { "/pv-iommu/map/random/many", 6000, 1, 70000, END, 100000, 8192 },
};

static void test_random(const void *opaque)
{
    const RandomCase *test = opaque;
    g_autoptr(GRand) random = g_rand_new_with_seed(test->frames);
    MapModel *model = NULL;

    for (unsigned step = 0; step < test->steps; step++) {
        uint32_t words[2] = { g_rand_int(random), g_rand_int(random) };

        /* Dead BFNs never come back: begin again at times. */
        if (step % 20000 == 0) {
            if (model) {
                map_model_free(model);
            }
            model = map_model_new(test->frames, test->first_bfn,
                                  test->first_gfn, test->pages_max);
        }
        map_model_step(model, (const uint8_t *)words);
        if (step % test->compare_every == 0) {
            map_model_compare(model);
        }
    }
    map_model_free(model);
}

/* --- limits --- */

static void test_arguments(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    XenPvIommuFrames frames = { END, 1 };
    uint16_t owners = XEN_PV_IOMMU_OWNERS_MAX;

    g_assert_cmpint(add(map, 1, 1, 0, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, END, 1, 1, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, 1, END, 1, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, END - 1, 1, 2, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, 1, END - 1, 2, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, 1, 1, UINT64_MAX, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, UINT64_MAX, 1, 1, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, 1, UINT64_MAX, 1, 0), ==, -EINVAL);
    g_assert_cmpint(add(map, 1, 1, 1, owners), ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_map_add(map, 1, 1, 1, 0, 0), ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_map_add(map, 1, 1, 1, 0, 4), ==, -EINVAL);
    g_assert_cmpint(drop(map, 1, 1, 0, 0), ==, -EINVAL);
    g_assert_cmpint(drop(map, END, 1, 1, 0), ==, -EINVAL);
    g_assert_cmpint(drop(map, 1, END - 1, 2, 0), ==, -EINVAL);
    g_assert_cmpint(drop(map, 1, 1, 1, owners), ==, -EINVAL);
    g_assert_cmpint(drop(map, 1, 1, 1, 0), ==, -ENOENT);
    g_assert_cmpint(xen_pv_iommu_map_bury(map, frames), ==, -EINVAL);
    xen_pv_iommu_map_set_owner_limit(map, owners, 0);
    g_assert_cmpuint(xen_pv_iommu_map_owner_pages(map, owners), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).pages, ==, 0);
    xen_pv_iommu_map_free(NULL);
}

static void test_last_frame(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    uint16_t owner = XEN_PV_IOMMU_OWNERS_MAX - 1;
    XenPvIommuUse found;

    g_assert_cmpint(add(map, END - 1, END - 1, 1, owner), ==, 0);
    g_assert_cmpint(add(map, END - 2, END - 2, 1, owner), ==, 0);
    g_assert_cmpint(add(map, END - 1, END - 2, 1, owner), ==, 0);
    assert_sound(map);
    g_assert_true(xen_pv_iommu_map_find_gfn(map, 0, UINT64_MAX, RW, &found));
    g_assert_cmphex(found.gfn, ==, END - 2);
    g_assert_cmphex(found.bfn, ==, END - 2);
    g_assert_false(xen_pv_iommu_map_find_gfn(map, END, UINT64_MAX, RW,
                                             &found));
    g_assert_true(xen_pv_iommu_map_find_bfn(map, END - 1, 1, &found));
    g_assert_cmphex(found.gfn, ==, END - 2);
    g_assert_false(xen_pv_iommu_map_find_bfn(map, END, 1, &found));
    g_assert_cmpuint(xen_pv_iommu_map_set_state(map, 0, UINT64_MAX,
                                                XEN_PV_IOMMU_DRAINING),
                     ==, 2);
    g_assert_cmpuint(xen_pv_iommu_map_set_state(map, END, 1,
                                                XEN_PV_IOMMU_INVALIDATED),
                     ==, 0);
    assert_sound(map);
    g_assert_cmpint(drop(map, END - 2, END - 2, 2, owner), ==, 0);
    g_assert_cmpint(drop(map, END - 1, END - 2, 1, owner), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).extents, ==, 0);
}

static void test_pages_max(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(8);
    XenPvIommuFrames frames = { 100, 4 };

    g_assert_cmpint(add(map, 10, 20, 9, 0), ==, -ENOSPC);
    g_assert_cmpint(add(map, 10, 20, 8, 0), ==, 0);
    g_assert_cmpint(add(map, 18, 28, 1, 0), ==, -ENOSPC);
    /* A BFN counts once, whoever uses it. */
    g_assert_cmpint(add(map, 10, 20, 8, 1), ==, 0);
    g_assert_cmpint(add(map, 10, 40, 8, 2), ==, 0);
    g_assert_cmpint(add(map, 10, 20, 9, 0), ==, -ENOSPC);
    /* Without a limit of its own, an owner has the table's. */
    g_assert_cmpint(add(map, 10, 40, 1, 1), ==, -EDQUOT);
    xen_pv_iommu_map_set_owner_limit(map, 1, UINT64_MAX);
    g_assert_cmpint(add(map, 10, 40, 8, 1), ==, 0);
    g_assert_cmpint(drop(map, 10, 40, 8, 2), ==, 0);
    g_assert_cmpint(xen_pv_iommu_map_bury(map, frames), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).pages, ==, 12);
    g_assert_cmpint(drop(map, 10, 40, 8, 1), ==, 0);
    g_assert_cmpint(drop(map, 10, 20, 8, 1), ==, 0);
    g_assert_cmpint(drop(map, 10, 20, 5, 0), ==, 0);
    g_assert_cmpint(add(map, 10, 20, 2, 0), ==, -ENOSPC);
    g_assert_cmpint(add(map, 10, 20, 1, 0), ==, 0);
    assert_sound(map);
}

static void test_table_max(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    uint64_t most = XEN_PV_IOMMU_PAGES_MAX;
    XenPvIommuMapTotals totals;

    g_assert_cmpint(add(map, 7, 9, most + 1, 0), ==, -ENOSPC);
    g_assert_cmpint(add(map, 7, 9, most, 0), ==, 0);
    g_assert_cmpint(add(map, 7 + most, 9 + most, 1, 0), ==, -ENOSPC);
    assert_sound(map);
    totals = xen_pv_iommu_map_totals(map);
    g_assert_cmpuint(totals.pages, ==, most);
    g_assert_cmpuint(totals.bytes, <, most / 16);
    g_assert_cmpint(drop(map, 7, 9, most, 0), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).extents, ==, 0);
}

static void test_owner_limit(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);

    xen_pv_iommu_map_set_owner_limit(map, 3, 4);
    g_assert_cmpint(add(map, 10, 20, 5, 3), ==, -EDQUOT);
    g_assert_cmpint(add(map, 10, 20, 5, 2), ==, 0);
    g_assert_cmpint(add(map, 10, 20, 3, 3), ==, 0);
    /* Once more is no more pages; another gfn is one. */
    g_assert_cmpint(add(map, 10, 20, 3, 3), ==, 0);
    g_assert_cmpint(add(map, 10, 30, 2, 3), ==, -EDQUOT);
    g_assert_cmpint(add(map, 10, 30, 1, 3), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_owner_pages(map, 3), ==, 4);
    xen_pv_iommu_map_set_owner_limit(map, 3, 1);
    g_assert_cmpuint(xen_pv_iommu_map_owner_pages(map, 3), ==, 4);
    g_assert_cmpint(add(map, 10, 20, 3, 3), ==, 0);
    g_assert_cmpint(add(map, 13, 23, 1, 3), ==, -EDQUOT);
    assert_sound(map);
}

static void test_uses_max(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    XenPvIommuUse found;

    for (unsigned i = 0; i < XEN_PV_IOMMU_USES_MAX; i++) {
        g_assert_cmpint(add(map, 10, 20, 1, 0), ==, 0);
    }
    g_assert_cmpint(add(map, 10, 20, 1, 0), ==, -EOVERFLOW);
    g_assert_cmpint(add(map, 9, 19, 3, 0), ==, -EOVERFLOW);
    g_assert_false(xen_pv_iommu_map_find_bfn(map, 9, 1, &found));
    g_assert_false(xen_pv_iommu_map_find_bfn(map, 11, 1, &found));
    g_assert_cmpint(add(map, 10, 20, 1, 1), ==, 0);
    g_assert_true(xen_pv_iommu_map_find_bfn(map, 10, 1, &found));
    g_assert_cmpuint(found.uses, ==, XEN_PV_IOMMU_USES_MAX);
    assert_sound(map);
    for (unsigned i = 0; i < XEN_PV_IOMMU_USES_MAX; i++) {
        g_assert_cmpint(drop(map, 10, 20, 1, 0), ==, 0);
    }
    g_assert_cmpint(drop(map, 10, 20, 1, 0), ==, -ENOENT);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).pages, ==, 1);
}

/* --- what belongs to a BFN --- */

static void test_access_and_state(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    XenPvIommuFrames grave = { 50, 2 };
    XenPvIommuUse found;

    g_assert_cmpint(xen_pv_iommu_map_add(map, 10, 20, 4, 0,
                                         XEN_PV_IOMMU_READ), ==, 0);
    g_assert_cmpint(add(map, 8, 18, 4, 1), ==, -EEXIST);
    g_assert_false(xen_pv_iommu_map_find_gfn(map, 20, 4, RW, &found));
    g_assert_true(xen_pv_iommu_map_find_gfn(map, 0, 100, XEN_PV_IOMMU_READ,
                                            &found));
    g_assert_cmphex(found.bfn, ==, 10);
    g_assert_cmpuint(found.pages, ==, 4);
    g_assert_cmpuint(xen_pv_iommu_map_set_state(map, 11, 1,
                                                XEN_PV_IOMMU_LIVE), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_set_state(map, 11, 1,
                                                XEN_PV_IOMMU_INVALIDATED),
                     ==, 1);
    g_assert_cmpint(xen_pv_iommu_map_add(map, 11, 20, 1, 0,
                                         XEN_PV_IOMMU_READ), ==, -ESTALE);
    g_assert_true(xen_pv_iommu_map_find_gfn(map, 21, 3, XEN_PV_IOMMU_READ,
                                            &found));
    g_assert_cmphex(found.gfn, ==, 22);
    g_assert_cmpuint(found.pages, ==, 2);
    g_assert_cmpint(xen_pv_iommu_map_bury(map, grave), ==, 0);
    g_assert_cmpint(xen_pv_iommu_map_bury(map, grave), ==, -EEXIST);
    g_assert_cmpint(add(map, 51, 50, 1, 0), ==, -ESTALE);
    g_assert_cmpint(drop(map, 51, 51, 1, 0), ==, -ENOENT);
    g_assert_cmpuint(xen_pv_iommu_map_set_state(map, 0, 100,
                                                XEN_PV_IOMMU_DRAINING),
                     ==, 4);
    g_assert_true(xen_pv_iommu_map_find_bfn(map, 14, 100, &found));
    g_assert_cmphex(found.bfn, ==, 50);
    g_assert_cmphex(found.gfn, ==, XEN_PV_IOMMU_NO_FRAME);
    g_assert_cmpint(found.state, ==, XEN_PV_IOMMU_DEAD);
    g_assert_cmpint(drop(map, 10, 20, 4, 0), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).pages, ==, 2);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).dead_pages, ==, 2);
    assert_sound(map);
}

/* A wrap of the gfn must not look like a continuation. */
static void test_no_wrap(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    XenPvIommuUse found;

    g_assert_cmpint(add(map, 2, END - 1, 1, 0), ==, 0);
    g_assert_cmpint(add(map, 3, 0, 1, 0), ==, 0);
    g_assert_true(xen_pv_iommu_map_find_bfn(map, 3, 1, &found));
    g_assert_cmphex(found.gfn, ==, 0);
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).extents, ==, 2);
    assert_sound(map);
}

/* --- memory --- */

static uint64_t scattered(uint64_t i)
{
    /* An odd factor: each number below 2^17 once, neighbours far apart. */
    return (i * 50461 % (1 << 17)) * 2;
}

static void assert_bytes(const XenPvIommuMap *map, unsigned most)
{
    XenPvIommuMapTotals totals = xen_pv_iommu_map_totals(map);

    assert_sound(map);
    g_assert_cmpuint(totals.bytes, <=, totals.pages * most);
}

/* For each use of a page that has no neighbour; every owner uses every page. */
#define USE_BYTES 62

/*
 * No two pages adjacent; entered in the given order, then thinned out in
 * another, so that the nodes are as empty as they ever get.
 */
static void scatter(uint64_t (*bfn_of)(uint64_t), uint64_t (*gfn_of)(uint64_t),
                    unsigned owners)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    uint64_t pages = 1 << 17;

    for (unsigned owner = 0; owner < owners; owner++) {
        for (uint64_t i = 0; i < pages; i++) {
            g_assert_cmpint(add(map, bfn_of(i), gfn_of(i), 1, owner), ==, 0);
        }
        assert_bytes(map, USE_BYTES * (owner + 1));
    }
    for (unsigned left = 8; left; left--) {
        for (uint64_t i = left - 1; i < pages * owners; i += 8) {
            g_assert_cmpint(drop(map, bfn_of(i / owners), gfn_of(i / owners),
                                 1, i % owners), ==, 0);
        }
        if (left > 1) {
            assert_bytes(map, USE_BYTES * owners);
        }
    }
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).extents, ==, 0);
}

static uint64_t ascending(uint64_t i)
{
    return 2 * i;
}

static uint64_t descending(uint64_t i)
{
    return 2 * ((1 << 17) - i);
}

static uint64_t middle_out(uint64_t i)
{
    return (1 << 18) + (i % 2 ? 2 * i : -(2 * i));
}

/* What comes in ascending order fills each node to the last place. */
static void test_ascending_bytes(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);

    for (uint64_t i = 0; i < 1 << 17; i++) {
        g_assert_cmpint(add(map, ascending(i), ascending(i), 1, 0), ==, 0);
    }
    assert_bytes(map, 35);
}

static void test_scatter_bytes(void)
{
    for (unsigned owners = 1; owners <= 2; owners++) {
        scatter(scattered, ascending, owners);
        scatter(ascending, scattered, owners);
        scatter(descending, middle_out, owners);
        scatter(middle_out, scattered, owners);
    }
}

static void test_contiguous_bytes(void)
{
    g_autoptr(XenPvIommuMap) map = xen_pv_iommu_map_new(UINT64_MAX);
    uint64_t pages = 1 << 17;

    for (uint64_t i = 0; i < pages; i++) {
        uint64_t page = scattered(i) / 2;

        g_assert_cmpint(add(map, page, page + 1234567, 1, 0), ==, 0);
        if (i == pages / 2) {
            assert_bytes(map, 64);
        }
    }
    assert_bytes(map, 1);
    /* It does not show how the table came to be what it is. */
    g_assert_cmpuint(xen_pv_iommu_map_totals(map).extents, ==, pages / 4096);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pv-iommu/map/arguments", test_arguments);
    g_test_add_func("/pv-iommu/map/last-frame", test_last_frame);
    g_test_add_func("/pv-iommu/map/pages-max", test_pages_max);
    g_test_add_func("/pv-iommu/map/table-max", test_table_max);
    g_test_add_func("/pv-iommu/map/owner-limit", test_owner_limit);
    g_test_add_func("/pv-iommu/map/uses-max", test_uses_max);
    g_test_add_func("/pv-iommu/map/access-and-state", test_access_and_state);
    g_test_add_func("/pv-iommu/map/no-wrap", test_no_wrap);
    for (unsigned i = 0; i < G_N_ELEMENTS(random_cases); i++) {
        g_test_add_data_func(random_cases[i].path, &random_cases[i],
                             test_random);
    }
    g_test_add_func("/pv-iommu/map/ascending-bytes", test_ascending_bytes);
    g_test_add_func("/pv-iommu/map/scatter-bytes", test_scatter_bytes);
    g_test_add_func("/pv-iommu/map/contiguous-bytes", test_contiguous_bytes);
    return g_test_run();
}
