/*
 * Hypervisor node: where extended regions can be
 *
 * Concepts
 * - An extended region is guest-physical address space that nothing uses.  A
 *   guest maps foreign pages and grants there, instead of giving up RAM.
 * - Regions come out of the RAM banks' windows: what RAM leaves of a window,
 *   inside the guest's address space, less everything that is taken.
 * - A region begins and ends at a multiple of 2 MiB and has at least 64 MiB.
 *   The list is in ascending order and disjoint; Linux drops all of it if it
 *   is not.
 * - Linux takes 128 MiB at a time, from a multiple of 128 MiB; it cannot use a
 *   region without such a block.
 * - All ranges are base and size in bytes, [base, base + size).
 *
 * With nothing else taken, the list is the one that libxl makes of the same
 * domain (finalize_hypervisor_node() in tools/libs/light/libxl_arm.c).
 *
 * The core decides from its arguments alone: no state, no I/O.  GLib only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_REGIONS_H
#define HW_XEN_HYPERVISOR_DT_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/xen/hypervisor-dt-error.h"

/* ALIGN_UP_TO_2MB, EXT_REGION_MIN_SIZE: Xen 4.17's libxl_arm.c:1356-1358 */
#define HYPERVISOR_DT_REGION_ALIGN (UINT64_C(2) << 20)
#define HYPERVISOR_DT_REGION_MIN (UINT64_C(64) << 20)

/*
 * What Linux allocates: a memory section, with 4 KiB or 16 KiB pages
 * (SECTION_SIZE_BITS, arch/arm64/include/asm/sparsemem.h).
 */
#define HYPERVISOR_DT_LINUX_BLOCK (UINT64_C(128) << 20)

/* As many as Xen's own generators make at most (NR_MEM_BANKS, setup.h:11). */
#define HYPERVISOR_DT_REGIONS_MAX 256

/* Address bits: Xen's smallest, and the Arm architecture's largest (LPA). */
#define HYPERVISOR_DT_ADDRESS_BITS_MIN 32
#define HYPERVISOR_DT_ADDRESS_BITS_MAX 52

/* Limits that keep the time bounded; a machine is far below them. */
#define HYPERVISOR_DT_BANKS_MAX 256
#define HYPERVISOR_DT_TAKEN_MAX 4096

/* What may overlap what: see hypervisor_dt_ranges_check(). */
typedef enum HypervisorDtRangeKind {
    HYPERVISOR_DT_OWN,      /* a window of the machine: overlaps nothing */
    HYPERVISOR_DT_FOUND,    /* found in a tree: may overlap others found */
    HYPERVISOR_DT_EXCLUDED, /* kept free by the operator: may overlap all */
} HypervisorDtRangeKind;

typedef struct HypervisorDtRange {
    const char *name;       /* for messages; the caller's */
    uint64_t base;          /* in bytes, any alignment */
    uint64_t size;          /* in bytes; not 0 */
    HypervisorDtRangeKind kind;
} HypervisorDtRange;

typedef struct HypervisorDtBank {
    const char *name;       /* of its RAM, for messages; the caller's */
    uint64_t base;          /* of the window, in bytes */
    uint64_t size;          /* of the window, in bytes; not 0 */
    uint64_t ram;           /* bytes of RAM, from the base on; 0 for none */
} HypervisorDtBank;

typedef struct HypervisorDtSpace {
    const HypervisorDtBank *banks;
    size_t banks_number;
    const HypervisorDtRange *taken;     /* all but the banks' RAM */
    size_t taken_number;
    unsigned address_bits;  /* the guest's addresses are below 1 << this */
    unsigned maximum;       /* number of regions that are wanted at most */
} HypervisorDtSpace;

typedef struct HypervisorDtRegion {
    uint64_t base;          /* in bytes */
    uint64_t size;          /* in bytes */
    bool linux_usable;      /* it holds an aligned HYPERVISOR_DT_LINUX_BLOCK */
} HypervisorDtRegion;

typedef struct HypervisorDtRegions {
    unsigned number;        /* of regions; 0 if there is no room for any */
    unsigned linux_usable;  /* how many of them Linux can use */
    unsigned left_out;      /* large enough, but more than the maximum */
    HypervisorDtRegion region[HYPERVISOR_DT_REGIONS_MAX];   /* ascending */
} HypervisorDtRegions;

/**
 * hypervisor_dt_ranges_check: whether ranges can be side by side
 * @ranges: the ranges, in any order
 * @number: how many
 * @error: filled in on failure
 *
 * Two ranges clash if they overlap, at least one of them is
 * HYPERVISOR_DT_OWN and neither is HYPERVISOR_DT_EXCLUDED.  Of several
 * clashes, the one at the lowest address is told.
 *
 * Returns: 0, or
 *   -EINVAL  a range is empty
 *   -ERANGE  a range ends beyond 2^64
 *   -E2BIG   there are more than HYPERVISOR_DT_TAKEN_MAX ranges
 *   -EEXIST  two clash; @error names both
 */
int hypervisor_dt_ranges_check(const HypervisorDtRange *ranges, size_t number,
                               HypervisorDtError *error);

/**
 * hypervisor_dt_regions_compute: find the extended regions
 * @space: what there is
 * @regions: filled in on success
 * @error: filled in on failure
 *
 * If more regions are found than @space->maximum, the largest are kept; of two
 * that are equally large, the lower one.
 *
 * Returns: 0, also if no region was found, or
 *   -EINVAL  a range, or the window of a bank, is empty; a bank has more RAM
 *            than its window; @space->address_bits or @space->maximum is out
 *            of its limits
 *   -ERANGE  a range or a window ends beyond 2^64; RAM or one of the machine's
 *            own windows ends beyond the address space
 *   -E2BIG   more than HYPERVISOR_DT_BANKS_MAX banks or
 *            HYPERVISOR_DT_TAKEN_MAX ranges, the banks' RAM included
 *   -EEXIST  two of what must be disjoint overlap: windows of banks, or ranges
 *            as in hypervisor_dt_ranges_check(), RAM counting as
 *            HYPERVISOR_DT_OWN; @error names both
 * On failure @regions is as it was.
 */
int hypervisor_dt_regions_compute(const HypervisorDtSpace *space,
                                  HypervisorDtRegions *regions,
                                  HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_REGIONS_H */
