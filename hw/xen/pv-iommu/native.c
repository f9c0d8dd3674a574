/*
 * PV IOMMU: hypercalls to the Xen that this process runs on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <xencall.h>
#include <xenctrl.h>

#include "hw/xen/pv-iommu-native.h"
#include "hw/xen/pv-iommu-reserved.h"
#include "native-pci.h"

/* How often the list of regions may turn out longer than it was. */
#define REGIONS_TRIES 4

struct XenPvIommuNative {
    xencall_handle *call;
    XenPvIommuOp *buffer;           /* memory that a hypercall can read */
    xc_interface *control;
};

/* --- open and close --- */

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

int xen_pv_iommu_native_open(XenPvIommuNative **native, const char **step)
{
    XenPvIommuNative *opened = g_new0(XenPvIommuNative, 1);
    int ret;

    *step = "open libxencall";
    errno = 0;
    opened->call = xencall_open(NULL, 0);
    if (opened->call) {
        *step = "allocate a hypercall buffer";
        opened->buffer = xencall_alloc_buffer(
            opened->call, XEN_PV_IOMMU_BATCH * sizeof(XenPvIommuOp));
    }
    if (opened->buffer) {
        *step = "open libxenctrl";
        opened->control = xc_interface_open(NULL, NULL, 0);
    }
    if (!opened->control) {
        ret = last_error();
        xen_pv_iommu_native_close(opened);
        return ret;
    }
    *native = opened;
    return 0;
}

void xen_pv_iommu_native_close(XenPvIommuNative *native)
{
    if (!native) {
        return;
    }
    if (native->control) {
        xc_interface_close(native->control);
    }
    if (native->buffer) {
        xencall_free_buffer(native->call, native->buffer);
    }
    if (native->call) {
        xencall_close(native->call);
    }
    g_free(native);
}

/* --- the hypercall --- */

/*
 * Xen's numbers are those of Linux on x86; elsewhere they have to be
 * translated.  Xen's header calls XEN_ERRNO for each number that it has.
 */
static int host_status(int status)
{
    static const struct {
        int xen;
        int host;
    } numbers[] = {
#define XEN_ERRNO(name, value) { value, name },
#include <xen/errno.h>
    };
    unsigned i;

    if (!status) {
        return 0;
    }
    for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (status == -numbers[i].xen) {
            return -numbers[i].host;
        }
    }
    return -EIO;
}

/* Why a hypercall did not happen. */
static int call_error(int error)
{
    switch (error) {
    case EBADF:
    case ENOTTY:    /* the handle leads to /dev/null now */
    case EPERM:
        return -EPERM;
    case 0:
        return -EIO;
    default:
        return -error;
    }
}

static int native_submit(void *hypervisor, XenPvIommuOp *ops, unsigned count)
{
    XenPvIommuNative *native = hypervisor;
    unsigned i;

    if (!count || count > XEN_PV_IOMMU_BATCH) {
        return -EINVAL;
    }
    memcpy(native->buffer, ops, count * sizeof(*ops));
    errno = 0;
    if (xencall2(native->call, XEN_PV_IOMMU_HYPERCALL,
                 (uintptr_t)native->buffer, count) < 0) {
        return call_error(errno);
    }
    memcpy(ops, native->buffer, count * sizeof(*ops));
    for (i = 0; i < count; i++) {
        ops[i].status = host_status(ops[i].status);
    }
    return 0;
}

/* --- reserved regions --- */

typedef struct xen_reserved_device_memory Region;

/*
 * The regions of one device, or of all (XENMEM_RDM_ALL).  Xen says how many
 * there are when it is given too little room for them.
 */
static int read_regions(XenPvIommuNative *native, uint32_t flags,
                        uint32_t sbdf, Region **regions, uint32_t *count)
{
    uint32_t room = 0;
    unsigned tries;
    int ret;

    *regions = NULL;
    for (tries = 0; tries <= REGIONS_TRIES; tries++) {
        *count = room;
        errno = 0;
        ret = xc_reserved_device_memory_map(native->control, flags,
                                            sbdf >> 16, sbdf >> 8 & 0xff,
                                            sbdf & 0xff, *regions, count);
        if (ret >= 0) {
            *count = MIN(*count, room);
            return 0;
        }
        if (errno != ENOBUFS) {
            return call_error(errno);
        }
        if (*count > XEN_PV_IOMMU_NATIVE_REGIONS_MAX) {
            return -E2BIG;
        }
        room = *count;
        *regions = g_renew(Region, *regions, room);
    }
    return -E2BIG;
}

static void name_regions(XenPvIommuNative *native, uint32_t sbdf,
                         const Region *all, bool *named, uint32_t all_count,
                         XenPvIommuReservedFunc *func, void *opaque)
{
    g_autofree Region *own = NULL;
    uint32_t count;
    uint32_t i;
    uint32_t k;

    if (read_regions(native, 0, sbdf, &own, &count) < 0) {
        return;                     /* they are told without a name */
    }
    for (i = 0; i < count; i++) {
        func(own[i].start_pfn, own[i].nr_pages, sbdf, opaque);
        for (k = 0; k < all_count; k++) {
            named[k] |= all[k].start_pfn == own[i].start_pfn &&
                        all[k].nr_pages == own[i].nr_pages;
        }
    }
}

/* Xen lists the regions without their devices, or those of a device. */
static int native_reserved_regions(void *hypervisor,
                                   XenPvIommuReservedFunc *func, void *opaque)
{
    XenPvIommuNative *native = hypervisor;
    g_autofree Region *all = NULL;
    g_autofree bool *named = NULL;
    g_autoptr(GArray) devices = NULL;
    uint32_t count;
    uint32_t i;
    int ret = read_regions(native, XENMEM_RDM_ALL, 0, &all, &count);

    if (ret < 0 || !count) {
        return ret;
    }
    named = g_new0(bool, count);
    devices = native_pci_devices();
    for (i = 0; i < devices->len; i++) {
        name_regions(native, g_array_index(devices, uint32_t, i), all, named,
                     count, func, opaque);
    }
    for (i = 0; i < count; i++) {
        if (!named[i]) {
            func(all[i].start_pfn, all[i].nr_pages, XEN_PV_IOMMU_NO_SBDF,
                 opaque);
        }
    }
    return 0;
}

static int native_max_mfn(void *hypervisor, uint64_t *mfn)
{
    XenPvIommuNative *native = hypervisor;
    unsigned long end;

    errno = 0;
    if (xc_maximum_ram_page(native->control, &end) < 0) {
        return call_error(errno);
    }
    /* Whatever the name says, it is Xen's max_page: the one behind the last. */
    *mfn = MAX(end, 1) - 1;
    return 0;
}

const XenPvIommuOps xen_pv_iommu_native_ops = {
    .name = "native",
    .submit = native_submit,
    .reserved_regions = native_reserved_regions,
    .max_mfn = native_max_mfn,
};
