/*
 * Host memory that is promised and not yet taken
 *
 * Concepts
 * - A grant is a promise until the device model has populated it; so is the
 *   limit of a guest that is being built.  What is promised is not given again.
 * - Of a grant it is known what the guest had when it was raised, and so how
 *   many pages it has when it has taken all of it.  Once it has had them, the
 *   promise is kept and forgotten: a guest that balloons down later has
 *   returned its own memory, and is not counted as one that will take more.
 * - Between limit and pages there is more than that at all times: libxl's
 *   slack, and what the guest has ballooned out.  Nobody promised the former,
 *   and libxl keeps the accounts of the latter.
 *
 * A promise is kept in no node: a device model populates in the milliseconds
 * after the answer, and a daemon that takes over counts no promise.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_PROMISE_H
#define TOOLSTACK_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Promise {
    uint64_t until_pages;   /* the guest has them when it is kept; 0 if none */
} Promise;

/**
 * promise_change: a grant is changed
 * @promise: the promise, as of now
 * @limit_pages: max_pages before it
 * @used_pages: the pages that the guest has
 * @before_kib: the grant before it
 * @after_kib: the grant after it
 *
 * Pages that the guest has beyond its limit are not promised: it has them.
 * A grant that is lowered takes the promise down with it, for its pages have
 * left the guest.
 */
void promise_change(Promise *promise, uint64_t limit_pages,
                    uint64_t used_pages, uint32_t before_kib,
                    uint32_t after_kib);

/**
 * promise_pages: what of it is not taken yet
 * @promise: the promise; forgotten if it is kept
 * @limit_pages: max_pages
 * @used_pages: the pages that the guest has
 * @grant_kib: the grant
 *
 * Returns: at most the grant, and at most what the limit leaves
 */
uint64_t promise_pages(Promise *promise, uint64_t limit_pages,
                       uint64_t used_pages, uint32_t grant_kib);

#endif /* TOOLSTACK_PROMISE_H */
