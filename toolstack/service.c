/*
 * The service: from a watch event to an answer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "announce.h"
#include "asker.h"
#include "decide.h"
#include "decision-log.h"
#include "incoming.h"
#include "path.h"
#include "population.h"
#include "serve.h"
#include "service.h"

/* How often a domain is told that it may not ask. */
static const RateLimit stranger_limit = { .per_second = 1, .burst = 10 };

/* How soon to ask for the domains again when that has failed. */
#define DOMAINS_RETRY_US G_USEC_PER_SEC

struct Service {
    Store *store;
    Host *host;
    Policy *policy;
    Population *population;
    bool domains_changed;
    int64_t domains_due;    /* when to look, if they have changed */
};

static ServeContext serve_context(const Service *service)
{
    return (ServeContext) {
        .store = service->store,
        .host = service->host,
        .policy = service->policy,
        .population = service->population,
    };
}

/* Who may ask */

static bool may_ask(const Service *service, uint32_t dm, Domain *guest)
{
    return domain_identify(guest, service->store) && guest->hvm &&
           asker_may_ask(service->store, dm, guest->domid);
}

static void refuse_stranger(Service *service, Domain *from, uint32_t domid)
{
    g_autofree char *request_path =
        path_memory_node(from->domid, domid, DEVICE_MEMORY_NODE_REQUEST);
    g_autofree char *answer_path =
        path_memory_node(from->domid, domid, DEVICE_MEMORY_NODE_ANSWER);
    g_autofree char *request = store_read(service->store, request_path);
    g_autofree char *value = NULL;
    Circumstances nothing = { 0 };
    DeviceMemoryAnswer answer;

    if (!request) {
        return;
    }
    answer = decide_refusal(request, &nothing,
                            DEVICE_MEMORY_REASON_NOT_ALLOWED);
    value = device_memory_answer_format(&answer);
    if (!store_write(service->store, answer_path, value)) {
        g_warning("cannot write %s: %s", answer_path, g_strerror(errno));
    }
    decision_log_stranger(from, domid, request);
}

/* Requests */

static void request_is_pending(Domain *guest, int64_t now)
{
    if (!guest->pending) {
        guest->pending = true;
        guest->due = now;
    }
}

/*
 * A domain has arrived: learn now what its first request will need, recover
 * its grant, and look for a request that was written while nobody served.
 */
static void domain_arrived(Domain *domain, int64_t now, void *opaque)
{
    Service *service = opaque;
    ServeContext context = serve_context(service);

    domain_cap(domain, service->store, service->policy);
    if (domain->domid && domain->identified && domain->hvm) {
        domain_set_asker(domain, asker_find(service->store, domain->domid));
        domain_read_answered(domain, service->store);
        request_is_pending(domain, now);
    }
    if (domain->domid && (!domain->identified || domain->hvm)) {
        incoming_begin(&context, domain, now);
    }
}

/* Another domain than the guest's known asker has written a request. */
static void first_request(Service *service, Domain *from, uint32_t domid,
                          Domain *guest, int64_t now)
{
    /* What follows costs us; domain 0 is trusted not to overdo it. */
    if (from->domid && !rate_take(&from->strangers, stranger_limit, now)) {
        from->passed_over++;
    } else if (guest && may_ask(service, from->domid, guest)) {
        domain_set_asker(guest, from->domid);
        request_is_pending(guest, now);
    } else {
        refuse_stranger(service, from, domid);
    }
}

static void request_event(Service *service, uint32_t dm, uint32_t domid,
                          int64_t now)
{
    Domain *guest = population_expect(service->population, domid, now);
    Domain *from = population_find(service->population, dm);

    if (guest && guest->asker_known && guest->asker == dm) {
        request_is_pending(guest, now);
    } else if (from && (guest || dm)) {
        first_request(service, from, domid, guest, now);
    }
}

/* A watch was set, or the directory was made anew: look at what is there. */
static void device_models_event(Service *service, uint32_t dm, int64_t now)
{
    g_autofree char *path = path_domain_node(dm, "target");
    g_autofree char *target = store_read(service->store, path);
    uint32_t domid;

    if (target && path_domid(target, &domid)) {
        request_event(service, dm, domid, now);
    }
}

/* libxl has written a size, so it has perhaps set the limit. */
static void size_event(Service *service, uint32_t domid, int64_t now)
{
    Domain *guest = population_find(service->population, domid);

    if (guest) {
        incoming_size_event(guest, now);
    }
    if (guest && guest->asker_known) {
        guest->size_changed = true;
        request_is_pending(guest, now);
    }
}

static void domains_have_changed(Service *service, int64_t now)
{
    service->domains_changed = true;
    service->domains_due = now;
}

void service_event(Service *service, const char *path, int64_t now)
{
    uint32_t dm, domid;

    switch (path_classify(path, &dm, &domid)) {
    case PATH_DOMAINS:
        domains_have_changed(service, now);
        break;
    case PATH_REQUEST:
        request_event(service, dm, domid, now);
        break;
    case PATH_DEVICE_MODELS:
        device_models_event(service, dm, now);
        break;
    case PATH_SIZE:
        size_event(service, domid, now);
        break;
    case PATH_OTHER:
        break;
    }
}

/* Doing what is due */

static int64_t run_domain(Service *service, Domain *domain, int64_t now)
{
    ServeContext context = serve_context(service);
    int64_t next = SERVICE_NEVER;

    /* After a restart the last answer alone says that a grant was asked for. */
    if (domain->pending && domain->incoming.state == INCOMING_DECLARED) {
        domain->incoming.due = now;
        incoming_run(&context, domain, now);
    }
    if (domain->pending && domain->due <= now &&
        !serve(&context, domain, now)) {
        domains_have_changed(service, now);
        return next;
    }
    if (domain->incoming.due && domain->incoming.due <= now &&
        !incoming_run(&context, domain, now)) {
        domains_have_changed(service, now);
        return next;
    }
    if (domain->chores_due && domain->chores_due <= now) {
        serve_chores(&context, domain, now);
    }
    if (domain->pending) {
        next = domain->due;
    }
    if (domain->chores_due) {
        next = MIN(next, domain->chores_due);
    }
    if (domain->incoming.due) {
        next = MIN(next, domain->incoming.due);
    }
    return next;
}

static int64_t run_domains(Service *service, int64_t now)
{
    GHashTableIter iter;
    gpointer value;
    int64_t next = SERVICE_NEVER;

    population_iterate(service->population, &iter);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        next = MIN(next, run_domain(service, value, now));
    }
    return next;
}

static bool update_domains(Service *service, int64_t now)
{
    service->domains_changed = false;
    if (!population_update(service->population, now)) {
        g_critical("cannot list the domains: %s", g_strerror(errno));
        service->domains_changed = true;
        return false;
    }
    return true;
}

int64_t service_run(Service *service, int64_t now)
{
    int64_t next = run_domains(service, now);

    if (service->domains_changed && service->domains_due <= now) {
        update_domains(service, now);
        next = run_domains(service, now);
        service->domains_due = now + DOMAINS_RETRY_US;
    }
    if (service->domains_changed) {
        next = MIN(next, service->domains_due);
    }
    return MIN(next, population_sweep_due(service->population, now));
}

/* Starting and stopping */

static bool watch_domains(Service *service)
{
    if (store_watch(service->store, PATH_VM) &&
        store_watch(service->store, PATH_INTRODUCE) &&
        store_watch(service->store, PATH_RELEASE)) {
        return true;
    }
    g_critical("cannot watch for domains: %s", g_strerror(errno));
    return false;
}

bool service_start(Service *service, int64_t now)
{
    /* Watch first: what changes while we look is then seen. */
    if (!watch_domains(service) || !update_domains(service, now)) {
        return false;
    }
    population_sweep_all(service->population);
    service_run(service, now);
    if (!announce(service->store)) {
        g_critical("cannot write %s: %s", PATH_ANNOUNCEMENT,
                   g_strerror(errno));
        return false;
    }
    return true;
}

void service_stop(Service *service)
{
    ServeContext context = serve_context(service);
    GHashTableIter iter;
    gpointer value;

    if (!announce_withdraw(service->store)) {
        g_critical("cannot remove %s: %s", PATH_ANNOUNCEMENT,
                   g_strerror(errno));
    }
    population_iterate(service->population, &iter);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Domain *domain = value;

        if (domain->chores_due) {
            serve_chores(&context, domain, 0);
        }
    }
}

Service *service_new(Store *store, Host *host, Policy *policy)
{
    Service *service = g_new0(Service, 1);

    service->store = store;
    service->host = host;
    service->policy = policy;
    service->population = population_new(store, host, domain_arrived,
                                         service);
    return service;
}

void service_free(Service *service)
{
    if (service) {
        population_free(service->population);
        policy_free(service->policy);
        g_free(service);
    }
}

void service_set_policy(Service *service, Policy *policy)
{
    GHashTableIter iter;
    gpointer value;

    policy_free(service->policy);
    service->policy = policy;
    population_iterate(service->population, &iter);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        domain_forget_cap(value);
    }
}

unsigned service_domains(const Service *service)
{
    return population_count(service->population);
}
