/*
 * Hypervisor node: the device tree of an Arm guest of Xen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include "devices.h"
#include "hypervisor-node.h"

/* The first try; a tree that does not fit is written anew, in twice as much. */
#define FIRST_BUFFER_SIZE 16384

/* A CPU's number within its group, in affinity level 0, has four bits. */
#define AFFINITY0_BITS 4
#define AFFINITY1_SHIFT 8

/* Of the GICv2 architecture. */
#define GICV2_CPUS_MAX 8

/* --- what must hold --- */

static int check_cpus(const HypervisorDtGuest *guest,
                      HypervisorDtError *error)
{
    unsigned limit = guest->gic == HYPERVISOR_DT_GIC_V2 ?
        GICV2_CPUS_MAX : HYPERVISOR_DT_CPUS_MAX;

    if (guest->gic != HYPERVISOR_DT_GIC_V2 &&
        guest->gic != HYPERVISOR_DT_GIC_V3) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "GIC version %d: it must be %d or %d", guest->gic,
            HYPERVISOR_DT_GIC_V2, HYPERVISOR_DT_GIC_V3);
    }
    if (!guest->cpus || guest->cpus > limit) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "%u CPUs: with GICv%d it must be from 1 to %u", guest->cpus,
            guest->gic, limit);
    }
    return 0;
}

static bool inside_ram(const HypervisorDtGuest *guest,
                       const HypervisorDtWindow *window)
{
    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        const HypervisorDtBank *bank = &guest->banks[i];

        if (window->base >= bank->base &&
            window->base - bank->base <= bank->ram &&
            window->size <= bank->ram - (window->base - bank->base)) {
            return true;
        }
    }
    return false;
}

static int check_chosen(const HypervisorDtGuest *guest,
                        HypervisorDtError *error)
{
    const HypervisorDtChosen *chosen = &guest->chosen;

    if (chosen->cmdline &&
        strlen(chosen->cmdline) >= HYPERVISOR_DT_CMDLINE_SIZE) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "kernel command line of %zu characters, at most %d are allowed",
            strlen(chosen->cmdline), HYPERVISOR_DT_CMDLINE_SIZE - 1);
    }
    if (chosen->seed_size > HYPERVISOR_DT_SEED_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "random seed of %zu bytes, at most %d are allowed",
            chosen->seed_size, HYPERVISOR_DT_SEED_MAX);
    }
    if (chosen->initrd.size && !inside_ram(guest, &chosen->initrd)) {
        return hypervisor_dt_error_set(error, -ERANGE,
            "initrd at 0x%" PRIx64 " with size 0x%" PRIx64 " is not inside"
            " the guest's RAM", chosen->initrd.base, chosen->initrd.size);
    }
    return 0;
}

static int check_guest(const HypervisorDtGuest *guest,
                       HypervisorDtError *error)
{
    uint64_t ram = 0;

    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        ram |= guest->banks[i].ram;
    }
    if (!ram) {
        return hypervisor_dt_error_set(error, -EINVAL,
                                       "the guest has no RAM");
    }
    if (check_cpus(guest, error) || check_chosen(guest, error)) {
        return error->code;
    }
    return 0;
}

/* --- what Xen itself takes --- */

static void gic_take(HypervisorDtGic gic, Taken *taken)
{
    bool v3 = gic == HYPERVISOR_DT_GIC_V3;

    taken_add(taken, HYPERVISOR_DT_OWN,
              v3 ? HYPERVISOR_DT_GICV3_DISTRIBUTOR_BASE
                 : HYPERVISOR_DT_GICV2_DISTRIBUTOR_BASE,
              v3 ? HYPERVISOR_DT_GICV3_DISTRIBUTOR_SIZE
                 : HYPERVISOR_DT_GICV2_DISTRIBUTOR_SIZE,
              "GIC distributor");
    taken_add(taken, HYPERVISOR_DT_OWN,
              v3 ? HYPERVISOR_DT_GICV3_REDISTRIBUTOR_BASE
                 : HYPERVISOR_DT_GICV2_CPU_BASE,
              v3 ? HYPERVISOR_DT_GICV3_REDISTRIBUTOR_SIZE
                 : HYPERVISOR_DT_GICV2_CPU_SIZE,
              v3 ? "GIC redistributors" : "GIC CPU interface");
}

static int xen_take(const HypervisorDtGuest *guest, Taken *taken,
                    HypervisorDtError *error)
{
    gic_take(guest->gic, taken);
    taken_add(taken, HYPERVISOR_DT_OWN, HYPERVISOR_DT_MAGIC_BASE,
              HYPERVISOR_DT_MAGIC_SIZE, "magic pages");
    if (guest->grant_table.size) {
        taken_add(taken, HYPERVISOR_DT_OWN, guest->grant_table.base,
                  guest->grant_table.size, "grant table");
    }
    if (!guest->uart) {
        return 0;
    }
    taken_add(taken, HYPERVISOR_DT_OWN, HYPERVISOR_DT_UART_BASE,
              HYPERVISOR_DT_UART_SIZE, "UART");
    return taken_add_interrupt(taken, HYPERVISOR_DT_UART_IRQ, error, "UART");
}

static int find_regions(const HypervisorDtGuest *guest,
                        HypervisorDtRegions *regions,
                        HypervisorDtError *error)
{
    g_autoptr(Taken) taken = taken_new();
    HypervisorDtSpace space;

    if (xen_take(guest, taken, error) ||
        devices_take(&guest->devices, taken, error) ||
        exclusions_take(&guest->regions, taken, error)) {
        return error->code;
    }
    space = (HypervisorDtSpace) {
        .banks = guest->banks,
        .banks_number = HYPERVISOR_DT_RAM_BANKS,
        .taken = (const HypervisorDtRange *)taken->ranges->data,
        .taken_number = taken->ranges->len,
        .address_bits = guest->address_bits,
        /* Without regions, clashes are errors all the same. */
        .maximum = guest->regions.off ? 0 : guest->regions.maximum,
    };
    return hypervisor_dt_regions_compute(&space, regions, error);
}

/* --- the nodes --- */

static void write_root_properties(const HypervisorDtGuest *guest,
                                  TreeWriter *writer)
{
    g_autofree char *model = g_strdup_printf("XENVM-%u.%u", guest->xen_major,
                                             guest->xen_minor);
    g_autofree char *machine = g_strdup_printf("xen,xenvm-%u.%u",
                                               guest->xen_major,
                                               guest->xen_minor);

    tree_writer_string(writer, "model", model);
    tree_writer_strings(writer, "compatible", machine, "xen,xenvm", NULL);
    tree_writer_cell(writer, "interrupt-parent", HYPERVISOR_DT_GIC_PHANDLE);
    tree_writer_cell(writer, "#address-cells", HYPERVISOR_DT_ADDRESS_CELLS);
    tree_writer_cell(writer, "#size-cells", HYPERVISOR_DT_SIZE_CELLS);
}

static void write_chosen(const HypervisorDtChosen *chosen, TreeWriter *writer)
{
    tree_writer_begin(writer, "chosen");
    if (chosen->cmdline) {
        tree_writer_string(writer, "bootargs", chosen->cmdline);
    }
    if (chosen->initrd.size) {
        uint64_t end = chosen->initrd.base + chosen->initrd.size;

        tree_writer_u64s(writer, "linux,initrd-start", &chosen->initrd.base,
                         1);
        tree_writer_u64s(writer, "linux,initrd-end", &end, 1);
    }
    if (chosen->seed_size) {
        tree_writer_bytes(writer, "rng-seed", chosen->seed,
                          chosen->seed_size);
    }
    tree_writer_end(writer);
}

static void write_aliases(const HypervisorDtGuest *guest, TreeWriter *writer)
{
    tree_writer_begin(writer, "aliases");
    if (guest->uart) {
        g_autofree char *path = g_strdup_printf("/serial@%" PRIx64,
                                                HYPERVISOR_DT_UART_BASE);

        tree_writer_string(writer, "serial0", path);
    }
    devices_write_aliases(&guest->devices, writer);
    tree_writer_end(writer);
}

/* What MPIDR_EL1 of a vCPU says; Xen groups them by 16. */
static uint32_t cpu_affinity(unsigned cpu)
{
    unsigned group = cpu >> AFFINITY0_BITS;

    return group << AFFINITY1_SHIFT | (cpu & ((1u << AFFINITY0_BITS) - 1));
}

static void write_cpus(unsigned cpus, TreeWriter *writer)
{
    tree_writer_begin(writer, "cpus");
    tree_writer_cell(writer, "#address-cells", 1);
    tree_writer_cell(writer, "#size-cells", 0);
    for (unsigned i = 0; i < cpus; i++) {
        tree_writer_begin(writer, "cpu@%x", cpu_affinity(i));
        tree_writer_string(writer, "device_type", "cpu");
        tree_writer_string(writer, "compatible", "arm,armv8");
        tree_writer_string(writer, "enable-method", "psci");
        tree_writer_cell(writer, "reg", cpu_affinity(i));
        tree_writer_end(writer);
    }
    tree_writer_end(writer);
}

static void write_psci(TreeWriter *writer)
{
    tree_writer_begin(writer, "psci");
    tree_writer_strings(writer, "compatible", "arm,psci-1.0", "arm,psci-0.2",
                        "arm,psci", NULL);
    tree_writer_string(writer, "method", "hvc");
    tree_writer_cell(writer, "cpu_off", HYPERVISOR_DT_PSCI_CPU_OFF);
    tree_writer_cell(writer, "cpu_on", HYPERVISOR_DT_PSCI_CPU_ON);
    tree_writer_end(writer);
}

static void write_memory(const HypervisorDtBank *bank, TreeWriter *writer)
{
    if (bank->ram) {
        tree_writer_begin(writer, "memory@%" PRIx64, bank->base);
        tree_writer_string(writer, "device_type", "memory");
        tree_writer_reg(writer, bank->base, bank->ram);
        tree_writer_end(writer);
    }
}

static void write_gic(HypervisorDtGic gic, TreeWriter *writer)
{
    static const uint64_t v2[] = {
        HYPERVISOR_DT_GICV2_DISTRIBUTOR_BASE,
        HYPERVISOR_DT_GICV2_DISTRIBUTOR_SIZE,
        HYPERVISOR_DT_GICV2_CPU_BASE,
        HYPERVISOR_DT_GICV2_CPU_SIZE,
    };
    static const uint64_t v3[] = {
        HYPERVISOR_DT_GICV3_DISTRIBUTOR_BASE,
        HYPERVISOR_DT_GICV3_DISTRIBUTOR_SIZE,
        HYPERVISOR_DT_GICV3_REDISTRIBUTOR_BASE,
        HYPERVISOR_DT_GICV3_REDISTRIBUTOR_SIZE,
    };
    bool is_v3 = gic == HYPERVISOR_DT_GIC_V3;

    tree_writer_begin(writer, "interrupt-controller@%" PRIx64,
                      is_v3 ? v3[0] : v2[0]);
    if (is_v3) {
        tree_writer_string(writer, "compatible", "arm,gic-v3");
    } else {
        tree_writer_strings(writer, "compatible", "arm,cortex-a15-gic",
                            "arm,cortex-a9-gic", NULL);
    }
    tree_writer_cell(writer, "#interrupt-cells", TREE_INTERRUPT_CELLS);
    tree_writer_cell(writer, "#address-cells", 0);
    tree_writer_flag(writer, "interrupt-controller");
    tree_writer_u64s(writer, "reg", is_v3 ? v3 : v2, G_N_ELEMENTS(v2));
    tree_writer_cell(writer, "phandle", HYPERVISOR_DT_GIC_PHANDLE);
    tree_writer_end(writer);
}

static void write_timer(uint32_t frequency, TreeWriter *writer)
{
    static const unsigned irqs[] = {
        HYPERVISOR_DT_TIMER_SECURE_IRQ,
        HYPERVISOR_DT_TIMER_PHYSICAL_IRQ,
        HYPERVISOR_DT_TIMER_VIRTUAL_IRQ,
    };
    uint32_t cells[G_N_ELEMENTS(irqs) * TREE_INTERRUPT_CELLS];

    for (unsigned i = 0; i < G_N_ELEMENTS(irqs); i++) {
        tree_interrupt_cells(irqs[i], TREE_LEVEL_LOW,
                             cells + i * TREE_INTERRUPT_CELLS);
    }
    tree_writer_begin(writer, "timer");
    tree_writer_string(writer, "compatible", "arm,armv8-timer");
    tree_writer_cells(writer, "interrupts", cells, G_N_ELEMENTS(cells));
    tree_writer_cell(writer, "interrupt-parent", HYPERVISOR_DT_GIC_PHANDLE);
    if (frequency) {
        tree_writer_cell(writer, "clock-frequency", frequency);
    }
    tree_writer_end(writer);
}

/* The name has no unit address: Linux looks for just "hypervisor". */
static void write_hypervisor(const HypervisorDtGuest *guest,
                             const HypervisorDtRegions *regions,
                             TreeWriter *writer)
{
    g_autofree char *version = g_strdup_printf("xen,xen-%u.%u",
                                               guest->xen_major,
                                               guest->xen_minor);
    g_autofree uint64_t *reg = hypervisor_node_reg(guest->grant_table.base,
                                                   guest->grant_table.size,
                                                   regions);

    tree_writer_begin(writer, "hypervisor");
    /* The version first: Linux reads only the beginning. */
    tree_writer_strings(writer, "compatible", version, "xen,xen", NULL);
    tree_writer_u64s(writer, "reg", reg,
                     hypervisor_node_reg_words(regions));
    tree_writer_interrupt(writer, HYPERVISOR_DT_EVENT_CHANNEL_IRQ,
                          TREE_LEVEL_LOW);
    tree_writer_end(writer);
}

static void write_uart(TreeWriter *writer)
{
    tree_writer_begin(writer, "serial@%" PRIx64, HYPERVISOR_DT_UART_BASE);
    tree_writer_string(writer, "compatible", "arm,sbsa-uart");
    tree_writer_reg(writer, HYPERVISOR_DT_UART_BASE, HYPERVISOR_DT_UART_SIZE);
    tree_writer_interrupt(writer, HYPERVISOR_DT_UART_IRQ, TREE_LEVEL_HIGH);
    tree_writer_cell(writer, "current-speed", 115200);
    tree_writer_end(writer);
}

static void write_tree(const HypervisorDtGuest *guest,
                       const HypervisorDtRegions *regions, TreeWriter *writer)
{
    tree_writer_begin(writer, "%s", "");
    write_root_properties(guest, writer);
    write_chosen(&guest->chosen, writer);
    write_aliases(guest, writer);
    write_cpus(guest->cpus, writer);
    write_psci(writer);
    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        write_memory(&guest->banks[i], writer);
    }
    write_gic(guest->gic, writer);
    write_timer(guest->clock_frequency, writer);
    write_hypervisor(guest, regions, writer);
    if (guest->uart) {
        write_uart(writer);
    }
    devices_write(&guest->devices, writer);
    tree_writer_end(writer);
}

/* --- all of it --- */

static void *write_blob(const HypervisorDtGuest *guest,
                        const HypervisorDtRegions *regions,
                        HypervisorDtError *error)
{
    size_t size = FIRST_BUFFER_SIZE;

    while (size <= HYPERVISOR_DT_BLOB_MAX) {
        g_autofree void *blob = g_malloc0(size);
        TreeWriter writer;
        int status;

        tree_writer_init(&writer, blob, size);
        write_tree(guest, regions, &writer);
        status = tree_writer_finish(&writer);
        if (!status) {
            return g_steal_pointer(&blob);
        }
        if (status != -FDT_ERR_NOSPACE) {
            hypervisor_dt_error_set(error, -EINVAL,
                "the device tree cannot be written: %s",
                fdt_strerror(status));
            return NULL;
        }
        size *= 2;
    }
    hypervisor_dt_error_set(error, -E2BIG,
        "the device tree is larger than %" PRIu32 " bytes",
        HYPERVISOR_DT_BLOB_MAX);
    return NULL;
}

void *hypervisor_dt_generate(const HypervisorDtGuest *guest, size_t *size,
                             HypervisorDtRegions *regions,
                             HypervisorDtError *error)
{
    g_autofree HypervisorDtRegions *found = g_new(HypervisorDtRegions, 1);
    void *blob;

    if (check_guest(guest, error) || find_regions(guest, found, error)) {
        return NULL;
    }
    blob = write_blob(guest, found, error);
    if (!blob) {
        return NULL;
    }
    *size = fdt_totalsize(blob);
    if (regions) {
        *regions = *found;
    }
    return blob;
}
