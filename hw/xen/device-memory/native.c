/*
 * Device memory: ops on real Xen; guest pages (libxenctrl), and QEMU's glue
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/xen/xen_native.h"      /* before anything else of Xen's */
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "system/xen.h"
#include "hw/xen/device-memory.h"
#include "hw/xen/xen-hvm-common.h"
#include "device.h"
#include "native-store.h"

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

static xen_pfn_t *gfn_list(uint64_t gfn, uint32_t pages)
{
    xen_pfn_t *list = g_new(xen_pfn_t, pages);

    for (uint32_t i = 0; i < pages; i++) {
        list[i] = gfn + i;
    }
    return list;
}

/* How many pages Xen is told of at a time: a list of half a MiB. */
#define PAGES_AT_ONCE 65536

static int native_populate(void *opaque, uint64_t gfn, uint32_t pages,
                           uint32_t *done)
{
    *done = 0;
    while (*done < pages) {
        uint32_t now = MIN(pages - *done, PAGES_AT_ONCE);
        g_autofree xen_pfn_t *list = gfn_list(gfn + *done, now);
        int ret = xc_domain_populate_physmap(xen_xc, xen_domid, now, 0, 0,
                                             list);

        if (ret < 0) {
            return last_error();
        }
        *done += ret;
        if (ret < (int64_t)now) {
            /* Xen says how many it gave, not why it gave no more. */
            return -ENOMEM;
        }
    }
    return 0;
}

static int native_release(void *opaque, uint64_t gfn, uint32_t pages)
{
    while (pages) {
        uint32_t now = MIN(pages, PAGES_AT_ONCE);
        g_autofree xen_pfn_t *list = gfn_list(gfn, now);
        int ret = xc_domain_decrease_reservation(xen_xc, xen_domid, now, 0,
                                                 list);

        if (ret < 0) {
            return last_error();
        }
        if (ret < (int64_t)now) {
            return -EBUSY;
        }
        gfn += now;
        pages -= now;
    }
    return 0;
}

static int native_move(void *opaque, uint64_t from, uint64_t to,
                       uint32_t pages)
{
    return xendevicemodel_relocate_memory(xen_dmod, xen_domid, pages, from, to)
           ? last_error() : 0;
}

static void native_bring_back(void *opaque, uint64_t gfn)
{
#ifdef TARGET_I386
    xen_device_memory_bring_back(gfn << XEN_PAGE_SHIFT);
#endif
}

static int native_map(void *opaque, uint64_t gfn, uint32_t pages, void **host)
{
    g_autofree xen_pfn_t *list = gfn_list(gfn, pages);
    void *mapping = xenforeignmemory_map(xen_fmem, xen_domid,
                                         PROT_READ | PROT_WRITE, pages, list,
                                         NULL);

    if (!mapping) {
        return last_error();
    }
    *host = mapping;
    return 0;
}

static void native_unmap(void *opaque, void *host, uint32_t pages)
{
    xenforeignmemory_unmap(xen_fmem, host, pages);
}

static bool native_restricted(void *opaque)
{
    return xen_domid_restrict;
}

static int native_limits(void *opaque, uint64_t *max_pages, uint64_t *pages)
{
    xc_domaininfo_t info;
    int ret = xc_domain_getinfolist(xen_xc, xen_domid, 1, &info);

    if (ret < 0) {
        return last_error();
    }
    if (ret != 1 || info.domain != xen_domid) {
        return -ESRCH;
    }
    *max_pages = info.max_pages;
    *pages = info.tot_pages;
    return 0;
}

static int native_credit(void *opaque, uint32_t *credit_kib)
{
    g_autofree char *path =
        g_strdup_printf("/local/domain/%" PRIu32 "/memory/videoram",
                        xen_domid);
    g_autofree char *text = NULL;
    uint64_t kib;
    int ret = native_store_ops.read(opaque, path, &text);

    if (ret < 0 && ret != -ENOENT) {
        return ret;
    }
    if (ret == -ENOENT) {
        *credit_kib = 0;    /* not libxl: nothing is accounted for */
        return 0;
    }
    /* libxl writes -1 where a guest has no video memory of its own. */
    if (!device_memory_parse_number(text, strlen(text),
                                    DEVICE_MEMORY_TOTAL_MAX, &kib)) {
        kib = 0;
    }
    *credit_kib = kib;
    return 0;
}

static const DeviceMemoryPageOps native_page_ops = {
    .populate = native_populate,
    .release = native_release,
    .move = native_move,
    .bring_back = native_bring_back,
    .map = native_map,
    .unmap = native_unmap,
    .restricted = native_restricted,
    .limits = native_limits,
    .credit = native_credit,
};

static void native_detach(XenDeviceMemory *dm)
{
    if (dm->ops_state) {
        qemu_set_fd_handler(native_store_fileno(dm->ops_state), NULL, NULL,
                            NULL);
        native_store_close(dm->ops_state);
        dm->ops_state = NULL;
    }
}

static void readable(void *opaque)
{
    native_store_drain(opaque);
}

static void service_changed(void *opaque)
{
    xen_device_memory_service_changed(opaque);
}

static bool native_attach(XenDeviceMemory *dm, Error **errp)
{
    g_autofree char *unwatched = NULL;
    NativeStore *store = native_store_open(xen_domid, service_changed, dm,
                                           &unwatched);

    if (!store && unwatched) {
        error_setg_errno(errp, errno, "cannot watch %s", unwatched);
        return false;
    }
    if (!store) {
        error_setg_errno(errp, errno, "cannot reach xenstore");
        return false;
    }
    dm->ops_state = store;
    qemu_set_fd_handler(native_store_fileno(store), readable, NULL, store);
    return true;
}

/* Guest RAM and the window for grants are the toolstack's, not ours. */
static bool native_accounts_for(const MemoryRegion *mr)
{
    return !xen_mr_is_memory((MemoryRegion *)mr);
}

static bool native_has_guest_ram(XenDeviceMemory *dm)
{
    return memory_region_size(&xen_memory);
}

static void native_class_init(ObjectClass *oc, XendmClassData data)
{
    XenDeviceMemoryClass *dmc = XEN_DEVICE_MEMORY_CLASS(oc);

    dmc->store_ops = &native_store_ops;
    dmc->page_ops = &native_page_ops;
    dmc->attach = native_attach;
    dmc->detach = native_detach;
    dmc->accounts_for = native_accounts_for;
    dmc->has_guest_ram = native_has_guest_ram;
}

static const TypeInfo native_types[] = {
    {
        .name = TYPE_XEN_DEVICE_MEMORY_NATIVE,
        .parent = TYPE_XEN_DEVICE_MEMORY,
        .class_init = native_class_init,
    },
};

DEFINE_TYPES(native_types)
