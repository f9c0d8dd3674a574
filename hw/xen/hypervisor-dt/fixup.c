/*
 * Hypervisor node: adding QEMU's devices to a tree that libxl has made
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include "blob.h"
#include "devices.h"
#include "hypervisor-node.h"
#include "survey.h"

/* Enough for the nodes of HYPERVISOR_DT_SLOTS_MAX slots and all the others. */
#define DEVICES_TREE_SIZE 32768

/*
 * How much a tree can grow: by those nodes, by a full list of regions, and by
 * names of properties that it did not have.
 */
#define GROWTH_MAX (DEVICES_TREE_SIZE + 16 * (HYPERVISOR_DT_REGIONS_MAX + 1))

/*
 * What take_left_out() can take of a tree that comes out: before, between and
 * behind the regions of each window.
 */
#define GAPS_MAX (HYPERVISOR_DT_REGIONS_MAX + HYPERVISOR_DT_RAM_BANKS)

/* Properties of one of our nodes, at most. */
#define PROPERTIES_MAX 16

/* --- QEMU's side --- */

static int take_devices(const HypervisorDtFixup *fixup, Taken *taken,
                        HypervisorDtError *error)
{
    if (devices_take(&fixup->devices, taken, error) ||
        exclusions_take(&fixup->regions, taken, error)) {
        return error->code;
    }
    return hypervisor_dt_ranges_check(
        (const HypervisorDtRange *)taken->ranges->data, taken->ranges->len,
        error);
}

/* A tree that has QEMU's devices and nothing else. */
static void *devices_tree(const HypervisorDtDevices *devices,
                          HypervisorDtError *error)
{
    g_autofree void *tree = g_malloc0(DEVICES_TREE_SIZE);
    TreeWriter writer;
    int status;

    tree_writer_init(&writer, tree, DEVICES_TREE_SIZE);
    tree_writer_begin(&writer, "%s", "");
    devices_write(devices, &writer);
    tree_writer_end(&writer);
    status = tree_writer_finish(&writer);
    if (status) {
        hypervisor_dt_error_set(error, -E2BIG,
            "the nodes of QEMU's devices cannot be written: %s",
            fdt_strerror(status));
        return NULL;
    }
    return g_steal_pointer(&tree);
}

/* --- the regions --- */

static bool is_inside(const HypervisorDtRange *range,
                      const HypervisorDtWindow *window)
{
    return window->size && range->base >= window->base &&
           range->base - window->base <= window->size &&
           range->size <= window->size - (range->base - window->base);
}

/*
 * RAM fills a window from its base: nothing up to its end is given out, not
 * even if the tree leaves holes.
 */
static int take_ram(const HypervisorDtFixup *fixup, const Survey *survey,
                    Taken *taken, HypervisorDtError *error)
{
    for (unsigned i = 0; i < survey->ram->len; i++) {
        const HypervisorDtRange *ram = &g_array_index(survey->ram,
                                                      HypervisorDtRange, i);
        const HypervisorDtWindow *window = NULL;

        for (unsigned j = 0; j < HYPERVISOR_DT_RAM_BANKS; j++) {
            if (is_inside(ram, &fixup->windows[j])) {
                window = &fixup->windows[j];
            }
        }
        if (!window) {
            return hypervisor_dt_error_set(error, -ERANGE,
                "RAM of %s, at 0x%" PRIx64 " with size 0x%" PRIx64
                ", is not inside the windows that there are for RAM",
                ram->name, ram->base, ram->size);
        }
        taken_add(taken, HYPERVISOR_DT_EXCLUDED, window->base,
                  ram->base + ram->size - window->base, "RAM window");
    }
    return 0;
}

static int compare_bases(const void *a, const void *b)
{
    const HypervisorDtRange *left = a;
    const HypervisorDtRange *right = b;

    return left->base < right->base ? -1 : left->base > right->base;
}

/* What of a window the tree's own list, which is sorted, does not have. */
static void take_left_out(const HypervisorDtWindow *window,
                          const GArray *regions, Taken *taken)
{
    uint64_t end = window->base + window->size;
    uint64_t from = window->base;

    for (unsigned i = 0; i < regions->len && from < end; i++) {
        const HypervisorDtRange *region = &g_array_index(regions,
                                                         HypervisorDtRange,
                                                         i);
        uint64_t last = region->base + (region->size - 1);

        if (region->base >= end) {
            break;
        }
        if (region->base > from) {
            taken_add(taken, HYPERVISOR_DT_EXCLUDED, from,
                      region->base - from, "not in the list");
        }
        if (last >= from) {
            from = MIN(last, end - 1) + 1;
        }
    }
    if (from < end) {
        taken_add(taken, HYPERVISOR_DT_EXCLUDED, from, end - from,
                  "not in the list");
    }
}

static int check_windows(const HypervisorDtFixup *fixup,
                         HypervisorDtError *error)
{
    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        const HypervisorDtWindow *window = &fixup->windows[i];

        if (window->base + window->size < window->base) {
            return hypervisor_dt_error_set(error, -ERANGE,
                "RAM window %u, at 0x%" PRIx64 " with size 0x%" PRIx64
                ", ends beyond 2^64", i, window->base, window->size);
        }
    }
    return 0;
}

static void take_all_found(const Survey *survey, Taken *taken)
{
    const GArray *found = survey->found->ranges;

    if (found->len) {
        g_array_append_vals(taken->ranges, found->data, found->len);
    }
    /* libxl's tree does not say where these are. */
    taken_add(taken, HYPERVISOR_DT_FOUND, HYPERVISOR_DT_MAGIC_BASE,
              HYPERVISOR_DT_MAGIC_SIZE, "magic pages");
}

/* The tree that comes out must not be too much when it is fixed up again. */
static int check_gaps(const Taken *taken, HypervisorDtError *error)
{
    if (taken->ranges->len + GAPS_MAX > HYPERVISOR_DT_TAKEN_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "%u ranges are taken, at most %d are allowed", taken->ranges->len,
            HYPERVISOR_DT_TAKEN_MAX - GAPS_MAX);
    }
    return 0;
}

/* @taken has what QEMU takes; what the tree takes is added. */
static int find_regions(const HypervisorDtFixup *fixup, const Survey *survey,
                        Taken *taken, HypervisorDtRegions *regions,
                        HypervisorDtError *error)
{
    static const char *const names[HYPERVISOR_DT_RAM_BANKS] = {
        "RAM window 0", "RAM window 1"
    };
    HypervisorDtBank banks[HYPERVISOR_DT_RAM_BANKS];
    HypervisorDtSpace space = {
        .banks = banks,
        .address_bits = fixup->address_bits,
        .maximum = fixup->regions.off ? 0 : fixup->regions.maximum,
    };

    if (check_windows(fixup, error) ||
        take_ram(fixup, survey, taken, error)) {
        return error->code;
    }
    take_all_found(survey, taken);
    if (check_gaps(taken, error)) {
        return error->code;
    }
    g_array_sort(survey->regions, compare_bases);
    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        const HypervisorDtWindow *window = &fixup->windows[i];

        if (!window->size) {
            continue;
        }
        banks[space.banks_number++] = (HypervisorDtBank) {
            names[i], window->base, window->size, 0
        };
        if (survey->regions->len) {
            take_left_out(window, survey->regions, taken);
        }
    }
    space.taken = (const HypervisorDtRange *)taken->ranges->data;
    space.taken_number = taken->ranges->len;
    return hypervisor_dt_regions_compute(&space, regions, error);
}

/* --- writing --- */

/* libfdt puts what is new first, so the last one has to come first. */
static int copy_properties(const void *from, int source, void *to, int target)
{
    int offsets[PROPERTIES_MAX];
    unsigned number = 0;
    int offset;

    fdt_for_each_property_offset(offset, from, source) {
        if (number == PROPERTIES_MAX) {
            return -FDT_ERR_NOSPACE;
        }
        offsets[number++] = offset;
    }
    while (number) {
        const char *name;
        int size;
        const void *value = fdt_getprop_by_offset(from, offsets[--number],
                                                  &name, &size);
        int status = fdt_setprop(to, target, name, value, size);

        if (status) {
            return status;
        }
    }
    return 0;
}

/* Add the nodes of @devices that are not in @present, in the same order. */
static int add_devices(const void *devices, GHashTable *present, void *tree,
                       unsigned *added)
{
    int nodes[HYPERVISOR_DT_SLOTS_MAX + 2];     /* a PCIe host, a TPM */
    unsigned number = 0;
    int node;

    fdt_for_each_subnode(node, devices, 0) {
        if (!g_hash_table_contains(present, GINT_TO_POINTER(node + 1))) {
            nodes[number++] = node;
        }
    }
    *added = number;
    while (number) {
        int status;

        node = nodes[--number];
        status = fdt_add_subnode(tree, 0, fdt_get_name(devices, node, NULL));
        if (status >= 0) {
            status = copy_properties(devices, node, tree, status);
        }
        if (status) {
            return status;
        }
    }
    return 0;
}

static int set_reg(void *tree, const Survey *survey,
                   const HypervisorDtRegions *regions)
{
    size_t number = hypervisor_node_reg_words(regions);
    g_autofree uint64_t *words = hypervisor_node_reg(survey->region0_base,
                                                     survey->region0_size,
                                                     regions);
    g_autofree fdt64_t *reg = g_new(fdt64_t, number);

    for (size_t i = 0; i < number; i++) {
        reg[i] = cpu_to_fdt64(words[i]);
    }
    return fdt_setprop(tree, survey->hypervisor, "reg", reg,
                       number * sizeof(*reg));
}

static void *write_tree(const Survey *survey,
                        const HypervisorDtRegions *regions, unsigned *added,
                        HypervisorDtError *error)
{
    size_t size = fdt_totalsize(survey->fdt) + GROWTH_MAX;
    g_autofree void *tree = g_malloc0(size);
    int status = fdt_open_into(survey->fdt, tree, size);

    /* The hypervisor node first, while its offset still is what it was. */
    if (!status) {
        status = set_reg(tree, survey, regions);
    }
    if (!status) {
        status = add_devices(survey->devices, survey->present, tree, added);
    }
    if (!status) {
        status = fdt_pack(tree);
    }
    if (status) {
        hypervisor_dt_error_set(error, -EINVAL,
            "the device tree cannot be changed: %s", fdt_strerror(status));
        return NULL;
    }
    /* Or it would be refused the next time. */
    if (blob_check_limits(tree, error)) {
        return NULL;
    }
    return g_steal_pointer(&tree);
}

static int check_room(const void *tree, size_t room, HypervisorDtError *error)
{
    size_t limit = MIN(room, HYPERVISOR_DT_BLOB_MAX);

    if (fdt_totalsize(tree) > limit) {
        return hypervisor_dt_error_set(error, -ENOSPC,
            "the new device tree has %" PRIu32 " bytes, there is room for"
            " %zu", fdt_totalsize(tree), limit);
    }
    return 0;
}

static uint64_t ram_of(const Survey *survey)
{
    uint64_t ram = 0;

    for (unsigned i = 0; i < survey->ram->len; i++) {
        ram += g_array_index(survey->ram, HypervisorDtRange, i).size;
    }
    return ram;
}

static int check_ram(const Survey *survey, uint64_t expected,
                     HypervisorDtError *error)
{
    uint64_t ram = ram_of(survey);

    if (expected && ram != expected) {
        return hypervisor_dt_error_set(error, -EINVAL, "the device tree has 0x%"
                                       PRIx64 " bytes of RAM, -m says 0x%"
                                       PRIx64 "; is -m what the domain has?",
                                       ram, expected);
    }
    return 0;
}

static void fill_report(const Survey *survey, unsigned added,
                        const HypervisorDtRegions *regions,
                        HypervisorDtFixupReport *report)
{
    report->added = added;
    report->present = g_hash_table_size(survey->present);
    report->ram = ram_of(survey);
    report->regions = *regions;
}

/* --- all of it --- */

void *hypervisor_dt_fixup(const void *blob, size_t length,
                          const HypervisorDtFixup *fixup, size_t *size,
                          HypervisorDtFixupReport *report,
                          HypervisorDtError *error)
{
    g_autoptr(Taken) taken = taken_new();
    g_autofree HypervisorDtRegions *regions = g_new(HypervisorDtRegions, 1);
    g_autofree void *fdt = NULL;
    g_autofree void *devices = NULL;
    g_autofree void *tree = NULL;
    g_auto(Survey) survey = { .fdt = NULL };
    unsigned added;

    survey_init(&survey, taken->interrupts);
    if (take_devices(fixup, taken, error)) {
        return NULL;
    }
    devices = devices_tree(&fixup->devices, error);
    fdt = devices ? blob_copy_checked(blob, length, error) : NULL;
    if (!fdt || survey_run(&survey, fdt, devices, error) ||
        check_ram(&survey, fixup->ram, error) ||
        find_regions(fixup, &survey, taken, regions, error)) {
        return NULL;
    }
    tree = write_tree(&survey, regions, &added, error);
    if (!tree || check_room(tree, fixup->room, error)) {
        return NULL;
    }
    *size = fdt_totalsize(tree);
    if (report) {
        fill_report(&survey, added, regions, report);
    }
    return g_steal_pointer(&tree);
}
