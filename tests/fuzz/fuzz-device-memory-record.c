/*
 * Fuzz: a record, and what is made of it after a restart
 *
 * The input's first four bytes are max_pages as Xen has it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "fuzz-input.h"
#include "hw/xen/device-memory-protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = NULL;
    DeviceMemoryRecord record;
    uint32_t limit, grant_kib;
    uint64_t new_limit;

    if (size < sizeof(limit)) {
        return 0;
    }
    memcpy(&limit, data, sizeof(limit));
    text = fuzz_string(data + sizeof(limit), size - sizeof(limit));
    if (device_memory_record_parse(text, &record)) {
        g_autofree char *again = device_memory_record_format(&record);

        FUZZ_CHECK(!strcmp(text, again));
        new_limit = device_memory_record_recover(&record, limit, &grant_kib);
        FUZZ_CHECK(new_limit >= limit);
        FUZZ_CHECK(new_limit - limit <=
                   record.grant_kib / DEVICE_MEMORY_PAGE_KIB);
        FUZZ_CHECK(grant_kib == record.grant_kib ||
                   grant_kib == record.previous_grant_kib);
    }
    return 0;
}
