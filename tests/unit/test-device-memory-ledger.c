/*
 * Device memory: the ledger, at its limits and against a naive model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "hw/xen/device-memory-ledger.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeviceMemoryLedger, device_memory_ledger_free)

static uint32_t need(DeviceMemoryLedger *ledger)
{
    return device_memory_ledger_need(ledger, 0);
}

static void test_need(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();

    device_memory_ledger_set_credit(ledger, 16 * 1024);
    g_assert_cmpint(device_memory_ledger_add(ledger, "vram", 0x8000, 4096),
                    ==, 0);
    g_assert_cmpuint(need(ledger), ==, 0);
    g_assert_cmpint(device_memory_ledger_add(ledger, "rom", 0x9000, 16),
                    ==, 0);
    g_assert_cmpuint(need(ledger), ==, 64);
    g_assert_cmpuint(device_memory_ledger_need(ledger, 64), ==, 320);
    device_memory_ledger_set_credit(ledger, 16 * 1024 + 63);
    g_assert_cmpuint(need(ledger), ==, 4);
    device_memory_ledger_set_credit(ledger, 16 * 1024 + 64);
    g_assert_cmpuint(need(ledger), ==, 0);
}

static void test_states(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    DeviceMemoryTotals totals;

    g_assert_cmpint(device_memory_ledger_add(ledger, "rom", 8, 2), ==, 0);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 8, DEVICE_MEMORY_POPULATED), ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 9, DEVICE_MEMORY_GRANTED), ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 8, DEVICE_MEMORY_GRANTED), ==, 0);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 8, DEVICE_MEMORY_GRANTED), ==, -EINVAL);
    device_memory_ledger_totals(ledger, &totals);
    g_assert_cmpuint(totals.granted_pages, ==, 2);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 8, DEVICE_MEMORY_POPULATED), ==, 0);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 8, DEVICE_MEMORY_WANTED), ==, -EINVAL);
    device_memory_ledger_totals(ledger, &totals);
    g_assert_cmpuint(totals.populated_pages, ==, 2);
    g_assert_cmpuint(totals.need_kib, ==, 8);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 8, DEVICE_MEMORY_RELEASED), ==, 0);
    g_assert_null(device_memory_ledger_find(ledger, 8));
    g_assert_cmpuint(need(ledger), ==, 0);
}

static void test_bad_runs(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    uint64_t end = DEVICE_MEMORY_GFN_END;

    g_assert_cmpint(device_memory_ledger_add(ledger, "a", 8, 0), ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_add(ledger, "a", end, 1),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_add(ledger, "a", end - 1, 2),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_add(ledger, "a", UINT64_MAX, 1),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_add(ledger, "a", 1, UINT64_MAX),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_add(ledger, "a", end - 1, 1), ==, 0);
    g_assert_cmpint(device_memory_ledger_add(ledger, "b", end - 1, 1),
                    ==, -EEXIST);
    g_assert_cmpint(device_memory_ledger_add(ledger, "b", end - 2, 2),
                    ==, -EEXIST);
}

/* The largest need that the protocol can say, and a page more. */
static void test_largest_need(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    uint64_t most = DEVICE_MEMORY_BLOCK_PAGES_MAX;

    g_assert_cmpint(device_memory_ledger_add(ledger, "a", 0, most + 1),
                    ==, -ERANGE);
    g_assert_cmpint(device_memory_ledger_add(ledger, "a", 0, most), ==, 0);
    g_assert_cmpuint(need(ledger), ==, DEVICE_MEMORY_TOTAL_MAX);
    g_assert_cmpuint(device_memory_ledger_need(ledger, 1), ==, UINT32_MAX);
    g_assert_cmpuint(device_memory_ledger_need(ledger, UINT64_MAX),
                     ==, UINT32_MAX);
    g_assert_cmpint(device_memory_ledger_add(ledger, "b", most, 1),
                    ==, -ERANGE);
    device_memory_ledger_set_credit(ledger, 4);
    g_assert_cmpint(device_memory_ledger_add(ledger, "b", most, 1), ==, 0);
    g_assert_cmpuint(need(ledger), ==, DEVICE_MEMORY_TOTAL_MAX);
}

static void test_most_blocks(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    unsigned n;

    for (n = 0; n < DEVICE_MEMORY_BLOCKS_MAX; n++) {
        g_assert_cmpint(device_memory_ledger_add(ledger, "x", n * 2, 1),
                        ==, 0);
    }
    g_assert_cmpint(device_memory_ledger_add(ledger, "x", n * 2, 1),
                    ==, -ENOSPC);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, 0, DEVICE_MEMORY_RELEASED), ==, 0);
    g_assert_cmpint(device_memory_ledger_add(ledger, "x", n * 2, 1), ==, 0);
    g_assert_nonnull(device_memory_ledger_get(ledger, n - 1));
    g_assert_null(device_memory_ledger_get(ledger, n));
}

/* --- random operations against a model that has one entry for each page --- */

#define MODEL_PAGES 512
#define MODEL_LONGEST 24
#define MODEL_STEPS 200000

typedef struct Model {
    uint16_t begins[MODEL_PAGES];       /* length of the block here, or 0 */
    bool taken[MODEL_PAGES];
    DeviceMemoryBlockState state[MODEL_PAGES];
} Model;

static int model_add(Model *model, unsigned gfn, unsigned pages)
{
    if (!pages) {
        return -EINVAL;
    }
    for (unsigned i = gfn; i < gfn + pages; i++) {
        if (model->taken[i]) {
            return -EEXIST;
        }
    }
    memset(&model->taken[gfn], 1, pages);
    model->begins[gfn] = pages;
    model->state[gfn] = DEVICE_MEMORY_WANTED;
    return 0;
}

static int model_set_state(Model *model, unsigned gfn,
                           DeviceMemoryBlockState state)
{
    unsigned pages = model->begins[gfn];

    if (!pages) {
        return -ENOENT;
    }
    if (state == DEVICE_MEMORY_RELEASED) {
        memset(&model->taken[gfn], 0, pages);
        model->begins[gfn] = 0;
        return 0;
    }
    if (state != model->state[gfn] + 1) {
        return -EINVAL;
    }
    model->state[gfn] = state;
    return 0;
}

static void assert_same(const Model *model, DeviceMemoryLedger *ledger,
                        uint32_t credit_kib)
{
    DeviceMemoryTotals totals;
    uint64_t pages[DEVICE_MEMORY_RELEASED] = { 0 };
    uint64_t kib = 0;
    unsigned blocks = 0;

    for (unsigned gfn = 0; gfn < MODEL_PAGES; gfn++) {
        const DeviceMemoryBlock *block;

        if (!model->begins[gfn]) {
            continue;
        }
        block = device_memory_ledger_get(ledger, blocks++);
        g_assert_cmpuint(block->gfn, ==, gfn);
        g_assert_cmpuint(block->pages, ==, model->begins[gfn]);
        g_assert_cmpint(block->state, ==, model->state[gfn]);
        pages[block->state] += block->pages;
        kib += block->pages * 4;
    }
    device_memory_ledger_totals(ledger, &totals);
    g_assert_cmpuint(totals.blocks, ==, blocks);
    g_assert_cmpuint(totals.wanted_pages, ==, pages[DEVICE_MEMORY_WANTED]);
    g_assert_cmpuint(totals.granted_pages, ==, pages[DEVICE_MEMORY_GRANTED]);
    g_assert_cmpuint(totals.populated_pages, ==,
                     pages[DEVICE_MEMORY_POPULATED]);
    g_assert_cmpuint(totals.need_kib, ==,
                     kib > credit_kib ? kib - credit_kib : 0);
}

static void test_model(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    g_autofree Model *model = g_new0(Model, 1);
    unsigned done[3] = { 0 };

    device_memory_ledger_set_credit(ledger, 400);
    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        unsigned gfn = g_test_rand_int_range(0, MODEL_PAGES - MODEL_LONGEST);
        int ret;

        if (g_test_rand_int_range(0, 3) == 0) {
            unsigned pages = g_test_rand_int_range(0, MODEL_LONGEST);

            ret = device_memory_ledger_add(ledger, "x", gfn, pages);
            g_assert_cmpint(ret, ==, model_add(model, gfn, pages));
            done[0] += !ret;
        } else {
            DeviceMemoryBlockState state =
                g_test_rand_int_range(DEVICE_MEMORY_GRANTED,
                                      DEVICE_MEMORY_RELEASED + 1);

            ret = device_memory_ledger_set_state(ledger, gfn, state);
            g_assert_cmpint(ret, ==, model_set_state(model, gfn, state));
            done[1 + (state == DEVICE_MEMORY_RELEASED)] += !ret;
        }
        if (step % 64 == 0) {
            assert_same(model, ledger, 400);
        }
    }
    /* A run in which nothing happened would prove nothing. */
    g_assert_cmpuint(MIN(MIN(done[0], done[1]), done[2]), >, 1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger/need", test_need);
    g_test_add_func("/ledger/states", test_states);
    g_test_add_func("/ledger/bad-runs", test_bad_runs);
    g_test_add_func("/ledger/limits/need", test_largest_need);
    g_test_add_func("/ledger/limits/blocks", test_most_blocks);
    g_test_add_func("/ledger/model", test_model);
    return g_test_run();
}
