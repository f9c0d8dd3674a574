/*
 * A limit on how often something may happen
 *
 * Concepts
 * - A rate allows a burst at once and then so many a second.
 * - Times are microseconds of one monotonic clock.
 * - The state is one number: when the burst would be whole again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_RATE_H
#define TOOLSTACK_RATE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct RateLimit {
    unsigned per_second;    /* 1 or more */
    unsigned burst;         /* 1 or more */
} RateLimit;

typedef struct Rate {
    int64_t whole_at;       /* 0 at first */
} Rate;

/**
 * rate_ready_at: when may it happen next?
 * @rate: how often it has happened
 * @limit: how often it may
 *
 * Returns: a time, perhaps in the past
 */
int64_t rate_ready_at(const Rate *rate, RateLimit limit);

/**
 * rate_take: it happens now, if it may
 * @rate: how often it has happened; changed only when true is returned
 * @limit: how often it may
 * @now: the time
 *
 * Returns: whether it may
 */
bool rate_take(Rate *rate, RateLimit limit, int64_t now);

#endif /* TOOLSTACK_RATE_H */
