/*
 * xen-copy-engine: a PCI device that copies guest memory
 *
 * The registers are in docs/specs/xen-copy-engine.rst, the PV IOMMU's side in
 * docs/devel/pv-iommu.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "hw/pci/pci_device.h"
#include "hw/qdev-properties.h"
#include "hw/xen/pv-iommu.h"
#include "hw/xen/xen-copy-engine.h"
#include "copy-engine.h"
#include "migration/vmstate.h"
#include "trace.h"

OBJECT_DECLARE_SIMPLE_TYPE(XenCopyEngine, XEN_COPY_ENGINE)

/* What is done at a stretch, and how long QEMU rests then. */
#define STEP_DEFAULT 16
#define STEP_MAX 256
#define STEP_REST_NS 100000

#define PAGE_BYTES 4096

/* The two ends of a copy. */
typedef enum End {
    END_SOURCE,
    END_DESTINATION,
    END_COUNT,
} End;

struct XenCopyEngine {
    PCIDevice parent_obj;

    char *engine_name;
    XenPvIommuOptions iommu;
    uint32_t step;                  /* transfers at a stretch */

    MemoryRegion registers;
    QEMUTimer *timer;
    const XenCopyEngineOps *ops;
    void *engine;
    XenPvIommuUser *user;           /* NULL with pv-iommu=off */
    XenPvIommuMapping *mappings[END_COUNT];
    uint32_t status;
    uint32_t stop_status;           /* what follows when it has stopped */
    bool busy;                      /* a transfer is with the engine */

    /* What migrates. */
    uint64_t address[END_COUNT];
    uint64_t fault;
    uint32_t length;
    uint32_t direction;
    uint32_t saved_status;          /* status, in the stream */
    uint32_t error;
    uint32_t done;
    uint32_t copies;
    uint32_t invalidations;
    uint32_t ignored;
    uint32_t end;                   /* which one has the next transfer */
    uint8_t *buffer;                /* the engine's for as long as it is open */
};

static const XenCopyEngineOps *const engines[] = {
    &xen_copy_engine_cpu_ops,
    &xen_copy_engine_emulated_ops,
};

static const char *engine_id(XenCopyEngine *s)
{
    return DEVICE(s)->id ?: TYPE_XEN_COPY_ENGINE;
}

static bool uses(const XenCopyEngine *s, End end)
{
    return s->direction == XEN_COPY_ENGINE_COPY ||
           s->direction == (end == END_SOURCE ? XEN_COPY_ENGINE_READ
                                              : XEN_COPY_ENGINE_WRITE);
}

static void set_status(XenCopyEngine *s, uint32_t status)
{
    s->status = status;
    trace_xen_copy_engine_state(engine_id(s), s->status, s->error, s->fault);
}

/* --- bus addresses --- */

static void release(XenCopyEngine *s)
{
    for (End end = 0; end < END_COUNT; end++) {
        xen_pv_iommu_release(g_steal_pointer(&s->mappings[end]));
    }
}

/* What the guest is told of a mapping that cannot be made. */
static uint32_t error_code(int ret)
{
    switch (ret) {
    case -EINVAL:
    case -EFAULT:
    case -ENXIO:
        return XEN_COPY_ENGINE_NO_MEMORY;
    case -EDQUOT:
    case -ENOSPC:
        return XEN_COPY_ENGINE_LIMIT;
    case -EACCES:
        return XEN_COPY_ENGINE_RESERVED;
    case -ERANGE:
        return XEN_COPY_ENGINE_UNREACHABLE;
    case -ESTALE:
        return XEN_COPY_ENGINE_INVALIDATED;
    default:
        return XEN_COPY_ENGINE_REFUSED;
    }
}

static void fail(XenCopyEngine *s, uint32_t error, uint64_t fault)
{
    s->error = error;
    s->fault = fault;
    set_status(s, XEN_COPY_ENGINE_FAILED);
}

static bool map_end(XenCopyEngine *s, End end)
{
    XenPvIommuAccess access = end == END_SOURCE ? XEN_PV_IOMMU_READ
                                                : XEN_PV_IOMMU_WRITE;
    hwaddr fault = 0;
    int ret;

    ret = xen_pv_iommu_map(s->user, s->address[end], s->length, access,
                           &s->mappings[end], &fault);
    if (ret) {
        release(s);
        fail(s, error_code(ret), fault);
    }
    return !ret;
}

/* What is mapped already stays so. */
static bool map(XenCopyEngine *s)
{
    uint32_t invalidations = s->invalidations;

    for (End end = 0; s->user && end < END_COUNT; end++) {
        if (uses(s, end) && !s->mappings[end] && !map_end(s, end)) {
            return false;
        }
    }
    if (s->invalidations != invalidations) {
        release(s);     /* the first end went while the second was mapped */
        return false;
    }
    return true;
}

/* --- stopping --- */

static void rest(XenCopyEngine *s)
{
    timer_mod(s->timer,
              qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + STEP_REST_NS);
}

/* Everything is released once the engine is quiet, and not before. */
static void try_stop(XenCopyEngine *s)
{
    if (s->ops->stop(s->engine)) {
        timer_del(s->timer);
        s->busy = false;
        release(s);
        set_status(s, s->stop_status);
    } else {
        set_status(s, XEN_COPY_ENGINE_STOPPING);
        rest(s);
    }
}

static void stop(XenCopyEngine *s, uint32_t status)
{
    s->stop_status = status;
    try_stop(s);
}

/* --- copying --- */

/* The next transfer begins here, as its engine wants to hear it. */
static bool transfer_address(const XenCopyEngine *s, End end,
                             uint64_t *address, uint64_t *limit)
{
    uint64_t bus_limit = UINT64_MAX;

    *address = s->address[end] + s->done;
    if (s->ops->bus_addresses &&
        !xen_pv_iommu_bus_address(s->mappings[end], s->done, address,
                                  &bus_limit)) {
        return false;
    }
    *limit = MIN(bus_limit, PAGE_BYTES - *address % PAGE_BYTES);
    return true;
}

static End first_end(const XenCopyEngine *s)
{
    return uses(s, END_SOURCE) ? END_SOURCE : END_DESTINATION;
}

/* Both ends decide how much goes at once, so that a piece needs no memory. */
static bool next_transfer(XenCopyEngine *s, XenCopyTransfer *transfer)
{
    bool copy = s->direction == XEN_COPY_ENGINE_COPY;

    *transfer = (XenCopyTransfer){
        .buffer = s->buffer + (copy ? 0 : s->done),
        .length = s->length - s->done,
        .to_memory = s->end == END_DESTINATION,
    };
    for (End end = 0; end < END_COUNT; end++) {
        uint64_t address, limit;

        if (!uses(s, end)) {
            continue;
        }
        if (!transfer_address(s, end, &address, &limit)) {
            return false;
        }
        transfer->length = MIN(transfer->length, limit);
        if (end == s->end) {
            transfer->address = address;
        }
    }
    return true;
}

static bool is_bus_master(XenCopyEngine *s)
{
    return pci_get_word(PCI_DEVICE(s)->config + PCI_COMMAND) &
           PCI_COMMAND_MASTER;
}

/* One transfer; 0 when it is done, or as XenCopyEngineOps.start. */
static int advance(XenCopyEngine *s)
{
    XenCopyTransfer transfer;
    int ret = -EFAULT;

    if (!next_transfer(s, &transfer)) {
        return -EFAULT;
    }
    if (s->busy) {
        ret = s->ops->poll(s->engine);
    } else if (is_bus_master(s)) {
        ret = s->ops->start(s->engine, &transfer);
    }
    s->busy = ret == -EINPROGRESS;
    trace_xen_copy_engine_transfer(engine_id(s), transfer.address,
                                   transfer.length, transfer.to_memory, ret);
    if (ret) {
        return ret;
    }
    if (s->end == END_SOURCE && uses(s, END_DESTINATION)) {
        s->end = END_DESTINATION;
    } else {
        s->end = first_end(s);
        s->done += transfer.length;
    }
    return 0;
}

static void run(XenCopyEngine *s, unsigned transfers)
{
    int ret = 0;

    if (!map(s)) {
        return;
    }
    while (transfers-- && s->done < s->length) {
        ret = advance(s);
        if (ret) {
            break;
        }
    }
    if (ret && ret != -EINPROGRESS) {
        s->error = XEN_COPY_ENGINE_BUS_FAULT;
        s->fault = s->address[s->end] + s->done;
        stop(s, XEN_COPY_ENGINE_FAILED);
    } else if (s->done == s->length) {
        s->copies++;
        set_status(s, XEN_COPY_ENGINE_FINISHED);
    }
}

static void timer_fired(void *opaque)
{
    XenCopyEngine *s = opaque;

    if (s->status == XEN_COPY_ENGINE_STOPPING) {
        try_stop(s);
    } else if (s->status == XEN_COPY_ENGINE_RUNNING) {
        run(s, s->step);
        if (s->status == XEN_COPY_ENGINE_RUNNING) {
            rest(s);
        }
    }
}

/* --- what the PV IOMMU says --- */

static void invalidated(void *opaque, XenPvIommuMapping *mapping,
                        const XenPvIommuRange *range)
{
    XenCopyEngine *s = opaque;
    End end = mapping == s->mappings[END_SOURCE] ? END_SOURCE
                                                 : END_DESTINATION;

    s->invalidations++;
    if (s->status == XEN_COPY_ENGINE_STOPPING) {
        return;
    }
    s->error = XEN_COPY_ENGINE_INVALIDATED;
    s->fault = MAX(range->gpa, s->address[end]);
    stop(s, XEN_COPY_ENGINE_FAILED);
}

/*
 * A copy is short, so it is finished rather than broken off.  What is armed
 * stays armed for the guest; its addresses are looked up again when needed.
 */
static void drain(void *opaque)
{
    XenCopyEngine *s = opaque;

    if (s->status == XEN_COPY_ENGINE_RUNNING) {
        run(s, UINT_MAX);
    }
    if (s->status == XEN_COPY_ENGINE_RUNNING) {
        s->error = XEN_COPY_ENGINE_ABORTED;
        s->fault = s->address[s->end] + s->done;
        stop(s, XEN_COPY_ENGINE_FAILED);
    } else if (s->status == XEN_COPY_ENGINE_STOPPING) {
        try_stop(s);
    }
    if (s->status != XEN_COPY_ENGINE_STOPPING) {
        release(s);
    }
}

static const XenPvIommuUserOps user_ops = {
    .invalidated = invalidated,
    .drain = drain,
};

/* --- commands --- */

static bool may_set_up(const XenCopyEngine *s)
{
    return s->status == XEN_COPY_ENGINE_IDLE ||
           s->status == XEN_COPY_ENGINE_FAILED;
}

static void ignore(XenCopyEngine *s, const char *what, uint32_t value)
{
    s->ignored++;
    qemu_log_mask(LOG_GUEST_ERROR, "%s: %s 0x%" PRIx32 " in state %" PRIu32
                  " is ignored\n", engine_id(s), what, value, s->status);
}

static uint32_t length_max(const XenCopyEngine *s)
{
    return s->direction == XEN_COPY_ENGINE_COPY ? XEN_COPY_ENGINE_LENGTH_MAX
                                                : XEN_COPY_ENGINE_BUFFER;
}

static void arm(XenCopyEngine *s)
{
    s->error = XEN_COPY_ENGINE_OK;
    s->fault = 0;
    s->done = 0;
    s->end = first_end(s);
    if (s->direction > XEN_COPY_ENGINE_WRITE) {
        fail(s, XEN_COPY_ENGINE_BAD_DIRECTION, 0);
    } else if (!s->length || s->length > length_max(s)) {
        fail(s, XEN_COPY_ENGINE_BAD_LENGTH, 0);
    } else if (map(s)) {
        set_status(s, XEN_COPY_ENGINE_ARMED);
    }
}

static void trigger(XenCopyEngine *s)
{
    s->done = 0;
    s->end = first_end(s);
    if (map(s)) {
        set_status(s, XEN_COPY_ENGINE_RUNNING);
        rest(s);
    }
}

static void disarm(XenCopyEngine *s)
{
    s->error = XEN_COPY_ENGINE_OK;
    s->fault = 0;
    stop(s, XEN_COPY_ENGINE_IDLE);
}

static void command(XenCopyEngine *s, uint32_t value)
{
    trace_xen_copy_engine_command(engine_id(s), value, s->status);
    if (value == XEN_COPY_ENGINE_ARM && may_set_up(s)) {
        arm(s);
    } else if (value == XEN_COPY_ENGINE_TRIGGER &&
               (s->status == XEN_COPY_ENGINE_ARMED ||
                s->status == XEN_COPY_ENGINE_FINISHED)) {
        trigger(s);
    } else if (value == XEN_COPY_ENGINE_DISARM &&
               s->status != XEN_COPY_ENGINE_IDLE &&
               s->status != XEN_COPY_ENGINE_STOPPING) {
        disarm(s);
    } else {
        ignore(s, "command", value);
    }
}

/* --- registers --- */

static uint32_t features(const XenCopyEngine *s)
{
    uint32_t value = s->ops->bus_addresses ? XEN_COPY_ENGINE_BUS_ADDRESSES : 0;

    if (s->user) {
        value |= XEN_COPY_ENGINE_PV_IOMMU;
    }
    if (s->user && xen_pv_iommu_mode(s->user) == XEN_PV_IOMMU_MAP) {
        value |= XEN_COPY_ENGINE_MAP_MODE;
    }
    return value;
}

static uint64_t engine_read(void *opaque, hwaddr offset, unsigned size)
{
    const XenCopyEngine *s = opaque;

    switch (offset) {
    case XEN_COPY_ENGINE_ID:
        return XEN_COPY_ENGINE_ID_VALUE;
    case XEN_COPY_ENGINE_FEATURES:
        return features(s);
    case XEN_COPY_ENGINE_SOURCE:
        return extract64(s->address[END_SOURCE], 0, 32);
    case XEN_COPY_ENGINE_SOURCE + 4:
        return extract64(s->address[END_SOURCE], 32, 32);
    case XEN_COPY_ENGINE_DESTINATION:
        return extract64(s->address[END_DESTINATION], 0, 32);
    case XEN_COPY_ENGINE_DESTINATION + 4:
        return extract64(s->address[END_DESTINATION], 32, 32);
    case XEN_COPY_ENGINE_LENGTH:
        return s->length;
    case XEN_COPY_ENGINE_DIRECTION:
        return s->direction;
    case XEN_COPY_ENGINE_STATUS:
        return s->status;
    case XEN_COPY_ENGINE_ERROR:
        return s->error;
    case XEN_COPY_ENGINE_DONE:
        return s->done;
    case XEN_COPY_ENGINE_FAULT:
        return extract64(s->fault, 0, 32);
    case XEN_COPY_ENGINE_FAULT + 4:
        return extract64(s->fault, 32, 32);
    case XEN_COPY_ENGINE_COPIES:
        return s->copies;
    case XEN_COPY_ENGINE_INVALIDATIONS:
        return s->invalidations;
    case XEN_COPY_ENGINE_IGNORED:
        return s->ignored;
    default:
        return 0;
    }
}

/* The registers that say what to copy; false for any other. */
static bool set_up(XenCopyEngine *s, hwaddr offset, uint32_t value)
{
    uint64_t *source = &s->address[END_SOURCE];
    uint64_t *destination = &s->address[END_DESTINATION];

    switch (offset) {
    case XEN_COPY_ENGINE_SOURCE:
        *source = deposit64(*source, 0, 32, value);
        return true;
    case XEN_COPY_ENGINE_SOURCE + 4:
        *source = deposit64(*source, 32, 32, value);
        return true;
    case XEN_COPY_ENGINE_DESTINATION:
        *destination = deposit64(*destination, 0, 32, value);
        return true;
    case XEN_COPY_ENGINE_DESTINATION + 4:
        *destination = deposit64(*destination, 32, 32, value);
        return true;
    case XEN_COPY_ENGINE_LENGTH:
        s->length = value;
        return true;
    case XEN_COPY_ENGINE_DIRECTION:
        s->direction = value;
        return true;
    default:
        return false;
    }
}

static void engine_write(void *opaque, hwaddr offset, uint64_t value,
                           unsigned size)
{
    XenCopyEngine *s = opaque;

    if (offset == XEN_COPY_ENGINE_COMMAND) {
        command(s, value);
    } else if (!may_set_up(s) || !set_up(s, offset, value)) {
        ignore(s, "a write to register", offset);
    }
}

static const MemoryRegionOps register_ops = {
    .read = engine_read,
    .write = engine_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* --- state --- */

static int pre_save(void *opaque)
{
    XenCopyEngine *s = opaque;
    int ret = xen_pv_iommu_pre_save(s->user);

    s->saved_status = s->status;
    return ret;
}

/* What is mapped is for what the registers say now, and not for what comes. */
static int pre_load(void *opaque)
{
    XenCopyEngine *s = opaque;

    stop(s, XEN_COPY_ENGINE_IDLE);
    if (s->status == XEN_COPY_ENGINE_STOPPING) {
        error_report("%s: its hardware has not stopped; no state can be "
                     "loaded", engine_id(s));
        return -EBUSY;
    }
    return 0;
}

/* Which end is next means something only to a copy that is under way. */
static bool state_is_sound(const XenCopyEngine *s)
{
    bool set_up_right = s->direction <= XEN_COPY_ENGINE_WRITE && s->length &&
                        s->length <= length_max(s) && s->done <= s->length &&
                        s->end < END_COUNT;

    switch (s->saved_status) {
    case XEN_COPY_ENGINE_IDLE:
    case XEN_COPY_ENGINE_FAILED:
        return true;
    case XEN_COPY_ENGINE_ARMED:
    case XEN_COPY_ENGINE_FINISHED:
        return set_up_right;
    case XEN_COPY_ENGINE_RUNNING:
        return set_up_right && uses(s, s->end);
    default:
        return false;
    }
}

/* IDLE until here, where registers have no effect, also if nothing follows. */
static int post_load(void *opaque, int version)
{
    XenCopyEngine *s = opaque;

    if (!state_is_sound(s)) {
        error_report("%s: the state that came does not make sense",
                     engine_id(s));
        return -EINVAL;
    }
    set_status(s, s->saved_status);
    if (s->status == XEN_COPY_ENGINE_RUNNING) {
        rest(s);
    }
    return 0;
}

static const VMStateDescription vmstate = {
    .name = TYPE_XEN_COPY_ENGINE,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = pre_save,
    .pre_load = pre_load,
    .post_load = post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, XenCopyEngine),
        VMSTATE_UINT64_ARRAY(address, XenCopyEngine, END_COUNT),
        VMSTATE_UINT64(fault, XenCopyEngine),
        VMSTATE_UINT32(length, XenCopyEngine),
        VMSTATE_UINT32(direction, XenCopyEngine),
        VMSTATE_UINT32(saved_status, XenCopyEngine),
        VMSTATE_UINT32(error, XenCopyEngine),
        VMSTATE_UINT32(done, XenCopyEngine),
        VMSTATE_UINT32(copies, XenCopyEngine),
        VMSTATE_UINT32(invalidations, XenCopyEngine),
        VMSTATE_UINT32(ignored, XenCopyEngine),
        VMSTATE_UINT32(end, XenCopyEngine),
        VMSTATE_BUFFER_POINTER_UNSAFE(buffer, XenCopyEngine, 0,
                                      XEN_COPY_ENGINE_BUFFER),
        VMSTATE_END_OF_LIST()
    },
};

static void reset_hold(Object *obj, ResetType type)
{
    XenCopyEngine *s = XEN_COPY_ENGINE(obj);

    memset(s->address, 0, sizeof(s->address));
    memset(s->buffer, 0, XEN_COPY_ENGINE_BUFFER);
    s->fault = 0;
    s->length = 0;
    s->direction = XEN_COPY_ENGINE_COPY;
    s->error = XEN_COPY_ENGINE_OK;
    s->done = 0;
    s->copies = 0;
    s->invalidations = 0;
    s->ignored = 0;
    s->end = END_SOURCE;
    stop(s, XEN_COPY_ENGINE_IDLE);
}

/* --- life --- */

static bool choose_engine(XenCopyEngine *s, Error **errp)
{
    g_autoptr(GString) names = g_string_new("");

    for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
        if (!g_strcmp0(s->engine_name ?: "cpu", engines[i]->name)) {
            s->ops = engines[i];
            return true;
        }
        g_string_append_printf(names, "%s%s", i ? ", " : "",
                               engines[i]->name);
    }
    error_setg(errp, "engine='%s' is not one of %s", s->engine_name,
               names->str);
    return false;
}

static bool check_properties(XenCopyEngine *s, Error **errp)
{
    if (!choose_engine(s, errp)) {
        return false;
    }
    if (!s->step || s->step > STEP_MAX) {
        error_setg(errp, "step=%" PRIu32 " is not from 1 to %d", s->step,
                   STEP_MAX);
        return false;
    }
    if (s->ops->bus_addresses && !s->iommu.enabled) {
        error_setg(errp, "engine=%s works with bus addresses: it needs "
                   "pv-iommu=on", s->ops->name);
        return false;
    }
    return true;
}

static void realize(PCIDevice *pdev, Error **errp)
{
    XenCopyEngine *s = XEN_COPY_ENGINE(pdev);

    if (!check_properties(s, errp)) {
        return;
    }
    if (s->iommu.enabled) {
        s->user = xen_pv_iommu_attach(DEVICE(s), &s->iommu, &user_ops, s,
                                      errp);
        if (!s->user) {
            return;
        }
    }
    if (!s->ops->open(pdev, &s->engine, errp)) {
        xen_pv_iommu_detach(g_steal_pointer(&s->user), true);
        return;
    }
    s->buffer = g_malloc0(XEN_COPY_ENGINE_BUFFER);
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, timer_fired, s);
    memory_region_init_io(&s->registers, OBJECT(s), &register_ops, s,
                          TYPE_XEN_COPY_ENGINE, XEN_COPY_ENGINE_BAR_SIZE);
    pci_register_bar(pdev, XEN_COPY_ENGINE_BAR,
                     PCI_BASE_ADDRESS_SPACE_MEMORY, &s->registers);
}

static void unrealize(PCIDevice *pdev)
{
    XenCopyEngine *s = XEN_COPY_ENGINE(pdev);
    bool quiet = s->ops->stop(s->engine);

    timer_free(s->timer);
    xen_pv_iommu_detach(g_steal_pointer(&s->user), quiet);
    memset(s->mappings, 0, sizeof(s->mappings));
    if (quiet) {
        s->ops->close(s->engine);
        g_free(s->buffer);
    }
    /* Else the hardware is still at it: its state and its buffer stay. */
}

static const Property properties[] = {
    DEFINE_PROP_STRING("engine", XenCopyEngine, engine_name),
    DEFINE_PROP_UINT32("step", XenCopyEngine, step, STEP_DEFAULT),
    DEFINE_XEN_PV_IOMMU_PROPERTIES(XenCopyEngine, iommu),
};

static void class_init(ObjectClass *oc, XendmClassData data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    pc->realize = realize;
    pc->exit = unrealize;
    pc->vendor_id = XEN_COPY_ENGINE_VENDOR;
    pc->device_id = XEN_COPY_ENGINE_DEVICE;
    pc->revision = 1;
    pc->class_id = PCI_CLASS_OTHERS;
    rc->phases.hold = reset_hold;
    dc->desc = "Copies guest memory; for tests of the PV IOMMU";
    dc->vmsd = &vmstate;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, properties);
}

static const TypeInfo types[] = {
    {
        .name = TYPE_XEN_COPY_ENGINE,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(XenCopyEngine),
        .class_init = class_init,
        .interfaces = (InterfaceInfo[]) {
            { INTERFACE_CONVENTIONAL_PCI_DEVICE },
            { }
        },
    },
};

DEFINE_TYPES(types)
