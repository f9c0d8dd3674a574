/*
 * Device memory: the store on real Xen (libxenstore)
 *
 * Concepts
 * - D, the device model's node, is named relative to the domain that this
 *   process runs in: domain 0 or a stub domain, without having to know which.
 * - The connection is one of our own: it is read while we wait, when the main
 *   loop does not run, and what comes then has to be seen.
 * - libxenstore is asked from one thread.
 *
 * GLib and libxenstore only; no QEMU headers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_NATIVE_STORE_H
#define HW_XEN_DEVICE_MEMORY_NATIVE_STORE_H

#include "hw/xen/device-memory-ops.h"

typedef struct NativeStore NativeStore;

/**
 * native_store_open: reach xenstore, and watch what the toolstack writes
 * @domid: the guest
 * @changed: called from the op "wait" and from native_store_drain() when a
 *           toolstack may have come or gone
 * @opaque: its argument
 * @unwatched: set, on failure, to the path that cannot be watched, a new string
 *             to be freed with g_free(); or to NULL: there is no xenstore
 *
 * Returns: the store, to be closed with native_store_close(); or NULL, and
 * errno is set
 */
NativeStore *native_store_open(uint32_t domid, void (*changed)(void *opaque),
                               void *opaque, char **unwatched);

/**
 * native_store_close: let go of it
 * @store: the store, or NULL
 */
void native_store_close(NativeStore *store);

/**
 * native_store_fileno: what becomes readable when a watch fires
 * @store: the store
 *
 * Returns: a file descriptor, which stays the store's
 */
int native_store_fileno(const NativeStore *store);

/**
 * native_store_drain: take what has arrived, so that the descriptor is quiet
 * @store: the store
 */
void native_store_drain(NativeStore *store);

/* Their opaque argument is a NativeStore. */
extern const DeviceMemoryStoreOps native_store_ops;

#endif /* HW_XEN_DEVICE_MEMORY_NATIVE_STORE_H */
