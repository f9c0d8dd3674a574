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
    XenCopyTransfer transfer;
    bool busy;
} EmulatedEngine;

static bool emulated_open(PCIDevice *pdev, void **engine, Error **errp)
{
    if (!pv_iommu_emulated_exists()) {
        error_setg(errp, "engine=emulated is a bus master of the emulated "
                   "host, and there is none (-device xen-pv-iommu-emulated)");
        return false;
    }
    *engine = g_new0(EmulatedEngine, 1);
    return true;
}

static void emulated_close(void *engine)
{
    g_free(engine);
}

static bool finish(EmulatedEngine *emulated)
{
    const XenCopyTransfer *transfer = &emulated->transfer;

    emulated->busy = false;
    return pv_iommu_emulated_access(transfer->address, transfer->buffer,
                                    transfer->length, transfer->to_memory);
}

static int emulated_poll(void *engine)
{
    if (pv_iommu_emulated_holds()) {
        return -EINPROGRESS;
    }
    return finish(engine) ? 0 : -EFAULT;
}

static int emulated_start(void *engine, const XenCopyTransfer *transfer)
{
    EmulatedEngine *emulated = engine;

    emulated->transfer = *transfer;
    emulated->busy = true;
    return emulated_poll(engine);
}

/*
 * A transfer that is held is with the hardware and cannot be called back: it
 * happens late.
 */
static bool emulated_stop(void *engine)
{
    EmulatedEngine *emulated = engine;

    if (emulated->busy && pv_iommu_emulated_holds()) {
        return false;
    }
    if (emulated->busy) {
        finish(emulated);
    }
    return true;
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
