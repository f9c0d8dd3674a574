/*
 * Hypervisor node: the device tree of an Arm guest of Xen
 *
 * Concepts
 * - A description in plain C goes in, a flattened device tree comes out.  The
 *   tree is complete: a kernel boots with it and nothing else.
 * - What Xen emulates (GIC, timer, PSCI, grant table, magic pages) is where
 *   hypervisor-dt-layout.h says; only what can differ is described.
 * - Every window becomes a node (or part of one) and a range that is taken, in
 *   one step, so the two cannot disagree.
 * - A window of size 0, or a base of 0 for the TPM, is one that is not there.
 * - Interrupts are GIC interrupt ids (33 is SPI 1).
 *
 * GLib and libfdt; no state, no I/O.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_TREE_H
#define HW_XEN_HYPERVISOR_DT_TREE_H

#include "hw/xen/hypervisor-dt-layout.h"
#include "hw/xen/hypervisor-dt-regions.h"

/* The largest tree that Linux takes (MAX_FDT_SIZE, asm/boot.h of arm64). */
#define HYPERVISOR_DT_BLOB_MAX (UINT32_C(2) << 20)

/* Slots of virtio-mmio; Xen's window has room for more, its SPIs have not. */
#define HYPERVISOR_DT_SLOTS_MAX 64

/* The operator's exclusions. */
#define HYPERVISOR_DT_EXCLUSIONS_MAX 1024

/* The only ECAM size that QEMU's machine takes: 256 buses. */
#define HYPERVISOR_DT_ECAM_SIZE (UINT64_C(256) << 20)

/* Five localities of a page (TPM Profile for PC clients, TIS 1.3). */
#define HYPERVISOR_DT_TPM_SIZE UINT64_C(0x5000)

/* The length of a kernel command line, NUL included (arm64 Linux: 2048). */
#define HYPERVISOR_DT_CMDLINE_SIZE 2048

/* Bytes of a seed for the guest's random numbers, at most. */
#define HYPERVISOR_DT_SEED_MAX 256

typedef struct HypervisorDtWindow {
    uint64_t base;          /* in bytes */
    uint64_t size;          /* in bytes; 0: there is none */
} HypervisorDtWindow;

typedef struct HypervisorDtSlot {
    uint64_t base;          /* of the slot's registers, in bytes */
    uint64_t size;          /* HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE or more */
    unsigned irq;           /* GIC interrupt id, an SPI */
} HypervisorDtSlot;

/*
 * A PCIe host with an ECAM window.  PCI addresses equal guest-physical ones.
 * A memory window that ends below 4 GiB is one for 32-bit BARs, any other one
 * for 64-bit BARs; neither is declared prefetchable, so both kinds fit.
 */
typedef struct HypervisorDtPcie {
    HypervisorDtWindow ecam;        /* size 0: there is no PCIe host */
    HypervisorDtWindow mmio;        /* QEMU's pci-mmio */
    HypervisorDtWindow mmio_high;   /* QEMU's pci-mmio-high */
    unsigned irq;                   /* of INTA; INTB..INTD are the next three */
} HypervisorDtPcie;

/* What QEMU itself emulates; the arrays are the caller's. */
typedef struct HypervisorDtDevices {
    const HypervisorDtSlot *slots;  /* virtio-mmio */
    size_t slots_number;
    HypervisorDtPcie pcie;
    uint64_t tpm_base;              /* in bytes; 0: there is no TPM */
} HypervisorDtDevices;

/* The operator's say on extended regions. */
typedef struct HypervisorDtRegionOptions {
    bool off;                       /* region 0 only */
    unsigned maximum;               /* 1 .. HYPERVISOR_DT_REGIONS_MAX */
    const HypervisorDtWindow *exclusions;   /* kept free; the caller's */
    size_t exclusions_number;
} HypervisorDtRegionOptions;

typedef enum HypervisorDtGic {
    HYPERVISOR_DT_GIC_V2 = 2,
    HYPERVISOR_DT_GIC_V3 = 3,
} HypervisorDtGic;

/* /chosen; all is the caller's. */
typedef struct HypervisorDtChosen {
    const char *cmdline;            /* NULL: no bootargs */
    HypervisorDtWindow initrd;      /* size 0: there is none */
    const uint8_t *seed;            /* random bytes for rng-seed */
    size_t seed_size;               /* 0: no rng-seed */
} HypervisorDtChosen;

typedef struct HypervisorDtGuest {
    unsigned xen_major;             /* as in "xen,xen-4.17" */
    unsigned xen_minor;
    unsigned cpus;                  /* 1 .. HYPERVISOR_DT_CPUS_MAX */
    unsigned address_bits;          /* of guest-physical addresses */
    HypervisorDtGic gic;
    HypervisorDtBank banks[HYPERVISOR_DT_RAM_BANKS];    /* see _fill_banks */
    HypervisorDtWindow grant_table; /* region 0 */
    uint32_t clock_frequency;       /* in Hz; 0: what the CPU says */
    bool uart;                      /* Xen's SBSA UART (vuart) */
    HypervisorDtChosen chosen;
    HypervisorDtDevices devices;
    HypervisorDtRegionOptions regions;
} HypervisorDtGuest;

/**
 * hypervisor_dt_guest_init: the guest that libxl makes by default
 * @guest: filled in: one CPU, 40 address bits, GICv2, Xen's two RAM windows
 *         (no RAM), its grant table, all regions that fit, no device
 *
 * The version is that of Xen 4.17, which is what a tree that is made without a
 * Xen has to claim something of; set it where there is a Xen.
 */
void hypervisor_dt_guest_init(HypervisorDtGuest *guest);

/**
 * hypervisor_dt_guest_fill_banks: give RAM to a guest
 * @guest: its banks' windows are used
 * @ram: in bytes
 * @error: filled in on failure
 *
 * The first bank is filled, then the second: libxl's rule, and that of QEMU's
 * machine.
 *
 * Returns: 0, or -ENOSPC if the windows are too small; then @guest is as it
 * was
 */
int hypervisor_dt_guest_fill_banks(HypervisorDtGuest *guest, uint64_t ram,
                                   HypervisorDtError *error);

/**
 * hypervisor_dt_generate: make the tree
 * @guest: the guest
 * @size: set to the size of the tree, in bytes
 * @regions: filled in with the extended regions that are in it, or NULL
 * @error: filled in on failure
 *
 * Returns: the tree, to be freed with g_free(), of at most
 * HYPERVISOR_DT_BLOB_MAX bytes; the same bytes for the same description.
 * NULL on failure, with one of these as @error->code:
 *   -EINVAL  something is out of its limits, or missing
 *   -ERANGE  a window ends beyond the address space, or beyond 2^64
 *   -EEXIST  two windows overlap, or two devices have the same interrupt;
 *            @error names both
 *   -E2BIG   too many of something, or a tree that is too large
 * On failure @size and @regions are as they were.
 */
void *hypervisor_dt_generate(const HypervisorDtGuest *guest, size_t *size,
                             HypervisorDtRegions *regions,
                             HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_TREE_H */
