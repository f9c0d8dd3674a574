/*
 * What libxl has written about a guest's size
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "guest-size.h"
#include "hw/xen/device-memory-protocol.h"
#include "path.h"

/* The largest size that is understood, in KiB: 4 EiB. */
#define SIZE_MAX_KIB (UINT64_MAX >> 12)

static bool read_kib(Store *store, uint32_t domid, const char *node,
                     uint64_t *kib)
{
    g_autofree char *path = path_domain_node(domid, node);
    g_autofree char *value = store_read(store, path);

    return value && device_memory_parse_number(value, strlen(value),
                                               SIZE_MAX_KIB, kib);
}

GuestSize guest_size_read(Store *store, uint32_t domid)
{
    GuestSize size = { 0 };

    size.known = read_kib(store, domid, GUEST_SIZE_NODE_TARGET,
                          &size.target_kib) &&
                 read_kib(store, domid, GUEST_SIZE_NODE_STATIC_MAX,
                          &size.static_max_kib);
    return size;
}

uint64_t guest_size_read_videoram(Store *store, uint32_t domid)
{
    uint64_t kib = 0;

    read_kib(store, domid, GUEST_SIZE_NODE_VIDEORAM, &kib);
    return kib;
}

bool guest_size_same(const GuestSize *a, const GuestSize *b)
{
    return a->known == b->known && a->target_kib == b->target_kib &&
           a->static_max_kib == b->static_max_kib;
}

static uint64_t limit_of(uint64_t kib)
{
    return (kib + GUEST_SIZE_SLACK_KIB) / DEVICE_MEMORY_PAGE_KIB;
}

bool guest_size_sets_limit(const GuestSize *before, const GuestSize *now,
                           uint64_t videoram_kib, uint64_t limit_pages)
{
    if (!before->known || !now->known) {
        return false;
    }
    return (now->target_kib != before->target_kib &&
            limit_of(now->target_kib + videoram_kib) == limit_pages) ||
           (now->static_max_kib != before->static_max_kib &&
            limit_of(now->static_max_kib) == limit_pages);
}

bool guest_size_may_have_limit(const GuestSize *size, uint64_t videoram_kib,
                               uint64_t limit_pages)
{
    uint64_t kib = size->target_kib + videoram_kib;

    return limit_pages == limit_of(kib) ||
           limit_pages == limit_of(size->static_max_kib) ||
           (size->static_max_kib > kib &&
            limit_pages == limit_of(kib + GUEST_SIZE_SLACK_KIB));
}

char *guest_size_format(const GuestSize *size, const char *record)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s",
                           size->target_kib, size->static_max_kib, record);
}

static bool take_number(const char **text, uint64_t *number)
{
    size_t len = strcspn(*text, " ");

    if (!(*text)[len] ||
        !device_memory_parse_number(*text, len, SIZE_MAX_KIB, number)) {
        return false;
    }
    *text += len + 1;
    return true;
}

GuestSize guest_size_parse(const char *text, const char *record)
{
    GuestSize size = { 0 };

    if (text && take_number(&text, &size.target_kib) &&
        take_number(&text, &size.static_max_kib) && !strcmp(text, record)) {
        size.known = true;
        return size;
    }
    return (GuestSize) { 0 };
}
