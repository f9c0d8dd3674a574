/*
 * Hypervisor node: the memory map that Xen gives to an Arm guest
 *
 * Concepts
 * - Xen and its toolstack place what a guest sees at fixed addresses.  They
 *   are part of the interface between the two, not of the guest's: a guest
 *   reads its device tree.
 * - A RAM bank is a window of addresses; RAM fills it from its base.  What RAM
 *   leaves of the window is where extended regions come from.
 * - Interrupts are given as GIC interrupt ids: 16..31 are a CPU's own (PPI),
 *   32.. are shared (SPI).
 *
 * Sources: xen/include/public/arch-arm.h and device_tree_defs.h of Xen 4.17
 * (the names on the right); the values are the same in 4.20 and in 4.23's
 * development branch.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_LAYOUT_H
#define HW_XEN_HYPERVISOR_DT_LAYOUT_H

#include <stdint.h>

/* GUEST_VIRTIO_MMIO_BASE, GUEST_VIRTIO_MMIO_SIZE */
#define HYPERVISOR_DT_VIRTIO_MMIO_BASE UINT64_C(0x02000000)
#define HYPERVISOR_DT_VIRTIO_MMIO_SIZE UINT64_C(0x00100000)

/*
 * One slot, as large as QEMU's device: VIRTIO_MMIO_DEV_SIZE of
 * tools/libs/light/libxl_arm.c
 */
#define HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE UINT64_C(0x200)

/* GUEST_GICD_BASE, GUEST_GICD_SIZE, GUEST_GICC_BASE, GUEST_GICC_SIZE */
#define HYPERVISOR_DT_GICV2_DISTRIBUTOR_BASE UINT64_C(0x03001000)
#define HYPERVISOR_DT_GICV2_DISTRIBUTOR_SIZE UINT64_C(0x00001000)
#define HYPERVISOR_DT_GICV2_CPU_BASE UINT64_C(0x03002000)
#define HYPERVISOR_DT_GICV2_CPU_SIZE UINT64_C(0x00002000)

/* GUEST_GICV3_GICD_BASE and _SIZE, GUEST_GICV3_GICR0_BASE and _SIZE */
#define HYPERVISOR_DT_GICV3_DISTRIBUTOR_BASE UINT64_C(0x03001000)
#define HYPERVISOR_DT_GICV3_DISTRIBUTOR_SIZE UINT64_C(0x00010000)
#define HYPERVISOR_DT_GICV3_REDISTRIBUTOR_BASE UINT64_C(0x03020000)
#define HYPERVISOR_DT_GICV3_REDISTRIBUTOR_SIZE UINT64_C(0x01000000)

/* GUEST_PL011_BASE, GUEST_PL011_SIZE, GUEST_VPL011_SPI */
#define HYPERVISOR_DT_UART_BASE UINT64_C(0x22000000)
#define HYPERVISOR_DT_UART_SIZE UINT64_C(0x00001000)
#define HYPERVISOR_DT_UART_IRQ 32

/* GUEST_GNTTAB_BASE, GUEST_GNTTAB_SIZE: region 0 */
#define HYPERVISOR_DT_GRANT_TABLE_BASE UINT64_C(0x38000000)
#define HYPERVISOR_DT_GRANT_TABLE_SIZE UINT64_C(0x01000000)

/* GUEST_MAGIC_BASE, GUEST_MAGIC_SIZE: xenstore's and the console's pages */
#define HYPERVISOR_DT_MAGIC_BASE UINT64_C(0x39000000)
#define HYPERVISOR_DT_MAGIC_SIZE UINT64_C(0x01000000)

/* GUEST_RAM_BANKS, GUEST_RAM0_BASE and _SIZE, GUEST_RAM1_BASE and _SIZE */
#define HYPERVISOR_DT_RAM_BANKS 2
#define HYPERVISOR_DT_RAM0_BASE UINT64_C(0x40000000)
#define HYPERVISOR_DT_RAM0_SIZE UINT64_C(0xc0000000)
#define HYPERVISOR_DT_RAM1_BASE UINT64_C(0x0200000000)
#define HYPERVISOR_DT_RAM1_SIZE UINT64_C(0xfe00000000)

/* GUEST_MAX_VCPUS */
#define HYPERVISOR_DT_CPUS_MAX 128

/* GUEST_TIMER_PHYS_S_PPI, _PHYS_NS_PPI, _VIRT_PPI, GUEST_EVTCHN_PPI */
#define HYPERVISOR_DT_TIMER_SECURE_IRQ 29
#define HYPERVISOR_DT_TIMER_PHYSICAL_IRQ 30
#define HYPERVISOR_DT_TIMER_VIRTUAL_IRQ 27
#define HYPERVISOR_DT_EVENT_CHANNEL_IRQ 31

/* GUEST_VIRTIO_MMIO_SPI_FIRST */
#define HYPERVISOR_DT_VIRTIO_MMIO_IRQ 33

/* PSCI_cpu_off, PSCI_cpu_on: the function ids of PSCI 0.1 */
#define HYPERVISOR_DT_PSCI_CPU_OFF 1
#define HYPERVISOR_DT_PSCI_CPU_ON 2

/* GUEST_PHANDLE_GIC, GUEST_ROOT_ADDRESS_CELLS, GUEST_ROOT_SIZE_CELLS */
#define HYPERVISOR_DT_GIC_PHANDLE 65000
#define HYPERVISOR_DT_ADDRESS_CELLS 2
#define HYPERVISOR_DT_SIZE_CELLS 2

/*
 * A CPU's own interrupts begin at 16, shared ones at 32 (GIC architecture).
 * One past the last: what domain_vgic_init() allows (xen/arch/arm/vgic.c:134).
 */
#define HYPERVISOR_DT_PPI_FIRST 16
#define HYPERVISOR_DT_SPI_FIRST 32
#define HYPERVISOR_DT_SPI_END 1020

#endif /* HW_XEN_HYPERVISOR_DT_LAYOUT_H */
