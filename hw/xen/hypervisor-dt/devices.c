/*
 * Hypervisor node: the devices that QEMU emulates
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>

#include "devices.h"

#define PCI_PINS 4          /* INTA..INTD */
#define PCI_MAP_SLOTS 4     /* the pattern repeats after four devices */
#define PCI_SLOT_SHIFT 11   /* of the device number within a PCI address */

/* Cells of a PCI address: space and device, then the address itself. */
#define PCI_ADDRESS_CELLS 3
#define PCI_SIZE_CELLS 2

/* What a window holds (IEEE Std 1275 PCI Bus Binding, phys.hi). */
#define PCI_SPACE_MEMORY_32 0x02000000
#define PCI_SPACE_MEMORY_64 0x03000000

#define PCI_BUS_LAST 255

/* --- what they take --- */

static int slots_take(const HypervisorDtDevices *devices, Taken *taken,
                      HypervisorDtError *error)
{
    if (devices->slots_number > HYPERVISOR_DT_SLOTS_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "%zu virtio-mmio slots, at most %d are allowed",
            devices->slots_number, HYPERVISOR_DT_SLOTS_MAX);
    }
    for (size_t i = 0; i < devices->slots_number; i++) {
        const HypervisorDtSlot *slot = &devices->slots[i];

        if (slot->size < HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE) {
            return hypervisor_dt_error_set(error, -EINVAL,
                "virtio-mmio slot %zu at 0x%" PRIx64 " has 0x%" PRIx64
                " bytes: it must have 0x%" PRIx64 " or more", i, slot->base,
                slot->size, HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE);
        }
        taken_add(taken, HYPERVISOR_DT_OWN, slot->base, slot->size,
                  "virtio-mmio slot %zu", i);
        if (taken_add_interrupt(taken, slot->irq, error,
                                "virtio-mmio slot %zu", i)) {
            return error->code;
        }
    }
    return 0;
}

static void window_take(const HypervisorDtWindow *window, const char *name,
                        Taken *taken)
{
    if (window->size) {
        taken_add(taken, HYPERVISOR_DT_OWN, window->base, window->size, "%s",
                  name);
    }
}

static int pcie_take(const HypervisorDtPcie *pcie, Taken *taken,
                     HypervisorDtError *error)
{
    if (!pcie->ecam.size) {
        return 0;
    }
    if (pcie->ecam.size != HYPERVISOR_DT_ECAM_SIZE) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "PCI ECAM window of 0x%" PRIx64 " bytes: it must have 0x%" PRIx64
            ", or 0 for no PCI", pcie->ecam.size, HYPERVISOR_DT_ECAM_SIZE);
    }
    if (!pcie->mmio.size && !pcie->mmio_high.size) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "PCI without a memory window: one of PCI MMIO and PCI MMIO high"
            " must have a size");
    }
    window_take(&pcie->ecam, "PCI ECAM", taken);
    window_take(&pcie->mmio, "PCI MMIO", taken);
    window_take(&pcie->mmio_high, "PCI MMIO high", taken);
    for (unsigned pin = 0; pin < PCI_PINS; pin++) {
        if (taken_add_interrupt(taken, pcie->irq + pin, error, "PCI INT%c",
                                'A' + pin)) {
            return error->code;
        }
    }
    return 0;
}

int devices_take(const HypervisorDtDevices *devices, Taken *taken,
                 HypervisorDtError *error)
{
    if (slots_take(devices, taken, error) ||
        pcie_take(&devices->pcie, taken, error)) {
        return error->code;
    }
    if (devices->tpm_base) {
        taken_add(taken, HYPERVISOR_DT_OWN, devices->tpm_base,
                  HYPERVISOR_DT_TPM_SIZE, "TPM");
    }
    return 0;
}

int exclusions_take(const HypervisorDtRegionOptions *options, Taken *taken,
                    HypervisorDtError *error)
{
    if (!options->maximum || options->maximum > HYPERVISOR_DT_REGIONS_MAX) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "%u extended regions at most: it must be from 1 to %d",
            options->maximum, HYPERVISOR_DT_REGIONS_MAX);
    }
    if (options->exclusions_number > HYPERVISOR_DT_EXCLUSIONS_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "%zu exclusions, at most %d are allowed",
            options->exclusions_number, HYPERVISOR_DT_EXCLUSIONS_MAX);
    }
    for (size_t i = 0; i < options->exclusions_number; i++) {
        taken_add(taken, HYPERVISOR_DT_EXCLUDED, options->exclusions[i].base,
                  options->exclusions[i].size, "exclusion %zu", i);
    }
    return 0;
}

/* --- their nodes --- */

static void write_slot(const HypervisorDtSlot *slot, TreeWriter *writer)
{
    tree_writer_begin(writer, "virtio@%" PRIx64, slot->base);
    tree_writer_string(writer, "compatible", "virtio,mmio");
    tree_writer_reg(writer, slot->base, slot->size);
    tree_writer_interrupt(writer, slot->irq, TREE_EDGE_RISING);
    tree_writer_flag(writer, "dma-coherent");
    tree_writer_end(writer);
}

/* One entry of "ranges": PCI address, guest-physical address, size. */
static size_t append_range(const HypervisorDtWindow *window, uint32_t *cells)
{
    uint64_t last = window->base + (window->size - 1);
    size_t n = 0;

    if (!window->size) {
        return 0;
    }
    cells[n++] = last > UINT32_MAX ? PCI_SPACE_MEMORY_64
                                   : PCI_SPACE_MEMORY_32;
    for (unsigned side = 0; side < 2; side++) {
        cells[n++] = window->base >> 32;
        cells[n++] = window->base;
    }
    cells[n++] = window->size >> 32;
    cells[n++] = window->size;
    return n;
}

static void write_ranges(const HypervisorDtPcie *pcie, TreeWriter *writer)
{
    uint32_t cells[2 * (PCI_ADDRESS_CELLS + HYPERVISOR_DT_ADDRESS_CELLS +
                        PCI_SIZE_CELLS)];
    size_t n = append_range(&pcie->mmio, cells);

    n += append_range(&pcie->mmio_high, cells + n);
    tree_writer_cells(writer, "ranges", cells, n);
}

/*
 * Which pin of which device ends up at which of the host's four lines: the
 * usual swizzle, as QEMU's PCIe host does it.
 */
static void write_interrupt_map(const HypervisorDtPcie *pcie,
                                TreeWriter *writer)
{
    static const uint32_t mask[] = {
        (PCI_MAP_SLOTS - 1) << PCI_SLOT_SHIFT, 0, 0, 0x7
    };
    uint32_t cells[PCI_MAP_SLOTS * PCI_PINS *
                   (PCI_ADDRESS_CELLS + 2 + TREE_INTERRUPT_CELLS)];
    size_t n = 0;

    for (unsigned slot = 0; slot < PCI_MAP_SLOTS; slot++) {
        for (unsigned pin = 0; pin < PCI_PINS; pin++) {
            cells[n++] = slot << PCI_SLOT_SHIFT;
            cells[n++] = 0;
            cells[n++] = 0;
            cells[n++] = pin + 1;
            cells[n++] = HYPERVISOR_DT_GIC_PHANDLE;
            tree_interrupt_cells(pcie->irq + (slot + pin) % PCI_PINS,
                                 TREE_LEVEL_HIGH, cells + n);
            n += TREE_INTERRUPT_CELLS;
        }
    }
    tree_writer_cells(writer, "interrupt-map-mask", mask,
                      G_N_ELEMENTS(mask));
    tree_writer_cells(writer, "interrupt-map", cells, n);
}

static void write_pcie(const HypervisorDtPcie *pcie, TreeWriter *writer)
{
    static const uint32_t buses[] = { 0, PCI_BUS_LAST };

    tree_writer_begin(writer, "pcie@%" PRIx64, pcie->ecam.base);
    tree_writer_string(writer, "compatible", "pci-host-ecam-generic");
    tree_writer_string(writer, "device_type", "pci");
    tree_writer_reg(writer, pcie->ecam.base, pcie->ecam.size);
    tree_writer_cells(writer, "bus-range", buses, G_N_ELEMENTS(buses));
    tree_writer_cell(writer, "#address-cells", PCI_ADDRESS_CELLS);
    tree_writer_cell(writer, "#size-cells", PCI_SIZE_CELLS);
    write_ranges(pcie, writer);
    tree_writer_cell(writer, "#interrupt-cells", 1);
    write_interrupt_map(pcie, writer);
    tree_writer_flag(writer, "dma-coherent");
    tree_writer_end(writer);
}

static void write_tpm(uint64_t base, TreeWriter *writer)
{
    tree_writer_begin(writer, "tpm@%" PRIx64, base);
    tree_writer_string(writer, "compatible", "tcg,tpm-tis-mmio");
    tree_writer_reg(writer, base, HYPERVISOR_DT_TPM_SIZE);
    tree_writer_end(writer);
}

void devices_write(const HypervisorDtDevices *devices, TreeWriter *writer)
{
    for (size_t i = 0; i < devices->slots_number; i++) {
        write_slot(&devices->slots[i], writer);
    }
    if (devices->pcie.ecam.size) {
        write_pcie(&devices->pcie, writer);
    }
    if (devices->tpm_base) {
        write_tpm(devices->tpm_base, writer);
    }
}

void devices_write_aliases(const HypervisorDtDevices *devices,
                           TreeWriter *writer)
{
    for (size_t i = 0; i < devices->slots_number; i++) {
        g_autofree char *name = g_strdup_printf("virtio%zu", i);
        g_autofree char *path = g_strdup_printf("/virtio@%" PRIx64,
                                                devices->slots[i].base);

        tree_writer_string(writer, name, path);
    }
    if (devices->pcie.ecam.size) {
        g_autofree char *path = g_strdup_printf("/pcie@%" PRIx64,
                                                devices->pcie.ecam.base);

        tree_writer_string(writer, "pci0", path);
    }
}
