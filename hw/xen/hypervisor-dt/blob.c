/*
 * Hypervisor node: a device tree of unknown origin
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include "align.h"
#include "blob.h"

/* The layout of the header has been this since version 17. */
#define VERSION 17

/* Alignment of the blocks (Devicetree Specification 0.4, section 5.6). */
#define RESERVATIONS_ALIGN 8
#define STRUCTURE_ALIGN 4

/* One of the parts that a tree consists of, [begin, end) from its start. */
typedef struct Block {
    const char *name;
    uint64_t begin;
    uint64_t end;
    unsigned align;
} Block;

int hypervisor_dt_blob_size(const void *prefix, size_t *size,
                            HypervisorDtError *error)
{
    fdt32_t words[HYPERVISOR_DT_PREFIX_SIZE / sizeof(fdt32_t)];
    uint32_t total;

    memcpy(words, prefix, sizeof(words));
    if (fdt32_to_cpu(words[0]) != FDT_MAGIC) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "no device tree: it begins with 0x%08" PRIx32 ", not 0x%08x",
            fdt32_to_cpu(words[0]), FDT_MAGIC);
    }
    total = fdt32_to_cpu(words[1]);
    if (total < sizeof(struct fdt_header)) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "the device tree claims to have %" PRIu32 " bytes, its header has"
            " %zu", total, sizeof(struct fdt_header));
    }
    if (total > HYPERVISOR_DT_BLOB_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "the device tree claims to have %" PRIu32 " bytes, at most %"
            PRIu32 " are allowed", total, HYPERVISOR_DT_BLOB_MAX);
    }
    *size = total;
    return 0;
}

static int check_version(const void *fdt, HypervisorDtError *error)
{
    if (fdt_version(fdt) < VERSION || fdt_last_comp_version(fdt) > VERSION) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "device tree of version %" PRIu32 ", compatible with %" PRIu32
            ": version %d is needed", fdt_version(fdt),
            fdt_last_comp_version(fdt), VERSION);
    }
    return 0;
}

/* The list of reservations has no size, it has a last entry: find it. */
static int find_reservations_end(const void *fdt, Block *block,
                                 HypervisorDtError *error)
{
    uint64_t total = fdt_totalsize(fdt);

    block->end = block->begin;
    while (block->end + sizeof(struct fdt_reserve_entry) <= total) {
        static const struct fdt_reserve_entry last;
        const char *entry = (const char *)fdt + block->end;

        block->end += sizeof(struct fdt_reserve_entry);
        if (!memcmp(entry, &last, sizeof(last))) {
            return 0;
        }
    }
    return hypervisor_dt_error_set(error, -EINVAL,
        "the device tree's list of memory reservations has no end");
}

static int check_block(const Block *block, uint64_t total,
                       HypervisorDtError *error)
{
    if (block->end > total) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "the device tree's %s is at %" PRIu64 " to %" PRIu64
            ", the tree ends at %" PRIu64, block->name, block->begin,
            block->end, total);
    }
    if (block->begin % block->align) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "the device tree's %s is at %" PRIu64 ", which is no multiple of"
            " %u", block->name, block->begin, block->align);
    }
    return 0;
}

static int check_blocks(const void *fdt, HypervisorDtError *error)
{
    uint64_t total = fdt_totalsize(fdt);
    Block blocks[] = {
        { "header", 0, sizeof(struct fdt_header), 1 },
        { "list of memory reservations", fdt_off_mem_rsvmap(fdt),
          fdt_off_mem_rsvmap(fdt), RESERVATIONS_ALIGN },
        { "structure block", fdt_off_dt_struct(fdt),
          (uint64_t)fdt_off_dt_struct(fdt) + fdt_size_dt_struct(fdt),
          STRUCTURE_ALIGN },
        { "strings block", fdt_off_dt_strings(fdt),
          (uint64_t)fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt), 1 },
    };

    if (find_reservations_end(fdt, &blocks[1], error)) {
        return error->code;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++) {
        if (check_block(&blocks[i], total, error)) {
            return error->code;
        }
        for (unsigned j = 0; j < i; j++) {
            if (blocks[i].begin < blocks[j].end &&
                blocks[j].begin < blocks[i].end) {
                return hypervisor_dt_error_set(error, -EINVAL,
                    "the device tree's %s overlaps its %s", blocks[i].name,
                    blocks[j].name);
            }
        }
    }
    return 0;
}

/* libfdt looks for the end of a name again and again. */
static int check_strings(const void *fdt, HypervisorDtError *error)
{
    const char *strings = (const char *)fdt + fdt_off_dt_strings(fdt);
    size_t length = 0;

    if (fdt_size_dt_strings(fdt) > HYPERVISOR_DT_STRINGS_MAX) {
        return hypervisor_dt_error_set(error, -E2BIG,
            "the names of the device tree's properties have %" PRIu32
            " bytes, at most %d are allowed", fdt_size_dt_strings(fdt),
            HYPERVISOR_DT_STRINGS_MAX);
    }
    for (uint32_t i = 0; i < fdt_size_dt_strings(fdt); i++) {
        length = strings[i] ? length + 1 : 0;
        if (length > HYPERVISOR_DT_PROPERTY_NAME_MAX) {
            return hypervisor_dt_error_set(error, -E2BIG,
                "the device tree has a property with a name of more than %d"
                " characters", HYPERVISOR_DT_PROPERTY_NAME_MAX);
        }
    }
    return 0;
}

/* How far the tag at @at reaches; 0 if libfdt has to say what is wrong. */
static uint64_t tag_size(const char *at, uint64_t left)
{
    const struct fdt_property *property = (const void *)at;
    const char *name_end;

    switch (left < FDT_TAGSIZE ? FDT_END : fdt32_ld((const fdt32_t *)at)) {
    case FDT_BEGIN_NODE:
        name_end = memchr(at + FDT_TAGSIZE, 0, left - FDT_TAGSIZE);
        return name_end ? align_up(name_end + 1 - at, FDT_TAGSIZE) : 0;
    case FDT_END_NODE:
    case FDT_NOP:
        return FDT_TAGSIZE;
    case FDT_PROP:
        return left < sizeof(*property) ? 0 : sizeof(*property) +
            align_up(fdt32_ld(&property->len), FDT_TAGSIZE);
    default:
        return 0;
    }
}

/*
 * Old libfdt (1.6.1, Debian 12's) adds a property's length to an offset that
 * is an int.  A length near 2^32 leads it back to where it was, for ever.
 */
static int check_lengths(const void *fdt, HypervisorDtError *error)
{
    const char *at = (const char *)fdt + fdt_off_dt_struct(fdt);
    uint64_t left = fdt_size_dt_struct(fdt);
    uint64_t size;

    while ((size = tag_size(at, left))) {
        if (size > left) {
            return hypervisor_dt_error_set(error, -EINVAL,
                "the device tree is broken: a property takes %" PRIu64
                " bytes, %" PRIu64 " are left", size, left);
        }
        at += size;
        left -= size;
    }
    return 0;
}

static int check_structure(const void *fdt, HypervisorDtError *error)
{
    int status = fdt_check_full(fdt, fdt_totalsize(fdt));
    int next;

    if (!status && fdt_next_tag(fdt, 0, &next) != FDT_BEGIN_NODE) {
        status = -FDT_ERR_BADSTRUCTURE;
    }
    if (status) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "the device tree is broken: %s", fdt_strerror(status));
    }
    return 0;
}

/* One root, and not too many nodes and levels below it. */
static int check_nodes(const void *fdt, HypervisorDtError *error)
{
    unsigned number = 0;
    int depth = 0;
    int node = 0;
    int next;

    while (node >= 0 && depth >= 0) {
        if (++number > HYPERVISOR_DT_NODES_MAX) {
            return hypervisor_dt_error_set(error, -E2BIG,
                "the device tree has more than %d nodes",
                HYPERVISOR_DT_NODES_MAX);
        }
        if (depth > HYPERVISOR_DT_DEPTH_MAX) {
            return hypervisor_dt_error_set(error, -ELOOP,
                "the device tree's nodes are nested more than %d deep",
                HYPERVISOR_DT_DEPTH_MAX);
        }
        node = fdt_next_node(fdt, node, &depth);
    }
    if (node < 0 || fdt_next_tag(fdt, node, &next) != FDT_END) {
        return hypervisor_dt_error_set(error, -EINVAL,
            "the device tree is broken: something follows its root node");
    }
    return 0;
}

int blob_check_limits(const void *fdt, HypervisorDtError *error)
{
    int ret = check_strings(fdt, error);

    return ret ? ret : check_nodes(fdt, error);
}

void *blob_copy_checked(const void *bytes, size_t length,
                        HypervisorDtError *error)
{
    g_autofree void *fdt = NULL;
    size_t total;

    if (length < sizeof(struct fdt_header)) {
        hypervisor_dt_error_set(error, -EINVAL,
            "no device tree: %zu bytes, a header alone has %zu", length,
            sizeof(struct fdt_header));
        return NULL;
    }
    if (hypervisor_dt_blob_size(bytes, &total, error)) {
        return NULL;
    }
    if (total > length) {
        hypervisor_dt_error_set(error, -EINVAL,
            "the device tree is truncated: it claims to have %zu bytes, there"
            " are %zu", total, length);
        return NULL;
    }
    /* malloc() aligns it, which libfdt counts on. */
    fdt = g_malloc(total);
    memcpy(fdt, bytes, total);
    if (check_version(fdt, error) || check_blocks(fdt, error) ||
        check_strings(fdt, error) || check_lengths(fdt, error) ||
        check_structure(fdt, error) || check_nodes(fdt, error)) {
        return NULL;
    }
    return g_steal_pointer(&fdt);
}
