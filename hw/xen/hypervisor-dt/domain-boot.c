/*
 * Hypervisor node: put a kernel, an initrd and a tree into a domain
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdbool.h>

#include "align.h"
#include "blob.h"
#include "hw/xen/hypervisor-dt-domain.h"
#include "kernel.h"
#include "reading.h"
#include "tree-in-guest.h"

/* --- what the domain is --- */

static void find_gic(const void *fdt, HypervisorDtGuest *guest)
{
    int node = fdt_node_offset_by_phandle(fdt, HYPERVISOR_DT_GIC_PHANDLE);

    if (node < 0) {
        return;
    }
    if (!fdt_node_check_compatible(fdt, node, "arm,gic-v3")) {
        guest->gic = HYPERVISOR_DT_GIC_V3;
    } else if (!fdt_node_check_compatible(fdt, node, "arm,cortex-a15-gic")) {
        guest->gic = HYPERVISOR_DT_GIC_V2;
    }
}

static bool is_uart(const void *fdt, int node)
{
    size_t size;
    const void *reg = property(fdt, node, "reg", &size);

    return !fdt_node_check_compatible(fdt, node, "arm,sbsa-uart") &&
           size >= sizeof(fdt64_t) &&
           fdt64_ld(reg) == HYPERVISOR_DT_UART_BASE;
}

static void find_uart(const void *fdt, HypervisorDtGuest *guest)
{
    int node;

    fdt_for_each_subnode(node, fdt, 0) {
        guest->uart |= is_uart(fdt, node);
    }
}

/* libxl's tree, if there is one, knows what Xen emulates. */
static void find_devices(const HypervisorDtDomainOps *ops, void *domain,
                         HypervisorDtGuest *guest)
{
    g_auto(TreeInGuest) tree = { .bytes = NULL };
    g_autofree void *fdt = NULL;
    HypervisorDtError ignored;

    if (tree_in_guest_read(ops, domain, &tree, &ignored)) {
        return;
    }
    fdt = blob_copy_checked(tree.bytes, tree.size, &ignored);
    if (fdt) {
        find_gic(fdt, guest);
        find_uart(fdt, guest);
    }
}

/* 1: it is, 0: it is not. */
static int is_ram(const HypervisorDtDomainOps *ops, void *domain,
                  uint64_t gpa, HypervisorDtError *error)
{
    uint8_t byte;
    int ret = ops->read(domain, gpa, &byte, 1);

    if (ret && ret != -EFAULT) {
        return memory_unreadable(error, ret, gpa);
    }
    return !ret;
}

/*
 * Does the RAM of a bank end where we think?  RAM beyond would be given out as
 * an extended region, and what the guest maps there would replace it.
 */
static int check_bank(const HypervisorDtDomainOps *ops, void *domain,
                      const HypervisorDtBank *bank, HypervisorDtError *error)
{
    uint64_t end = bank->base + bank->ram;
    int last = bank->ram ? is_ram(ops, domain, end - 1, error) : 1;
    int beyond = 0;

    if (!last) {
        return hypervisor_dt_error_set(error, -EFAULT, "the domain has no RAM "
                                       "at 0x%" PRIx64 ", the end of %s; is "
                                       "-m what the domain has?", end - 1,
                                       bank->name);
    }
    if (last > 0 && bank->ram < bank->size) {
        beyond = is_ram(ops, domain, end, error);
    }
    if (beyond > 0) {
        return hypervisor_dt_error_set(error, -EINVAL, "the domain has RAM at "
                                       "0x%" PRIx64 ", beyond the end of %s; "
                                       "is -m what the domain has?", end,
                                       bank->name);
    }
    return MIN(last, beyond);   /* either may have failed */
}

static int check_ram(const HypervisorDtDomainOps *ops, void *domain,
                     const HypervisorDtGuest *guest, HypervisorDtError *error)
{
    int ret = 0;

    for (size_t i = 0; i < HYPERVISOR_DT_RAM_BANKS && !ret; i++) {
        ret = check_bank(ops, domain, &guest->banks[i], error);
    }
    return ret;
}

/* --- where things go --- */

static int check_size(const char *name, const HypervisorDtImage *image,
                      HypervisorDtError *error)
{
    if (image->size <= HYPERVISOR_DT_IMAGE_MAX) {
        return 0;
    }
    return hypervisor_dt_error_set(error, -E2BIG, "the %s has %zu bytes, "
                                   "0x%" PRIx64 " are allowed", name,
                                   image->size, HYPERVISOR_DT_IMAGE_MAX);
}

/* The tree's size is not known yet: as much as it can have. */
static int place(const HypervisorDtBank *bank, const KernelHeader *header,
                 size_t kernel_size, size_t initrd_size,
                 HypervisorDtBoot *boot, HypervisorDtError *error)
{
    uint64_t first = align_up(bank->base, HYPERVISOR_DT_KERNEL_ALIGN);
    uint64_t end = bank->base + bank->ram;
    uint64_t modules = bank->base + HYPERVISOR_DT_MODULES_OFFSET;
    uint64_t needed = align_up(initrd_size, HYPERVISOR_DT_PAGE_SIZE) +
                      HYPERVISOR_DT_BLOB_MAX;
    uint64_t kernel_end;

    boot->kernel.base = first + header->offset;
    boot->kernel.size = MAX(header->memory, kernel_size);
    kernel_end = align_up(boot->kernel.base + boot->kernel.size,
                          HYPERVISOR_DT_KERNEL_ALIGN);
    if (modules < kernel_end || modules + needed > end) {
        modules = kernel_end;
    }
    if (modules + needed > end) {
        return hypervisor_dt_error_set(error, -ENOSPC, "the kernel takes 0x%"
                                       PRIx64 " bytes, initrd and device tree "
                                       "up to 0x%" PRIx64 "; %s has 0x%"
                                       PRIx64, boot->kernel.size, needed,
                                       bank->name, bank->ram);
    }
    boot->initrd.base = initrd_size ? modules : 0;
    boot->initrd.size = initrd_size;
    boot->tree.base = modules + align_up(initrd_size, HYPERVISOR_DT_PAGE_SIZE);
    return 0;
}

/* --- writing --- */

static int write_part(const HypervisorDtDomainOps *ops, void *domain,
                      const char *name, uint64_t gpa, const void *bytes,
                      size_t size, HypervisorDtError *error)
{
    int ret = size ? ops->write(domain, gpa, bytes, size) : 0;

    if (ret) {
        return hypervisor_dt_error_set(error, ret, "cannot write the %s to 0x%"
                                       PRIx64 ": %s", name, gpa,
                                       g_strerror(-ret));
    }
    return 0;
}

static int write_all(const HypervisorDtDomainOps *ops, void *domain,
                     const HypervisorDtImage *kernel,
                     const HypervisorDtImage *initrd, const void *tree,
                     const HypervisorDtBoot *boot, HypervisorDtError *error)
{
    HypervisorDtEntry entry = {
        .pc = boot->kernel.base,
        .x0 = boot->tree.base,
    };
    int ret = write_part(ops, domain, "kernel", boot->kernel.base,
                         kernel->bytes, kernel->size, error);

    if (!ret) {
        ret = write_part(ops, domain, "initrd", boot->initrd.base,
                         initrd->bytes, initrd->size, error);
    }
    if (!ret) {
        ret = write_part(ops, domain, "device tree", boot->tree.base, tree,
                         boot->tree.size, error);
    }
    if (ret) {
        return ret;
    }
    ret = ops->set_entry(domain, &entry);
    if (ret) {
        return hypervisor_dt_error_set(error, ret, "cannot set the first CPU: "
                                       "%s; the kernel's memory was written: "
                                       "destroy the domain",
                                       g_strerror(-ret));
    }
    return 0;
}

static int prepare(const HypervisorDtDomainOps *ops, void *domain,
                   const HypervisorDtDomainInfo *info,
                   HypervisorDtGuest *guest, const HypervisorDtImage *kernel,
                   const HypervisorDtImage *initrd, HypervisorDtBoot *boot,
                   HypervisorDtError *error)
{
    KernelHeader header;
    int ret = check_size("kernel", kernel, error);

    if (!ret) {
        ret = check_size("initrd", initrd, error);
    }
    if (!ret) {
        ret = kernel_header_read(kernel->bytes, kernel->size, &header, error);
    }
    if (!ret) {
        ret = place(&guest->banks[0], &header, kernel->size, initrd->size,
                    boot, error);
    }
    if (!ret) {
        ret = check_ram(ops, domain, guest, error);
    }
    if (!ret) {
        guest->address_bits = info->address_bits;
        guest->xen_major = info->xen_major;
        guest->xen_minor = info->xen_minor;
        guest->chosen.initrd = boot->initrd;
        find_devices(ops, domain, guest);
    }
    return ret;
}

static int put_all(const HypervisorDtDomainOps *ops, void *domain,
                   const HypervisorDtDomainInfo *info,
                   HypervisorDtGuest *guest, const HypervisorDtImage *kernel,
                   const HypervisorDtImage *initrd, HypervisorDtBoot *boot,
                   HypervisorDtError *error)
{
    g_autofree void *tree = NULL;
    HypervisorDtBoot done = { .kernel = { .size = 0 } };
    size_t size;
    int ret = prepare(ops, domain, info, guest, kernel, initrd, &done, error);

    if (ret) {
        return ret;
    }
    tree = hypervisor_dt_generate(guest, &size, &done.regions, error);
    if (!tree) {
        return error->code;
    }
    done.tree.size = size;
    ret = write_all(ops, domain, kernel, initrd, tree, &done, error);
    if (!ret) {
        *boot = done;
    }
    return ret;
}

int hypervisor_dt_domain_boot(const HypervisorDtDomainOps *ops, void *domain,
                              HypervisorDtGuest *guest,
                              const HypervisorDtImage *kernel,
                              const HypervisorDtImage *initrd,
                              HypervisorDtBoot *boot, HypervisorDtError *error)
{
    HypervisorDtDomainInfo info;
    int ret = hypervisor_dt_domain_hold(ops, domain, guest->cpus, &info,
                                        error);

    if (ret) {
        return ret;
    }
    ret = put_all(ops, domain, &info, guest, kernel, initrd, boot, error);
    ops->unpause(domain);
    return ret;
}
