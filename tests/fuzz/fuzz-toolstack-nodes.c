/*
 * Fuzz: everything that daemon and client read about a guest, all at once
 *
 * The input is lines, each "c value": c says what happens, with value.  The
 * guest's limit must never be above what libxl has set and the cap, whatever
 * stands in the nodes; the record is the toolstack's own and is left alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "check.h"
#include "fuzz-input.h"
#include "report-json.h"
#include "report-text.h"
#include "service.h"
#include "toolstack-emulation.h"

#define BASE 33024
#define CAP_KIB 65536
#define LINES_MAX 64

static const char *const nodes[] = {
    "/local/domain/0/device-model/3/device-memory/request",
    "/local/domain/0/device-model/3/device-memory/answer",
    "/local/domain/0/device-model/3/device-memory/blocks/0",
    "/local/domain/0/device-model/3/device-memory/blocks/1",
    "/local/domain/0/device-model/3/device-memory/blocks",
    "/local/domain/0/device-model/3/device-memory",
    "/local/domain/0/device-model/3/state",
    "/local/domain/4/device-model/3/device-memory/request",
    "/local/domain/4/target",
    "/local/domain/3/image/device-model-domid",
    "/local/domain/3/memory/videoram",
};

static void drop_log(const char *domain, GLogLevelFlags level,
                     const char *message, gpointer data)
{
}

/* Returns: the service, which is another one after a restart */
static Service *one_line(World *world, Service *service, const char *line)
{
    unsigned what = (unsigned char)line[0] % (G_N_ELEMENTS(nodes) + 2);
    const char *value = line[0] && line[1] ? line + 2 : "";

    if (what < G_N_ELEMENTS(nodes)) {
        world_set_node(world, nodes[what], value);
    } else if (what == G_N_ELEMENTS(nodes)) {
        world_pass(world, G_USEC_PER_SEC);
    } else {
        service_free(service);
        world_crash_after(world, WORLD_NO_CRASH);
        service = service_new(world_store(world), world_host(world),
                              policy_new());
        FUZZ_CHECK(service_start(service, world_now(world)));
    }
    world_settle(world, service);
    FUZZ_CHECK(world_limit(world, 3) >= BASE);
    FUZZ_CHECK(world_limit(world, 3) <= BASE + CAP_KIB / 4);
    FUZZ_CHECK(world_limit(world, 4) == 8192);
    return service;
}

static void look(World *world)
{
    CheckFailure *failure;
    unsigned checked;
    g_autoptr(ReportGuest) guest = report_guest(world_store(world),
                                                world_host(world), "3", NULL);
    g_autofree char *json = report_json_show(guest, true);

    FUZZ_CHECK(g_utf8_validate(json, -1, NULL));
    FUZZ_CHECK(check_guests(world_store(world), world_host(world), &checked,
                            &failure, NULL));
    FUZZ_CHECK(!failure || g_utf8_validate(failure->text, -1, NULL));
    check_failure_free(failure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_string(data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX);
    g_autoptr(World) world = world_new();
    Service *service;

    g_log_set_default_handler(drop_log, NULL);
    world_add_guest(world, 3, "web", BASE);
    world_add(world, 4, 4, "pv", 8192);
    service = service_new(world_store(world), world_host(world),
                          policy_new());
    FUZZ_CHECK(service_start(service, world_now(world)));
    for (unsigned i = 0; lines[i]; i++) {
        service = one_line(world, service, lines[i]);
    }
    look(world);
    service_free(service);
    return 0;
}
