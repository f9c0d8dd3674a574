/*
 * Hypervisor node: the header of an arm64 kernel image
 *
 * Source: Documentation/arch/arm64/booting.rst of Linux.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_KERNEL_H
#define HW_XEN_HYPERVISOR_DT_KERNEL_H

#include "hw/xen/hypervisor-dt-error.h"

#include <stddef.h>
#include <stdint.h>

#define KERNEL_HEADER_SIZE 64

typedef struct KernelHeader {
    uint64_t offset;            /* from an aligned address, in bytes */
    uint64_t memory;            /* bytes it takes from there, BSS included */
} KernelHeader;

/**
 * kernel_header_read: read it
 * @bytes: an image's beginning
 * @size: bytes that there are
 * @header: filled in on success
 * @error: filled in on failure
 *
 * Returns: 0, or -EINVAL: it is no image that tells how much memory it takes
 */
int kernel_header_read(const void *bytes, size_t size, KernelHeader *header,
                       HypervisorDtError *error);

#endif /* HW_XEN_HYPERVISOR_DT_KERNEL_H */
