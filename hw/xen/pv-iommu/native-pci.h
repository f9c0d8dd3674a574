/*
 * PV IOMMU: the PCI devices of this domain
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_NATIVE_PCI_H
#define HW_XEN_PV_IOMMU_NATIVE_PCI_H

#include <glib.h>

/**
 * native_pci_devices: which PCI devices this kernel sees
 *
 * Returns: an array of uint32_t, segment << 16 | bus << 8 | devfn, to be given
 *          back with g_array_unref(); empty where there are none
 */
GArray *native_pci_devices(void);

#endif /* HW_XEN_PV_IOMMU_NATIVE_PCI_H */
