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

static int check_state(const HypervisorDtDomainOps *ops, void *domain,
                       HypervisorDtDomainInfo *info, HypervisorDtError *error)
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

static int check_cpus(const HypervisorDtDomainInfo *info, unsigned cpus,
                      HypervisorDtError *error)
{
    if (info->cpus != cpus) {
        return hypervisor_dt_error_set(error, -EINVAL, "the domain can have %u "
                                       "CPUs, -smp says %u; is -smp what the "
                                       "domain has?", info->cpus, cpus);
    }
    return 0;
}

int hypervisor_dt_domain_hold(const HypervisorDtDomainOps *ops, void *domain,
                              unsigned cpus, HypervisorDtDomainInfo *info,
                              HypervisorDtError *error)
{
    int ret = check_state(ops, domain, info, error);

    if (ret) {
        return ret;
    }
    ret = ops->pause(domain);
    if (ret) {
        return hypervisor_dt_error_set(error, ret, "cannot pause the domain: "
                                       "%s", g_strerror(-ret));
    }
    /* Once more: it may have been let run just before. */
    ret = check_state(ops, domain, info, error);
    if (!ret) {
        ret = check_cpus(info, cpus, error);
    }
    if (ret) {
        ops->unpause(domain);
    }
    return ret;
}

int memory_unreadable(HypervisorDtError *error, int ret, uint64_t gpa)
{
    return hypervisor_dt_error_set(error, ret, "cannot read the domain's "
                                   "memory at 0x%" PRIx64 ": %s", gpa,
                                   g_strerror(-ret));
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
    ret = tree->gpa % sizeof(uint64_t) ? -EFAULT
        : ops->read(domain, tree->gpa, prefix, sizeof(prefix));
    if (ret == -EFAULT) {
        return hypervisor_dt_error_set(error, ret, "no device tree can be at "
                                       "0x%" PRIx64 ", where the first CPU's "
                                       "x0 leads", tree->gpa);
    }
    if (ret) {
        return memory_unreadable(error, ret, tree->gpa);
    }
    ret = hypervisor_dt_blob_size(prefix, &tree->size, error);
    if (ret) {
        return ret;
    }
    tree->bytes = g_malloc(tree->size);
    ret = ops->read(domain, tree->gpa, tree->bytes, tree->size);
    if (ret == -EFAULT) {
        return hypervisor_dt_error_set(error, ret, "the device tree at 0x%"
                                       PRIx64 " claims to have %zu bytes, and "
                                       "not all of them are RAM", tree->gpa,
                                       tree->size);
    }
    return ret ? memory_unreadable(error, ret, tree->gpa) : 0;
}

void tree_in_guest_clear(TreeInGuest *tree)
{
    g_clear_pointer(&tree->bytes, g_free);
}

/* So many bytes of the tree, and zeroes behind it. */
static void *padded(const void *tree, size_t size, size_t padded_size)
{
    uint8_t *bytes = g_malloc0(padded_size);

    memcpy(bytes, tree, size);
    return bytes;
}

/*
 * The shorter of the two trees has zeroes behind it: room_check() saw to that,
 * and wants to see it the next time.
 */
static int write_tree(const HypervisorDtDomainOps *ops, void *domain,
                      const TreeInGuest *old, const void *blob, size_t size,
                      HypervisorDtError *error)
{
    size_t both = MAX(size, old->size);
    g_autofree void *after = padded(blob, size, both);
    g_autofree void *before = padded(old->bytes, old->size, both);
    int ret;

    if (!memcmp(after, before, both)) {
        return 0;
    }
    ret = ops->write(domain, old->gpa, after, both);
    if (!ret) {
        return 0;
    }
    /* -EFAULT: nothing was written. */
    if (ret != -EFAULT && ops->write(domain, old->gpa, before, both)) {
        return hypervisor_dt_error_set(error, -ENOTRECOVERABLE, "cannot write "
                                       "the device tree to 0x%" PRIx64 ": %s; "
                                       "nor could the old one be put back: "
                                       "destroy the domain", old->gpa,
                                       g_strerror(-ret));
    }
    return hypervisor_dt_error_set(error, ret, "cannot write the device tree "
                                   "to 0x%" PRIx64 ": %s", old->gpa,
                                   g_strerror(-ret));
}

static int fix_up(const HypervisorDtDomainOps *ops, void *domain,
                  const HypervisorDtFixup *fixup,
                  const HypervisorDtDomainInfo *info,
                  HypervisorDtFixupReport *report, HypervisorDtError *error)
{
    g_auto(TreeInGuest) old = { .bytes = NULL };
    g_autofree void *blob = NULL;
    HypervisorDtFixup wanted = *fixup;
    HypervisorDtFixupReport done;
    size_t size;
    int ret = tree_in_guest_read(ops, domain, &old, error);

    if (ret) {
        return ret;
    }
    wanted.address_bits = info->address_bits;
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

int hypervisor_dt_domain_fixup(const HypervisorDtDomainOps *ops, void *domain,
                               const HypervisorDtFixup *fixup, unsigned cpus,
                               HypervisorDtFixupReport *report,
                               HypervisorDtError *error)
{
    HypervisorDtDomainInfo info;
    int ret = hypervisor_dt_domain_hold(ops, domain, cpus, &info, error);

    if (ret) {
        return ret;
    }
    ret = fix_up(ops, domain, fixup, &info, report, error);
    ops->unpause(domain);
    return ret;
}
