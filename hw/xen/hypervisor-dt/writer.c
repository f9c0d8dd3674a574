/*
 * Hypervisor node: writing a device tree from its first node to its last
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <libfdt.h>
#include <stdarg.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-layout.h"
#include "writer.h"

static void note(TreeWriter *writer, int status)
{
    if (!writer->status) {
        writer->status = status;
    }
}

void tree_writer_init(TreeWriter *writer, void *buffer, size_t size)
{
    *writer = (TreeWriter) { .fdt = buffer };
    note(writer, fdt_create(buffer, size));
    if (!writer->status) {
        note(writer, fdt_finish_reservemap(buffer));
    }
}

int tree_writer_finish(TreeWriter *writer)
{
    if (!writer->status) {
        note(writer, fdt_finish(writer->fdt));
    }
    return writer->status;
}

void tree_writer_begin(TreeWriter *writer, const char *format, ...)
{
    g_autofree char *name = NULL;
    va_list arguments;

    va_start(arguments, format);
    name = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!writer->status) {
        note(writer, fdt_begin_node(writer->fdt, name));
    }
}

void tree_writer_end(TreeWriter *writer)
{
    if (!writer->status) {
        note(writer, fdt_end_node(writer->fdt));
    }
}

void tree_writer_bytes(TreeWriter *writer, const char *name,
                       const void *bytes, size_t size)
{
    if (!writer->status) {
        note(writer, fdt_property(writer->fdt, name, bytes, size));
    }
}

void tree_writer_flag(TreeWriter *writer, const char *name)
{
    tree_writer_bytes(writer, name, NULL, 0);
}

void tree_writer_string(TreeWriter *writer, const char *name,
                        const char *value)
{
    tree_writer_bytes(writer, name, value, strlen(value) + 1);
}

void tree_writer_strings(TreeWriter *writer, const char *name, ...)
{
    g_autoptr(GString) list = g_string_new(NULL);
    const char *value;
    va_list arguments;

    va_start(arguments, name);
    while ((value = va_arg(arguments, const char *))) {
        g_string_append_len(list, value, strlen(value) + 1);
    }
    va_end(arguments);
    tree_writer_bytes(writer, name, list->str, list->len);
}

void tree_writer_cells(TreeWriter *writer, const char *name,
                       const uint32_t *cells, size_t number)
{
    g_autofree fdt32_t *swapped = g_new(fdt32_t, number);

    for (size_t i = 0; i < number; i++) {
        swapped[i] = cpu_to_fdt32(cells[i]);
    }
    tree_writer_bytes(writer, name, swapped, number * sizeof(*swapped));
}

void tree_writer_cell(TreeWriter *writer, const char *name, uint32_t cell)
{
    tree_writer_cells(writer, name, &cell, 1);
}

void tree_writer_u64s(TreeWriter *writer, const char *name,
                      const uint64_t *values, size_t number)
{
    g_autofree fdt64_t *swapped = g_new(fdt64_t, number);

    for (size_t i = 0; i < number; i++) {
        swapped[i] = cpu_to_fdt64(values[i]);
    }
    tree_writer_bytes(writer, name, swapped, number * sizeof(*swapped));
}

void tree_writer_reg(TreeWriter *writer, uint64_t base, uint64_t size)
{
    const uint64_t range[] = { base, size };

    tree_writer_u64s(writer, "reg", range, G_N_ELEMENTS(range));
}

void tree_interrupt_cells(unsigned irq, uint32_t trigger,
                          uint32_t cells[TREE_INTERRUPT_CELLS])
{
    bool shared = irq >= HYPERVISOR_DT_SPI_FIRST;

    cells[0] = shared ? 0 : 1;
    cells[1] = shared ? irq - HYPERVISOR_DT_SPI_FIRST
                      : irq - HYPERVISOR_DT_PPI_FIRST;
    cells[2] = shared ? trigger : trigger | TREE_ALL_CPUS;
}

void tree_writer_interrupt(TreeWriter *writer, unsigned irq,
                           uint32_t trigger)
{
    uint32_t cells[TREE_INTERRUPT_CELLS];

    tree_interrupt_cells(irq, trigger, cells);
    tree_writer_cells(writer, "interrupts", cells, TREE_INTERRUPT_CELLS);
    tree_writer_cell(writer, "interrupt-parent", HYPERVISOR_DT_GIC_PHANDLE);
}
