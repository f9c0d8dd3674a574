/*
 * xenstore, as the toolstack needs it
 *
 * Concepts
 * - A table of operations, so that everything above it runs without Xen.
 * - Paths are absolute; values are text without a NUL.
 * - A failed operation sets errno, as libxenstore does: ENOENT for a node
 *   that is not there.
 *
 * store-xenstore.c has the real one, the unit tests have another.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_STORE_H
#define TOOLSTACK_STORE_H

#include <glib.h>
#include <stdbool.h>

typedef struct Store Store;

typedef struct StoreOps {
    /* A new string, or NULL.  A NUL within the value is given as '?'. */
    char *(*read)(Store *store, const char *path);

    /* Make or change a node; its parents are made as needed. */
    bool (*write)(Store *store, const char *path, const char *value);

    /* Write, and let every domain read the node but only our own write it. */
    bool (*publish)(Store *store, const char *path, const char *value);

    /* Remove a node and all below it. */
    bool (*remove)(Store *store, const char *path);

    /* Remove a node if nothing is below it and its value is empty. */
    bool (*remove_empty)(Store *store, const char *path);

    /* The names of the nodes below a node; a new list, or NULL. */
    char **(*list)(Store *store, const char *path);

    /* Be told of changes of a node and of all below it; or no longer. */
    bool (*watch)(Store *store, const char *path);
    bool (*unwatch)(Store *store, const char *path);
} StoreOps;

/* The first member of each implementation. */
struct Store {
    const StoreOps *ops;
};

static inline char *store_read(Store *store, const char *path)
{
    return store->ops->read(store, path);
}

static inline bool store_write(Store *store, const char *path,
                               const char *value)
{
    return store->ops->write(store, path, value);
}

static inline bool store_publish(Store *store, const char *path,
                                 const char *value)
{
    return store->ops->publish(store, path, value);
}

static inline bool store_remove(Store *store, const char *path)
{
    return store->ops->remove(store, path);
}

static inline bool store_remove_empty(Store *store, const char *path)
{
    return store->ops->remove_empty(store, path);
}

static inline char **store_list(Store *store, const char *path)
{
    return store->ops->list(store, path);
}

static inline bool store_watch(Store *store, const char *path)
{
    return store->ops->watch(store, path);
}

static inline bool store_unwatch(Store *store, const char *path)
{
    return store->ops->unwatch(store, path);
}

#endif /* TOOLSTACK_STORE_H */
