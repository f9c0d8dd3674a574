/*
 * What the host can give
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "host-memory.h"

static bool is_being_built(const Domain *domain)
{
    return domain->incoming.state == INCOMING_BUILDING ||
           domain->incoming.state == INCOMING_RAISED;
}

static bool others_have_promises(const Population *population,
                                 const HostDomain *asker)
{
    GHashTableIter iter;
    gpointer value;

    population_iterate(population, &iter);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Domain *domain = value;

        if (domain->domid != asker->domid &&
            (domain->promise.until_pages || is_being_built(domain))) {
            return true;
        }
    }
    return false;
}

static uint64_t promised_pages(const Population *population,
                               const HostDomain *found)
{
    Domain *domain = population_find(population, found->domid);

    if (!domain || found->dying || strcmp(domain->uuid, found->uuid)) {
        return 0;
    }
    if (is_being_built(domain)) {
        return found->limit_pages - MIN(found->limit_pages,
                                        found->used_pages);
    }
    return promise_pages(&domain->promise, found->limit_pages,
                         found->used_pages, grant_kib(&domain->grant));
}

static bool promised_to_others(Host *host, const Population *population,
                               const HostDomain *asker, uint64_t *pages)
{
    g_autoptr(GArray) all = host_all_domains(host);

    for (unsigned i = 0; all && i < all->len; i++) {
        const HostDomain *found = &g_array_index(all, HostDomain, i);

        if (found->domid != asker->domid) {
            *pages += promised_pages(population, found);
        }
    }
    return all != NULL;
}

bool host_memory_read(Host *host, const Population *population,
                      const HostDomain *asker, uint64_t reserve_kib,
                      HostMemory *memory)
{
    uint64_t pages = promised_pages(population, asker);

    *memory = (HostMemory) { .reserve_kib = reserve_kib };
    if (others_have_promises(population, asker) &&
        !promised_to_others(host, population, asker, &pages)) {
        return false;
    }
    memory->promised_kib = pages * DEVICE_MEMORY_PAGE_KIB;
    /* Last: what is taken in between is counted twice, and not not at all. */
    return host_free_kib(host, &memory->free_kib);
}
