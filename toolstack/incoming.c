/*
 * A guest that is being built: room for device memory that it brings along
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "asker.h"
#include "decide.h"
#include "guest-size.h"
#include "host-memory.h"
#include "incoming.h"
#include "path.h"

#define DEVICE_MODEL_RUNNING "running"

static void look_again(Domain *domain, int64_t due)
{
    domain->incoming.due = due;
}

static void end(Domain *domain)
{
    domain->incoming = (Incoming) { .state = INCOMING_NO };
}

static char *note_path(const Domain *domain)
{
    return path_libxl_node(domain->domid, PATH_LIBXL_PROVISIONAL);
}

static bool has_note(const ServeContext *context, const Domain *domain)
{
    g_autofree char *path = note_path(domain);
    g_autofree char *value = store_read(context->store, path);

    return value != NULL;
}

static bool write_note(const ServeContext *context, const Domain *domain)
{
    g_autofree char *path = note_path(domain);

    return store_write(context->store, path, "1");
}

static void remove_note(const ServeContext *context, const Domain *domain)
{
    g_autofree char *path = note_path(domain);

    store_remove(context->store, path);
}

static bool is_built(const ServeContext *context, const Domain *domain)
{
    GuestSize size = guest_size_read(context->store, domain->domid);

    return size.known;
}

/* Giving headroom */

static uint32_t headroom_kib(const ServeContext *context, Domain *domain,
                             const HostDomain *found)
{
    HostMemory memory;

    host_memory_read(context->host, context->population, found,
                     context->policy->host_reserve_kib, &memory);
    return decide_headroom(domain_cap(domain, context->store,
                                      context->policy), &memory);
}

/* With the lock held. */
static void raise_limit(const ServeContext *context, Domain *domain,
                        int64_t now)
{
    HostDomain found;
    uint32_t total_kib;

    if (!serve_still_there(context, domain, &found)) {
        return;
    }
    total_kib = headroom_kib(context, domain, &found);
    if (!total_kib) {
        g_autofree char *label = domain_label(domain);

        g_info("%s is being built; the cap or the host's free memory leaves "
               "no headroom", label);
        end(domain);
    } else if (!write_note(context, domain) ||
               !grant_hold(&domain->grant, context->store, context->host,
                           &found.limit_pages) ||
               (!grant_kib(&domain->grant) &&
                !grant_change(&domain->grant, context->store, context->host,
                              total_kib, found.limit_pages))) {
        domain_log_failure(domain, "give headroom");
        end(domain);
        remove_note(context, domain);
    } else {
        g_debug("domain %u is being built; headroom %u KiB", domain->domid,
                grant_kib(&domain->grant));
        domain->incoming = (Incoming) {
            .state = INCOMING_RAISED,
            .due = now + INCOMING_LOOK_US,
            .until = now + INCOMING_STALL_US,
            .used_pages = found.used_pages,
        };
        domain->chores_due = now + SERVE_CHORES_US;
    }
}

/* Taking back */

/* With the lock held. */
static void lower_limit(const ServeContext *context, Domain *domain,
                        bool all, int64_t now)
{
    HostDomain found;
    uint32_t kept_kib = 0;

    if (!serve_still_there(context, domain, &found)) {
        return;
    }
    if (!grant_hold(&domain->grant, context->store, context->host,
                    &found.limit_pages)) {
        domain_log_failure(domain, "recover its headroom");
        look_again(domain, now + SERVE_RECOVERY_RETRY_US);
        return;
    }
    if (!all) {
        kept_kib = decide_provisional(grant_kib(&domain->grant),
                                      found.limit_pages, found.used_pages);
    }
    if (kept_kib != grant_kib(&domain->grant) &&
        !grant_change(&domain->grant, context->store, context->host, kept_kib,
                      found.limit_pages)) {
        domain_log_failure(domain, "take back its headroom");
        look_again(domain, now + SERVE_RECOVERY_RETRY_US);
        return;
    }
    domain->chores_due = now + SERVE_CHORES_US;
    if (kept_kib) {
        g_autofree char *label = domain_label(domain);

        g_info("%s brought device memory along; provisional grant %u KiB",
               label, kept_kib);
        domain->incoming = (Incoming) {
            .state = INCOMING_UNDECLARED,
            .due = now + INCOMING_WATCH_US,
        };
    } else {
        end(domain);
        remove_note(context, domain);
    }
}

/* Steps */

static bool device_model_runs(const ServeContext *context,
                              const Domain *domain)
{
    /* A stub domain comes after the build; it is looked for each time. */
    uint32_t dm = asker_find(context->store, domain->domid);
    g_autofree char *model = path_device_model(dm, domain->domid);
    g_autofree char *path = g_strconcat(model, "/state", NULL);
    g_autofree char *state = store_read(context->store, path);

    return state && !strcmp(state, DEVICE_MODEL_RUNNING);
}

/* Returns: whether it is time to take back what was not declared */
static bool declared_too_late(const ServeContext *context, Domain *domain,
                              int64_t now)
{
    Incoming *incoming = &domain->incoming;

    if (!incoming->until && device_model_runs(context, domain)) {
        incoming->until = now + INCOMING_DECLARE_US;
    }
    look_again(domain, now + INCOMING_WATCH_US);
    return incoming->until && incoming->until <= now;
}

/* Returns: whether the limit is there to be raised */
static bool limit_is_set(const ServeContext *context, Domain *domain,
                         int64_t now)
{
    HostDomain found;

    if (now >= domain->incoming.until) {
        end(domain);
        return false;
    }
    look_again(domain, now + INCOMING_POLL_US);
    if (!domain_identify(domain, context->store)) {
        return false;
    }
    if (!domain->hvm || is_built(context, domain)) {
        end(domain);
        return false;
    }
    return host_domain(context->host, domain->domid, &found) &&
           found.limit_pages;
}

/* Returns: whether nothing was populated for so long that it never will be */
static bool has_stalled(const ServeContext *context, Domain *domain,
                        int64_t now)
{
    Incoming *incoming = &domain->incoming;
    HostDomain found;

    look_again(domain, now + INCOMING_LOOK_US);
    if (!host_domain(context->host, domain->domid, &found)) {
        return false;
    }
    if (found.used_pages != incoming->used_pages) {
        incoming->used_pages = found.used_pages;
        incoming->until = now + INCOMING_STALL_US;
    }
    if (now < incoming->until) {
        return false;
    }
    incoming->state = INCOMING_STALLED;
    return true;
}

static void step(const ServeContext *context, Domain *domain, int64_t now)
{
    domain->incoming.due = 0;
    switch (domain->incoming.state) {
    case INCOMING_BUILDING:
        raise_limit(context, domain, now);
        break;
    case INCOMING_RAISED:
        lower_limit(context, domain, false, now);
        break;
    case INCOMING_STALLED:
        g_warning("domain %u: nothing was populated for %u minutes while it "
                  "was being built; its headroom is taken back",
                  domain->domid,
                  (unsigned)(INCOMING_STALL_US / G_USEC_PER_SEC / 60));
        lower_limit(context, domain, false, now);
        break;
    case INCOMING_UNDECLARED:
        g_warning("domain %u: its device model does not say what it needs; "
                  "its provisional grant is taken back", domain->domid);
        lower_limit(context, domain, true, now);
        break;
    case INCOMING_DECLARED:
    case INCOMING_NO:
        break;
    }
}

static bool is_time(const ServeContext *context, Domain *domain, int64_t now)
{
    switch (domain->incoming.state) {
    case INCOMING_BUILDING:
        return limit_is_set(context, domain, now);
    case INCOMING_RAISED:
        return is_built(context, domain) ||
               has_stalled(context, domain, now);
    case INCOMING_STALLED:
        return true;
    case INCOMING_UNDECLARED:
        return declared_too_late(context, domain, now);
    case INCOMING_DECLARED:
        remove_note(context, domain);
        end(domain);
        return false;
    case INCOMING_NO:
        break;
    }
    domain->incoming.due = 0;
    return false;
}

bool incoming_run(const ServeContext *context, Domain *domain, int64_t now)
{
    HostDomain found;
    HostLock *lock;

    if (!is_time(context, domain, now)) {
        return true;
    }
    lock = host_lock(context->host, domain->domid, domain->uuid);
    if (!lock) {
        serve_lock_worth_waiting(domain, &domain->incoming.locked_since,
                                 &domain->incoming.due, now);
        return true;
    }
    domain->incoming.locked_since = 0;
    step(context, domain, now);
    host_unlock(context->host, lock);
    return serve_still_there(context, domain, &found);
}

void incoming_begin(const ServeContext *context, Domain *domain, int64_t now)
{
    Incoming *incoming = &domain->incoming;
    bool noted = !domain->grant.known && has_note(context, domain);

    if (domain->identified && is_built(context, domain)) {
        if (!noted) {
            return;
        }
        /* An earlier process has raised the limit. */
        incoming->state = domain->was_granted ? INCOMING_DECLARED
                                              : INCOMING_RAISED;
        incoming->until = now + INCOMING_STALL_US;
    } else {
        incoming->state = INCOMING_BUILDING;
        incoming->until = now + INCOMING_PATIENCE_US;
    }
    incoming->due = now;
}

void incoming_size_event(Domain *domain, int64_t now)
{
    if (domain->incoming.state == INCOMING_RAISED &&
        !domain->incoming.locked_since) {
        domain->incoming.due = now;
    }
}
