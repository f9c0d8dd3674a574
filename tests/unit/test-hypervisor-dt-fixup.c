/*
 * Hypervisor node: trees of other makers, good and broken, and what becomes of
 * them
 *
 * The trees of libxl are stood in for by our own without devices: that both
 * are alike is for the lab to show, on trees that a real libxl made.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <libfdt.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-fixup.h"
#include "layouts.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Room for what a test adds to a tree. */
#define EDIT_SIZE 65536

/* --- trees --- */

static const HypervisorDtSlot two_slots[] = {
    { 0x02000000, 0x200, 33 },
    { 0x02000200, 0x200, 34 },
};

static const HypervisorDtPcie usual_pcie = {
    .ecam = { 0xf100000000, 256 * MIB },
    .mmio = { 0xf110000000, 32 * MIB },
    .mmio_high = { 0xf000000000, 4 * GIB },
    .irq = 44,
};

/* A guest of 512 MiB without devices, open for changes. */
static void *plain_tree(void)
{
    HypervisorDtGuest guest;
    HypervisorDtError error;
    g_autofree void *blob = NULL;
    void *tree = g_malloc0(EDIT_SIZE);
    size_t size;

    hypervisor_dt_guest_init(&guest);
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&guest, 512 * MIB,
                                                   &error), ==, 0);
    blob = hypervisor_dt_generate(&guest, &size, NULL, &error);
    g_assert_nonnull(blob);
    g_assert_cmpint(fdt_open_into(blob, tree, EDIT_SIZE), ==, 0);
    return tree;
}

static int node_at(const void *tree, const char *path)
{
    int node = fdt_path_offset(tree, path);

    if (node < 0) {
        g_error("no node %s: %s", path, fdt_strerror(node));
    }
    return node;
}

static void set_cells(void *tree, const char *path, const char *name,
                      const uint32_t *cells, unsigned number)
{
    g_autofree fdt32_t *swapped = g_new(fdt32_t, number);

    for (unsigned i = 0; i < number; i++) {
        swapped[i] = cpu_to_fdt32(cells[i]);
    }
    g_assert_cmpint(fdt_setprop(tree, node_at(tree, path), name, swapped,
                                number * 4), ==, 0);
}

#define SET_CELLS(tree, path, name, ...)                                   \
    do {                                                                   \
        const uint32_t cells_[] = { __VA_ARGS__ };                         \
        set_cells(tree, path, name, cells_, G_N_ELEMENTS(cells_));         \
    } while (0)

static void set_bytes(void *tree, const char *path, const char *name,
                      const void *bytes, size_t size)
{
    g_assert_cmpint(fdt_setprop(tree, node_at(tree, path), name, bytes, size),
                    ==, 0);
}

static void delete_property(void *tree, const char *path, const char *name)
{
    g_assert_cmpint(fdt_delprop(tree, node_at(tree, path), name), ==, 0);
}

static void delete_node(void *tree, const char *path)
{
    g_assert_cmpint(fdt_del_node(tree, node_at(tree, path)), ==, 0);
}

static void add_node(void *tree, const char *parent, const char *name)
{
    g_assert_cmpint(fdt_add_subnode(tree, node_at(tree, parent), name), >=,
                    0);
}

static void assert_cells(const void *tree, const char *path, const char *name,
                         const uint32_t *expected, unsigned number)
{
    int length;
    const fdt32_t *cells = fdt_getprop(tree, node_at(tree, path), name,
                                       &length);

    g_assert_nonnull(cells);
    g_assert_cmpint(length, ==, number * 4);
    for (unsigned i = 0; i < number; i++) {
        g_assert_cmphex(fdt32_to_cpu(cells[i]), ==, expected[i]);
    }
}

#define ASSERT_CELLS(tree, path, name, ...)                                \
    do {                                                                   \
        const uint32_t cells_[] = { __VA_ARGS__ };                         \
        assert_cells(tree, path, name, cells_, G_N_ELEMENTS(cells_));      \
    } while (0)

/* --- fix-ups --- */

static void fixup_init(HypervisorDtFixup *fixup)
{
    *fixup = (HypervisorDtFixup) {
        .address_bits = 40,
        .windows = {
            { HYPERVISOR_DT_RAM0_BASE, HYPERVISOR_DT_RAM0_SIZE },
            { HYPERVISOR_DT_RAM1_BASE, HYPERVISOR_DT_RAM1_SIZE },
        },
        .regions.maximum = HYPERVISOR_DT_REGIONS_MAX,
        .room = HYPERVISOR_DT_BLOB_MAX,
    };
}

static void fixup_with_devices(HypervisorDtFixup *fixup)
{
    fixup_init(fixup);
    fixup->devices = (HypervisorDtDevices) {
        .slots = two_slots,
        .slots_number = G_N_ELEMENTS(two_slots),
        .pcie = usual_pcie,
        .tpm_base = 0x0c000000,
    };
}

/* It succeeds, and the bytes it was given are what they were. */
static void *fix(const void *tree, const HypervisorDtFixup *fixup,
                 size_t *size, HypervisorDtFixupReport *report)
{
    size_t length = fdt_totalsize(tree);
    g_autofree void *before = g_memdup2(tree, length);
    HypervisorDtError error = { .message = "" };
    void *result = hypervisor_dt_fixup(tree, length, fixup, size, report,
                                       &error);

    g_assert_cmpstr(error.message, ==, "");
    g_assert_nonnull(result);
    g_assert_cmpint(fdt_check_full(result, *size), ==, 0);
    g_assert_cmpuint(fdt_totalsize(result), ==, *size);
    g_assert_cmpmem(tree, length, before, length);
    return result;
}

/* It is refused, with something of the reason in the message. */
static void assert_refused_bytes(const void *bytes, size_t length,
                                 const HypervisorDtFixup *fixup, int code,
                                 const char *reason)
{
    /* Exactly as long as it is said to be: a sanitizer sees a byte beyond. */
    g_autofree void *copy = length ? g_memdup2(bytes, length) : g_malloc(1);
    HypervisorDtError error = { .message = "" };
    HypervisorDtFixupReport report = { .added = 77 };
    size_t size = 77;

    g_assert_null(hypervisor_dt_fixup(copy, length, fixup, &size, &report,
                                      &error));
    if (error.code != code || !strstr(error.message, reason)) {
        g_error("%d (%s) instead of %d (%s)", error.code, error.message, code,
                reason);
    }
    g_assert_cmpuint(size, ==, 77);
    g_assert_cmpuint(report.added, ==, 77);
    if (length) {
        g_assert_cmpmem(copy, length, bytes, length);
    }
}

static void assert_refused(const void *tree, const HypervisorDtFixup *fixup,
                           int code, const char *reason)
{
    assert_refused_bytes(tree, fdt_totalsize(tree), fixup, code, reason);
}

static void assert_clash(const void *tree, const HypervisorDtFixup *fixup,
                         const char *first, const char *second)
{
    HypervisorDtError error;
    size_t size;

    g_assert_null(hypervisor_dt_fixup(tree, fdt_totalsize(tree), fixup, &size,
                                      NULL, &error));
    g_assert_cmpint(error.code, ==, -EEXIST);
    g_assert_cmpstr(error.first, ==, first);
    g_assert_cmpstr(error.second, ==, second);
}

/* --- what is right --- */

static void test_plain(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    HypervisorDtFixupReport report;
    size_t size;

    fixup_with_devices(&fixup);
    result = fix(tree, &fixup, &size, &report);
    g_assert_cmpuint(report.added, ==, 4);
    g_assert_cmpuint(report.present, ==, 0);
    g_assert_cmphex(report.ram, ==, 512 * MIB);
    g_assert_cmpuint(report.regions.number, ==, 3);
    ASSERT_CELLS(result, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
                 0, 0x60000000, 0, 0xa0000000, 2, 0, 0xee, 0,
                 0xf1, 0x12000000, 0xe, 0xee000000);
    ASSERT_CELLS(result, "/virtio@2000200", "interrupts", 0, 2, 1);
    ASSERT_CELLS(result, "/pcie@f100000000", "reg", 0xf1, 0, 0, 0x10000000);
    ASSERT_CELLS(result, "/tpm@c000000", "reg", 0, 0x0c000000, 0, 0x5000);
}

/* New slots come in ascending order: Linux names disks as it meets them. */
static void test_order(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    result = fix(tree, &fixup, &size, NULL);
    g_assert_cmpint(node_at(result, "/virtio@2000000"), <,
                    node_at(result, "/virtio@2000200"));
}

static void assert_same_properties(const void *a, int node_a, const void *b,
                                   int node_b)
{
    unsigned number_a = 0, number_b = 0;
    int property;

    fdt_for_each_property_offset(property, b, node_b) {
        number_b++;
    }
    fdt_for_each_property_offset(property, a, node_a) {
        const char *name;
        int size_a, size_b;
        const void *in_a = fdt_getprop_by_offset(a, property, &name, &size_a);
        const void *in_b = fdt_getprop(b, node_b, name, &size_b);

        g_assert_nonnull(in_b);
        g_assert_cmpmem(in_a, size_a, in_b, size_b);
        number_a++;
    }
    g_assert_cmpuint(number_a, ==, number_b);
}

/* The same nodes with the same properties; /aliases is the generator's own. */
static void assert_same_trees(const void *a, const void *b)
{
    unsigned number_a = 0, number_b = 0;
    int node_a, node_b;

    assert_same_properties(a, 0, b, 0);
    fdt_for_each_subnode(node_b, b, 0) {
        number_b++;
    }
    fdt_for_each_subnode(node_a, a, 0) {
        const char *name = fdt_get_name(a, node_a, NULL);

        number_a++;
        node_b = fdt_subnode_offset(b, 0, name);
        g_assert_cmpint(node_b, >=, 0);
        if (strcmp(name, "aliases")) {
            assert_same_properties(a, node_a, b, node_b);
        }
    }
    g_assert_cmpuint(number_a, ==, number_b);
}

/*
 * For every layout: a tree without devices, fixed up, is the tree that the
 * generator makes with devices; and once more changes nothing.
 */
static unsigned check_layout(const Layout *layout)
{
    HypervisorDtSlot slots[LAYOUT_SLOTS_MAX];
    HypervisorDtGuest guest;
    HypervisorDtError error;
    HypervisorDtFixup fixup;
    HypervisorDtFixupReport report;
    g_autofree HypervisorDtRegions *regions = g_new0(HypervisorDtRegions, 1);
    g_autofree void *whole = NULL;
    g_autofree void *bare = NULL;
    g_autofree void *once = NULL;
    g_autofree void *twice = NULL;
    size_t size, once_size, twice_size;

    g_assert_true(layout_guest(layout, &guest, slots));
    whole = hypervisor_dt_generate(&guest, &size, regions, &error);
    fixup_init(&fixup);
    fixup.address_bits = layout->address_bits;
    fixup.devices = guest.devices;
    fixup.windows[1].size = guest.banks[1].size;
    guest.devices = (HypervisorDtDevices) { .slots_number = 0 };
    bare = hypervisor_dt_generate(&guest, &size, NULL, &error);
    g_assert_nonnull(whole);
    g_assert_nonnull(bare);

    once = fix(bare, &fixup, &once_size, &report);
    g_assert_cmpuint(report.added, ==, layout->slots +
                     (layout->pci != LAYOUT_PCI_NONE) + layout->extras);
    g_assert_cmphex(report.ram, ==, layout->ram);
    g_assert_cmpuint(report.regions.number, ==, regions->number);
    assert_same_trees(whole, once);
    twice = fix(once, &fixup, &twice_size, &report);
    g_assert_cmpuint(report.added, ==, 0);
    g_assert_cmpmem(once, once_size, twice, twice_size);
    return regions->number;
}

static void test_layouts(void)
{
    unsigned number = 0;
    unsigned with_regions = 0;

    for (size_t i = 0; i < layouts_number(); i++) {
        Layout layout = layout_get(i);

        if (!layout_expected(&layout)) {
            with_regions += check_layout(&layout) > 0;
            number++;
        }
    }
    g_assert_cmpuint(number, >, layouts_number() / 2);
    g_assert_cmpuint(with_regions, >, number * 3 / 4);
}

/* RAM is what the tree says, in however many nodes and entries. */
static void test_ram(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    HypervisorDtFixupReport report;
    size_t size;

    delete_property(tree, "/hypervisor", "reg");
    SET_CELLS(tree, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000);
    SET_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x08000000,
              0, 0x50000000, 0, 0x08000000, 0, 0, 0, 0);
    add_node(tree, "/", "memory@200000000");
    set_bytes(tree, "/memory@200000000", "device_type", "memory", 7);
    SET_CELLS(tree, "/memory@200000000", "reg", 2, 0, 0x7f, 0xfff00000);
    fixup_init(&fixup);
    result = fix(tree, &fixup, &size, &report);
    g_assert_cmphex(report.ram, ==, 256 * MIB + 0x7ffff00000);
    /* The hole between two ranges of RAM is not given out. */
    ASSERT_CELLS(result, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
                 0, 0x58000000, 0, 0xa8000000, 0x82, 0, 0x7e, 0);
}

/* A machine with one window for RAM, and a tree that reaches to the end. */
static void test_windows(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    SET_CELLS(tree, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000);
    add_node(tree, "/", "last");
    SET_CELLS(tree, "/last", "reg", 0xffffffff, 0xfffff000, 0, 0x1000);
    fixup_init(&fixup);
    fixup.windows[0] = (HypervisorDtWindow) { 0, 0 };
    fixup.windows[1] = (HypervisorDtWindow) { 0x40000000, 0x30000000 };
    result = fix(tree, &fixup, &size, NULL);
    ASSERT_CELLS(result, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
                 0, 0x60000000, 0, 0x10000000);
    SET_CELLS(tree, "/last", "reg", 0xffffffff, 0xfffff000, 0, 0x1001);
    assert_refused(tree, &fixup, -ERANGE, "beyond 2^64");
}

/* A Xen that knows nothing of regions, and one that left something out. */
static void test_listed(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *none = NULL;
    g_autofree void *some = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_init(&fixup);
    SET_CELLS(tree, "/hypervisor", "reg", 0, 0x38000000, 0, 0x02000000);
    none = fix(tree, &fixup, &size, NULL);
    ASSERT_CELLS(none, "/hypervisor", "reg", 0, 0x38000000, 0, 0x02000000,
                 0, 0x60000000, 0, 0xa0000000, 2, 0, 0xfe, 0);

    /* In no order, touching, not aligned, and reaching out of the windows. */
    SET_CELLS(tree, "/hypervisor", "reg", 0, 0x38000000, 0, 0x02000000,
              0xf0, 0, 0xffff, 0,
              0, 0x70000000, 0, 0x10000000,
              0, 0x80000000, 0, 0x00100000,
              0, 0x90001000, 0, 0x08000000,
              0, 0, 0, 0,
              0, 0, 0, 1,
              0xffffffff, 0xfffff000, 0, 0x1000,
              0, 0x10000000, 0, 0x38000000);
    some = fix(tree, &fixup, &size, NULL);
    ASSERT_CELLS(some, "/hypervisor", "reg", 0, 0x38000000, 0, 0x02000000,
                 0, 0x70000000, 0, 0x10000000,
                 0, 0x90200000, 0, 0x07e00000,
                 0xf0, 0, 0x10, 0);
}

static void test_regions_options(void)
{
    const HypervisorDtWindow exclusion = { 0x200000000, 0x100000000 };
    g_autofree void *tree = plain_tree();
    g_autofree void *off = NULL;
    g_autofree void *one = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_init(&fixup);
    fixup.regions.off = true;
    off = fix(tree, &fixup, &size, NULL);
    ASSERT_CELLS(off, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000);
    fixup_init(&fixup);
    fixup.regions.maximum = 1;
    fixup.regions.exclusions = &exclusion;
    fixup.regions.exclusions_number = 1;
    one = fix(tree, &fixup, &size, NULL);
    ASSERT_CELLS(one, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
                 3, 0, 0xfd, 0);
}

/* Nothing but the region list and new nodes changes. */
static void test_untouched(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    uint64_t address, length;
    size_t size;

    g_assert_cmpint(fdt_add_mem_rsv(tree, 0x48000000, 0x3000), ==, 0);
    fdt_set_boot_cpuid_phys(tree, 3);
    add_node(tree, "/", "xen,unknown");
    set_bytes(tree, "/xen,unknown", "data", "\0\xff\x80", 3);
    add_node(tree, "/xen,unknown", "below");
    fixup_with_devices(&fixup);
    result = fix(tree, &fixup, &size, NULL);
    g_assert_cmpint(fdt_num_mem_rsv(result), ==, 1);
    g_assert_cmpint(fdt_get_mem_rsv(result, 0, &address, &length), ==, 0);
    g_assert_cmphex(address, ==, 0x48000000);
    g_assert_cmphex(length, ==, 0x3000);
    g_assert_cmpuint(fdt_boot_cpuid_phys(result), ==, 3);
    assert_same_properties(tree, node_at(tree, "/xen,unknown"), result,
                           node_at(result, "/xen,unknown"));
    node_at(result, "/xen,unknown/below");
    assert_same_properties(tree, node_at(tree, "/timer"), result,
                           node_at(result, "/timer"));
}

/*
 * What libxl does and our generator does not: the old name of a phandle, space
 * that it has blotted out, a random seed.
 */
static void test_libxl_habits(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    HypervisorDtFixupReport report;
    size_t size;

    SET_CELLS(tree, "/interrupt-controller@3001000", "linux,phandle", 65000);
    add_node(tree, "/", "memory@200000000");
    set_bytes(tree, "/memory@200000000", "device_type", "memory", 7);
    SET_CELLS(tree, "/memory@200000000", "reg", 2, 0, 0x10, 0);
    g_assert_cmpint(fdt_nop_node(tree, node_at(tree, "/memory@200000000")),
                    ==, 0);
    g_assert_cmpint(fdt_nop_property(tree, node_at(tree, "/psci"),
                                     "cpu_off"), ==, 0);
    set_bytes(tree, "/chosen", "rng-seed", "\xff\0\1\2\3", 5);
    delete_node(tree, "/aliases");
    /* Its own PCIe host has a device_type as well. */
    add_node(tree, "/", "pcie@10000000");
    set_bytes(tree, "/pcie@10000000", "device_type", "pci", 4);
    SET_CELLS(tree, "/pcie@10000000", "reg", 0, 0x10000000, 0, 0x10000000);
    fixup_with_devices(&fixup);
    result = fix(tree, &fixup, &size, &report);
    g_assert_cmphex(report.ram, ==, 512 * MIB);
    g_assert_cmpuint(report.added, ==, 4);
    g_assert_cmpint(fdt_path_offset(result, "/memory@200000000"), <, 0);

    /* It says 16; 17 is as good. */
    g_assert_cmpuint(fdt_last_comp_version(tree), ==, 16);
    fdt_set_last_comp_version(tree, 17);
    g_free(g_steal_pointer(&result));
    result = fix(tree, &fixup, &size, &report);
}

/* The parts of a tree can stand in any order. */
static void test_blocks(void)
{
    static const char no_reservations[16];
    g_autofree void *tree = plain_tree();
    g_autofree char *moved = NULL;
    g_autofree void *result = NULL;
    g_autofree void *expected = NULL;
    HypervisorDtFixup fixup;
    size_t at, size, expected_size;

    fixup_with_devices(&fixup);
    g_assert_cmpint(fdt_pack(tree), ==, 0);
    expected = fix(tree, &fixup, &expected_size, NULL);
    at = (fdt_totalsize(tree) + 7) / 8 * 8;
    moved = g_malloc0(at + sizeof(no_reservations));
    memcpy(moved, tree, fdt_totalsize(tree));
    fdt_set_off_mem_rsvmap(moved, at);
    fdt_set_totalsize(moved, at + sizeof(no_reservations));
    result = fix(moved, &fixup, &size, NULL);
    g_assert_cmpmem(result, size, expected, expected_size);
}

/* Guest memory has no alignment, and something follows the tree. */
static void test_placement(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree char *memory = NULL;
    g_autofree void *expected = NULL;
    HypervisorDtFixup fixup;
    size_t length, expected_size;

    g_assert_cmpint(fdt_pack(tree), ==, 0);
    length = fdt_totalsize(tree);
    fixup_with_devices(&fixup);
    expected = fix(tree, &fixup, &expected_size, NULL);
    memory = g_malloc(length + 64);
    for (unsigned offset = 0; offset < 16; offset++) {
        g_autofree void *result = NULL;
        HypervisorDtError error;
        size_t size;

        memset(memory, 0xee, length + 64);
        memcpy(memory + offset, tree, length);
        result = hypervisor_dt_fixup(memory + offset, length + 32, &fixup,
                                     &size, NULL, &error);
        g_assert_nonnull(result);
        g_assert_cmpmem(result, size, expected, expected_size);
    }
}

/* --- devices that are there --- */

/* As libxl writes the node of a virtio disk: CPU bits with an SPI. */
static void add_libxl_virtio(void *tree)
{
    add_node(tree, "/", "virtio@2000000");
    set_bytes(tree, "/virtio@2000000", "compatible", "virtio,mmio", 12);
    SET_CELLS(tree, "/virtio@2000000", "reg", 0, 0x02000000, 0, 0x200);
    SET_CELLS(tree, "/virtio@2000000", "interrupts", 0, 1, 0xf01);
    SET_CELLS(tree, "/virtio@2000000", "interrupt-parent", 65000);
    SET_CELLS(tree, "/virtio@2000000", "iommus", 65001, 1);
}

static void test_present(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    HypervisorDtFixupReport report;
    size_t size;

    add_libxl_virtio(tree);
    fixup_with_devices(&fixup);
    result = fix(tree, &fixup, &size, &report);
    g_assert_cmpuint(report.present, ==, 1);
    g_assert_cmpuint(report.added, ==, 3);
    ASSERT_CELLS(result, "/virtio@2000000", "iommus", 65001, 1);
    ASSERT_CELLS(result, "/virtio@2000000", "interrupts", 0, 1, 0xf01);
}

/* The same registers, and something else: each is a clash. */
static void test_present_but_different(void)
{
    g_autofree void *tree = plain_tree();
    HypervisorDtFixup fixup;

    fixup_with_devices(&fixup);
    add_libxl_virtio(tree);
    SET_CELLS(tree, "/virtio@2000000", "interrupts", 0, 5, 0xf01);
    assert_refused(tree, &fixup, -EEXIST, "its interrupts");
    SET_CELLS(tree, "/virtio@2000000", "interrupts", 0, 1, 0xf04);
    assert_refused(tree, &fixup, -EEXIST, "its interrupts");
    delete_property(tree, "/virtio@2000000", "interrupts");
    assert_refused(tree, &fixup, -EEXIST, "its interrupts");
    SET_CELLS(tree, "/virtio@2000000", "interrupts", 0, 1, 0xf01);
    set_bytes(tree, "/virtio@2000000", "compatible", "arm,pl011", 10);
    assert_refused(tree, &fixup, -EEXIST, "its compatible");
    set_bytes(tree, "/virtio@2000000", "compatible", "virtio,mmio", 11);
    assert_refused(tree, &fixup, -EEXIST, "its compatible");
    set_bytes(tree, "/virtio@2000000", "compatible", "virtio,mmio", 12);
    SET_CELLS(tree, "/virtio@2000000", "reg", 0, 0x02100000, 0, 0x200);
    assert_refused(tree, &fixup, -EEXIST, "its reg");
    assert_clash(tree, &fixup, "node virtio@2000000", "virtio@2000000");
}

/* The same registers, and nothing that the guest could use. */
static void test_present_but_useless(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    HypervisorDtFixupReport report;
    size_t size;

    fixup_with_devices(&fixup);
    add_libxl_virtio(tree);
    set_bytes(tree, "/virtio@2000000", "status", "disabled", 9);
    assert_refused(tree, &fixup, -EEXIST, "its status");
    set_bytes(tree, "/virtio@2000000", "status", "okay", 4);
    assert_refused(tree, &fixup, -EEXIST, "its status");
    set_bytes(tree, "/virtio@2000000", "status", "ok", 3);
    SET_CELLS(tree, "/virtio@2000000", "interrupt-parent", 64000);
    assert_refused(tree, &fixup, -EEXIST, "its interrupt-parent");
    /* Without one, the root's counts. */
    delete_property(tree, "/virtio@2000000", "interrupt-parent");
    SET_CELLS(tree, "/", "interrupt-parent", 64000);
    SET_CELLS(tree, "/hypervisor", "interrupt-parent", 65000);
    assert_refused(tree, &fixup, -EEXIST, "its interrupt-parent");
    SET_CELLS(tree, "/", "interrupt-parent", 65000);
    /* Of the two, Linux reads this one. */
    SET_CELLS(tree, "/virtio@2000000", "interrupts-extended", 65000, 0, 50,
              1);
    assert_refused(tree, &fixup, -EEXIST, "its interrupts-extended");
    delete_property(tree, "/virtio@2000000", "interrupts-extended");
    set_bytes(tree, "/virtio@2000000", "status", "okay", 5);
    result = fix(tree, &fixup, &size, &report);
    g_assert_cmpuint(report.present, ==, 1);
}

/* A PCIe host of Xen's own is no host of ours, be it at the same place. */
static void test_present_pcie(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *once = NULL;
    g_autofree void *edited = g_malloc0(EDIT_SIZE);
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    once = fix(tree, &fixup, &size, NULL);
    g_assert_cmpint(fdt_open_into(once, edited, EDIT_SIZE), ==, 0);
    delete_property(edited, "/pcie@f100000000", "interrupt-map");
    assert_refused(edited, &fixup, -EEXIST, "its interrupt-map");
    g_assert_cmpint(fdt_open_into(once, edited, EDIT_SIZE), ==, 0);
    SET_CELLS(edited, "/pcie@f100000000", "ranges", 0x02000000, 0, 0x23000000,
              0, 0x23000000, 0, 0x10000000);
    assert_refused(edited, &fixup, -EEXIST, "its ranges");
}

static void test_present_twice(void)
{
    g_autofree void *tree = plain_tree();
    HypervisorDtFixup fixup;

    fixup_with_devices(&fixup);
    add_libxl_virtio(tree);
    add_node(tree, "/", "other@2000000");
    SET_CELLS(tree, "/other@2000000", "reg", 0, 0x02000000, 0, 0x200);
    assert_refused(tree, &fixup, -EEXIST, "other@2000000");

    /* The same to the byte but for its name: one of the two is too many. */
    set_bytes(tree, "/other@2000000", "compatible", "virtio,mmio", 12);
    SET_CELLS(tree, "/other@2000000", "interrupts", 0, 1, 0xf01);
    assert_refused(tree, &fixup, -EEXIST, "virtio-mmio slot 0");
}

/* --- clashes --- */

static void test_clash(void)
{
    g_autofree void *tree = plain_tree();
    HypervisorDtFixup fixup;

    fixup_init(&fixup);
    fixup.devices.tpm_base = 0x5fffffff;
    assert_clash(tree, &fixup, "node memory@40000000", "TPM");
    fixup.devices.tpm_base = 0x38ffffff;
    assert_clash(tree, &fixup, "node hypervisor", "TPM");
    fixup.devices.tpm_base = 0x39ffffff;
    assert_clash(tree, &fixup, "magic pages", "TPM");
    fixup.devices.tpm_base = 0x03000000;
    assert_clash(tree, &fixup, "TPM", "node interrupt-controller@3001000");
}

/* Buses: one to one, through windows, and not at all. */
static void test_clash_bus(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_init(&fixup);
    fixup.devices.tpm_base = 0x0c000000;
    add_node(tree, "/", "bus");
    add_node(tree, "/bus", "device@c001000");
    SET_CELLS(tree, "/bus", "#address-cells", 1);
    SET_CELLS(tree, "/bus", "#size-cells", 1);
    SET_CELLS(tree, "/bus/device@c001000", "reg", 0x0c001000, 0x1000);
    result = fix(tree, &fixup, &size, NULL);
    set_bytes(tree, "/bus", "ranges", "", 0);
    assert_clash(tree, &fixup, "TPM", "node device@c001000");
    SET_CELLS(tree, "/bus", "ranges", 0x0c001000, 0, 0x0c004fff, 0x1);
    assert_clash(tree, &fixup, "TPM", "node bus");
    SET_CELLS(tree, "/bus", "ranges", 0x0c001000, 0, 0x0c005000, 0x1);
    g_free(g_steal_pointer(&result));
    result = fix(tree, &fixup, &size, NULL);
    SET_CELLS(tree, "/bus", "ranges", 0, 0, 0x0bfff000, 0x1000);
    g_free(g_steal_pointer(&result));
    result = fix(tree, &fixup, &size, NULL);
    SET_CELLS(tree, "/bus", "ranges", 0, 0, 0x0bfff000, 0x1001);
    assert_clash(tree, &fixup, "node bus", "TPM");
}

/* What stands behind the last entry of a list is not part of it. */
static void test_clash_behind(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_init(&fixup);
    fixup.devices.tpm_base = 0x0c000000;
    add_node(tree, "/", "bus");
    SET_CELLS(tree, "/bus", "#address-cells", 3);
    SET_CELLS(tree, "/bus", "#size-cells", 2);
    /* libfdt puts the newest first: this one follows "ranges". */
    SET_CELLS(tree, "/bus", "behind", 0, 0x0c000000, 0, 0x1000);
    SET_CELLS(tree, "/bus", "ranges", 0, 0, 0, 0, 0x10000000, 0, 0x1000);
    result = fix(tree, &fixup, &size, NULL);
    SET_CELLS(tree, "/bus", "ranges", 0, 0, 0, 0, 0x0c000000, 0, 0x1000);
    assert_clash(tree, &fixup, "node bus", "TPM");
}

/* What is passed through is carved out as well. */
static void test_carve_found(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    add_node(tree, "/", "passthrough");
    set_bytes(tree, "/passthrough", "ranges", "", 0);
    SET_CELLS(tree, "/passthrough", "#address-cells", 2);
    SET_CELLS(tree, "/passthrough", "#size-cells", 2);
    add_node(tree, "/passthrough", "serial@a0001000");
    SET_CELLS(tree, "/passthrough/serial@a0001000", "reg", 0, 0xa0001000, 0,
              0x1000);
    fixup_init(&fixup);
    result = fix(tree, &fixup, &size, NULL);
    ASSERT_CELLS(result, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
                 0, 0x60000000, 0, 0x40000000, 0, 0xa0200000, 0, 0x5fe00000,
                 2, 0, 0xfe, 0);
}

static void test_clash_interrupt(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    add_node(tree, "/", "other");
    SET_CELLS(tree, "/other", "interrupts", 0, 0, 4, 0, 44 - 32 + 3, 4);
    assert_clash(tree, &fixup, "node other", "PCI INTD");
    SET_CELLS(tree, "/other", "interrupts", 0, 0, 4, 1, 44 - 32 + 3, 4);
    result = fix(tree, &fixup, &size, NULL);
    /* Another controller's interrupts are no business of ours. */
    SET_CELLS(tree, "/other", "interrupts", 0, 44 - 32 + 3, 4);
    SET_CELLS(tree, "/other", "interrupt-parent", 1);
    g_free(g_steal_pointer(&result));
    result = fix(tree, &fixup, &size, NULL);
}

/* A bus whose addresses are its own: what it says of interrupts counts. */
static void test_clash_interrupt_below(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    add_node(tree, "/", "bus");
    add_node(tree, "/bus", "other");
    SET_CELLS(tree, "/bus/other", "interrupts", 0, 1, 4);
    assert_clash(tree, &fixup, "node other", "virtio-mmio slot 0");
    /* Interrupts of the bus, not of the GIC. */
    SET_CELLS(tree, "/bus", "#interrupt-cells", 3);
    result = fix(tree, &fixup, &size, NULL);
    SET_CELLS(tree, "/bus/other", "interrupt-parent", 65000);
    assert_clash(tree, &fixup, "node other", "virtio-mmio slot 0");
    SET_CELLS(tree, "/bus/other", "interrupts", 0, 1);
    assert_refused(tree, &fixup, -EINVAL, "interrupts of node other ends in");
}

static void test_clash_interrupt_extended(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    add_node(tree, "/", "pic");
    SET_CELLS(tree, "/pic", "phandle", 7);
    SET_CELLS(tree, "/pic", "#interrupt-cells", 1);
    add_node(tree, "/", "other");
    SET_CELLS(tree, "/other", "interrupts-extended", 7, 2,
              65000, 1, 2, 4, 65000, 0, 0, 4, 7, 65000);
    result = fix(tree, &fixup, &size, NULL);
    SET_CELLS(tree, "/other", "interrupts-extended", 7, 2, 65000, 0, 2, 4);
    assert_clash(tree, &fixup, "node other", "virtio-mmio slot 1");
    SET_CELLS(tree, "/other", "interrupts-extended", 7, 2, 65000, 0, 2);
    assert_refused(tree, &fixup, -EINVAL, "interrupts-extended of node other");
    SET_CELLS(tree, "/other", "interrupts-extended", 8, 2);
    assert_refused(tree, &fixup, -EINVAL, "leads to phandle 8, which");
    set_bytes(tree, "/other", "interrupts-extended", "\0\0\0\7\0\0", 6);
    assert_refused(tree, &fixup, -EINVAL, "ends in the middle of an entry");
}

/* A PCIe host's map: to another controller, with an address, then the GIC. */
static void test_clash_interrupt_map(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    add_node(tree, "/", "pic");
    SET_CELLS(tree, "/pic", "phandle", 7);
    SET_CELLS(tree, "/pic", "#interrupt-cells", 1);
    SET_CELLS(tree, "/pic", "#address-cells", 2);
    add_node(tree, "/", "host");
    SET_CELLS(tree, "/host", "#address-cells", 3);
    SET_CELLS(tree, "/host", "#interrupt-cells", 1);
    SET_CELLS(tree, "/host", "interrupt-map",
              0, 0, 0, 1, 7, 0, 0, 12, 0, 0, 0, 2, 65000, 0, 100, 4);
    result = fix(tree, &fixup, &size, NULL);
    SET_CELLS(tree, "/host", "interrupt-map",
              0, 0, 0, 1, 7, 0, 0, 12, 0, 0, 0, 2, 65000, 0, 12, 4);
    assert_clash(tree, &fixup, "node host", "PCI INTA");
    SET_CELLS(tree, "/host", "interrupt-map",
              0, 0, 0, 1, 7, 0, 0, 12, 0, 0, 0, 2, 65000, 0, 12);
    assert_refused(tree, &fixup, -EINVAL, "interrupt-map of node host ends");
    SET_CELLS(tree, "/host", "interrupt-map", 0, 0, 0, 1, 7, 0);
    assert_refused(tree, &fixup, -EINVAL, "interrupt-map of node host ends");
    SET_CELLS(tree, "/host", "interrupt-map", 0, 0, 0, 1);
    assert_refused(tree, &fixup, -EINVAL, "interrupt-map of node host ends");
    SET_CELLS(tree, "/host", "#interrupt-cells", 0xffffffff);
    assert_refused(tree, &fixup, -EINVAL, "interrupt-map of node host ends");
}

/* The tree was fixed up for a QEMU with other options. */
static void test_dead_devices(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *once = NULL;
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    once = fix(tree, &fixup, &size, NULL);
    fixup.devices.pcie.ecam.base = 0xf200000000;
    assert_refused(once, &fixup, -ENODEV, "node pcie@f100000000 is a device "
                   "of kind pci-host-ecam-generic, and QEMU has none there");
    fixup_with_devices(&fixup);
    fixup.devices.slots_number = 1;
    assert_refused(once, &fixup, -ENODEV, "node virtio@2000200 is a device");
    fixup_with_devices(&fixup);
    fixup.devices.tpm_base = 0;
    assert_refused(once, &fixup, -ENODEV, "node tpm@c000000 is a device");

    /* Xen's own PCIe host, and what is passed through. */
    add_node(tree, "/", "pcie@10000000");
    set_bytes(tree, "/pcie@10000000", "compatible", "pci-host-ecam-generic",
              22);
    SET_CELLS(tree, "/pcie@10000000", "reg", 0, 0x10000000, 0, 0x10000000);
    add_node(tree, "/", "passthrough");
    add_node(tree, "/passthrough", "virtio");
    set_bytes(tree, "/passthrough/virtio", "compatible", "virtio,mmio", 12);
    result = fix(tree, &fixup, &size, NULL);
}

static void test_ram_expected(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    fixup.ram = 512 * MIB;
    result = fix(tree, &fixup, &size, NULL);
    fixup.ram = 512 * MIB - 1;
    assert_refused(tree, &fixup, -EINVAL, "has 0x20000000 bytes of RAM, -m "
                                          "says 0x1fffffff");
}

/* What the description itself gets wrong is told as the generator does. */
static void test_description(void)
{
    g_autofree void *tree = plain_tree();
    HypervisorDtFixup fixup;

    fixup_with_devices(&fixup);
    fixup.devices.tpm_base = 0x02000000;
    assert_clash(tree, &fixup, "virtio-mmio slot 0", "TPM");
    fixup_with_devices(&fixup);
    fixup.devices.pcie.irq = 34;
    assert_clash(tree, &fixup, "virtio-mmio slot 1", "PCI INTA");
    fixup_with_devices(&fixup);
    fixup.regions.maximum = 0;
    assert_refused(tree, &fixup, -EINVAL, "0 extended regions");
    fixup_with_devices(&fixup);
    fixup.address_bits = 53;
    assert_refused(tree, &fixup, -EINVAL, "53 address bits");
    fixup.address_bits = 39;
    assert_refused(tree, &fixup, -ERANGE, "PCI MMIO high");
    fixup_with_devices(&fixup);
    fixup.windows[1].size = UINT64_MAX;
    assert_refused(tree, &fixup, -ERANGE, "RAM window 1");
}

/* --- limits --- */

static void test_limit_room(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    result = fix(tree, &fixup, &size, NULL);
    fixup.room = size;
    g_free(g_steal_pointer(&result));
    result = fix(tree, &fixup, &size, NULL);
    fixup.room--;
    assert_refused(tree, &fixup, -ENOSPC, "there is room for");
    fixup.room = 0;
    assert_refused(tree, &fixup, -ENOSPC, "there is room for 0");
}

/* As many devices as there may be, and as many regions. */
static void test_limit_growth(void)
{
    HypervisorDtSlot slots[HYPERVISOR_DT_SLOTS_MAX];
    HypervisorDtWindow teeth[HYPERVISOR_DT_REGIONS_MAX];
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    HypervisorDtFixupReport report;
    size_t size;

    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        slots[i] = (HypervisorDtSlot) {
            0xff00000000 + i * 0x200, 0x200, 100 + i
        };
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(teeth); i++) {
        teeth[i] = (HypervisorDtWindow) { 0x200000000 + i * 66 * MIB, MIB };
    }
    fixup_with_devices(&fixup);
    fixup.devices.slots = slots;
    fixup.devices.slots_number = G_N_ELEMENTS(slots);
    fixup.regions.exclusions = teeth;
    fixup.regions.exclusions_number = G_N_ELEMENTS(teeth);
    result = fix(tree, &fixup, &size, &report);
    g_assert_cmpuint(report.added, ==, G_N_ELEMENTS(slots) + 2);
    g_assert_cmpuint(report.regions.number, ==, HYPERVISOR_DT_REGIONS_MAX);
    g_assert_cmpuint(report.regions.left_out, >, 0);
}

/* Nodes that are nested until the innermost is at @depth. */
static void nest(void *tree, unsigned depth)
{
    int node = 0;

    for (unsigned i = 0; i < depth; i++) {
        node = fdt_add_subnode(tree, node, "n");
        g_assert_cmpint(node, >=, 0);
    }
}

static void test_limit_depth(void)
{
    g_autofree void *tree = plain_tree();
    g_autofree void *deeper = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    nest(tree, HYPERVISOR_DT_DEPTH_MAX);
    result = fix(tree, &fixup, &size, NULL);
    nest(deeper, HYPERVISOR_DT_DEPTH_MAX + 1);
    assert_refused(deeper, &fixup, -ELOOP, "nested more than 64");
}

static void *with_nodes(unsigned number)
{
    g_autofree void *plain = plain_tree();
    void *tree = g_malloc0(4 * EDIT_SIZE);
    int depth = 0;
    unsigned there = 0;
    int node;

    g_assert_cmpint(fdt_open_into(plain, tree, 4 * EDIT_SIZE), ==, 0);
    for (node = 0; node >= 0 && depth >= 0;
         node = fdt_next_node(tree, node, &depth)) {
        there++;
    }
    for (; there < number; there++) {
        g_autofree char *name = g_strdup_printf("n%u", there);

        add_node(tree, "/chosen", name);
    }
    return tree;
}

static void test_limit_nodes(void)
{
    g_autofree void *most = with_nodes(HYPERVISOR_DT_NODES_MAX);
    g_autofree void *more = with_nodes(HYPERVISOR_DT_NODES_MAX + 1);
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_init(&fixup);
    result = fix(most, &fixup, &size, NULL);
    assert_refused(more, &fixup, -E2BIG, "more than 4096 nodes");
}

/* Twice is as good as once: what comes out is within the limits as well. */
static void assert_again(const void *tree, const HypervisorDtFixup *fixup)
{
    size_t size, again_size;
    g_autofree void *once = fix(tree, fixup, &size, NULL);
    g_autofree void *twice = fix(once, fixup, &again_size, NULL);

    g_assert_cmpmem(once, size, twice, again_size);
}

static void test_limit_nodes_after(void)
{
    g_autofree void *most = with_nodes(HYPERVISOR_DT_NODES_MAX - 4);
    g_autofree void *more = with_nodes(HYPERVISOR_DT_NODES_MAX - 3);
    HypervisorDtFixup fixup;

    fixup_with_devices(&fixup);
    assert_again(most, &fixup);
    assert_refused(more, &fixup, -E2BIG, "more than 4096 nodes");
}

static void test_limit_names(void)
{
    g_autofree char *name = g_strnfill(HYPERVISOR_DT_PROPERTY_NAME_MAX, 'p');
    g_autofree char *longer = g_strconcat(name, "p", NULL);
    g_autofree void *tree = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    set_bytes(tree, "/chosen", name, "", 0);
    result = fix(tree, &fixup, &size, NULL);
    set_bytes(tree, "/chosen", longer, "", 0);
    assert_refused(tree, &fixup, -E2BIG, "more than 255 characters");
}

static void test_limit_strings(void)
{
    g_autofree void *tree = g_malloc0(4 * EDIT_SIZE);
    g_autofree void *plain = plain_tree();
    HypervisorDtFixup fixup;
    unsigned i;

    fixup_init(&fixup);
    g_assert_cmpint(fdt_open_into(plain, tree, 4 * EDIT_SIZE), ==, 0);
    for (i = 0; fdt_size_dt_strings(tree) + 129 + 129 <=
                HYPERVISOR_DT_STRINGS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("%0128u", i);

        set_bytes(tree, "/chosen", name, "", 0);
    }
    while (fdt_size_dt_strings(tree) < HYPERVISOR_DT_STRINGS_MAX) {
        unsigned left = HYPERVISOR_DT_STRINGS_MAX - fdt_size_dt_strings(tree);
        g_autofree char *name = g_strnfill(left > 200 ? 100 : left - 1, 'q');

        set_bytes(tree, "/chosen", name, "", 0);
    }
    g_assert_cmpuint(fdt_size_dt_strings(tree), ==,
                     HYPERVISOR_DT_STRINGS_MAX);
    assert_again(tree, &fixup);
    /* With names like "bus-range". */
    fixup_with_devices(&fixup);
    assert_refused(tree, &fixup, -E2BIG, "names of the device tree");
    fixup_init(&fixup);
    set_bytes(tree, "/chosen", "~", "", 0);
    assert_refused(tree, &fixup, -E2BIG, "names of the device tree");
}

static void test_limit_found(void)
{
    g_autofree uint32_t *cells = g_new0(uint32_t, 4 * HYPERVISOR_DT_TAKEN_MAX);
    g_autofree void *tree = g_malloc0(4 * EDIT_SIZE);
    g_autofree void *plain = plain_tree();
    HypervisorDtFixup fixup;

    for (unsigned i = 0; i < HYPERVISOR_DT_TAKEN_MAX; i++) {
        cells[4 * i + 3] = 1;
    }
    fixup_with_devices(&fixup);
    g_assert_cmpint(fdt_open_into(plain, tree, 4 * EDIT_SIZE), ==, 0);
    add_node(tree, "/", "many");
    set_cells(tree, "/many", "reg", cells, 4 * HYPERVISOR_DT_TAKEN_MAX);
    assert_refused(tree, &fixup, -E2BIG, "ranges are taken");
}

/* So many ranges that a region can be between any two, and no list yet. */
static void *with_ranges(unsigned number)
{
    g_autofree uint32_t *cells = g_new0(uint32_t, 4 * number);
    g_autofree void *plain = plain_tree();
    void *tree = g_malloc0(4 * EDIT_SIZE);

    for (unsigned i = 0; i < number; i++) {
        uint64_t base = HYPERVISOR_DT_RAM1_BASE + i * 130 * MIB;

        cells[4 * i] = base >> 32;
        cells[4 * i + 1] = base;
        cells[4 * i + 3] = 1;
    }
    g_assert_cmpint(fdt_open_into(plain, tree, 4 * EDIT_SIZE), ==, 0);
    SET_CELLS(tree, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000);
    add_node(tree, "/", "many");
    set_cells(tree, "/many", "reg", cells, 4 * number);
    return tree;
}

/* The gaps in the list that comes out are taken the next time. */
static void test_limit_found_after(void)
{
    /* RAM twice, region 0, the GIC's two, the magic pages; the gaps. */
    unsigned most = HYPERVISOR_DT_TAKEN_MAX - 6 -
                    (HYPERVISOR_DT_REGIONS_MAX + HYPERVISOR_DT_RAM_BANKS);
    g_autofree void *tree = with_ranges(most);
    g_autofree void *more = with_ranges(most + 1);
    HypervisorDtFixup fixup;

    fixup_init(&fixup);
    assert_again(tree, &fixup);
    assert_refused(more, &fixup, -E2BIG, "ranges are taken");
}

static void test_blob_size(void)
{
    fdt32_t prefix[2] = { cpu_to_fdt32(FDT_MAGIC), 0 };
    HypervisorDtError error;
    size_t size = 77;

    G_STATIC_ASSERT(sizeof(prefix) == HYPERVISOR_DT_PREFIX_SIZE);
    prefix[1] = cpu_to_fdt32(HYPERVISOR_DT_BLOB_MAX + 1);
    g_assert_cmpint(hypervisor_dt_blob_size(prefix, &size, &error), ==,
                    -E2BIG);
    prefix[1] = cpu_to_fdt32(sizeof(struct fdt_header) - 1);
    g_assert_cmpint(hypervisor_dt_blob_size(prefix, &size, &error), ==,
                    -EINVAL);
    g_assert_cmpuint(size, ==, 77);
    prefix[1] = cpu_to_fdt32(sizeof(struct fdt_header));
    g_assert_cmpint(hypervisor_dt_blob_size(prefix, &size, &error), ==, 0);
    g_assert_cmpuint(size, ==, sizeof(struct fdt_header));
    prefix[1] = cpu_to_fdt32(HYPERVISOR_DT_BLOB_MAX);
    g_assert_cmpint(hypervisor_dt_blob_size(prefix, &size, &error), ==, 0);
    g_assert_cmpuint(size, ==, HYPERVISOR_DT_BLOB_MAX);
    prefix[0] ^= 1;
    g_assert_cmpint(hypervisor_dt_blob_size(prefix, &size, &error), ==,
                    -EINVAL);
}

/* --- broken trees: what is done to a good one, and what must come of it --- */

static struct fdt_header *header_of(void *tree)
{
    return tree;
}

static void add_to(fdt32_t *field, int32_t number)
{
    *field = cpu_to_fdt32(fdt32_to_cpu(*field) + number);
}

static void break_magic(void *tree)
{
    add_to(&header_of(tree)->magic, 1);
}

static void break_old_version(void *tree)
{
    header_of(tree)->version = cpu_to_fdt32(16);
}

static void break_new_version(void *tree)
{
    header_of(tree)->version = cpu_to_fdt32(19);
    header_of(tree)->last_comp_version = cpu_to_fdt32(18);
}

static void break_struct_offset(void *tree)
{
    header_of(tree)->off_dt_struct = cpu_to_fdt32(0xfffffff0);
}

static void break_struct_size(void *tree)
{
    header_of(tree)->size_dt_struct = cpu_to_fdt32(0xffffffff);
}

static void break_struct_alignment(void *tree)
{
    add_to(&header_of(tree)->off_dt_struct, 2);
    add_to(&header_of(tree)->size_dt_struct, -4);
}

static void break_struct_end(void *tree)
{
    add_to(&header_of(tree)->size_dt_struct, -4);
}

static void break_strings_offset(void *tree)
{
    header_of(tree)->off_dt_strings = header_of(tree)->totalsize;
    header_of(tree)->size_dt_strings = cpu_to_fdt32(1);
}

/* Names of properties are made of the nodes: a tree that reads itself. */
static void break_strings_in_struct(void *tree)
{
    header_of(tree)->off_dt_strings = header_of(tree)->off_dt_struct;
}

static void break_struct_in_header(void *tree)
{
    header_of(tree)->off_dt_struct = cpu_to_fdt32(0);
}

static void break_reservations_alignment(void *tree)
{
    add_to(&header_of(tree)->off_mem_rsvmap, -4);
}

static void break_reservations_offset(void *tree)
{
    header_of(tree)->off_mem_rsvmap = cpu_to_fdt32(0xfffffff8);
}

static void break_reservations_end(void *tree)
{
    uint32_t offset = fdt_off_mem_rsvmap(tree);

    memset((char *)tree + offset, 0x11, fdt_totalsize(tree) - offset);
}

static void break_strings_short(void *tree)
{
    header_of(tree)->size_dt_strings = cpu_to_fdt32(3);
}

static void set_first_length(void *tree, uint32_t length)
{
    fdt32_t *word = (fdt32_t *)((char *)tree + fdt_off_dt_struct(tree) + 12);

    *word = cpu_to_fdt32(length);
}

/* A property that says it is longer than the tree. */
static void break_property_length(void *tree)
{
    set_first_length(tree, 0x7fffffff);
}

/* With its 12 bytes it ends where it began, if that is counted in an int. */
static void break_property_backwards(void *tree)
{
    set_first_length(tree, UINT32_MAX - 11);
}

static void break_property_wraps(void *tree)
{
    set_first_length(tree, UINT32_MAX);
}

static void break_tag(void *tree)
{
    fdt32_t *tag = (fdt32_t *)((char *)tree + fdt_off_dt_struct(tree) + 8);

    *tag = cpu_to_fdt32(0x77);
}

static void break_no_root(void *tree)
{
    fdt32_t *tag = (fdt32_t *)((char *)tree + fdt_off_dt_struct(tree));

    *tag = cpu_to_fdt32(FDT_END);
}

static void break_root_first_nop(void *tree)
{
    fdt32_t *tag = (fdt32_t *)((char *)tree + fdt_off_dt_struct(tree));

    *tag = cpu_to_fdt32(FDT_NOP);
}

/* The last end of a node is gone, and so is the balance. */
static void break_balance(void *tree)
{
    fdt32_t *tag = (fdt32_t *)((char *)tree + fdt_off_dt_struct(tree) +
                               fdt_size_dt_struct(tree) - 8);

    g_assert_cmphex(fdt32_to_cpu(*tag), ==, FDT_END_NODE);
    *tag = cpu_to_fdt32(FDT_NOP);
}

static void set_tag(void *tree, uint32_t offset, uint32_t tag)
{
    fdt32_t *place = (fdt32_t *)((char *)tree + fdt_off_dt_struct(tree) +
                                 offset);

    *place = cpu_to_fdt32(tag);
}

/*
 * The end of the timer's node comes a property early, and ends the root; the
 * last node is another one.
 */
static void break_two_roots(void *tree)
{
    int node = node_at(tree, "/timer");
    int property, last = 0;

    fdt_for_each_property_offset(property, tree, node) {
        last = property;
    }
    g_assert_cmpint(fdt_nop_property(tree, node, "interrupt-parent"), ==, 0);
    set_tag(tree, last + 12, FDT_END_NODE);
    set_tag(tree, fdt_size_dt_struct(tree) - 8, FDT_NOP);
}

static void break_no_hypervisor(void *tree)
{
    delete_node(tree, "/hypervisor");
}

static void break_hypervisor_address(void *tree)
{
    g_assert_cmpint(fdt_set_name(tree, node_at(tree, "/hypervisor"),
                                 "hypervisor@38000000"), ==, 0);
}

static void break_hypervisor_deeper(void *tree)
{
    delete_node(tree, "/hypervisor");
    add_node(tree, "/chosen", "hypervisor");
}

static void break_two_hypervisors(void *tree)
{
    add_node(tree, "/", "hypervisoR");
    set_bytes(tree, "/hypervisoR", "compatible", "xen,xen-4.17\0xen,xen", 21);
    SET_CELLS(tree, "/hypervisoR", "reg", 0, 0, 0, 0);
    g_assert_cmpint(fdt_set_name(tree, node_at(tree, "/hypervisoR"),
                                 "hypervisor"), ==, 0);
}

static void break_root_address_cells(void *tree)
{
    SET_CELLS(tree, "/", "#address-cells", 1);
}

static void break_root_size_cells(void *tree)
{
    delete_property(tree, "/", "#size-cells");
}

static void break_cells_size(void *tree)
{
    set_bytes(tree, "/", "#size-cells", "\0\0\0\2\0", 5);
}

static void break_compatible_order(void *tree)
{
    set_bytes(tree, "/hypervisor", "compatible", "xen,xen\0xen,xen-4.17", 21);
}

static void break_compatible_end(void *tree)
{
    set_bytes(tree, "/hypervisor", "compatible", "xen,xen-4.17\0xen,xen", 20);
}

static void break_compatible_version(void *tree)
{
    set_bytes(tree, "/hypervisor", "compatible", "xen,xen-\0xen,xen", 17);
}

static void break_no_compatible(void *tree)
{
    delete_property(tree, "/hypervisor", "compatible");
}

static void break_no_reg(void *tree)
{
    delete_property(tree, "/hypervisor", "reg");
}

static void break_reg_size(void *tree)
{
    SET_CELLS(tree, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000, 0);
}

static void break_reg_wraps(void *tree)
{
    SET_CELLS(tree, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
              0xffffffff, 0xffffffff, 0, 2);
}

static void break_other_reg_wraps(void *tree)
{
    SET_CELLS(tree, "/memory@40000000", "reg", 0xffffffff, 0xffffffff, 0, 2);
}

static void break_other_reg_size(void *tree)
{
    SET_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0);
}

static void break_no_gic(void *tree)
{
    delete_node(tree, "/interrupt-controller@3001000");
}

static void break_gic_phandle(void *tree)
{
    SET_CELLS(tree, "/interrupt-controller@3001000", "phandle", 1);
}

static void break_two_gics(void *tree)
{
    SET_CELLS(tree, "/timer", "linux,phandle", 65000);
    SET_CELLS(tree, "/timer", "#interrupt-cells", 3);
    set_bytes(tree, "/timer", "interrupt-controller", "", 0);
}

static void break_gic_cells(void *tree)
{
    SET_CELLS(tree, "/interrupt-controller@3001000", "#interrupt-cells", 2);
}

static void break_gic_address_cells(void *tree)
{
    SET_CELLS(tree, "/interrupt-controller@3001000", "#address-cells", 1);
}

static void break_gic_is_none(void *tree)
{
    delete_property(tree, "/interrupt-controller@3001000",
                    "interrupt-controller");
}

/* The hypervisor's interrupts go to the timer, and those to the hypervisor. */
static void break_interrupt_circle(void *tree)
{
    SET_CELLS(tree, "/hypervisor", "phandle", 1);
    SET_CELLS(tree, "/hypervisor", "interrupt-parent", 2);
    SET_CELLS(tree, "/timer", "phandle", 2);
    SET_CELLS(tree, "/timer", "interrupt-parent", 1);
}

static void break_interrupt_parent(void *tree)
{
    SET_CELLS(tree, "/hypervisor", "interrupt-parent", 12345);
}

static void break_no_memory(void *tree)
{
    delete_node(tree, "/memory@40000000");
}

static void break_empty_memory(void *tree)
{
    SET_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0);
}

static void break_memory_elsewhere(void *tree)
{
    SET_CELLS(tree, "/memory@40000000", "reg", 0, 0x3fffffff, 0, 2);
}

static void break_memory_too_long(void *tree)
{
    SET_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0xc0000001);
}

static void break_memory_twice(void *tree)
{
    SET_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x10000000,
              0, 0x4fffffff, 0, 0x10000000);
}

static void break_bus_cells(void *tree)
{
    add_node(tree, "/", "bus");
    add_node(tree, "/bus", "device");
    set_bytes(tree, "/bus", "ranges", "", 0);
    SET_CELLS(tree, "/bus", "#address-cells", 0x40000000);
    SET_CELLS(tree, "/bus", "#size-cells", 0xc0000004);
    SET_CELLS(tree, "/bus/device", "reg", 0, 0, 0, 0);
}

static void break_bus_no_address(void *tree)
{
    add_node(tree, "/", "bus");
    add_node(tree, "/bus", "device");
    set_bytes(tree, "/bus", "ranges", "", 0);
    SET_CELLS(tree, "/bus", "#address-cells", 0);
    SET_CELLS(tree, "/bus", "#size-cells", 2);
    SET_CELLS(tree, "/bus/device", "reg", 0, 0x1000);
}

static void break_bus_long_address(void *tree)
{
    add_node(tree, "/", "bus");
    add_node(tree, "/bus", "device");
    set_bytes(tree, "/bus", "ranges", "", 0);
    SET_CELLS(tree, "/bus", "#address-cells", 3);
    SET_CELLS(tree, "/bus", "#size-cells", 1);
    SET_CELLS(tree, "/bus/device", "reg", 0, 0, 0x1000, 0x1000);
}

static void break_bus_ranges_cells(void *tree)
{
    add_node(tree, "/", "bus");
    SET_CELLS(tree, "/bus", "#address-cells", 4);
    SET_CELLS(tree, "/bus", "#size-cells", 1);
    SET_CELLS(tree, "/bus", "ranges", 0, 0, 0, 0, 0, 0x1000, 0x1000);
}

static void break_bus_ranges(void *tree)
{
    add_node(tree, "/", "bus");
    SET_CELLS(tree, "/bus", "ranges", 0, 0);
}

static void break_interrupts(void *tree)
{
    SET_CELLS(tree, "/timer", "interrupts", 1, 13);
}

static const struct {
    const char *name;
    void (*function)(void *tree);
    int code;
    const char *reason;
} breakages[] = {
    { "magic", break_magic, -EINVAL, "no device tree" },
    { "version/old", break_old_version, -EINVAL, "version 16" },
    { "version/new", break_new_version, -EINVAL, "compatible with 18" },
    { "structure/offset", break_struct_offset, -EINVAL, "structure block" },
    { "structure/size", break_struct_size, -EINVAL, "structure block" },
    { "structure/alignment", break_struct_alignment, -EINVAL,
      "no multiple of 4" },
    { "structure/end", break_struct_end, -EINVAL, "broken" },
    { "structure/in-header", break_struct_in_header, -EINVAL, "overlaps" },
    { "strings/offset", break_strings_offset, -EINVAL, "strings block" },
    { "strings/in-structure", break_strings_in_struct, -EINVAL, "overlaps" },
    { "strings/short", break_strings_short, -EINVAL, "broken" },
    { "reservations/alignment", break_reservations_alignment, -EINVAL,
      "memory reservations" },
    { "reservations/offset", break_reservations_offset, -EINVAL,
      "has no end" },
    { "reservations/end", break_reservations_end, -EINVAL, "has no end" },
    { "property-length", break_property_length, -EINVAL, "broken" },
    { "property-length/backwards", break_property_backwards, -EINVAL,
      "takes 4294967296 bytes" },
    { "property-length/wraps", break_property_wraps, -EINVAL,
      "takes 4294967308 bytes" },
    { "tag", break_tag, -EINVAL, "broken" },
    { "root/none", break_no_root, -EINVAL, "broken" },
    { "root/nop", break_root_first_nop, -EINVAL, "broken" },
    { "root/two", break_two_roots, -EINVAL, "broken" },
    { "balance", break_balance, -EINVAL, "broken" },
    { "hypervisor/none", break_no_hypervisor, -ENOENT, "/hypervisor" },
    { "hypervisor/address", break_hypervisor_address, -ENOENT,
      "/hypervisor" },
    { "hypervisor/deeper", break_hypervisor_deeper, -ENOENT, "/hypervisor" },
    { "hypervisor/two", break_two_hypervisors, -EEXIST, "/hypervisor" },
    { "hypervisor/compatible/order", break_compatible_order, -EINVAL,
      "compatible" },
    { "hypervisor/compatible/end", break_compatible_end, -EINVAL,
      "compatible" },
    { "hypervisor/compatible/version", break_compatible_version, -EINVAL,
      "compatible" },
    { "hypervisor/compatible/none", break_no_compatible, -EINVAL,
      "compatible" },
    { "hypervisor/reg/none", break_no_reg, -EINVAL, "region 0" },
    { "hypervisor/reg/size", break_reg_size, -EINVAL, "no multiple of 16" },
    { "hypervisor/reg/wraps", break_reg_wraps, -ERANGE, "beyond 2^64" },
    { "root/address-cells", break_root_address_cells, -EINVAL,
      "at the root" },
    { "root/size-cells", break_root_size_cells, -EINVAL, "at the root" },
    { "root/cells-size", break_cells_size, -EINVAL, "has 5 bytes" },
    { "reg/wraps", break_other_reg_wraps, -ERANGE, "beyond 2^64" },
    { "reg/size", break_other_reg_size, -EINVAL, "no multiple of 16" },
    { "gic/none", break_no_gic, -ENOENT, "phandle 65000" },
    { "gic/phandle", break_gic_phandle, -ENOENT, "phandle 65000" },
    { "gic/two", break_two_gics, -EEXIST, "phandle 65000" },
    { "gic/cells", break_gic_cells, -EINVAL, "interrupts of 3 cells" },
    { "gic/address-cells", break_gic_address_cells, -EINVAL,
      "no addresses" },
    { "gic/is-none", break_gic_is_none, -EINVAL,
      "is no interrupt controller" },
    { "interrupt/circle", break_interrupt_circle, -ELOOP, "circle" },
    { "interrupt/parent", break_interrupt_parent, -ENOENT, "phandle 12345" },
    { "interrupt/cells", break_interrupts, -EINVAL, "ends in the middle" },
    { "memory/none", break_no_memory, -ENOENT, "no memory node" },
    { "memory/empty", break_empty_memory, -ENOENT, "no memory node" },
    { "memory/elsewhere", break_memory_elsewhere, -ERANGE, "not inside" },
    { "memory/too-long", break_memory_too_long, -ERANGE, "not inside" },
    { "memory/twice", break_memory_twice, -EEXIST, "overlaps" },
    { "bus/cells", break_bus_cells, -EINVAL, "cells" },
    { "bus/no-address", break_bus_no_address, -EINVAL, "of 0 and" },
    { "bus/long-address", break_bus_long_address, -EINVAL, "of 3 and" },
    { "bus/ranges-cells", break_bus_ranges_cells, -EINVAL, "of 4 and" },
    { "bus/ranges", break_bus_ranges, -EINVAL, "ranges of node bus" },
};

static void test_broken(gconstpointer opaque)
{
    unsigned n = GPOINTER_TO_UINT(opaque);
    g_autofree void *tree = plain_tree();
    HypervisorDtFixup fixup;
    size_t length;

    fixup_with_devices(&fixup);
    length = fdt_totalsize(tree);
    breakages[n].function(tree);
    assert_refused_bytes(tree, length, &fixup, breakages[n].code,
                         breakages[n].reason);
}

/* Whatever part of it is missing at the end. */
static void test_truncated(void)
{
    g_autofree void *tree = plain_tree();
    HypervisorDtFixup fixup;

    g_assert_cmpint(fdt_pack(tree), ==, 0);
    fixup_with_devices(&fixup);
    for (size_t length = 0; length < fdt_totalsize(tree); length++) {
        assert_refused_bytes(tree, length, &fixup, -EINVAL,
                             length < sizeof(struct fdt_header) ?
                             "a header alone" : "truncated");
    }
}

/* It claims to be larger than anybody would read, or than its parts. */
static void test_oversized(void)
{
    g_autofree char *tree = g_malloc0(HYPERVISOR_DT_BLOB_MAX + 4096);
    g_autofree void *plain = plain_tree();
    g_autofree void *result = NULL;
    HypervisorDtFixup fixup;
    size_t size;

    fixup_with_devices(&fixup);
    g_assert_cmpint(fdt_open_into(plain, tree, HYPERVISOR_DT_BLOB_MAX), ==,
                    0);
    result = fix(tree, &fixup, &size, NULL);
    header_of(tree)->totalsize = cpu_to_fdt32(HYPERVISOR_DT_BLOB_MAX + 1);
    assert_refused_bytes(tree, HYPERVISOR_DT_BLOB_MAX + 4096, &fixup, -E2BIG,
                         "at most 2097152");
}

/* A full tree that cannot grow: nothing is cut. */
static void test_full(void)
{
    g_autofree char *tree = g_malloc0(HYPERVISOR_DT_BLOB_MAX);
    g_autofree char *filler = NULL;
    g_autofree void *plain = plain_tree();
    HypervisorDtFixup fixup;
    size_t left;

    fixup_with_devices(&fixup);
    g_assert_cmpint(fdt_pack(plain), ==, 0);
    g_assert_cmpint(fdt_open_into(plain, tree, HYPERVISOR_DT_BLOB_MAX), ==,
                    0);
    left = HYPERVISOR_DT_BLOB_MAX - fdt_totalsize(plain) - 64;
    filler = g_malloc0(left);
    set_bytes(tree, "/chosen", "filler", filler, left);
    g_assert_cmpint(fdt_pack(tree), ==, 0);
    assert_refused(tree, &fixup, -ENOSPC, "there is room for 2097152");
}

/* --- every bit of a tree, wrong --- */

/* If it is accepted, what comes out is a tree with a list that holds. */
static void check_result(const void *result, size_t size)
{
    const fdt32_t *reg;
    uint64_t free_from = 0;
    int length;

    g_assert_cmpint(fdt_check_full(result, size), ==, 0);
    reg = fdt_getprop(result, node_at(result, "/hypervisor"), "reg", &length);
    g_assert_nonnull(reg);
    for (int i = 4; i < length / 4; i += 4) {
        uint64_t base = (uint64_t)fdt32_to_cpu(reg[i]) << 32 |
                        fdt32_to_cpu(reg[i + 1]);
        uint64_t bytes = (uint64_t)fdt32_to_cpu(reg[i + 2]) << 32 |
                         fdt32_to_cpu(reg[i + 3]);

        g_assert_cmphex(base, >=, free_from);
        g_assert_cmphex(base % (2 * MIB) | bytes % (2 * MIB), ==, 0);
        g_assert_cmphex(bytes, >=, 64 * MIB);
        free_from = base + bytes;
    }
    g_assert_cmphex(free_from, <=, UINT64_C(1) << 40);
}

static void test_every_bit(void)
{
    g_autofree void *tree = plain_tree();
    unsigned accepted = 0, refused = 0;
    HypervisorDtFixup fixup;
    size_t length;

    add_libxl_virtio(tree);
    g_assert_cmpint(fdt_pack(tree), ==, 0);
    length = fdt_totalsize(tree);
    fixup_with_devices(&fixup);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        g_autofree char *bytes = g_memdup2(tree, length);
        g_autofree void *result = NULL;
        HypervisorDtError error;
        size_t size;

        bytes[bit / 8] ^= 1 << bit % 8;
        result = hypervisor_dt_fixup(bytes, length, &fixup, &size, NULL,
                                     &error);
        if (result) {
            check_result(result, size);
            accepted++;
        } else {
            g_assert_cmpint(error.code, <, 0);
            refused++;
        }
    }
    g_assert_cmpuint(accepted, >, 0);
    g_assert_cmpuint(refused, >, accepted / 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fixup/plain", test_plain);
    g_test_add_func("/fixup/order", test_order);
    g_test_add_func("/fixup/layouts", test_layouts);
    g_test_add_func("/fixup/ram", test_ram);
    g_test_add_func("/fixup/windows", test_windows);
    g_test_add_func("/fixup/listed", test_listed);
    g_test_add_func("/fixup/regions-options", test_regions_options);
    g_test_add_func("/fixup/untouched", test_untouched);
    g_test_add_func("/fixup/libxl-habits", test_libxl_habits);
    g_test_add_func("/fixup/blocks", test_blocks);
    g_test_add_func("/fixup/placement", test_placement);
    g_test_add_func("/fixup/present/same", test_present);
    g_test_add_func("/fixup/present/different", test_present_but_different);
    g_test_add_func("/fixup/present/useless", test_present_but_useless);
    g_test_add_func("/fixup/present/pcie", test_present_pcie);
    g_test_add_func("/fixup/present/twice", test_present_twice);
    g_test_add_func("/fixup/clash/node", test_clash);
    g_test_add_func("/fixup/clash/bus", test_clash_bus);
    g_test_add_func("/fixup/clash/behind", test_clash_behind);
    g_test_add_func("/fixup/carve-found", test_carve_found);
    g_test_add_func("/fixup/clash/interrupt", test_clash_interrupt);
    g_test_add_func("/fixup/clash/interrupt/below",
                    test_clash_interrupt_below);
    g_test_add_func("/fixup/clash/interrupt/extended",
                    test_clash_interrupt_extended);
    g_test_add_func("/fixup/clash/interrupt/map", test_clash_interrupt_map);
    g_test_add_func("/fixup/dead-devices", test_dead_devices);
    g_test_add_func("/fixup/ram-expected", test_ram_expected);
    g_test_add_func("/fixup/description", test_description);
    g_test_add_func("/fixup/limit/room", test_limit_room);
    g_test_add_func("/fixup/limit/growth", test_limit_growth);
    g_test_add_func("/fixup/limit/depth", test_limit_depth);
    g_test_add_func("/fixup/limit/nodes", test_limit_nodes);
    g_test_add_func("/fixup/limit/nodes-after", test_limit_nodes_after);
    g_test_add_func("/fixup/limit/names", test_limit_names);
    g_test_add_func("/fixup/limit/strings", test_limit_strings);
    g_test_add_func("/fixup/limit/found", test_limit_found);
    g_test_add_func("/fixup/limit/found-after", test_limit_found_after);
    g_test_add_func("/fixup/blob-size", test_blob_size);
    for (unsigned i = 0; i < G_N_ELEMENTS(breakages); i++) {
        g_autofree char *path = g_strdup_printf("/fixup/broken/%s",
                                                breakages[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_broken);
    }
    g_test_add_func("/fixup/broken/truncated", test_truncated);
    g_test_add_func("/fixup/broken/oversized", test_oversized);
    g_test_add_func("/fixup/broken/full", test_full);
    g_test_add_func("/fixup/broken/every-bit", test_every_bit);
    return g_test_run();
}
