/*
 * Hypervisor node: properties of the machine
 *
 * The machine's state belongs to QEMU and has no place for them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/cutils.h"
#include "options.h"

/* Between exclusions: a comma ends a property of -machine. */
#define EXCLUSIONS_SEPARATOR ":"

static HypervisorDtOptions options = {
    .gic = HYPERVISOR_DT_GIC_V3,
    .address_bits = 40,
    .xen_major = 4,
    .xen_minor = 17,
    .regions_max = HYPERVISOR_DT_REGIONS_MAX,
};

const HypervisorDtOptions *hypervisor_dt_options(void)
{
    return &options;
}

/* --- device-tree --- */

static const char *const uses[] = {
    [HYPERVISOR_DT_USE_OFF] = "off",
    [HYPERVISOR_DT_USE_FIXUP] = "fixup",
    [HYPERVISOR_DT_USE_BOOT] = "boot",
};

static char *get_use(Object *obj, Error **errp)
{
    return g_strdup(uses[options.use]);
}

static void set_use(Object *obj, const char *value, Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
        if (!strcmp(value, uses[i])) {
            options.use = i;
            return;
        }
    }
    error_setg(errp, "device-tree='%s' is none of off, fixup and boot", value);
}

/* --- numbers --- */

static void visit_number(Visitor *v, const char *name, unsigned *number,
                         unsigned lowest, unsigned highest, Error **errp)
{
    uint32_t value = *number;

    if (!visit_type_uint32(v, name, &value, errp)) {
        return;
    }
    if (value < lowest || value > highest) {
        error_setg(errp, "%s=%" PRIu32 " is not from %u to %u", name, value,
                   lowest, highest);
        return;
    }
    *number = value;
}

static void visit_gic(Object *obj, Visitor *v, const char *name,
                      void *opaque, Error **errp)
{
    unsigned version = options.gic;

    visit_number(v, name, &version, HYPERVISOR_DT_GIC_V2, HYPERVISOR_DT_GIC_V3,
                 errp);
    options.gic = version;
}

static void visit_address_bits(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    visit_number(v, name, &options.address_bits,
                 HYPERVISOR_DT_ADDRESS_BITS_MIN,
                 HYPERVISOR_DT_ADDRESS_BITS_MAX, errp);
}

static void visit_regions_max(Object *obj, Visitor *v, const char *name,
                              void *opaque, Error **errp)
{
    visit_number(v, name, &options.regions_max, 1, HYPERVISOR_DT_REGIONS_MAX,
                 errp);
}

/* What a number begins with: not a sign, nor a space. */
static bool is_digit(char c)
{
    return g_ascii_isdigit(c);
}

/* --- Xen's version --- */

static char *get_xen_version(Object *obj, Error **errp)
{
    return g_strdup_printf("%u.%u", options.xen_major, options.xen_minor);
}

static void set_xen_version(Object *obj, const char *value, Error **errp)
{
    const char *rest;
    unsigned major, minor;

    if (!is_digit(*value) || qemu_strtoui(value, &rest, 10, &major) ||
        *rest != '.' || !is_digit(rest[1]) ||
        qemu_strtoui(rest + 1, NULL, 10, &minor) ||
        major > UINT16_MAX || minor > UINT16_MAX) {
        error_setg(errp, "xen-version='%s' is not two numbers like 4.17",
                   value);
        return;
    }
    options.xen_major = major;
    options.xen_minor = minor;
}

/* --- regions --- */

static bool get_regions(Object *obj, Error **errp)
{
    return !options.regions_off;
}

static void set_regions(Object *obj, bool value, Error **errp)
{
    options.regions_off = !value;
}

static char *get_exclusions(Object *obj, Error **errp)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; options.exclusions && i < options.exclusions->len; i++) {
        const HypervisorDtWindow *window =
            &g_array_index(options.exclusions, HypervisorDtWindow, i);

        g_string_append_printf(text, "%s0x%" PRIx64 "+0x%" PRIx64,
                               i ? EXCLUSIONS_SEPARATOR : "", window->base,
                               window->size);
    }
    return g_string_free(text, FALSE);
}

static bool parse_exclusion(const char *text, HypervisorDtWindow *window)
{
    const char *rest;

    return is_digit(*text) &&
           !qemu_strtou64(text, &rest, 0, &window->base) && *rest == '+' &&
           is_digit(rest[1]) &&
           !qemu_strtou64(rest + 1, NULL, 0, &window->size) &&
           window->size > 0 && window->size - 1 <= UINT64_MAX - window->base;
}

static void set_exclusions(Object *obj, const char *value, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(value, EXCLUSIONS_SEPARATOR, -1);
    g_autoptr(GArray) parsed = g_array_new(false, false,
                                           sizeof(HypervisorDtWindow));
    HypervisorDtWindow window;

    if (g_strv_length(parts) > HYPERVISOR_DT_EXCLUSIONS_MAX) {
        error_setg(errp, "extended-regions-exclude has %u ranges, %d are "
                   "allowed", g_strv_length(parts),
                   HYPERVISOR_DT_EXCLUSIONS_MAX);
        return;
    }
    for (char **part = parts; *part; part++) {
        if (!parse_exclusion(*part, &window)) {
            error_setg(errp, "extended-regions-exclude: '%s' is not "
                       "BASE+SIZE, in bytes (several are separated by '"
                       EXCLUSIONS_SEPARATOR "')", *part);
            return;
        }
        g_array_append_val(parsed, window);
    }
    g_clear_pointer(&options.exclusions, g_array_unref);
    options.exclusions = g_steal_pointer(&parsed);
}

/* --- the class --- */

static const struct {
    const char *name;
    ObjectPropertyAccessor *visit;
    const char *description;
} numbers[] = {
    { "gic-version", visit_gic,
      "Of the GIC in the device tree, where no domain tells it: 2 or 3" },
    { "address-bits", visit_address_bits,
      "Of guest-physical addresses, where no domain tells it" },
    { "extended-regions-max", visit_regions_max,
      "How many extended regions are listed at most" },
};

static const struct {
    const char *name;
    char *(*get)(Object *obj, Error **errp);
    void (*set)(Object *obj, const char *value, Error **errp);
    const char *description;
} strings[] = {
    { "device-tree", get_use, set_use,
      "Of the domain: off (not touched), fixup (our devices are added to "
      "libxl's) or boot (made for -kernel, -initrd and -append)" },
    { "xen-version", get_xen_version, set_xen_version,
      "In the device tree, where no Xen tells it: MAJOR.MINOR" },
    { "extended-regions-exclude", get_exclusions, set_exclusions,
      "Addresses that no extended region has: BASE+SIZE[:BASE+SIZE...]" },
};

void hypervisor_dt_options_class_init(ObjectClass *oc)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        object_class_property_add(oc, numbers[i].name, "uint32",
                                  numbers[i].visit, numbers[i].visit, NULL,
                                  NULL);
        object_class_property_set_description(oc, numbers[i].name,
                                              numbers[i].description);
    }
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
        object_class_property_add_str(oc, strings[i].name, strings[i].get,
                                      strings[i].set);
        object_class_property_set_description(oc, strings[i].name,
                                              strings[i].description);
    }
    object_class_property_add_bool(oc, "extended-regions", get_regions,
                                   set_regions);
    object_class_property_set_description(oc, "extended-regions",
        "Whether the device tree lists extended regions");
}
