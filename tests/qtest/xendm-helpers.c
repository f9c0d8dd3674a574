/*
 * QTest: what several of our tests need
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "xendm-helpers.h"

char *temporary_file(void)
{
    char *name = NULL;
    int fd = g_file_open_tmp("xendm-XXXXXX", &name, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return name;
}

char *error_of(QDict *rsp)
{
    char *text = NULL;

    if (qdict_haskey(rsp, "error")) {
        text = g_strdup(qdict_get_str(qdict_get_qdict(rsp, "error"), "desc"));
    }
    qobject_unref(rsp);
    return text;
}

void assert_ok(char *error)
{
    g_assert_cmpstr(error, ==, NULL);
}

void assert_error(char *error, const char *wanted)
{
    g_assert_nonnull(error);
    if (!strstr(error, wanted)) {
        g_test_message("error '%s' lacks '%s'", error, wanted);
        g_test_fail();
    }
    g_free(error);
}

char *run_to_failure(const char *options)
{
    g_autofree char *command =
        g_strdup_printf("%s -machine pc,accel=qtest,acpi=off -m 16 "
                        "-nodefaults -vga none -display none -S %s",
                        getenv("QTEST_QEMU_BINARY"), options);
    g_autofree char *out = NULL;
    char *err = NULL;
    int status;

    g_assert_true(g_spawn_command_line_sync(command, &out, &err, &status,
                                            NULL));
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 1);
    return err;
}
