/*
 * The daemon: the service in a main loop
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon.h"
#include "host-xen.h"
#include "log.h"
#include "notify.h"
#include "policy.h"
#include "service.h"
#include "store-xenstore.h"

/*
 * How many watch events are taken before what they ask for is done.  More
 * than one, so that many changes of one node are one piece of work; not all,
 * so that a domain that changes nodes without end does not starve the others.
 */
#define EVENTS_AT_ONCE 64

typedef struct Daemon {
    const DaemonOptions *options;
    GMainLoop *loop;
    Store *store;
    Host *host;
    Service *service;
    GSource *due;           /* dispatched when the service wants to run */
    int status;
} Daemon;

Policy *daemon_load_policy(const DaemonOptions *options, GError **error)
{
    if (options->config_is_optional &&
        !g_file_test(options->config, G_FILE_TEST_EXISTS)) {
        g_info("%s does not exist: the built-in defaults hold",
               options->config);
        return policy_new();
    }
    return policy_load(options->config, error);
}

static void run_service(Daemon *daemon)
{
    int64_t next = service_run(daemon->service, g_get_monotonic_time());

    g_source_set_ready_time(daemon->due, next == SERVICE_NEVER ? -1 : next);
}

static gboolean on_due(gpointer data)
{
    run_service(data);
    return G_SOURCE_CONTINUE;
}

static gboolean dispatch_due(GSource *source, GSourceFunc callback,
                             gpointer data)
{
    return callback(data);
}

static GSourceFuncs due_funcs = { .dispatch = dispatch_due };

static gboolean on_watch(gint fd, GIOCondition condition, gpointer data)
{
    Daemon *daemon = data;
    int64_t now = g_get_monotonic_time();

    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        g_autofree char *path = store_xenstore_next_event(daemon->store);

        if (!path && errno != EAGAIN) {
            g_critical("the connection to xenstored is lost: %s",
                       g_strerror(errno));
            daemon->status = EXIT_FAILURE;
            g_main_loop_quit(daemon->loop);
            return G_SOURCE_REMOVE;
        }
        if (!path) {
            break;
        }
        service_event(daemon->service, path, now);
    }
    run_service(daemon);
    return G_SOURCE_CONTINUE;
}

static gboolean on_stop(gpointer data)
{
    Daemon *daemon = data;

    g_main_loop_quit(daemon->loop);
    return G_SOURCE_CONTINUE;
}

static void reopen_log(const DaemonOptions *options)
{
    g_autoptr(GError) error = NULL;

    if (options->log_file && !log_set_file(options->log_file, &error)) {
        g_critical("%s; the log stays where it is", error->message);
    }
}

static void notify_serving(const Daemon *daemon)
{
    g_autofree char *status =
        g_strdup_printf("answering requests by the policy of %s",
                        daemon->options->config);

    notify_ready(status);
}

static gboolean on_reload(gpointer data)
{
    Daemon *daemon = data;
    g_autoptr(GError) error = NULL;
    Policy *policy;

    notify_reloading();
    reopen_log(daemon->options);
    policy = daemon_load_policy(daemon->options, &error);
    if (policy) {
        log_set_level(policy->log_level);
        service_set_policy(daemon->service, policy);
        g_info("the policy was read again: default cap %u KiB, host reserve "
               "%u KiB", policy->default_cap_kib, policy->host_reserve_kib);
    } else {
        g_critical("%s; the policy stays as it was", error->message);
    }
    notify_serving(daemon);
    return G_SOURCE_CONTINUE;
}

static bool open_xen(Daemon *daemon)
{
    const char *directory = daemon->options->libxl_directory;
    g_autoptr(GError) error = NULL;

    daemon->store = store_xenstore_open(&error);
    if (daemon->store) {
        daemon->host = host_xen_open(directory, &error);
    }
    if (!daemon->host) {
        g_critical("%s", error->message);
        return false;
    }
    if (!g_file_test(directory, G_FILE_TEST_IS_DIR)) {
        g_critical("libxl's directory %s does not exist, so its locks cannot "
                   "be taken; Debian's package xen-utils-common makes it",
                   directory);
        return false;
    }
    return true;
}

static void attach(Daemon *daemon)
{
    daemon->due = g_source_new(&due_funcs, sizeof(GSource));
    g_source_set_callback(daemon->due, on_due, daemon, NULL);
    g_source_attach(daemon->due, NULL);
    g_unix_fd_add(store_xenstore_watch_fd(daemon->store), G_IO_IN, on_watch,
                  daemon);
    g_unix_signal_add(SIGTERM, on_stop, daemon);
    g_unix_signal_add(SIGINT, on_stop, daemon);
    g_unix_signal_add(SIGHUP, on_reload, daemon);
}

static void serve_until_stopped(Daemon *daemon)
{
    attach(daemon);
    if (!service_start(daemon->service, g_get_monotonic_time())) {
        daemon->status = EXIT_FAILURE;
        return;
    }
    g_info("xendm-memoryd " XENDM_VERSION " answers requests; %u domains",
           service_domains(daemon->service));
    notify_serving(daemon);
    run_service(daemon);
    g_main_loop_run(daemon->loop);
    notify_stopping();
    service_stop(daemon->service);
    g_info("xendm-memoryd stops");
}

int daemon_run(const DaemonOptions *options)
{
    Daemon daemon = {
        .options = options,
        .loop = g_main_loop_new(NULL, FALSE),
        .status = EXIT_SUCCESS,
    };
    g_autoptr(GError) error = NULL;
    Policy *policy = daemon_load_policy(options, &error);

    if (!policy) {
        g_critical("%s", error->message);
        daemon.status = EXIT_FAILURE;
    } else if (!open_xen(&daemon)) {
        policy_free(policy);
        daemon.status = EXIT_FAILURE;
    } else {
        log_set_level(policy->log_level);
        daemon.service = service_new(daemon.store, daemon.host, policy);
        serve_until_stopped(&daemon);
    }
    g_clear_pointer(&daemon.due, g_source_unref);
    service_free(daemon.service);
    host_xen_close(daemon.host);
    store_xenstore_close(daemon.store);
    g_main_loop_unref(daemon.loop);
    return daemon.status;
}
