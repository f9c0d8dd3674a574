/*
 * Hypervisor node: the generated trees, read back with libfdt
 *
 * What a guest would see is compared with the description: the nodes, and for
 * every layout that the regions keep clear of everything that any node of the
 * tree claims.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <libfdt.h>
#include <string.h>

#include "layouts.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* --- reading --- */

static int node_at(const void *blob, const char *path)
{
    int node = fdt_path_offset(blob, path);

    if (node < 0) {
        g_error("no node %s: %s", path, fdt_strerror(node));
    }
    return node;
}

static uint32_t cell_at(const void *blob, const char *path, const char *name,
                        unsigned n)
{
    int length;
    const fdt32_t *cells = fdt_getprop(blob, node_at(blob, path), name,
                                       &length);

    g_assert_nonnull(cells);
    g_assert_cmpint(length, >=, (n + 1) * 4);
    return fdt32_to_cpu(cells[n]);
}

static unsigned cells_of(const void *blob, const char *path, const char *name)
{
    int length;

    g_assert_nonnull(fdt_getprop(blob, node_at(blob, path), name, &length));
    g_assert_cmpint(length % 4, ==, 0);
    return length / 4;
}

static uint64_t u64_at(const void *blob, const char *path, const char *name,
                       unsigned n)
{
    return (uint64_t)cell_at(blob, path, name, 2 * n) << 32 |
           cell_at(blob, path, name, 2 * n + 1);
}

/* That the strings are these, and no others. */
static void assert_strings(const void *blob, const char *path,
                           const char *name, const char *expected)
{
    int node = node_at(blob, path);
    int number = fdt_stringlist_count(blob, node, name);
    g_autoptr(GString) joined = g_string_new(NULL);

    for (int i = 0; i < number; i++) {
        g_string_append_printf(joined, "%s%s", i ? " " : "",
                               fdt_stringlist_get(blob, node, name, i, NULL));
    }
    g_assert_cmpstr(joined->str, ==, expected);
}

static void assert_cells(const void *blob, const char *path, const char *name,
                         const uint32_t *expected, unsigned number)
{
    g_assert_cmpuint(cells_of(blob, path, name), ==, number);
    for (unsigned i = 0; i < number; i++) {
        g_assert_cmphex(cell_at(blob, path, name, i), ==, expected[i]);
    }
}

#define ASSERT_CELLS(blob, path, name, ...)                                \
    do {                                                                   \
        const uint32_t cells_[] = { __VA_ARGS__ };                         \
        assert_cells(blob, path, name, cells_, G_N_ELEMENTS(cells_));      \
    } while (0)

static bool has_node(const void *blob, const char *path)
{
    return fdt_path_offset(blob, path) >= 0;
}

static bool has_property(const void *blob, const char *path, const char *name)
{
    return fdt_getprop(blob, node_at(blob, path), name, NULL) != NULL;
}

/* --- making --- */

static void *generate(const HypervisorDtGuest *guest, size_t *size)
{
    HypervisorDtError error = { .message = "" };
    void *blob = hypervisor_dt_generate(guest, size, NULL, &error);

    g_assert_cmpstr(error.message, ==, "");
    g_assert_nonnull(blob);
    g_assert_cmpint(fdt_check_full(blob, *size), ==, 0);
    g_assert_cmpuint(fdt_totalsize(blob), ==, *size);
    return blob;
}

static void assert_refused(const HypervisorDtGuest *guest, int code,
                           const char *first, const char *second)
{
    HypervisorDtError error;
    HypervisorDtRegions regions = { .number = 77 };
    size_t size = 77;

    g_assert_null(hypervisor_dt_generate(guest, &size, &regions, &error));
    g_assert_cmpint(error.code, ==, code);
    g_assert_cmpstr(error.message, !=, "");
    g_assert_cmpstr(error.first, ==, first);
    g_assert_cmpstr(error.second, ==, second);
    g_assert_cmpuint(regions.number, ==, 77);
    g_assert_cmpuint(size, ==, 77);
}

static void guest_with_ram(HypervisorDtGuest *guest, uint64_t ram)
{
    HypervisorDtError error;

    hypervisor_dt_guest_init(guest);
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(guest, ram, &error), ==,
                    0);
}

/* --- nodes --- */

static void test_plain(void)
{
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    blob = generate(&guest, &size);
    assert_strings(blob, "/", "model", "XENVM-4.17");
    assert_strings(blob, "/", "compatible", "xen,xenvm-4.17 xen,xenvm");
    ASSERT_CELLS(blob, "/", "#address-cells", 2);
    ASSERT_CELLS(blob, "/", "#size-cells", 2);
    ASSERT_CELLS(blob, "/", "interrupt-parent", 65000);
    assert_strings(blob, "/psci", "compatible",
                   "arm,psci-1.0 arm,psci-0.2 arm,psci");
    assert_strings(blob, "/psci", "method", "hvc");
    ASSERT_CELLS(blob, "/psci", "cpu_off", 1);
    ASSERT_CELLS(blob, "/psci", "cpu_on", 2);
    ASSERT_CELLS(blob, "/timer", "interrupts", 1, 13, 0xf08, 1, 14, 0xf08, 1,
                 11, 0xf08);
    g_assert_false(has_property(blob, "/timer", "clock-frequency"));
    assert_strings(blob, "/memory@40000000", "device_type", "memory");
    ASSERT_CELLS(blob, "/memory@40000000", "reg", 0, 0x40000000, 0,
                 0x20000000);
    g_assert_false(has_node(blob, "/memory@200000000"));
    g_assert_true(has_node(blob, "/chosen"));
    g_assert_true(has_node(blob, "/aliases"));
    g_assert_false(has_property(blob, "/chosen", "bootargs"));
    g_assert_false(has_property(blob, "/chosen", "linux,initrd-start"));
    g_assert_false(has_property(blob, "/chosen", "rng-seed"));
}

/* What Linux looks at: see the facts in docs/specs/hypervisor-dt.rst. */
static void test_hypervisor(void)
{
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.xen_major = 5;
    guest.xen_minor = 20;
    blob = generate(&guest, &size);
    assert_strings(blob, "/hypervisor", "compatible",
                   "xen,xen-5.20 xen,xen");
    ASSERT_CELLS(blob, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000, 0,
                 0x60000000, 0, 0xa0000000, 2, 0, 0xfe, 0);
    ASSERT_CELLS(blob, "/hypervisor", "interrupts", 1, 15, 0xf08);
    ASSERT_CELLS(blob, "/hypervisor", "interrupt-parent", 65000);
    g_assert_cmpstr(fdt_get_name(blob, node_at(blob, "/hypervisor"), NULL),
                    ==, "hypervisor");
}

static void test_regions_off(void)
{
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.regions.off = true;
    blob = generate(&guest, &size);
    ASSERT_CELLS(blob, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000);

    /* No region does not mean no check. */
    guest.devices.tpm_base = 0x40000000;
    assert_refused(&guest, -EEXIST, "TPM", "RAM bank 0");
}

static void test_regions_options(void)
{
    const HypervisorDtWindow exclusion = { 0x300000000, 1 };
    HypervisorDtGuest guest;
    g_autofree void *one = NULL;
    g_autofree void *two = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.regions.maximum = 1;
    one = generate(&guest, &size);
    ASSERT_CELLS(one, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000, 2,
                 0, 0xfe, 0);
    guest.regions.maximum = 2;
    guest.regions.exclusions = &exclusion;
    guest.regions.exclusions_number = 1;
    two = generate(&guest, &size);
    ASSERT_CELLS(two, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
                 2, 0, 1, 0, 3, 0x200000, 0xfc, 0xffe00000);
}

static void test_grant_table(void)
{
    HypervisorDtGuest guest;
    g_autofree void *moved = NULL;
    g_autofree void *none = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.grant_table = (HypervisorDtWindow) { 0x80000000, 64 * MIB };
    moved = generate(&guest, &size);
    ASSERT_CELLS(moved, "/hypervisor", "reg", 0, 0x80000000, 0, 0x04000000,
                 0, 0x60000000, 0, 0x20000000, 0, 0x84000000, 0, 0x7c000000,
                 2, 0, 0xfe, 0);

    /* A domain that must not use grants: region 0 is there, and empty. */
    guest.grant_table = (HypervisorDtWindow) { 0x38000000, 0 };
    none = generate(&guest, &size);
    ASSERT_CELLS(none, "/hypervisor", "reg", 0, 0x38000000, 0, 0,
                 0, 0x60000000, 0, 0xa0000000, 2, 0, 0xfe, 0);
}

static void test_gic(void)
{
    HypervisorDtGuest guest;
    g_autofree void *v2 = NULL;
    g_autofree void *v3 = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    v2 = generate(&guest, &size);
    assert_strings(v2, "/interrupt-controller@3001000", "compatible",
                   "arm,cortex-a15-gic arm,cortex-a9-gic");
    ASSERT_CELLS(v2, "/interrupt-controller@3001000", "reg", 0, 0x03001000, 0,
                 0x1000, 0, 0x03002000, 0, 0x2000);
    guest.gic = HYPERVISOR_DT_GIC_V3;
    v3 = generate(&guest, &size);
    assert_strings(v3, "/interrupt-controller@3001000", "compatible",
                   "arm,gic-v3");
    ASSERT_CELLS(v3, "/interrupt-controller@3001000", "reg", 0, 0x03001000, 0,
                 0x10000, 0, 0x03020000, 0, 0x01000000);
    ASSERT_CELLS(v3, "/interrupt-controller@3001000", "#interrupt-cells", 3);
    ASSERT_CELLS(v3, "/interrupt-controller@3001000", "#address-cells", 0);
    ASSERT_CELLS(v3, "/interrupt-controller@3001000", "phandle", 65000);
    g_assert_true(has_property(v3, "/interrupt-controller@3001000",
                               "interrupt-controller"));
    g_assert_cmpint(fdt_node_offset_by_phandle(v3, 65000), ==,
                    node_at(v3, "/interrupt-controller@3001000"));
}

/* The 17th CPU is the first of the second group: MPIDR, not a number. */
static void test_cpus(void)
{
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    unsigned number = 0;
    size_t size;
    int node;

    guest_with_ram(&guest, 512 * MIB);
    guest.gic = HYPERVISOR_DT_GIC_V3;
    guest.cpus = HYPERVISOR_DT_CPUS_MAX;
    blob = generate(&guest, &size);
    fdt_for_each_subnode(node, blob, node_at(blob, "/cpus")) {
        number++;
    }
    g_assert_cmpuint(number, ==, HYPERVISOR_DT_CPUS_MAX);
    ASSERT_CELLS(blob, "/cpus/cpu@f", "reg", 0xf);
    ASSERT_CELLS(blob, "/cpus/cpu@100", "reg", 0x100);
    ASSERT_CELLS(blob, "/cpus/cpu@70f", "reg", 0x70f);
    assert_strings(blob, "/cpus/cpu@70f", "enable-method", "psci");
    assert_strings(blob, "/cpus/cpu@70f", "device_type", "cpu");
    assert_strings(blob, "/cpus/cpu@70f", "compatible", "arm,armv8");
    ASSERT_CELLS(blob, "/cpus", "#address-cells", 1);
    ASSERT_CELLS(blob, "/cpus", "#size-cells", 0);
}

static void test_chosen(void)
{
    static const uint8_t seed[] = { 0, 1, 2, 0xff, 4 };
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    const void *bytes;
    size_t size;
    int length;

    guest_with_ram(&guest, 4 * GIB);
    guest.chosen = (HypervisorDtChosen) {
        .cmdline = "console=hvc0",
        .initrd = { 0x200000000, 12345 },
        .seed = seed,
        .seed_size = sizeof(seed),
    };
    blob = generate(&guest, &size);
    assert_strings(blob, "/chosen", "bootargs", "console=hvc0");
    ASSERT_CELLS(blob, "/chosen", "linux,initrd-start", 2, 0);
    ASSERT_CELLS(blob, "/chosen", "linux,initrd-end", 2, 12345);
    bytes = fdt_getprop(blob, node_at(blob, "/chosen"), "rng-seed", &length);
    g_assert_cmpmem(bytes, length, seed, sizeof(seed));
    ASSERT_CELLS(blob, "/memory@200000000", "reg", 2, 0, 0, 0x40000000);
}

static void test_uart_and_tpm(void)
{
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.uart = true;
    guest.clock_frequency = 62500000;
    guest.devices.tpm_base = 0x0c000000;
    blob = generate(&guest, &size);
    assert_strings(blob, "/serial@22000000", "compatible", "arm,sbsa-uart");
    ASSERT_CELLS(blob, "/serial@22000000", "reg", 0, 0x22000000, 0, 0x1000);
    ASSERT_CELLS(blob, "/serial@22000000", "interrupts", 0, 0, 4);
    assert_strings(blob, "/aliases", "serial0", "/serial@22000000");
    assert_strings(blob, "/tpm@c000000", "compatible", "tcg,tpm-tis-mmio");
    ASSERT_CELLS(blob, "/tpm@c000000", "reg", 0, 0x0c000000, 0, 0x5000);
    ASSERT_CELLS(blob, "/timer", "clock-frequency", 62500000);
}

static void test_slots(void)
{
    const HypervisorDtSlot slots[] = {
        { 0x02000000, 0x200, 33 },
        { 0x210000000, 0x1000, 1019 },
    };
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.devices.slots = slots;
    guest.devices.slots_number = G_N_ELEMENTS(slots);
    blob = generate(&guest, &size);
    assert_strings(blob, "/virtio@2000000", "compatible", "virtio,mmio");
    ASSERT_CELLS(blob, "/virtio@2000000", "reg", 0, 0x02000000, 0, 0x200);
    ASSERT_CELLS(blob, "/virtio@2000000", "interrupts", 0, 1, 1);
    ASSERT_CELLS(blob, "/virtio@2000000", "interrupt-parent", 65000);
    g_assert_true(has_property(blob, "/virtio@2000000", "dma-coherent"));
    ASSERT_CELLS(blob, "/virtio@210000000", "reg", 2, 0x10000000, 0, 0x1000);
    ASSERT_CELLS(blob, "/virtio@210000000", "interrupts", 0, 987, 1);
    assert_strings(blob, "/aliases", "virtio0", "/virtio@2000000");
    assert_strings(blob, "/aliases", "virtio1", "/virtio@210000000");

    /* The slot that lies in bank 1's window is carved out. */
    ASSERT_CELLS(blob, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000, 0,
                 0x60000000, 0, 0xa0000000, 2, 0, 0, 0x10000000, 2,
                 0x10200000, 0xfd, 0xefe00000);
}

/* --- PCI --- */

static const HypervisorDtPcie usual_pcie = {
    .ecam = { 0xf100000000, 256 * MIB },
    .mmio = { 0xf110000000, 32 * MIB },
    .mmio_high = { 0xf000000000, 4 * GIB },
    .irq = 44,
};

static void test_pcie(void)
{
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.devices.pcie = usual_pcie;
    blob = generate(&guest, &size);
    assert_strings(blob, "/pcie@f100000000", "compatible",
                   "pci-host-ecam-generic");
    assert_strings(blob, "/pcie@f100000000", "device_type", "pci");
    ASSERT_CELLS(blob, "/pcie@f100000000", "reg", 0xf1, 0, 0, 0x10000000);
    ASSERT_CELLS(blob, "/pcie@f100000000", "bus-range", 0, 255);
    ASSERT_CELLS(blob, "/pcie@f100000000", "#address-cells", 3);
    ASSERT_CELLS(blob, "/pcie@f100000000", "#size-cells", 2);
    ASSERT_CELLS(blob, "/pcie@f100000000", "#interrupt-cells", 1);
    ASSERT_CELLS(blob, "/pcie@f100000000", "ranges",
                 0x03000000, 0xf1, 0x10000000, 0xf1, 0x10000000, 0,
                 0x02000000,
                 0x03000000, 0xf0, 0, 0xf0, 0, 1, 0);
    g_assert_true(has_property(blob, "/pcie@f100000000", "dma-coherent"));
    assert_strings(blob, "/aliases", "pci0", "/pcie@f100000000");
    ASSERT_CELLS(blob, "/hypervisor", "reg", 0, 0x38000000, 0, 0x01000000,
                 0, 0x60000000, 0, 0xa0000000,
                 2, 0, 0xee, 0,
                 0xf1, 0x12000000, 0xe, 0xee000000);
}

/* A window for 32-bit BARs ends below 4 GiB, to the byte. */
static void test_pcie_space(void)
{
    HypervisorDtGuest guest;
    g_autofree void *below = NULL;
    g_autofree void *across = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.devices.pcie = usual_pcie;
    guest.devices.pcie.mmio_high.size = 0;
    guest.devices.pcie.mmio = (HypervisorDtWindow) {
        4 * GIB - 256 * MIB, 256 * MIB
    };
    below = generate(&guest, &size);
    ASSERT_CELLS(below, "/pcie@f100000000", "ranges", 0x02000000, 0,
                 0xf0000000, 0, 0xf0000000, 0, 0x10000000);
    guest.devices.pcie.mmio.size++;
    across = generate(&guest, &size);
    g_assert_cmphex(cell_at(across, "/pcie@f100000000", "ranges", 0), ==,
                    0x03000000);
}

/* Each pin of each device as QEMU's pci_swizzle() has it: slot + pin. */
static void test_pcie_interrupts(void)
{
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    unsigned seen = 0;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.devices.pcie = usual_pcie;
    blob = generate(&guest, &size);
    ASSERT_CELLS(blob, "/pcie@f100000000", "interrupt-map-mask", 0x1800, 0,
                 0, 7);
    g_assert_cmpuint(cells_of(blob, "/pcie@f100000000", "interrupt-map"), ==,
                     16 * 8);
    for (unsigned i = 0; i < 16; i++) {
        uint32_t entry[8];
        unsigned device, pin;

        for (unsigned j = 0; j < 8; j++) {
            entry[j] = cell_at(blob, "/pcie@f100000000", "interrupt-map",
                               8 * i + j);
        }
        device = entry[0] >> 11;
        pin = entry[3];
        g_assert_cmpuint(entry[0], ==, device << 11);
        g_assert_cmpuint(entry[1] | entry[2], ==, 0);
        g_assert_cmpuint(pin, >=, 1);
        g_assert_cmpuint(pin, <=, 4);
        g_assert_cmpuint(entry[4], ==, 65000);
        g_assert_cmpuint(entry[5], ==, 0);
        g_assert_cmpuint(entry[6], ==, 44 - 32 + (device + pin - 1) % 4);
        g_assert_cmpuint(entry[7], ==, 4);
        seen |= 1u << (device * 4 + pin - 1);
    }
    g_assert_cmphex(seen, ==, 0xffff);
}

static void test_pcie_refused(void)
{
    HypervisorDtGuest guest;

    guest_with_ram(&guest, 512 * MIB);
    guest.devices.pcie = usual_pcie;
    guest.devices.pcie.ecam.size--;
    assert_refused(&guest, -EINVAL, "", "");
    guest.devices.pcie.ecam.size += 2;
    assert_refused(&guest, -EINVAL, "", "");
    guest.devices.pcie = usual_pcie;
    guest.devices.pcie.mmio.size = 0;
    guest.devices.pcie.mmio_high.size = 0;
    assert_refused(&guest, -EINVAL, "", "");
    guest.devices.pcie = usual_pcie;
    guest.devices.pcie.mmio.base = guest.devices.pcie.ecam.base;
    assert_refused(&guest, -EEXIST, "PCI MMIO", "PCI ECAM");
    guest.devices.pcie = usual_pcie;
    guest.devices.pcie.mmio_high.size++;
    assert_refused(&guest, -EEXIST, "PCI MMIO high", "PCI ECAM");
    guest.devices.pcie = usual_pcie;
    guest.devices.pcie.mmio.base = 1099511627776 - 32 * MIB + 1;
    assert_refused(&guest, -ERANGE, "", "");
    guest.devices.pcie.mmio.base = UINT64_MAX;
    assert_refused(&guest, -ERANGE, "", "");
}

/* --- limits and clashes --- */

static void test_limit_cpus(void)
{
    HypervisorDtGuest guest;
    g_autofree void *v2 = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.cpus = 0;
    assert_refused(&guest, -EINVAL, "", "");
    guest.cpus = 8;
    v2 = generate(&guest, &size);
    guest.cpus = 9;
    assert_refused(&guest, -EINVAL, "", "");
    guest.gic = HYPERVISOR_DT_GIC_V3;
    guest.cpus = HYPERVISOR_DT_CPUS_MAX + 1;
    assert_refused(&guest, -EINVAL, "", "");
    guest.cpus = 1;
    guest.gic = 1;
    assert_refused(&guest, -EINVAL, "", "");
    guest.gic = 4;
    assert_refused(&guest, -EINVAL, "", "");
}

static void test_limit_ram(void)
{
    HypervisorDtGuest guest;
    HypervisorDtError error;
    g_autofree void *full = NULL;
    size_t size;

    guest_with_ram(&guest, 0);
    assert_refused(&guest, -EINVAL, "", "");
    guest_with_ram(&guest, 1019 * GIB);
    full = generate(&guest, &size);
    g_assert_cmpuint(cells_of(full, "/hypervisor", "reg"), ==, 4);
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&guest, 1019 * GIB + 1,
                                                   &error), ==, -ENOSPC);
    g_assert_cmphex(guest.banks[1].ram, ==, 1016 * GIB);
    guest.address_bits = 39;
    assert_refused(&guest, -ERANGE, "", "");
}

static void test_limit_chosen(void)
{
    g_autofree char *cmdline = g_strnfill(HYPERVISOR_DT_CMDLINE_SIZE, 'x');
    uint8_t seed[HYPERVISOR_DT_SEED_MAX + 1] = { 0 };
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.chosen.cmdline = cmdline;
    assert_refused(&guest, -E2BIG, "", "");
    guest.chosen.cmdline = cmdline + 1;
    guest.chosen.seed = seed;
    guest.chosen.seed_size = HYPERVISOR_DT_SEED_MAX + 1;
    assert_refused(&guest, -E2BIG, "", "");
    guest.chosen.seed_size = HYPERVISOR_DT_SEED_MAX;
    guest.chosen.initrd = (HypervisorDtWindow) { 0x40000000, 512 * MIB };
    blob = generate(&guest, &size);
    guest.chosen.initrd.size++;
    assert_refused(&guest, -ERANGE, "", "");
    guest.chosen.initrd = (HypervisorDtWindow) { 0x60000000, 1 };
    assert_refused(&guest, -ERANGE, "", "");
    guest.chosen.initrd = (HypervisorDtWindow) { 0x3fffffff, 2 };
    assert_refused(&guest, -ERANGE, "", "");
    guest.chosen.initrd = (HypervisorDtWindow) { 0x40000001, UINT64_MAX };
    assert_refused(&guest, -ERANGE, "", "");
}

static void test_limit_slots(void)
{
    HypervisorDtSlot slots[HYPERVISOR_DT_SLOTS_MAX + 1];
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        slots[i] = (HypervisorDtSlot) { 0x2000000 + i * 512, 512, 33 + i };
    }
    guest_with_ram(&guest, 512 * MIB);
    guest.devices.slots = slots;
    guest.devices.slots_number = HYPERVISOR_DT_SLOTS_MAX;
    blob = generate(&guest, &size);
    guest.devices.slots_number++;
    assert_refused(&guest, -E2BIG, "", "");
    guest.devices.slots_number = 2;
    slots[1].size = 0;
    assert_refused(&guest, -EINVAL, "", "");
    slots[1].size = HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE - 1;
    assert_refused(&guest, -EINVAL, "", "");
    slots[1].size = HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE;
    g_free(blob);
    blob = generate(&guest, &size);
    slots[0].size = 513;
    assert_refused(&guest, -EEXIST, "virtio-mmio slot 0",
                   "virtio-mmio slot 1");
}

static void test_limit_interrupts(void)
{
    HypervisorDtSlot slot = { 0x2000000, 512, HYPERVISOR_DT_SPI_FIRST };
    HypervisorDtGuest guest;
    g_autofree void *first = NULL;
    g_autofree void *last = NULL;
    size_t size;

    guest_with_ram(&guest, 512 * MIB);
    guest.devices.slots = &slot;
    guest.devices.slots_number = 1;
    first = generate(&guest, &size);
    slot.irq--;
    assert_refused(&guest, -EINVAL, "", "");
    slot.irq = HYPERVISOR_DT_SPI_END - 1;
    last = generate(&guest, &size);
    slot.irq++;
    assert_refused(&guest, -EINVAL, "", "");

    slot.irq = HYPERVISOR_DT_UART_IRQ;
    guest.uart = true;
    assert_refused(&guest, -EEXIST, "UART", "virtio-mmio slot 0");
    guest.uart = false;
    guest.devices.pcie = usual_pcie;
    slot.irq = 47;
    assert_refused(&guest, -EEXIST, "virtio-mmio slot 0", "PCI INTD");
    /* Four lines, and not five. */
    slot.irq = 43;
    g_free(g_steal_pointer(&first));
    first = generate(&guest, &size);
    slot.irq = 48;
    g_free(g_steal_pointer(&last));
    last = generate(&guest, &size);
    guest.devices.pcie.irq = UINT32_MAX;
    assert_refused(&guest, -EINVAL, "", "");
}

static void test_limit_options(void)
{
    g_autofree HypervisorDtWindow *exclusions =
        g_new0(HypervisorDtWindow, HYPERVISOR_DT_EXCLUSIONS_MAX + 1);
    HypervisorDtGuest guest;
    g_autofree void *blob = NULL;
    size_t size;

    for (unsigned i = 0; i <= HYPERVISOR_DT_EXCLUSIONS_MAX; i++) {
        exclusions[i].size = 1;
    }
    guest_with_ram(&guest, 512 * MIB);
    guest.regions.exclusions = exclusions;
    guest.regions.exclusions_number = HYPERVISOR_DT_EXCLUSIONS_MAX + 1;
    assert_refused(&guest, -E2BIG, "", "");
    guest.regions.exclusions_number--;
    blob = generate(&guest, &size);
    exclusions[7].size = 0;
    assert_refused(&guest, -EINVAL, "", "");
    guest.regions.exclusions_number = 0;
    guest.regions.maximum = 0;
    assert_refused(&guest, -EINVAL, "", "");
    guest.regions.maximum = HYPERVISOR_DT_REGIONS_MAX + 1;
    assert_refused(&guest, -EINVAL, "", "");
    guest.regions.maximum = 1;
    guest.address_bits = HYPERVISOR_DT_ADDRESS_BITS_MAX + 1;
    assert_refused(&guest, -EINVAL, "", "");
}

/* QEMU's devices on each thing of Xen's. */
static void test_clash_with_xen(void)
{
    static const struct {
        uint64_t base;
        HypervisorDtGic gic;
        bool uart;
        const char *first;
        const char *second;
    } cases[] = {
        { 0x02ffd000, 2, false, "TPM", "GIC distributor" },
        { 0x03003fff, 2, false, "GIC CPU interface", "TPM" },
        { 0x0401ffff, 3, false, "GIC redistributors", "TPM" },
        { 0x21ffc000, 2, true, "TPM", "UART" },
        { 0x37ffffff, 2, false, "TPM", "grant table" },
        { 0x39ffffff, 2, false, "magic pages", "TPM" },
        { 0x5fffffff, 2, false, "RAM bank 0", "TPM" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        HypervisorDtGuest guest;

        guest_with_ram(&guest, 512 * MIB);
        guest.gic = cases[i].gic;
        guest.uart = cases[i].uart;
        guest.devices.tpm_base = cases[i].base;
        assert_refused(&guest, -EEXIST, cases[i].first, cases[i].second);
    }
}

/* --- all layouts --- */

static void add_range(GArray *ranges, const char *name, uint64_t base,
                      uint64_t size)
{
    HypervisorDtRange range = { name, base, size, HYPERVISOR_DT_OWN };

    g_array_append_val(ranges, range);
}

/* Every "reg" below the root, and what the PCIe host maps. */
static GArray *claims(const void *blob)
{
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(HypervisorDtRange));
    int node;

    fdt_for_each_subnode(node, blob, 0) {
        const char *name = fdt_get_name(blob, node, NULL);
        g_autofree char *path = g_strdup_printf("/%s", name);

        if (has_property(blob, path, "reg")) {
            for (unsigned i = 0; i < cells_of(blob, path, "reg") / 4; i++) {
                add_range(ranges, name, u64_at(blob, path, "reg", 2 * i),
                          u64_at(blob, path, "reg", 2 * i + 1));
            }
        }
        if (has_property(blob, path, "ranges")) {
            for (unsigned i = 0; i < cells_of(blob, path, "ranges"); i += 7) {
                add_range(ranges, name,
                          (uint64_t)cell_at(blob, path, "ranges", i + 3) << 32
                          | cell_at(blob, path, "ranges", i + 4),
                          (uint64_t)cell_at(blob, path, "ranges", i + 5) << 32
                          | cell_at(blob, path, "ranges", i + 6));
            }
        }
    }
    return ranges;
}

/* Everything in the tree is disjoint, regions and RAM included. */
static void assert_disjoint(const void *blob)
{
    g_autoptr(GArray) ranges = claims(blob);

    g_assert_cmpuint(ranges->len, >=, 4);
    for (unsigned i = 0; i < ranges->len; i++) {
        HypervisorDtRange *a = &g_array_index(ranges, HypervisorDtRange, i);

        for (unsigned j = 0; j < i; j++) {
            HypervisorDtRange *b = &g_array_index(ranges, HypervisorDtRange,
                                                  j);

            if (a->base < b->base + b->size && b->base < a->base + a->size) {
                g_error("%s overlaps %s", a->name, b->name);
            }
        }
    }
}

static void assert_regions_good(const void *blob, const Layout *layout)
{
    unsigned number = cells_of(blob, "/hypervisor", "reg") / 4;
    uint64_t free_from = 0;

    g_assert_cmphex(u64_at(blob, "/hypervisor", "reg", 0), ==, 0x38000000);
    g_assert_cmphex(u64_at(blob, "/hypervisor", "reg", 1), ==, 16 * MIB);
    for (unsigned i = 1; i < number; i++) {
        uint64_t base = u64_at(blob, "/hypervisor", "reg", 2 * i);
        uint64_t size = u64_at(blob, "/hypervisor", "reg", 2 * i + 1);

        g_assert_cmphex(base % (2 * MIB), ==, 0);
        g_assert_cmphex(size % (2 * MIB), ==, 0);
        g_assert_cmphex(size, >=, 64 * MIB);
        g_assert_cmphex(base, >=, free_from);
        free_from = base + size;
    }
    g_assert_cmphex(free_from, <=, UINT64_C(1) << layout->address_bits);
}

static void assert_layout(const Layout *layout, const void *blob)
{
    unsigned slots = 0, cpus = 0;
    int node;

    assert_disjoint(blob);
    assert_regions_good(blob, layout);
    fdt_for_each_subnode(node, blob, 0) {
        slots += g_str_has_prefix(fdt_get_name(blob, node, NULL), "virtio@");
    }
    g_assert_cmpuint(slots, ==, layout->slots);
    fdt_for_each_subnode(node, blob, node_at(blob, "/cpus")) {
        cpus++;
    }
    g_assert_cmpuint(cpus, ==, layout->cpus);
}

static void test_layouts(void)
{
    unsigned made = 0, refused = 0;

    for (size_t i = 0; i < layouts_number(); i++) {
        Layout layout = layout_get(i);
        g_autofree char *name = layout_name(&layout);
        HypervisorDtSlot slots[LAYOUT_SLOTS_MAX];
        HypervisorDtGuest guest;
        g_autofree void *blob = NULL;
        HypervisorDtError error = { .code = 0 };
        int expected = layout_expected(&layout);
        size_t size;

        if (!layout_guest(&layout, &guest, slots)) {
            g_assert_cmpint(expected, ==, -ENOSPC);
            refused++;
            continue;
        }
        blob = hypervisor_dt_generate(&guest, &size, NULL, &error);
        if (error.code != expected) {
            g_error("%s: %d instead of %d", name, error.code, expected);
        }
        if (blob) {
            assert_layout(&layout, blob);
            made++;
        } else {
            refused++;
        }
    }
    g_assert_cmpuint(made, >, layouts_number() / 2);
    g_assert_cmpuint(refused, >, layouts_number() / 10);
}

/* As much of everything as there can be: larger than any first guess. */
static void test_largest(void)
{
    HypervisorDtWindow teeth[HYPERVISOR_DT_REGIONS_MAX];
    HypervisorDtSlot slots[HYPERVISOR_DT_SLOTS_MAX];
    uint8_t bytes[HYPERVISOR_DT_SEED_MAX] = { 0 };
    HypervisorDtGuest guest;
    g_autofree char *cmdline = g_strnfill(HYPERVISOR_DT_CMDLINE_SIZE - 1,
                                          'x');
    g_autofree void *blob = NULL;
    size_t size;

    for (unsigned i = 0; i < G_N_ELEMENTS(teeth); i++) {
        teeth[i] = (HypervisorDtWindow) { 0x200000000 + i * 66 * MIB, MIB };
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        slots[i] = (HypervisorDtSlot) { 0x2000000 + i * 512, 512, 100 + i };
    }
    guest_with_ram(&guest, 512 * MIB);
    guest.gic = HYPERVISOR_DT_GIC_V3;
    guest.cpus = HYPERVISOR_DT_CPUS_MAX;
    guest.uart = true;
    guest.devices = (HypervisorDtDevices) {
        slots, G_N_ELEMENTS(slots), usual_pcie, 0x0c000000
    };
    guest.regions.exclusions = teeth;
    guest.regions.exclusions_number = G_N_ELEMENTS(teeth);
    guest.chosen = (HypervisorDtChosen) {
        cmdline, { 0x40000000, MIB }, bytes, sizeof(bytes)
    };
    blob = generate(&guest, &size);
    g_assert_cmpuint(size, >, 24 * 1024);
    g_assert_cmpuint(cells_of(blob, "/hypervisor", "reg"), ==,
                     4 * (1 + HYPERVISOR_DT_REGIONS_MAX));
    assert_strings(blob, "/aliases", "virtio63", "/virtio@2007e00");
    assert_strings(blob, "/chosen", "bootargs", cmdline);
}

/* Twice the same bytes: nothing of the host's memory is in them. */
static void test_reproducible(void)
{
    HypervisorDtSlot slots[LAYOUT_SLOTS_MAX];
    HypervisorDtGuest guest;
    g_autofree void *first = NULL;
    g_autofree void *second = NULL;
    g_autofree char *dirt = NULL;
    size_t first_size, second_size;
    Layout layout = layout_get(27);

    layout.cpus = HYPERVISOR_DT_CPUS_MAX;
    layout.gic = HYPERVISOR_DT_GIC_V3;
    g_assert_true(layout_guest(&layout, &guest, slots));
    first = generate(&guest, &first_size);
    dirt = g_strnfill(256 * 1024, '\xa5');
    g_free(g_steal_pointer(&dirt));
    second = generate(&guest, &second_size);
    g_assert_cmpmem(first, first_size, second, second_size);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tree/plain", test_plain);
    g_test_add_func("/tree/hypervisor", test_hypervisor);
    g_test_add_func("/tree/regions/off", test_regions_off);
    g_test_add_func("/tree/regions/options", test_regions_options);
    g_test_add_func("/tree/grant-table", test_grant_table);
    g_test_add_func("/tree/gic", test_gic);
    g_test_add_func("/tree/cpus", test_cpus);
    g_test_add_func("/tree/chosen", test_chosen);
    g_test_add_func("/tree/uart-and-tpm", test_uart_and_tpm);
    g_test_add_func("/tree/slots", test_slots);
    g_test_add_func("/tree/pcie/node", test_pcie);
    g_test_add_func("/tree/pcie/space", test_pcie_space);
    g_test_add_func("/tree/pcie/interrupts", test_pcie_interrupts);
    g_test_add_func("/tree/pcie/refused", test_pcie_refused);
    g_test_add_func("/tree/limit/cpus", test_limit_cpus);
    g_test_add_func("/tree/limit/ram", test_limit_ram);
    g_test_add_func("/tree/limit/chosen", test_limit_chosen);
    g_test_add_func("/tree/limit/slots", test_limit_slots);
    g_test_add_func("/tree/limit/interrupts", test_limit_interrupts);
    g_test_add_func("/tree/limit/options", test_limit_options);
    g_test_add_func("/tree/clash-with-xen", test_clash_with_xen);
    g_test_add_func("/tree/layouts", test_layouts);
    g_test_add_func("/tree/largest", test_largest);
    g_test_add_func("/tree/reproducible", test_reproducible);
    return g_test_run();
}
