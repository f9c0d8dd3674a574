/*
 * The service: from a watch event to an answer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "announce.h"
#include "decide.h"
#include "decision-log.h"
#include "path.h"
#include "serve.h"
#include "service.h"
#include "sweep.h"

/* How many domains are fetched from the hypervisor at a time. */
#define DOMAINS_AT_ONCE 64

/* How often a domain is told that it may not ask. */
static const RateLimit stranger_limit = { .per_second = 1, .burst = 10 };

struct Service {
    Store *store;
    Host *host;
    Policy *policy;
    GHashTable *domains;        /* domid -> Domain */
    bool started;
    bool domains_changed;
};

static ServeContext serve_context(const Service *service)
{
    return (ServeContext) {
        .store = service->store,
        .host = service->host,
        .policy = service->policy,
    };
}

/* Domains: coming, going */

static Domain *find_domain(const Service *service, uint32_t domid)
{
    return g_hash_table_lookup(service->domains, GUINT_TO_POINTER(domid));
}

static bool watch_or_complain(Service *service, const char *path)
{
    if (store_watch(service->store, path)) {
        return true;
    }
    g_critical("cannot watch %s: %s", path, g_strerror(errno));
    return false;
}

static Domain *add_domain(Service *service, const HostDomain *found)
{
    Domain *domain = domain_new(found, service->started);
    g_autofree char *path = path_device_models(found->domid);

    g_hash_table_insert(service->domains, GUINT_TO_POINTER(found->domid),
                        domain);
    watch_or_complain(service, path);
    /* Now, so that its first request does not wait for it. */
    domain_cap(domain, service->store, service->policy);
    return domain;
}

/* A domain in which device models may have run is gone. */
static void forget_asker(Service *service, uint32_t dm, bool replaced)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, service->domains);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Domain *guest = value;

        if (guest->asker_known && guest->asker == dm) {
            guest->asker_known = false;
            guest->pending = guest->pending && !guest->grant.known;
            if (!replaced) {
                sweep_memory(service->store, dm, guest->domid);
            }
        }
    }
    if (!replaced) {
        sweep_device_models(service->store, dm);
    }
}

/* @replaced: another domain has its domid already, and its nodes */
static void drop_domain(Service *service, Domain *domain, bool replaced)
{
    g_autofree char *path = path_device_models(domain->domid);
    uint32_t domid = domain->domid;

    store_unwatch(service->store, path);
    if (!replaced) {
        sweep_record(service->store, domid);
        sweep_memory(service->store, 0, domid);
        if (domain->asker_known && domain->asker) {
            sweep_memory(service->store, domain->asker, domid);
        }
    }
    g_hash_table_remove(service->domains, GUINT_TO_POINTER(domid));
    forget_asker(service, domid, replaced);
}

/* Returns: domid -> HostDomain of all that are not dying, or NULL */
static GHashTable *live_domains(const Service *service)
{
    g_autoptr(GHashTable) live = g_hash_table_new_full(NULL, NULL, NULL,
                                                       g_free);
    HostDomain found[DOMAINS_AT_ONCE];
    uint32_t first = 0;
    int n;

    while ((n = host_domains(service->host, first, found,
                             DOMAINS_AT_ONCE)) > 0) {
        for (int i = 0; i < n; i++) {
            if (!found[i].dying) {
                g_hash_table_insert(live, GUINT_TO_POINTER(found[i].domid),
                                    g_memdup2(&found[i], sizeof(found[i])));
            }
        }
        first = found[n - 1].domid + 1;
    }
    if (n < 0) {
        g_critical("cannot list domains: %s", g_strerror(errno));
        return NULL;
    }
    return g_steal_pointer(&live);
}

static void drop_dead(Service *service, GHashTable *live)
{
    g_autoptr(GList) known = g_hash_table_get_values(service->domains);

    for (GList *item = known; item; item = item->next) {
        Domain *domain = item->data;
        const HostDomain *found =
            g_hash_table_lookup(live, GUINT_TO_POINTER(domain->domid));

        if (!found || strcmp(found->uuid, domain->uuid)) {
            drop_domain(service, domain, found != NULL);
        }
    }
}

/* Who may ask, and what is to be answered */

static char *read_domain_node(const Service *service, uint32_t domid,
                              const char *node)
{
    g_autofree char *path = path_domain_node(domid, node);

    return store_read(service->store, path);
}

static bool may_ask(Service *service, uint32_t dm, Domain *guest)
{
    g_autofree char *device_model_domid = NULL;
    g_autofree char *target = NULL;

    if (!domain_identify(guest, service->store) || !guest->hvm) {
        return false;
    }
    if (dm) {
        device_model_domid = read_domain_node(service, guest->domid,
                                              "image/device-model-domid");
        target = read_domain_node(service, dm, "target");
    }
    return decide_may_ask(dm, guest->domid, device_model_domid, target);
}

static void request_is_pending(Domain *guest, int64_t now)
{
    if (!guest->pending) {
        guest->pending = true;
        guest->due = now;
    }
}

/* Recover, and look for a request that was written while nobody served. */
static void resume_guest(Service *service, Domain *guest, int64_t now)
{
    g_autofree char *stub = NULL;
    uint32_t dm;

    if (!domain_identify(guest, service->store) || !guest->hvm) {
        return;
    }
    stub = read_domain_node(service, guest->domid,
                            "image/device-model-domid");
    if (!stub || !path_domid(stub, &dm) || !may_ask(service, dm, guest)) {
        dm = 0;
    }
    domain_set_asker(guest, dm);
    domain_read_answered(guest, service->store);
    request_is_pending(guest, now);
}

static void add_new(Service *service, GHashTable *live, int64_t now)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, live);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const HostDomain *found = value;

        if (!find_domain(service, found->domid)) {
            resume_guest(service, add_domain(service, found), now);
        }
    }
}

static bool update_domains(Service *service, int64_t now)
{
    g_autoptr(GHashTable) live = live_domains(service);

    service->domains_changed = false;
    if (!live) {
        return false;
    }
    drop_dead(service, live);
    add_new(service, live, now);
    return true;
}

/* Requests */

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

/* @gone: set to whether there certainly is no such domain */
static Domain *find_guest(Service *service, uint32_t domid, bool *gone)
{
    Domain *guest = find_domain(service, domid);
    HostDomain found;

    *gone = false;
    if (guest) {
        return guest;
    }
    if (!host_domain(service->host, domid, &found)) {
        *gone = errno == ESRCH;
        return NULL;
    }
    *gone = found.dying;
    /* It has come, and we have not been told yet. */
    return found.dying ? NULL : add_domain(service, &found);
}

/* Another domain than the guest's known asker has written a request. */
static void first_request(Service *service, Domain *from, uint32_t domid,
                          Domain *guest, int64_t now)
{
    uint32_t dm = from->domid;

    /* What follows costs us; domain 0 is trusted not to overdo it. */
    if (dm && !rate_take(&from->strangers, stranger_limit, now)) {
        from->passed_over++;
    } else if (guest && may_ask(service, dm, guest)) {
        domain_set_asker(guest, dm);
        request_is_pending(guest, now);
    } else {
        refuse_stranger(service, from, domid);
    }
}

static void request_event(Service *service, uint32_t dm, uint32_t domid,
                          int64_t now)
{
    bool gone;
    Domain *guest = find_guest(service, domid, &gone);
    Domain *from = find_domain(service, dm);

    if (guest && guest->asker_known && guest->asker == dm) {
        request_is_pending(guest, now);
    } else if (gone && !dm) {
        /* Its device model has outlived it. */
        sweep_memory(service->store, dm, domid);
    } else if (from) {
        first_request(service, from, domid, guest, now);
    }
}

/* A watch was set, or the directory was made anew: look at what is there. */
static void device_models_event(Service *service, uint32_t dm, int64_t now)
{
    g_autofree char *target = NULL;
    uint32_t domid;

    if (dm) {
        target = read_domain_node(service, dm, "target");
        if (target && path_domid(target, &domid)) {
            request_event(service, dm, domid, now);
        }
    }
}

void service_event(Service *service, const char *path, int64_t now)
{
    uint32_t dm, domid;

    if (!strcmp(path, PATH_INTRODUCE) || !strcmp(path, PATH_RELEASE)) {
        service->domains_changed = true;
        return;
    }
    switch (path_classify(path, &dm, &domid)) {
    case PATH_REQUEST:
        request_event(service, dm, domid, now);
        break;
    case PATH_DEVICE_MODELS:
        device_models_event(service, dm, now);
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

    if (domain->pending && domain->due <= now &&
        !serve(&context, domain, now)) {
        service->domains_changed = true;
        return next;
    }
    if (domain->chores_due && domain->chores_due <= now) {
        serve_chores(&context, domain);
    }
    if (domain->pending) {
        next = domain->due;
    }
    if (domain->chores_due) {
        next = MIN(next, domain->chores_due);
    }
    return next;
}

static int64_t run_domains(Service *service, int64_t now)
{
    GHashTableIter iter;
    gpointer value;
    int64_t next = SERVICE_NEVER;

    g_hash_table_iter_init(&iter, service->domains);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        next = MIN(next, run_domain(service, value, now));
    }
    return next;
}

int64_t service_run(Service *service, int64_t now)
{
    int64_t next = run_domains(service, now);

    if (service->domains_changed) {
        update_domains(service, now);
        next = run_domains(service, now);
    }
    return next;
}

/* Starting and stopping */

/* What an earlier process, or a device model, has left of domains long gone */
static void sweep_below(Service *service, const char *directory)
{
    g_auto(GStrv) names = store_list(service->store, directory);

    for (size_t i = 0; names && names[i]; i++) {
        uint32_t domid;

        if (path_domid(names[i], &domid) && !find_domain(service, domid)) {
            sweep_record(service->store, domid);
            sweep_memory(service->store, 0, domid);
        }
    }
}

static void sweep_all(Service *service)
{
    g_autofree char *device_models = path_device_models(0);

    sweep_below(service, PATH_LIBXL);
    sweep_below(service, device_models);
}

bool service_start(Service *service, int64_t now)
{
    /* Watch first: what changes while we look is then seen. */
    if (!watch_or_complain(service, PATH_INTRODUCE) ||
        !watch_or_complain(service, PATH_RELEASE) ||
        !update_domains(service, now)) {
        return false;
    }
    sweep_all(service);
    service->started = true;
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
    g_hash_table_iter_init(&iter, service->domains);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Domain *domain = value;

        if (domain->chores_due) {
            serve_chores(&context, domain);
        }
    }
}

Service *service_new(Store *store, Host *host, Policy *policy)
{
    Service *service = g_new0(Service, 1);

    service->store = store;
    service->host = host;
    service->policy = policy;
    service->domains =
        g_hash_table_new_full(NULL, NULL, NULL,
                              (GDestroyNotify)domain_free);
    return service;
}

void service_free(Service *service)
{
    if (service) {
        g_hash_table_unref(service->domains);
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
    g_hash_table_iter_init(&iter, service->domains);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        domain_forget_cap(value);
    }
}

unsigned service_domains(const Service *service)
{
    return g_hash_table_size(service->domains);
}
