/*
 * PV IOMMU: the object that serves all devices of this process
 *
 * Read it with qom-get: /machine/xen-pv-iommu under Xen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/boards.h"
#include "hw/xen/pv-iommu-hooks.h"
#include "system/xen.h"
#include "iommu.h"
#include "trace.h"

/* The one object; see pv_iommu_find(). */
static XenPvIommu *current;

/* Our ioreq server is there before the object is; -1: there is none. */
static int32_t current_ioserver = -1;

void xen_pv_iommu_ioserver(uint16_t ioserver)
{
    g_assert(bql_locked());
    current_ioserver = ioserver;
}

bool pv_iommu_ioserver_id(uint16_t *ioserver)
{
    *ioserver = current_ioserver;
    return current_ioserver >= 0;
}

XenPvIommu *pv_iommu_find(void)
{
    return current;
}

/* --- the client --- */

static bool make_native(Error **errp)
{
    DeviceState *dev;

    if (!object_class_by_name(TYPE_XEN_PV_IOMMU_NATIVE)) {
        error_setg(errp, "this QEMU cannot use Xen's PV IOMMU");
        return false;
    }
    dev = qdev_new(TYPE_XEN_PV_IOMMU_NATIVE);
    /* Nobody has plugged it, even if it comes with a device that is. */
    dev->hotplugged = false;
    object_property_add_child(qdev_get_machine(), TYPE_XEN_PV_IOMMU,
                              OBJECT(dev));
    if (!qdev_realize_and_unref(dev, NULL, errp)) {
        object_unparent(OBJECT(dev));
        return false;
    }
    return true;
}

static bool make_client(XenPvIommu *iommu, Error **errp)
{
    int ret;
    ERRP_GUARD();

    ret = xen_pv_iommu_client_new(iommu->ops, iommu->hypervisor,
                                  &iommu->config, &iommu->client);
    trace_xen_pv_iommu_client(iommu->ops->name, iommu->config.domid,
                              iommu->config.ioserver, ret);
    if (ret == -ENOSYS) {
        error_setg(errp, "this Xen has no PV IOMMU");
        error_append_hint(errp, "A device that needs no bus addresses does "
                          "without: pv-iommu=off.\n");
    } else if (ret == -EPERM) {
        error_setg(errp, "this device model may not use Xen's PV IOMMU");
    } else if (ret) {
        error_setg_errno(errp, -ret, "cannot use Xen's PV IOMMU");
    }
    return !ret;
}

XenPvIommu *pv_iommu_get(Error **errp)
{
    if (!current && !xen_enabled()) {
        error_setg(errp, "there is no PV IOMMU: neither Xen nor a '"
                   TYPE_XEN_PV_IOMMU_EMULATED "' device before this one");
        return NULL;
    }
    if (!current && !make_native(errp)) {
        return NULL;
    }
    if (!current->client && !make_client(current, errp)) {
        return NULL;
    }
    return current;
}

/* --- warnings and traces that a guest can cause --- */

/* Take one of a minute's; *@left_out is what the last minute had too many. */
static bool take_report(PvIommuReports *reports, unsigned *left_out)
{
    int64_t now = qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

    *left_out = 0;
    if (now - reports->since >= PV_IOMMU_REPORTS_MS) {
        *left_out = reports->left_out;
        *reports = (PvIommuReports){ .since = now };
    }
    if (reports->count == PV_IOMMU_REPORTS_MAX) {
        reports->left_out++;
        return false;
    }
    reports->count++;
    return true;
}

bool pv_iommu_may_report(XenPvIommu *iommu)
{
    unsigned left_out;
    bool may = take_report(&iommu->reports, &left_out);

    if (left_out) {
        warn_report(TYPE_XEN_PV_IOMMU ": %u more such reports were left out",
                    left_out);
    }
    return may;
}

bool pv_iommu_may_trace(XenPvIommu *iommu)
{
    unsigned left_out;

    return take_report(&iommu->traces, &left_out);
}

/* --- draining --- */

static void state_changed(void *opaque, bool running, RunState state)
{
    XenPvIommu *iommu = opaque;
    XenPvIommuUser *user;

    g_assert(bql_locked());
    if (running) {
        return;
    }
    QLIST_FOREACH(user, &iommu->users, next) {
        if (user->ops) {
            user->ops->drain(user->opaque);
        }
        trace_xen_pv_iommu_drain(user->name, QLIST_EMPTY(&user->mappings));
    }
}

/* --- QOM --- */

static void realize(DeviceState *dev, Error **errp)
{
    XenPvIommu *iommu = XEN_PV_IOMMU(dev);
    XenPvIommuClass *class = XEN_PV_IOMMU_GET_CLASS(iommu);

    if (current) {
        error_setg(errp, "there is a '%s' already, one device model has one",
                   object_get_typename(OBJECT(current)));
        return;
    }
    if (!class->attach(iommu, errp)) {
        return;
    }
    QLIST_INIT(&iommu->users);
    iommu->deadline = timer_new_ms(class->clock, pv_iommu_expire, iommu);
    iommu->state_change = qemu_add_vm_change_state_handler(state_changed,
                                                           iommu);
    current = iommu;
}

static void finalize(Object *obj)
{
    XenPvIommu *iommu = XEN_PV_IOMMU(obj);

    if (current != iommu) {
        return;
    }
    current = NULL;
    qemu_del_vm_change_state_handler(iommu->state_change);
    timer_free(iommu->deadline);
    xen_pv_iommu_client_free(iommu->client);
    XEN_PV_IOMMU_GET_CLASS(iommu)->detach(iommu);
}

/* Numbers of the client; what they count, pv-iommu-client.h says. */
static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    { "hypercalls", offsetof(XenPvIommuCounters, calls) },
    { "hypercall-operations", offsetof(XenPvIommuCounters, operations) },
    { "pages-mapped", offsetof(XenPvIommuCounters, mapped) },
    { "pages-shared", offsetof(XenPvIommuCounters, shared) },
    { "pages-unmapped", offsetof(XenPvIommuCounters, unmapped) },
    { "pages-undone", offsetof(XenPvIommuCounters, undone) },
    { "failed-unmaps", offsetof(XenPvIommuCounters, failed_unmaps) },
    { "invalidations", offsetof(XenPvIommuCounters, invalidations) },
    { "unknown-invalidations",
      offsetof(XenPvIommuCounters, unknown_invalidations) },
    { "repeated-invalidations",
      offsetof(XenPvIommuCounters, repeated_invalidations) },
    { "stale", offsetof(XenPvIommuCounters, stale) },
    { "overdue", offsetof(XenPvIommuCounters, overdue) },
    { "pages", offsetof(XenPvIommuCounters, table.pages) },
    { "table-bytes", offsetof(XenPvIommuCounters, table.bytes) },
};

static void get_number(Object *obj, Visitor *v, const char *name,
                       void *opaque, Error **errp)
{
    XenPvIommu *iommu = XEN_PV_IOMMU(obj);
    XenPvIommuCounters counters = { 0 };
    uint64_t value;

    if (iommu->client) {
        counters = xen_pv_iommu_client_counters(iommu->client);
    }
    value = *(uint64_t *)((char *)&counters + (uintptr_t)opaque);
    visit_type_uint64(v, name, &value, errp);
}

static void class_init(ObjectClass *oc, XendmClassData data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = realize;
    dc->hotpluggable = false;
    dc->user_creatable = false;
    dc->desc = "Bus addresses of guest memory, for device models";
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        object_class_property_add(oc, numbers[i].name, "uint64", get_number,
                                  NULL, NULL, (void *)numbers[i].offset);
    }
}

static const TypeInfo types[] = {
    {
        .name = TYPE_XEN_PV_IOMMU,
        .parent = TYPE_DEVICE,
        .abstract = true,
        .instance_size = sizeof(XenPvIommu),
        .instance_finalize = finalize,
        .class_size = sizeof(XenPvIommuClass),
        .class_init = class_init,
    },
};

DEFINE_TYPES(types)
