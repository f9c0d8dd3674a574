/*
 * The hypervisor, as the toolstack needs it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "host.h"

/* How many domains are fetched at a time. */
#define DOMAINS_AT_ONCE 64

GArray *host_all_domains(Host *host)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(HostDomain));
    HostDomain found[DOMAINS_AT_ONCE];
    uint32_t first = 0;
    int n;

    while ((n = host->ops->domains(host, first, found,
                                   DOMAINS_AT_ONCE)) > 0) {
        g_array_append_vals(all, found, n);
        first = found[n - 1].domid + 1;
    }
    return n < 0 ? NULL : g_steal_pointer(&all);
}
