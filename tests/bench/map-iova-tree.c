/*
 * Benchmark of the mapping table: QEMU's iova-tree, one for each direction
 *
 * It has no place for a use count.  That it needs no third tree for it, the
 * count is kept in the bits of perm that are free, in the tree by BFN.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/iova-tree.h"

#include "map-contender.h"

#define USE (1u << 2)
#define USE_MASK (~(USE - 1))

typedef struct Trees {
    IOVATree *by_bfn;
    IOVATree *by_gfn;
} Trees;

static void *iova_new(void)
{
    Trees *trees = g_new(Trees, 1);

    trees->by_bfn = iova_tree_new();
    trees->by_gfn = gpa_tree_new();
    return trees;
}

static void iova_free(void *opaque)
{
    Trees *trees = opaque;

    iova_tree_destroy(trees->by_bfn);
    iova_tree_destroy(trees->by_gfn);
    g_free(trees);
}

static DMAMap map_of(MapRun run)
{
    return (DMAMap){
        .iova = run.bfn,
        .translated_addr = run.gfn,
        .size = run.pages - 1,
        .perm = IOMMU_RW,
    };
}

static void iova_map(void *opaque, MapRun run)
{
    Trees *trees = opaque;
    DMAMap map = map_of(run);
    DMAMap *found = (DMAMap *)iova_tree_find(trees->by_bfn, &map);

    if (found) {
        found->perm += USE;
        return;
    }
    g_assert_cmpint(iova_tree_insert(trees->by_bfn, &map), ==, IOVA_OK);
    g_assert_cmpint(gpa_tree_insert(trees->by_gfn, &map), ==, IOVA_OK);
}

static void iova_unmap(void *opaque, MapRun run)
{
    Trees *trees = opaque;
    DMAMap map = map_of(run);
    DMAMap *found = (DMAMap *)iova_tree_find(trees->by_bfn, &map);

    if (found->perm & USE_MASK) {
        found->perm -= USE;
        return;
    }
    iova_tree_remove(trees->by_bfn, map);
    iova_tree_remove(trees->by_gfn, map);
}

static uint64_t iova_find_bfn(void *opaque, uint64_t bfn)
{
    Trees *trees = opaque;
    DMAMap map = { .iova = bfn };
    const DMAMap *found = iova_tree_find(trees->by_bfn, &map);

    return found->translated_addr + (bfn - found->iova);
}

static uint64_t iova_find_gfn(void *opaque, uint64_t gfn)
{
    Trees *trees = opaque;
    DMAMap map = { .translated_addr = gfn };
    const DMAMap *found = iova_tree_find(trees->by_gfn, &map);

    return found->iova + (gfn - found->translated_addr);
}

const MapContender map_contender_iova_tree = {
    .name = "iova-tree",
    .new = iova_new,
    .free = iova_free,
    .map = iova_map,
    .unmap = iova_unmap,
    .find_bfn = iova_find_bfn,
    .find_gfn = iova_find_gfn,
};
