/*
 * Measures how long a device model takes from its start until libxl sees it
 * run.
 *
 * Called as lab-start-qemu or lab-start-qemu-stock it notes the time and
 * becomes that device model: device_model_override points to it.
 * Called as lab-start-time it waits until a device model says "running" in
 * xenstore and prints the time since the noted one, in microseconds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define TIMEOUT_MS 60000

static const char stamp[] = "/run/lab/start-time";
static const char watched[] = "/local/domain/0/device-model";
static const char prefix[] = "lab-start-qemu";

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static int become_device_model(const char *name, char **argv)
{
    char program[64];
    FILE *file = fopen(stamp, "w");

    if (!file || fprintf(file, "%" PRIu64, now_ns()) < 0 || fclose(file)) {
        perror(stamp);
        return 1;
    }
    snprintf(program, sizeof(program), "/lab/bin/%s",
             name + strlen("lab-start-"));
    execv(program, argv);
    perror(program);
    return 1;
}

static bool says_running(struct xs_handle *xs, const char *path)
{
    const char *last = strrchr(path, '/');
    unsigned int length;
    bool running;
    char *value;

    if (!last || strcmp(last, "/state") != 0) {
        return false;
    }
    value = xs_read(xs, XBT_NULL, path, &length);
    running = value && strcmp(value, "running") == 0;
    free(value);
    return running;
}

static bool wait_until_running(struct xs_handle *xs)
{
    struct pollfd fd = { .fd = xs_fileno(xs), .events = POLLIN };
    unsigned int count;
    bool running;
    char **event;

    while (poll(&fd, 1, TIMEOUT_MS) > 0) {
        event = xs_read_watch(xs, &count);
        running = event && says_running(xs, event[XS_WATCH_PATH]);
        free(event);
        if (running) {
            return true;
        }
    }
    return false;
}

static int print_time(void)
{
    struct xs_handle *xs = xs_open(0);
    uint64_t start, end;
    FILE *file;

    if (!xs || !xs_watch(xs, watched, "lab")) {
        perror("lab-start-time: xenstore");
        return 1;
    }
    if (!wait_until_running(xs)) {
        fprintf(stderr, "lab-start-time: nothing runs after %d ms\n",
                TIMEOUT_MS);
        return 1;
    }
    end = now_ns();
    file = fopen(stamp, "r");
    if (!file || fscanf(file, "%" SCNu64, &start) != 1) {
        perror(stamp);
        return 1;
    }
    fclose(file);
    unlink(stamp);
    printf("%" PRIu64 "\n", (end - start) / 1000);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = basename(argv[0]);

    if (strncmp(name, prefix, strlen(prefix)) == 0) {
        return become_device_model(name, argv);
    }
    if (argc != 1) {
        fputs("usage: lab-start-time\n", stderr);
        return 2;
    }
    return print_time();
}
