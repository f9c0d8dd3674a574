/*
 * Fuzz: the PV IOMMU's mapping table, next to a naive model of it
 *
 * The input's first two bytes choose the frames that it is about, and a limit;
 * each MAP_MODEL_STEP bytes that follow are an operation.  The model checks
 * each answer, and at the end the whole table.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fuzz-input.h"
#include "pv-iommu-map-model.h"

/* Few frames meet often, many make a tree of several levels. */
static const unsigned frame_counts[] = { 8, 40, 200, 1000 };

static uint64_t first_frame(unsigned where, unsigned frames)
{
    switch (where % 4) {
    case 0:
        return 0;
    case 1:
        return XEN_PV_IOMMU_FRAME_END - frames;
    default:
        /* Across a multiple of the longest extent. */
        return where * UINT64_C(4096) - frames / 2;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned frames;
    MapModel *model;

    if (size < 2) {
        return 0;
    }
    frames = frame_counts[data[0] % G_N_ELEMENTS(frame_counts)];
    model = map_model_new(frames, first_frame(data[0] >> 2 & 7, frames),
                          first_frame(data[0] >> 5, frames),
                          data[1] ? data[1] : UINT64_MAX);
    for (size_t at = 2; at + MAP_MODEL_STEP <= size; at += MAP_MODEL_STEP) {
        map_model_step(model, data + at);
    }
    map_model_free(model);
    return 0;
}
