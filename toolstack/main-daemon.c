/*
 * xendm-memoryd: its command line
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "announce.h"
#include "daemon.h"
#include "instance.h"
#include "libxl-lock.h"
#include "log.h"
#include "store-xenstore.h"

#define DEFAULT_CONFIG    "/etc/xen/xendm-memory.conf"
#define DEFAULT_STATE_DIR "/run/xendm"

#define EXIT_USAGE 2

static char *config;
static char *state_dir;
static char *libxl_dir;
static char *log_file;
static gboolean foreground;
static gboolean check_config;
static gboolean withdraw;
static gboolean version;

static const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config,
      "The policy (default: " DEFAULT_CONFIG ", if it exists)", "FILE" },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &state_dir,
      "Where the lock file is (default: " DEFAULT_STATE_DIR ")", "DIR" },
    { "libxl-dir", 0, 0, G_OPTION_ARG_FILENAME, &libxl_dir,
      "Where libxl keeps its locks (default: " LIBXL_DIRECTORY ")", "DIR" },
    { "log-file", 0, 0, G_OPTION_ARG_FILENAME, &log_file,
      "Log to FILE (default: to stderr)", "FILE" },
    { "foreground", 'f', 0, G_OPTION_ARG_NONE, &foreground,
      "Stay in the foreground, as is always done", NULL },
    { "check-config", 0, 0, G_OPTION_ARG_NONE, &check_config,
      "Read the policy, say whether it is right, and exit", NULL },
    { "withdraw", 0, 0, G_OPTION_ARG_NONE, &withdraw,
      "Remove the announcement that a crash has left, and exit", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version,
      "Print the version and exit", NULL },
    { .long_name = NULL }
};

static bool parse(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context,
        "Answer device models' requests for memory, beside libxl.");
    g_option_context_set_description(context,
        "SIGHUP reads the policy again; SIGTERM stops the daemon.\n"
        "See xendm-memoryd(8) and xendm-memory.conf(5).");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "xendm-memoryd: %s\n", error->message);
        return false;
    }
    if (argc > 1) {
        fprintf(stderr, "xendm-memoryd: %s: no argument is allowed; see "
                "--help\n", argv[1]);
        return false;
    }
    return true;
}

static int do_check_config(const DaemonOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = daemon_load_policy(options, &error);

    if (!policy) {
        fprintf(stderr, "xendm-memoryd: %s\n", error->message);
        return EXIT_FAILURE;
    }
    printf("%s: all right\n", options->config);
    return EXIT_SUCCESS;
}

static int do_withdraw(void)
{
    g_autoptr(GError) error = NULL;
    Store *store = store_xenstore_open(&error);
    bool done;

    if (!store) {
        g_critical("%s", error->message);
        return EXIT_FAILURE;
    }
    done = announce_withdraw(store);
    if (!done) {
        g_critical("cannot remove the announcement: %s", g_strerror(errno));
    }
    store_xenstore_close(store);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const DaemonOptions *options)
{
    g_autoptr(GError) error = NULL;

    log_start();
    if (log_file && !log_set_file(log_file, &error)) {
        g_critical("%s", error->message);
        return EXIT_FAILURE;
    }
    if (!instance_claim(state_dir ? state_dir : DEFAULT_STATE_DIR, &error)) {
        g_critical("%s", error->message);
        return EXIT_FAILURE;
    }
    return withdraw ? do_withdraw() : daemon_run(options);
}

int main(int argc, char **argv)
{
    DaemonOptions options;

    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    if (!parse(argc, argv)) {
        return EXIT_USAGE;
    }
    if (version) {
        puts("xendm-memoryd " XENDM_VERSION);
        return EXIT_SUCCESS;
    }
    options = (DaemonOptions) {
        .config = config ? config : DEFAULT_CONFIG,
        .config_is_optional = !config,
        .log_file = log_file,
        .libxl_directory = libxl_dir ? libxl_dir : LIBXL_DIRECTORY,
    };
    return check_config ? do_check_config(&options) : run(&options);
}
