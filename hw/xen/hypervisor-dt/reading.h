/*
 * Hypervisor node: reading properties of a tree that libfdt has checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_READING_H
#define HW_XEN_HYPERVISOR_DT_READING_H

#include <libfdt.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A node's name in a message; a hostile one may be megabytes long. */
#define NAME_SHOWN 40

#define CELL sizeof(fdt32_t)

static inline const char *name_of(const void *fdt, int node)
{
    const char *name = fdt_get_name(fdt, node, NULL);

    return name && *name ? name : "/";
}

/* NULL and size 0: there is none. */
static inline const void *property(const void *fdt, int node,
                                   const char *name, size_t *size)
{
    int length;
    const void *value = fdt_getprop(fdt, node, name, &length);

    *size = value ? length : 0;
    return value;
}

/* Cell number @n; properties are not aligned. */
static inline uint32_t cell(const void *cells, size_t n)
{
    fdt32_t value;

    memcpy(&value, (const char *)cells + n * CELL, CELL);
    return fdt32_to_cpu(value);
}

#endif /* HW_XEN_HYPERVISOR_DT_READING_H */
