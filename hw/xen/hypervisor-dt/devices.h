/*
 * Hypervisor node: the devices that QEMU emulates
 *
 * Concepts
 * - One place knows what a device takes and what its node looks like; the
 *   generator and the fix-up both use it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_DEVICES_H
#define HW_XEN_HYPERVISOR_DT_DEVICES_H

#include "hw/xen/hypervisor-dt-tree.h"
#include "taken.h"
#include "writer.h"

/**
 * devices_take: check devices, and collect what they take
 * @devices: the devices
 * @taken: their windows are added, as HYPERVISOR_DT_OWN, and interrupts
 * @error: filled in on failure
 *
 * Returns: 0, or
 *   -E2BIG   too many slots
 *   -EINVAL  a slot is empty, an interrupt is no SPI, the ECAM window has not
 *            HYPERVISOR_DT_ECAM_SIZE, or a PCIe host has no memory window
 *   -EEXIST  two have the same interrupt; @error names both
 */
int devices_take(const HypervisorDtDevices *devices, Taken *taken,
                 HypervisorDtError *error);

/**
 * exclusions_take: check the operator's options, and collect the exclusions
 * @options: the options
 * @taken: the exclusions are added
 * @error: filled in on failure
 *
 * Returns: 0, or
 *   -E2BIG   too many exclusions
 *   -EINVAL  the maximum is out of its limits
 */
int exclusions_take(const HypervisorDtRegionOptions *options, Taken *taken,
                    HypervisorDtError *error);

/* Write the nodes; call it for devices that devices_take() has accepted. */
void devices_write(const HypervisorDtDevices *devices, TreeWriter *writer);

/* Write the properties of /aliases: virtio0 and so on, and pci0. */
void devices_write_aliases(const HypervisorDtDevices *devices,
                           TreeWriter *writer);

#endif /* HW_XEN_HYPERVISOR_DT_DEVICES_H */
