/*
 * Device models that write requests as fast as xenstored takes them.
 *
 * libxenstore waits for the reply to each message.  Here many are under way at
 * once: each guest's node is written over a connection of its own, in
 * xenstored's wire protocol (xen/io/xs_wire.h), and replies are only counted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define SOCKET      "/var/run/xenstored/socket"
#define MAX_WRITERS 64
#define OUT_SIZE    16384
#define MESSAGE_MAX 512
/* Of the socket, so that what is under way when the time is over is little. */
#define SEND_BUFFER 16384
#define POLL_MS     100
/* Replies are counted in heaps: to be woken for each would slow xenstored. */
#define PAUSE_NS    5000000
/* Then it does not go on, and that is a failure. */
#define SILENCE_S   20
/* Of so many requests, one is not well formed. */
#define NONSENSE    7

typedef struct Writer {
    int fd;
    unsigned domid;
    char out[OUT_SIZE];
    size_t out_used;
    /* The header of the reply that is being read, and what follows it. */
    struct xsd_sockmsg reply;
    size_t reply_used;
    size_t body_left;
    unsigned long sent, taken, refused;
} Writer;

static Writer writers[MAX_WRITERS];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "lab-torrent: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void connect_writer(Writer *w, const char *domid)
{
    const int size = SEND_BUFFER;
    struct sockaddr_un address = { .sun_family = AF_UNIX,
                                   .sun_path = SOCKET };

    w->domid = strtoul(domid, NULL, 10);
    w->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (w->fd < 0 ||
        setsockopt(w->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
        connect(w->fd, (struct sockaddr *)&address, sizeof(address)) ||
        fcntl(w->fd, F_SETFL, O_NONBLOCK)) {
        die(SOCKET);
    }
}

/* The next request, in the wire protocol: a header, the path, the value. */
static size_t message(Writer *w, char *to)
{
    static const char *const nonsense[] = {
        "-1", "7", "", "99999999999999999999 4", "1 4294967292",
    };
    unsigned long n = ++w->sent;
    char value[64];
    struct xsd_sockmsg header = { .type = XS_WRITE, .req_id = n };
    char *body = to + sizeof(header);
    int path;

    snprintf(value, sizeof(value), "%lu %lu", n % 4000000000u + 1,
             n % 2000 * 4);
    path = sprintf(body, "/local/domain/0/device-model/%u/device-memory/"
                   "request", w->domid) + 1;
    header.len = path + sprintf(body + path, "%s", n % NONSENSE ? value :
                                nonsense[n / NONSENSE % 5]);
    memcpy(to, &header, sizeof(header));
    return sizeof(header) + header.len;
}

static void send_more(Writer *w, bool go_on)
{
    ssize_t n;

    while (go_on && w->out_used + MESSAGE_MAX <= OUT_SIZE) {
        w->out_used += message(w, w->out + w->out_used);
    }
    n = write(w->fd, w->out, w->out_used);
    if (n < 0) {
        if (errno == EAGAIN) {
            return;
        }
        die("write");
    }
    memmove(w->out, w->out + n, w->out_used - n);
    w->out_used -= n;
}

/* Count the replies in what has arrived; a reply may come in parts. */
static void count_replies(Writer *w, const char *data, size_t size)
{
    while (size) {
        size_t part;

        if (w->reply_used < sizeof(w->reply)) {
            part = sizeof(w->reply) - w->reply_used;
            part = part < size ? part : size;
            memcpy((char *)&w->reply + w->reply_used, data, part);
            w->reply_used += part;
            w->body_left = w->reply.len;
        } else {
            part = w->body_left < size ? w->body_left : size;
            w->body_left -= part;
        }
        data += part;
        size -= part;
        if (w->reply_used == sizeof(w->reply) && !w->body_left) {
            *(w->reply.type == XS_WRITE ? &w->taken : &w->refused) += 1;
            w->reply_used = 0;
        }
    }
}

static bool receive(Writer *w)
{
    char data[OUT_SIZE];
    ssize_t n = read(w->fd, data, sizeof(data));

    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) {
            return false;
        }
        die("read");
    }
    count_replies(w, data, n);
    return true;
}

static bool done(const Writer *w)
{
    return !w->out_used && w->taken + w->refused == w->sent;
}

/* Until the time is over, and then until all replies are there. */
static void run(unsigned count, double end)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    double heard = now();
    unsigned finished = 0;

    while (finished < count) {
        struct pollfd fds[MAX_WRITERS];
        bool go_on = now() < end;

        for (unsigned i = 0; i < count; i++) {
            fds[i].fd = writers[i].fd;
            fds[i].events = POLLIN |
                (go_on || writers[i].out_used ? POLLOUT : 0);
        }
        nanosleep(&pause, NULL);
        poll(fds, count, POLL_MS);
        finished = 0;
        for (unsigned i = 0; i < count; i++) {
            if (fds[i].revents & POLLIN && receive(&writers[i])) {
                heard = now();
            }
            if (fds[i].revents & POLLOUT) {
                send_more(&writers[i], go_on);
            }
            finished += !go_on && done(&writers[i]);
        }
        if (now() - heard > SILENCE_S) {
            errno = ETIMEDOUT;
            die("no reply from xenstored");
        }
    }
}

int main(int argc, char **argv)
{
    unsigned long taken = 0, refused = 0;
    unsigned count = argc - 2;
    double began;

    if (argc < 3 || count > MAX_WRITERS) {
        fputs("usage: lab-torrent SECONDS DOMID...\n"
              "prints: requests that xenstored has taken, and refused, and "
              "how many a second\n", stderr);
        return 2;
    }
    for (unsigned i = 0; i < count; i++) {
        connect_writer(&writers[i], argv[i + 2]);
    }
    began = now();
    run(count, began + atof(argv[1]));
    for (unsigned i = 0; i < count; i++) {
        taken += writers[i].taken;
        refused += writers[i].refused;
    }
    printf("%lu %lu %.0f\n", taken, refused, taken / (now() - began));
    return 0;
}
