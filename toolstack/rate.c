/*
 * A limit on how often something may happen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "rate.h"

static int64_t interval(RateLimit limit)
{
    return G_USEC_PER_SEC / limit.per_second;
}

int64_t rate_ready_at(const Rate *rate, RateLimit limit)
{
    return rate->whole_at - interval(limit) * (limit.burst - 1);
}

bool rate_take(Rate *rate, RateLimit limit, int64_t now)
{
    if (rate_ready_at(rate, limit) > now) {
        return false;
    }
    rate->whole_at = MAX(rate->whole_at, now) + interval(limit);
    return true;
}
