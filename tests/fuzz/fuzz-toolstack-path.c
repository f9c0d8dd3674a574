/*
 * Fuzz: paths from watch events, and the note of a guest's size
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "fuzz-input.h"
#include "guest-size.h"
#include "path.h"

static void check_request(const char *text, uint32_t dm, uint32_t domid)
{
    g_autofree char *again = path_memory_node(dm, domid, "request");

    FUZZ_CHECK(!strcmp(text, again));
}

static void check_size(const char *text, uint32_t domid)
{
    g_autofree char *target = path_domain_node(domid, "memory/target");
    g_autofree char *max = path_domain_node(domid, "memory/static-max");

    FUZZ_CHECK(!strcmp(text, target) || !strcmp(text, max));
}

static void check_note(const char *text)
{
    GuestSize size = guest_size_parse(text, "1 2 3 4");

    if (size.known) {
        g_autofree char *again = guest_size_format(&size, "1 2 3 4");

        FUZZ_CHECK(!strcmp(text, again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_string(data, size);
    g_autofree char *event = NULL;
    uint32_t dm = UINT32_MAX, domid = UINT32_MAX;

    switch (path_classify(text, &dm, &domid)) {
    case PATH_REQUEST:
        FUZZ_CHECK(dm <= PATH_DOMID_MAX && domid <= PATH_DOMID_MAX);
        check_request(text, dm, domid);
        break;
    case PATH_SIZE:
        FUZZ_CHECK(domid <= PATH_DOMID_MAX);
        check_size(text, domid);
        break;
    case PATH_DEVICE_MODELS:
        FUZZ_CHECK(dm <= PATH_DOMID_MAX);
        break;
    case PATH_DOMAINS:
    case PATH_OTHER:
        break;
    }
    if (path_followed(text, &dm, &domid, &event)) {
        FUZZ_CHECK(dm <= PATH_DOMID_MAX && domid <= PATH_DOMID_MAX);
        FUZZ_CHECK(event && *event);
    } else {
        FUZZ_CHECK(!event);
    }
    check_note(text);
    return 0;
}
