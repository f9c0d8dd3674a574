/*
 * Device memory: what the device model's side needs from its surroundings
 *
 * Concepts
 * - Two facilities, two small tables: the store (how device model and
 *   toolstack talk) and the pages (how guest pages are taken and given back).
 * - Each table has two implementations: native (libxenstore, libxenctrl) and
 *   emulated (a toolstack and a domain modelled in this process).
 * - An implementation's state travels as @opaque, the first argument.
 * - All functions return 0 or -errno; none exits.
 * - Paths are those of docs/specs/device-memory.rst: absolute, or relative to
 *   the device model's node D.
 *
 * GLib only; no QEMU and no Xen headers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_OPS_H
#define HW_XEN_DEVICE_MEMORY_OPS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct DeviceMemoryStoreOps {
    /**
     * @read: a node's value
     * @path: the node
     * @value: set to a new NUL-terminated string, to be freed with g_free()
     *
     * Returns: 0; -ENOENT if there is no such node; another -errno if the
     * store cannot be reached (-EBADF after -xen-domid-restrict)
     */
    int (*read)(void *opaque, const char *path, char **value);

    /**
     * @write: set a node, making it if need be
     *
     * Returns: 0 or -errno
     */
    int (*write)(void *opaque, const char *path, const char *value);

    /**
     * @remove: remove a node; one that does not exist is no error
     *
     * Returns: 0 or -errno
     */
    int (*remove)(void *opaque, const char *path);

    /**
     * @wait: sleep until D/answer may have changed
     * @deadline: when to give up, as @now counts
     *
     * May return early and for no reason; the caller looks for itself.
     *
     * Returns: 0; -ETIMEDOUT once @deadline has passed; another -errno if the
     * store cannot be reached
     */
    int (*wait)(void *opaque, int64_t deadline);

    /**
     * @now: a clock that never goes back, in microseconds
     */
    int64_t (*now)(void *opaque);
} DeviceMemoryStoreOps;

typedef struct DeviceMemoryPageOps {
    /**
     * @populate: have Xen put pages at [gfn, gfn + pages)
     * @done: set to how many it gave, from the first on, also on failure
     *
     * Returns: 0 if it gave them all, else -errno: -ENOMEM when Xen gave
     * fewer (max_pages reached, or the host is out of memory)
     */
    int (*populate)(void *opaque, uint64_t gfn, uint32_t pages,
                    uint32_t *done);

    /**
     * @release: give the pages at [gfn, gfn + pages) back to Xen
     *
     * Returns: 0 or -errno
     */
    int (*release)(void *opaque, uint64_t gfn, uint32_t pages);

    /**
     * @move: put the pages at [from, from + pages) at [to, to + pages)
     *
     * The two runs do not overlap.  Works after -xen-domid-restrict.
     *
     * Returns: 0 or -errno; on failure some pages may have moved
     */
    int (*move)(void *opaque, uint64_t from, uint64_t to, uint32_t pages);

    /**
     * @bring_back: a block is about to go whose pages may have been moved, to
     * a BAR: have them where they were populated.  Optional.
     * @gfn: where the block begins
     *
     * A failure shows when the pages are released.
     */
    void (*bring_back)(void *opaque, uint64_t gfn);

    /**
     * @map: make pages of the guest readable and writable here.  Optional:
     * without it QEMU's own way of mapping is used.
     * @host: set to the mapping
     *
     * Works after -xen-domid-restrict.
     *
     * Returns: 0 or -errno
     */
    int (*map)(void *opaque, uint64_t gfn, uint32_t pages, void **host);

    /**
     * @unmap: the reverse of @map
     */
    void (*unmap)(void *opaque, void *host, uint32_t pages);

    /**
     * @restricted: does this process run with -xen-domid-restrict, so that
     * from now on it can neither ask, populate nor release?
     */
    bool (*restricted)(void *opaque);

    /**
     * @limits: the guest's max_pages, and how many pages it has, as Xen has
     * them now
     *
     * Returns: 0, or -errno if the device model may not know
     */
    int (*limits)(void *opaque, uint64_t *max_pages, uint64_t *pages);

    /**
     * @credit: device memory that the toolstack accounts for by itself
     * @credit_kib: set to it, in KiB
     *
     * Returns: 0, or -errno when it cannot be read
     */
    int (*credit)(void *opaque, uint32_t *credit_kib);
} DeviceMemoryPageOps;

#endif /* HW_XEN_DEVICE_MEMORY_OPS_H */
