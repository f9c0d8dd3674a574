/*
 * Hypervisor node: a domain of the Xen that QEMU runs on
 *
 * The first CPU is in domain-native-cpu.c: its registers have other names on
 * other machines, where tests compile this file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "domain-native.h"

/* One past the highest guest-physical address that a gfn can stand for. */
#define ADDRESS_END (UINT64_C(1) << HYPERVISOR_DT_ADDRESS_BITS_MAX)

/* Pages that are mapped at once: 16 MiB. */
#define PAGES_AT_ONCE 4096

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

static int native_info(void *opaque, HypervisorDtDomainInfo *info)
{
    HypervisorDtNative *native = opaque;
    xc_domaininfo_t found;
    int version;
    int ret;

    errno = 0;
    ret = xc_domain_getinfolist(native->control, native->domid, 1, &found);
    if (ret < 0) {
        return last_error();
    }
    if (!ret || found.domain != native->domid) {
        return -ESRCH;
    }
    version = xc_version(native->control, XENVER_version, NULL);
    if (version < 0) {
        return last_error();
    }
    *info = (HypervisorDtDomainInfo){
        .paused = found.flags & XEN_DOMINF_paused,
        .has_run = found.cpu_time > 0,
        .cpus = found.max_vcpu_id + 1,
        .address_bits = found.gpaddr_bits,
        .xen_major = version >> 16,
        .xen_minor = version & 0xffff,
    };
    return 0;
}

static int native_pause(void *opaque)
{
    HypervisorDtNative *native = opaque;

    errno = 0;
    return xc_domain_pause(native->control, native->domid) ? last_error() : 0;
}

/* What was paused can be unpaused, unless the domain is gone. */
static void native_unpause(void *opaque)
{
    HypervisorDtNative *native = opaque;

    xc_domain_unpause(native->control, native->domid);
}

/* --- memory --- */

/* Some of the guest's pages in our address space, all of them or none. */
typedef struct View {
    uint8_t *bytes;             /* NULL: a page is not RAM */
    uint64_t first;             /* gfn */
    size_t pages;
} View;

static View map_view(HypervisorDtNative *native, uint64_t gpa, size_t length,
                     int protection)
{
    View view = { .first = gpa / HYPERVISOR_DT_PAGE_SIZE };
    g_autofree xen_pfn_t *gfns = NULL;
    uint64_t last;

    if (!length || gpa >= ADDRESS_END || length > ADDRESS_END - gpa) {
        return view;
    }
    last = (gpa + length - 1) / HYPERVISOR_DT_PAGE_SIZE;
    view.pages = last - view.first + 1;
    gfns = g_new(xen_pfn_t, view.pages);
    for (size_t i = 0; i < view.pages; i++) {
        gfns[i] = view.first + i;
    }
    view.bytes = xenforeignmemory_map(native->memory, native->domid,
                                      protection, view.pages, gfns, NULL);
    return view;
}

static void unmap_view(HypervisorDtNative *native, const View *view)
{
    xenforeignmemory_unmap(native->memory, view->bytes, view->pages);
}

/* As much of a range as is mapped at once. */
static size_t step_of(uint64_t gpa, size_t length)
{
    uint64_t room = PAGES_AT_ONCE * HYPERVISOR_DT_PAGE_SIZE -
                    gpa % HYPERVISOR_DT_PAGE_SIZE;

    return MIN(length, room);
}

static int native_read(void *opaque, uint64_t gpa, void *buffer, size_t length)
{
    HypervisorDtNative *native = opaque;
    uint8_t *to = buffer;

    while (length > 0) {
        size_t step = step_of(gpa, length);
        View view = map_view(native, gpa, step, PROT_READ);

        if (!view.bytes) {
            return -EFAULT;
        }
        memcpy(to, view.bytes + gpa % HYPERVISOR_DT_PAGE_SIZE, step);
        unmap_view(native, &view);
        gpa += step;
        to += step;
        length -= step;
    }
    return 0;
}

/* Nothing may be written before all of it is known to be RAM. */
static bool is_ram(HypervisorDtNative *native, uint64_t gpa, size_t length)
{
    while (length > 0) {
        size_t step = step_of(gpa, length);
        View view = map_view(native, gpa, step, PROT_READ | PROT_WRITE);

        if (!view.bytes) {
            return false;
        }
        unmap_view(native, &view);
        gpa += step;
        length -= step;
    }
    return true;
}

static int native_write(void *opaque, uint64_t gpa, const void *buffer,
                        size_t length)
{
    HypervisorDtNative *native = opaque;
    const uint8_t *from = buffer;

    if (!is_ram(native, gpa, length)) {
        return -EFAULT;
    }
    while (length > 0) {
        size_t step = step_of(gpa, length);
        View view = map_view(native, gpa, step, PROT_READ | PROT_WRITE);
        int ret;

        if (!view.bytes) {
            return -EIO;        /* it was there just now */
        }
        memcpy(view.bytes + gpa % HYPERVISOR_DT_PAGE_SIZE, from, step);
        unmap_view(native, &view);
        errno = 0;
        if (xc_domain_cacheflush(native->control, native->domid, view.first,
                                 view.pages)) {
            ret = last_error();
            /* -EFAULT would say that nothing was written. */
            return ret == -EFAULT ? -EIO : ret;
        }
        gpa += step;
        from += step;
        length -= step;
    }
    return 0;
}

const HypervisorDtDomainOps hypervisor_dt_native_ops = {
    .name = "native",
    .pause = native_pause,
    .unpause = native_unpause,
    .info = native_info,
    .get_entry = hypervisor_dt_native_get_entry,
    .set_entry = hypervisor_dt_native_set_entry,
    .read = native_read,
    .write = native_write,
};
