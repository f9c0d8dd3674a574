/*
 * PV IOMMU: a mapping table next to a naive model of it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "hw/xen/pv-iommu-abi.h"
#include "pv-iommu-map-model.h"

#define OWNERS 4

typedef struct ModelUser {
    unsigned gfn;               /* counted from first_gfn */
    uint16_t owner;
    uint32_t uses;
    unsigned seen;              /* the last walk that told of it */
} ModelUser;

typedef struct ModelBfn {
    bool mapped;
    XenPvIommuAccess access;
    XenPvIommuState state;
    GArray *users;              /* ModelUser, by gfn, then owner */
} ModelBfn;

struct MapModel {
    XenPvIommuMap *map;
    unsigned frames;
    uint64_t first_bfn;
    uint64_t first_gfn;
    uint64_t pages_max;
    ModelBfn *bfns;
    uint64_t pages;
    uint64_t dead_pages;
    uint64_t owner_pages[OWNERS];
    uint64_t owner_max[OWNERS];
    unsigned walks;
};

/* A step's arguments, made to fit. */
typedef struct ModelRun {
    unsigned bfn;               /* counted from first_bfn */
    unsigned gfn;
    unsigned pages;
    uint16_t owner;
    XenPvIommuAccess access;
} ModelRun;

/* --- the model alone --- */

static ModelUser *model_user(ModelBfn *bfn, unsigned i)
{
    return i < bfn->users->len ? &g_array_index(bfn->users, ModelUser, i)
                               : NULL;
}

static ModelUser *find_user(MapModel *model, unsigned bfn, unsigned gfn,
                            uint16_t owner)
{
    ModelUser *user;

    for (unsigned i = 0; (user = model_user(&model->bfns[bfn], i)); i++) {
        if (user->gfn == gfn && user->owner == owner) {
            return user;
        }
    }
    return NULL;
}

/* The user of @gfn with the lowest owner. */
static ModelUser *find_gfn_user(MapModel *model, unsigned bfn, unsigned gfn)
{
    ModelUser *user;

    for (unsigned i = 0; (user = model_user(&model->bfns[bfn], i)); i++) {
        if (user->gfn == gfn) {
            return user;
        }
    }
    return NULL;
}

static void add_user(MapModel *model, unsigned bfn, unsigned gfn,
                     const ModelRun *run)
{
    ModelBfn *to = &model->bfns[bfn];
    ModelUser *user = find_user(model, bfn, gfn, run->owner);
    ModelUser new = { .gfn = gfn, .owner = run->owner, .uses = 1 };
    unsigned i = 0;

    if (user) {
        user->uses++;
        return;
    }
    while ((user = model_user(to, i)) &&
           (user->gfn < gfn ||
            (user->gfn == gfn && user->owner < run->owner))) {
        i++;
    }
    g_array_insert_val(to->users, i, new);
    model->owner_pages[run->owner]++;
    if (!to->mapped) {
        to->mapped = true;
        to->access = run->access;
        to->state = XEN_PV_IOMMU_LIVE;
        model->pages++;
    }
}

static int model_add(MapModel *model, const ModelRun *run)
{
    unsigned pages = 0;
    unsigned owner_pages = 0;

    for (unsigned i = 0; i < run->pages; i++) {
        ModelBfn *bfn = &model->bfns[run->bfn + i];

        if (bfn->mapped && bfn->state != XEN_PV_IOMMU_LIVE) {
            return -ESTALE;
        }
        if (bfn->mapped && bfn->access != run->access) {
            return -EEXIST;
        }
        pages += !bfn->mapped;
        owner_pages += !find_user(model, run->bfn + i, run->gfn + i,
                                  run->owner);
    }
    if (pages > 0 && model->pages + pages > model->pages_max) {
        return -ENOSPC;
    }
    if (owner_pages > 0 && model->owner_pages[run->owner] + owner_pages >
                           model->owner_max[run->owner]) {
        return -EDQUOT;
    }
    for (unsigned i = 0; i < run->pages; i++) {
        add_user(model, run->bfn + i, run->gfn + i, run);
    }
    return 0;
}

static int model_drop(MapModel *model, const ModelRun *run)
{
    for (unsigned i = 0; i < run->pages; i++) {
        if (!find_user(model, run->bfn + i, run->gfn + i, run->owner)) {
            return -ENOENT;
        }
    }
    for (unsigned i = 0; i < run->pages; i++) {
        ModelBfn *bfn = &model->bfns[run->bfn + i];
        ModelUser *user = find_user(model, run->bfn + i, run->gfn + i,
                                    run->owner);

        if (--user->uses > 0) {
            continue;
        }
        g_array_remove_index(bfn->users,
                             user - (ModelUser *)(void *)bfn->users->data);
        model->owner_pages[run->owner]--;
        if (bfn->users->len == 0) {
            bfn->mapped = false;
            model->pages--;
        }
    }
    return 0;
}

/* The lowest BFN that serves a gfn, or -1 */
static int model_serves(MapModel *model, unsigned gfn, XenPvIommuAccess access)
{
    for (unsigned i = 0; i < model->frames; i++) {
        ModelBfn *bfn = &model->bfns[i];

        if (bfn->mapped && bfn->state == XEN_PV_IOMMU_LIVE &&
            (bfn->access & access) == access &&
            find_gfn_user(model, i, gfn)) {
            return i;
        }
    }
    return -1;
}

/* --- comparison --- */

/* Is all of what the table tells so, and told for the first time? */
static void compare_use(MapModel *model, const XenPvIommuUse *use)
{
    g_assert_cmpuint(use->pages, >, 0);
    g_assert_cmpuint(use->bfn, >=, model->first_bfn);
    g_assert_cmpuint(use->bfn - model->first_bfn, <, model->frames);
    g_assert_cmpuint(use->pages, <=,
                     model->frames - (use->bfn - model->first_bfn));
    for (uint64_t i = 0; i < use->pages; i++) {
        unsigned number = use->bfn - model->first_bfn + i;
        ModelBfn *bfn = &model->bfns[number];
        ModelUser *user;

        g_assert_true(bfn->mapped);
        g_assert_cmpint(bfn->state, ==, use->state);
        if (use->state == XEN_PV_IOMMU_DEAD) {
            g_assert_cmphex(use->gfn, ==, XEN_PV_IOMMU_NO_FRAME);
            g_assert_cmpuint(use->uses, ==, 0);
            continue;
        }
        g_assert_cmpint(bfn->access, ==, use->access);
        user = find_user(model, number, use->gfn - model->first_gfn + i,
                         use->owner);
        g_assert_nonnull(user);
        g_assert_cmpuint(user->uses, ==, use->uses);
        g_assert_cmpuint(user->seen, !=, model->walks);
        user->seen = model->walks;
    }
}

typedef struct ModelWalk {
    MapModel *model;
    XenPvIommuUse last;
    bool any;
    bool by_gfn;
    uint64_t pages;
    unsigned stop_after;
} ModelWalk;

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static bool is_after(const XenPvIommuUse *use, const XenPvIommuUse *last,
                     bool by_gfn)
{
    int bfn = compare_numbers(use->bfn, last->bfn);
    int gfn = compare_numbers(use->gfn, last->gfn);
    int first = by_gfn ? gfn : bfn;
    int second = by_gfn ? bfn : gfn;

    return first > 0 ||
           (first == 0 && (second > 0 ||
                           (second == 0 && use->owner > last->owner)));
}

static bool walk_use(const XenPvIommuUse *use, void *opaque)
{
    ModelWalk *walk = opaque;

    compare_use(walk->model, use);
    g_assert_true(!walk->any || is_after(use, &walk->last, walk->by_gfn));
    walk->any = true;
    walk->last = *use;
    walk->pages += use->pages;
    g_assert_cmpuint(walk->stop_after, >, 0);
    return --walk->stop_after > 0;
}

static ModelWalk walk_start(MapModel *model, bool by_gfn)
{
    model->walks++;
    return (ModelWalk){
        .model = model,
        .by_gfn = by_gfn,
        .stop_after = UINT_MAX,
    };
}

static void compare_each_bfn(MapModel *model, unsigned first, unsigned pages)
{
    ModelWalk walk = walk_start(model, false);
    uint64_t expected = 0;

    xen_pv_iommu_map_each_bfn(model->map, model->first_bfn + first, pages,
                              walk_use, &walk);
    for (unsigned i = first; i < first + pages; i++) {
        ModelBfn *bfn = &model->bfns[i];

        expected += bfn->users->len;
        expected += bfn->mapped && bfn->state == XEN_PV_IOMMU_DEAD;
    }
    g_assert_cmpuint(walk.pages, ==, expected);
}

static void compare_each_gfn(MapModel *model, unsigned first, unsigned pages)
{
    ModelWalk walk = walk_start(model, true);
    uint64_t expected = 0;

    xen_pv_iommu_map_each_gfn(model->map, model->first_gfn + first, pages,
                              walk_use, &walk);
    for (unsigned i = 0; i < model->frames; i++) {
        ModelUser *user;

        for (unsigned j = 0; (user = model_user(&model->bfns[i], j)); j++) {
            expected += user->gfn >= first && user->gfn < first + pages;
        }
    }
    g_assert_cmpuint(walk.pages, ==, expected);
}

static void compare_stop(MapModel *model, const ModelRun *run)
{
    ModelWalk walk = walk_start(model, false);

    walk.stop_after = 1;
    xen_pv_iommu_map_each_bfn(model->map, model->first_bfn + run->bfn,
                              run->pages, walk_use, &walk);
    walk = walk_start(model, true);
    walk.stop_after = 1;
    xen_pv_iommu_map_each_gfn(model->map, model->first_gfn + run->gfn,
                              run->pages, walk_use, &walk);
}

static void compare_find_bfn(MapModel *model, const ModelRun *run)
{
    XenPvIommuUse found;
    unsigned i = run->bfn;
    unsigned end = run->bfn + run->pages;
    bool any = xen_pv_iommu_map_find_bfn(model->map, model->first_bfn + i,
                                         run->pages, &found);

    while (i < end && !model->bfns[i].mapped) {
        i++;
    }
    g_assert_cmpint(any, ==, i < end);
    if (any) {
        g_assert_cmphex(found.bfn, ==, model->first_bfn + i);
        g_assert_cmpuint(found.pages, <=, end - i);
        model->walks++;
        compare_use(model, &found);
        if (model_user(&model->bfns[i], 0)) {
            g_assert_cmpuint(found.gfn - model->first_gfn, ==,
                             model_user(&model->bfns[i], 0)->gfn);
        }
    }
}

static void compare_find_gfn(MapModel *model, const ModelRun *run)
{
    XenPvIommuUse found;
    unsigned i = run->gfn;
    unsigned end = run->gfn + run->pages;
    bool any = xen_pv_iommu_map_find_gfn(model->map, model->first_gfn + i,
                                         run->pages, run->access, &found);

    while (i < end && model_serves(model, i, run->access) < 0) {
        i++;
    }
    g_assert_cmpint(any, ==, i < end);
    if (!any) {
        return;
    }
    g_assert_cmphex(found.gfn, ==, model->first_gfn + i);
    g_assert_cmpuint(found.pages, >, 0);
    g_assert_cmpuint(found.pages, <=, end - i);
    for (unsigned j = 0; j < found.pages; j++) {
        g_assert_cmpint(model_serves(model, i + j, run->access), ==,
                        found.bfn - model->first_bfn + j);
    }
    model->walks++;
    compare_use(model, &found);
}

static void compare_totals(MapModel *model)
{
    XenPvIommuMapTotals totals = xen_pv_iommu_map_totals(model->map);

    g_assert_cmpuint(totals.pages, ==, model->pages);
    g_assert_cmpuint(totals.dead_pages, ==, model->dead_pages);
    for (unsigned i = 0; i < OWNERS; i++) {
        g_assert_cmpuint(xen_pv_iommu_map_owner_pages(model->map, i), ==,
                         model->owner_pages[i]);
    }
}

void map_model_compare(MapModel *model)
{
    g_autofree char *wrong = xen_pv_iommu_map_check(model->map);

    g_assert_cmpstr(wrong, ==, NULL);
    compare_totals(model);
    compare_each_bfn(model, 0, model->frames);
    compare_each_gfn(model, 0, model->frames);
}

/* --- steps --- */

static void step_add(MapModel *model, const ModelRun *run)
{
    int expected = model_add(model, run);
    int ret = xen_pv_iommu_map_add(model->map, model->first_bfn + run->bfn,
                                   model->first_gfn + run->gfn, run->pages,
                                   run->owner, run->access);

    g_assert_cmpint(ret, ==, expected);
}

typedef struct ModelFreed {
    MapModel *model;
    const bool *before;         /* for each BFN: was it mapped? */
    uint64_t next;
    uint64_t pages;
} ModelFreed;

static void freed(XenPvIommuFrames frames, void *opaque)
{
    ModelFreed *told = opaque;
    XenPvIommuUse use;

    /* Ascending, and as long as can be. */
    g_assert_true(told->pages == 0 || frames.bfn > told->next);
    told->next = frames.bfn + frames.pages;
    told->pages += frames.pages;
    g_assert_false(xen_pv_iommu_map_find_bfn(told->model->map, frames.bfn,
                                             frames.pages, &use));
    for (uint64_t i = 0; i < frames.pages; i++) {
        unsigned number = frames.bfn - told->model->first_bfn + i;

        g_assert_cmpuint(number, <, told->model->frames);
        g_assert_true(told->before[number]);
        g_assert_false(told->model->bfns[number].mapped);
    }
}

static void step_drop(MapModel *model, const ModelRun *run)
{
    g_autofree bool *before = g_new(bool, model->frames);
    ModelFreed told = { .model = model, .before = before };
    uint64_t pages = model->pages;
    int expected;
    int ret;

    for (unsigned i = run->bfn; i < run->bfn + run->pages; i++) {
        before[i] = model->bfns[i].mapped;
    }
    expected = model_drop(model, run);
    ret = xen_pv_iommu_map_drop(model->map, model->first_bfn + run->bfn,
                                model->first_gfn + run->gfn, run->pages,
                                run->owner, freed, &told);
    g_assert_cmpint(ret, ==, expected);
    g_assert_cmpuint(told.pages, ==, pages - model->pages);
}

/* Drop something that is there, if there is something at or after the BFN */
static void step_drop_used(MapModel *model, ModelRun run)
{
    while (run.bfn < model->frames && model->bfns[run.bfn].users->len == 0) {
        run.bfn++;
    }
    if (run.bfn < model->frames) {
        ModelBfn *bfn = &model->bfns[run.bfn];
        ModelUser *user = model_user(bfn, run.gfn % bfn->users->len);

        run.gfn = user->gfn;
        run.owner = user->owner;
        run.pages = MIN(run.pages, model->frames - MAX(run.bfn, run.gfn));
        step_drop(model, &run);
    }
}

static void step_set_state(MapModel *model, const ModelRun *run,
                           XenPvIommuState state)
{
    unsigned changed = 0;
    uint64_t ret = xen_pv_iommu_map_set_state(
        model->map, model->first_bfn + run->bfn, run->pages, state);

    for (unsigned i = run->bfn; i < run->bfn + run->pages; i++) {
        ModelBfn *bfn = &model->bfns[i];

        if (bfn->mapped && bfn->state != XEN_PV_IOMMU_DEAD &&
            bfn->state != state) {
            bfn->state = state;
            changed++;
        }
    }
    g_assert_cmpuint(ret, ==, changed);
}

static void step_bury(MapModel *model, const ModelRun *run)
{
    XenPvIommuFrames frames = { model->first_bfn + run->bfn, run->pages };
    bool any = false;

    for (unsigned i = run->bfn; i < run->bfn + run->pages; i++) {
        any |= model->bfns[i].mapped;
    }
    g_assert_cmpint(xen_pv_iommu_map_bury(model->map, frames), ==,
                    any ? -EEXIST : 0);
    for (unsigned i = run->bfn; i < run->bfn + run->pages && !any; i++) {
        model->bfns[i].mapped = true;
        model->bfns[i].state = XEN_PV_IOMMU_DEAD;
        model->pages++;
        model->dead_pages++;
    }
}

static void step_limit(MapModel *model, const ModelRun *run)
{
    uint64_t limit = run->gfn % 2 ? UINT64_MAX : run->bfn;

    model->owner_max[run->owner] = limit;
    xen_pv_iommu_map_set_owner_limit(model->map, run->owner, limit);
}

void map_model_step(MapModel *model, const uint8_t *bytes)
{
    ModelRun run = {
        .bfn = (bytes[1] | bytes[2] << 8) % model->frames,
        .gfn = (bytes[3] | bytes[4] << 8) % model->frames,
        .owner = bytes[6] % OWNERS,
        /* Mostly the same, or little would be shared. */
        .access = bytes[7] < 32 ? 1 + bytes[7] % 2 : XEN_PV_IOMMU_READ_WRITE,
    };
    unsigned kind = bytes[0] % 32;

    /* Half of all pages are where most pages are: at an even distance. */
    if (bytes[0] & 0x80) {
        run.gfn = (run.bfn + (bytes[3] & 1)) % model->frames;
    }
    run.pages = MIN(1u + bytes[5] % 24, model->frames - MAX(run.bfn, run.gfn));
    if (kind < 11) {
        step_add(model, &run);
    } else if (kind < 22) {
        step_drop_used(model, run);
    } else if (kind < 23) {
        step_drop(model, &run);
    } else if (kind < 26) {
        compare_find_bfn(model, &run);
    } else if (kind < 28) {
        compare_find_gfn(model, &run);
    } else if (kind < 29) {
        compare_each_gfn(model, run.gfn, run.pages);
        compare_each_bfn(model, run.bfn, run.pages);
        compare_stop(model, &run);
    } else if (kind < 31) {
        step_set_state(model, &run, bytes[6] & 4 ? XEN_PV_IOMMU_INVALIDATED
                                                 : XEN_PV_IOMMU_DRAINING);
    } else if (bytes[6] & 0xf8) {
        step_limit(model, &run);
    } else {
        step_bury(model, &run);
    }
}

/* --- from the beginning to the end --- */

MapModel *map_model_new(unsigned frames, uint64_t first_bfn,
                        uint64_t first_gfn, uint64_t pages_max)
{
    MapModel *model = g_new0(MapModel, 1);

    model->map = xen_pv_iommu_map_new(pages_max);
    model->frames = frames;
    model->first_bfn = first_bfn;
    model->first_gfn = first_gfn;
    model->pages_max = pages_max;
    model->bfns = g_new0(ModelBfn, frames);
    for (unsigned i = 0; i < frames; i++) {
        model->bfns[i].users = g_array_new(FALSE, FALSE, sizeof(ModelUser));
    }
    for (unsigned i = 0; i < OWNERS; i++) {
        model->owner_max[i] = MIN(pages_max, XEN_PV_IOMMU_PAGES_MAX);
    }
    return model;
}

void map_model_free(MapModel *model)
{
    map_model_compare(model);
    for (unsigned i = 0; i < model->frames; i++) {
        g_array_unref(model->bfns[i].users);
    }
    g_free(model->bfns);
    xen_pv_iommu_map_free(model->map);
    g_free(model);
}
