/*
 * Device memory: properties of the machine
 *
 * They are set before the machine makes any memory, and so before there is a
 * XenDeviceMemory to keep them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/units.h"
#include "qom/object.h"
#include "hw/xen/device-memory.h"
#include "machine.h"

/* A page, and the most that can be set aside. */
#define RESERVE_UNIT (4 * KiB)
#define RESERVE_MAX (1 * GiB)

typedef enum OptionRomBacking {
    OPTION_ROM_GUEST,
    OPTION_ROM_PRIVATE,
} OptionRomBacking;

static const char *const backing_names[] = {
    [OPTION_ROM_GUEST] = "guest",
    [OPTION_ROM_PRIVATE] = "private",
};

static struct {
    uint64_t reserve;
    OptionRomBacking option_rom;
} options;

uint64_t device_memory_machine_reserve(void)
{
    return options.reserve;
}

bool device_memory_machine_private_roms(void)
{
    return options.option_rom == OPTION_ROM_PRIVATE;
}

static void get_reserve(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    visit_type_size(v, name, &options.reserve, errp);
}

static void set_reserve(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    uint64_t value;

    if (!visit_type_size(v, name, &value, errp)) {
        return;
    }
    if (value % RESERVE_UNIT || value > RESERVE_MAX) {
        error_setg(errp, "%s=%" PRIu64 " is not a multiple of %" PRIu64
                   " from 0 to %" PRIu64 " bytes", name, value,
                   (uint64_t)RESERVE_UNIT, (uint64_t)RESERVE_MAX);
        return;
    }
    options.reserve = value;
}

static char *get_option_rom(Object *obj, Error **errp)
{
    return g_strdup(backing_names[options.option_rom]);
}

static void set_option_rom(Object *obj, const char *value, Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(backing_names); i++) {
        if (!strcmp(value, backing_names[i])) {
            options.option_rom = i;
            return;
        }
    }
    error_setg(errp, "option-rom='%s' is neither guest nor private", value);
}

void xen_device_memory_machine_class_init(ObjectClass *oc)
{
    object_class_property_add(oc, "device-memory-reserve", "size",
                              get_reserve, set_reserve, NULL, NULL);
    object_class_property_set_description(oc, "device-memory-reserve",
        "Guest pages set aside at start for hot-plug in a restricted Xen "
        "device model");
    object_class_property_add_str(oc, "option-rom", get_option_rom,
                                  set_option_rom);
    object_class_property_set_description(oc, "option-rom",
        "Where option ROMs are kept under Xen: guest (guest pages) or private "
        "(this process)");
}
