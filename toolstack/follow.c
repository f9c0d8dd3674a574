/*
 * Following what happens to guests and their device memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "asker.h"
#include "follow.h"
#include "path.h"
#include "report.h"

struct Follow {
    Store *store;
    Host *host;
    bool as_json;
    FILE *out;
    GHashTable *names;      /* domid -> name of guests that are there */
    GHashTable *watched;    /* domids whose device models are watched */
    GHashTable *seen;       /* path -> its value when it was last printed */
};

/* Printing */

static void print_text(Follow *follow, const char *time, uint32_t domid,
                       const char *name, const char *event,
                       const char *value)
{
    fprintf(follow->out, "%s domain %u \"%s\" %s%s%s\n", time, domid, name,
            event, *value ? " " : "", value);
}

static void print_json(Follow *follow, const char *time, uint32_t domid,
                       const char *name, const char *event,
                       const char *value)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *line = NULL;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "time");
    json_builder_add_string_value(builder, time);
    json_builder_set_member_name(builder, "domid");
    json_builder_add_int_value(builder, domid);
    json_builder_set_member_name(builder, "name");
    json_builder_add_string_value(builder, name);
    json_builder_set_member_name(builder, "event");
    json_builder_add_string_value(builder, event);
    json_builder_set_member_name(builder, "value");
    json_builder_add_string_value(builder, value);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    line = json_to_string(root, FALSE);
    fprintf(follow->out, "%s\n", line);
}

static void print_event(Follow *follow, uint32_t domid, const char *event,
                        const char *value)
{
    const char *name = g_hash_table_lookup(follow->names,
                                           GUINT_TO_POINTER(domid));
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ");

    (follow->as_json ? print_json : print_text)(follow, time, domid,
                                                name ? name : "", event,
                                                value);
    fflush(follow->out);
}

/* Guests that come and go */

static void update_guests(Follow *follow)
{
    g_autoptr(GPtrArray) guests = report_guests(follow->store, follow->host,
                                                NULL);
    g_autoptr(GHashTable) gone = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, follow->names);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_hash_table_add(gone, key);
    }
    for (unsigned i = 0; guests && i < guests->len; i++) {
        const ReportGuest *guest = guests->pdata[i];

        key = GUINT_TO_POINTER(guest->domain.domid);
        if (!g_hash_table_remove(gone, key)) {
            g_hash_table_insert(follow->names, key, g_strdup(guest->name));
            print_event(follow, guest->domain.domid, "appeared", "");
        }
    }
    g_hash_table_iter_init(&iter, gone);
    while (guests && g_hash_table_iter_next(&iter, &key, NULL)) {
        print_event(follow, GPOINTER_TO_UINT(key), "gone", "");
        g_hash_table_remove(follow->names, key);
    }
}

/*
 * Device models run in domain 0, or in a stub domain: of every domain the one
 * directory is watched, for what is a stub domain is known only later.
 */
static bool watch_device_models(Follow *follow, uint32_t dm)
{
    g_autofree char *device_models = path_device_models(dm);

    return g_hash_table_contains(follow->watched, GUINT_TO_POINTER(dm)) ||
           (store_watch(follow->store, device_models) &&
            g_hash_table_add(follow->watched, GUINT_TO_POINTER(dm)));
}

static gboolean has_gone(gpointer key, gpointer value, gpointer opaque)
{
    Follow *follow = opaque;
    uint32_t dm = GPOINTER_TO_UINT(key);
    g_autofree char *device_models = path_device_models(dm);
    HostDomain found;

    if (!dm || host_domain(follow->host, dm, &found)) {
        return FALSE;
    }
    store_unwatch(follow->store, device_models);
    return TRUE;
}

static void update_watches(Follow *follow)
{
    g_autoptr(GArray) all = host_all_domains(follow->host);

    g_hash_table_foreach_remove(follow->watched, has_gone, follow);
    for (unsigned i = 0; all && i < all->len; i++) {
        watch_device_models(follow,
                            g_array_index(all, HostDomain, i).domid);
    }
}

static void update_domains(Follow *follow)
{
    update_watches(follow);
    update_guests(follow);
}

/* Nodes */

/* Returns: whether the path's value is another than was last printed */
static bool is_news(Follow *follow, const char *path, const char *value)
{
    const char *before = g_hash_table_lookup(follow->seen, path);

    if (!value) {
        g_hash_table_remove(follow->seen, path);
        return false;
    }
    if (before && !strcmp(before, value)) {
        return false;
    }
    g_hash_table_insert(follow->seen, g_strdup(path), g_strdup(value));
    return true;
}

/* A record is news if what holds is; that it is settled is not. */
static char *describe_record(const char *value)
{
    DeviceMemoryRecord record;

    if (!device_memory_record_parse(value, &record)) {
        return g_strdup_printf("cannot be read: %s", value);
    }
    return g_strdup_printf("%u KiB, limit %" G_GUINT64_FORMAT " pages",
                           record.grant_kib, record.limit_pages);
}

static void node_event(Follow *follow, const char *path, uint32_t domid,
                       const char *event)
{
    g_autofree char *found = store_read(follow->store, path);
    g_autofree char *shown = found ? report_printable(found) : NULL;
    g_autofree char *value = NULL;

    if (shown && !strcmp(event, "grant")) {
        value = describe_record(shown);
    } else {
        value = g_strdup(shown);
    }
    if (is_news(follow, path, value)) {
        if (!g_hash_table_contains(follow->names, GUINT_TO_POINTER(domid))) {
            update_guests(follow);
        }
        print_event(follow, domid, event, value);
    }
}

void follow_event(Follow *follow, const char *path)
{
    g_autofree char *event = NULL;
    uint32_t dm, domid;

    if (path[0] == '@') {
        update_domains(follow);
    } else if (path_followed(path, &dm, &domid, &event) &&
               (!dm || asker_may_ask(follow->store, dm, domid))) {
        node_event(follow, path, domid, event);
    }
}

Follow *follow_new(Store *store, Host *host, bool as_json, FILE *out)
{
    Follow *follow = g_new0(Follow, 1);

    follow->store = store;
    follow->host = host;
    follow->as_json = as_json;
    follow->out = out;
    follow->names = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    follow->watched = g_hash_table_new(NULL, NULL);
    follow->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                         g_free);
    update_guests(follow);
    if (!store_watch(store, PATH_INTRODUCE) ||
        !store_watch(store, PATH_RELEASE) ||
        !store_watch(store, PATH_LIBXL) ||
        !watch_device_models(follow, 0)) {
        follow_free(follow);
        return NULL;
    }
    update_watches(follow);
    return follow;
}

void follow_free(Follow *follow)
{
    if (follow) {
        g_hash_table_unref(follow->names);
        g_hash_table_unref(follow->watched);
        g_hash_table_unref(follow->seen);
        g_free(follow);
    }
}
