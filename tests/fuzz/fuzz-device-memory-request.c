/*
 * Fuzz: a request, as the toolstack reads it from a device model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "fuzz-input.h"
#include "hw/xen/device-memory-protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_string(data, size);
    DeviceMemoryRequest request;

    if (device_memory_request_parse(text, &request)) {
        g_autofree char *again = device_memory_request_format(&request);

        /* One spelling only: what is read is what would be written. */
        FUZZ_CHECK(!strcmp(text, again));
        FUZZ_CHECK(request.id);
        FUZZ_CHECK(request.total_kib % DEVICE_MEMORY_PAGE_KIB == 0);
    } else {
        FUZZ_CHECK(request.total_kib == 0);
    }
    return 0;
}
