/*
 * Device memory: entry points for a QEMU that is built without it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/xen/device-memory.h"

bool xen_device_memory_add(RAMBlock *block, Error **errp)
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

bool xen_device_memory_may_plug(DeviceState *dev, const char *instead,
                                Error **errp)
{
    return true;
}

bool xen_device_memory_block_from_host(const void *ptr, RAMBlock **block,
                                       ram_addr_t *offset)
{
    return false;
}

void xen_device_memory_retire(RAMBlock *block)
{
}

void xen_device_memory_reclaim(RAMBlock *block)
{
}

bool xen_device_memory_private_rom(PCIDevice *pdev, const char *name,
                                   const char *path, int64_t size,
                                   XenOptionRomPatch *patch, Error **errp)
{
    return false;
}

void xen_device_memory_machine_class_init(ObjectClass *oc)
{
}
