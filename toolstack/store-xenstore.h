/*
 * The real xenstore
 *
 * Concepts
 * - Two connections: one for watches, whose library reads it in a thread of
 *   its own, and one for all else, which therefore needs no thread and
 *   answers sooner.
 * - xenstored serialises the two: what a watch event tells of can be read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_STORE_XENSTORE_H
#define TOOLSTACK_STORE_XENSTORE_H

#include "store.h"

/**
 * store_xenstore_open: connect to xenstored
 * @error: set on failure
 *
 * Returns: the store, to be closed with store_xenstore_close(), or NULL
 */
Store *store_xenstore_open(GError **error);

/**
 * store_xenstore_close: disconnect; all watches end
 * @store: the store, or NULL
 */
void store_xenstore_close(Store *store);

/**
 * store_xenstore_watch_fd: what becomes readable when a watch has fired
 * @store: the store
 */
int store_xenstore_watch_fd(Store *store);

/**
 * store_xenstore_next_event: take one watch event
 * @store: the store
 *
 * Returns: the path that has changed, a new string, or NULL with errno; EAGAIN
 * if there is none now
 */
char *store_xenstore_next_event(Store *store);

#endif /* TOOLSTACK_STORE_XENSTORE_H */
