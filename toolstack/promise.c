/*
 * Host memory that is promised and not yet taken
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/xen/device-memory-protocol.h"
#include "promise.h"

static void raise_promise(Promise *promise, uint64_t limit_pages,
                          uint64_t used_pages, uint64_t more_pages)
{
    uint64_t from = MAX(promise->until_pages,
                        MIN(used_pages, limit_pages));

    promise->until_pages = from + more_pages;
}

static void lower_promise(Promise *promise, uint64_t less_pages)
{
    promise->until_pages -= MIN(promise->until_pages, less_pages);
}

void promise_change(Promise *promise, uint64_t limit_pages,
                    uint64_t used_pages, uint32_t before_kib,
                    uint32_t after_kib)
{
    uint64_t before = before_kib / DEVICE_MEMORY_PAGE_KIB;
    uint64_t after = after_kib / DEVICE_MEMORY_PAGE_KIB;

    promise_pages(promise, limit_pages, used_pages, before_kib);
    if (after > before) {
        raise_promise(promise, limit_pages, used_pages, after - before);
    } else {
        lower_promise(promise, before - after);
    }
}

uint64_t promise_pages(Promise *promise, uint64_t limit_pages,
                       uint64_t used_pages, uint32_t grant_kib)
{
    uint64_t wanted;

    if (used_pages >= promise->until_pages) {
        promise->until_pages = 0;
        return 0;
    }
    wanted = MIN(promise->until_pages - used_pages,
                 grant_kib / DEVICE_MEMORY_PAGE_KIB);
    return MIN(wanted, limit_pages - MIN(limit_pages, used_pages));
}
