/*
 * Benchmark of the mapping table: what is mapped, in which order
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_BENCH_MAP_PATTERN_H
#define TESTS_BENCH_MAP_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "map-contender.h"

/* Lookups, at most; there are as many as pages where these are fewer. */
#define MAP_LOOKUPS_MAX (4u << 20)

typedef enum MapPatternKind {
    /* Buffers of 16 pages, each behind the other, first to last */
    MAP_CONTIGUOUS,
    /* No two pages adjacent, BFN, gfn and order at random */
    MAP_SCATTERED,
    /*
     * Half of the pages alone, half in runs of 2 to 64, scattered like that;
     * every fifth is mapped a second time.
     */
    MAP_MIXED,
    MAP_PATTERNS,
} MapPatternKind;

typedef struct MapPage {
    uint32_t bfn;
    uint32_t gfn;
} MapPage;

typedef struct MapPattern {
    const char *name;
    uint64_t pages;             /* mapped in the end */
    MapRun *map;                /* in this order */
    MapRun *unmap;              /* the same runs in another */
    size_t runs;
    MapPage *lookups;           /* any pages that are mapped */
    size_t lookups_len;
} MapPattern;

/**
 * map_pattern_new: make a pattern up, always the same
 * @kind: which
 * @pages: about how many pages
 *
 * Returns: the pattern, to be freed with map_pattern_free()
 */
MapPattern *map_pattern_new(MapPatternKind kind, uint64_t pages);

/**
 * map_pattern_free: forget a pattern
 * @pattern: the pattern
 */
void map_pattern_free(MapPattern *pattern);

#endif /* TESTS_BENCH_MAP_PATTERN_H */
