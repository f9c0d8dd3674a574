/*
 * Hypervisor node: what is taken, collected
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <stdarg.h>

#include "hw/xen/hypervisor-dt-layout.h"
#include "taken.h"

Taken *taken_new(void)
{
    Taken *taken = g_new(Taken, 1);

    taken->ranges = g_array_new(FALSE, FALSE, sizeof(HypervisorDtRange));
    taken->names = g_ptr_array_new_with_free_func(g_free);
    taken->interrupts = g_hash_table_new(NULL, NULL);
    return taken;
}

void taken_free(Taken *taken)
{
    g_array_unref(taken->ranges);
    g_hash_table_unref(taken->interrupts);
    g_ptr_array_unref(taken->names);
    g_free(taken);
}

static const char * G_GNUC_PRINTF(2, 0)
make_name(Taken *taken, const char *format, va_list arguments)
{
    char *name = g_strdup_vprintf(format, arguments);

    g_ptr_array_add(taken->names, name);
    return name;
}

void taken_add(Taken *taken, HypervisorDtRangeKind kind, uint64_t base,
               uint64_t size, const char *format, ...)
{
    HypervisorDtRange range = { .base = base, .size = size, .kind = kind };
    va_list arguments;

    va_start(arguments, format);
    range.name = make_name(taken, format, arguments);
    va_end(arguments);
    g_array_append_val(taken->ranges, range);
}

int taken_add_interrupt(Taken *taken, unsigned irq, HypervisorDtError *error,
                        const char *format, ...)
{
    const char *name, *user;
    va_list arguments;

    va_start(arguments, format);
    name = make_name(taken, format, arguments);
    va_end(arguments);
    if (irq < HYPERVISOR_DT_SPI_FIRST || irq >= HYPERVISOR_DT_SPI_END) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "interrupt %u of %s: it must be from %d to %d", irq, name,
            HYPERVISOR_DT_SPI_FIRST, HYPERVISOR_DT_SPI_END - 1);
    }
    user = g_hash_table_lookup(taken->interrupts, GUINT_TO_POINTER(irq));
    if (user) {
        hypervisor_dt_error_set(error, -EEXIST,
            "interrupt %u of %s is also that of %s", irq, name, user);
        return hypervisor_dt_error_clash(error, user, name);
    }
    g_hash_table_insert(taken->interrupts, GUINT_TO_POINTER(irq),
                        (gpointer)name);
    return 0;
}
