/*
 * Hypervisor node: room for a tree that has grown
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdbool.h>
#include <string.h>

#include "align.h"
#include "kernel.h"
#include "room.h"

/* What is to be proven free: from the tree's end to that of a page. */
typedef struct Behind {
    uint64_t base;
    uint64_t end;
} Behind;

static bool overlaps(const Behind *behind, uint64_t base, uint64_t size)
{
    return size > 0 && base < behind->end &&
           (base >= behind->base || size > behind->base - base);
}

static bool are_zeroes(const uint8_t *bytes, size_t size)
{
    return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

/* --- what could be there --- */

/* A number of one or two cells; false: there is none. */
static bool read_number(const void *fdt, int node, const char *name,
                        uint64_t *number)
{
    int length;
    const void *value = fdt_getprop(fdt, node, name, &length);

    if (value && length == sizeof(fdt32_t)) {
        *number = fdt32_ld(value);
        return true;
    }
    if (value && length == sizeof(fdt64_t)) {
        *number = fdt64_ld(value);
        return true;
    }
    return false;
}

static const char *find_initrd(const void *fdt, const Behind *behind)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    uint64_t start, end;

    if (chosen < 0 ||
        (!fdt_getprop(fdt, chosen, "linux,initrd-start", NULL) &&
         !fdt_getprop(fdt, chosen, "linux,initrd-end", NULL))) {
        return NULL;
    }
    if (!read_number(fdt, chosen, "linux,initrd-start", &start) ||
        !read_number(fdt, chosen, "linux,initrd-end", &end) || end < start) {
        return "an initrd whose place is not clear";
    }
    return overlaps(behind, start, end - start) ? "the initrd" : NULL;
}

static const char *find_reserved(const void *fdt, const Behind *behind)
{
    uint64_t base, size;
    int number = fdt_num_mem_rsv(fdt);

    for (int i = 0; i < number; i++) {
        if (fdt_get_mem_rsv(fdt, i, &base, &size) ||
            overlaps(behind, base, size)) {
            return "memory that the tree reserves";
        }
    }
    if (fdt_path_offset(fdt, "/reserved-memory") >= 0) {
        return "a reserved-memory node, which is not looked into";
    }
    return NULL;
}

/* The next two: 0 if they could be asked, and then *taken says the rest. */
static int find_kernel(const HypervisorDtDomainOps *ops, void *domain,
                       uint64_t kernel, const Behind *behind,
                       const char **taken, HypervisorDtError *error)
{
    uint8_t bytes[KERNEL_HEADER_SIZE];
    HypervisorDtError ignored;
    KernelHeader header;
    int ret = ops->read(domain, kernel, bytes, sizeof(bytes));

    if (ret && ret != -EFAULT) {
        return memory_unreadable(error, ret, kernel);
    }
    if (ret || kernel_header_read(bytes, sizeof(bytes), &header, &ignored)) {
        *taken = "a kernel that does not say how much memory it takes";
    } else if (overlaps(behind, kernel, header.memory)) {
        *taken = "the kernel";
    }
    return 0;
}

static int find_content(const HypervisorDtDomainOps *ops, void *domain,
                        const Behind *behind, const char **taken,
                        HypervisorDtError *error)
{
    size_t size = behind->end - behind->base;
    g_autofree uint8_t *bytes = g_malloc(size);
    int ret = ops->read(domain, behind->base, bytes, size);

    if (ret && ret != -EFAULT) {
        return memory_unreadable(error, ret, behind->base);
    }
    if (ret) {
        *taken = "the end of RAM";
    } else if (!are_zeroes(bytes, size)) {
        *taken = "something that is not zero";
    }
    return 0;
}

/* --- the answer --- */

int room_check(const HypervisorDtDomainOps *ops, void *domain,
               const TreeInGuest *tree, size_t size, HypervisorDtError *error)
{
    Behind behind = {
        .base = tree->gpa + tree->size,
        .end = align_up(tree->gpa + size, HYPERVISOR_DT_PAGE_SIZE),
    };
    const char *taken = NULL;

    if (size <= tree->size) {
        return 0;
    }
    if (find_kernel(ops, domain, tree->kernel, &behind, &taken, error)) {
        return error->code;
    }
    if (!taken) {
        taken = find_initrd(tree->bytes, &behind);
    }
    if (!taken) {
        taken = find_reserved(tree->bytes, &behind);
    }
    if (!taken &&
        find_content(ops, domain, &behind, &taken, error)) {
        return error->code;
    }
    if (!taken) {
        return 0;
    }
    return hypervisor_dt_error_set(error, -ENOSPC, "no room for the new device "
                                   "tree: it has %zu bytes, the old one at 0x%"
                                   PRIx64 " has %zu, and what follows cannot "
                                   "be proven free: there is %s", size,
                                   tree->gpa, tree->size, taken);
}
