/*
 * Device memory: entry points for a QEMU that is built without it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/xen/device-memory.h"

bool xen_device_memory_add(ram_addr_t ram_addr, ram_addr_t size,
                           MemoryRegion *mr, Error **errp)
{
    return true;
}

bool xen_device_memory_owns(ram_addr_t ram_addr)
{
    return false;
}

bool xen_device_memory_prepare(Object *owner, const char *name,
                               uint64_t size, Error **errp)
{
    return true;
}
