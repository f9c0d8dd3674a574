/*
 * The domains that there are
 *
 * Concepts
 * - Follows the hypervisor's list: domains arrive and depart.
 * - Of each domain four places are watched: the request that a device model in
 *   domain 0 writes for it, the directory of the device models that run in it,
 *   and the two sizes that libxl writes.  Not the whole of domain 0's
 *   directory: every answer would wake us.
 * - What a departed domain leaves in xenstore is swept away, and once more
 *   some time later, for its device model may outlive it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_POPULATION_H
#define TOOLSTACK_POPULATION_H

#include "domain.h"

/* The first sweep after a departure, and the last; each waits twice as long. */
#define POPULATION_FIRST_SWEEP_US (1 * G_USEC_PER_SEC)
#define POPULATION_LAST_SWEEP_US  (32 * G_USEC_PER_SEC)

/* A time that does not come. */
#define POPULATION_NEVER INT64_MAX

typedef struct Population Population;

/**
 * PopulationArrived: called for each domain that arrives
 * @domain: the domain, already part of the population
 * @now: the time
 * @opaque: as given to population_new()
 */
typedef void PopulationArrived(Domain *domain, int64_t now, void *opaque);

/**
 * population_new: a population without domains
 * @store: xenstore
 * @host: the hypervisor
 * @arrived: told of domains
 * @opaque: for @arrived
 *
 * Returns: a population, to be freed with population_free()
 */
Population *population_new(Store *store, Host *host,
                           PopulationArrived *arrived, void *opaque);

/**
 * population_free: forget all domains; changes nothing outside
 * @population: the population, or NULL
 */
void population_free(Population *population);

/**
 * population_update: follow the hypervisor
 * @population: the population
 * @now: the time
 *
 * Domains of the first update may have been granted something by an earlier
 * process; those of later ones are new.
 *
 * Returns: false with errno if the hypervisor cannot be asked
 */
bool population_update(Population *population, int64_t now);

/**
 * population_find: a domain that is known
 * @population: the population
 * @domid: the domain
 *
 * Returns: the domain, or NULL
 */
Domain *population_find(const Population *population, uint32_t domid);

/**
 * population_expect: a domain that should be there
 * @population: the population
 * @domid: the domain
 * @now: the time
 *
 * Asks the hypervisor if the domain is not known.
 *
 * Returns: the domain, or NULL
 */
Domain *population_expect(Population *population, uint32_t domid,
                          int64_t now);

/**
 * population_iterate: visit all domains; none may arrive meanwhile
 * @population: the population
 * @iter: as of GLib; its values are Domain
 */
void population_iterate(const Population *population, GHashTableIter *iter);

/**
 * population_count: how many domains are known
 * @population: the population
 */
unsigned population_count(const Population *population);

/**
 * population_sweep_all: sweep away what is left of domains long gone
 * @population: the population, up to date
 */
void population_sweep_all(Population *population);

/**
 * population_sweep_due: sweep once more where it is due
 * @population: the population, up to date
 * @now: the time
 *
 * Returns: when to call it again, or POPULATION_NEVER
 */
int64_t population_sweep_due(Population *population, int64_t now);

#endif /* TOOLSTACK_POPULATION_H */
