/*
 * PV IOMMU: the model of a hypervisor: a sparse array by frame number
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hypervisor-internal.h"

#define CHUNK_BITS 9
#define CHUNK_VALUES (1u << CHUNK_BITS)

typedef struct HypervisorChunk {
    uint64_t number;
    unsigned used;
    uint64_t values[CHUNK_VALUES];
} HypervisorChunk;

struct HypervisorTable {
    GHashTable *chunks;         /* number -> HypervisorChunk */
    HypervisorChunk *last;      /* the one last used, or NULL */
    uint64_t used;
};

HypervisorTable *hypervisor_table_new(void)
{
    HypervisorTable *table = g_new0(HypervisorTable, 1);

    table->chunks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                          g_free);
    return table;
}

void hypervisor_table_free(HypervisorTable *table)
{
    if (table) {
        g_hash_table_destroy(table->chunks);
        g_free(table);
    }
}

static HypervisorChunk *find_chunk(HypervisorTable *table, uint64_t key)
{
    uint64_t number = key >> CHUNK_BITS;

    if (!table->last || table->last->number != number) {
        table->last = g_hash_table_lookup(table->chunks, &number);
    }
    return table->last;
}

static HypervisorChunk *add_chunk(HypervisorTable *table, uint64_t key)
{
    HypervisorChunk *chunk = g_new(HypervisorChunk, 1);
    unsigned i;

    chunk->number = key >> CHUNK_BITS;
    chunk->used = 0;
    for (i = 0; i < CHUNK_VALUES; i++) {
        chunk->values[i] = XEN_PV_IOMMU_NO_FRAME;
    }
    g_hash_table_insert(table->chunks, &chunk->number, chunk);
    table->last = chunk;
    return chunk;
}

uint64_t hypervisor_table_get(HypervisorTable *table, uint64_t key)
{
    HypervisorChunk *chunk = find_chunk(table, key);

    return chunk ? chunk->values[key % CHUNK_VALUES] : XEN_PV_IOMMU_NO_FRAME;
}

void hypervisor_table_set(HypervisorTable *table, uint64_t key, uint64_t value)
{
    HypervisorChunk *chunk = find_chunk(table, key);
    bool is_set = value != XEN_PV_IOMMU_NO_FRAME;
    uint64_t *slot;
    bool was_set;

    if (!chunk) {
        if (!is_set) {
            return;
        }
        chunk = add_chunk(table, key);
    }
    slot = &chunk->values[key % CHUNK_VALUES];
    was_set = *slot != XEN_PV_IOMMU_NO_FRAME;
    *slot = value;
    chunk->used += is_set - was_set;
    table->used += is_set - was_set;
    if (!chunk->used) {
        table->last = NULL;
        g_hash_table_remove(table->chunks, &chunk->number);
    }
}

uint64_t hypervisor_table_used(const HypervisorTable *table)
{
    return table->used;
}

void hypervisor_table_each(HypervisorTable *table, HypervisorTableFunc *func,
                           void *opaque)
{
    GHashTableIter iter;
    HypervisorChunk *chunk;
    unsigned i;

    g_hash_table_iter_init(&iter, table->chunks);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&chunk)) {
        for (i = 0; i < CHUNK_VALUES; i++) {
            if (chunk->values[i] != XEN_PV_IOMMU_NO_FRAME) {
                func((chunk->number << CHUNK_BITS) + i, chunk->values[i],
                     opaque);
            }
        }
    }
}
