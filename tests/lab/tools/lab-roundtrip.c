/*
 * Measures how long it takes to ask through xenstore and to get an answer:
 * from a second process that does nothing else, or from the memory daemon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define MAX_ROUNDS   10000
#define TIMEOUT_MS   5000
#define PATH_SIZE    256
#define VALUE_SIZE   64
#define KIB_PER_PAGE 4

static const char bare_ask[] = "/tool/lab/ask";
static const char bare_answer[] = "/tool/lab/answer";

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Wait for a watch to fire, and forget which one it was. */
static bool wait_for_watch(struct xs_handle *xs, int timeout_ms)
{
    struct pollfd fd = { .fd = xs_fileno(xs), .events = POLLIN };
    unsigned int count;
    char **event;

    if (poll(&fd, 1, timeout_ms) <= 0) {
        return false;
    }
    event = xs_read_watch(xs, &count);
    free(event);
    return event != NULL;
}

static struct xs_handle *connect_and_watch(const char *path)
{
    struct xs_handle *xs = xs_open(0);

    if (!xs) {
        die("lab-roundtrip: xs_open");
    }
    if (!xs_watch(xs, path, "lab")) {
        die("lab-roundtrip: xs_watch");
    }
    return xs;
}

/* The other side of the bare measurement: repeats what it is asked. */
static void echo(void)
{
    struct xs_handle *xs = connect_and_watch(bare_ask);
    unsigned int length;
    char *value;

    while (wait_for_watch(xs, -1)) {
        value = xs_read(xs, XBT_NULL, bare_ask, &length);
        if (value) {
            xs_write(xs, XBT_NULL, bare_answer, value, length);
            free(value);
        }
    }
}

/* One round: the time until the answer begins with the question's number. */
static uint64_t ask(struct xs_handle *xs, const char *question_path,
                    const char *answer_path, const char *question)
{
    size_t number = strcspn(question, " ");
    uint64_t start = now_ns();
    bool answered = false;
    unsigned int length;
    char *value;

    if (!xs_write(xs, XBT_NULL, question_path, question, strlen(question))) {
        die("lab-roundtrip: xs_write");
    }
    while (!answered) {
        if (!wait_for_watch(xs, TIMEOUT_MS)) {
            fprintf(stderr, "lab-roundtrip: no answer to '%s' within %d ms\n",
                    question, TIMEOUT_MS);
            exit(1);
        }
        value = xs_read(xs, XBT_NULL, answer_path, &length);
        answered = value && length >= number &&
                   strncmp(value, question, number) == 0 &&
                   (value[number] == '\0' || value[number] == ' ');
        if (answered && strstr(value, "refused")) {
            fprintf(stderr, "lab-roundtrip: '%s' was answered '%s'\n",
                    question, value);
            exit(1);
        }
        free(value);
    }
    return now_ns() - start;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* The median in microseconds is all that is printed: scripts compare it. */
static void measure(const char *question_path, const char *answer_path,
                    bool with_total, int rounds)
{
    static uint64_t times[MAX_ROUNDS];
    struct xs_handle *xs = connect_and_watch(answer_path);
    char question[VALUE_SIZE];
    int i;

    for (i = 0; i < rounds; i++) {
        if (with_total) {
            snprintf(question, sizeof(question), "%d %d", i + 1,
                     (i + 1) * KIB_PER_PAGE);
        } else {
            snprintf(question, sizeof(question), "%d", i + 1);
        }
        times[i] = ask(xs, question_path, answer_path, question);
    }
    qsort(times, rounds, sizeof(times[0]), compare);
    printf("%" PRIu64 "\n", times[rounds / 2] / 1000);
    xs_close(xs);
}

static int measure_bare(int rounds)
{
    struct xs_handle *xs;
    pid_t other = fork();

    if (other < 0) {
        die("lab-roundtrip: fork");
    }
    if (other == 0) {
        echo();
        _exit(1);
    }
    measure(bare_ask, bare_answer, false, rounds);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    xs = xs_open(0);
    if (!xs || !xs_rm(xs, XBT_NULL, "/tool/lab")) {
        die("lab-roundtrip: xs_rm");
    }
    xs_close(xs);
    return 0;
}

static int measure_grant(const char *domid, int rounds)
{
    char question_path[PATH_SIZE];
    char answer_path[PATH_SIZE];

    snprintf(question_path, sizeof(question_path),
             "/local/domain/0/device-model/%s/device-memory/request", domid);
    snprintf(answer_path, sizeof(answer_path),
             "/local/domain/0/device-model/%s/device-memory/answer", domid);
    measure(question_path, answer_path, true, rounds);
    return 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[argc - 1]) : 0;

    if (rounds > 0 && rounds <= MAX_ROUNDS) {
        if (strcmp(argv[1], "bare") == 0 && argc == 3) {
            return measure_bare(rounds);
        }
        if (strcmp(argv[1], "grant") == 0 && argc == 4) {
            return measure_grant(argv[2], rounds);
        }
    }
    fprintf(stderr, "usage: lab-roundtrip bare ROUNDS\n"
            "       lab-roundtrip grant DOMID ROUNDS\n"
            "prints the median in microseconds; ROUNDS is 1 to %d\n",
            MAX_ROUNDS);
    return 2;
}
