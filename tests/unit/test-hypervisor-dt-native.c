/*
 * Hypervisor node: the hypercalls, over libraries that only pretend
 *
 * domain-native.c is compiled into this test; xc_*(), xenforeignmemory_*() and
 * the first CPU are defined here instead of by libxenctrl,
 * libxenforeignmemory and domain-native-cpu.c.
 *
 * The domain has three times as much memory as is mapped at once, from FIRST
 * on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "domain-native.h"

#define PAGE HYPERVISOR_DT_PAGE_SIZE
#define CHUNK 4096              /* pages that are mapped at once */
#define PAGES (3 * CHUNK)
#define FIRST UINT64_C(0x40000)
#define BASE (FIRST * PAGE)
#define DOMID 7

static int control_handle;
static int memory_handle;

/* A library that pretends; what it was asked and what it is to answer. */
static struct {
    uint8_t *memory;            /* PAGES pages */
    GString *calls;             /* "see" (read), "map" and "flush", and where */

    /* what fails */
    int info_error;
    int version_error;
    int pause_error;
    int map_error;              /* the next mapping's */
    int flush_error;
    unsigned flushes_before;    /* how many work before that */
    uint64_t no_ram;            /* a gfn */
    /*
     * Likewise.  Xen would map such a page all the same (p2m_map_foreign_ro),
     * and a write to it would fault; but no toolstack can make one on Arm.
     */
    uint64_t read_only;

    /* what it answers */
    uint32_t domain;
    bool nobody;
    unsigned pauses;

    /* what was mapped last */
    uint64_t mapped_first;
    size_t mapped;
    bool mapped_writable;
    bool is_mapped;
} xen;

static HypervisorDtNative native;

static int fail_with(int error)
{
    errno = error;
    return -1;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first_domain,
                          unsigned int max_domains, xc_domaininfo_t *info)
{
    g_assert_true(xch == (xc_interface *)&control_handle);
    g_assert_cmpuint(first_domain, ==, DOMID);
    g_assert_cmpuint(max_domains, ==, 1);
    if (xen.info_error) {
        return fail_with(xen.info_error);
    }
    if (xen.nobody) {
        return 0;
    }
    *info = (xc_domaininfo_t) {
        .domain = xen.domain,
        .flags = xen.pauses ? XEN_DOMINF_paused : 0,
        .cpu_time = 0,
        .max_vcpu_id = 3,
        .gpaddr_bits = 36,
    };
    return 1;
}

int xc_version(xc_interface *xch, int cmd, void *arg)
{
    g_assert_cmpint(cmd, ==, XENVER_version);
    return xen.version_error ? fail_with(xen.version_error) : 4 << 16 | 20;
}

int xc_domain_pause(xc_interface *xch, uint32_t domid)
{
    g_assert_cmpuint(domid, ==, DOMID);
    if (xen.pause_error) {
        return fail_with(xen.pause_error);
    }
    xen.pauses++;
    return 0;
}

int xc_domain_unpause(xc_interface *xch, uint32_t domid)
{
    g_assert_cmpuint(domid, ==, DOMID);
    xen.pauses--;
    return 0;
}

int xc_domain_cacheflush(xc_interface *xch, uint32_t domid,
                         xen_pfn_t start_pfn, xen_pfn_t nr_pfns)
{
    g_assert_cmpuint(domid, ==, DOMID);
    g_string_append_printf(xen.calls, "flush %" PRIx64 "+%" PRIu64 " ",
                           (uint64_t)start_pfn - FIRST, (uint64_t)nr_pfns);
    if (xen.flush_error && !xen.flushes_before--) {
        return fail_with(xen.flush_error);
    }
    return 0;
}

/* A mapping is all or nothing where the caller wants no errors of pages. */
void *xenforeignmemory_map(xenforeignmemory_handle *handle, uint32_t domid,
                           int protection, size_t pages,
                           const xen_pfn_t gfns[], int errors[])
{
    g_assert_true(handle == (xenforeignmemory_handle *)&memory_handle);
    g_assert_cmpuint(domid, ==, DOMID);
    g_assert_null(errors);
    g_assert_false(xen.is_mapped);
    g_assert_cmpuint(pages, >, 0);
    g_assert_cmpuint(pages, <=, CHUNK);
    if (xen.map_error) {
        errno = xen.map_error;
        return NULL;
    }
    for (size_t i = 0; i < pages; i++) {
        g_assert_cmphex(gfns[i], ==, gfns[0] + i);
        if (gfns[i] < FIRST || gfns[i] >= FIRST + PAGES ||
            gfns[i] == xen.no_ram ||
            (protection & PROT_WRITE && gfns[i] == xen.read_only)) {
            errno = EINVAL;
            return NULL;
        }
    }
    xen.is_mapped = true;
    xen.mapped_first = gfns[0];
    xen.mapped = pages;
    xen.mapped_writable = protection & PROT_WRITE;
    g_string_append_printf(xen.calls, "%s %" PRIx64 "+%zu ",
                           xen.mapped_writable ? "map" : "see",
                           gfns[0] - FIRST, pages);
    return xen.memory + (gfns[0] - FIRST) * PAGE;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *handle, void *address,
                           size_t pages)
{
    g_assert_true(xen.is_mapped);
    g_assert_true(address == xen.memory + (xen.mapped_first - FIRST) * PAGE);
    g_assert_cmpuint(pages, ==, xen.mapped);
    xen.is_mapped = false;
    return 0;
}

int hypervisor_dt_native_get_entry(void *opaque, HypervisorDtEntry *entry)
{
    return -ENOSYS;
}

int hypervisor_dt_native_set_entry(void *opaque,
                                   const HypervisorDtEntry *entry)
{
    return -ENOSYS;
}

/* --- the tests --- */

static const HypervisorDtDomainOps *const ops = &hypervisor_dt_native_ops;

static void begin(void)
{
    xen.memory = g_malloc0(PAGES * PAGE);
    xen.calls = g_string_new(NULL);
    xen.domain = DOMID;
    native = (HypervisorDtNative) {
        .control = (xc_interface *)&control_handle,
        .memory = (xenforeignmemory_handle *)&memory_handle,
        .domid = DOMID,
    };
}

static void end(void)
{
    g_assert_false(xen.is_mapped);
    g_free(xen.memory);
    g_string_free(xen.calls, TRUE);
    memset(&xen, 0, sizeof(xen));
}

static void expect_calls(const char *expected)
{
    g_assert_cmpstr(g_strchomp(xen.calls->str), ==, expected);
    g_string_set_size(xen.calls, 0);
}

static void test_info(void)
{
    HypervisorDtDomainInfo info;

    begin();
    g_assert_cmpint(ops->info(&native, &info), ==, 0);
    g_assert_false(info.paused);
    g_assert_false(info.has_run);
    g_assert_cmpuint(info.cpus, ==, 4);
    g_assert_cmpuint(info.address_bits, ==, 36);
    g_assert_cmpuint(info.xen_major, ==, 4);
    g_assert_cmpuint(info.xen_minor, ==, 20);
    xen.domain = DOMID + 1;     /* the next one, if there is no such domain */
    g_assert_cmpint(ops->info(&native, &info), ==, -ESRCH);
    xen.nobody = true;
    g_assert_cmpint(ops->info(&native, &info), ==, -ESRCH);
    xen.info_error = EPERM;
    g_assert_cmpint(ops->info(&native, &info), ==, -EPERM);
    xen.info_error = 0;
    xen.nobody = false;
    xen.domain = DOMID;
    xen.version_error = EACCES;
    g_assert_cmpint(ops->info(&native, &info), ==, -EACCES);
    end();
}

static void test_pause(void)
{
    HypervisorDtDomainInfo info;

    begin();
    g_assert_cmpint(ops->pause(&native), ==, 0);
    g_assert_cmpint(ops->info(&native, &info), ==, 0);
    g_assert_true(info.paused);
    ops->unpause(&native);
    g_assert_cmpuint(xen.pauses, ==, 0);
    xen.pause_error = EPERM;
    g_assert_cmpint(ops->pause(&native), ==, -EPERM);
    end();
}

static void test_read(void)
{
    char bytes[4] = "";

    begin();
    memcpy(xen.memory + PAGE - 2, "read", 4);
    g_assert_cmpint(ops->read(&native, BASE + PAGE - 2, bytes, 4), ==, 0);
    g_assert_cmpmem(bytes, 4, "read", 4);
    expect_calls("see 0+2");
    xen.read_only = FIRST;
    g_assert_cmpint(ops->read(&native, BASE, bytes, 1), ==, 0);
    expect_calls("see 0+1");
    xen.no_ram = FIRST + 1;
    g_assert_cmpint(ops->read(&native, BASE + PAGE - 2, bytes, 4), ==,
                    -EFAULT);
    g_assert_cmpint(ops->read(&native, BASE - 1, bytes, 4), ==, -EFAULT);
    g_assert_cmpint(ops->read(&native, UINT64_MAX - 1, bytes, 4), ==,
                    -EFAULT);
    end();
}

/* All of it is mapped first; then each part is written, and cleaned. */
static void test_write(void)
{
    size_t size = (CHUNK + 1) * PAGE;
    g_autofree uint8_t *bytes = g_malloc(size);

    begin();
    memset(bytes, 0xa5, size);
    g_assert_cmpint(ops->write(&native, BASE + 5, "tree", 4), ==, 0);
    expect_calls("map 0+1 map 0+1 flush 0+1");
    g_assert_cmpmem(xen.memory + 5, 4, "tree", 4);
    g_assert_cmpuint(xen.memory[4], ==, 0);
    g_assert_cmpuint(xen.memory[9], ==, 0);

    g_assert_cmpint(ops->write(&native, BASE + PAGE - 1, bytes, size), ==, 0);
    expect_calls("map 0+4096 map 1000+2 "
                 "map 0+4096 flush 0+4096 map 1000+2 flush 1000+2");
    g_assert_cmpuint(xen.memory[PAGE - 2], ==, 0);
    g_assert_cmpmem(xen.memory + PAGE - 1, size, bytes, size);
    g_assert_cmpuint(xen.memory[PAGE - 1 + size], ==, 0);
    end();
}

/* A page that is not RAM, or cannot be written: nothing is. */
static void test_write_refused(void)
{
    size_t size = (CHUNK + 1) * PAGE;
    g_autofree uint8_t *bytes = g_malloc(size);

    begin();
    memset(bytes, 0xa5, size);
    xen.read_only = FIRST + CHUNK;
    g_assert_cmpint(ops->write(&native, BASE, bytes, size), ==, -EFAULT);
    expect_calls("map 0+4096");
    xen.read_only = 0;
    xen.no_ram = FIRST + CHUNK;
    g_assert_cmpint(ops->write(&native, BASE, bytes, size), ==, -EFAULT);
    for (size_t i = 0; i < size; i++) {
        g_assert_cmpuint(xen.memory[i], ==, 0);
    }
    g_assert_cmpint(ops->write(&native, UINT64_C(1) << 52, "x", 1), ==,
                    -EFAULT);
    end();
}

/* Only some errors say that a page is not RAM. */
static void test_map_fails(void)
{
    static const struct {
        int error;
        int expected;
    } errors[] = {
        { EINVAL, -EFAULT }, { ENOENT, -EFAULT }, { EFAULT, -EFAULT },
        { ENOMEM, -ENOMEM }, { EPERM, -EPERM }, { ESRCH, -ESRCH },
    };
    char byte;

    begin();
    for (unsigned i = 0; i < G_N_ELEMENTS(errors); i++) {
        xen.map_error = errors[i].error;
        g_assert_cmpint(ops->read(&native, BASE, &byte, 1), ==,
                        errors[i].expected);
        g_assert_cmpint(ops->write(&native, BASE, "x", 1), ==,
                        errors[i].expected);
    }
    end();
}

/* Some of it may be there: that is not -EFAULT. */
static void test_flush_fails(void)
{
    size_t size = (CHUNK + 1) * PAGE;
    g_autofree uint8_t *bytes = g_malloc(size);

    begin();
    memset(bytes, 0xa5, size);
    xen.flush_error = EIO;
    g_assert_cmpint(ops->write(&native, BASE, "tree", 4), ==, -EIO);
    expect_calls("map 0+1 map 0+1 flush 0+1");
    xen.flushes_before = 1;
    g_assert_cmpint(ops->write(&native, BASE, bytes, size), ==, -EIO);
    expect_calls("map 0+4096 map 1000+1 "
                 "map 0+4096 flush 0+4096 map 1000+1 flush 1000+1");
    xen.flushes_before = 0;
    xen.flush_error = ENOMEM;
    g_assert_cmpint(ops->write(&native, BASE, "tree", 4), ==, -ENOMEM);
    xen.flushes_before = 0;
    xen.flush_error = EFAULT;
    g_assert_cmpint(ops->write(&native, BASE, "tree", 4), ==, -EIO);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hypervisor-dt/native/info", test_info);
    g_test_add_func("/hypervisor-dt/native/pause", test_pause);
    g_test_add_func("/hypervisor-dt/native/read", test_read);
    g_test_add_func("/hypervisor-dt/native/write", test_write);
    g_test_add_func("/hypervisor-dt/native/write-refused",
                    test_write_refused);
    g_test_add_func("/hypervisor-dt/native/map-fails", test_map_fails);
    g_test_add_func("/hypervisor-dt/native/flush-fails", test_flush_fails);
    return g_test_run();
}
