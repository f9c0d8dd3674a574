/*
 * The daemon: the service in a main loop
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_DAEMON_H
#define TOOLSTACK_DAEMON_H

#include <glib.h>

#include "policy.h"

typedef struct DaemonOptions {
    const char *config;             /* the policy's file */
    gboolean config_is_optional;    /* without it, the defaults hold */
    const char *log_file;           /* or NULL */
    const char *libxl_directory;
} DaemonOptions;

/**
 * daemon_run: serve until SIGTERM or SIGINT
 * @options: how; SIGHUP reads the policy again and opens the log again
 *
 * Returns: the status to exit with.  What failed is in the log.
 */
int daemon_run(const DaemonOptions *options);

/**
 * daemon_load_policy: read the policy
 * @options: from where
 * @error: set on failure
 *
 * Returns: the policy, to be freed with policy_free(), or NULL
 */
Policy *daemon_load_policy(const DaemonOptions *options,
                           GError **error);

#endif /* TOOLSTACK_DAEMON_H */
