/*
 * Hypervisor node: what a tree says that is to be fixed up
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-fixup.h"
#include "interrupts.h"
#include "reading.h"
#include "survey.h"
#include "writer.h"

/* What a node has if it does not say (Devicetree Specification, 2.3.5). */
#define DEFAULT_ADDRESS_CELLS 2
#define DEFAULT_SIZE_CELLS 1

/* More than that is no number; PCI addresses have three. */
#define ADDRESS_CELLS_MAX 2
#define CHILD_ADDRESS_CELLS_MAX 3
#define SIZE_CELLS_MAX 2

/* What is the same for all the children of a node. */
typedef struct Level {
    uint32_t address_cells;
    uint32_t size_cells;
    uint32_t interrupt_parent;  /* phandle; 0: none */
    uint32_t interrupt_cells;   /* 0: not what interrupts go to */
    uint32_t phandle;           /* 0: none */
    bool mapped;                /* children's addresses are the guest's */
} Level;

typedef struct Visit {
    Survey *survey;
    HypervisorDtError *error;
    GHashTable *parents;        /* as from interrupt_parents_new() */
    Level levels[HYPERVISOR_DT_DEPTH_MAX + 1];
    unsigned hypervisors;
    unsigned controllers;       /* nodes with the GIC's phandle */
} Visit;

/* --- reading properties --- */

/* @number cells as one number; 0 cells are 0. */
static uint64_t number_at(const void *cells, size_t n, uint32_t number)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < number; i++) {
        value = value << 32 | cell(cells, n + i);
    }
    return value;
}

/* A property of one cell, or what holds if there is none. */
static int read_cell(Visit *visit, int node, const char *name,
                     uint32_t otherwise, uint32_t *value)
{
    const void *fdt = visit->survey->fdt;
    size_t size;
    const void *cells = property(fdt, node, name, &size);

    *value = otherwise;
    if (!cells) {
        return 0;
    }
    if (size != CELL) {
        return hypervisor_dt_error_set(visit->error, -EINVAL,
            "%s of node %.*s has %zu bytes, it must have %zu", name,
            NAME_SHOWN, name_of(fdt, node), size, CELL);
    }
    *value = cell(cells, 0);
    return 0;
}

static bool is_string(const void *fdt, int node, const char *name,
                      const char *expected)
{
    size_t size;
    const void *value = property(fdt, node, name, &size);

    return value && size == strlen(expected) + 1 &&
           !memcmp(value, expected, size);
}

/* --- ranges --- */

static int check_cells(Visit *visit, int node, uint32_t address_cells,
                       uint32_t address_cells_max, uint32_t size_cells)
{
    if (!address_cells || address_cells > address_cells_max ||
        size_cells > SIZE_CELLS_MAX) {
        return hypervisor_dt_error_set(visit->error, -EINVAL,
            "addresses of %" PRIu32 " and sizes of %" PRIu32 " cells above or"
            " in node %.*s: 1 to %" PRIu32 " and 0 to %d are known",
            address_cells, size_cells, NAME_SHOWN,
            name_of(visit->survey->fdt, node), address_cells_max,
            SIZE_CELLS_MAX);
    }
    return 0;
}

static int check_entries(Visit *visit, int node, const char *name,
                         size_t size, size_t entry)
{
    if (!entry || size % entry) {
        return hypervisor_dt_error_set(visit->error, -EINVAL,
            "%s of node %.*s has %zu bytes, that is no multiple of %zu", name,
            NAME_SHOWN, name_of(visit->survey->fdt, node), size, entry);
    }
    return 0;
}

/* A range that is there; an empty one takes nothing. */
static int add_found(Visit *visit, int node, uint64_t base, uint64_t size)
{
    const char *name = name_of(visit->survey->fdt, node);

    if (!size) {
        return 0;
    }
    if (base + (size - 1) < base) {
        return hypervisor_dt_error_set(visit->error, -ERANGE,
            "node %.*s: 0x%" PRIx64 " with size 0x%" PRIx64
            " ends beyond 2^64", NAME_SHOWN, name, base, size);
    }
    taken_add(visit->survey->found, HYPERVISOR_DT_FOUND, base, size,
              "node %.*s", NAME_SHOWN, name);
    return 0;
}

static int add_reg(Visit *visit, int node, const Level *above)
{
    size_t entry = (above->address_cells + above->size_cells) * CELL;
    size_t size;
    const void *reg = property(visit->survey->fdt, node, "reg", &size);

    if (!size) {
        return 0;
    }
    if (check_cells(visit, node, above->address_cells, ADDRESS_CELLS_MAX,
                    above->size_cells) ||
        check_entries(visit, node, "reg", size, entry)) {
        return visit->error->code;
    }
    for (size_t at = 0; at < size / CELL; at += entry / CELL) {
        if (add_found(visit, node, number_at(reg, at, above->address_cells),
                      number_at(reg, at + above->address_cells,
                                above->size_cells))) {
            return visit->error->code;
        }
    }
    return 0;
}

/* The windows of a bus, as seen from above it. */
static int add_ranges(Visit *visit, int node, const Level *above,
                      const Level *level)
{
    size_t entry = (above->address_cells + level->address_cells +
                    level->size_cells) * CELL;
    size_t size;
    const void *ranges = property(visit->survey->fdt, node, "ranges", &size);

    if (check_cells(visit, node, above->address_cells, ADDRESS_CELLS_MAX,
                    above->size_cells) ||
        check_cells(visit, node, level->address_cells,
                    CHILD_ADDRESS_CELLS_MAX, level->size_cells) ||
        check_entries(visit, node, "ranges", size, entry)) {
        return visit->error->code;
    }
    for (size_t at = 0; at < size / CELL; at += entry / CELL) {
        size_t base = at + level->address_cells;

        if (add_found(visit, node,
                      number_at(ranges, base, above->address_cells),
                      number_at(ranges, base + above->address_cells,
                                level->size_cells))) {
            return visit->error->code;
        }
    }
    return 0;
}

/* --- interrupts --- */

/*
 * Where a node's interrupts go: where it says, or else where the root says.
 * What is in between does not matter here: both nodes that have to be on the
 * way, the hypervisor's and the controller's, are right below the root.
 */
static uint32_t interrupt_parent_of(const void *fdt, int node)
{
    size_t size;
    const void *value = property(fdt, node, "interrupt-parent", &size);

    if (size != CELL) {
        value = property(fdt, 0, "interrupt-parent", &size);
    }
    return size == CELL ? cell(value, 0) : 0;
}

/* The event channel's interrupt arrives somewhere. */
static int check_interrupt_chain(Visit *visit)
{
    const void *fdt = visit->survey->fdt;
    int node = visit->survey->hypervisor;

    for (unsigned i = 0; i < HYPERVISOR_DT_DEPTH_MAX; i++) {
        uint32_t phandle = interrupt_parent_of(fdt, node);

        node = fdt_node_offset_by_phandle(fdt, phandle);
        if (node < 0) {
            return hypervisor_dt_error_set(visit->error, -ENOENT,
                "the hypervisor node's interrupt leads to phandle %" PRIu32
                ", which no node has", phandle);
        }
        if (fdt_getprop(fdt, node, "interrupt-controller", NULL)) {
            return 0;
        }
    }
    return hypervisor_dt_error_set(visit->error, -ELOOP,
        "the hypervisor node's interrupt parents go round in a circle");
}

/* --- nodes of special interest --- */

static bool same_property(const void *fdt, int node, const void *devices,
                          int device, const char *name)
{
    size_t size, expected_size;
    const void *value = property(fdt, node, name, &size);
    const void *expected = property(devices, device, name, &expected_size);

    return size == expected_size && (!size || !memcmp(value, expected, size));
}

/* libxl sets CPU bits for SPIs as well, which mean nothing there. */
static bool same_interrupt(const void *fdt, int node, const void *devices,
                           int device)
{
    size_t size, expected_size;
    const void *value = property(fdt, node, "interrupts", &size);
    const void *expected = property(devices, device, "interrupts",
                                    &expected_size);

    if (size != expected_size || !size) {
        return size == expected_size;
    }
    return cell(value, 0) == cell(expected, 0) &&
           cell(value, 1) == cell(expected, 1) &&
           (cell(value, 2) & 0xf) == (cell(expected, 2) & 0xf);
}

/* A guest uses a node without a status, or with one of these. */
static bool is_enabled(const void *fdt, int node)
{
    return !fdt_getprop(fdt, node, "status", NULL) ||
           is_string(fdt, node, "status", "okay") ||
           is_string(fdt, node, "status", "ok");
}

/*
 * What two nodes for the same registers must agree on, and what the guest needs
 * to use them; NULL if all is well.  @parent is where the one's interrupts go.
 */
static const char *first_difference(const void *fdt, int node,
                                    uint32_t parent, const void *devices,
                                    int device)
{
    static const char *const names[] = {
        "interrupts-extended", "ranges", "interrupt-map", "interrupt-map-mask"
    };
    const char *kind = fdt_getprop(devices, device, "compatible", NULL);

    if (fdt_stringlist_search(fdt, node, "compatible", kind) < 0) {
        return "compatible";
    }
    if (!same_interrupt(fdt, node, devices, device)) {
        return "interrupts";
    }
    if (parent != HYPERVISOR_DT_GIC_PHANDLE &&
        fdt_getprop(devices, device, "interrupts", NULL)) {
        return "interrupt-parent";
    }
    if (!is_enabled(fdt, node)) {
        return "status";
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!same_property(fdt, node, devices, device, names[i])) {
            return names[i];
        }
    }
    return NULL;
}

/* The device of QEMU's whose node has this name, or these registers. */
static int matching_device(const void *fdt, int node, const void *devices,
                           bool *same_registers)
{
    int device;

    fdt_for_each_subnode(device, devices, 0) {
        *same_registers = same_property(fdt, node, devices, device, "reg");
        if (*same_registers || !strcmp(name_of(fdt, node),
                                       name_of(devices, device))) {
            return device;
        }
    }
    return -1;
}

/*
 * Devices that QEMU serves, or nobody.  Xen's own PCIe host has no
 * interrupt-map.
 */
static int check_served(Visit *visit, int node)
{
    static const struct {
        const char *compatible;
        const char *property;   /* NULL: whatever it has */
    } kinds[] = {
        { "virtio,mmio", NULL },
        { "pci-host-ecam-generic", "interrupt-map" },
        { "tcg,tpm-tis-mmio", NULL },
    };
    const void *fdt = visit->survey->fdt;

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (fdt_stringlist_search(fdt, node, "compatible",
                                  kinds[i].compatible) < 0 ||
            (kinds[i].property &&
             !fdt_getprop(fdt, node, kinds[i].property, NULL))) {
            continue;
        }
        return hypervisor_dt_error_set(visit->error, -ENODEV,
            "node %.*s is a device of kind %s, and QEMU has none there",
            NAME_SHOWN, name_of(fdt, node), kinds[i].compatible);
    }
    return 0;
}

/* Whether a node below the root is one of QEMU's: @is_ours, or a failure. */
static int match_device(Visit *visit, int node, bool *is_ours)
{
    Survey *survey = visit->survey;
    const char *difference = "reg";
    bool same_registers;
    int device = matching_device(survey->fdt, node, survey->devices,
                                 &same_registers);
    g_autofree char *name = NULL;

    *is_ours = false;
    if (device < 0) {
        return check_served(visit, node);
    }
    if (g_hash_table_contains(survey->present, GINT_TO_POINTER(device + 1))) {
        return 0;               /* there twice: their ranges clash */
    }
    if (same_registers) {
        difference = first_difference(survey->fdt, node,
                                      visit->levels[1].interrupt_parent,
                                      survey->devices, device);
    }
    if (!difference) {
        g_hash_table_add(survey->present, GINT_TO_POINTER(device + 1));
        *is_ours = true;
        return 0;
    }
    name = g_strdup_printf("node %.*s", NAME_SHOWN,
                           name_of(survey->fdt, node));
    hypervisor_dt_error_set(visit->error, -EEXIST,
        "%s is there already, but its %s is not that of QEMU's %s", name,
        difference, name_of(survey->devices, device));
    return hypervisor_dt_error_clash(visit->error, name,
                                     name_of(survey->devices, device));
}

/* What was found from the @first on is RAM. */
static void add_ram(Survey *survey, size_t first)
{
    for (size_t i = first; i < survey->found->ranges->len; i++) {
        HypervisorDtRange range = g_array_index(survey->found->ranges,
                                                HypervisorDtRange, i);

        /* Two must not overlap. */
        range.kind = HYPERVISOR_DT_OWN;
        g_array_append_val(survey->ram, range);
    }
}

static int check_compatible(Visit *visit, int node)
{
    static const char version[] = "xen,xen-";
    const void *fdt = visit->survey->fdt;
    int length;
    const char *first = fdt_stringlist_get(fdt, node, "compatible", 0,
                                           &length);

    if (!first || !g_str_has_prefix(first, version) ||
        !g_ascii_isdigit(first[strlen(version)]) ||
        fdt_stringlist_search(fdt, node, "compatible", "xen,xen") < 0) {
        return hypervisor_dt_error_set(visit->error, -EINVAL,
            "compatible of the hypervisor node must begin with"
            " \"xen,xen-VERSION\" and have \"xen,xen\"");
    }
    return 0;
}

/* reg: region 0, then the extended regions as whoever made the tree saw it. */
static int read_hypervisor(Visit *visit, int node)
{
    static const size_t entry = (HYPERVISOR_DT_ADDRESS_CELLS +
                                 HYPERVISOR_DT_SIZE_CELLS) * CELL;
    Survey *survey = visit->survey;
    size_t size;
    const void *reg = property(survey->fdt, node, "reg", &size);

    if (!size) {
        return hypervisor_dt_error_set(visit->error, -EINVAL,
            "the hypervisor node has no reg, which must have region 0");
    }
    if (check_compatible(visit, node) ||
        check_entries(visit, node, "reg", size, entry)) {
        return visit->error->code;
    }
    for (size_t at = 0; at < size / CELL; at += entry / CELL) {
        HypervisorDtRange range = {
            .name = "extended region",
            .base = number_at(reg, at, HYPERVISOR_DT_ADDRESS_CELLS),
            .size = number_at(reg, at + HYPERVISOR_DT_ADDRESS_CELLS,
                              HYPERVISOR_DT_SIZE_CELLS),
            .kind = HYPERVISOR_DT_FOUND,
        };

        if (range.size && range.base + (range.size - 1) < range.base) {
            return hypervisor_dt_error_set(visit->error, -ERANGE,
                "the hypervisor node's reg has a range at 0x%" PRIx64
                " that ends beyond 2^64", range.base);
        }
        if (!at) {
            survey->region0_base = range.base;
            survey->region0_size = range.size;
        } else if (range.size) {
            g_array_append_val(survey->regions, range);
        }
    }
    survey->hypervisor = node;
    visit->hypervisors++;
    return add_found(visit, node, survey->region0_base,
                     survey->region0_size);
}

static int check_controller(Visit *visit, int node)
{
    const void *fdt = visit->survey->fdt;
    uint32_t interrupt_cells, address_cells;

    visit->controllers++;
    if (read_cell(visit, node, "#interrupt-cells", 0, &interrupt_cells) ||
        read_cell(visit, node, "#address-cells", 0, &address_cells)) {
        return visit->error->code;
    }
    if (!fdt_getprop(fdt, node, "interrupt-controller", NULL) ||
        interrupt_cells != TREE_INTERRUPT_CELLS || address_cells) {
        return hypervisor_dt_error_set(visit->error, -EINVAL,
            "node %.*s has phandle %d, but is no interrupt controller with"
            " interrupts of %d cells and no addresses", NAME_SHOWN,
            name_of(fdt, node), HYPERVISOR_DT_GIC_PHANDLE,
            TREE_INTERRUPT_CELLS);
    }
    return 0;
}

/* --- the walk --- */

static int check_root(Visit *visit, const Level *level)
{
    if (level->address_cells != HYPERVISOR_DT_ADDRESS_CELLS ||
        level->size_cells != HYPERVISOR_DT_SIZE_CELLS) {
        return hypervisor_dt_error_set(visit->error, -EINVAL,
            "addresses of %" PRIu32 " and sizes of %" PRIu32 " cells at the"
            " root: both must have %d", level->address_cells,
            level->size_cells, HYPERVISOR_DT_ADDRESS_CELLS);
    }
    return 0;
}

/* Where the interrupts go of a node that does not say it. */
static uint32_t inherited_parent(const Level *above)
{
    if (!above) {
        return 0;
    }
    return above->interrupt_cells ? above->phandle : above->interrupt_parent;
}

/* Fill in what holds below a node. */
static int enter(Visit *visit, int node, int depth)
{
    const Level *above = depth ? &visit->levels[depth - 1] : NULL;
    Level *level = &visit->levels[depth];
    size_t size;
    const void *ranges = fdt_getprop(visit->survey->fdt, node, "ranges",
                                     NULL);

    property(visit->survey->fdt, node, "ranges", &size);
    level->mapped = !above || (above->mapped && ranges && !size);
    if (read_cell(visit, node, "#address-cells", DEFAULT_ADDRESS_CELLS,
                  &level->address_cells) ||
        read_cell(visit, node, "#size-cells", DEFAULT_SIZE_CELLS,
                  &level->size_cells) ||
        read_cell(visit, node, "#interrupt-cells", 0,
                  &level->interrupt_cells) ||
        read_cell(visit, node, "interrupt-parent", inherited_parent(above),
                  &level->interrupt_parent)) {
        return visit->error->code;
    }
    level->phandle = fdt_get_phandle(visit->survey->fdt, node);
    return above ? 0 : check_root(visit, level);
}

/* A node whose addresses are the guest's. */
static int visit_mapped(Visit *visit, int node, int depth)
{
    const void *fdt = visit->survey->fdt;
    const Level *above = &visit->levels[depth - 1];
    const Level *level = &visit->levels[depth];
    size_t found_before = visit->survey->found->ranges->len;

    if (add_reg(visit, node, above)) {
        return visit->error->code;
    }
    if (depth == 1 && is_string(fdt, node, "device_type", "memory")) {
        add_ram(visit->survey, found_before);
        return 0;
    }
    if (!level->mapped && fdt_getprop(fdt, node, "ranges", NULL)) {
        return add_ranges(visit, node, above, level);
    }
    return 0;
}

/* Interrupts count at every node, whatever its addresses are. */
static int visit_other(Visit *visit, int node, int depth)
{
    const Level *level = &visit->levels[depth];
    InterruptNode interrupts = {
        .fdt = visit->survey->fdt,
        .node = node,
        .parent = level->interrupt_parent,
        .address_cells = level->address_cells,
        .interrupt_cells = level->interrupt_cells,
    };

    if (interrupts_check(&interrupts, visit->parents,
                         visit->survey->interrupts, visit->error)) {
        return visit->error->code;
    }
    return visit->levels[depth - 1].mapped ? visit_mapped(visit, node, depth)
                                           : 0;
}

static int visit_node(Visit *visit, int node, int depth)
{
    bool is_ours = false;

    if (enter(visit, node, depth)) {
        return visit->error->code;
    }
    if (visit->levels[depth].phandle == HYPERVISOR_DT_GIC_PHANDLE &&
        check_controller(visit, node)) {
        return visit->error->code;
    }
    if (depth == 1 &&
        !strcmp(name_of(visit->survey->fdt, node), "hypervisor")) {
        return read_hypervisor(visit, node);
    }
    if (depth == 1 && match_device(visit, node, &is_ours)) {
        return visit->error->code;
    }
    return depth && !is_ours ? visit_other(visit, node, depth) : 0;
}

static int must_be_one(Visit *visit, unsigned number, const char *what)
{
    if (!number) {
        return hypervisor_dt_error_set(visit->error, -ENOENT,
                                       "the device tree has no %s", what);
    }
    if (number > 1) {
        hypervisor_dt_error_set(visit->error, -EEXIST,
                                "the device tree has %u times a %s", number,
                                what);
        return hypervisor_dt_error_clash(visit->error, what, what);
    }
    return 0;
}

static int conclude(Visit *visit)
{
    Survey *survey = visit->survey;

    if (must_be_one(visit, visit->hypervisors, "node /hypervisor") ||
        must_be_one(visit, visit->controllers,
                    "interrupt controller with phandle 65000") ||
        check_interrupt_chain(visit)) {
        return visit->error->code;
    }
    if (!survey->ram->len) {
        return hypervisor_dt_error_set(visit->error, -ENOENT,
            "the device tree has no memory node with RAM");
    }
    return hypervisor_dt_ranges_check(
        (const HypervisorDtRange *)survey->ram->data, survey->ram->len,
        visit->error);
}

int survey_run(Survey *survey, const void *fdt, const void *devices,
               HypervisorDtError *error)
{
    g_autofree Visit *visit = g_new0(Visit, 1);
    g_autoptr(GHashTable) parents = interrupt_parents_new(fdt);
    int depth = 0;
    int node = 0;

    survey->fdt = fdt;
    survey->devices = devices;
    visit->survey = survey;
    visit->error = error;
    visit->parents = parents;
    while (node >= 0 && depth >= 0) {
        if (visit_node(visit, node, depth)) {
            return error->code;
        }
        node = fdt_next_node(fdt, node, &depth);
    }
    return conclude(visit);
}

void survey_init(Survey *survey, GHashTable *interrupts)
{
    *survey = (Survey) {
        .interrupts = interrupts,
        .hypervisor = -1,
        .regions = g_array_new(FALSE, FALSE, sizeof(HypervisorDtRange)),
        .ram = g_array_new(FALSE, FALSE, sizeof(HypervisorDtRange)),
        .found = taken_new(),
        .present = g_hash_table_new(NULL, NULL),
    };
}

void survey_clear(Survey *survey)
{
    g_array_unref(survey->regions);
    g_array_unref(survey->ram);
    g_hash_table_unref(survey->present);
    taken_free(survey->found);
}
