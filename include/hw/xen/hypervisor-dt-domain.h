/*
 * Hypervisor node: a domain that has not run yet
 *
 * Concepts
 * - libxl builds a domain, starts its device model and only then lets it run.
 *   In between, its memory and its first CPU can be read and changed.
 * - The first CPU begins at the kernel (pc) and finds the device tree in x0
 *   (Linux' boot protocol for arm64, Documentation/arch/arm64/booting.rst).
 * - Two things are done to such a domain: its tree is fixed up, or a kernel,
 *   an initrd and a tree are put into it (direct boot).
 * - It is held paused meanwhile, whoever else lets it run.
 * - All is checked and made before the first byte of the guest is written.  A
 *   domain that is refused is as it was.
 * - A write can fail nevertheless.  A tree that could not be replaced is put
 *   back; of what direct boot writes, part may be there, or all if it is the
 *   first CPU that cannot be set, which is as it was.
 * - What the domain is, an ops table says: domain-native.c (libxenctrl), or a
 *   test's model.
 *
 * GLib and libfdt; no state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_DOMAIN_H
#define HW_XEN_HYPERVISOR_DT_DOMAIN_H

#include <stdbool.h>

#include "hw/xen/hypervisor-dt-fixup.h"

#define HYPERVISOR_DT_PAGE_SIZE UINT64_C(4096)

/* Where libxl puts the initrd and the tree: so far from RAM's beginning. */
#define HYPERVISOR_DT_MODULES_OFFSET (UINT64_C(128) << 20)

/* What a kernel image is aligned to, before its own offset. */
#define HYPERVISOR_DT_KERNEL_ALIGN (UINT64_C(2) << 20)

/* The largest kernel image and initrd, in bytes: libxl's limit for both. */
#define HYPERVISOR_DT_IMAGE_MAX (UINT64_C(1) << 30)

typedef struct HypervisorDtDomainInfo {
    bool paused;
    bool has_run;               /* a CPU of it has, at some time */
    unsigned cpus;              /* as many as it can have */
    unsigned address_bits;      /* of its guest-physical addresses */
    unsigned xen_major;
    unsigned xen_minor;
} HypervisorDtDomainInfo;

/* The first CPU's registers when it begins. */
typedef struct HypervisorDtEntry {
    uint64_t pc;                /* guest-physical: the MMU is off */
    uint64_t x0;
} HypervisorDtEntry;

/* All return 0 or -errno; unpause, which fails for no reason, nothing. */
typedef struct HypervisorDtDomainOps {
    const char *name;

    /* @pause: hold it; who else pauses it, or lets it run, does not matter */
    int (*pause)(void *domain);

    /* @unpause: let go of it */
    void (*unpause)(void *domain);

    /* @info: what Xen says of the domain */
    int (*info)(void *domain, HypervisorDtDomainInfo *info);

    /* @get_entry: where the first CPU begins */
    int (*get_entry)(void *domain, HypervisorDtEntry *entry);

    /*
     * @set_entry: where the first CPU begins; all else of it is as the boot
     * protocol wants it: EL1, interrupts masked, MMU and caches off
     */
    int (*set_entry)(void *domain, const HypervisorDtEntry *entry);

    /* @read: guest memory; -EFAULT, and nothing else: a page is not RAM */
    int (*read)(void *domain, uint64_t gpa, void *buffer, size_t length);

    /*
     * @write: guest memory, and clean the caches, which the guest's first
     * instructions run without; -EFAULT, and nothing else: a page is not
     * RAM, and nothing was written
     */
    int (*write)(void *domain, uint64_t gpa, const void *buffer,
                 size_t length);
} HypervisorDtDomainOps;

/**
 * hypervisor_dt_domain_hold: pause a domain that can be changed
 * @ops: the domain
 * @domain: for @ops
 * @cpus: how many it must have
 * @info: filled in on success
 * @error: filled in on failure
 *
 * On success, the caller has to call @ops->unpause().
 *
 * Returns: 0, or
 *   -EBUSY   it is not paused, or has run
 *   -EINVAL  it has more or fewer CPUs
 *   other    from @ops
 */
int hypervisor_dt_domain_hold(const HypervisorDtDomainOps *ops, void *domain,
                              unsigned cpus, HypervisorDtDomainInfo *info,
                              HypervisorDtError *error);

/**
 * hypervisor_dt_domain_fixup: add QEMU's devices to the tree of a domain
 * @ops: the domain
 * @domain: for @ops
 * @fixup: what to do; its address_bits and room are found out
 * @cpus: how many the domain must have
 * @report: filled in on success
 * @error: filled in on failure
 *
 * The tree may grow into what is proven free: to the end of the last page that
 * it needs, all that follows it is RAM, holds nothing but zeroes, and is
 * neither part of the kernel (whose header says how much memory it takes) nor
 * of the initrd nor reserved by the tree.
 *
 * Returns: 0, or
 *   -EBUSY   the domain is not paused, or has run
 *   -EINVAL  it has not as many CPUs
 *   -EFAULT  x0 does not lead to RAM
 *   -ENOSPC  there is no room for the tree
 *   -ENOTRECOVERABLE  writing failed, and the old tree could not be put back
 *   other    as hypervisor_dt_fixup(), or from @ops
 * On any other failure than -ENOTRECOVERABLE the guest's memory is as it was.
 */
int hypervisor_dt_domain_fixup(const HypervisorDtDomainOps *ops, void *domain,
                               const HypervisorDtFixup *fixup, unsigned cpus,
                               HypervisorDtFixupReport *report,
                               HypervisorDtError *error);

/* Bytes, the caller's. */
typedef struct HypervisorDtImage {
    const void *bytes;
    size_t size;                /* 0: there is none */
} HypervisorDtImage;

/* Where the parts were put, guest-physical, and what is in the tree. */
typedef struct HypervisorDtBoot {
    HypervisorDtWindow kernel;
    HypervisorDtWindow initrd;
    HypervisorDtWindow tree;
    HypervisorDtRegions regions;    /* those in the tree */
} HypervisorDtBoot;

/**
 * hypervisor_dt_domain_boot: put a kernel into a domain
 * @ops: the domain
 * @domain: for @ops
 * @guest: its tree; address_bits, Xen's version and the initrd's place are
 *         filled in by this function, the GIC's version and whether there is a
 *         UART of Xen's are taken from the tree that the domain has, if it has
 *         one
 * @kernel: an arm64 "Image", not compressed
 * @initrd: the initrd; may be empty
 * @boot: filled in on success
 * @error: filled in on failure
 *
 * The kernel goes where its header wants it in the first RAM bank, initrd and
 * tree 128 MiB above the bank's base if there is room, else behind the kernel.
 *
 * Returns: 0, or
 *   -EBUSY   the domain is not paused, or has run
 *   -EINVAL  the kernel is no arm64 Image, or is compressed or big-endian;
 *            or the domain has not as many CPUs or as much RAM as @guest
 *   -E2BIG   an image is larger than HYPERVISOR_DT_IMAGE_MAX
 *   -ENOSPC  the first bank has no room for the three
 *   -EFAULT  the domain has less RAM than @guest says, or what is written
 *            turns out not to be RAM
 *   other    as hypervisor_dt_generate(), or from @ops
 * On failure the first CPU is as it was, and so is the memory, unless a write
 * or @ops->set_entry() failed.
 */
int hypervisor_dt_domain_boot(const HypervisorDtDomainOps *ops, void *domain,
                              HypervisorDtGuest *guest,
                              const HypervisorDtImage *kernel,
                              const HypervisorDtImage *initrd,
                              HypervisorDtBoot *boot,
                              HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_DOMAIN_H */
