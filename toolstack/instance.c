/*
 * One daemon at a time
 *
 * The lock file stays when the daemon ends: only the lock on it counts, and
 * the kernel takes that away from a process that is gone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance.h"

#define LOCK_FILE "memoryd.lock"

static bool fail(GError **error, int code, const char *what,
                 const char *path)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code),
                "cannot %s %s: %s", what, path, g_strerror(code));
    return false;
}

static bool fail_taken(GError **error, int fd, const char *path)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "xendm-memoryd is running already: process %s has locked %s",
                n > 0 ? g_strchomp(text) : "(unknown)", path);
    return false;
}

static bool write_pid(int fd)
{
    g_autofree char *text = g_strdup_printf("%d\n", getpid());
    ssize_t len = strlen(text);

    return !ftruncate(fd, 0) && pwrite(fd, text, len, 0) == len;
}

bool instance_claim(const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, LOCK_FILE, NULL);
    int fd;

    if (g_mkdir_with_parents(directory, 0755)) {
        return fail(error, errno, "make the directory", directory);
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail(error, errno, "open", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK) {
            fail_taken(error, fd, path);
        } else {
            fail(error, errno, "lock", path);
        }
        close(fd);
        return false;
    }
    if (!write_pid(fd)) {
        fail(error, errno, "write", path);
        close(fd);
        return false;
    }
    return true;    /* open, and so locked, until the process ends */
}
