/*
 * xen-copy-engine: a bus master of the emulated host
 *
 * It knows bus addresses and nothing of guest addresses, so what it copies
 * proves that the bus addresses are right.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "copy-engine.h"
#include "emulated.h"

typedef struct EmulatedEngine {
    Notifier bus_free;
    XenCopyTransfer transfer;
    bool busy;
    int result;                 /* of the last transfer that has ended */
} EmulatedEngine;

static void finish(EmulatedEngine *emulated)
{
    const XenCopyTransfer *transfer = &emulated->transfer;

    emulated->busy = false;
    emulated->result =
        pv_iommu_emulated_access(transfer->address, transfer->buffer,
                                 transfer->length, transfer->to_memory)
        ? 0 : -EFAULT;
}

/* A transfer that was held happens now, whatever has become of the device. */
static void bus_free(Notifier *notifier, void *data)
{
    EmulatedEngine *emulated = container_of(notifier, EmulatedEngine,
                                            bus_free);

    if (emulated->busy) {
        finish(emulated);
    }
}

static bool emulated_open(PCIDevice *pdev, void **engine, Error **errp)
{
    EmulatedEngine *emulated;

    if (!pv_iommu_emulated_exists()) {
        error_setg(errp, "engine=emulated is a bus master of the emulated "
                   "host, and there is none (-device xen-pv-iommu-emulated)");
        return false;
    }
    emulated = g_new0(EmulatedEngine, 1);
    emulated->bus_free.notify = bus_free;
    pv_iommu_emulated_wait(&emulated->bus_free);
    *engine = emulated;
    return true;
}

static void emulated_close(void *engine)
{
    EmulatedEngine *emulated = engine;

    notifier_remove(&emulated->bus_free);
    g_free(emulated);
}

static int emulated_poll(void *engine)
{
    const EmulatedEngine *emulated = engine;

    return emulated->busy ? -EINPROGRESS : emulated->result;
}

static int emulated_start(void *engine, const XenCopyTransfer *transfer)
{
    EmulatedEngine *emulated = engine;

    emulated->transfer = *transfer;
    emulated->busy = true;
    if (!pv_iommu_emulated_holds()) {
        finish(emulated);
    }
    return emulated_poll(engine);
}

/*
 * A transfer that is held is with the hardware and cannot be called back: it
 * happens late.
 */
static bool emulated_stop(void *engine)
{
    const EmulatedEngine *emulated = engine;

    return !emulated->busy;
}

const XenCopyEngineOps xen_copy_engine_emulated_ops = {
    .name = "emulated",
    .bus_addresses = true,
    .open = emulated_open,
    .close = emulated_close,
    .start = emulated_start,
    .poll = emulated_poll,
    .stop = emulated_stop,
};
