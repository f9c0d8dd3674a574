/*
 * xen-copy-engine: by the processor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "system/dma.h"
#include "copy-engine.h"

static bool cpu_open(PCIDevice *pdev, void **engine, Error **errp)
{
    *engine = pdev;
    return true;
}

static void cpu_close(void *engine)
{
}

static int cpu_start(void *engine, const XenCopyTransfer *transfer)
{
    AddressSpace *as = pci_get_address_space(engine);
    DMADirection direction = transfer->to_memory ? DMA_DIRECTION_FROM_DEVICE
                                                 : DMA_DIRECTION_TO_DEVICE;
    /* RAM only: an access to registers could come back to this device. */
    MemTxAttrs attrs = { .memory = 1 };

    return dma_memory_rw(as, transfer->address, transfer->buffer,
                         transfer->length, direction,
                         attrs) == MEMTX_OK ? 0 : -EFAULT;
}

static int cpu_poll(void *engine)
{
    return 0;
}

static bool cpu_stop(void *engine)
{
    return true;
}

const XenCopyEngineOps xen_copy_engine_cpu_ops = {
    .name = "cpu",
    .open = cpu_open,
    .close = cpu_close,
    .start = cpu_start,
    .poll = cpu_poll,
    .stop = cpu_stop,
};
