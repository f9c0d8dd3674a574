/*
 * Fuzz: the policy file
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz-input.h"
#include "hw/xen/device-memory-protocol.h"
#include "policy.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

static void check(const Policy *policy)
{
    FUZZ_CHECK(policy->request_rate >= 1 &&
               policy->request_rate <= POLICY_RATE_MAX);
    FUZZ_CHECK(policy->request_burst >= 1 &&
               policy->request_burst <= POLICY_BURST_MAX);
    FUZZ_CHECK(policy->host_reserve_kib % DEVICE_MEMORY_PAGE_KIB == 0);
    FUZZ_CHECK(policy_cap(policy, UUID, "web") % DEVICE_MEMORY_PAGE_KIB == 0);
    FUZZ_CHECK(policy_cap(policy, UUID, NULL) <= DEVICE_MEMORY_TOTAL_MAX);
    if (!g_hash_table_size(policy->by_uuid) &&
        !g_hash_table_size(policy->by_name)) {
        FUZZ_CHECK(policy_cap(policy, UUID, "web--incoming") ==
                   policy->default_cap_kib);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("policy", MFD_CLOEXEC);
    g_autofree char *file = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = NULL;

    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    policy = policy_load(file, &error);
    FUZZ_CHECK(!policy == !!error);
    if (policy) {
        check(policy);
    } else {
        /* It names the file. */
        FUZZ_CHECK(g_str_has_prefix(error->message, file));
    }
    close(fd);
    return 0;
}
