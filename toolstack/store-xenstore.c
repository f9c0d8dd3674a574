/*
 * The real xenstore
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "store-xenstore.h"

/* How often a transaction is tried again when others were in its way. */
#define TRANSACTION_ATTEMPTS 16

typedef struct XenStore {
    Store store;
    struct xs_handle *nodes;
    struct xs_handle *watches;
    unsigned domid;         /* the domain that we are */
} XenStore;

static XenStore *of_store(Store *store)
{
    return (XenStore *)store;
}

static struct xs_handle *nodes_of(Store *store)
{
    return of_store(store)->nodes;
}

static char *read_node(struct xs_handle *xs, const char *path)
{
    unsigned len;
    char *data = xs_read(xs, XBT_NULL, path, &len);
    char *value;

    if (!data) {
        return NULL;
    }
    value = g_malloc(len + 1);
    for (unsigned i = 0; i < len; i++) {
        value[i] = data[i] ? data[i] : '?';
    }
    value[len] = '\0';
    free(data);
    return value;
}

static char *xenstore_read(Store *store, const char *path)
{
    return read_node(nodes_of(store), path);
}

static bool xenstore_write(Store *store, const char *path, const char *value)
{
    return xs_write(nodes_of(store), XBT_NULL, path, value, strlen(value));
}

static bool xenstore_publish(Store *store, const char *path,
                             const char *value)
{
    struct xs_permissions readable = {
        .id = of_store(store)->domid,
        .perms = XS_PERM_READ,
    };

    return xenstore_write(store, path, value) &&
           xs_set_permissions(nodes_of(store), XBT_NULL, path, &readable, 1);
}

static bool xenstore_remove(Store *store, const char *path)
{
    return xs_rm(nodes_of(store), XBT_NULL, path);
}

static char **xenstore_list(Store *store, const char *path)
{
    unsigned n;
    char **data = xs_directory(nodes_of(store), XBT_NULL, path, &n);
    char **names;

    if (!data) {
        return NULL;
    }
    names = g_new(char *, n + 1);
    for (unsigned i = 0; i < n; i++) {
        names[i] = g_strdup(data[i]);
    }
    names[n] = NULL;
    free(data);
    return names;
}

static bool is_empty(struct xs_handle *xs, xs_transaction_t t,
                     const char *path)
{
    unsigned n, len;
    char **names = xs_directory(xs, t, path, &n);
    char *value = xs_read(xs, t, path, &len);
    bool empty = names && value && !n && !len;

    free(names);
    free(value);
    return empty;
}

/* In a transaction, so that nothing is made below in the meantime. */
static bool xenstore_remove_empty(Store *store, const char *path)
{
    struct xs_handle *xs = nodes_of(store);

    for (int i = 0; i < TRANSACTION_ATTEMPTS; i++) {
        xs_transaction_t t = xs_transaction_start(xs);
        bool remove;

        if (t == XBT_NULL) {
            return false;
        }
        remove = is_empty(xs, t, path) && xs_rm(xs, t, path);
        if (xs_transaction_end(xs, t, !remove)) {
            errno = remove ? 0 : ENOTEMPTY;
            return remove;
        }
        if (errno != EAGAIN) {
            return false;
        }
    }
    return false;
}

static bool xenstore_watch(Store *store, const char *path)
{
    return xs_watch(of_store(store)->watches, path, path);
}

static bool xenstore_unwatch(Store *store, const char *path)
{
    return xs_unwatch(of_store(store)->watches, path, path);
}

static const StoreOps xenstore_ops = {
    .read = xenstore_read,
    .write = xenstore_write,
    .publish = xenstore_publish,
    .remove = xenstore_remove,
    .remove_empty = xenstore_remove_empty,
    .list = xenstore_list,
    .watch = xenstore_watch,
    .unwatch = xenstore_unwatch,
};

/* Domain 0 is that before its tools have written it anywhere. */
static unsigned own_domid(struct xs_handle *xs)
{
    g_autofree char *value = read_node(xs, "domid");

    return value ? g_ascii_strtoull(value, NULL, 10) : 0;
}

Store *store_xenstore_open(GError **error)
{
    XenStore *xen_store = g_new0(XenStore, 1);

    xen_store->store.ops = &xenstore_ops;
    xen_store->nodes = xs_open(0);
    xen_store->watches = xen_store->nodes ? xs_open(0) : NULL;
    if (!xen_store->watches) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot reach xenstored: %s; %s", g_strerror(errno),
                    geteuid() ? "must be run as root"
                              : "is this domain 0, and is Xen running?");
        store_xenstore_close(&xen_store->store);
        return NULL;
    }
    xen_store->domid = own_domid(xen_store->nodes);
    return &xen_store->store;
}

void store_xenstore_close(Store *store)
{
    if (store) {
        xs_close(of_store(store)->nodes);
        xs_close(of_store(store)->watches);
        g_free(store);
    }
}

int store_xenstore_watch_fd(Store *store)
{
    return xs_fileno(of_store(store)->watches);
}

char *store_xenstore_next_event(Store *store)
{
    char **event = xs_check_watch(of_store(store)->watches);
    char *path;

    if (!event) {
        return NULL;
    }
    path = g_strdup(event[XS_WATCH_PATH]);
    free(event);
    return path;
}
