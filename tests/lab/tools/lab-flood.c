/*
 * A device model that means harm: writes below its node without end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

#define PATH_SIZE 512
#define DEPTH 100
/* How often the node is removed and made again in between. */
#define REMOVE_EVERY 50

static struct xs_handle *xs;
static char directory[PATH_SIZE];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void put(const char *node, const char *value)
{
    char path[2 * PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", directory, node);
    if (!xs_write(xs, XBT_NULL, path, value, strlen(value))) {
        perror(path);
        exit(1);
    }
}

/* Well formed or not, granted or refused, and the node gone in between. */
static void flood(double seconds)
{
    static const char *const nonsense[] = {
        "-1", "7", "", "99999999999999999999 4", "1 4294967292",
    };
    double end = now() + seconds;
    unsigned long n = 0;

    while (now() < end) {
        char text[64];

        n++;
        snprintf(text, sizeof(text), "%lu %lu", n % 4000000000u + 1,
                 n % 2000 * 4);
        put("request", n % 7 ? text : nonsense[n / 7 % 5]);
        put("answer", "1 granted 4194304 4194304");
        if (n % REMOVE_EVERY == 0) {
            xs_rm(xs, XBT_NULL, directory);
        }
    }
    printf("%lu\n", n);
}

static void many(unsigned count)
{
    static const char *const places[] = { "blocks", "request", "x" };
    char deep[PATH_SIZE] = "deep";

    for (unsigned i = 0; i < count; i++) {
        char node[64];

        snprintf(node, sizeof(node), "%s/%u", places[i % 3], i / 3);
        put(node, i % 2 ? "1073741823 populated \033[2J" : "what");
    }
    for (unsigned i = 0; i < DEPTH; i++) {
        strcat(deep, "/d");
    }
    put(deep, "1 4");
}

int main(int argc, char **argv)
{
    if (argc != 4 ||
        (strcmp(argv[1], "requests") && strcmp(argv[1], "nodes"))) {
        fputs("usage: lab-flood requests DOMID SECONDS\n"
              "       lab-flood nodes DOMID COUNT\n", stderr);
        return 2;
    }
    xs = xs_open(0);
    if (!xs) {
        perror("xs_open");
        return 1;
    }
    snprintf(directory, sizeof(directory),
             "/local/domain/0/device-model/%s/device-memory", argv[2]);
    if (!strcmp(argv[1], "requests")) {
        flood(atof(argv[3]));
    } else {
        many(atoi(argv[3]));
    }
    return 0;
}
