/*
 * PV IOMMU: the mapping table: what its parts share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_MAP_INTERNAL_H
#define HW_XEN_PV_IOMMU_MAP_INTERNAL_H

#include "extents.h"
#include "hw/xen/pv-iommu-map.h"

typedef struct MapOwner {
    uint64_t pages;
    uint64_t pages_max;
} MapOwner;

struct XenPvIommuMap {
    RecordTree by_bfn;          /* a dead BFN stands for itself, for nobody */
    RecordTree by_gfn;
    /* Of all changes; what is next is often near what was last. */
    RecordCursor bfn_cursor;
    RecordCursor gfn_cursor;
    uint64_t pages;
    uint64_t pages_max;
    uint64_t dead_pages;
    MapOwner *owners;           /* those from owners_len on use nothing */
    unsigned owners_len;
};

/* A part of a run that lies in one group, or in none. */
typedef struct MapPiece {
    uint64_t bfn;
    uint64_t end;
    bool mapped;
    Extent group;               /* if mapped: its first extent */
} MapPiece;

static inline bool map_is_access(XenPvIommuAccess access)
{
    return access == XEN_PV_IOMMU_READ || access == XEN_PV_IOMMU_WRITE ||
           access == XEN_PV_IOMMU_READ_WRITE;
}

/* One past the part of a run that lies below XEN_PV_IOMMU_FRAME_END. */
static inline uint64_t map_run_end(uint64_t frame, uint64_t pages)
{
    if (frame >= XEN_PV_IOMMU_FRAME_END) {
        return frame;
    }
    return frame + MIN(pages, XEN_PV_IOMMU_FRAME_END - frame);
}

/**
 * xen_pv_iommu_map_piece: the first piece of a run
 * @map: the table
 * @cursor: of the set by BFN; moves to the piece's group, or behind the gap
 * @bfn: the run's first BFN
 * @end: one past its last
 */
MapPiece xen_pv_iommu_map_piece(const XenPvIommuMap *map,
                                RecordCursor *cursor, uint64_t bfn,
                                uint64_t end);

/**
 * xen_pv_iommu_map_mapped_piece: the first piece of a run that is mapped
 * @map: the table
 * @cursor: of the set by BFN; moves to the piece's group
 * @bfn: the run's first BFN
 * @end: one past its last
 * @piece: set to the piece
 *
 * Returns: true if there is one
 */
bool xen_pv_iommu_map_mapped_piece(const XenPvIommuMap *map,
                                   RecordCursor *cursor, uint64_t bfn,
                                   uint64_t end, MapPiece *piece);

#endif /* HW_XEN_PV_IOMMU_MAP_INTERNAL_H */
