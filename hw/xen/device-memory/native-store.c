/*
 * Device memory: the store on real Xen (libxenstore)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "hw/xen/device-memory-protocol.h"
#include "native-store.h"

#define US_PER_MS 1000

struct NativeStore {
    struct xs_handle *xs;
    char *base;             /* D, relative to our own domain's node */
    void (*changed)(void *opaque);
    void *opaque;
};

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

static char *full_path(const NativeStore *store, const char *path)
{
    return path[0] == '/' ? g_strdup(path)
                          : g_strdup_printf("%s/%s", store->base, path);
}

/* --- nodes --- */

static int store_read(void *opaque, const char *path, char **value)
{
    NativeStore *store = opaque;
    g_autofree char *full = full_path(store, path);
    unsigned len;
    char *data = xs_read(store->xs, XBT_NULL, full, &len);

    if (!data) {
        return last_error();
    }
    /* The value is the peer's: it may hold a NUL, and ends there then. */
    *value = g_strndup(data, len);
    free(data);
    return 0;
}

static int store_write(void *opaque, const char *path, const char *value)
{
    NativeStore *store = opaque;
    g_autofree char *full = full_path(store, path);

    return xs_write(store->xs, XBT_NULL, full, value, strlen(value))
           ? 0 : last_error();
}

static int store_remove(void *opaque, const char *path)
{
    NativeStore *store = opaque;
    g_autofree char *full = full_path(store, path);

    if (xs_rm(store->xs, XBT_NULL, full) || errno == ENOENT) {
        return 0;
    }
    return last_error();
}

/* --- waiting --- */

void native_store_drain(NativeStore *store)
{
    char **event;

    while ((event = xs_check_watch(store->xs))) {
        if (!strcmp(event[XS_WATCH_TOKEN], DEVICE_MEMORY_PATH_VERSION)) {
            store->changed(store->opaque);
        }
        free(event);
    }
}

static int64_t store_now(void *opaque)
{
    return g_get_monotonic_time();
}

static int store_wait(void *opaque, int64_t deadline)
{
    NativeStore *store = opaque;
    int64_t left_us = deadline - g_get_monotonic_time();
    struct pollfd pfd = { .fd = xs_fileno(store->xs), .events = POLLIN };
    int ret;

    if (left_us <= 0) {
        return -ETIMEDOUT;
    }
    ret = poll(&pfd, 1, MIN((left_us - 1) / US_PER_MS + 1, INT_MAX));
    if (ret < 0) {
        return errno == EINTR ? 0 : last_error();
    }
    if (pfd.revents & (POLLERR | POLLHUP | POLLNVAL)) {
        return -EIO;
    }
    native_store_drain(store);
    return 0;
}

const DeviceMemoryStoreOps native_store_ops = {
    .read = store_read,
    .write = store_write,
    .remove = store_remove,
    .wait = store_wait,
    .now = store_now,
};

/* --- the store --- */

/* The token of a watch is the path as the protocol has it. */
static bool watch(NativeStore *store, const char *path, char **unwatched)
{
    g_autofree char *full = full_path(store, path);
    bool watched = xs_watch(store->xs, full, path);

    *unwatched = watched ? NULL : g_steal_pointer(&full);
    return watched;
}

NativeStore *native_store_open(uint32_t domid, void (*changed)(void *opaque),
                               void *opaque, char **unwatched)
{
    NativeStore *store = g_new0(NativeStore, 1);
    int error;

    store->base = g_strdup_printf("device-model/%" PRIu32 "/device-memory",
                                  domid);
    store->changed = changed;
    store->opaque = opaque;
    *unwatched = NULL;
    store->xs = xs_open(0);
    if (store->xs && watch(store, DEVICE_MEMORY_NODE_ANSWER, unwatched) &&
        watch(store, DEVICE_MEMORY_PATH_VERSION, unwatched)) {
        return store;
    }
    error = errno;
    native_store_close(store);
    errno = error;
    return NULL;
}

void native_store_close(NativeStore *store)
{
    if (store) {
        xs_close(store->xs);
        g_free(store->base);
        g_free(store);
    }
}

int native_store_fileno(const NativeStore *store)
{
    return xs_fileno(store->xs);
}
