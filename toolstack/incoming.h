/*
 * A guest that is being built: room for device memory that it brings along
 *
 * Concepts
 * - A guest that is restored or migrated gets its device memory from the
 *   stream, before there is a device model that could ask for it.
 * - So every HVM guest is given headroom as soon as libxl has set its limit:
 *   a provisional grant of up to its cap.
 * - Once libxl has built the guest, and before it starts the device model,
 *   what was not used is taken back: all of it, for a guest that is new.
 * - The rest stands until the device model asks for its true total, or is
 *   taken back if it never does.
 * - A builder that dies leaves a guest that is never built.  libxl does not say
 *   so, but nothing is populated any more.
 * - A node beside the record says that the grant is provisional; it is written
 *   first, so that a daemon that takes over knows.
 *
 * libxl tells nobody when it sets the limit, so a guest that is being built
 * is looked at every millisecond, for a bounded time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_INCOMING_H
#define TOOLSTACK_INCOMING_H

#include "domain.h"
#include "serve.h"

/* How often to look for the limit, and for how long. */
#define INCOMING_POLL_US (1000)
#define INCOMING_PATIENCE_US (10 * G_USEC_PER_SEC)

/*
 * How often to look whether pages are still being populated, and how long none
 * may be.  A migration whose connection is broken ends after a quarter of an
 * hour, TCP's patience; until then it can go on.
 */
#define INCOMING_LOOK_US (60 * G_USEC_PER_SEC)
#define INCOMING_STALL_US (20 * 60 * G_USEC_PER_SEC)

/* How often to look for the device model. */
#define INCOMING_WATCH_US G_USEC_PER_SEC

/* How long a device model that runs may take to ask. */
#define INCOMING_DECLARE_US (5 * G_USEC_PER_SEC)

/**
 * incoming_begin: a domain has arrived
 * @context: by what means
 * @domain: the domain; perhaps not identified yet
 * @now: the time
 *
 * Does nothing but note that incoming_run() is due, if the domain is being
 * built or an earlier process has left a provisional grant.
 */
void incoming_begin(const ServeContext *context, Domain *domain, int64_t now);

/**
 * incoming_size_event: libxl has written the domain's size: it is built
 * @domain: the domain
 * @now: the time
 */
void incoming_size_event(Domain *domain, int64_t now);

/**
 * incoming_run: do what is due
 * @context: by what means
 * @domain: the domain; @domain->incoming.due says afterwards when to call it
 *          again, unless it is 0
 * @now: the time
 *
 * Returns: false if there is no such domain any more
 */
bool incoming_run(const ServeContext *context, Domain *domain, int64_t now);

#endif /* TOOLSTACK_INCOMING_H */
