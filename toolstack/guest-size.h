/*
 * What libxl has written about a guest's size
 *
 * Concepts
 * - libxl sets max_pages and then writes the size that it was told, both
 *   under its lock for the domain: "xl mem-set" writes memory/target,
 *   "xl mem-max" writes memory/static-max.
 * - So a size that has changed, and a limit that follows from it, say that
 *   libxl has set the limit in the meantime.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_GUEST_SIZE_H
#define TOOLSTACK_GUEST_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/* What libxl adds to a size to get max_pages, in KiB. */
#define GUEST_SIZE_SLACK_KIB 1024

/* Nodes of a domain; the first two are written as described above. */
#define GUEST_SIZE_NODE_TARGET     "memory/target"
#define GUEST_SIZE_NODE_STATIC_MAX "memory/static-max"
#define GUEST_SIZE_NODE_VIDEORAM   "memory/videoram"

typedef struct GuestSize {
    bool known;             /* both could be read */
    uint64_t target_kib;    /* without the video memory */
    uint64_t static_max_kib;
} GuestSize;

/**
 * guest_size_read: the size as it stands in xenstore
 * @store: xenstore
 * @domid: the guest
 */
GuestSize guest_size_read(Store *store, uint32_t domid);

/**
 * guest_size_read_videoram: the guest's video memory in KiB; 0 if none
 * @store: xenstore
 * @domid: the guest
 */
uint64_t guest_size_read_videoram(Store *store, uint32_t domid);

/**
 * guest_size_same: are they the same?
 * @a: a size
 * @b: a size
 */
bool guest_size_same(const GuestSize *a, const GuestSize *b);

/**
 * guest_size_sets_limit: has libxl set the limit between two looks, to what
 * it is?
 * @before: the size at the first look
 * @now: the size at the second
 * @videoram_kib: the guest's video memory
 * @limit_pages: max_pages at the second look
 *
 * Pure; docs/specs/device-memory.rst has numbered examples.
 *
 * Returns: false also if either size is not known
 */
bool guest_size_sets_limit(const GuestSize *before, const GuestSize *now,
                           uint64_t videoram_kib, uint64_t limit_pages);

/**
 * guest_size_may_have_limit: is a limit one that libxl sets for a size?
 * @size: the size, known
 * @videoram_kib: the guest's video memory
 * @limit_pages: max_pages, without what others have added
 *
 * Which of its programs has set the limit last is not known, so it may follow
 * from the target or from the maximum.  The target that libxl writes when it
 * builds a guest with a larger maximum is smaller by GUEST_SIZE_SLACK_KIB.
 */
bool guest_size_may_have_limit(const GuestSize *size, uint64_t videoram_kib,
                               uint64_t limit_pages);

/**
 * guest_size_format: a size as it is noted beside a record
 * @size: the size, known
 * @record: the record that held when it was read
 *
 * Returns: a new string, owned by the caller
 */
char *guest_size_format(const GuestSize *size, const char *record);

/**
 * guest_size_parse: read such a note
 * @text: the note, or NULL
 * @record: the record that holds now
 *
 * Returns: a size that is not known unless the note was made with @record
 */
GuestSize guest_size_parse(const char *text, const char *record);

#endif /* TOOLSTACK_GUEST_SIZE_H */
