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
        .known = known,
        .settled = true,
    };
}

void grant_clear(Grant *grant)
{
    g_clear_pointer(&grant->record_path, g_free);
}

uint32_t grant_kib(const Grant *grant)
{
    return grant->recorded ? grant->record.grant_kib : 0;
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
    g_info("domain %u: max_pages was set to %" G_GUINT64_FORMAT " by another "
           "program; is %" G_GUINT64_FORMAT " now, with the grant of %u KiB",
           grant->domid, found_pages, limit_pages, kib);
    grant->settled = true;
    return true;
}

bool grant_hold(Grant *grant, Store *store, Host *host, uint64_t *limit_pages)
{
    uint64_t limit;
    uint32_t kib;

    if (!grant->known && !read_record(grant, store)) {
        return false;
    }
    if (!grant->recorded) {
        return true;
    }
    limit = device_memory_record_recover(&grant->record, *limit_pages, &kib);
    if (limit != *limit_pages &&
        !add_again(grant, store, host, kib, *limit_pages, limit)) {
        return false;
    }
    if (grant->record.previous_limit_pages != grant->record.limit_pages) {
        grant->settled = false;     /* read from an earlier process */
    }
    grant->record = settled_record(kib, limit);
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

bool grant_settle(Grant *grant, Store *store)
{
    if (grant->settled) {
        return true;
    }
    grant->settled = write_record(grant, store, &grant->record);
    return grant->settled;
}
