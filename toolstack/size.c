/*
 * Sizes as people write them: "64 MiB"
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "hw/xen/device-memory-protocol.h"
#include "size.h"

static const struct {
    const char *name;
    uint32_t kib;
} units[] = {
    { "GiB", 1024 * 1024 },
    { "MiB", 1024 },
    { "KiB", 1 },
};

static uint32_t unit_kib(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (!strcmp(units[i].name, name)) {
            return units[i].kib;
        }
    }
    return 0;
}

bool size_parse(const char *text, uint32_t *kib)
{
    size_t digits = strspn(text, "0123456789");
    const char *name = text + digits;
    uint64_t number;
    uint32_t unit;

    while (*name == ' ') {
        name++;
    }
    unit = unit_kib(name);
    if (!unit || !device_memory_parse_number(text, digits,
                                             SIZE_MAX_KIB / unit, &number)) {
        return false;
    }
    if (number * unit % DEVICE_MEMORY_PAGE_KIB) {
        return false;
    }
    *kib = number * unit;
    return true;
}

char *size_format(uint32_t kib)
{
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (kib && kib % units[i].kib == 0) {
            return g_strdup_printf("%u %s", kib / units[i].kib,
                                   units[i].name);
        }
    }
    return g_strdup("0 KiB");
}
