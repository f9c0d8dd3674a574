/*
 * Hypervisor node: writing a device tree from its first node to its last
 *
 * Concepts
 * - A thin layer over libfdt's sequential writer that remembers the first
 *   failure, so that a node is written as a list of statements.
 * - Numbers go in as the host has them and come out big-endian.
 * - The only failure that a correct caller can meet is a full buffer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_WRITER_H
#define HW_XEN_HYPERVISOR_DT_WRITER_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* Cells of one interrupt (bindings/interrupt-controller/arm,gic.yaml). */
#define TREE_INTERRUPT_CELLS 3

/* The third cell: how a line tells of its interrupt. */
#define TREE_EDGE_RISING 0x1
#define TREE_LEVEL_HIGH 0x4
#define TREE_LEVEL_LOW 0x8

/* ... and, for a CPU's own interrupt, for which CPUs it is: the first four. */
#define TREE_ALL_CPUS 0xf00

typedef struct TreeWriter {
    void *fdt;              /* the buffer; the caller's */
    int status;             /* 0, or the first error of libfdt */
} TreeWriter;

/**
 * tree_writer_init: begin a tree; its root is still to be begun
 * @writer: filled in
 * @buffer: where the tree goes
 * @size: of @buffer, in bytes
 */
void tree_writer_init(TreeWriter *writer, void *buffer, size_t size);

/**
 * tree_writer_finish: all nodes have been ended
 * @writer: the writer
 *
 * Returns: 0, or the first error of libfdt that any call met
 */
int tree_writer_finish(TreeWriter *writer);

/* Begin a node; its properties come first, then its subnodes, then the end. */
void tree_writer_begin(TreeWriter *writer, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
void tree_writer_end(TreeWriter *writer);

/* A property of any bytes; of none; of a string. */
void tree_writer_bytes(TreeWriter *writer, const char *name,
                       const void *bytes, size_t size);
void tree_writer_flag(TreeWriter *writer, const char *name);
void tree_writer_string(TreeWriter *writer, const char *name,
                        const char *value);

/* A property of several strings, the last argument being NULL. */
void tree_writer_strings(TreeWriter *writer, const char *name, ...)
    G_GNUC_NULL_TERMINATED;

/* A property of 32-bit cells; of one; of 64-bit numbers (two cells each). */
void tree_writer_cells(TreeWriter *writer, const char *name,
                       const uint32_t *cells, size_t number);
void tree_writer_cell(TreeWriter *writer, const char *name, uint32_t cell);
void tree_writer_u64s(TreeWriter *writer, const char *name,
                      const uint64_t *values, size_t number);

/* "reg" with one range, below a node that has two cells for each. */
void tree_writer_reg(TreeWriter *writer, uint64_t base, uint64_t size);

/**
 * tree_interrupt_cells: an interrupt as a node names it
 * @irq: GIC interrupt id, 16 or above
 * @trigger: TREE_EDGE_RISING and so on
 * @cells: filled in
 */
void tree_interrupt_cells(unsigned irq, uint32_t trigger,
                          uint32_t cells[TREE_INTERRUPT_CELLS]);

/* "interrupts" with one interrupt, and the GIC as its parent. */
void tree_writer_interrupt(TreeWriter *writer, unsigned irq,
                           uint32_t trigger);

#endif /* HW_XEN_HYPERVISOR_DT_WRITER_H */
