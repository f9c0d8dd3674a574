/*
 * Hypervisor node: the guests that tests make trees for
 *
 * Every combination of a size of RAM, a size of the address space, a place for
 * the PCI windows and a number of virtio-mmio slots; the GIC and the rest
 * alternate.  Not every combination is possible: what must be refused, and
 * how, follows from the combination.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_DT_LAYOUTS_H
#define TESTS_DT_LAYOUTS_H

#include "hw/xen/hypervisor-dt-tree.h"

#define LAYOUT_SLOTS_MAX 16

typedef enum LayoutPci {
    LAYOUT_PCI_NONE,
    LAYOUT_PCI_LOW,         /* below RAM, and between the RAM windows */
    LAYOUT_PCI_IN_BANK,     /* the usual one: high in RAM bank 1's window */
} LayoutPci;

typedef struct Layout {
    uint64_t ram;           /* in bytes */
    unsigned address_bits;
    LayoutPci pci;
    unsigned slots;
    HypervisorDtGic gic;
    unsigned cpus;
    bool extras;            /* UART, TPM, initrd, seed, command line */
    bool large_window;      /* RAM bank 1's window is larger than Xen's */
} Layout;

/* How many layouts there are, and the n-th of them. */
size_t layouts_number(void);
Layout layout_get(size_t n);

/* A name for messages and files; to be freed with g_free(). */
char *layout_name(const Layout *layout);

/* What making its tree must return: 0, or -errno. */
int layout_expected(const Layout *layout);

/**
 * layout_guest: describe the guest
 * @layout: the layout
 * @guest: filled in
 * @slots: filled in, and used by @guest
 *
 * Returns: false if the RAM does not even fit into the windows
 */
bool layout_guest(const Layout *layout, HypervisorDtGuest *guest,
                  HypervisorDtSlot slots[LAYOUT_SLOTS_MAX]);

#endif /* TESTS_DT_LAYOUTS_H */
