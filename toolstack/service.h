/*
 * The service: from a watch event to an answer
 *
 * Concepts
 * - Events only mark what is to be done; service_run() does it.
 * - Nothing here waits.  What cannot be done now is due later, and
 *   service_run() says when.
 * - The answer comes first; what can wait (settled records, published caps)
 *   is done afterwards, as chores.
 * - All I/O goes through a store and a host, so the unit tests can be both.
 *
 * Times are microseconds of one monotonic clock.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_SERVICE_H
#define TOOLSTACK_SERVICE_H

#include "host.h"
#include "policy.h"
#include "store.h"

/* A time that does not come. */
#define SERVICE_NEVER INT64_MAX

typedef struct Service Service;

/**
 * service_new: a service that does nothing yet
 * @store: xenstore; must outlive the service
 * @host: the hypervisor; must outlive the service
 * @policy: the policy; becomes the service's
 *
 * Returns: a service, to be freed with service_free()
 */
Service *service_new(Store *store, Host *host, Policy *policy);

/**
 * service_free: forget everything; changes nothing outside
 * @service: the service, or NULL
 */
void service_free(Service *service);

/**
 * service_start: recover what an earlier process has left, and announce
 * @service: the service
 * @now: the time
 *
 * Returns: false, with a line in the log, if xenstore or the hypervisor
 * cannot be used
 */
bool service_start(Service *service, int64_t now);

/**
 * service_stop: withdraw the announcement and finish the chores
 * @service: the service
 */
void service_stop(Service *service);

/**
 * service_event: a watch has fired
 * @service: the service
 * @path: the path that has changed
 * @now: the time
 *
 * To be followed by service_run(), perhaps after other events.
 */
void service_event(Service *service, const char *path, int64_t now);

/**
 * service_run: do what is due
 * @service: the service
 * @now: the time
 *
 * Returns: when to call it again, or SERVICE_NEVER
 */
int64_t service_run(Service *service, int64_t now);

/**
 * service_set_policy: from now on, decide by another policy
 * @service: the service
 * @policy: the policy; becomes the service's
 *
 * Grants that are above a new cap stay.
 */
void service_set_policy(Service *service, Policy *policy);

/**
 * service_domains: how many domains are known, domain 0 included
 * @service: the service
 */
unsigned service_domains(const Service *service);

#endif /* TOOLSTACK_SERVICE_H */
