/*
 * PV IOMMU: the PCI devices of this domain, from sysfs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "native-pci.h"

#define DEVICES_FOLDER "/sys/bus/pci/devices"

GArray *native_pci_devices(void)
{
    GArray *devices = g_array_new(false, false, sizeof(uint32_t));
    g_autoptr(GDir) folder = g_dir_open(DEVICES_FOLDER, 0, NULL);
    unsigned segment, bus, device, function;
    const char *name;
    uint32_t sbdf;

    while (folder && (name = g_dir_read_name(folder))) {
        /* Linux has segments of its own beyond 16 bits, which Xen ignores. */
        if (sscanf(name, "%x:%x:%x.%x", &segment, &bus, &device,
                   &function) == 4 &&
            segment <= 0xffff && bus <= 0xff && device <= 0x1f &&
            function <= 7) {
            sbdf = segment << 16 | bus << 8 | device << 3 | function;
            g_array_append_val(devices, sbdf);
        }
    }
    return devices;
}
