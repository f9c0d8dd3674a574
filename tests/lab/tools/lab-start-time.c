/*
 * How long a device model takes from its start to "running" in xenstore.
 *
 * libxl makes /local/domain/0/device-model/DOMID right before it starts the
 * device model, which writes "running" to the node's child "state".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define NODE "/local/domain/0/device-model"

static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static bool is_running(struct xs_handle *xs, const char *path)
{
    unsigned length;
    char *state;
    bool running;
    size_t end = strlen(path);

    if (end < 6 || strcmp(path + end - 6, "/state")) {
        return false;
    }
    state = xs_read(xs, XBT_NULL, path, &length);
    running = state && !strcmp(state, "running");
    free(state);
    return running;
}

int main(void)
{
    struct xs_handle *xs = xs_open(0);
    double begin = 0;
    bool done = false;

    if (!xs || !xs_watch(xs, NODE, "")) {
        give_up(NODE);
    }
    puts("ready");
    fflush(stdout);
    while (!done) {
        unsigned count;
        char **event = xs_read_watch(xs, &count);
        const char *path;

        if (!event) {
            give_up("xs_read_watch");
        }
        path = event[XS_WATCH_PATH];
        if (!begin && strlen(path) > strlen(NODE)) {
            begin = now_us();
        }
        done = begin && is_running(xs, path);
        free(event);
    }
    printf("%.0f\n", now_us() - begin);
    return 0;
}
