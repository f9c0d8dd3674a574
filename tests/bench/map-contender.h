/*
 * Benchmark of the mapping table: who takes part
 *
 * Concepts
 * - All contenders do the same work: runs of BFNs that stand for gfns, found
 *   from both sides, each with a count of its uses.  A run that is mapped
 *   again as it is has one use more; one that is unmapped has one less and is
 *   forgotten after the last.
 * - That is less than our table does.  The others are spared what they cannot
 *   do: runs that overlap in part, owners, limits, states, access checks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_BENCH_MAP_CONTENDER_H
#define TESTS_BENCH_MAP_CONTENDER_H

#include <stdint.h>

typedef struct MapRun {
    uint32_t bfn;
    uint32_t gfn;
    uint32_t pages;
} MapRun;

typedef struct MapContender {
    const char *name;
    void *(*new)(void);
    void (*free)(void *opaque);
    /* Each run is as the pattern gives it; what cannot be done aborts. */
    void (*map)(void *opaque, MapRun run);
    void (*unmap)(void *opaque, MapRun run);
    /* The page is mapped. */
    uint64_t (*find_bfn)(void *opaque, uint64_t bfn);   /* its gfn */
    uint64_t (*find_gfn)(void *opaque, uint64_t gfn);   /* its BFN */
    /* What it says it takes; NULL: it does not say. */
    uint64_t (*bytes)(void *opaque);
} MapContender;

extern const MapContender map_contender_ours;
extern const MapContender map_contender_gtree;
extern const MapContender map_contender_iova_tree;
extern const MapContender map_contender_interval_tree;

#endif /* TESTS_BENCH_MAP_CONTENDER_H */
