/*
 * Where the programs' messages go
 *
 * Concepts
 * - Messages are GLib's: g_critical() for errors, g_warning(), g_info(),
 *   g_debug().
 * - They go to stderr or to a file; with a time, or, where the journal reads
 *   them, with the level as it wants it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_LOG_H
#define TOOLSTACK_LOG_H

#include <glib.h>
#include <stdbool.h>

/**
 * log_start: from now on, messages go where they should
 */
void log_start(void);

/**
 * log_set_level: what is logged
 * @level: the least important level that is
 */
void log_set_level(GLogLevelFlags level);

/**
 * log_set_file: log to a file, in place of stderr
 * @file: its name; it is made if need be and appended to.  The file that had
 *        the name before, if any, is let go, so that logs can be rotated.
 * @error: set on failure; messages go where they went before
 */
bool log_set_file(const char *file, GError **error);

#endif /* TOOLSTACK_LOG_H */
