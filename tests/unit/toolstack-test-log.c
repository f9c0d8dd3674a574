/*
 * The log as a file, and systemd's notifications
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"

static char *contents(const char *file)
{
    char *text;

    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    return text;
}

static void test_file(void)
{
    g_autofree char *directory = NULL;
    g_autofree char *file = NULL;
    g_autofree char *old = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    directory = g_dir_make_tmp("log-XXXXXX", NULL);
    file = g_build_filename(directory, "log", NULL);
    old = g_build_filename(directory, "log.1", NULL);

    g_assert_true(log_set_file(file, NULL));
    log_start();
    log_set_level(G_LOG_LEVEL_INFO);
    g_log_structured("xendm", G_LOG_LEVEL_INFO, "MESSAGE", "one %d", 1);
    g_log_structured("xendm", G_LOG_LEVEL_DEBUG, "MESSAGE", "not this");
    log_set_level(G_LOG_LEVEL_WARNING);
    g_log_structured("xendm", G_LOG_LEVEL_INFO, "MESSAGE", "nor this");
    g_log_structured("xendm", G_LOG_LEVEL_CRITICAL, "MESSAGE", "two");

    /* Rotated. */
    g_assert_cmpint(g_rename(file, old), ==, 0);
    g_assert_true(log_set_file(file, NULL));
    g_log_structured("xendm", G_LOG_LEVEL_WARNING, "MESSAGE", "three");

    first = contents(old);
    second = contents(file);
    g_assert_true(g_regex_match_simple(
        "^[-0-9]{10} [:0-9]{8}\\.[0-9]{3} info: one 1\n"
        "[-0-9]{10} [:0-9]{8}\\.[0-9]{3} error: two\n$", first, 0, 0));
    g_assert_true(g_regex_match_simple(" warning: three\n$", second, 0, 0));
    g_assert_cmpint(g_unlink(file), ==, 0);
    g_assert_cmpint(g_unlink(old), ==, 0);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

static void test_no_file(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(log_set_file("/dev/null/log", &error));
    g_assert_nonnull(strstr(error->message, "/dev/null/log"));
}

/* @name: a path, or "@" and an abstract name */
static int listen_at(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(name);

    memcpy(address.sun_path, name, strlen(name));
    if (*name == '@') {
        address.sun_path[0] = '\0';
    }
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
    return fd;
}

static void assert_notified(int fd, const char *pattern)
{
    char text[256] = "";

    g_assert_cmpint(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), >, 0);
    g_assert_true(g_regex_match_simple(pattern, text, 0, 0));
}

static void notify_at(const char *name)
{
    int fd = listen_at(name);

    g_assert_true(g_setenv("NOTIFY_SOCKET", name, TRUE));
    notify_ready("all is well");
    assert_notified(fd, "^READY=1\nSTATUS=all is well$");
    notify_reloading();
    assert_notified(fd, "^RELOADING=1\nMONOTONIC_USEC=[0-9]+$");
    notify_stopping();
    assert_notified(fd, "^STOPPING=1$");
    g_unsetenv("NOTIFY_SOCKET");
    notify_stopping();
    g_assert_cmpint(recv(fd, (char[1]){ 0 }, 1, MSG_DONTWAIT), ==, -1);
    close(fd);
}

static void test_notify(void)
{
    g_autofree char *directory = g_dir_make_tmp("notify-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "socket", NULL);
    g_autofree char *abstract = g_strdup_printf("@xendm-test-%d", getpid());

    notify_at(path);
    notify_at(abstract);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    g_test_add_func("/toolstack/log/file", test_file);
    g_test_add_func("/toolstack/log/no-file", test_no_file);
    g_test_add_func("/toolstack/log/notify", test_notify);
    return g_test_run();
}
