/*
 * The domains that there are
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "guest-size.h"
#include "path.h"
#include "population.h"
#include "sweep.h"

/* Where a domain that has departed may still leave something. */
typedef struct Grave {
    uint32_t domid;
    uint32_t dm;            /* where its device model ran */
    int64_t due;
    int64_t delay;
} Grave;

struct Population {
    Store *store;
    Host *host;
    PopulationArrived *arrived;
    void *opaque;
    bool settled;           /* the first update is over */
    GHashTable *domains;    /* domid -> Domain */
    GArray *graves;
};

Population *population_new(Store *store, Host *host,
                           PopulationArrived *arrived, void *opaque)
{
    Population *population = g_new0(Population, 1);

    population->store = store;
    population->host = host;
    population->arrived = arrived;
    population->opaque = opaque;
    population->domains =
        g_hash_table_new_full(NULL, NULL, NULL,
                              (GDestroyNotify)domain_free);
    population->graves = g_array_new(FALSE, FALSE, sizeof(Grave));
    return population;
}

void population_free(Population *population)
{
    if (population) {
        g_hash_table_unref(population->domains);
        g_array_unref(population->graves);
        g_free(population);
    }
}

Domain *population_find(const Population *population, uint32_t domid)
{
    return g_hash_table_lookup(population->domains, GUINT_TO_POINTER(domid));
}

void population_iterate(const Population *population, GHashTableIter *iter)
{
    g_hash_table_iter_init(iter, population->domains);
}

unsigned population_count(const Population *population)
{
    return g_hash_table_size(population->domains);
}

/* Arrivals */

static void watch(Population *population, const char *path)
{
    if (!store_watch(population->store, path)) {
        g_critical("cannot watch %s: %s", path, g_strerror(errno));
    }
}

/* What is watched of a domain: as few nodes as will do. */
static GPtrArray *watched_paths(uint32_t domid)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(paths, path_memory_node(0, domid,
                                            DEVICE_MEMORY_NODE_REQUEST));
    if (domid) {
        g_ptr_array_add(paths, path_device_models(domid));
        g_ptr_array_add(paths, path_domain_node(domid,
                                                GUEST_SIZE_NODE_TARGET));
        g_ptr_array_add(paths, path_domain_node(domid,
                                                GUEST_SIZE_NODE_STATIC_MAX));
    }
    return paths;
}

static void watch_domain(Population *population, uint32_t domid)
{
    g_autoptr(GPtrArray) paths = watched_paths(domid);

    for (unsigned i = 0; i < paths->len; i++) {
        watch(population, paths->pdata[i]);
    }
}

static void unwatch_domain(Population *population, uint32_t domid)
{
    g_autoptr(GPtrArray) paths = watched_paths(domid);

    for (unsigned i = 0; i < paths->len; i++) {
        store_unwatch(population->store, paths->pdata[i]);
    }
}

static Domain *add_domain(Population *population, const HostDomain *found,
                          int64_t now)
{
    Domain *domain = domain_new(found, population->settled);

    g_hash_table_insert(population->domains, GUINT_TO_POINTER(found->domid),
                        domain);
    watch_domain(population, found->domid);
    population->arrived(domain, now, population->opaque);
    return domain;
}

Domain *population_expect(Population *population, uint32_t domid,
                          int64_t now)
{
    Domain *domain = population_find(population, domid);
    HostDomain found;

    if (!domain && host_domain(population->host, domid, &found) &&
        !found.dying) {
        domain = add_domain(population, &found, now);
    }
    return domain;
}

/* Departures */

static void dig(Population *population, uint32_t domid, uint32_t dm,
                int64_t now)
{
    Grave grave = {
        .domid = domid,
        .dm = dm,
        .due = now + POPULATION_FIRST_SWEEP_US,
        .delay = POPULATION_FIRST_SWEEP_US,
    };

    g_array_append_val(population->graves, grave);
}

/* A domain in which device models may have run is gone. */
static void forget_asker(Population *population, uint32_t dm)
{
    GHashTableIter iter;
    gpointer value;

    population_iterate(population, &iter);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Domain *guest = value;

        if (guest->asker_known && guest->asker == dm) {
            guest->asker_known = false;
            guest->pending = guest->pending && !guest->grant.known;
        }
    }
}

/* @replaced: another domain has its domid already, and its nodes */
static void drop_domain(Population *population, Domain *domain, bool replaced,
                        int64_t now)
{
    uint32_t domid = domain->domid;
    uint32_t dm = domain->asker_known ? domain->asker : 0;

    unwatch_domain(population, domid);
    g_hash_table_remove(population->domains, GUINT_TO_POINTER(domid));
    if (!replaced) {
        sweep_record(population->store, domid);
        sweep_memory(population->store, dm, domid);
        sweep_device_models(population->store, domid);
        dig(population, domid, dm, now);
    }
    forget_asker(population, domid);
}

int64_t population_sweep_due(Population *population, int64_t now)
{
    int64_t next = POPULATION_NEVER;

    for (unsigned i = population->graves->len; i-- > 0; ) {
        Grave *grave = &g_array_index(population->graves, Grave, i);

        if (grave->due > now) {
            next = MIN(next, grave->due);
            continue;
        }
        if (!population_find(population, grave->domid)) {
            sweep_memory(population->store, grave->dm, grave->domid);
            sweep_record(population->store, grave->domid);
            grave->delay *= 2;
            grave->due = now + grave->delay;
            if (grave->delay <= POPULATION_LAST_SWEEP_US) {
                next = MIN(next, grave->due);
                continue;
            }
        }
        g_array_remove_index_fast(population->graves, i);
    }
    return next;
}

static void sweep_below(Population *population, const char *directory)
{
    g_auto(GStrv) names = store_list(population->store, directory);

    for (size_t i = 0; names && names[i]; i++) {
        uint32_t domid;

        if (path_domid(names[i], &domid) &&
            !population_find(population, domid)) {
            sweep_record(population->store, domid);
            sweep_memory(population->store, 0, domid);
        }
    }
}

void population_sweep_all(Population *population)
{
    g_autofree char *device_models = path_device_models(0);

    sweep_below(population, PATH_LIBXL);
    sweep_below(population, device_models);
}

/* Following the hypervisor */

/* Returns: domid -> HostDomain of all that are not dying, or NULL */
static GHashTable *live_domains(const Population *population)
{
    g_autoptr(GArray) all = host_all_domains(population->host);
    GHashTable *live;

    if (!all) {
        return NULL;
    }
    live = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    for (unsigned i = 0; i < all->len; i++) {
        const HostDomain *found = &g_array_index(all, HostDomain, i);

        if (!found->dying) {
            g_hash_table_insert(live, GUINT_TO_POINTER(found->domid),
                                g_memdup2(found, sizeof(*found)));
        }
    }
    return live;
}

static void drop_dead(Population *population, GHashTable *live, int64_t now)
{
    g_autoptr(GList) known = g_hash_table_get_values(population->domains);

    for (GList *item = known; item; item = item->next) {
        Domain *domain = item->data;
        const HostDomain *found =
            g_hash_table_lookup(live, GUINT_TO_POINTER(domain->domid));

        if (!found || strcmp(found->uuid, domain->uuid)) {
            drop_domain(population, domain, found != NULL, now);
        }
    }
}

static void add_new(Population *population, GHashTable *live, int64_t now)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, live);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const HostDomain *found = value;

        if (!population_find(population, found->domid)) {
            add_domain(population, found, now);
        }
    }
}

bool population_update(Population *population, int64_t now)
{
    g_autoptr(GHashTable) live = live_domains(population);

    if (!live) {
        return false;
    }
    drop_dead(population, live, now);
    add_new(population, live, now);
    population->settled = true;
    return true;
}
