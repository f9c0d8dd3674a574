/*
 * Hypervisor node: how the cores say what is wrong
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdarg.h>
#include <stdio.h>

#include "hw/xen/hypervisor-dt-error.h"

/* Names come from trees that nobody trusts, messages end up on a terminal. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if (!g_ascii_isprint(*text)) {
            *text = '?';
        }
    }
}

int hypervisor_dt_error_set(HypervisorDtError *error, int code,
                            const char *format, ...)
{
    va_list arguments;

    error->code = code;
    error->first[0] = '\0';
    error->second[0] = '\0';
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    make_printable(error->message);
    return code;
}

int hypervisor_dt_error_clash(HypervisorDtError *error, const char *first,
                              const char *second)
{
    g_strlcpy(error->first, first, sizeof(error->first));
    g_strlcpy(error->second, second, sizeof(error->second));
    make_printable(error->first);
    make_printable(error->second);
    return error->code;
}
