/*
 * PV IOMMU: which BFNs are free, at the limits and against a naive model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "hw/xen/pv-iommu-bfn.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XenPvIommuBfns, xen_pv_iommu_bfns_free)

#define END XEN_PV_IOMMU_FRAME_END

/* --- by hand --- */

static void test_lowest_first(void)
{
    g_autoptr(XenPvIommuBfns) bfns = xen_pv_iommu_bfns_new(100, 200);
    uint64_t bfn = 1;

    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 0, 0, END, &bfn),
                    ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 101, 0, END, &bfn),
                    ==, -ENOSPC);
    g_assert_cmpuint(bfn, ==, 1);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 10, 0, END, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 100);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 10, 150, END, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 150);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 10, 150, END, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 160);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 31, 150, END, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 110);
    g_assert_cmpuint(xen_pv_iommu_bfns_free_pages(bfns), ==, 39);
    g_assert_cmpuint(xen_pv_iommu_bfns_largest(bfns, END), ==, 30);
    g_assert_cmpuint(xen_pv_iommu_bfns_largest(bfns, 185), ==, 15);
    g_assert_cmpuint(xen_pv_iommu_bfns_largest(bfns, 170), ==, 9);
    g_assert_cmpuint(xen_pv_iommu_bfns_largest(bfns, 100), ==, 0);
}

static void test_mask(void)
{
    g_autoptr(XenPvIommuBfns) bfns = xen_pv_iommu_bfns_new(0, END);
    uint64_t bfn;

    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 16, 120, 128, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 0);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 8, 120, 128, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 120);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 8, END, 24, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 16);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 1, 0, 24, &bfn),
                    ==, -ENOSPC);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 1, UINT64_MAX, 25, &bfn),
                    ==, 0);
    g_assert_cmpuint(bfn, ==, 24);
}

static void test_bounds(void)
{
    XenPvIommuBfns *bfns = xen_pv_iommu_bfns_new(END - 4, UINT64_MAX);
    uint64_t bfn;

    g_assert_cmpuint(xen_pv_iommu_bfns_free_pages(bfns), ==, 4);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 4, 0, UINT64_MAX, &bfn),
                    ==, 0);
    g_assert_cmphex(bfn, ==, END - 4);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, END - 4, 5), ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, END - 5, 2), ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, END, 1), ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, END - 1, 0), ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, END - 1, UINT64_MAX),
                    ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, END - 1, 1), ==, 0);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, END - 2, 2), ==, -EINVAL);
    g_assert_cmpuint(xen_pv_iommu_bfns_largest(bfns, UINT64_MAX), ==, 1);
    xen_pv_iommu_bfns_free(bfns);

    bfns = xen_pv_iommu_bfns_new(20, 10);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 1, 0, END, &bfn),
                    ==, -ENOSPC);
    g_assert_cmpuint(xen_pv_iommu_bfns_free_pages(bfns), ==, 0);
    xen_pv_iommu_bfns_free(bfns);
    xen_pv_iommu_bfns_free(NULL);
}

static void test_exclude(void)
{
    g_autoptr(XenPvIommuBfns) bfns = xen_pv_iommu_bfns_new(100, 200);
    uint64_t bfn;

    xen_pv_iommu_bfns_exclude(bfns, 0, 110);
    xen_pv_iommu_bfns_exclude(bfns, 190, UINT64_MAX);
    xen_pv_iommu_bfns_exclude(bfns, UINT64_MAX, UINT64_MAX);
    xen_pv_iommu_bfns_exclude(bfns, 150, 0);
    g_assert_cmpuint(xen_pv_iommu_bfns_free_pages(bfns), ==, 80);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, 105, 1), ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 20, 0, END, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 110);
    /* Taken: stays so, and does not come back. */
    xen_pv_iommu_bfns_exclude(bfns, 120, 20);
    g_assert_cmpuint(xen_pv_iommu_bfns_free_pages(bfns), ==, 50);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, 110, 20), ==, 0);
    g_assert_cmpint(xen_pv_iommu_bfns_give(bfns, 120, 1), ==, -EINVAL);
    g_assert_cmpuint(xen_pv_iommu_bfns_free_pages(bfns), ==, 60);
    g_assert_cmpint(xen_pv_iommu_bfns_take(bfns, 11, 0, END, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, 140);
}

/* --- random operations --- */

typedef struct Frame {
    bool taken;
    bool excluded;
} Frame;

typedef struct BfnModel {
    XenPvIommuBfns *bfns;
    uint64_t first;
    unsigned count;
    Frame *frames;
} BfnModel;

static bool is_free(const BfnModel *model, unsigned frame)
{
    return !model->frames[frame].taken && !model->frames[frame].excluded;
}

static bool all_free(const BfnModel *model, unsigned frame, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        if (!is_free(model, frame + i)) {
            return false;
        }
    }
    return true;
}

/* The lowest place from @from on, below @end, or -1 */
static int model_place(const BfnModel *model, unsigned pages, unsigned from,
                       unsigned end)
{
    for (unsigned i = from; i + pages <= end; i++) {
        if (all_free(model, i, pages)) {
            return i;
        }
    }
    return -1;
}

static void step_take(BfnModel *model, unsigned pages, unsigned from,
                      unsigned end)
{
    int expected = model_place(model, pages, from, end);
    uint64_t bfn = 0;
    int ret = xen_pv_iommu_bfns_take(model->bfns, pages, model->first + from,
                                     model->first + end, &bfn);

    if (expected < 0) {
        expected = model_place(model, pages, 0, end);
    }
    if (expected < 0) {
        g_assert_cmpint(ret, ==, -ENOSPC);
        return;
    }
    g_assert_cmpint(ret, ==, 0);
    g_assert_cmpuint(bfn - model->first, ==, expected);
    for (unsigned i = 0; i < pages; i++) {
        model->frames[expected + i].taken = true;
    }
}

static void step_give(BfnModel *model, unsigned bfn, unsigned pages)
{
    bool all_taken = bfn + pages <= model->count;

    for (unsigned i = bfn; i < bfn + pages && all_taken; i++) {
        all_taken = model->frames[i].taken;
    }
    g_assert_cmpint(xen_pv_iommu_bfns_give(model->bfns, model->first + bfn,
                                           pages),
                    ==, all_taken ? 0 : -EINVAL);
    for (unsigned i = bfn; i < bfn + pages && all_taken; i++) {
        model->frames[i].taken = false;
    }
}

static void step_exclude(BfnModel *model, unsigned bfn, unsigned pages)
{
    xen_pv_iommu_bfns_exclude(model->bfns, model->first + bfn, pages);
    for (unsigned i = bfn; i < MIN(bfn + pages, model->count); i++) {
        model->frames[i].excluded = true;
    }
}

static void compare(const BfnModel *model, unsigned end)
{
    unsigned largest = 0;
    unsigned run = 0;
    unsigned pages = 0;

    for (unsigned i = 0; i < model->count; i++) {
        run = is_free(model, i) ? run + 1 : 0;
        pages += is_free(model, i);
        if (i < end) {
            largest = MAX(largest, run);
        }
    }
    g_assert_cmpuint(xen_pv_iommu_bfns_free_pages(model->bfns), ==, pages);
    g_assert_cmpuint(xen_pv_iommu_bfns_largest(model->bfns,
                                               model->first + end),
                     ==, largest);
}

static void model_step(BfnModel *model, GRand *random, unsigned exclusions)
{
    unsigned kind = g_rand_int_range(random, 0, 1000);
    unsigned bfn = g_rand_int_range(random, 0, model->count);
    unsigned pages = g_rand_int_range(random, 1, 10);

    if (kind < exclusions) {
        step_exclude(model, bfn, pages % 3 + 1);
    } else if (kind < 400) {
        unsigned end = g_rand_int_range(random, 0, 2 * model->count);

        step_take(model, pages, bfn, MIN(end, model->count));
    } else if (kind < 900) {
        step_give(model, bfn, pages % 4 + 1);
    } else {
        compare(model, g_rand_int_range(random, 0, model->count + 1));
    }
}

/* count frames; how many of a thousand steps exclude some of them */
static void random_steps(unsigned count, unsigned exclusions, unsigned steps)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(count);

    for (unsigned round = 0; round < 10; round++) {
        g_autofree Frame *frames = g_new0(Frame, count);
        uint64_t first = round % 2 ? END - count : 12345;
        g_autoptr(XenPvIommuBfns) bfns = xen_pv_iommu_bfns_new(first,
                                                               first + count);
        BfnModel model = { bfns, first, count, frames };

        for (unsigned step = 0; step < steps / 10; step++) {
            model_step(&model, random, exclusions);
        }
        compare(&model, count);
    }
}

static void test_random_few(void)
{
    random_steps(40, 2, 200000);
}

static void test_random_some(void)
{
    random_steps(300, 5, 200000);
}

/* Enough runs for a tree of three levels. */
static void test_random_many(void)
{
    random_steps(8000, 100, 200000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pv-iommu/bfn/lowest-first", test_lowest_first);
    g_test_add_func("/pv-iommu/bfn/mask", test_mask);
    g_test_add_func("/pv-iommu/bfn/bounds", test_bounds);
    g_test_add_func("/pv-iommu/bfn/exclude", test_exclude);
    g_test_add_func("/pv-iommu/bfn/random/few", test_random_few);
    g_test_add_func("/pv-iommu/bfn/random/some", test_random_some);
    g_test_add_func("/pv-iommu/bfn/random/many", test_random_many);
    return g_test_run();
}
