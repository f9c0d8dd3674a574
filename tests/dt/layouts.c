/*
 * Hypervisor node: the guests that tests make trees for
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>

#include "layouts.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/* All that Xen's two windows have room for. */
#define XEN_RAM_MAX (3 * GIB + 1016 * GIB)

#define PCI_IN_BANK_BASE UINT64_C(0xf000000000)
#define PCI_INTERRUPT 64

static const uint64_t ram_sizes[] = {
    128 * MIB, 512 * MIB, 2 * GIB, 3000 * MIB, 3008 * MIB, 3009 * MIB,
    3 * GIB, 4 * GIB, 16 * GIB, 64 * GIB, 512 * GIB, 958 * GIB, XEN_RAM_MAX,
    TIB,
};
static const unsigned address_bits[] = { 32, 33, 36, 40, 42, 44, 48 };
static const LayoutPci pci[] = {
    LAYOUT_PCI_NONE, LAYOUT_PCI_LOW, LAYOUT_PCI_IN_BANK
};
static const unsigned slots[] = { 0, 1, 10, LAYOUT_SLOTS_MAX };
static const unsigned cpus[] = { 1, 2, 4, 8 };

static const char *const pci_names[] = {
    [LAYOUT_PCI_NONE] = "no-pci",
    [LAYOUT_PCI_LOW] = "pci-low",
    [LAYOUT_PCI_IN_BANK] = "pci-in-bank",
};

static const uint8_t seed[32] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

size_t layouts_number(void)
{
    return G_N_ELEMENTS(ram_sizes) * G_N_ELEMENTS(address_bits) *
           G_N_ELEMENTS(pci) * G_N_ELEMENTS(slots);
}

/* The digit of @n in the mixed radix that the tables are; @n loses it. */
static size_t digit(size_t *n, size_t radix)
{
    size_t value = *n % radix;

    *n /= radix;
    return value;
}

Layout layout_get(size_t n)
{
    Layout layout = {
        .gic = n % 5 % 2 ? HYPERVISOR_DT_GIC_V3 : HYPERVISOR_DT_GIC_V2,
        .extras = n % 3 == 0,
    };

    layout.cpus = layout.gic == HYPERVISOR_DT_GIC_V3 && n % 7 == 0 ?
        HYPERVISOR_DT_CPUS_MAX : cpus[n % G_N_ELEMENTS(cpus)];
    layout.slots = slots[digit(&n, G_N_ELEMENTS(slots))];
    layout.pci = pci[digit(&n, G_N_ELEMENTS(pci))];
    layout.address_bits = address_bits[digit(&n, G_N_ELEMENTS(address_bits))];
    layout.ram = ram_sizes[n];
    layout.large_window = layout.ram > XEN_RAM_MAX &&
                          layout.address_bits > 40;
    return layout;
}

char *layout_name(const Layout *layout)
{
    return g_strdup_printf("%" PRIu64 "M-%ubit-%s-%uslots-gicv%d%s",
                           layout->ram / MIB, layout->address_bits,
                           pci_names[layout->pci], layout->slots, layout->gic,
                           layout->extras ? "-extras" : "");
}

int layout_expected(const Layout *layout)
{
    uint64_t space = UINT64_C(1) << layout->address_bits;
    uint64_t high = layout->ram > HYPERVISOR_DT_RAM0_SIZE ?
        layout->ram - HYPERVISOR_DT_RAM0_SIZE : 0;

    if (layout->ram > XEN_RAM_MAX && !layout->large_window) {
        return -ENOSPC;
    }
    if (layout->pci == LAYOUT_PCI_IN_BANK &&
        HYPERVISOR_DT_RAM1_BASE + high > PCI_IN_BANK_BASE) {
        return -EEXIST;
    }
    if (high && HYPERVISOR_DT_RAM1_BASE + high > space) {
        return -ERANGE;
    }
    if ((layout->pci == LAYOUT_PCI_IN_BANK && layout->address_bits < 40) ||
        (layout->pci == LAYOUT_PCI_LOW && layout->address_bits < 33)) {
        return -ERANGE;
    }
    return 0;
}

static void set_pci(LayoutPci where, HypervisorDtPcie *pcie)
{
    if (where == LAYOUT_PCI_LOW) {
        *pcie = (HypervisorDtPcie) {
            .ecam = { 0x10000000, HYPERVISOR_DT_ECAM_SIZE },
            .mmio = { 0x23000000, 256 * MIB - 16 * MIB },
            .mmio_high = { 4 * GIB, 4 * GIB },
        };
    } else if (where == LAYOUT_PCI_IN_BANK) {
        *pcie = (HypervisorDtPcie) {
            .ecam = { 0xf100000000, HYPERVISOR_DT_ECAM_SIZE },
            .mmio = { 0xf110000000, 32 * MIB },
            .mmio_high = { PCI_IN_BANK_BASE, 4 * GIB },
        };
    }
    pcie->irq = PCI_INTERRUPT;
}

static void set_extras(HypervisorDtGuest *guest)
{
    guest->uart = true;
    guest->clock_frequency = 62500000;
    guest->devices.tpm_base = 0x0c000000;
    guest->chosen.cmdline = "console=hvc0 root=/dev/vda";
    guest->chosen.initrd = (HypervisorDtWindow) {
        HYPERVISOR_DT_RAM0_BASE + 64 * MIB, 5 * MIB + 17
    };
    guest->chosen.seed = seed;
    guest->chosen.seed_size = sizeof(seed);
}

bool layout_guest(const Layout *layout, HypervisorDtGuest *guest,
                  HypervisorDtSlot slot[LAYOUT_SLOTS_MAX])
{
    HypervisorDtError error;

    hypervisor_dt_guest_init(guest);
    guest->address_bits = layout->address_bits;
    guest->gic = layout->gic;
    guest->cpus = layout->cpus;
    for (unsigned i = 0; i < layout->slots; i++) {
        slot[i] = (HypervisorDtSlot) {
            .base = HYPERVISOR_DT_VIRTIO_MMIO_BASE +
                    i * HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE,
            .size = HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE,
            .irq = HYPERVISOR_DT_VIRTIO_MMIO_IRQ + i,
        };
    }
    guest->devices.slots = slot;
    guest->devices.slots_number = layout->slots;
    set_pci(layout->pci, &guest->devices.pcie);
    if (layout->extras) {
        set_extras(guest);
    }
    if (layout->large_window) {
        guest->banks[1].size = 2 * TIB;
    }
    return !hypervisor_dt_guest_fill_banks(guest, layout->ram, &error);
}
