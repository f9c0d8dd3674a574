/*
 * Hypervisor node: which interrupts the nodes of a tree use
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>

#include "hw/xen/hypervisor-dt-layout.h"
#include "interrupts.h"
#include "reading.h"
#include "writer.h"

/* What a reference to a node has to know of it. */
typedef struct Parent {
    uint32_t interrupt_cells;
    uint32_t address_cells;     /* 0 if it does not say (Linux' rule) */
} Parent;

/* A property that is a list of cells, and how far it was read. */
typedef struct List {
    const InterruptNode *node;
    const char *name;
    const void *cells;
    size_t number;
    size_t next;
} List;

/* --- the nodes that are referred to --- */

static uint32_t cell_or_0(const void *fdt, int node, const char *name)
{
    size_t size;
    const void *value = property(fdt, node, name, &size);

    return size == CELL ? cell(value, 0) : 0;
}

/*
 * Once for all nodes: a hostile tree could have a hundred thousand references,
 * each to a node that is slow to find and to read.
 */
GHashTable *interrupt_parents_new(const void *fdt)
{
    GHashTable *parents = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    int node = 0;
    int depth = 0;

    for (; node >= 0 && depth >= 0; node = fdt_next_node(fdt, node, &depth)) {
        uint32_t phandle = fdt_get_phandle(fdt, node);
        Parent *parent;

        if (!phandle || phandle == UINT32_MAX ||
            g_hash_table_contains(parents, GUINT_TO_POINTER(phandle))) {
            continue;
        }
        parent = g_new(Parent, 1);
        *parent = (Parent) {
            .interrupt_cells = cell_or_0(fdt, node, "#interrupt-cells"),
            .address_cells = cell_or_0(fdt, node, "#address-cells"),
        };
        g_hash_table_insert(parents, GUINT_TO_POINTER(phandle), parent);
    }
    return parents;
}

/* --- lists --- */

static int refuse_length(const List *list, HypervisorDtError *error)
{
    return hypervisor_dt_error_set(error, -EINVAL,
        "%s of node %.*s ends in the middle of an entry", list->name,
        NAME_SHOWN, name_of(list->node->fdt, list->node->node));
}

/* A property that is not there is an empty list. */
static int open_list(const InterruptNode *node, const char *name, List *list,
                     HypervisorDtError *error)
{
    size_t size;

    *list = (List) { .node = node, .name = name };
    list->cells = property(node->fdt, node->node, name, &size);
    list->number = size / CELL;
    return size % CELL ? refuse_length(list, error) : 0;
}

static int skip(List *list, uint32_t cells, HypervisorDtError *error)
{
    if (cells > list->number - list->next) {
        return refuse_length(list, error);
    }
    list->next += cells;
    return 0;
}

static int check_entry(const List *list, GHashTable *ours,
                       HypervisorDtError *error)
{
    const InterruptNode *node = list->node;
    uint64_t irq = (uint64_t)cell(list->cells, list->next + 1) +
                   HYPERVISOR_DT_SPI_FIRST;
    g_autofree char *name = NULL;
    const char *user = NULL;

    if (!cell(list->cells, list->next) && irq < HYPERVISOR_DT_SPI_END) {
        user = g_hash_table_lookup(ours, GUINT_TO_POINTER(irq));
    }
    if (!user) {
        return 0;
    }
    name = g_strdup_printf("node %.*s", NAME_SHOWN,
                           name_of(node->fdt, node->node));
    hypervisor_dt_error_set(error, -EEXIST,
        "interrupt %" PRIu64 " of %s is also that of %s", irq, user, name);
    return hypervisor_dt_error_clash(error, name, user);
}

/* Read one interrupt, of as many cells as its parent wants. */
static int read_entry(List *list, uint32_t phandle, uint32_t cells,
                      GHashTable *ours, HypervisorDtError *error)
{
    if (cells > list->number - list->next) {
        return refuse_length(list, error);
    }
    /* A GIC with other cells is refused as such. */
    if (phandle == HYPERVISOR_DT_GIC_PHANDLE &&
        cells == TREE_INTERRUPT_CELLS && check_entry(list, ours, error)) {
        return error->code;
    }
    list->next += cells;
    return 0;
}

/* Read a reference; NULL: it leads nowhere. */
static const Parent *read_parent(List *list, GHashTable *parents,
                                 uint32_t *phandle, HypervisorDtError *error)
{
    const Parent *parent = NULL;

    if (list->next == list->number) {
        refuse_length(list, error);
        return NULL;
    }
    *phandle = cell(list->cells, list->next++);
    parent = g_hash_table_lookup(parents, GUINT_TO_POINTER(*phandle));
    if (!parent || !parent->interrupt_cells) {
        hypervisor_dt_error_set(error, -EINVAL,
            "%s of node %.*s leads to phandle %" PRIu32 ", which no interrupt"
            " controller has", list->name, NAME_SHOWN,
            name_of(list->node->fdt, list->node->node), *phandle);
        return NULL;
    }
    return parent;
}

/* --- the three properties --- */

static int check_interrupts(const InterruptNode *node, GHashTable *ours,
                            HypervisorDtError *error)
{
    List list;

    if (node->parent != HYPERVISOR_DT_GIC_PHANDLE) {
        return 0;
    }
    if (open_list(node, "interrupts", &list, error)) {
        return error->code;
    }
    while (list.next < list.number) {
        if (read_entry(&list, node->parent, TREE_INTERRUPT_CELLS, ours,
                       error)) {
            return error->code;
        }
    }
    return 0;
}

static int check_extended(const InterruptNode *node, GHashTable *parents,
                          GHashTable *ours, HypervisorDtError *error)
{
    List list;

    if (open_list(node, "interrupts-extended", &list, error)) {
        return error->code;
    }
    while (list.next < list.number) {
        const Parent *parent;
        uint32_t phandle;

        parent = read_parent(&list, parents, &phandle, error);
        if (!parent || read_entry(&list, phandle, parent->interrupt_cells,
                                  ours, error)) {
            return error->code;
        }
    }
    return 0;
}

static int check_map(const InterruptNode *node, GHashTable *parents,
                     GHashTable *ours, HypervisorDtError *error)
{
    List list;

    if (open_list(node, "interrupt-map", &list, error)) {
        return error->code;
    }
    while (list.next < list.number) {
        const Parent *parent;
        uint32_t phandle;

        /* Which interrupt of which device below; then where it goes. */
        if (skip(&list, node->address_cells, error) ||
            skip(&list, node->interrupt_cells, error)) {
            return error->code;
        }
        parent = read_parent(&list, parents, &phandle, error);
        if (!parent || skip(&list, parent->address_cells, error) ||
            read_entry(&list, phandle, parent->interrupt_cells, ours,
                       error)) {
            return error->code;
        }
    }
    return 0;
}

int interrupts_check(const InterruptNode *node, GHashTable *parents,
                     GHashTable *ours, HypervisorDtError *error)
{
    if (check_interrupts(node, ours, error) ||
        check_extended(node, parents, ours, error) ||
        check_map(node, parents, ours, error)) {
        return error->code;
    }
    return 0;
}
