/*
 * One guest's request: read, decide, act, answer
 *
 * A device model waits for what is done here, so the ordinary case has three
 * exchanges with xenstore: read the request, write the record, write the
 * answer.  What libxl may have done in the meantime is looked at afterwards.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "decide.h"
#include "decision-log.h"
#include "guest-size.h"
#include "host-memory.h"
#include "path.h"
#include "serve.h"

static RateLimit request_limit(const Policy *policy)
{
    return (RateLimit) {
        .per_second = policy->request_rate,
        .burst = policy->request_burst,
    };
}

static void try_again_at(Domain *domain, int64_t due)
{
    domain->pending = true;
    domain->due = due;
}

/* What to say when the numbers do not decide. */
static Circumstances no_more(const ServeContext *context, Domain *domain)
{
    return (Circumstances) {
        .grant_kib = grant_kib(&domain->grant),
        .cap_kib = domain_cap(domain, context->store, context->policy),
    };
}

/* Pages that the guest has beyond its limit: to raise it costs nothing. */
static uint64_t paid_for_kib(const HostDomain *found)
{
    return (found->used_pages - MIN(found->used_pages, found->limit_pages)) *
           DEVICE_MEMORY_PAGE_KIB;
}

static Circumstances circumstances(const ServeContext *context,
                                   Domain *domain, const HostDomain *found)
{
    Circumstances now = no_more(context, domain);
    HostMemory memory;

    if (!host_memory_read(context->host, context->population, found,
                          context->policy->host_reserve_kib, &memory)) {
        g_critical("cannot read the host's free memory: %s",
                   g_strerror(errno));
    }
    now.free_kib = decide_room(&memory) + paid_for_kib(found);
    return now;
}

static void write_answer(const ServeContext *context, Domain *domain,
                         const char *request,
                         const DeviceMemoryAnswer *answer)
{
    g_autofree char *value = device_memory_answer_format(answer);

    if (!store_write(context->store, domain->answer_path, value)) {
        g_autofree char *label = domain_label(domain);

        g_warning("%s: cannot write %s: %s", label, domain->answer_path,
                  g_strerror(errno));
    }
    domain_set_answered(domain, request, answer->id);
    domain->cap_applied = true;
}

static bool gives_back(const Domain *domain, const char *request)
{
    DeviceMemoryRequest asked;

    return device_memory_request_parse(request, &asked) &&
           (!domain->grant.known ||
            asked.total_kib < grant_kib(&domain->grant));
}

/*
 * What stands in the way is not in the numbers.  A request that gives memory
 * back is put off until @due: nobody looks at a refusal of that, and the grant
 * would stay too high for good.
 */
static void refuse(const ServeContext *context, Domain *domain,
                   const char *request, const char *reason, int64_t now,
                   int64_t due)
{
    Circumstances numbers;
    DeviceMemoryAnswer answer;

    if (gives_back(domain, request)) {
        try_again_at(domain, due);
        return;
    }
    numbers = no_more(context, domain);
    answer = decide_refusal(request, &numbers, reason);
    write_answer(context, domain, request, &answer);
    decision_log(domain, request, &answer, answer.grant_kib, now);
}

/*
 * Until the device model has taken what it is granted, it is not for others.
 *
 * What a restored guest's device model declares first is there: it came with
 * the stream.  One that asks for the first time in a guest of which there is
 * no record may declare what it has had within libxl's slack, so the pages
 * that the guest has of that count as taken.
 *
 * @first: there was no record
 */
static void promise(Domain *domain, const HostDomain *found, bool first,
                    uint32_t before_kib)
{
    uint64_t slack = GUEST_SIZE_SLACK_KIB / DEVICE_MEMORY_PAGE_KIB;
    uint64_t limit = found->limit_pages;
    uint64_t used = found->used_pages;

    if (domain->incoming.state != INCOMING_NO) {
        domain->promise = (Promise) { 0 };
        return;
    }
    if (first) {
        used = MIN(used, limit - MIN(limit, slack));
    }
    promise_change(&domain->promise, limit, used, before_kib,
                   grant_kib(&domain->grant));
    domain->promise_wait = 4 * SERVE_CHORES_US;
}

/* Returns: false with errno if what was decided could not be done */
static bool decide_and_answer(const ServeContext *context, Domain *domain,
                              const char *request, const HostDomain *found,
                              int64_t now)
{
    Circumstances numbers = circumstances(context, domain, found);
    uint32_t before_kib = numbers.grant_kib;
    bool first = !domain->grant.recorded;
    uint32_t total_kib;
    DeviceMemoryAnswer answer = decide_request(request, &numbers, &total_kib);

    if (answer.granted && total_kib != before_kib) {
        if (!grant_change(&domain->grant, context->store, context->host,
                          total_kib, found->limit_pages)) {
            return false;
        }
        promise(domain, found, first, before_kib);
    }
    write_answer(context, domain, request, &answer);
    if (answer.granted && domain->incoming.state != INCOMING_NO) {
        domain->incoming = (Incoming) {
            .state = INCOMING_DECLARED,
            .due = now + SERVE_CHORES_US,
        };
    }
    decision_log(domain, request, &answer, before_kib, now);
    return true;
}

bool serve_still_there(const ServeContext *context, const Domain *domain,
                       HostDomain *found)
{
    return host_domain(context->host, domain->domid, found) &&
           !found->dying && !strcmp(found->uuid, domain->uuid);
}

static void confirm(const ServeContext *context, Domain *domain, int64_t now)
{
    domain->size_changed = false;
    if (!grant_confirm(&domain->grant, context->store, context->host)) {
        domain_log_failure(domain, "put its grant back on top of its limit");
        domain->size_changed = true;
        try_again_at(domain, now + SERVE_RECOVERY_RETRY_US);
    }
}

/* With the lock held.  Returns: false if the domain is gone */
static bool serve_locked(const ServeContext *context, Domain *domain,
                         const char *request, int64_t now)
{
    int64_t retry = now + SERVE_RECOVERY_RETRY_US;
    HostDomain found;

    if (!serve_still_there(context, domain, &found)) {
        return false;
    }
    if (!grant_hold(&domain->grant, context->store, context->host,
                    &found.limit_pages)) {
        domain_log_failure(domain, "recover its grant");
        if (request) {
            refuse(context, domain, request, DEVICE_MEMORY_REASON_INTERNAL,
                   now, retry);
        }
        try_again_at(domain, retry);
    } else {
        if (request && !decide_and_answer(context, domain, request, &found,
                                          now)) {
            domain_log_failure(domain, "change its grant");
            refuse(context, domain, request, DEVICE_MEMORY_REASON_INTERNAL,
                   now, retry);
        }
        confirm(context, domain, now);
    }
    domain->chores_due = now + SERVE_CHORES_US;
    return true;
}

bool serve_lock_worth_waiting(const Domain *domain, int64_t *since,
                              int64_t *due, int64_t now)
{
    bool contended = errno == EAGAIN;

    if (!*since) {
        *since = now;
    }
    if (contended && now - *since < SERVE_LOCK_PATIENCE_US) {
        *due = now + SERVE_LOCK_RETRY_US;
        return true;
    }
    domain_log_failure(domain, "take libxl's lock");
    *due = now + SERVE_RECOVERY_RETRY_US;
    return false;
}

static void wait_for_lock(const ServeContext *context, Domain *domain,
                          const char *request, int64_t now)
{
    int64_t due;

    if (serve_lock_worth_waiting(domain, &domain->locked_since, &due, now)) {
        try_again_at(domain, due);
        return;
    }
    if (request) {
        refuse(context, domain, request, DEVICE_MEMORY_REASON_INTERNAL, now,
               due);
    }
    if (!domain->grant.known || domain->size_changed) {
        try_again_at(domain, due);
    }
    if (!domain->pending) {
        domain->locked_since = 0;
    }
}

/*
 * Too many requests.  The first one too many is told; then nothing is read
 * until there may be a decision again, which is about the newest request.
 */
static void throttle(const ServeContext *context, Domain *domain,
                     const char *request, int64_t now)
{
    int64_t ready = rate_ready_at(&domain->requests,
                                  request_limit(context->policy));

    refuse(context, domain, request, DEVICE_MEMORY_REASON_BUSY, now, ready);
    try_again_at(domain, ready);
}

static char *new_request(const ServeContext *context, const Domain *domain)
{
    g_autofree char *request = store_read(context->store,
                                          domain->request_path);

    if (request && domain_has_answered(domain, request)) {
        return NULL;
    }
    return g_steal_pointer(&request);
}

/* Without a grant there is nothing that libxl could have overwritten. */
static bool must_confirm(Domain *domain)
{
    domain->size_changed = domain->size_changed && grant_kib(&domain->grant);
    return domain->size_changed;
}

bool serve(const ServeContext *context, Domain *domain, int64_t now)
{
    RateLimit limit = request_limit(context->policy);
    g_autofree char *request = new_request(context, domain);
    HostLock *lock;
    bool there;

    domain->pending = false;
    if (!request && domain->grant.known && !must_confirm(domain)) {
        return true;
    }
    if (request && rate_ready_at(&domain->requests, limit) > now) {
        throttle(context, domain, request, now);
        return true;
    }
    lock = host_lock(context->host, domain->domid, domain->uuid);
    if (!lock) {
        wait_for_lock(context, domain, request, now);
        return true;
    }
    domain->locked_since = 0;
    if (request) {
        rate_take(&domain->requests, limit, now);
    }
    there = serve_locked(context, domain, request, now);
    host_unlock(context->host, lock);
    return there;
}

static bool publish_cap(const ServeContext *context, Domain *domain)
{
    g_autofree char *path = NULL;
    g_autofree char *value = NULL;

    if (!domain->cap_applied || domain->cap_published) {
        return true;
    }
    path = path_libxl_node(domain->domid, PATH_LIBXL_CAP);
    value = g_strdup_printf("%u", domain->cap_kib);
    domain->cap_published = store_write(context->store, path, value);
    return domain->cap_published;
}

/* A promise that is kept is forgotten, before the guest gives memory back. */
static void look_at_promise(const ServeContext *context, Domain *domain,
                            int64_t now)
{
    HostDomain found;

    if (domain->promise.until_pages &&
        domain->promise_wait <= SERVE_PROMISE_US &&
        serve_still_there(context, domain, &found) &&
        promise_pages(&domain->promise, found.limit_pages, found.used_pages,
                      grant_kib(&domain->grant))) {
        domain->chores_due = now + domain->promise_wait;
        domain->promise_wait *= 4;
    }
}

void serve_chores(const ServeContext *context, Domain *domain, int64_t now)
{
    domain->chores_due = 0;
    if (!grant_settle(&domain->grant, context->store) ||
        !publish_cap(context, domain)) {
        domain_log_failure(domain, "publish its grant and cap");
    }
    look_at_promise(context, domain, now);
}
