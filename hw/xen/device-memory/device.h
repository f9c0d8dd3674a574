/*
 * Device memory: the object that holds a device model's accounts
 *
 * Concepts
 * - XenDeviceMemory owns one ledger and one asker; the BQL serialises it.  The
 *   list of mappings, in hooks.c, is read without it: RCU protects that.
 * - A subclass brings the two ops tables and their state: native or emulated.
 * - hooks.c is called by QEMU; claim.c is the sequence declare, ask, populate;
 *   device.c is the QOM side.
 * - Numbers that belong to Xen (max_pages, page counts) are read when needed.
 * - At most one object exists; the native one is made when first needed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_DEVICE_H
#define HW_XEN_DEVICE_MEMORY_DEVICE_H

#include "hw/qdev-core.h"
#include "hw/xen/device-memory-asker.h"
#include "hw/xen/device-memory-ledger.h"
#include "hw/xen/device-memory-ops.h"
#include "hw/xen/xendm-compat.h"
#include "qom/object.h"

#define TYPE_XEN_DEVICE_MEMORY "xen-device-memory"
#define TYPE_XEN_DEVICE_MEMORY_NATIVE TYPE_XEN_DEVICE_MEMORY "-native"
#define TYPE_XEN_DEVICE_MEMORY_EMULATED TYPE_XEN_DEVICE_MEMORY "-emulated"

OBJECT_DECLARE_TYPE(XenDeviceMemory, XenDeviceMemoryClass, XEN_DEVICE_MEMORY)

#define XEN_PAGE_SHIFT 12

/* How long an answer is waited for, in milliseconds. */
#define XEN_DEVICE_MEMORY_BOOT_DEADLINE_MS 10000
#define XEN_DEVICE_MEMORY_RUN_DEADLINE_MS 2000

struct XenDeviceMemory {
    DeviceState parent_obj;

    uint32_t boot_deadline_ms;
    uint32_t run_deadline_ms;

    DeviceMemoryLedger *ledger;
    DeviceMemoryAsker *asker;
    void *ops_state;            /* the first argument of all ops */
    uint32_t granted_kib;       /* as the last answer had it */
    bool booted;                /* the machine is complete */
    bool leaving;               /* QEMU is about to exit */
    QEMUBH *declare;            /* tells whoever can be told now */
    int64_t waited_us;          /* for answers, in this turn of the main loop */
    QEMUBH *turn_over;          /* ends the turn */
    MemoryRegion reserve;       /* see reserve.h; unused without a reserve */
    GHashTable *retired;        /* RAMBlock -> pages that linger */

    /* What xen_device_memory_prepare() has done for the block added next. */
    bool rehearsing;
    struct {
        char *name;
        bool populated;
        uint64_t gfn;
        uint64_t pages;
        void *host;             /* where they are mapped, or NULL */
    } prepared;

    Notifier machine_done;
    Notifier shutdown;
};

struct XenDeviceMemoryClass {
    DeviceClass parent_class;

    const DeviceMemoryStoreOps *store_ops;
    const DeviceMemoryPageOps *page_ops;

    /**
     * @attach: make the state of the ops tables.  Mandatory.
     * @dm: the object, whose ops_state is to be set
     * @errp: set when false is returned
     */
    bool (*attach)(XenDeviceMemory *dm, Error **errp);

    /**
     * @detach: the reverse of @attach.  Mandatory.
     * @dm: the object, whose ops_state may be NULL
     */
    void (*detach)(XenDeviceMemory *dm);

    /**
     * @accounts_for: is a memory region made of guest pages that QEMU takes?
     * Mandatory.
     * @mr: the memory region
     */
    bool (*accounts_for)(const MemoryRegion *mr);

    /**
     * @has_guest_ram: has the guest's own memory got its place?  Mandatory.
     * @dm: the object
     */
    bool (*has_guest_ram)(XenDeviceMemory *dm);
};

/* The table of the object's class, for calls with its ops_state. */
static inline const DeviceMemoryPageOps *
xen_device_memory_page_ops(XenDeviceMemory *dm)
{
    return XEN_DEVICE_MEMORY_GET_CLASS(dm)->page_ops;
}

/**
 * xen_device_memory_current: the one object, if there is one
 *
 * Makes the native one under Xen when it is first called.
 *
 * Returns: the object, or NULL when nothing is to be accounted for
 */
XenDeviceMemory *xen_device_memory_current(void);

/**
 * xen_device_memory_service: what is known of a toolstack
 * @dm: the object
 *
 * Returns: as device_memory_asker_service()
 */
int xen_device_memory_service(XenDeviceMemory *dm);

/**
 * xen_device_memory_service_changed: a toolstack has come, or gone
 * @dm: the object, realized or about to be
 *
 * One that has come is told from the main loop what it has not granted yet.
 */
void xen_device_memory_service_changed(XenDeviceMemory *dm);

/**
 * xen_device_memory_publish: show the blocks below the device model's node
 * @dm: the object
 *
 * A failure is traced; it changes no decision.
 */
void xen_device_memory_publish(XenDeviceMemory *dm);

#endif /* HW_XEN_DEVICE_MEMORY_DEVICE_H */
