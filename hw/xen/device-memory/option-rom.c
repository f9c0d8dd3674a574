/*
 * Option ROMs that take no guest page
 *
 * A guest only ever reads an option ROM through its BAR, and under Xen each
 * such read comes here.  So the contents can be kept in this process.  They
 * travel in the device state: after a migration the guest reads the same
 * bytes, whatever file the destination has.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "hw/loader.h"
#include "hw/pci/pci_device.h"
#include "hw/xen/device-memory.h"
#include "migration/vmstate.h"
#include "device.h"
#include "machine.h"
#include "trace.h"

#define TYPE_XEN_PRIVATE_ROM "xen-private-rom"
OBJECT_DECLARE_SIMPLE_TYPE(XenPrivateRom, XEN_PRIVATE_ROM)

/* A child of the PCI device, so that it goes when the device goes. */
struct XenPrivateRom {
    Object parent_obj;

    PCIDevice *pdev;
    uint8_t *data;
    uint32_t size;      /* of the BAR; the file may be shorter */
};

static uint64_t private_rom_read(void *opaque, hwaddr addr, unsigned size)
{
    XenPrivateRom *rom = opaque;

    /* The region is as large as the data; accesses end within it. */
    return ldn_le_p(rom->data + addr, size);
}

static void private_rom_write(void *opaque, hwaddr addr, uint64_t value,
                              unsigned size)
{
    trace_xen_private_rom_write(addr, value, size);
}

static const MemoryRegionOps private_rom_ops = {
    .read = private_rom_read,
    .write = private_rom_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static const VMStateDescription vmstate_private_rom = {
    .name = TYPE_XEN_PRIVATE_ROM,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(size, XenPrivateRom,
                             "the option ROM's size differs"),
        VMSTATE_VBUFFER_UINT32(data, XenPrivateRom, 1, NULL, size),
        VMSTATE_END_OF_LIST()
    }
};

static bool load_file(XenPrivateRom *rom, const char *path, int64_t size,
                      XenOptionRomPatch *patch, Error **errp)
{
    if (load_image_size(path, rom->data, size) < 0) {
        error_setg(errp, "failed to load romfile \"%s\"", rom->pdev->romfile);
        return false;
    }
    if (patch) {
        patch(rom->pdev, rom->data, size);
    }
    return true;
}

bool xen_device_memory_private_rom(PCIDevice *pdev, const char *name,
                                   const char *path, int64_t size,
                                   XenOptionRomPatch *patch, Error **errp)
{
    XenPrivateRom *rom;

    if (!device_memory_machine_private_roms() ||
        !xen_device_memory_current()) {
        return false;
    }

    rom = XEN_PRIVATE_ROM(object_new(TYPE_XEN_PRIVATE_ROM));
    rom->pdev = pdev;
    rom->size = pdev->romsize;
    rom->data = g_malloc0(rom->size);
    object_property_add_child(OBJECT(pdev), TYPE_XEN_PRIVATE_ROM,
                              OBJECT(rom));
    object_unref(OBJECT(rom));
    trace_xen_private_rom(name, rom->size);

    if (path && !load_file(rom, path, size, patch, errp)) {
        object_unparent(OBJECT(rom));
        return true;
    }
    vmstate_register(VMSTATE_IF(pdev), VMSTATE_INSTANCE_ID_ANY,
                     &vmstate_private_rom, rom);
    memory_region_init_io(&pdev->rom, OBJECT(pdev), &private_rom_ops, rom,
                          name, rom->size);
    pci_register_bar(pdev, PCI_ROM_SLOT, 0, &pdev->rom);
    return true;
}

static void private_rom_finalize(Object *obj)
{
    XenPrivateRom *rom = XEN_PRIVATE_ROM(obj);

    g_free(rom->data);
}

/* The device is still there, and so is its name in the migration stream. */
static void private_rom_unparent(Object *obj)
{
    XenPrivateRom *rom = XEN_PRIVATE_ROM(obj);

    vmstate_unregister(VMSTATE_IF(rom->pdev), &vmstate_private_rom, rom);
}

static void private_rom_class_init(ObjectClass *oc, XendmClassData data)
{
    oc->unparent = private_rom_unparent;
}

static const TypeInfo private_rom_types[] = {
    {
        .name = TYPE_XEN_PRIVATE_ROM,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(XenPrivateRom),
        .instance_finalize = private_rom_finalize,
        .class_init = private_rom_class_init,
    },
};

DEFINE_TYPES(private_rom_types)
