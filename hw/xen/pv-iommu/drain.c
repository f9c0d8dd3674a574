/*
 * PV IOMMU: what one device has yet to give back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "drain.h"

/* A deadline that has not been set. */
#define NO_DEADLINE INT64_MIN

typedef struct Waiting {
    XenPvIommuRun run;
    int64_t deadline_ms;
    bool told;
    GSequenceIter *place;   /* in by_frame */
    GList *link;            /* in by_age */
} Waiting;

/*
 * Both hold every Waiting.  Those that are untold, and those that have no
 * deadline, are at the end of by_age.
 */
struct XenPvIommuDrain {
    GQueue by_age;
    GSequence *by_frame;    /* owns; ordered by bfn - gfn, then bfn */
    GList *untold;          /* the first one in by_age, or NULL */
};

XenPvIommuDrain *xen_pv_iommu_drain_new(void)
{
    XenPvIommuDrain *drain = g_new0(XenPvIommuDrain, 1);

    g_queue_init(&drain->by_age);
    drain->by_frame = g_sequence_new(g_free);
    return drain;
}

void xen_pv_iommu_drain_free(XenPvIommuDrain *drain)
{
    if (drain) {
        g_queue_clear(&drain->by_age);
        g_sequence_free(drain->by_frame);
        g_free(drain);
    }
}

bool xen_pv_iommu_drain_empty(const XenPvIommuDrain *drain)
{
    return !drain->by_age.length;
}

/* Runs in which each gfn has the same distance from its BFN are one family. */
static uint64_t distance(const XenPvIommuRun *run)
{
    return run->bfn - run->gfn;
}

static int compare(gconstpointer a, gconstpointer b, gpointer opaque)
{
    const XenPvIommuRun *left = &((const Waiting *)a)->run;
    const XenPvIommuRun *right = &((const Waiting *)b)->run;

    (void)opaque;
    if (distance(left) != distance(right)) {
        return distance(left) < distance(right) ? -1 : 1;
    }
    return left->bfn < right->bfn ? -1 : left->bfn > right->bfn;
}

static Waiting *waiting_at(GSequenceIter *iter)
{
    return g_sequence_iter_is_end(iter) ? NULL : g_sequence_get(iter);
}

/*
 * Where a run belongs: behind what begins at its first page or before.  The
 * neighbour in front is returned, or NULL.
 */
static Waiting *find(const XenPvIommuDrain *drain, const XenPvIommuRun *run,
                     GSequenceIter **iter)
{
    Waiting key = { .run = *run };

    *iter = g_sequence_search(drain->by_frame, &key, compare, NULL);
    return g_sequence_iter_is_begin(*iter)
           ? NULL : g_sequence_get(g_sequence_iter_prev(*iter));
}

/* Does @run go on where @waiting, which is still the same, ends? */
static bool continues(const Waiting *waiting, const XenPvIommuRun *run)
{
    return distance(&waiting->run) == distance(run) &&
           waiting->run.bfn + waiting->run.pages == run->bfn &&
           !waiting->told && waiting->deadline_ms == NO_DEADLINE;
}

void xen_pv_iommu_drain_add(XenPvIommuDrain *drain, const XenPvIommuRun *run)
{
    GSequenceIter *iter;
    Waiting *waiting = find(drain, run, &iter);

    if (waiting && continues(waiting, run)) {
        waiting->run.pages += run->pages;
        return;
    }
    waiting = g_new(Waiting, 1);
    *waiting = (Waiting){ .run = *run, .deadline_ms = NO_DEADLINE };
    waiting->place = g_sequence_insert_before(iter, waiting);
    g_queue_push_tail(&drain->by_age, waiting);
    waiting->link = drain->by_age.tail;
    if (!drain->untold) {
        drain->untold = waiting->link;
    }
}

static void forget(XenPvIommuDrain *drain, Waiting *waiting)
{
    if (drain->untold == waiting->link) {
        drain->untold = waiting->link->next;
    }
    g_queue_delete_link(&drain->by_age, waiting->link);
    g_sequence_remove(waiting->place);
}

/* Divide: the pages from @pages on get a Waiting of their own. */
static void split(XenPvIommuDrain *drain, Waiting *waiting, uint64_t pages)
{
    Waiting *rest = g_new(Waiting, 1);

    *rest = *waiting;
    rest->run.bfn += pages;
    rest->run.gfn += pages;
    rest->run.pages -= pages;
    waiting->run.pages = pages;
    rest->place = g_sequence_insert_before(
        g_sequence_iter_next(waiting->place), rest);
    g_queue_insert_after(&drain->by_age, waiting->link, rest);
    rest->link = waiting->link->next;
}

void xen_pv_iommu_drain_remove(XenPvIommuDrain *drain,
                               const XenPvIommuRun *run)
{
    uint64_t end = run->bfn + run->pages;
    GSequenceIter *iter;
    Waiting *waiting = find(drain, run, &iter);

    if (!waiting || distance(&waiting->run) != distance(run) ||
        waiting->run.bfn + waiting->run.pages <= run->bfn) {
        waiting = waiting_at(iter);
    } else if (waiting->run.bfn < run->bfn) {
        split(drain, waiting, run->bfn - waiting->run.bfn);
        waiting = g_sequence_get(g_sequence_iter_next(waiting->place));
    }
    while (waiting && distance(&waiting->run) == distance(run) &&
           waiting->run.bfn < end) {
        Waiting *next;

        if (waiting->run.pages > end - waiting->run.bfn) {
            split(drain, waiting, end - waiting->run.bfn);
        }
        next = waiting_at(g_sequence_iter_next(waiting->place));
        forget(drain, waiting);
        waiting = next;
    }
}

void xen_pv_iommu_drain_start(XenPvIommuDrain *drain, int64_t deadline_ms)
{
    GList *link = drain->by_age.tail;

    while (link && ((Waiting *)link->data)->deadline_ms == NO_DEADLINE) {
        link = link->prev;
    }
    /* The order by age stays one by deadline, even if a clock went back. */
    if (link) {
        deadline_ms = MAX(deadline_ms, ((Waiting *)link->data)->deadline_ms);
    }
    link = link ? link->next : drain->by_age.head;
    for (; link; link = link->next) {
        ((Waiting *)link->data)->deadline_ms = deadline_ms;
    }
}

bool xen_pv_iommu_drain_tell(XenPvIommuDrain *drain, XenPvIommuRun *run)
{
    Waiting *waiting;

    if (!drain->untold) {
        return false;
    }
    waiting = drain->untold->data;
    waiting->told = true;
    drain->untold = drain->untold->next;
    *run = waiting->run;
    return true;
}

int64_t xen_pv_iommu_drain_deadline(const XenPvIommuDrain *drain)
{
    const Waiting *first = drain->by_age.head ? drain->by_age.head->data
                                              : NULL;

    if (!first) {
        return INT64_MAX;
    }
    return first->deadline_ms == NO_DEADLINE ? 0 : first->deadline_ms;
}

bool xen_pv_iommu_drain_overdue(XenPvIommuDrain *drain, int64_t now_ms,
                                XenPvIommuRun *run)
{
    Waiting *first = drain->by_age.head ? drain->by_age.head->data : NULL;

    if (!first || first->deadline_ms == NO_DEADLINE ||
        first->deadline_ms > now_ms) {
        return false;
    }
    *run = first->run;
    forget(drain, first);
    return true;
}
