/*
 * Fuzz: a published block, as a tool in dom0 reads it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "fuzz-input.h"
#include "hw/xen/device-memory-protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_string(data, size);
    DeviceMemoryBlockState state;
    char *name = NULL;
    uint32_t pages;

    if (device_memory_block_parse(text, &pages, &state, &name)) {
        FUZZ_CHECK(pages >= 1 && pages <= DEVICE_MEMORY_BLOCK_PAGES_MAX);
        FUZZ_CHECK(strlen(name) >= 1);
        FUZZ_CHECK(strlen(name) <= DEVICE_MEMORY_NAME_MAX);
        /* A terminal is shown nothing that could steer it. */
        for (const char *c = name; *c; c++) {
            FUZZ_CHECK(g_ascii_isprint(*c));
        }
        FUZZ_CHECK(device_memory_block_state_name(state));
    }
    g_free(name);
    return 0;
}
