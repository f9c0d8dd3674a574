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

static void add_populated(DeviceMemoryLedger *ledger, const char *name,
                          uint64_t gfn, uint64_t pages)
{
    g_assert_cmpint(device_memory_ledger_add(ledger, name, gfn, pages),
                    ==, 0);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, gfn, DEVICE_MEMORY_GRANTED), ==, 0);
    g_assert_cmpint(device_memory_ledger_set_state(
                        ledger, gfn, DEVICE_MEMORY_POPULATED), ==, 0);
}

static void assert_block(DeviceMemoryLedger *ledger, unsigned n,
                         const char *name, uint64_t gfn, uint32_t pages)
{
    const DeviceMemoryBlock *block = device_memory_ledger_get(ledger, n);

    g_assert_nonnull(block);
    g_assert_cmpstr(block->name, ==, name);
    g_assert_cmpuint(block->gfn, ==, gfn);
    g_assert_cmpuint(block->pages, ==, pages);
    g_assert_cmpint(block->state, ==, DEVICE_MEMORY_POPULATED);
}

static void test_split(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();

    add_populated(ledger, "reserve", 100, 10);
    g_assert_cmpint(device_memory_ledger_split(ledger, 104), ==, 0);
    assert_block(ledger, 0, "reserve", 100, 4);
    assert_block(ledger, 1, "reserve", 104, 6);

    /* Where a block begins, or none is, there is nothing to do. */
    g_assert_cmpint(device_memory_ledger_split(ledger, 99), ==, 0);
    g_assert_cmpint(device_memory_ledger_split(ledger, 100), ==, 0);
    g_assert_cmpint(device_memory_ledger_split(ledger, 104), ==, 0);
    g_assert_cmpint(device_memory_ledger_split(ledger, 110), ==, 0);
    g_assert_cmpint(device_memory_ledger_split(ledger, UINT64_MAX), ==, 0);
    g_assert_null(device_memory_ledger_get(ledger, 2));
    g_assert_cmpuint(need(ledger), ==, 10 * 4);
}

/* The second part needs an entry of its own. */
static void test_split_most_blocks(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();

    add_populated(ledger, "reserve", 0, 4);
    for (unsigned n = 1; n < DEVICE_MEMORY_BLOCKS_MAX - 1; n++) {
        g_assert_cmpint(device_memory_ledger_add(ledger, "x", n * 8, 1),
                        ==, 0);
    }
    g_assert_cmpint(device_memory_ledger_split(ledger, 2), ==, 0);
    g_assert_cmpint(device_memory_ledger_split(ledger, 3), ==, -ENOSPC);
    g_assert_cmpint(device_memory_ledger_split(ledger, 2), ==, 0);
    assert_block(ledger, 1, "reserve", 2, 2);

    /* To move one needs none. */
    g_assert_cmpint(device_memory_ledger_move(ledger, 2, 1 << 20), ==, 0);
    g_assert_cmpint(device_memory_ledger_split(ledger, (1 << 20) + 1),
                    ==, -ENOSPC);
}

static void test_move(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();

    add_populated(ledger, "reserve", 100, 10);
    add_populated(ledger, "rom", 200, 2);
    g_assert_cmpint(device_memory_ledger_move(ledger, 100, 190), ==, 0);
    assert_block(ledger, 0, "reserve", 190, 10);
    assert_block(ledger, 1, "rom", 200, 2);
    g_assert_cmpint(device_memory_ledger_move(ledger, 190, 202), ==, 0);
    assert_block(ledger, 0, "rom", 200, 2);
    assert_block(ledger, 1, "reserve", 202, 10);

    g_assert_cmpint(device_memory_ledger_move(ledger, 190, 50), ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_move(ledger, 203, 50), ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_move(ledger, 202,
                                              DEVICE_MEMORY_GFN_END - 9),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_move(ledger, 202, UINT64_MAX),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_move(ledger, 202, 202), ==, -EEXIST);
    g_assert_cmpint(device_memory_ledger_move(ledger, 202, 211), ==, -EEXIST);
    g_assert_cmpint(device_memory_ledger_move(ledger, 202, 191), ==, -EEXIST);
    assert_block(ledger, 1, "reserve", 202, 10);
    g_assert_cmpint(device_memory_ledger_move(ledger, 202,
                                              DEVICE_MEMORY_GFN_END - 10),
                    ==, 0);
    g_assert_cmpuint(need(ledger), ==, 12 * 4);
}

static void test_join(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();

    add_populated(ledger, "a", 100, 4);
    add_populated(ledger, "b", 104, 2);
    add_populated(ledger, "c", 106, 10);
    add_populated(ledger, "d", 117, 1);
    g_assert_cmpint(device_memory_ledger_add(ledger, "wanted", 118, 1), ==, 0);

    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 104, 0),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 104, UINT64_MAX),
                    ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_join(
                        ledger, "x", 104,
                        (uint64_t)DEVICE_MEMORY_BLOCK_PAGES_MAX + 1),
                    ==, -EINVAL);
    /* Too short, too long, into a gap, from within, not populated. */
    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 104, 11),
                    ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 104, 13),
                    ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 104, 14),
                    ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 105, 11),
                    ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 117, 2),
                    ==, -ENOENT);
    assert_block(ledger, 2, "c", 106, 10);

    g_assert_cmpint(device_memory_ledger_join(ledger, "x", 104, 12), ==, 0);
    assert_block(ledger, 0, "a", 100, 4);
    assert_block(ledger, 1, "x", 104, 12);
    assert_block(ledger, 2, "d", 117, 1);
    g_assert_cmpint(device_memory_ledger_join(ledger, "e", 117, 1), ==, 0);
    assert_block(ledger, 2, "e", 117, 1);
    g_assert_cmpuint(need(ledger), ==, 18 * 4);
}

static void test_rename(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();

    add_populated(ledger, "rom", 100, 10);
    g_assert_cmpint(device_memory_ledger_rename(ledger, 101, "x"),
                    ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_rename(ledger, 100, "reserve"),
                    ==, 0);
    assert_block(ledger, 0, "reserve", 100, 10);
}

/* The gfn is free at once; the need is lower when Xen counts no more. */
static void test_linger(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    DeviceMemoryTotals totals;

    add_populated(ledger, "rom", 100, 10);
    g_assert_cmpint(device_memory_ledger_linger(ledger, 99), ==, -ENOENT);
    g_assert_cmpint(device_memory_ledger_linger(ledger, 100), ==, 0);
    g_assert_cmpuint(need(ledger), ==, 40);
    add_populated(ledger, "new", 100, 10);
    g_assert_cmpuint(need(ledger), ==, 80);
    device_memory_ledger_totals(ledger, &totals);
    g_assert_cmpuint(totals.lingering_pages, ==, 10);
    g_assert_cmpuint(totals.populated_pages, ==, 10);
    g_assert_cmpint(device_memory_ledger_settle(ledger, 11), ==, -EINVAL);
    g_assert_cmpint(device_memory_ledger_settle(ledger, 10), ==, 0);
    g_assert_cmpint(device_memory_ledger_settle(ledger, 1), ==, -EINVAL);
    g_assert_cmpuint(need(ledger), ==, 40);
}

/* --- random operations against a model that has one entry for each page --- */

#define MODEL_PAGES 2048
#define MODEL_LONGEST 24
#define MODEL_STEPS 200000

typedef struct Model {
    unsigned lingering;
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

static int model_split(Model *model, unsigned gfn)
{
    unsigned first = gfn;

    if (!model->taken[gfn] || model->begins[gfn]) {
        return 0;
    }
    while (!model->begins[first]) {
        first--;
    }
    model->begins[gfn] = first + model->begins[first] - gfn;
    model->state[gfn] = model->state[first];
    model->begins[first] = gfn - first;
    return 0;
}

static int model_move(Model *model, unsigned from, unsigned to)
{
    unsigned pages = model->begins[from];

    if (!pages) {
        return -ENOENT;
    }
    for (unsigned i = to; i < to + pages; i++) {
        if (model->taken[i]) {
            return -EEXIST;
        }
    }
    memset(&model->taken[from], 0, pages);
    memset(&model->taken[to], 1, pages);
    model->begins[from] = 0;
    model->begins[to] = pages;
    model->state[to] = model->state[from];
    return 0;
}

/* All that lies end to end from @gfn on, as far as it fits in one block. */
static unsigned model_run(const Model *model, unsigned gfn)
{
    unsigned pages = 0;

    while (model->begins[gfn + pages] &&
           model->state[gfn + pages] == DEVICE_MEMORY_POPULATED &&
           pages + model->begins[gfn + pages] < MODEL_LONGEST) {
        pages += model->begins[gfn + pages];
    }
    return pages;
}

static int model_join(Model *model, unsigned gfn, unsigned pages)
{
    for (unsigned i = gfn; i < gfn + pages; i += model->begins[i]) {
        if (!model->begins[i] || i + model->begins[i] > gfn + pages ||
            model->state[i] != DEVICE_MEMORY_POPULATED) {
            return -ENOENT;
        }
    }
    memset(&model->begins[gfn], 0, pages * sizeof(model->begins[0]));
    model->begins[gfn] = pages;
    return 0;
}

static int model_linger(Model *model, unsigned gfn)
{
    unsigned pages = model->begins[gfn];

    if (!pages) {
        return -ENOENT;
    }
    memset(&model->taken[gfn], 0, pages);
    model->begins[gfn] = 0;
    model->lingering += pages;
    return 0;
}

static void assert_same(const Model *model, DeviceMemoryLedger *ledger,
                        uint32_t credit_kib)
{
    DeviceMemoryTotals totals;
    uint64_t pages[DEVICE_MEMORY_RELEASED] = { 0 };
    uint64_t kib = model->lingering * 4;
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

typedef enum Step {
    ADD, ADVANCE, RELEASE, SPLIT, MOVE, JOIN, LINGER, SETTLE, STEPS
} Step;

/* Any gfn at times, mostly one at which a block begins. */
static unsigned random_gfn(const Model *model)
{
    unsigned gfn = g_test_rand_int_range(0, MODEL_PAGES - MODEL_LONGEST);

    while (g_test_rand_int_range(0, 40) && !model->begins[gfn]) {
        gfn = g_test_rand_int_range(0, MODEL_PAGES - MODEL_LONGEST);
    }
    return gfn;
}

/* One random operation on both; whether it was carried out. */
static bool model_step(DeviceMemoryLedger *ledger, Model *model, Step step)
{
    unsigned gfn = random_gfn(model);
    unsigned to = g_test_rand_int_range(0, MODEL_PAGES - MODEL_LONGEST);
    unsigned pages = g_test_rand_int_range(0, MODEL_LONGEST);
    DeviceMemoryBlockState state = step == RELEASE ? DEVICE_MEMORY_RELEASED
        : MIN(model->state[gfn] + g_test_rand_int_range(0, 3),
              DEVICE_MEMORY_POPULATED);
    int ret = 0, expected = 0;

    switch (step) {
    case ADD:
        ret = device_memory_ledger_add(ledger, "x", to, pages);
        expected = model_add(model, to, pages);
        break;
    case ADVANCE:
    case RELEASE:
        ret = device_memory_ledger_set_state(ledger, gfn, state);
        expected = model_set_state(model, gfn, state);
        break;
    case SPLIT:
        ret = device_memory_ledger_split(ledger, to);
        expected = model_split(model, to);
        break;
    case MOVE:
        ret = device_memory_ledger_move(ledger, gfn, to);
        expected = model_move(model, gfn, to);
        break;
    case JOIN:
        pages = MAX(pages % 3 ? model_run(model, gfn) : pages, 1);
        ret = device_memory_ledger_join(ledger, "y", gfn, pages);
        expected = model_join(model, gfn, pages);
        break;
    case LINGER:
        ret = device_memory_ledger_linger(ledger, gfn);
        expected = model_linger(model, gfn);
        break;
    case SETTLE:
        ret = device_memory_ledger_settle(ledger, pages);
        expected = pages > model->lingering ? -EINVAL : 0;
        model->lingering -= expected ? 0 : pages;
        break;
    case STEPS:
        g_assert_not_reached();
    }
    g_assert_cmpint(ret, ==, expected);
    return !ret;
}

static void test_model(void)
{
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    g_autofree Model *model = g_new0(Model, 1);
    unsigned done[STEPS] = { 0 };

    device_memory_ledger_set_credit(ledger, 400);
    for (unsigned n = 0; n < MODEL_STEPS; n++) {
        /* Mostly what makes and populates blocks. */
        Step step = n % 4 < 2 ? (n % 2 ? ADVANCE : ADD)
                              : (Step)g_test_rand_int_range(0, STEPS);

        done[step] += model_step(ledger, model, step);
        if (n % 64 == 0) {
            assert_same(model, ledger, 400);
        }
    }
    /* A run in which nothing happened would prove nothing. */
    for (unsigned step = 0; step < STEPS; step++) {
        g_test_message("step %u: %u done", step, done[step]);
        g_assert_cmpuint(done[step], >, 100);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger/need", test_need);
    g_test_add_func("/ledger/states", test_states);
    g_test_add_func("/ledger/bad-runs", test_bad_runs);
    g_test_add_func("/ledger/limits/need", test_largest_need);
    g_test_add_func("/ledger/limits/blocks", test_most_blocks);
    g_test_add_func("/ledger/limits/split", test_split_most_blocks);
    g_test_add_func("/ledger/split", test_split);
    g_test_add_func("/ledger/move", test_move);
    g_test_add_func("/ledger/join", test_join);
    g_test_add_func("/ledger/rename", test_rename);
    g_test_add_func("/ledger/linger", test_linger);
    g_test_add_func("/ledger/model", test_model);
    return g_test_run();
}
