/*
 * What the host can give
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_HOST_MEMORY_H
#define TOOLSTACK_HOST_MEMORY_H

#include "decide.h"
#include "host.h"
#include "population.h"

/**
 * host_memory_read: what the host has free, and what of it is not to be given
 * @host: the hypervisor
 * @population: the domains, whose promises that are kept are forgotten
 * @asker: the domain for which it is asked, as it was just found
 * @reserve_kib: the policy's reserve
 * @memory: filled in; nothing is free in it on failure
 *
 * The domains are listed only if something is promised to another than @asker.
 *
 * Returns: false with errno if the hypervisor does not say
 */
bool host_memory_read(Host *host, const Population *population,
                      const HostDomain *asker, uint64_t reserve_kib,
                      HostMemory *memory);

#endif /* TOOLSTACK_HOST_MEMORY_H */
