/*
 * Fuzz: an answer, as a device model reads it back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "fuzz-input.h"
#include "hw/xen/device-memory-protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_string(data, size);
    DeviceMemoryAnswer answer;

    if (device_memory_answer_parse(text, &answer)) {
        g_autofree char *again = device_memory_answer_format(&answer);

        FUZZ_CHECK(!strcmp(text, again));
        FUZZ_CHECK(answer.granted == !answer.reason[0]);
        FUZZ_CHECK(strlen(answer.reason) <= DEVICE_MEMORY_REASON_MAX);
    }
    device_memory_version_listed(text, DEVICE_MEMORY_VERSION);
    return 0;
}
