/*
 * One domain's grant, and how it survives a crash
 *
 * Concepts
 * - A grant is an amount, in KiB, that stands in max_pages on top of what
 *   libxl has set.
 * - A record of it is kept in xenstore and written before max_pages is
 *   changed; "Crash safety" in docs/specs/device-memory.rst.
 * - To hold a grant is to find out what it is and to make it stand, also when
 *   another program has set the limit in the meantime.
 * - A record is settled when both its halves say the same.  A record that is
 *   not cannot be told apart from one whose limit was set back by another
 *   program to what it was before.
 *
 * - The one case that the record cannot show is that another program has set
 *   the limit to the very number that the record has.  The size that libxl
 *   has written shows it; it is looked at last, so as not to be in the way of
 *   an answer.
 *
 * The caller holds the domain's lock for everything that changes max_pages.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_GRANT_H
#define TOOLSTACK_GRANT_H

#include "guest-size.h"
#include "hw/xen/device-memory-protocol.h"
#include "host.h"
#include "store.h"

typedef struct Grant {
    uint32_t domid;
    char *record_path;
    char *size_path;
    bool known;         /* the record was read, or there can be none */
    bool recorded;      /* there is a record */
    bool settled;       /* what is in xenstore is as @record and @size */
    DeviceMemoryRecord record;
    GuestSize size;     /* as it was when the grant was last confirmed */
    uint32_t held_kib;          /* what grant_hold() found to stand */
    uint64_t held_limit_pages;  /* in that limit */
} Grant;

/**
 * grant_init: the grant of a domain that is new
 * @grant: the grant; to be cleared with grant_clear()
 * @domid: the domain
 * @known: false if an earlier process may have left a record
 */
void grant_init(Grant *grant, uint32_t domid, bool known);

/**
 * grant_clear: forget a grant; changes nothing outside
 * @grant: the grant
 */
void grant_clear(Grant *grant);

/**
 * grant_kib: what holds, in KiB
 * @grant: the grant
 */
uint32_t grant_kib(const Grant *grant);

/**
 * grant_hold: find out what holds and make it stand in max_pages
 * @grant: the grant
 * @store: where the record is
 * @host: the hypervisor
 * @limit_pages: max_pages as it is now; set to what it is afterwards
 *
 * Returns: false with errno if the record could not be read or written or
 * max_pages not be set
 */
bool grant_hold(Grant *grant, Store *store, Host *host,
                uint64_t *limit_pages);

/**
 * grant_change: change the amount
 * @grant: the grant, held
 * @store: where the record is
 * @host: the hypervisor
 * @total_kib: the new amount
 * @limit_pages: max_pages as grant_hold() left it
 *
 * Returns: false with errno if nothing was changed
 */
bool grant_change(Grant *grant, Store *store, Host *host, uint32_t total_kib,
                  uint64_t limit_pages);

/**
 * grant_confirm: notice a limit that was set to the number on the record
 * @grant: the grant, held, and perhaps changed since
 * @store: where the record and libxl's sizes are
 * @host: the hypervisor
 *
 * Returns: false with errno if the record could not be written or max_pages
 * not be set
 */
bool grant_confirm(Grant *grant, Store *store, Host *host);

/**
 * grant_settle: write a settled record if the last one was not
 * @grant: the grant
 * @store: where the record is
 *
 * Returns: false with errno if the record could not be written
 */
bool grant_settle(Grant *grant, Store *store);

#endif /* TOOLSTACK_GRANT_H */
