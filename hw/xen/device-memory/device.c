/*
 * Device memory: the object that holds a device model's accounts
 *
 * Read it with qom-get: /machine/xen-device-memory under Xen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "system/runstate.h"
#include "system/runstate-action.h"
#include "system/system.h"
#include "system/xen.h"
#include "claim.h"
#include "machine.h"
#include "reserve.h"
#include "trace.h"

/* The one object; see xen_device_memory_current(). */
static XenDeviceMemory *current;

static bool make_native(void)
{
    DeviceState *dev;
    Error *err = NULL;

    if (!object_class_by_name(TYPE_XEN_DEVICE_MEMORY_NATIVE)) {
        return false;
    }
    dev = qdev_new(TYPE_XEN_DEVICE_MEMORY_NATIVE);
    object_property_add_child(qdev_get_machine(), TYPE_XEN_DEVICE_MEMORY,
                              OBJECT(dev));
    if (!qdev_realize_and_unref(dev, NULL, &err)) {
        object_unparent(OBJECT(dev));
        warn_reportf_err(err, "device memory is not accounted for: ");
        return false;
    }
    return true;
}

XenDeviceMemory *xen_device_memory_current(void)
{
    static bool tried;

    if (!current && xen_enabled() && !tried) {
        tried = true;
        make_native();
    }
    return current;
}

int xen_device_memory_service(XenDeviceMemory *dm)
{
    return device_memory_asker_service(dm->asker);
}

static void declare(void *opaque)
{
    XenDeviceMemory *dm = opaque;
    uint32_t need_kib = device_memory_ledger_need(dm->ledger, 0);

    /* While the machine is being made, more is to come. */
    if (dm->booted && need_kib > dm->granted_kib &&
        !device_memory_reserve_applies(dm)) {
        claim_declare(dm);
    }
}

static void turn_over(void *opaque)
{
    XenDeviceMemory *dm = opaque;

    dm->waited_us = 0;
}

void xen_device_memory_service_changed(XenDeviceMemory *dm)
{
    if (dm->declare) {
        qemu_bh_schedule(dm->declare);
    }
}

void xen_device_memory_publish(XenDeviceMemory *dm)
{
    DeviceMemoryTotals totals;
    int ret = device_memory_asker_publish(dm->asker, dm->ledger);

    device_memory_ledger_totals(dm->ledger, &totals);
    trace_xen_device_memory_publish(totals.blocks, ret);
}

/*
 * While the machine is being made nobody looks at the blocks, and each node
 * written would make the guest start later.
 */
static void machine_done(Notifier *notifier, void *data)
{
    XenDeviceMemory *dm = container_of(notifier, XenDeviceMemory,
                                       machine_done);
    bool incoming = runstate_check(RUN_STATE_INMIGRATE);
    Error *err = NULL;

    if (!device_memory_reserve_make(dm, device_memory_machine_reserve(),
                                    &err)) {
        /* As for a device on the command line that cannot be made. */
        error_report_err(err);
        exit(1);
    }
    if (incoming) {
        claim_incoming_total(dm);
        qemu_bh_cancel(dm->declare);    /* it has just been told */
    }
    dm->booted = true;
    xen_device_memory_publish(dm);
    if (!incoming) {
        xen_device_memory_service_changed(dm);
    }
}

/*
 * QEMU frees memory backends as it exits, one by one.  libxl has removed our
 * node by then, and what was published would stay for good.
 */
static void shutdown_requested(Notifier *notifier, void *data)
{
    XenDeviceMemory *dm = container_of(notifier, XenDeviceMemory, shutdown);

    dm->leaving = shutdown_action != SHUTDOWN_ACTION_PAUSE;
    if (dm->leaving) {
        device_memory_asker_close(dm->asker);
    }
}

static void realize(DeviceState *dev, Error **errp)
{
    XenDeviceMemory *dm = XEN_DEVICE_MEMORY(dev);
    XenDeviceMemoryClass *dmc = XEN_DEVICE_MEMORY_GET_CLASS(dm);
    uint32_t credit_kib = 0;
    int ret;

    if (current) {
        error_setg(errp, "there is a '%s' already, one device model has one",
                   object_get_typename(OBJECT(current)));
        return;
    }
    if (!dmc->attach(dm, errp)) {
        return;
    }
    ret = dmc->page_ops->credit(dm->ops_state, &credit_kib);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "cannot read memory/videoram");
        dmc->detach(dm);
        return;
    }
    dm->retired = g_hash_table_new(NULL, NULL);
    dm->ledger = device_memory_ledger_new();
    device_memory_ledger_set_credit(dm->ledger, credit_kib);
    dm->asker = device_memory_asker_new(dmc->store_ops, dm->ops_state,
                                        g_random_int());
    dm->declare = qemu_bh_new_guarded(declare, dm, &dev->mem_reentrancy_guard);
    dm->turn_over = qemu_bh_new_guarded(turn_over, dm,
                                        &dev->mem_reentrancy_guard);
    current = dm;
    dm->machine_done.notify = machine_done;
    qemu_add_machine_init_done_notifier(&dm->machine_done);
    dm->shutdown.notify = shutdown_requested;
    qemu_register_shutdown_notifier(&dm->shutdown);
}

static void finalize(Object *obj)
{
    XenDeviceMemory *dm = XEN_DEVICE_MEMORY(obj);

    if (current == dm) {
        current = NULL;
        qemu_remove_machine_init_done_notifier(&dm->machine_done);
        notifier_remove(&dm->shutdown);
        qemu_bh_delete(dm->declare);
        qemu_bh_delete(dm->turn_over);
        XEN_DEVICE_MEMORY_GET_CLASS(dm)->detach(dm);
    }
    device_memory_asker_free(dm->asker);
    device_memory_ledger_free(dm->ledger);
    g_clear_pointer(&dm->retired, g_hash_table_unref);
    g_free(dm->prepared.name);
}

static void get_service(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    XenDeviceMemory *dm = XEN_DEVICE_MEMORY(obj);
    const char *word = "none";
    char *text;

    if (dm->asker) {
        switch (xen_device_memory_service(dm)) {
        case 0:
            word = "announced";
            break;
        case -ENOENT:
            break;
        case -EPROTONOSUPPORT:
            word = "unsupported-version";
            break;
        default:
            word = "unreachable";
            break;
        }
    }
    text = g_strdup(word);
    visit_type_str(v, name, &text, errp);
    g_free(text);
}

/* One number; which one, the property's name says. */
static void get_total(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    XenDeviceMemory *dm = XEN_DEVICE_MEMORY(obj);
    DeviceMemoryTotals totals = { 0 };
    uint64_t value;

    if (dm->ledger) {
        device_memory_ledger_totals(dm->ledger, &totals);
    }
    if (!strcmp(name, "credit-kib")) {
        value = totals.credit_kib;
    } else if (!strcmp(name, "need-kib")) {
        value = totals.need_kib;
    } else if (!strcmp(name, "granted-kib")) {
        value = dm->granted_kib;
    } else {
        value = totals.populated_pages;
    }
    visit_type_uint64(v, name, &value, errp);
}

static bool visit_block(Visitor *v, const DeviceMemoryBlock *block,
                        Error **errp)
{
    g_autofree char *name = g_strdup(block->name);
    g_autofree char *state =
        g_strdup(device_memory_block_state_name(block->state));
    uint64_t gfn = block->gfn;
    uint32_t pages = block->pages;
    bool ok;

    if (!visit_start_struct(v, NULL, NULL, 0, errp)) {
        return false;
    }
    ok = visit_type_str(v, "name", &name, errp) &&
         visit_type_uint64(v, "gfn", &gfn, errp) &&
         visit_type_uint32(v, "pages", &pages, errp) &&
         visit_type_str(v, "state", &state, errp) &&
         visit_check_struct(v, errp);
    visit_end_struct(v, NULL);
    return ok;
}

static void get_blocks(Object *obj, Visitor *v, const char *name,
                       void *opaque, Error **errp)
{
    XenDeviceMemory *dm = XEN_DEVICE_MEMORY(obj);
    const DeviceMemoryBlock *block;

    if (!visit_start_list(v, name, NULL, 0, errp)) {
        return;
    }
    for (unsigned n = 0; dm->ledger; n++) {
        block = device_memory_ledger_get(dm->ledger, n);
        if (!block || !visit_block(v, block, errp)) {
            break;
        }
    }
    visit_end_list(v, NULL);
}

static const Property properties[] = {
    DEFINE_PROP_UINT32("boot-deadline", XenDeviceMemory, boot_deadline_ms,
                       XEN_DEVICE_MEMORY_BOOT_DEADLINE_MS),
    DEFINE_PROP_UINT32("run-deadline", XenDeviceMemory, run_deadline_ms,
                       XEN_DEVICE_MEMORY_RUN_DEADLINE_MS),
};

static void add_total(ObjectClass *oc, const char *name, const char *what)
{
    object_class_property_add(oc, name, "uint64", get_total, NULL, NULL, NULL);
    object_class_property_set_description(oc, name, what);
}

static void class_init(ObjectClass *oc, XendmClassData data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = realize;
    dc->hotpluggable = false;
    dc->user_creatable = false;
    dc->desc = "Accounts for the guest pages that the device model takes";
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, properties);

    add_total(oc, "credit-kib", "what the toolstack accounts for by itself");
    add_total(oc, "need-kib", "what the blocks come to beyond the credit");
    add_total(oc, "granted-kib", "the grant, as the last answer had it");
    add_total(oc, "populated-pages", "pages of all blocks that are populated");
    object_class_property_add(oc, "service", "str", get_service, NULL, NULL,
                              NULL);
    object_class_property_set_description(oc, "service",
                                          "is there a toolstack to ask");
    object_class_property_add(oc, "blocks", "list", get_blocks, NULL, NULL,
                              NULL);
    object_class_property_set_description(oc, "blocks",
                                          "name, gfn, pages, state of each");
}

static const TypeInfo types[] = {
    {
        .name = TYPE_XEN_DEVICE_MEMORY,
        .parent = TYPE_DEVICE,
        .abstract = true,
        .instance_size = sizeof(XenDeviceMemory),
        .instance_finalize = finalize,
        .class_size = sizeof(XenDeviceMemoryClass),
        .class_init = class_init,
    },
};

DEFINE_TYPES(types)
