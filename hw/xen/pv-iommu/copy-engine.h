/*
 * xen-copy-engine: what does the work
 *
 * Concepts
 * - An engine moves up to a page between memory and a buffer.  It knows guest
 *   addresses or bus addresses, as its table says.
 * - It may take its time: start, then poll until it is done.  stop asks it to
 *   give up; real hardware may not be able to at once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_COPY_ENGINE_H
#define HW_XEN_PV_IOMMU_COPY_ENGINE_H

#include "hw/pci/pci_device.h"

/*
 * One at a time.  The buffer stays valid until it is done or stopped, even if
 * the device goes before.
 */
typedef struct XenCopyTransfer {
    uint64_t address;
    uint8_t *buffer;
    unsigned length;            /* does not cross a page */
    bool to_memory;
} XenCopyTransfer;

typedef struct XenCopyEngineOps {
    const char *name;
    bool bus_addresses;         /* else guest addresses */

    /**
     * @open: make an engine
     * @pdev: the device it is for
     * @engine: set to it, to be given to the others
     * @errp: set when false is returned
     */
    bool (*open)(PCIDevice *pdev, void **engine, Error **errp);

    /* @close: the reverse of @open; the engine is quiet. */
    void (*close)(void *engine);

    /**
     * @start: begin a transfer
     *
     * Returns: 0 when it is done already, -EINPROGRESS, or -EFAULT when the
     *          memory cannot be reached
     */
    int (*start)(void *engine, const XenCopyTransfer *transfer);

    /**
     * @poll: how is the transfer?
     *
     * Returns: as @start
     */
    int (*poll)(void *engine);

    /**
     * @stop: give the transfer up, if there is one
     *
     * Returns: true when the engine is quiet: it touches no memory any more
     */
    bool (*stop)(void *engine);
} XenCopyEngineOps;

/* Copies by the processor, like any emulated device; needs no PV IOMMU. */
extern const XenCopyEngineOps xen_copy_engine_cpu_ops;

/* Masters the bus of the emulated host. */
extern const XenCopyEngineOps xen_copy_engine_emulated_ops;

#endif /* HW_XEN_PV_IOMMU_COPY_ENGINE_H */
