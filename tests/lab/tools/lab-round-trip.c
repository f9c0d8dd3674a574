/*
 * How long a question and its answer take through xenstore: a bare round trip
 * between two processes, and a request to xendm-memoryd for a real guest,
 * measured in turn.
 *
 * A bare round trip is what cannot be saved: one process writes a node, the
 * other is woken by a watch, reads it and writes a second node, the first is
 * woken and reads that.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define BARE_QUESTION "/lab/round-trip/question"
#define BARE_ANSWER   "/lab/round-trip/answer"
#define PATH_SIZE 128
/* Between two measurements, so that log lines of the last are written. */
#define PAUSE_US 30000

typedef struct Line {
    struct xs_handle *xs;
    char question[PATH_SIZE];
    char answer[PATH_SIZE];
} Line;

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

static void wait_for_watch(struct xs_handle *xs)
{
    unsigned count;
    char **event = xs_read_watch(xs, &count);

    if (!event) {
        give_up("xs_read_watch");
    }
    free(event);
}

static struct xs_handle *open_and_watch(const char *path)
{
    struct xs_handle *xs = xs_open(0);

    if (!xs || !xs_watch(xs, path, "")) {
        give_up(path);
    }
    wait_for_watch(xs);     /* each watch fires once when it is set */
    return xs;
}

/* The other end of the bare round trip. */
static void echo(void)
{
    struct xs_handle *xs = open_and_watch(BARE_QUESTION);

    for (;;) {
        unsigned length;
        char *text;

        wait_for_watch(xs);
        text = xs_read(xs, XBT_NULL, BARE_QUESTION, &length);
        if (text) {
            xs_write(xs, XBT_NULL, BARE_ANSWER, text, length);
        }
        free(text);
    }
}

/* Ask with an id, wait for an answer that begins with it; microseconds. */
static double ask(const Line *line, uint32_t id, unsigned total)
{
    char text[64];
    double begin;
    bool answered = false;

    snprintf(text, sizeof(text), "%" PRIu32 " %u", id, total);
    begin = now_us();
    if (!xs_write(line->xs, XBT_NULL, line->question, text, strlen(text))) {
        give_up(line->question);
    }
    while (!answered) {
        unsigned length;
        char *answer;

        wait_for_watch(line->xs);
        answer = xs_read(line->xs, XBT_NULL, line->answer, &length);
        answered = answer && strtoul(answer, NULL, 10) == id;
        free(answer);
    }
    return now_us() - begin;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, count, sizeof(*values), ascending);
    return values[count / 2];
}

static void measure(const char *domid, unsigned base_kib, int count)
{
    Line bare = { .question = BARE_QUESTION, .answer = BARE_ANSWER };
    Line request;
    double *bare_us = calloc(count, sizeof(*bare_us));
    double *request_us = calloc(count, sizeof(*request_us));
    uint32_t id = getpid();
    double bare_median, request_median;

    snprintf(request.question, PATH_SIZE,
             "/local/domain/0/device-model/%s/device-memory/request", domid);
    snprintf(request.answer, PATH_SIZE,
             "/local/domain/0/device-model/%s/device-memory/answer", domid);
    bare.xs = open_and_watch(BARE_ANSWER);
    request.xs = open_and_watch(request.answer);

    for (int i = 0; i < count; i++) {
        /* Every request changes the limit: up a page, down a page. */
        bare_us[i] = ask(&bare, id + i, base_kib);
        usleep(PAUSE_US);
        request_us[i] = ask(&request, id + i, base_kib + 4 * !(i % 2));
        usleep(PAUSE_US);
    }
    ask(&request, id + count, base_kib);
    bare_median = median(bare_us, count);
    request_median = median(request_us, count);
    printf("%.0f %.0f %.2f\n", bare_median, request_median,
           request_median / bare_median);
}

int main(int argc, char **argv)
{
    pid_t other;

    if (argc != 4 || atoi(argv[3]) < 1) {
        fputs("usage: lab-round-trip DOMID KIB COUNT\n"
              "Prints the medians of COUNT bare round trips and of COUNT\n"
              "requests around a total of KIB, in us, and their ratio.\n",
              stderr);
        return 2;
    }
    other = fork();
    if (other < 0) {
        give_up("fork");
    }
    if (!other) {
        echo();
    }
    usleep(10 * PAUSE_US);  /* its watch is set */
    measure(argv[1], atoi(argv[2]), atoi(argv[3]));
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    return 0;
}
