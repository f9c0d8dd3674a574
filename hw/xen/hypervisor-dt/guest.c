/*
 * Hypervisor node: the description of a guest, and what libxl makes of one
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>

#include "hw/xen/hypervisor-dt-tree.h"

/* The Xen whose layout this is. */
#define DEFAULT_XEN_MAJOR 4
#define DEFAULT_XEN_MINOR 17

/* What QEMU's machine has without a domain: RAM bank 1 ends at 1 TiB. */
#define DEFAULT_ADDRESS_BITS 40

void hypervisor_dt_guest_init(HypervisorDtGuest *guest)
{
    *guest = (HypervisorDtGuest) {
        .xen_major = DEFAULT_XEN_MAJOR,
        .xen_minor = DEFAULT_XEN_MINOR,
        .cpus = 1,
        .address_bits = DEFAULT_ADDRESS_BITS,
        .gic = HYPERVISOR_DT_GIC_V2,
        .banks = {
            {
                .name = "RAM bank 0",
                .base = HYPERVISOR_DT_RAM0_BASE,
                .size = HYPERVISOR_DT_RAM0_SIZE,
            },
            {
                .name = "RAM bank 1",
                .base = HYPERVISOR_DT_RAM1_BASE,
                .size = HYPERVISOR_DT_RAM1_SIZE,
            },
        },
        .grant_table = {
            .base = HYPERVISOR_DT_GRANT_TABLE_BASE,
            .size = HYPERVISOR_DT_GRANT_TABLE_SIZE,
        },
        .regions.maximum = HYPERVISOR_DT_REGIONS_MAX,
    };
}

int hypervisor_dt_guest_fill_banks(HypervisorDtGuest *guest, uint64_t ram,
                                   HypervisorDtError *error)
{
    uint64_t parts[HYPERVISOR_DT_RAM_BANKS];
    uint64_t left = ram;

    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        parts[i] = MIN(left, guest->banks[i].size);
        left -= parts[i];
    }
    if (left) {
        return hypervisor_dt_error_set(error, -ENOSPC,
            "0x%" PRIx64 " bytes of RAM: the windows for it have room for 0x%"
            PRIx64, ram, ram - left);
    }
    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        guest->banks[i].ram = parts[i];
    }
    return 0;
}
