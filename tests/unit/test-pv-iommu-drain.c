/*
 * PV IOMMU: what a device has yet to give back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "../../hw/xen/pv-iommu/drain.h"

static void assert_run(const XenPvIommuRun *run, uint64_t gfn, uint64_t bfn,
                       uint64_t pages)
{
    g_assert_cmpuint(run->gfn, ==, gfn);
    g_assert_cmpuint(run->bfn, ==, bfn);
    g_assert_cmpuint(run->pages, ==, pages);
}

static void test_empty(void)
{
    XenPvIommuDrain *drain = xen_pv_iommu_drain_new();
    XenPvIommuRun run = { 0, 100, 10 };

    g_assert_true(xen_pv_iommu_drain_empty(drain));
    g_assert_false(xen_pv_iommu_drain_tell(drain, &run));
    g_assert_false(xen_pv_iommu_drain_overdue(drain, INT64_MAX, &run));
    g_assert_cmpint(xen_pv_iommu_drain_deadline(drain), ==, INT64_MAX);
    xen_pv_iommu_drain_remove(drain, &run);
    xen_pv_iommu_drain_start(drain, 5);
    g_assert_true(xen_pv_iommu_drain_empty(drain));
    xen_pv_iommu_drain_free(drain);
    xen_pv_iommu_drain_free(NULL);
}

/* Neighbours become one run, as long as the first is still untold. */
static void test_joins(void)
{
    XenPvIommuDrain *drain = xen_pv_iommu_drain_new();
    XenPvIommuRun run;

    xen_pv_iommu_drain_add(drain, &(XenPvIommuRun){ 0, 100, 10 });
    xen_pv_iommu_drain_add(drain, &(XenPvIommuRun){ 10, 110, 5 });
    xen_pv_iommu_drain_add(drain, &(XenPvIommuRun){ 16, 115, 1 });
    g_assert_true(xen_pv_iommu_drain_tell(drain, &run));
    assert_run(&run, 0, 100, 15);
    xen_pv_iommu_drain_add(drain, &(XenPvIommuRun){ 15, 115, 1 });
    g_assert_true(xen_pv_iommu_drain_tell(drain, &run));
    assert_run(&run, 16, 115, 1);
    g_assert_true(xen_pv_iommu_drain_tell(drain, &run));
    assert_run(&run, 15, 115, 1);
    g_assert_false(xen_pv_iommu_drain_tell(drain, &run));
    g_assert_false(xen_pv_iommu_drain_empty(drain));
    xen_pv_iommu_drain_free(drain);
}

static void test_remove_parts(void)
{
    XenPvIommuDrain *drain = xen_pv_iommu_drain_new();
    XenPvIommuRun run;

    xen_pv_iommu_drain_add(drain, &(XenPvIommuRun){ 0, 100, 10 });
    xen_pv_iommu_drain_remove(drain, &(XenPvIommuRun){ 3, 103, 2 });
    xen_pv_iommu_drain_remove(drain, &(XenPvIommuRun){ 0, 105, 5 });
    xen_pv_iommu_drain_remove(drain, &(XenPvIommuRun){ 8, 108, 100 });
    g_assert_true(xen_pv_iommu_drain_tell(drain, &run));
    assert_run(&run, 0, 100, 3);
    /* What is removed before it was told is not told. */
    xen_pv_iommu_drain_remove(drain, &(XenPvIommuRun){ 5, 105, 1 });
    g_assert_true(xen_pv_iommu_drain_tell(drain, &run));
    assert_run(&run, 6, 106, 2);
    g_assert_false(xen_pv_iommu_drain_tell(drain, &run));
    xen_pv_iommu_drain_free(drain);
}

static void test_deadlines(void)
{
    XenPvIommuDrain *drain = xen_pv_iommu_drain_new();
    XenPvIommuRun run;

    xen_pv_iommu_drain_add(drain, &(XenPvIommuRun){ 0, 100, 1 });
    g_assert_cmpint(xen_pv_iommu_drain_deadline(drain), ==, 0);
    g_assert_false(xen_pv_iommu_drain_overdue(drain, INT64_MAX, &run));
    xen_pv_iommu_drain_start(drain, 50);
    xen_pv_iommu_drain_start(drain, 20);
    g_assert_cmpint(xen_pv_iommu_drain_deadline(drain), ==, 50);
    xen_pv_iommu_drain_add(drain, &(XenPvIommuRun){ 9, 300, 1 });
    /* The clock went back: the order stays. */
    xen_pv_iommu_drain_start(drain, 40);
    g_assert_false(xen_pv_iommu_drain_overdue(drain, 49, &run));
    g_assert_true(xen_pv_iommu_drain_overdue(drain, 50, &run));
    assert_run(&run, 0, 100, 1);
    g_assert_cmpint(xen_pv_iommu_drain_deadline(drain), ==, 50);
    g_assert_true(xen_pv_iommu_drain_overdue(drain, 50, &run));
    assert_run(&run, 9, 300, 1);
    g_assert_true(xen_pv_iommu_drain_empty(drain));
    xen_pv_iommu_drain_free(drain);
}

/* --- against a list of pages -------------------------------------------- */

#define BFNS 64
#define FAMILIES 3              /* gfn = bfn + 1000 * family */
#define STEPS 20000

typedef struct Page {
    bool waits;
    bool told;
    int64_t deadline;           /* -1: none yet */
} Page;

typedef struct Model {
    XenPvIommuDrain *drain;
    Page pages[FAMILIES][BFNS];
    int64_t now;
} Model;

static XenPvIommuRun random_run(unsigned *family)
{
    uint64_t bfn = g_test_rand_int_range(0, BFNS);

    *family = g_test_rand_int_range(0, FAMILIES);
    return (XenPvIommuRun){
        .bfn = bfn, .gfn = bfn + 1000 * *family,
        .pages = g_test_rand_int_range(1, MIN(9, BFNS - bfn + 1)),
    };
}

static void step_add(Model *model)
{
    unsigned family;
    XenPvIommuRun run = random_run(&family);

    for (uint64_t i = 0; i < run.pages; i++) {
        if (model->pages[family][run.bfn + i].waits) {
            return;
        }
    }
    xen_pv_iommu_drain_add(model->drain, &run);
    for (uint64_t i = 0; i < run.pages; i++) {
        model->pages[family][run.bfn + i] = (Page){
            .waits = true, .deadline = -1,
        };
    }
}

static void step_remove(Model *model)
{
    unsigned family;
    XenPvIommuRun run = random_run(&family);

    xen_pv_iommu_drain_remove(model->drain, &run);
    for (uint64_t i = 0; i < run.pages; i++) {
        model->pages[family][run.bfn + i].waits = false;
    }
}

static void step_tell(Model *model)
{
    XenPvIommuRun run;
    unsigned untold = 0;

    for (unsigned f = 0; f < FAMILIES; f++) {
        for (unsigned b = 0; b < BFNS; b++) {
            untold += model->pages[f][b].waits && !model->pages[f][b].told;
        }
    }
    if (!xen_pv_iommu_drain_tell(model->drain, &run)) {
        g_assert_cmpuint(untold, ==, 0);
        return;
    }
    for (uint64_t i = 0; i < run.pages; i++) {
        Page *page = &model->pages[(run.gfn - run.bfn) / 1000][run.bfn + i];

        g_assert_true(page->waits);
        g_assert_false(page->told);
        page->told = true;
    }
}

static void step_start(Model *model)
{
    model->now += g_test_rand_int_range(0, 5);
    xen_pv_iommu_drain_start(model->drain, model->now + 10);
    for (unsigned f = 0; f < FAMILIES; f++) {
        for (unsigned b = 0; b < BFNS; b++) {
            if (model->pages[f][b].deadline < 0) {
                model->pages[f][b].deadline = model->now + 10;
            }
        }
    }
}

static void step_overdue(Model *model)
{
    XenPvIommuRun run;

    while (xen_pv_iommu_drain_overdue(model->drain, model->now, &run)) {
        for (uint64_t i = 0; i < run.pages; i++) {
            Page *page =
                &model->pages[(run.gfn - run.bfn) / 1000][run.bfn + i];

            g_assert_true(page->waits);
            g_assert_cmpint(page->deadline, <=, model->now);
            page->waits = false;
        }
    }
}

static void compare(const Model *model)
{
    int64_t deadline = INT64_MAX;
    bool empty = true;

    for (unsigned f = 0; f < FAMILIES; f++) {
        for (unsigned b = 0; b < BFNS; b++) {
            const Page *page = &model->pages[f][b];

            if (page->waits) {
                empty = false;
                deadline = MIN(deadline, page->deadline < 0
                                         ? INT64_MAX - 1 : page->deadline);
            }
        }
    }
    g_assert_cmpint(xen_pv_iommu_drain_empty(model->drain), ==, empty);
    if (deadline == INT64_MAX - 1) {
        deadline = 0;
    }
    g_assert_cmpint(xen_pv_iommu_drain_deadline(model->drain), ==, deadline);
}

static void test_random(void)
{
    static void (*const steps[])(Model *) = {
        step_add, step_add, step_add, step_remove, step_remove, step_tell,
        step_tell, step_start, step_overdue,
    };
    Model model = { .drain = xen_pv_iommu_drain_new() };

    for (unsigned i = 0; i < STEPS; i++) {
        steps[g_test_rand_int_range(0, G_N_ELEMENTS(steps))](&model);
        compare(&model);
    }
    xen_pv_iommu_drain_free(model.drain);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/drain/empty", test_empty);
    g_test_add_func("/drain/joins", test_joins);
    g_test_add_func("/drain/remove-parts", test_remove_parts);
    g_test_add_func("/drain/deadlines", test_deadlines);
    g_test_add_func("/drain/random", test_random);
    return g_test_run();
}
