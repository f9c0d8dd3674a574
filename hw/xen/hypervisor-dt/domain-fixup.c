/*
 * Hypervisor node: add QEMU's devices to the tree of a domain
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-domain.h"
#include "room.h"
#include "tree-in-guest.h"

int hypervisor_dt_domain_check(const HypervisorDtDomainOps *ops, void *domain,
                               HypervisorDtDomainInfo *info,
                               HypervisorDtError *error)
{
    int ret = ops->info(domain, info);

    if (ret) {
        return hypervisor_dt_error_set(error, ret, "cannot ask Xen about the "
                                       "domain: %s", g_strerror(-ret));
    }
    if (!info->paused || info->has_run) {
        return hypervisor_dt_error_set(error, -EBUSY, "the domain %s; its "
                                       "memory can only be changed while it "
                                       "is paused and before its first "
                                       "instruction (xl create -p)",
                                       info->has_run ? "has run already"
                                                     : "is not paused");
    }
    return 0;
}

int tree_in_guest_read(const HypervisorDtDomainOps *ops, void *domain,
                       TreeInGuest *tree, HypervisorDtError *error)
{
    uint8_t prefix[HYPERVISOR_DT_PREFIX_SIZE];
    HypervisorDtEntry entry;
    int ret = ops->get_entry(domain, &entry);

    if (ret) {
        return hypervisor_dt_error_set(error, ret, "cannot read the first "
                                       "CPU: %s", g_strerror(-ret));
    }
    tree->gpa = entry.x0;
    tree->kernel = entry.pc;
    if (tree->gpa % sizeof(uint64_t) ||
        ops->read(domain, tree->gpa, prefix, sizeof(prefix))) {
        return hypervisor_dt_error_set(error, -EFAULT, "no device tree can be "
                                       "at 0x%" PRIx64 ", where the first "
                                       "CPU's x0 leads", tree->gpa);
    }
    ret = hypervisor_dt_blob_size(prefix, &tree->size, error);
    if (ret) {
        return ret;
    }
    tree->bytes = g_malloc(tree->size);
    ret = ops->read(domain, tree->gpa, tree->bytes, tree->size);
    if (ret) {
        return hypervisor_dt_error_set(error, -EFAULT, "the device tree at 0x%"
                                       PRIx64 " claims to have %zu bytes, and "
                                       "not all of them are RAM", tree->gpa,
                                       tree->size);
    }
    return 0;
}

void tree_in_guest_clear(TreeInGuest *tree)
{
    g_clear_pointer(&tree->bytes, g_free);
}

static int write_tree(const HypervisorDtDomainOps *ops, void *domain,
                      const TreeInGuest *old, const void *blob, size_t size,
                      HypervisorDtError *error)
{
    int ret;

    if (size == old->size && !memcmp(blob, old->bytes, size)) {
        return 0;
    }
    ret = ops->write(domain, old->gpa, blob, size);
    if (ret) {
        return hypervisor_dt_error_set(error, ret, "cannot write the device "
                                       "tree to 0x%" PRIx64 ": %s", old->gpa,
                                       g_strerror(-ret));
    }
    return 0;
}

int hypervisor_dt_domain_fixup(const HypervisorDtDomainOps *ops, void *domain,
                               const HypervisorDtFixup *fixup,
                               HypervisorDtFixupReport *report,
                               HypervisorDtError *error)
{
    g_auto(TreeInGuest) old = { .bytes = NULL };
    g_autofree void *blob = NULL;
    HypervisorDtFixup wanted = *fixup;
    HypervisorDtFixupReport done;
    HypervisorDtDomainInfo info;
    size_t size;
    int ret = hypervisor_dt_domain_check(ops, domain, &info, error);

    if (!ret) {
        ret = tree_in_guest_read(ops, domain, &old, error);
    }
    if (ret) {
        return ret;
    }
    wanted.address_bits = info.address_bits;
    wanted.room = HYPERVISOR_DT_BLOB_MAX;
    blob = hypervisor_dt_fixup(old.bytes, old.size, &wanted, &size, &done,
                               error);
    if (!blob) {
        return error->code;
    }
    ret = room_check(ops, domain, &old, size, error);
    if (!ret) {
        ret = write_tree(ops, domain, &old, blob, size, error);
    }
    if (!ret) {
        *report = done;
    }
    return ret;
}
