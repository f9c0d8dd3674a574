/*
 * PV IOMMU: the hypercalls, over libraries that only pretend
 *
 * native.c is compiled into this test; xencall_*(), xc_*() and
 * native_pci_devices() are defined here instead of by libxencall, libxenctrl
 * and native-pci.c.
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XenPvIommuNative, xen_pv_iommu_native_close)

/* A page, as libxencall hands it out, with its header at the beginning. */
#define PAGE_BYTES 4096
#define HEADER_BYTES 16

#define FIRST_DEVICE UINT32_C(0x00000010)       /* 0000:00:02.0 */
#define SECOND_DEVICE UINT32_C(0x0001010b)      /* 0001:01:01.3 */

/* A library that pretends; what it was asked and what it is to answer. */
static struct {
    /* what fails: an errno, or 0 */
    int open_error;
    int buffer_error;
    int control_error;
    int call_error;
    int regions_error;
    int device_regions_error;
    int ram_error;

    /* what it was asked */
    unsigned opened;
    unsigned buffers;
    unsigned buffers_now;
    unsigned closed;
    unsigned controls_now;
    unsigned calls;
    unsigned number;
    uint64_t pointer;
    uint64_t count;
    unsigned region_calls;

    /* what it answers */
    int status;
    struct xen_reserved_device_memory regions[3];
    uint32_t region_count;
    uint32_t regions_grow;          /* more at each call */
    uint32_t regions_claimed;       /* needs this many, it says; or 0 */
    uint8_t page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
} xen;

struct xencall_handle {
    int unused;
};

static xencall_handle the_call;

static void *fail_with(int error)
{
    errno = error;
    return NULL;
}

xencall_handle *xencall_open(struct xentoollog_logger *logger,
                             unsigned open_flags)
{
    if (xen.open_error) {
        return fail_with(xen.open_error);
    }
    xen.opened++;
    return &the_call;
}

int xencall_close(xencall_handle *call)
{
    g_assert_true(call == &the_call);
    g_assert_cmpuint(xen.buffers_now, ==, 0);
    xen.closed++;
    return 0;
}

void *xencall_alloc_buffer(xencall_handle *call, size_t size)
{
    if (xen.buffer_error) {
        return fail_with(xen.buffer_error);
    }
    g_assert_cmpuint(size, <=, PAGE_BYTES - HEADER_BYTES);
    xen.buffers++;
    xen.buffers_now++;
    return xen.page + HEADER_BYTES;
}

void xencall_free_buffer(xencall_handle *call, void *buffer)
{
    g_assert_true(buffer == xen.page + HEADER_BYTES);
    xen.buffers_now--;
}

int xencall2(xencall_handle *call, unsigned op, uint64_t arg1, uint64_t arg2)
{
    XenPvIommuOp *ops = (XenPvIommuOp *)(uintptr_t)arg1;
    uint64_t i;

    g_assert_true(call == &the_call);
    xen.calls++;
    xen.number = op;
    xen.pointer = arg1;
    xen.count = arg2;
    if (xen.call_error) {
        errno = xen.call_error;
        return -1;
    }
    for (i = 0; i < arg2; i++) {
        ops[i].status = xen.status;
        ops[i].u.foreign_page.bfn = ops[i].u.foreign_page.gfn + 0x1000;
    }
    return 0;
}

static int the_control;

xc_interface *xc_interface_open(xentoollog_logger *logger,
                                xentoollog_logger *dombuild_logger,
                                unsigned open_flags)
{
    if (xen.control_error) {
        return fail_with(xen.control_error);
    }
    xen.controls_now++;
    return (xc_interface *)&the_control;
}

int xc_interface_close(xc_interface *control)
{
    xen.controls_now--;
    return 0;
}

int xc_maximum_ram_page(xc_interface *control, unsigned long *max_mfn)
{
    if (xen.ram_error) {
        errno = xen.ram_error;
        return -1;
    }
    *max_mfn = 0x123456;
    return 0;
}

/* All have three regions at most; the first device has the second one. */
int xc_reserved_device_memory_map(xc_interface *control, uint32_t flags,
                                  uint16_t segment, uint8_t bus,
                                  uint8_t devfn,
                                  struct xen_reserved_device_memory *entries,
                                  uint32_t *max_entries)
{
    bool all = flags & XENMEM_RDM_ALL;
    bool first = !all && segment == 0 && bus == 0 && devfn == 0x10;
    uint32_t room = *max_entries;
    uint32_t count = all ? xen.region_count : first;
    const struct xen_reserved_device_memory *from =
        all ? xen.regions : xen.regions + 1;

    xen.region_calls++;
    if (all ? xen.regions_error : xen.device_regions_error) {
        errno = all ? xen.regions_error : xen.device_regions_error;
        return -1;
    }
    if (all) {
        xen.region_count += xen.regions_grow;
    }
    *max_entries = all && xen.regions_claimed ? xen.regions_claimed : count;
    if (room < *max_entries) {
        errno = ENOBUFS;
        return -1;
    }
    if (count) {
        memset(entries, 0, *max_entries * sizeof(*entries));
        memcpy(entries, from, MIN(count, G_N_ELEMENTS(xen.regions)) *
                              sizeof(*entries));
    }
    return 0;
}

GArray *native_pci_devices(void)
{
    GArray *devices = g_array_new(false, false, sizeof(uint32_t));
    uint32_t first = FIRST_DEVICE;
    uint32_t second = SECOND_DEVICE;

    g_array_append_val(devices, second);
    g_array_append_val(devices, first);
    return devices;
}

static XenPvIommuNative *open_native(void)
{
    XenPvIommuNative *native = NULL;
    const char *step;

    memset(&xen, 0, sizeof(xen));
    g_assert_cmpint(xen_pv_iommu_native_open(&native, &step), ==, 0);
    return native;
}

static int submit(XenPvIommuNative *native, XenPvIommuOp *ops, unsigned count)
{
    return xen_pv_iommu_native_ops.submit(native, ops, count);
}

/* --- open and close --- */

static void test_open(void)
{
    XenPvIommuNative *native = open_native();

    g_assert_cmpuint(xen.opened, ==, 1);
    g_assert_cmpuint(xen.buffers_now, ==, 1);
    g_assert_cmpuint(xen.controls_now, ==, 1);
    g_assert_cmpuint(xen.calls, ==, 0);
    xen_pv_iommu_native_close(native);
    g_assert_cmpuint(xen.closed, ==, 1);
    g_assert_cmpuint(xen.buffers_now, ==, 0);
    g_assert_cmpuint(xen.controls_now, ==, 0);
    xen_pv_iommu_native_close(NULL);
}

/* What was opened before a step that fails is closed again. */
static void test_open_fails(void)
{
    static const char *const steps[] = {
        "open libxencall", "allocate a hypercall buffer", "open libxenctrl",
    };
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(steps); i++) {
        XenPvIommuNative *native = NULL;
        const char *step = NULL;

        memset(&xen, 0, sizeof(xen));
        xen.open_error = i == 0 ? EACCES : 0;
        xen.buffer_error = i == 1 ? EACCES : 0;
        xen.control_error = i == 2 ? EACCES : 0;
        g_assert_cmpint(xen_pv_iommu_native_open(&native, &step),
                        ==, -EACCES);
        g_assert_cmpstr(step, ==, steps[i]);
        g_assert_null(native);
        g_assert_cmpuint(xen.opened, ==, xen.closed);
        g_assert_cmpuint(xen.buffers_now, ==, 0);
        g_assert_cmpuint(xen.controls_now, ==, 0);
    }
}

/* --- the hypercall --- */

static void test_call(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    XenPvIommuOp op = {
        .subop = XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE,
        .status = 1,
        .u.foreign_page = { .gfn = 0x42, .domid = 7, .ioserver = 9 },
    };

    g_assert_cmpint(submit(native, &op, 1), ==, 0);
    g_assert_cmpuint(xen.number, ==, 56);
    g_assert_cmpuint(xen.count, ==, 1);
    g_assert_cmpuint(xen.pointer, ==, (uintptr_t)(xen.page + HEADER_BYTES));
    g_assert_cmpint(op.status, ==, 0);
    g_assert_cmpuint(op.u.foreign_page.bfn, ==, 0x1042);
    g_assert_cmpuint(op.u.foreign_page.domid, ==, 7);
    g_assert_cmpuint(op.u.foreign_page.ioserver, ==, 9);
}

/* One buffer for any number of calls. */
static void test_buffer_reuse(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    XenPvIommuOp op = { .subop = XEN_PV_IOMMU_QUERY_CAPS };
    unsigned i;

    for (i = 0; i < 1000; i++) {
        g_assert_cmpint(submit(native, &op, 1), ==, 0);
    }
    g_assert_cmpuint(xen.calls, ==, 1000);
    g_assert_cmpuint(xen.buffers, ==, 1);
}

static void test_batch(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    XenPvIommuOp ops[XEN_PV_IOMMU_BATCH + 1] = { 0 };
    unsigned i;

    for (i = 0; i < XEN_PV_IOMMU_BATCH; i++) {
        ops[i].u.foreign_page.gfn = i;
    }
    g_assert_cmpuint(XEN_PV_IOMMU_BATCH, ==, 127);
    g_assert_cmpint(submit(native, ops, 127), ==, 0);
    g_assert_cmpuint(xen.count, ==, 127);
    for (i = 0; i < XEN_PV_IOMMU_BATCH; i++) {
        g_assert_cmpuint(ops[i].u.foreign_page.bfn, ==, 0x1000 + i);
    }
    g_assert_cmpint(submit(native, ops, 128), ==, -EINVAL);
    g_assert_cmpint(submit(native, ops, 0), ==, -EINVAL);
    g_assert_cmpuint(xen.calls, ==, 1);
}

static void test_call_errors(void)
{
    static const struct {
        int error;
        int result;
    } cases[] = {
        { ENOSYS, -ENOSYS },
        { EPERM, -EPERM },
        { ENOTTY, -EPERM },
        { EBADF, -EPERM },
        { EFAULT, -EFAULT },
        { EINVAL, -EINVAL },
    };
    g_autoptr(XenPvIommuNative) native = open_native();
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        XenPvIommuOp op = { .subop = XEN_PV_IOMMU_QUERY_CAPS, .status = 33 };

        xen.call_error = cases[i].error;
        g_assert_cmpint(submit(native, &op, 1), ==, cases[i].result);
        g_assert_cmpint(op.status, ==, 33);
    }
}

/* Numbers of Xen's own interface, spelled out. */
static void test_statuses(void)
{
    static const struct {
        int xen;
        int host;
    } cases[] = {
        { 0, 0 },
        { -1, -EPERM },
        { -2, -ENOENT },
        { -6, -ENXIO },
        { -13, -EACCES },
        { -19, -ENODEV },
        { -28, -ENOSPC },
        { -38, -ENOSYS },
        { -105, -ENOBUFS },
        { 1, -EIO },            /* no status is positive */
        { -9999, -EIO },
        { INT_MIN, -EIO },
    };
    g_autoptr(XenPvIommuNative) native = open_native();
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        XenPvIommuOp op = { .subop = XEN_PV_IOMMU_QUERY_CAPS };

        xen.status = cases[i].xen;
        g_assert_cmpint(submit(native, &op, 1), ==, 0);
        g_assert_cmpint(op.status, ==, cases[i].host);
    }
}

/* --- reserved regions --- */

typedef struct Told {
    uint64_t start;
    uint64_t frames;
    uint32_t sbdf;
} Told;

static void tell(uint64_t start, uint64_t frames, uint32_t sbdf, void *opaque)
{
    GArray *told = opaque;
    Told one = { start, frames, sbdf };

    g_array_append_val(told, one);
}

static int ask_regions(XenPvIommuNative *native, GArray *told)
{
    g_array_set_size(told, 0);
    return xen_pv_iommu_native_ops.reserved_regions(native, tell, told);
}

static void set_regions(void)
{
    unsigned i;

    xen.region_count = 3;
    for (i = 0; i < 3; i++) {
        xen.regions[i].start_pfn = 0x1000 * (i + 1);
        xen.regions[i].nr_pages = i + 1;
    }
}

static void assert_told(GArray *told, unsigned i, uint64_t start,
                        uint64_t frames, uint32_t sbdf)
{
    const Told *one = &g_array_index(told, Told, i);

    g_assert_cmpuint(one->start, ==, start);
    g_assert_cmpuint(one->frames, ==, frames);
    g_assert_cmpuint(one->sbdf, ==, sbdf);
}

static void test_regions(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    g_autoptr(GArray) told = g_array_new(false, false, sizeof(Told));

    set_regions();
    g_assert_cmpint(ask_regions(native, told), ==, 0);
    g_assert_cmpuint(told->len, ==, 3);
    assert_told(told, 0, 0x2000, 2, FIRST_DEVICE);
    assert_told(told, 1, 0x1000, 1, XEN_PV_IOMMU_NO_SBDF);
    assert_told(told, 2, 0x3000, 3, XEN_PV_IOMMU_NO_SBDF);
}

/* A device that cannot be asked about costs its region the name only. */
static void test_regions_unnamed(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    g_autoptr(GArray) told = g_array_new(false, false, sizeof(Told));

    set_regions();
    xen.device_regions_error = EPERM;
    g_assert_cmpint(ask_regions(native, told), ==, 0);
    g_assert_cmpuint(told->len, ==, 3);
    assert_told(told, 1, 0x2000, 2, XEN_PV_IOMMU_NO_SBDF);
}

static void test_no_regions(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    g_autoptr(GArray) told = g_array_new(false, false, sizeof(Told));

    g_assert_cmpint(ask_regions(native, told), ==, 0);
    g_assert_cmpuint(told->len, ==, 0);
    g_assert_cmpuint(xen.region_calls, ==, 1);

    xen.regions_error = ENOSYS;
    g_assert_cmpint(ask_regions(native, told), ==, -ENOSYS);
    xen.regions_error = ENOTTY;
    g_assert_cmpint(ask_regions(native, told), ==, -EPERM);
}

/* A list that is longer each time is read again, but not for ever. */
static void test_regions_grow(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    g_autoptr(GArray) told = g_array_new(false, false, sizeof(Told));

    set_regions();
    xen.region_count = 1;
    xen.regions_grow = 1;
    g_assert_cmpint(ask_regions(native, told), ==, -E2BIG);
    g_assert_cmpuint(told->len, ==, 0);
    g_assert_cmpuint(xen.region_calls, ==, 5);
}

static void test_regions_too_many(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    g_autoptr(GArray) told = g_array_new(false, false, sizeof(Told));

    set_regions();
    xen.regions_claimed = XEN_PV_IOMMU_NATIVE_REGIONS_MAX + 1;
    g_assert_cmpint(ask_regions(native, told), ==, -E2BIG);
    g_assert_cmpuint(xen.region_calls, ==, 1);
    xen.regions_claimed = XEN_PV_IOMMU_NATIVE_REGIONS_MAX;
    g_assert_cmpint(ask_regions(native, told), ==, 0);
    g_assert_cmpuint(told->len, ==, XEN_PV_IOMMU_NATIVE_REGIONS_MAX);
}

static void test_max_mfn(void)
{
    g_autoptr(XenPvIommuNative) native = open_native();
    uint64_t mfn = 0;

    g_assert_cmpint(xen_pv_iommu_native_ops.max_mfn(native, &mfn), ==, 0);
    g_assert_cmpuint(mfn, ==, 0x123455);
    xen.ram_error = EBADF;
    g_assert_cmpint(xen_pv_iommu_native_ops.max_mfn(native, &mfn),
                    ==, -EPERM);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pv-iommu/native/open", test_open);
    g_test_add_func("/pv-iommu/native/open-fails", test_open_fails);
    g_test_add_func("/pv-iommu/native/call", test_call);
    g_test_add_func("/pv-iommu/native/buffer-reuse", test_buffer_reuse);
    g_test_add_func("/pv-iommu/native/batch", test_batch);
    g_test_add_func("/pv-iommu/native/call-errors", test_call_errors);
    g_test_add_func("/pv-iommu/native/statuses", test_statuses);
    g_test_add_func("/pv-iommu/native/regions", test_regions);
    g_test_add_func("/pv-iommu/native/regions-unnamed", test_regions_unnamed);
    g_test_add_func("/pv-iommu/native/no-regions", test_no_regions);
    g_test_add_func("/pv-iommu/native/regions-grow", test_regions_grow);
    g_test_add_func("/pv-iommu/native/regions-too-many",
                    test_regions_too_many);
    g_test_add_func("/pv-iommu/native/max-mfn", test_max_mfn);
    return g_test_run();
}
