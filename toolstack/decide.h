/*
 * The decisions: what to answer, and whom
 *
 * Pure functions of their arguments; docs/specs/device-memory.rst has
 * numbered examples of each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_DECIDE_H
#define TOOLSTACK_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/xen/device-memory-protocol.h"

/* What a decision goes by. */
typedef struct Circumstances {
    uint32_t grant_kib;     /* what holds now; at least 0 */
    uint32_t cap_kib;       /* the most this domain may have */
    uint64_t free_kib;      /* what the host can give: decide_room() */
} Circumstances;

/* The host's memory. */
typedef struct HostMemory {
    uint64_t free_kib;      /* all that is free */
    uint64_t reserve_kib;   /* what of it is not to be given */
    uint64_t promised_kib;  /* what of it is promised and not taken yet */
} HostMemory;

/**
 * decide_room: what the host can give
 * @memory: its memory
 *
 * Returns: a size in KiB
 */
uint64_t decide_room(const HostMemory *memory);

/**
 * decide_request: answer a request
 * @request: the value of D/request
 * @now: the circumstances
 * @total_kib: set to the total asked for; 0 if @request is malformed
 *
 * Returns: the answer.  When it is a grant, the total is what max_pages must
 * account for before the answer is written.
 */
DeviceMemoryAnswer decide_request(const char *request,
                                  const Circumstances *now,
                                  uint32_t *total_kib);

/**
 * decide_refusal: refuse for a reason that is not in the numbers
 * @request: the value of D/request
 * @now: the circumstances
 * @reason: one of DEVICE_MEMORY_REASON_*
 */
DeviceMemoryAnswer decide_refusal(const char *request,
                                  const Circumstances *now,
                                  const char *reason);

/**
 * decide_headroom: how much a guest that is being built may bring along
 * @cap_kib: its cap
 * @memory: the host's memory; what this guest will take by itself is promised
 *
 * Returns: a size in KiB, a multiple of a page
 */
uint32_t decide_headroom(uint32_t cap_kib, const HostMemory *memory);

/**
 * decide_provisional: how much of the headroom stays when the guest is built
 * @headroom_kib: the headroom
 * @limit_pages: max_pages, with the headroom
 * @used_pages: the pages that the guest has
 *
 * Returns: a size in KiB: what it has beyond the limit that libxl has set
 */
uint32_t decide_provisional(uint32_t headroom_kib, uint64_t limit_pages,
                            uint64_t used_pages);

/**
 * decide_may_ask: may a domain ask for memory for a guest?
 * @dm: the domain whose tree holds the request
 * @domid: the guest
 * @device_model_domid: the value of the guest's image/device-model-domid, or
 *                      NULL; libxl writes it where no guest can
 * @target: the value of the node "target" of @dm, or NULL; likewise
 *
 * Domain 0 may ask for every guest.  Another domain may ask if both nodes say
 * that it is the guest's stub domain.  Nobody may ask for domain 0.
 */
bool decide_may_ask(uint32_t dm, uint32_t domid,
                    const char *device_model_domid, const char *target);

#endif /* TOOLSTACK_DECIDE_H */
