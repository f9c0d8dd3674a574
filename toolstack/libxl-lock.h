/*
 * libxl's lock for what it keeps of a domain
 *
 * Concepts
 * - libxl changes max_pages under this lock, so we do too.
 * - It is a file, locked with flock(); whoever unlocks removes the file first.
 * - So a lock that was taken counts only if the file is still the one that
 *   has the name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_LIBXL_LOCK_H
#define TOOLSTACK_LIBXL_LOCK_H

#include <stdint.h>

/* Where libxl keeps its files; what Debian's libxl is built with. */
#define LIBXL_DIRECTORY "/var/lib/xen"

typedef struct LibxlLock LibxlLock;

/**
 * libxl_lock_take: take the lock, without waiting
 * @directory: libxl's directory
 * @domid: the domain
 * @uuid: its uuid, lower case
 *
 * Returns: the lock, to be given to libxl_lock_release(), or NULL with errno;
 * EAGAIN if another program has it
 */
LibxlLock *libxl_lock_take(const char *directory, uint32_t domid,
                           const char *uuid);

/**
 * libxl_lock_release: give the lock back
 * @lock: the lock, or NULL
 */
void libxl_lock_release(LibxlLock *lock);

#endif /* TOOLSTACK_LIBXL_LOCK_H */
