/*
 * Do Xen, the toolstack and the device model agree about a guest?
 *
 * Concepts
 * - Six identities are checked, in this order; the first that does not hold
 *   is named.
 *   record  the record can be read and is settled
 *   limit   max_pages is what the record says
 *   base    max_pages without the grant is what libxl sets
 *   pages   nr_pages is at most max_pages
 *   answer  the last request was answered, and the grant is that of the answer
 *   blocks  the grant is what the blocks come to beyond the video memory
 * - The last two say nothing while the grant is provisional.  That the grant
 *   is not more than the blocks need can be asked only of a device model that
 *   publishes blocks, and while there is a service to give back to.
 * - The numbers are read one after the other while everything goes on, so a
 *   failure counts only if it is found again a little later.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_CHECK_H
#define TOOLSTACK_CHECK_H

#include "host.h"
#include "report.h"
#include "store.h"

/*
 * How often to look, and how long to wait in between, until it is a failure:
 * 2 s in all, as a device model waits for an answer and takes its pages.
 */
#define CHECK_ATTEMPTS 21
#define CHECK_PAUSE_US (100 * 1000)

typedef struct CheckFailure {
    uint32_t domid;
    char *name;             /* of the guest, printable */
    const char *identity;   /* one of the words above; static */
    char *text;             /* what is wrong, with the numbers */
} CheckFailure;

/**
 * check_guests: check all HVM guests, once
 * @store: xenstore
 * @host: the hypervisor
 * @checked: set to how many guests were found
 * @failure: set to the first failure, to be freed with check_failure_free(),
 *           or NULL if there is none
 * @error: set if the guests cannot be read
 *
 * Returns: false if the guests cannot be read
 */
bool check_guests(Store *store, Host *host, unsigned *checked,
                  CheckFailure **failure, GError **error);

/**
 * check_failure_free: forget a failure
 * @failure: the failure, or NULL
 */
void check_failure_free(CheckFailure *failure);

#endif /* TOOLSTACK_CHECK_H */
