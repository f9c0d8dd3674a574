/*
 * Benchmark of the mapping table, next to what else could be used
 *
 * Prints, for each pattern and size, million pages (of lookups: lookups) per
 * second of processor time and how many times faster the table is; and bytes
 * per mapped page, as malloc sees it.  It fails when the table is slower than
 * another anywhere, takes more memory than it may, or does not know how much
 * it takes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "map-contender.h"
#include "map-pattern.h"

#define CONTIGUOUS_BYTES_MAX 24
#define SCATTERED_BYTES_MAX 64

/* What the table says that it takes may differ by so much from what it does */
#define SAID_ERROR_MAX 0.01
#define SAID_ERROR_BYTES 4096

/* Few pages are gone through several times, and the best time counts. */
#define ROUND_PAGES (2u << 20)
#define ROUNDS_MAX 15

typedef enum Operation {
    MAP,
    FIND_GFN,
    FIND_BFN,
    UNMAP,
    OPERATIONS,
} Operation;

static const char *const operation_names[OPERATIONS] = {
    [MAP] = "map",
    [FIND_GFN] = "look up gfn",
    [FIND_BFN] = "look up BFN",
    [UNMAP] = "unmap",
};

static const MapContender *const contenders[] = {
    &map_contender_ours,
    &map_contender_gtree,
    &map_contender_iova_tree,
    &map_contender_interval_tree,
};

#define CONTENDERS G_N_ELEMENTS(contenders)

typedef struct Result {
    double seconds[OPERATIONS];     /* the best */
    uint64_t bytes;                 /* with all mapped */
    uint64_t thinned_bytes;         /* with half of the runs unmapped */
    uint64_t said;                  /* bytes by the contender's account */
} Result;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static uint64_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void wrong_answer(const MapContender *contender)
{
    fprintf(stderr, "%s gave a wrong answer\n", contender->name);
    exit(1);
}

static void look_up(const MapContender *contender, void *table,
                    const MapPattern *pattern, double *seconds)
{
    double start = now();
    double middle;

    for (size_t i = 0; i < pattern->lookups_len; i++) {
        if (contender->find_gfn(table, pattern->lookups[i].gfn) !=
            pattern->lookups[i].bfn) {
            wrong_answer(contender);
        }
    }
    middle = now();
    for (size_t i = 0; i < pattern->lookups_len; i++) {
        if (contender->find_bfn(table, pattern->lookups[i].bfn) !=
            pattern->lookups[i].gfn) {
            wrong_answer(contender);
        }
    }
    seconds[FIND_GFN] = middle - start;
    seconds[FIND_BFN] = now() - middle;
}

static void measure_once(const MapContender *contender,
                         const MapPattern *pattern, Result *result)
{
    uint64_t before = allocated();
    void *table = contender->new();
    double start = now();
    size_t i;

    for (i = 0; i < pattern->runs; i++) {
        contender->map(table, pattern->map[i]);
    }
    result->seconds[MAP] = now() - start;
    result->bytes = allocated() - before;
    result->said = contender->bytes ? contender->bytes(table) : 0;
    look_up(contender, table, pattern, result->seconds);
    start = now();
    for (i = 0; i < pattern->runs / 2; i++) {
        contender->unmap(table, pattern->unmap[i]);
    }
    result->seconds[UNMAP] = now() - start;
    result->thinned_bytes = allocated() - before;
    start = now();
    for (; i < pattern->runs; i++) {
        contender->unmap(table, pattern->unmap[i]);
    }
    result->seconds[UNMAP] += now() - start;
    contender->free(table);
}

/*
 * In a process of its own: what one contender leaves behind in the allocators
 * is not the next one's.
 */
static void measure_apart(const MapContender *contender,
                          const MapPattern *pattern, Result *result)
{
    pid_t child = -1;
    int ends[2];
    int status;

    if (pipe(ends) == 0) {
        child = fork();
    }
    if (child < 0) {
        perror("pv-iommu-map: a process to measure in");
        exit(1);
    }
    if (child == 0) {
        measure_once(contender, pattern, result);
        _exit(write(ends[1], result, sizeof(*result)) != sizeof(*result));
    }
    close(ends[1]);
    if (read(ends[0], result, sizeof(*result)) != sizeof(*result) ||
        waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "%s did not get through\n", contender->name);
        exit(1);
    }
    close(ends[0]);
}

static Result measure(const MapContender *contender, const MapPattern *pattern)
{
    uint64_t rounds = CLAMP(ROUND_PAGES / pattern->pages, 1, ROUNDS_MAX);
    Result best;

    measure_apart(contender, pattern, &best);
    while (--rounds > 0) {
        Result result;

        measure_apart(contender, pattern, &result);
        for (int i = 0; i < OPERATIONS; i++) {
            best.seconds[i] = MIN(best.seconds[i], result.seconds[i]);
        }
    }
    return best;
}

/* --- report --- */

static bool report_speed(const MapPattern *pattern, const Result *results,
                         Operation operation)
{
    bool look_up = operation == FIND_GFN || operation == FIND_BFN;
    double count = (look_up ? pattern->lookups_len : pattern->pages) / 1e6;
    double ours = results[0].seconds[operation];
    bool good = true;

    printf("%-11s %9" G_GUINT64_FORMAT " %-12s %8.2f", pattern->name,
           pattern->pages, operation_names[operation], count / ours);
    for (unsigned i = 1; i < CONTENDERS; i++) {
        double theirs = results[i].seconds[operation];

        printf(" %8.2f %5.1fx", count / theirs, theirs / ours);
        good = good && theirs >= ours;
    }
    printf("%s\n", good ? "" : "  SLOWER");
    return good;
}

static bool report_bytes(const MapPattern *pattern, const Result *results,
                         double most)
{
    double pages = pattern->pages;
    double ours = results[0].bytes / pages;
    bool good = ours <= most;

    printf("%-11s %9" G_GUINT64_FORMAT " %-12s %8.2f", pattern->name,
           pattern->pages, "bytes/page", ours);
    for (unsigned i = 1; i < CONTENDERS; i++) {
        printf(" %8.2f %5.1fx", results[i].bytes / pages,
               results[i].bytes / pages / ours);
    }
    printf("  (at most %.0f)%s\n", most, good ? "" : "  TOO MUCH");
    return good;
}

/* After half of the pages, here and there, are unmapped. */
static bool report_thinned(const MapPattern *pattern, const Result *results)
{
    double pages = pattern->pages - pattern->runs / 2;
    double ours = results[0].thinned_bytes / pages;
    bool good = ours <= SCATTERED_BYTES_MAX;

    printf("%-11s %9.0f %-12s %8.2f", "  thinned", pages, "bytes/page", ours);
    for (unsigned i = 1; i < CONTENDERS; i++) {
        printf(" %8.2f %5.1fx", results[i].thinned_bytes / pages,
               results[i].thinned_bytes / pages / ours);
    }
    printf("  (at most %d)%s\n", SCATTERED_BYTES_MAX,
           good ? "" : "  TOO MUCH");
    return good;
}

static bool report_said(const Result *ours)
{
    double difference = (double)ours->said - (double)ours->bytes;
    bool good = ABS(difference) <= SAID_ERROR_MAX * ours->bytes +
                                   SAID_ERROR_BYTES;

    if (!good) {
        printf("the table says %" G_GUINT64_FORMAT " bytes, malloc says %"
               G_GUINT64_FORMAT "  WRONG\n", ours->said, ours->bytes);
    }
    return good;
}

static bool run_pattern(MapPatternKind kind, uint64_t pages)
{
    MapPattern *pattern = map_pattern_new(kind, pages);
    Result results[CONTENDERS];
    bool good = true;

    for (unsigned i = 0; i < CONTENDERS; i++) {
        results[i] = measure(contenders[i], pattern);
    }
    for (int i = 0; i < OPERATIONS; i++) {
        good = report_speed(pattern, results, i) && good;
    }
    good = report_bytes(pattern, results, kind == MAP_CONTIGUOUS ?
                        CONTIGUOUS_BYTES_MAX : SCATTERED_BYTES_MAX) && good;
    if (kind == MAP_SCATTERED) {
        good = report_thinned(pattern, results) && good;
    }
    good = report_said(&results[0]) && good;
    fflush(stdout);
    map_pattern_free(pattern);
    return good;
}

/* --- command line --- */

static const gint64 sizes[] = { 1 << 16, 1 << 20, 1 << 24 };

static void print_head(void)
{
    printf("million pages/s, lookups/s; bytes; ratio to ours\n");
    printf("%-11s %9s %-12s %8s", "pattern", "pages", "operation",
           contenders[0]->name);
    for (unsigned i = 1; i < CONTENDERS; i++) {
        printf(" %15s", contenders[i]->name);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    gint64 pages_min = sizes[0];
    gint64 pages_max = sizes[G_N_ELEMENTS(sizes) - 1];
    const GOptionEntry entries[] = {
        { "pages-min", 0, 0, G_OPTION_ARG_INT64, &pages_min,
          "leave out sizes below N (of 64 Ki, 1 Mi and 16 Mi)", "N" },
        { "pages-max", 0, 0, G_OPTION_ARG_INT64, &pages_max,
          "leave out sizes above N", "N" },
        { NULL }
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    unsigned done = 0;
    bool good = true;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "%s: %s\n", argv[0], error->message);
        return 2;
    }
    if (argc > 1) {
        fprintf(stderr, "%s: '%s' is not an option\n", argv[0], argv[1]);
        return 2;
    }
    print_head();
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        for (int kind = 0; kind < MAP_PATTERNS; kind++) {
            if (sizes[i] >= pages_min && sizes[i] <= pages_max) {
                good = run_pattern(kind, sizes[i]) && good;
                done++;
            }
        }
    }
    if (done == 0) {
        fprintf(stderr, "%s: no size is from %" G_GINT64_FORMAT " to %"
                G_GINT64_FORMAT "\n", argv[0], pages_min, pages_max);
        return 2;
    }
    printf("%s\n", good ? "faster than each, within bounds"
                        : "NOT faster than each, or beyond bounds");
    return good ? 0 : 1;
}
