/*
 * Benchmark of the mapping table: what is mapped, in which order
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "map-pattern.h"

#define BUFFER_PAGES 16
#define MIXED_PAGES_MAX 64
#define MIXED_TWICE 5

/* Marsaglia's xorshift: fast, and the same everywhere. */
static uint32_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 32;
}

static uint64_t below(uint64_t *state, uint64_t end)
{
    return (uint64_t)next_random(state) * end >> 32;
}

static void shuffle(MapRun *runs, size_t count, uint64_t *state)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = below(state, i);
        MapRun run = runs[i - 1];

        runs[i - 1] = runs[j];
        runs[j] = run;
    }
}

static uint32_t run_pages(MapPatternKind kind, uint64_t done, uint64_t pages,
                          uint64_t *state)
{
    switch (kind) {
    case MAP_CONTIGUOUS:
        return BUFFER_PAGES;
    case MAP_MIXED:
        return done < pages / 2 ? 2 + below(state, MIXED_PAGES_MAX - 1) : 1;
    default:
        return 1;
    }
}

/* Lengths, cut from the whole; no places yet. */
static void make_runs(MapPattern *pattern, MapPatternKind kind,
                      uint64_t pages, uint64_t *state)
{
    pattern->map = g_new(MapRun, pages + 1);
    while (pattern->pages < pages) {
        uint32_t length = run_pages(kind, pattern->pages, pages, state);

        pattern->map[pattern->runs++].pages = length;
        pattern->pages += length;
    }
}

/* One after the other in the order that they are in, with gaps or without. */
static void place_runs(MapPattern *pattern, unsigned gap, uint64_t *state)
{
    uint32_t frame = 0;

    for (size_t i = 0; i < pattern->runs; i++) {
        pattern->map[i].bfn = frame;
        frame += pattern->map[i].pages + gap;
    }
    if (gap > 0) {
        shuffle(pattern->map, pattern->runs, state);
    }
    frame = 1u << 20;
    for (size_t i = 0; i < pattern->runs; i++) {
        pattern->map[i].gfn = frame;
        frame += pattern->map[i].pages + gap;
    }
}

static void map_some_twice(MapPattern *pattern)
{
    size_t runs = pattern->runs;

    pattern->map = g_renew(MapRun, pattern->map, runs + runs / MIXED_TWICE);
    for (size_t i = 0; i < runs / MIXED_TWICE; i++) {
        pattern->map[pattern->runs++] = pattern->map[i * MIXED_TWICE];
    }
}

static void choose_lookups(MapPattern *pattern, uint64_t *state)
{
    pattern->lookups_len = MIN(pattern->pages, MAP_LOOKUPS_MAX);
    pattern->lookups = g_new(MapPage, pattern->lookups_len);
    for (size_t i = 0; i < pattern->lookups_len; i++) {
        const MapRun *run = &pattern->map[below(state, pattern->runs)];
        uint32_t page = below(state, run->pages);

        pattern->lookups[i] = (MapPage){ run->bfn + page, run->gfn + page };
    }
}

MapPattern *map_pattern_new(MapPatternKind kind, uint64_t pages)
{
    static const char *const names[MAP_PATTERNS] = {
        [MAP_CONTIGUOUS] = "contiguous",
        [MAP_SCATTERED] = "scattered",
        [MAP_MIXED] = "mixed",
    };
    MapPattern *pattern = g_new0(MapPattern, 1);
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

    pattern->name = names[kind];
    make_runs(pattern, kind, pages, &state);
    place_runs(pattern, kind == MAP_CONTIGUOUS ? 0 : 1, &state);
    if (kind == MAP_MIXED) {
        map_some_twice(pattern);
    }
    if (kind != MAP_CONTIGUOUS) {
        shuffle(pattern->map, pattern->runs, &state);
    }
    pattern->unmap = g_memdup2(pattern->map,
                               pattern->runs * sizeof(*pattern->map));
    if (kind != MAP_CONTIGUOUS) {
        shuffle(pattern->unmap, pattern->runs, &state);
    }
    choose_lookups(pattern, &state);
    return pattern;
}

void map_pattern_free(MapPattern *pattern)
{
    g_free(pattern->map);
    g_free(pattern->unmap);
    g_free(pattern->lookups);
    g_free(pattern);
}
