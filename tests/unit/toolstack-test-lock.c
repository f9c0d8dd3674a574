/*
 * The lock that is shared with libxl, and the daemon's own
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "instance.h"
#include "libxl-lock.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

static void test_lock(void)
{
    g_autofree char *directory = g_dir_make_tmp("lock-XXXXXX", NULL);
    g_autofree char *path =
        g_strdup_printf("%s/userdata-l.3." UUID ".domain-userdata-lock",
                        directory);
    LibxlLock *lock = libxl_lock_take(directory, 3, UUID);
    LibxlLock *other;
    int fd;

    g_assert_nonnull(lock);
    fd = open(path, O_RDWR);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, -1);
    g_assert_null(libxl_lock_take(directory, 3, UUID));
    g_assert_cmpint(errno, ==, EAGAIN);

    /* Another domain's is another lock. */
    other = libxl_lock_take(directory, 4, UUID);
    g_assert_nonnull(other);
    libxl_lock_release(other);

    /* Released is removed; who had the old file open has nothing. */
    libxl_lock_release(lock);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
    lock = libxl_lock_take(directory, 3, UUID);
    g_assert_nonnull(lock);
    libxl_lock_release(lock);
    close(fd);

    /* As libxl would have it while it works. */
    fd = open(path, O_RDWR | O_CREAT, 0666);
    g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
    g_assert_null(libxl_lock_take(directory, 3, UUID));
    g_assert_cmpint(errno, ==, EAGAIN);
    close(fd);
    g_assert_cmpint(g_unlink(path), ==, 0);

    g_assert_cmpint(g_rmdir(directory), ==, 0);
    g_assert_null(libxl_lock_take(directory, 3, UUID));
    g_assert_cmpint(errno, ==, ENOENT);
}

/*
 * What libxl may do between two of our system calls is done here in their
 * place.
 */
static const char *vanish_at_flock;     /* a file that goes before the lock */
static bool locked_at_unlink;

int flock(int fd, int operation)
{
    if (vanish_at_flock) {
        g_assert_cmpint(syscall(SYS_unlink, vanish_at_flock), ==, 0);
        vanish_at_flock = NULL;
    }
    return syscall(SYS_flock, fd, operation);
}

static bool is_locked(const char *path)
{
    int fd = open(path, O_RDWR);
    bool locked = fd >= 0 && syscall(SYS_flock, fd, LOCK_EX | LOCK_NB);

    if (fd >= 0) {
        close(fd);
    }
    return locked;
}

int unlink(const char *path)
{
    locked_at_unlink = is_locked(path);
    return syscall(SYS_unlink, path);
}

/*
 * Whoever had the lock removes the file after we have opened it: what we then
 * lock has no name, and excludes nobody.
 */
static void test_lock_vanishes(void)
{
    g_autofree char *directory = g_dir_make_tmp("lock-XXXXXX", NULL);
    g_autofree char *path =
        g_strdup_printf("%s/userdata-l.3." UUID ".domain-userdata-lock",
                        directory);
    LibxlLock *lock;

    vanish_at_flock = path;
    lock = libxl_lock_take(directory, 3, UUID);
    g_assert_nonnull(lock);
    g_assert_null(vanish_at_flock);
    g_assert_true(is_locked(path));

    /* And we remove it while it is still ours. */
    locked_at_unlink = false;
    libxl_lock_release(lock);
    g_assert_true(locked_at_unlink);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

/* Another process is the daemon: its pid is told, and then it is gone. */
static void test_instance(void)
{
    g_autofree char *directory = g_dir_make_tmp("state-XXXXXX", NULL);
    g_autofree char *state = g_build_filename(directory, "a/b", NULL);
    g_autofree char *path = g_build_filename(state, "memoryd.lock", NULL);
    g_autofree char *pid = NULL;
    g_autoptr(GError) error = NULL;
    int ready[2], end[2];
    char byte;
    pid_t child;

    g_assert_cmpint(pipe(ready), ==, 0);
    g_assert_cmpint(pipe(end), ==, 0);
    child = fork();
    if (!child) {
        bool ok = instance_claim(state, NULL);

        close(end[1]);
        _exit(!(write(ready[1], &ok, 1) == 1 && read(end[0], &byte, 1) == 0));
    }
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
    g_assert_cmpint(byte, ==, true);
    g_assert_false(instance_claim(state, &error));
    pid = g_strdup_printf("process %d has", child);
    g_assert_nonnull(strstr(error->message, pid));

    close(end[1]);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    g_clear_error(&error);
    g_assert_true(instance_claim(state, &error));
    g_assert_no_error(error);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(state), ==, 0);
}

static void test_instance_nowhere(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(instance_claim("/dev/null/xendm", &error));
    g_assert_nonnull(strstr(error->message, "/dev/null/xendm"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/toolstack/lock/files", test_lock);
    g_test_add_func("/toolstack/lock/vanishes", test_lock_vanishes);
    g_test_add_func("/toolstack/lock/instance", test_instance);
    g_test_add_func("/toolstack/lock/instance-nowhere",
                    test_instance_nowhere);
    return g_test_run();
}
