/*
 * Telling systemd how the daemon is
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

static bool make_address(const char *path, struct sockaddr_un *address,
                         socklen_t *size)
{
    size_t len = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || !path[1] ||
        len >= sizeof(address->sun_path)) {
        return false;
    }
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, len);
    if (path[0] == '@') {
        address->sun_path[0] = '\0';    /* an abstract address */
    }
    *size = offsetof(struct sockaddr_un, sun_path) + len;
    return true;
}

static void notify(const char *text)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size;
    int fd;

    if (!path) {
        return;
    }
    if (!make_address(path, &address, &size)) {
        g_warning("NOTIFY_SOCKET=%s is not a socket's address", path);
        return;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                         (struct sockaddr *)&address, size) < 0) {
        g_warning("cannot notify %s: %s", path, g_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
}

void notify_ready(const char *status)
{
    g_autofree char *text = g_strdup_printf("READY=1\nSTATUS=%s", status);

    notify(text);
}

void notify_reloading(void)
{
    g_autofree char *text =
        g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                        g_get_monotonic_time());

    notify(text);
}

void notify_stopping(void)
{
    notify("STOPPING=1");
}
