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

/* Some of the guest's pages in our address space. */
typedef struct View {
    uint8_t *bytes;
    uint64_t first;             /* gfn */
    size_t pages;
} View;

/* What Linux and Xen say of a page that is not there, or not RAM. */
static bool means_no_ram(int error)
{
    return error == -EINVAL || error == -ENOENT || error == -EFAULT;
}

/* All of the pages or none; -EFAULT: one of them is not RAM. */
static int map_view(HypervisorDtNative *native, uint64_t gpa, size_t length,
                    int protection, View *view)
{
    g_autofree xen_pfn_t *gfns = NULL;
    uint64_t last;
    int ret;

    if (!length || gpa >= ADDRESS_END || length > ADDRESS_END - gpa) {
        return -EFAULT;
    }
    last = (gpa + length - 1) / HYPERVISOR_DT_PAGE_SIZE;
    view->first = gpa / HYPERVISOR_DT_PAGE_SIZE;
    view->pages = last - view->first + 1;
    gfns = g_new(xen_pfn_t, view->pages);
    for (size_t i = 0; i < view->pages; i++) {
        gfns[i] = view->first + i;
    }
    errno = 0;
    view->bytes = xenforeignmemory_map(native->memory, native->domid,
                                       protection, view->pages, gfns, NULL);
    if (view->bytes) {
        return 0;
    }
    ret = last_error();
    return means_no_ram(ret) ? -EFAULT : ret;
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
        View view;
        int ret = map_view(native, gpa, step, PROT_READ, &view);

        if (ret) {
            return ret;
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
static int check_ram(HypervisorDtNative *native, uint64_t gpa, size_t length)
{
    while (length > 0) {
        size_t step = step_of(gpa, length);
        View view;
        int ret = map_view(native, gpa, step, PROT_READ | PROT_WRITE, &view);

        if (ret) {
            return ret;
        }
        unmap_view(native, &view);
        gpa += step;
        length -= step;
    }
    return 0;
}

/* As much as is mapped at once. */
static int write_step(HypervisorDtNative *native, uint64_t gpa,
                      const uint8_t *from, size_t step)
{
    View view;
    int ret = map_view(native, gpa, step, PROT_READ | PROT_WRITE, &view);

    if (ret) {
        return ret;
    }
    memcpy(view.bytes + gpa % HYPERVISOR_DT_PAGE_SIZE, from, step);
    unmap_view(native, &view);
    errno = 0;
    return xc_domain_cacheflush(native->control, native->domid, view.first,
                                view.pages) ? last_error() : 0;
}

static int native_write(void *opaque, uint64_t gpa, const void *buffer,
                        size_t length)
{
    HypervisorDtNative *native = opaque;
    const uint8_t *from = buffer;
    int ret = check_ram(native, gpa, length);

    if (ret) {
        return ret;
    }
    while (length > 0) {
        size_t step = step_of(gpa, length);

        ret = write_step(native, gpa, from, step);
        if (ret) {
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
