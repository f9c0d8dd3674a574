/*
 * What the host can give
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "host-memory.h"

/* How many domains are fetched from the hypervisor at a time. */
#define DOMAINS_AT_ONCE 64

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
    HostDomain found[DOMAINS_AT_ONCE];
    uint32_t first = 0;
    int n;

    while ((n = host_domains(host, first, found, DOMAINS_AT_ONCE)) > 0) {
        for (int i = 0; i < n; i++) {
            if (found[i].domid != asker->domid) {
                *pages += promised_pages(population, &found[i]);
            }
        }
        first = found[n - 1].domid + 1;
    }
    return n == 0;
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
