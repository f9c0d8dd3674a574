/*
 * xendm-memory: its command line
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "announce.h"
#include "check.h"
#include "follow.h"
#include "host-xen.h"
#include "libxl-lock.h"
#include "report.h"
#include "report-json.h"
#include "report-text.h"
#include "store-xenstore.h"

#define EXIT_USAGE 2
#define EXIT_CHECK 3

/* What every command works with. */
typedef struct Client {
    Store *store;
    Host *host;
    bool announced;
} Client;

static gboolean as_json;
static gboolean in_pages;
static gboolean version;

static const GOptionEntry entries[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, &as_json,
      "Print JSON", NULL },
    { "pages", 'p', 0, G_OPTION_ARG_NONE, &in_pages,
      "Print the sizes of list in pages of 4 KiB, not in KiB", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version,
      "Print the version and exit", NULL },
    { .long_name = NULL }
};

static int fail(const GError *error)
{
    fprintf(stderr, "xendm-memory: %s\n", error->message);
    return EXIT_FAILURE;
}

static int do_list(const Client *client, char **arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) guests = report_guests(client->store, client->host,
                                                &error);

    if (!guests) {
        return fail(error);
    }
    if (as_json) {
        g_autofree char *text = report_json_list(guests, client->announced);

        puts(text);
    } else {
        report_text_list(guests, in_pages, stdout);
    }
    return EXIT_SUCCESS;
}

static int do_show(const Client *client, char **arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ReportGuest) guest = report_guest(client->store, client->host,
                                                arguments[0], &error);

    if (!guest) {
        return fail(error);
    }
    if (as_json) {
        g_autofree char *text = report_json_show(guest, client->announced);

        puts(text);
    } else {
        report_text_show(guest, stdout);
    }
    return EXIT_SUCCESS;
}

static int fail_errno(const char *what)
{
    fprintf(stderr, "xendm-memory: %s: %s\n", what, g_strerror(errno));
    return EXIT_FAILURE;
}

/* Until the process is killed or its output is closed. */
static int do_watch(const Client *client, char **arguments)
{
    struct pollfd watch = {
        .fd = store_xenstore_watch_fd(client->store),
        .events = POLLIN,
    };
    Follow *follow = follow_new(client->store, client->host, as_json, stdout);

    if (!follow) {
        return fail_errno("cannot watch xenstore");
    }
    while (!ferror(stdout)) {
        g_autofree char *path = store_xenstore_next_event(client->store);

        if (path) {
            follow_event(follow, path);
        } else if (errno != EAGAIN ||
                   (poll(&watch, 1, -1) < 0 && errno != EINTR)) {
            break;
        }
    }
    follow_free(follow);
    return fail_errno("cannot go on watching");
}

static int report_check(unsigned checked, const CheckFailure *failure)
{
    if (as_json) {
        g_autofree char *text = report_json_check(checked, failure);

        puts(text);
    } else if (failure) {
        printf("domain %u \"%s\": %s: %s\n", failure->domid, failure->name,
               failure->identity, failure->text);
    } else {
        printf("%u guests: all is well\n", checked);
    }
    return failure ? EXIT_CHECK : EXIT_SUCCESS;
}

static int do_check(const Client *client, char **arguments)
{
    g_autoptr(GError) error = NULL;
    CheckFailure *failure = NULL;
    unsigned checked;
    int status;

    for (int i = 0; i < CHECK_ATTEMPTS && (!i || failure); i++) {
        if (i) {
            g_usleep(CHECK_PAUSE_US);
            check_failure_free(failure);
        }
        if (!check_guests(client->store, client->host, &checked, &failure,
                          &error)) {
            return fail(error);
        }
    }
    status = report_check(checked, failure);
    check_failure_free(failure);
    return status;
}

static const struct Command {
    const char *name;
    const char *arguments;      /* their names, for people */
    int n_arguments;
    const char *summary;
    int (*run)(const Client *client, char **arguments);
} commands[] = {
    { "list", "", 0, "a table of all HVM guests", do_list },
    { "show", " DOM", 1, "one guest, by name or domid, with its blocks",
      do_show },
    { "watch", "", 0, "a line for each change, until stopped", do_watch },
    { "check", "", 0, "whether the numbers of all guests agree", do_check },
};

static const struct Command *find_command(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (!strcmp(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

static char *describe_commands(void)
{
    GString *text = g_string_new("Commands:\n");

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *usage = g_strconcat(commands[i].name,
                                             commands[i].arguments, NULL);

        g_string_append_printf(text, "  %-12s %s\n", usage,
                               commands[i].summary);
    }
    g_string_append(text, "\nSee xendm-memory(1).");
    return g_string_free(text, FALSE);
}

static bool parse(int *argc, char ***argv)
{
    g_autoptr(GOptionContext) context =
        g_option_context_new("COMMAND [ARGUMENT]");
    g_autofree char *description = describe_commands();
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context,
        "Show the memory that Xen guests' device models were granted.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &error)) {
        fail(error);
        return false;
    }
    return true;
}

static const struct Command *choose(int argc, char **argv)
{
    const struct Command *command = argc > 1 ? find_command(argv[1]) : NULL;

    if (argc < 2) {
        fputs("xendm-memory: no command; see --help\n", stderr);
    } else if (!command) {
        fprintf(stderr, "xendm-memory: %s: no such command; see --help\n",
                argv[1]);
    } else if (argc - 2 != command->n_arguments) {
        fprintf(stderr, "xendm-memory: %s: %d arguments are given; usage: "
                "xendm-memory %s%s\n", command->name, argc - 2,
                command->name, command->arguments);
        return NULL;
    }
    return command;
}

static int run(const struct Command *command, char **arguments)
{
    Client client = { 0 };
    g_autoptr(GError) error = NULL;
    int status;

    client.store = store_xenstore_open(&error);
    if (client.store) {
        client.host = host_xen_open(LIBXL_DIRECTORY, &error);
    }
    if (client.host) {
        client.announced = announce_stands(client.store);
        if (!client.announced) {
            fputs("xendm-memory: no service is announced, so requests are "
                  "not answered; is xendm-memoryd running?\n", stderr);
        }
        status = command->run(&client, arguments);
    } else {
        status = fail(error);
    }
    host_xen_close(client.host);
    store_xenstore_close(client.store);
    return status;
}

int main(int argc, char **argv)
{
    const struct Command *command;

    setlocale(LC_ALL, "");
    if (!parse(&argc, &argv)) {
        return EXIT_USAGE;
    }
    if (version) {
        puts("xendm-memory " XENDM_VERSION);
        return EXIT_SUCCESS;
    }
    command = choose(argc, argv);
    return command ? run(command, argv + 2) : EXIT_USAGE;
}
