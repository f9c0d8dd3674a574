/*
 * PV IOMMU: reserved regions of the host
 *
 * Concepts
 * - A reserved region (RMRR) is memory that a PCI device of the host reaches
 *   by itself, at addresses that firmware chose.  Nothing else may be there.
 * - What overlaps one is refused (strict) or allowed with a warning (relaxed).
 *   The names, and strict as a device's default, are libxl's rdm_policy.
 * - The policy belongs to the device: one that asks for relaxed says nothing
 *   about the others.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_RESERVED_H
#define HW_XEN_PV_IOMMU_RESERVED_H

#include <stdbool.h>
#include <stdint.h>

/* Regions in a set; a host has a handful. */
#define XEN_PV_IOMMU_RESERVED_MAX 256

/* A region that belongs to no PCI device. */
#define XEN_PV_IOMMU_NO_SBDF UINT32_MAX

/* Where message-signalled interrupts go on x86: 0xfee00000 to 0xfeefffff. */
#define XEN_PV_IOMMU_MSI_BFN UINT64_C(0xfee00)
#define XEN_PV_IOMMU_MSI_FRAMES UINT64_C(0x100)

typedef enum XenPvIommuRdmPolicy {
    XEN_PV_IOMMU_RDM_STRICT,
    XEN_PV_IOMMU_RDM_RELAXED,
} XenPvIommuRdmPolicy;

typedef enum XenPvIommuReservedKind {
    XEN_PV_IOMMU_RESERVED_RMRR,     /* policy applies */
    XEN_PV_IOMMU_RESERVED_MSI,      /* never, whatever the policy */
} XenPvIommuReservedKind;

typedef struct XenPvIommuReserved {
    uint64_t start;                 /* first frame */
    uint64_t frames;
    uint32_t sbdf;                  /* whose it is, or XEN_PV_IOMMU_NO_SBDF */
    XenPvIommuReservedKind kind;
} XenPvIommuReserved;

typedef struct XenPvIommuReservedSet XenPvIommuReservedSet;

/**
 * xen_pv_iommu_reserved_new: an empty set
 *
 * Returns: a set, to be freed with xen_pv_iommu_reserved_free()
 */
XenPvIommuReservedSet *xen_pv_iommu_reserved_new(void);

/**
 * xen_pv_iommu_reserved_free: forget all regions
 * @set: the set, or NULL
 */
void xen_pv_iommu_reserved_free(XenPvIommuReservedSet *set);

/**
 * xen_pv_iommu_reserved_add: enter a region
 * @set: the set
 * @region: copied; regions may overlap (two devices can share one)
 *
 * Returns: 0, or
 *   -EINVAL  it is empty or leaves [0, XEN_PV_IOMMU_FRAME_END)
 *   -ENOSPC  there are XEN_PV_IOMMU_RESERVED_MAX already
 */
int xen_pv_iommu_reserved_add(XenPvIommuReservedSet *set,
                              const XenPvIommuReserved *region);

/**
 * xen_pv_iommu_reserved_find: the first region that a run overlaps
 * @set: the set
 * @start: the run's first frame
 * @frames: its length
 *
 * Returns: the region with the lowest start, or NULL; owned by the set
 */
const XenPvIommuReserved *
xen_pv_iommu_reserved_find(const XenPvIommuReservedSet *set, uint64_t start,
                           uint64_t frames);

/**
 * xen_pv_iommu_reserved_find_rmrr: the same, without the interrupt window
 *
 * For memory that is placed in a guest: the window is a matter of the bus.
 */
const XenPvIommuReserved *
xen_pv_iommu_reserved_find_rmrr(const XenPvIommuReservedSet *set,
                                uint64_t start, uint64_t frames);

/**
 * xen_pv_iommu_reserved_get: go through the set, by ascending start
 * @set: the set
 * @index: from 0
 *
 * Returns: the region, or NULL when there are no more; owned by the set.  The
 *          pointer stays good when other regions are added.
 */
const XenPvIommuReserved *
xen_pv_iommu_reserved_get(const XenPvIommuReservedSet *set, unsigned index);

/**
 * xen_pv_iommu_reserved_allows: may something be at a run?
 * @set: the set
 * @start: the run's first frame
 * @frames: its length
 * @policy: of the device that wants it
 * @clash: set to the region that forbids it, else to the first region that it
 *         overlaps, else to NULL; may be NULL.  Where the answer is true, a
 *         @clash calls for a warning.
 *
 * Returns: false if the policy forbids it
 */
bool xen_pv_iommu_reserved_allows(const XenPvIommuReservedSet *set,
                                  uint64_t start, uint64_t frames,
                                  XenPvIommuRdmPolicy policy,
                                  const XenPvIommuReserved **clash);

/**
 * xen_pv_iommu_reserved_describe: a region in words
 * @region: the region
 *
 * Returns: as "reserved region 0xab000-0xab0ff of 0000:00:02.0", without the
 *          device if there is none, or "interrupt window 0xfee00-0xfeeff";
 *          numbers of frames, both inclusive.  To be freed with g_free()
 */
char *xen_pv_iommu_reserved_describe(const XenPvIommuReserved *region);

/**
 * xen_pv_iommu_rdm_policy_parse: a policy's name
 * @name: "strict" or "relaxed"
 * @policy: set to it
 *
 * Returns: false if it is neither
 */
bool xen_pv_iommu_rdm_policy_parse(const char *name,
                                   XenPvIommuRdmPolicy *policy);

#endif /* HW_XEN_PV_IOMMU_RESERVED_H */
