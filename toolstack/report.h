/*
 * What there is to tell about guests and their device memory
 *
 * Concepts
 * - Read from Xen and xenstore at the moment of asking; nothing is kept.
 * - Blocks are the device model's own words: bounded and made printable, and
 *   never more than that.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_REPORT_H
#define TOOLSTACK_REPORT_H

#include <glib.h>

#include "hw/xen/device-memory-protocol.h"
#include "host.h"
#include "store.h"

typedef struct ReportBlock {
    uint32_t pages;
    DeviceMemoryBlockState state;
    char *name;
} ReportBlock;

typedef struct ReportGuest {
    HostDomain domain;
    char *name;             /* printable; "" if there is none */
    uint32_t grant_kib;
    bool grant_stands;      /* max_pages has the grant in it */
    uint64_t base_pages;    /* max_pages without the grant */
    bool cap_known;
    uint32_t cap_kib;       /* that was last applied */
    uint32_t asker;         /* where its device model runs */
    GPtrArray *blocks;      /* ReportBlock; NULL if not asked for */
    unsigned bad_blocks;    /* that cannot be read */
} ReportGuest;

/**
 * report_guests: all HVM guests, in ascending order of domid
 * @store: xenstore
 * @host: the hypervisor
 * @error: set on failure
 *
 * Returns: a new array of ReportGuest, without blocks, or NULL
 */
GPtrArray *report_guests(Store *store, Host *host, GError **error);

/**
 * report_guest: one guest, with its blocks
 * @store: xenstore
 * @host: the hypervisor
 * @who: its name or domid; a name wins
 * @error: set on failure
 *
 * Returns: the guest, to be freed with report_guest_free(), or NULL
 */
ReportGuest *report_guest(Store *store, Host *host, const char *who,
                          GError **error);

/**
 * report_read_blocks: read a guest's blocks
 * @guest: a guest without blocks
 * @store: xenstore
 */
void report_read_blocks(ReportGuest *guest, Store *store);

/**
 * report_printable: a value as it can be shown
 * @text: any bytes
 *
 * Returns: a new string, owned by the caller: UTF-8, without anything that
 * would move a terminal's cursor
 */
char *report_printable(const char *text);

/**
 * report_guest_free: forget a guest
 * @guest: the guest, or NULL
 */
void report_guest_free(ReportGuest *guest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportGuest, report_guest_free)

#endif /* TOOLSTACK_REPORT_H */
