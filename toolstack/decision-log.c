/*
 * One line in the log for each decision
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "decision-log.h"

/* How many lines a domain may cause, and how much of a request is shown. */
static const RateLimit line_limit = { .per_second = 2, .burst = 100 };

#define SHOWN_MAX 64

static char *printable(const char *text)
{
    g_autofree char *start = g_strndup(text, SHOWN_MAX);

    return g_strescape(start, NULL);
}

static bool may_log(Domain *domain, int64_t now)
{
    if (rate_take(&domain->lines, line_limit, now)) {
        return true;
    }
    domain->suppressed++;
    return false;
}

void decision_log(Domain *domain, const char *request,
                  const DeviceMemoryAnswer *answer, uint32_t before_kib,
                  int64_t now)
{
    g_autofree char *label = domain_label(domain);
    g_autofree char *shown = printable(request);

    if (!may_log(domain, now)) {
        return;
    }
    if (domain->suppressed) {
        g_info("%s: %u decisions were not logged", label,
               domain->suppressed);
        domain->suppressed = 0;
    }
    if (answer->granted) {
        g_info("%s: request \"%s\" granted; grant %u -> %u KiB, cap %u KiB",
               label, shown, before_kib, answer->grant_kib, answer->cap_kib);
    } else {
        g_info("%s: request \"%s\" refused (%s); grant %u -> %u KiB, cap "
               "%u KiB, available %u KiB", label, shown, answer->reason,
               before_kib, answer->grant_kib, answer->cap_kib,
               answer->available_kib);
    }
}

void decision_log_stranger(Domain *from, uint32_t domid,
                           const char *request)
{
    g_autofree char *shown = printable(request);

    if (from->passed_over) {
        g_warning("domain %u: %u requests for other domains were not looked "
                  "at: too many in too short a time", from->domid,
                  from->passed_over);
        from->passed_over = 0;
    }
    g_warning("domain %u asks for domain %u: request \"%s\" refused "
              "(not-allowed); it is not the device model of an HVM guest "
              "with that domid", from->domid, domid, shown);
}
