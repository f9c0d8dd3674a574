/*
 * Benchmark of the mapping table: two GTrees of pages, the obvious thing
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "map-contender.h"

typedef struct Page {
    uint64_t bfn;
    uint64_t gfn;
    uint32_t uses;
} Page;

typedef struct Pages {
    GTree *by_bfn;              /* owns the pages */
    GTree *by_gfn;
} Pages;

static gint compare(gconstpointer a, gconstpointer b, gpointer opaque)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void *gtree_new(void)
{
    Pages *pages = g_new(Pages, 1);

    pages->by_bfn = g_tree_new_full(compare, NULL, NULL, g_free);
    pages->by_gfn = g_tree_new_full(compare, NULL, NULL, NULL);
    return pages;
}

static void gtree_free(void *opaque)
{
    Pages *pages = opaque;

    g_tree_destroy(pages->by_gfn);
    g_tree_destroy(pages->by_bfn);
    g_free(pages);
}

static Page *page_at(Pages *pages, uint64_t bfn)
{
    return g_tree_lookup(pages->by_bfn, &bfn);
}

static void gtree_map(void *opaque, MapRun run)
{
    Pages *pages = opaque;

    for (uint32_t i = 0; i < run.pages; i++) {
        Page *page = page_at(pages, run.bfn + i);

        if (page) {
            page->uses++;
            continue;
        }
        page = g_new(Page, 1);
        *page = (Page){ run.bfn + i, run.gfn + i, 1 };
        g_tree_insert(pages->by_bfn, &page->bfn, page);
        g_tree_insert(pages->by_gfn, &page->gfn, page);
    }
}

static void gtree_unmap(void *opaque, MapRun run)
{
    Pages *pages = opaque;

    for (uint32_t i = 0; i < run.pages; i++) {
        Page *page = page_at(pages, run.bfn + i);

        if (--page->uses == 0) {
            g_tree_remove(pages->by_gfn, &page->gfn);
            g_tree_remove(pages->by_bfn, &page->bfn);
        }
    }
}

static uint64_t gtree_find_bfn(void *opaque, uint64_t bfn)
{
    return page_at(opaque, bfn)->gfn;
}

static uint64_t gtree_find_gfn(void *opaque, uint64_t gfn)
{
    Pages *pages = opaque;
    Page *page = g_tree_lookup(pages->by_gfn, &gfn);

    return page->bfn;
}

const MapContender map_contender_gtree = {
    .name = "GTree",
    .new = gtree_new,
    .free = gtree_free,
    .map = gtree_map,
    .unmap = gtree_unmap,
    .find_bfn = gtree_find_bfn,
    .find_gfn = gtree_find_gfn,
};
