/*
 * Hypervisor node: the header of an arm64 kernel image
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-domain.h"
#include "kernel.h"

/* Where the fields are, all little-endian. */
#define OFFSET_AT 8             /* u64: text_offset */
#define MEMORY_AT 16            /* u64: image_size */
#define FLAGS_AT 24             /* u64 */
#define MAGIC_AT 56             /* u32: "ARM\x64" */

#define MAGIC 0x644d5241u
#define FLAG_BIG_ENDIAN 1

/* An offset is below what a kernel is aligned to. */
#define OFFSET_END HYPERVISOR_DT_KERNEL_ALIGN

static uint64_t read_u64(const uint8_t *bytes, size_t at)
{
    uint64_t value;

    memcpy(&value, bytes + at, sizeof(value));
    return GUINT64_FROM_LE(value);
}

static uint32_t read_u32(const uint8_t *bytes, size_t at)
{
    uint32_t value;

    memcpy(&value, bytes + at, sizeof(value));
    return GUINT32_FROM_LE(value);
}

static int refuse_format(const uint8_t *bytes, size_t size,
                         HypervisorDtError *error)
{
    if (size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b) {
        return hypervisor_dt_error_set(error, -EINVAL, "the kernel is "
                                       "compressed with gzip; an arm64 Image "
                                       "is needed");
    }
    return hypervisor_dt_error_set(error, -EINVAL, "the kernel is no arm64 "
                                   "Image: no \"ARM\\x64\" at byte %d",
                                   MAGIC_AT);
}

int kernel_header_read(const void *image, size_t size, KernelHeader *header,
                       HypervisorDtError *error)
{
    const uint8_t *bytes = image;
    uint64_t offset;
    uint64_t memory;

    if (size < KERNEL_HEADER_SIZE || read_u32(bytes, MAGIC_AT) != MAGIC) {
        return refuse_format(bytes, size, error);
    }
    if (read_u64(bytes, FLAGS_AT) & FLAG_BIG_ENDIAN) {
        return hypervisor_dt_error_set(error, -EINVAL,
                                       "the kernel is big-endian");
    }
    offset = read_u64(bytes, OFFSET_AT);
    memory = read_u64(bytes, MEMORY_AT);
    if (!memory) {
        return hypervisor_dt_error_set(error, -EINVAL, "the kernel does not "
                                       "say how much memory it takes: it is "
                                       "older than Linux 3.17");
    }
    if (offset >= OFFSET_END || memory > HYPERVISOR_DT_IMAGE_MAX) {
        return hypervisor_dt_error_set(error, -EINVAL, "the kernel wants 0x%"
                                       PRIx64 " bytes at offset 0x%" PRIx64
                                       "; at most 0x%" PRIx64 " bytes below "
                                       "offset 0x%" PRIx64 " can be had",
                                       memory, offset, HYPERVISOR_DT_IMAGE_MAX,
                                       OFFSET_END);
    }
    *header = (KernelHeader){ .offset = offset, .memory = memory };
    return 0;
}
