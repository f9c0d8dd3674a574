/*
 * Where the programs' messages go
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static GLogLevelFlags least_level = G_LOG_LEVEL_INFO;
static int log_fd = STDERR_FILENO;
static bool for_journal;

/* In order of importance; the numbers are syslog's. */
static const struct {
    GLogLevelFlags level;
    int priority;
    const char *name;
} levels[] = {
    { G_LOG_LEVEL_ERROR, 2, "fatal" },
    { G_LOG_LEVEL_CRITICAL, 3, "error" },
    { G_LOG_LEVEL_WARNING, 4, "warning" },
    { G_LOG_LEVEL_MESSAGE, 5, "notice" },
    { G_LOG_LEVEL_INFO, 6, "info" },
    { G_LOG_LEVEL_DEBUG, 7, "debug" },
};

static size_t find_level(GLogLevelFlags level)
{
    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
        if (level & levels[i].level) {
            return i;
        }
    }
    return G_N_ELEMENTS(levels) - 1;
}

static char *prefix(size_t level)
{
    g_autoptr(GDateTime) now = NULL;
    g_autofree char *time = NULL;

    if (for_journal && log_fd == STDERR_FILENO) {
        return g_strdup_printf("<%d>", levels[level].priority);
    }
    now = g_date_time_new_now_local();
    time = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");
    return g_strdup_printf("%s.%03d %s: ", time,
                           g_date_time_get_microsecond(now) / 1000,
                           levels[level].name);
}

static const char *find_message(const GLogField *fields, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (!strcmp(fields[i].key, "MESSAGE")) {
            return fields[i].value;
        }
    }
    return "";
}

static GLogWriterOutput write_message(GLogLevelFlags level,
                                      const GLogField *fields, gsize n,
                                      gpointer data)
{
    size_t found = find_level(level);
    g_autofree char *start = NULL;
    g_autofree char *line = NULL;

    if (found > find_level(least_level)) {
        return G_LOG_WRITER_HANDLED;
    }
    start = prefix(found);
    line = g_strdup_printf("%s%s\n", start, find_message(fields, n));
    /* In one piece; there is nowhere to report that it fails. */
    if (write(log_fd, line, strlen(line)) < 0) {
        return G_LOG_WRITER_UNHANDLED;
    }
    return G_LOG_WRITER_HANDLED;
}

void log_start(void)
{
    /* systemd sets it where stderr is the journal's. */
    for_journal = g_getenv("JOURNAL_STREAM") != NULL;
    g_log_set_writer_func(write_message, NULL, NULL);
}

void log_set_level(GLogLevelFlags level)
{
    least_level = level;
}

bool log_set_file(const char *file, GError **error)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
                  0640);

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot open the log file %s: %s", file,
                    g_strerror(errno));
        return false;
    }
    if (log_fd != STDERR_FILENO) {
        close(log_fd);
    }
    log_fd = fd;
    return true;
}
