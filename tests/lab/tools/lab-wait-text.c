/*
 * Waits until a line of a growing file has all of some texts in it.
 *
 * A loop in a shell would do the same, but what it costs is missing to the
 * guest that is waited for: the lab has one processor.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_NS   20000000
#define LINE_SIZE 4096

static bool has_all(const char *line, char **texts)
{
    for (; *texts; texts++) {
        if (!strstr(line, *texts)) {
            return false;
        }
    }
    return true;
}

/* Read the lines that are complete; one that is not is read again later. */
static bool scan(FILE *file, char **texts)
{
    char line[LINE_SIZE];
    long start = ftell(file);

    while (fgets(line, sizeof(line), file)) {
        if (!strchr(line, '\n') && strlen(line) + 1 < sizeof(line)) {
            break;
        }
        if (has_all(line, texts)) {
            return true;
        }
        start = ftell(file);
    }
    clearerr(file);
    fseek(file, start, SEEK_SET);
    return false;
}

int main(int argc, char **argv)
{
    const struct timespec pause = { .tv_nsec = POLL_NS };
    FILE *file = NULL;
    time_t deadline;

    if (argc < 5) {
        fputs("usage: lab-wait-text SECONDS FILE OFFSET TEXT...\n", stderr);
        return 2;
    }
    deadline = time(NULL) + atol(argv[1]);
    while (time(NULL) <= deadline) {
        if (!file) {
            file = fopen(argv[2], "r");
            if (file) {
                fseek(file, atol(argv[3]), SEEK_SET);
            }
        }
        if (file && scan(file, argv + 4)) {
            return 0;
        }
        nanosleep(&pause, NULL);
    }
    return 1;
}
