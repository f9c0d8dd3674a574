/*
 * PV IOMMU: a mapping table next to a naive model of it
 *
 * The model keeps a list of users for each BFN and goes through all pages
 * one by one.  Each step is done on both, and both must say the same.  The
 * unit test feeds it random bytes, the fuzz target what the fuzzer finds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_UNIT_PV_IOMMU_MAP_MODEL_H
#define TESTS_UNIT_PV_IOMMU_MAP_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "hw/xen/pv-iommu-map.h"

/* Bytes that make a step */
#define MAP_MODEL_STEP 8

typedef struct MapModel MapModel;

/**
 * map_model_new: an empty table and its model
 * @frames: how many BFNs, and how many gfns, the steps are about
 * @first_bfn: the first of them
 * @first_gfn: the first of them
 * @pages_max: what the table may hold
 */
MapModel *map_model_new(unsigned frames, uint64_t first_bfn,
                        uint64_t first_gfn, uint64_t pages_max);

/**
 * map_model_free: the end; checks the whole table once more
 * @model: the model
 */
void map_model_free(MapModel *model);

/**
 * map_model_step: do one operation on both, and compare
 * @model: the model
 * @bytes: MAP_MODEL_STEP of them: which operation, with which arguments
 */
void map_model_step(MapModel *model, const uint8_t *bytes);

/**
 * map_model_compare: compare all that there is, and check the table
 * @model: the model
 */
void map_model_compare(MapModel *model);

#endif /* TESTS_UNIT_PV_IOMMU_MAP_MODEL_H */
