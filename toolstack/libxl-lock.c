/*
 * libxl's lock for what it keeps of a domain
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxl-lock.h"

/* How often the file may be removed under our hands before we give way. */
#define ATTEMPTS 16

struct LibxlLock {
    int fd;
    char *path;
};

/* Is the file that is open the one that has the name? */
static bool same_file(int fd, const char *path)
{
    struct stat opened, named;

    return !fstat(fd, &opened) && !stat(path, &named) &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static bool lock_now(int fd)
{
    int ret;

    do {
        ret = flock(fd, LOCK_EX | LOCK_NB);
    } while (ret && errno == EINTR);
    if (ret && errno == EWOULDBLOCK) {
        errno = EAGAIN;
    }
    return !ret;
}

static void close_quietly(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
}

LibxlLock *libxl_lock_take(const char *directory, uint32_t domid,
                           const char *uuid)
{
    g_autofree char *path =
        g_strdup_printf("%s/userdata-l.%u.%s.domain-userdata-lock",
                        directory, domid, uuid);

    for (int i = 0; i < ATTEMPTS; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0) {
            return NULL;
        }
        if (!lock_now(fd)) {
            close_quietly(fd);
            return NULL;
        }
        if (same_file(fd, path)) {
            LibxlLock *lock = g_new(LibxlLock, 1);

            *lock = (LibxlLock) { fd, g_steal_pointer(&path) };
            return lock;
        }
        close(fd);
    }
    errno = EAGAIN;
    return NULL;
}

void libxl_lock_release(LibxlLock *lock)
{
    if (lock) {
        /* In this order: else another could lock the file that goes. */
        unlink(lock->path);
        close(lock->fd);
        g_free(lock->path);
        g_free(lock);
    }
}
