/*
 * One guest's request: read, decide, act, answer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_SERVE_H
#define TOOLSTACK_SERVE_H

#include "domain.h"
#include "population.h"

/* How soon to try again for a lock that another program has. */
#define SERVE_LOCK_RETRY_US (2 * 1000)

/* After that long the asker is told; a device model waits 10 s at start. */
#define SERVE_LOCK_PATIENCE_US (8 * G_USEC_PER_SEC)

/* How soon to try again when something else failed, or patience is gone. */
#define SERVE_RECOVERY_RETRY_US G_USEC_PER_SEC

/* How long chores wait for the next request, so as not to be in its way. */
#define SERVE_CHORES_US (20 * 1000)

/*
 * How long to go on looking whether a device model has taken what it was
 * granted.  Each look waits four times as long as the one before; later ones
 * come with requests of any guest.
 */
#define SERVE_PROMISE_US (10 * G_USEC_PER_SEC)

typedef struct ServeContext {
    Store *store;
    Host *host;
    const Policy *policy;
    const Population *population;
} ServeContext;

/**
 * serve_still_there: the domain that we know, not another one with its domid?
 * @context: by what means
 * @domain: the domain
 * @found: set to what the hypervisor says of it
 */
bool serve_still_there(const ServeContext *context, const Domain *domain,
                       HostDomain *found);

/**
 * serve_lock_worth_waiting: a domain's lock could not be taken, for the reason
 * in errno
 * @domain: the domain
 * @since: since when it was tried, or 0; set
 * @due: set to when to try again: soon, and seldom once patience is at its end
 * @now: the time
 *
 * Returns: true while another program has the lock and there is patience left;
 * otherwise false, with a line in the log
 */
bool serve_lock_worth_waiting(const Domain *domain, int64_t *since,
                              int64_t *due, int64_t now);

/**
 * serve: recover a guest's grant if need be, and answer its request if it is
 * new
 * @context: by what means
 * @domain: the guest, with its asker; @domain->pending says afterwards whether
 *          something is left to do at @domain->due
 * @now: the time
 *
 * Returns: false if there is no such domain any more
 */
bool serve(const ServeContext *context, Domain *domain, int64_t now);

/**
 * serve_chores: do what could wait
 * @context: by what means
 * @domain: the guest; @domain->chores_due says when there is more, unless 0
 * @now: the time
 */
void serve_chores(const ServeContext *context, Domain *domain, int64_t now);

#endif /* TOOLSTACK_SERVE_H */
