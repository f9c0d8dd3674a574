/*
 * One domain's grant, and how it survives a crash
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "grant.h"
#include "path.h"

static DeviceMemoryRecord settled_record(uint32_t kib, uint64_t limit_pages)
{
    return (DeviceMemoryRecord) {
        .grant_kib = kib,
        .limit_pages = limit_pages,
        .previous_grant_kib = kib,
        .previous_limit_pages = limit_pages,
    };
}

static bool write_record(Grant *grant, Store *store,
                         const DeviceMemoryRecord *record)
{
    g_autofree char *value = device_memory_record_format(record);

    return store_write(store, grant->record_path, value);
}

void grant_init(Grant *grant, uint32_t domid, bool known)
{
    *grant = (Grant) {
        .domid = domid,
        .record_path = path_libxl_node(domid, PATH_LIBXL_RECORD),
        .size_path = path_libxl_node(domid, PATH_LIBXL_SIZE),
        .known = known,
        .settled = true,
    };
}

void grant_clear(Grant *grant)
{
    g_clear_pointer(&grant->record_path, g_free);
    g_clear_pointer(&grant->size_path, g_free);
}

uint32_t grant_kib(const Grant *grant)
{
    return grant->recorded ? grant->record.grant_kib : 0;
}

static void read_size_note(Grant *grant, Store *store, const char *record)
{
    g_autofree char *note = store_read(store, grant->size_path);

    grant->size = guest_size_parse(note, record);
}

static bool read_record(Grant *grant, Store *store)
{
    g_autofree char *value = store_read(store, grant->record_path);

    if (!value && errno != ENOENT) {
        return false;
    }
    grant->recorded = value && device_memory_record_parse(value,
                                                          &grant->record);
    if (value && !grant->recorded) {
        g_autofree char *shown = g_strescape(value, NULL);

        g_warning("domain %u: the record \"%.*s\" cannot be read; it is "
                  "treated as none", grant->domid, DEVICE_MEMORY_VALUE_MAX,
                  shown);
    }
    if (grant->recorded) {
        read_size_note(grant, store, value);
    }
    grant->known = true;
    return true;
}

/*
 * Another program has set the limit.  The record says the same before and
 * after, so that a crash in between leaves a limit that is neither, and the
 * grant is added again.
 */
static bool add_again(Grant *grant, Store *store, Host *host, uint32_t kib,
                      uint64_t found_pages, uint64_t limit_pages)
{
    DeviceMemoryRecord record = settled_record(kib, limit_pages);

    if (limit_pages > HOST_LIMIT_MAX) {
        errno = ERANGE;
        return false;
    }
    if (!write_record(grant, store, &record) ||
        !host_set_limit(host, grant->domid, limit_pages)) {
        return false;
    }
    grant->record = record;
    g_info("domain %u: max_pages was set to %" G_GUINT64_FORMAT " by another "
           "program; is %" G_GUINT64_FORMAT " now, with the grant of %u KiB",
           grant->domid, found_pages, limit_pages, kib);
    return true;
}

bool grant_hold(Grant *grant, Store *store, Host *host, uint64_t *limit_pages)
{
    uint64_t limit;
    uint32_t kib;

    if (!grant->known && !read_record(grant, store)) {
        return false;
    }
    grant->held_kib = 0;
    if (!grant->recorded) {
        return true;
    }
    limit = device_memory_record_recover(&grant->record, *limit_pages, &kib);
    if (limit != *limit_pages) {
        if (!add_again(grant, store, host, kib, *limit_pages, limit)) {
            return false;
        }
        /* The size that goes with what was found; not to be added twice. */
        grant->size = guest_size_read(store, grant->domid);
        grant->settled = false;
    }
    if (grant->record.previous_limit_pages != grant->record.limit_pages) {
        grant->settled = false;     /* read from an earlier process */
    }
    grant->record = settled_record(kib, limit);
    grant->held_kib = kib;
    grant->held_limit_pages = limit;
    *limit_pages = limit;
    return true;
}

bool grant_change(Grant *grant, Store *store, Host *host, uint32_t total_kib,
                  uint64_t limit_pages)
{
    DeviceMemoryRecord record = settled_record(grant_kib(grant), limit_pages);
    int64_t more = ((int64_t)total_kib - record.grant_kib) /
                   DEVICE_MEMORY_PAGE_KIB;
    int64_t limit = (int64_t)limit_pages + more;

    if (limit < 0 || limit > (int64_t)HOST_LIMIT_MAX) {
        errno = ERANGE;
        return false;
    }
    record.grant_kib = total_kib;
    record.limit_pages = limit;
    if (!write_record(grant, store, &record)) {
        return false;
    }
    grant->settled = false;
    grant->recorded = true;
    if (!host_set_limit(host, grant->domid, limit)) {
        grant->record = settled_record(record.previous_grant_kib,
                                       limit_pages);
        return false;
    }
    grant->record = settled_record(total_kib, limit);
    return true;
}

/* libxl has set what is now on the record: what was held is not in it. */
static bool add_what_was_held(Grant *grant, Store *store, Host *host)
{
    uint64_t limit = grant->record.limit_pages;

    return add_again(grant, store, host, grant_kib(grant),
                     grant->held_limit_pages,
                     limit + grant->held_kib / DEVICE_MEMORY_PAGE_KIB);
}

bool grant_confirm(Grant *grant, Store *store, Host *host)
{
    uint32_t held_kib = grant->held_kib;
    GuestSize now;

    if (!held_kib && !grant_kib(grant)) {
        return true;
    }
    now = guest_size_read(store, grant->domid);
    if (guest_size_same(&grant->size, &now)) {
        return true;
    }
    if (held_kib &&
        guest_size_sets_limit(&grant->size, &now,
                              guest_size_read_videoram(store, grant->domid),
                              grant->held_limit_pages) &&
        !add_what_was_held(grant, store, host)) {
        return false;
    }
    grant->size = now;
    grant->settled = false;
    return true;
}

/* The note of the size names the record, so that one counts only with it. */
bool grant_settle(Grant *grant, Store *store)
{
    g_autofree char *record = NULL;
    g_autofree char *note = NULL;

    if (grant->settled) {
        return true;
    }
    if (!write_record(grant, store, &grant->record)) {
        return false;
    }
    if (grant->size.known) {
        record = device_memory_record_format(&grant->record);
        note = guest_size_format(&grant->size, record);
        if (!store_write(store, grant->size_path, note)) {
            return false;
        }
    }
    grant->settled = true;
    return true;
}
