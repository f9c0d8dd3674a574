/*
 * What QEMU's include/qemu/iova-tree.h needs of the memory API
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef BENCH_EXEC_MEMORY_H
#define BENCH_EXEC_MEMORY_H

/* The benchmark keeps a use count in the bits above. */
typedef enum {
    IOMMU_NONE = 0,
    IOMMU_RO = 1,
    IOMMU_WO = 2,
    IOMMU_RW = 3,
} IOMMUAccessFlags;

#endif /* BENCH_EXEC_MEMORY_H */
