/*
 * The service over an emulated xenstore and hypervisor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "incoming.h"
#include "population.h"
#include "serve.h"
#include "spec-examples.h"
#include "toolstack-emulation.h"

#define BASE 33024      /* max_pages of a guest of 128 MiB as libxl sets it */

#define RECOVERY_FIRST 41
#define RECOVERY_LAST 46

static GPtrArray *examples;
static GString *logged;

static void keep_log(const char *log_domain, GLogLevelFlags level,
                     const char *message, gpointer data)
{
    g_string_append_printf(logged, "%s\n", message);
}

static void assert_logged(const char *text)
{
    if (!strstr(logged->str, text)) {
        g_error("not in the log: \"%s\"; the log is\n%s", text, logged->str);
    }
}

static Service *start_with(World *world, Policy *policy)
{
    Service *service = service_new(world_store(world), world_host(world),
                                   policy);

    g_string_truncate(logged, 0);
    g_assert_true(service_start(service, world_now(world)));
    world_settle(world, service);
    return service;
}

/* A policy without a reserve, so that the numbers are easy to follow. */
static Policy *plain_policy(uint32_t cap_kib)
{
    Policy *policy = policy_new();

    policy->default_cap_kib = cap_kib;
    policy->host_reserve_kib = 0;
    return policy;
}

static Service *start(World *world)
{
    return start_with(world, plain_policy(65536));
}

static void ask(World *world, Service *service, uint32_t domid,
                const char *request, const char *answer)
{
    world_ask(world, 0, domid, request);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, domid), ==, answer);
}

static void finish_chores(World *world, Service *service)
{
    world_pass(world, SERVE_CHORES_US);
    world_settle(world, service);
}

static void test_announce(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    g_assert_cmpstr(world_node(world, "/tool/device-memory/version"), ==,
                    "1");
    g_assert_cmpstr(world_node(world, "/tool/device-memory/domid"), ==, "0");
    g_assert_true(world_is_public(world, "/tool/device-memory/version"));
    g_assert_true(world_is_public(world, "/tool/device-memory/domid"));
    service_stop(service);
    g_assert_null(world_find_node(world, "/tool/device-memory"));
    service_free(service);
}

static void test_grant_and_return(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    g_assert_cmpstr(world_node(world, "/libxl/3/device-memory/record"), ==,
                    "64 33040 0 33024");
    assert_logged("domain 3 \"web\": request \"7 64\" granted; grant 0 -> 64 "
                  "KiB, cap 65536 KiB\n");
    finish_chores(world, service);
    g_assert_cmpstr(world_node(world, "/libxl/3/device-memory/record"), ==,
                    "64 33040 64 33040");
    g_assert_cmpstr(world_node(world, "/libxl/3/device-memory/cap"), ==,
                    "65536");

    ask(world, service, 3, "8 320", "8 granted 320 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 80);
    ask(world, service, 3, "9 0", "9 granted 0 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    service_free(service);
}

static void test_refused(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start_with(world, plain_policy(1088));

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "11 1088", "11 granted 1088 1088");
    ask(world, service, 3, "12 1092", "12 refused 1088 1088 1088 cap");
    assert_logged("request \"12 1092\" refused (cap); grant 1088 -> 1088 "
                  "KiB, cap 1088 KiB, available 1088 KiB\n");
    world_set_free(world, 0);
    ask(world, service, 3, "13 64", "13 granted 64 1088");
    ask(world, service, 3, "14 68", "14 refused 64 1088 64 host-memory");
    ask(world, service, 3, "what\n\033", "0 refused 64 1088 64 malformed");
    assert_logged("request \"what\\n\\033\" refused (malformed)");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    service_free(service);
}

static void test_reserve(void)
{
    g_autoptr(World) world = world_new();
    Policy *policy = plain_policy(65536);
    Service *service;

    policy->host_reserve_kib = 1000;
    service = start_with(world, policy);
    world_add_guest(world, 3, "web", BASE);
    world_set_free(world, 1008);
    ask(world, service, 3, "1 12", "1 refused 0 65536 8 host-memory");
    ask(world, service, 3, "2 8", "2 granted 8 65536");
    world_set_free(world, 999);
    ask(world, service, 3, "3 12", "3 refused 8 65536 8 host-memory");
    service_free(service);
}

/*
 * In the ordinary case: read the request, write record and answer; after the
 * answer, read both sizes.
 */
static void test_short_path(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    world_exchanges(world);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    g_assert_cmpuint(world_exchanges(world), ==, 5);
    ask(world, service, 3, "8 128", "8 granted 128 65536");
    g_assert_cmpuint(world_exchanges(world), ==, 5);
    service_free(service);
}

/* Neither our own answers nor what else is written there wakes us. */
static void test_quiet(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    const char *const nodes[] = {
        "device-memory/blocks/0", "device-memory/answer", "state",
        "backends/qdisk",
    };

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    g_assert_cmpuint(world_events(world), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++) {
        g_autofree char *path =
            g_strconcat("/local/domain/0/device-model/3/", nodes[i], NULL);

        world_set_node(world, path, "x");
    }
    g_assert_cmpuint(world_events(world), ==, 0);
    service_free(service);
}

/* The same request again: the answer stands, and nothing is done. */
static void test_repeated(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    finish_chores(world, service);
    world_exchanges(world);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    g_assert_cmpuint(world_exchanges(world), ==, 1);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);

    /* A malformed one is not answered for ever either. */
    ask(world, service, 3, "x", "0 refused 64 65536 65536 malformed");
    world_exchanges(world);
    world_ask(world, 0, 3, "x");
    world_settle(world, service);
    g_assert_cmpuint(world_exchanges(world), ==, 1);
    service_free(service);
}

/* Many changes before we look are one request: the last. */
static void test_coalesced(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    for (int i = 1; i <= 1000; i++) {
        g_autofree char *request = g_strdup_printf("%d %d", i, 4 * i);

        world_ask(world, 0, 3, request);
    }
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==,
                    "1000 granted 4000 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 1000);
    service_free(service);
}

static void test_two_guests(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", 2 * BASE);
    world_settle(world, service);
    world_ask(world, 0, 3, "7 64");
    world_ask(world, 0, 4, "7 128");
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "7 granted 64 65536");
    g_assert_cmpstr(world_answer(world, 0, 4), ==, "7 granted 128 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    g_assert_cmpuint(world_limit(world, 4), ==, 2 * BASE + 32);
    service_free(service);
}

/* Caps by uuid, name and default; a reload changes them, not the grants. */
static void test_caps(void)
{
    g_autoptr(World) world = world_new();
    Policy *policy = plain_policy(64);
    Service *service;

    g_hash_table_insert(policy->by_name, g_strdup("web"),
                        GUINT_TO_POINTER(128));
    service = start_with(world, policy);
    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    ask(world, service, 3, "1 128", "1 granted 128 128");
    ask(world, service, 4, "1 128", "1 refused 0 64 64 cap");

    service_set_policy(service, plain_policy(100));
    ask(world, service, 3, "2 132", "2 refused 128 100 128 cap");
    ask(world, service, 4, "2 100", "2 granted 100 100");
    finish_chores(world, service);
    g_assert_cmpstr(world_node(world, "/libxl/3/device-memory/cap"), ==,
                    "100");
    service_free(service);
}

/* Only HVM guests have a device model that asks. */
static void test_not_hvm(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add(world, 5, 5, "pv", BASE);
    world_set_node(world, "/local/domain/5/name", "pv");
    service_event(service, "@introduceDomain", world_now(world));
    world_settle(world, service);
    ask(world, service, 5, "1 4", "1 refused 0 0 0 not-allowed");
    ask(world, service, 0, "2 4", "2 refused 0 0 0 not-allowed");
    assert_logged("domain 0 asks for domain 5: request \"1 4\" refused "
                  "(not-allowed)");
    g_assert_cmpuint(world_limit(world, 5), ==, BASE);
    service_free(service);
}

/* Nodes of an earlier domain say nothing about this one. */
static void test_not_identified(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_set_node(world, "/local/domain/3/vm",
                   "/vm/00000000-0000-4000-8000-00000000abcd");
    ask(world, service, 3, "1 4", "1 refused 0 0 0 not-allowed");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    service_free(service);
}

/* Stub domains */

static void test_stub_domain(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_stub(world, 4, 3);
    world_settle(world, service);
    world_ask(world, 4, 3, "7 64");
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 4, 3), ==, "7 granted 64 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    service_free(service);

    /* A new daemon finds the stub domain by itself. */
    world_crash_after(world, WORLD_NO_CRASH);
    world_ask(world, 4, 3, "8 128");
    service = start(world);
    g_assert_cmpstr(world_answer(world, 4, 3), ==, "8 granted 128 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 32);
    service_free(service);
}

static void test_stranger(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_stub(world, 4, 3);
    world_add_guest(world, 5, "mail", BASE);
    world_add_stub(world, 6, 5);
    world_settle(world, service);
    world_ask(world, 4, 3, "7 64");
    world_settle(world, service);

    world_ask(world, 6, 3, "8 1024");
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 6, 3), ==,
                    "8 refused 0 0 0 not-allowed");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    assert_logged("domain 6 asks for domain 3: request \"8 1024\" refused");

    /* The guest's own stub domain is served as before. */
    world_ask(world, 4, 3, "8 128");
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 4, 3), ==, "8 granted 128 65536");
    service_free(service);
}

static void test_strangers_are_bounded(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    unsigned before;

    world_add_guest(world, 3, "web", BASE);
    world_add(world, 6, 6, "pv", 8192);
    world_set_node(world, "/local/domain/6/name", "forger");
    service_event(service, "@introduceDomain", world_now(world));
    world_settle(world, service);
    before = service_domains(service);
    g_string_truncate(logged, 0);
    world_exchanges(world);
    for (int i = 0; i < 1000; i++) {
        g_autofree char *request = g_strdup_printf("%d 4", i + 1);

        world_ask(world, 6, 3, request);
        world_ask(world, 6, 1000 + i, request);
        world_settle(world, service);
    }
    /* Ten at once, then one a second: and no time has passed. */
    g_assert_cmpuint(world_exchanges(world), <=, 10 * 5);
    g_assert_cmpuint(service_domains(service), ==, before);
    g_assert_cmpuint(logged->len, <, 10 * 300);
    service_free(service);
}

/* Too much */

static void test_busy(void)
{
    g_autoptr(World) world = world_new();
    Policy *policy = plain_policy(65536);
    Service *service;

    policy->request_rate = 10;
    policy->request_burst = 2;
    service = start_with(world, policy);
    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    ask(world, service, 3, "1 4", "1 granted 4 65536");
    ask(world, service, 3, "2 8", "2 granted 8 65536");
    ask(world, service, 3, "3 12", "3 refused 8 65536 8 busy");

    /* Until there may be another decision, nothing is even read. */
    world_exchanges(world);
    world_ask(world, 0, 3, "4 16");
    world_settle(world, service);
    world_ask(world, 0, 3, "5 20");
    world_settle(world, service);
    g_assert_cmpuint(world_exchanges(world), ==, 0);
    ask(world, service, 4, "1 4", "1 granted 4 65536");

    world_pass(world, 100 * 1000);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "5 granted 20 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 5);
    service_free(service);
}

static void test_log_is_bounded(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    unsigned lines = 0;

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    g_string_truncate(logged, 0);
    for (int i = 0; i < 5000; i++) {
        g_autofree char *request = g_strdup_printf("%d %d", i + 1, i % 2 * 4);

        world_ask(world, 0, 3, request);
        world_pass(world, 10 * 1000);
        world_settle(world, service);
    }
    for (const char *c = logged->str; *c; c++) {
        lines += *c == '\n';
    }
    /* 50 seconds: a burst of 100, two a second, and as many remarks. */
    g_assert_cmpuint(lines, <=, 2 * (100 + 100));
    assert_logged("decisions were not logged");
    service_free(service);
}

/* Another program has libxl's lock */

static void test_locked(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    world_settle(world, service);
    world_set_locked(world, 3, true);
    ask(world, service, 3, "7 64", NULL);
    ask(world, service, 4, "7 64", "7 granted 64 65536");
    world_pass(world, SERVE_LOCK_RETRY_US);
    ask(world, service, 3, "8 128", NULL);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);

    world_set_locked(world, 3, false);
    world_pass(world, SERVE_LOCK_RETRY_US);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "8 granted 128 65536");
    service_free(service);
}

static void test_locked_too_long(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    world_set_locked(world, 3, true);
    ask(world, service, 3, "7 64", NULL);
    world_pass(world, SERVE_LOCK_PATIENCE_US);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==,
                    "7 refused 0 65536 0 internal");
    assert_logged("cannot take libxl's lock");

    world_set_locked(world, 3, false);
    ask(world, service, 3, "8 64", "8 granted 64 65536");
    service_free(service);
}

static void test_xen_refuses(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    world_fail_limits(world, true);
    ask(world, service, 3, "8 128", "8 refused 64 65536 64 internal");
    assert_logged("cannot change its grant");
    finish_chores(world, service);
    g_assert_cmpstr(world_node(world, "/libxl/3/device-memory/record"), ==,
                    "64 33040 64 33040");
    world_fail_limits(world, false);
    ask(world, service, 3, "9 128", "9 granted 128 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 32);
    service_free(service);
}

static void test_limit_at_its_end(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", HOST_LIMIT_MAX - 1);
    ask(world, service, 3, "7 4", "7 granted 4 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, HOST_LIMIT_MAX);
    ask(world, service, 3, "8 8", "8 refused 4 65536 4 internal");
    g_assert_cmpuint(world_limit(world, 3), ==, HOST_LIMIT_MAX);
    service_free(service);
}

/* Recovery */

static void recover_example(unsigned number)
{
    const SpecExample *example = spec_example_get(examples, number);
    const char *comma = strrchr(example->text, ':');
    g_autoptr(World) world = world_new();
    g_autofree char *answer = NULL;
    guint64 limit, new_limit;
    unsigned grant;
    Service *service;

    while (*comma != ',') {
        comma--;
    }
    g_assert_cmpint(sscanf(comma, ", %" G_GUINT64_FORMAT " : %u, %"
                           G_GUINT64_FORMAT, &limit, &grant, &new_limit),
                    ==, 3);
    g_test_message("example %u", number);
    world_add_guest(world, 3, "web", limit);
    if (example->literals->len) {
        world_set_node(world, "/libxl/3/device-memory/record",
                       g_ptr_array_index(example->literals, 0));
    }
    service = start(world);
    g_assert_cmpuint(world_limit(world, 3), ==, new_limit);

    /* What it takes the grant to be is what a refusal says. */
    answer = g_strdup_printf("0 refused %u 65536 65536 malformed", grant);
    ask(world, service, 3, "?", answer);
    g_assert_cmpuint(world_limit(world, 3), ==, new_limit);
    service_free(service);
}

static void test_recovery(void)
{
    for (unsigned n = RECOVERY_FIRST; n <= RECOVERY_LAST; n++) {
        recover_example(n);
    }
    assert_logged("the record \"what\" cannot be read");
}

static void test_recovery_waits_for_lock(void)
{
    g_autoptr(World) world = world_new();
    Service *service;

    world_add_guest(world, 3, "web", 49408);
    world_set_node(world, "/libxl/3/device-memory/record",
                   "320 33104 64 33040");
    world_set_locked(world, 3, true);
    service = start(world);
    g_assert_cmpuint(world_limit(world, 3), ==, 49408);
    world_pass(world, 20 * G_USEC_PER_SEC);
    world_settle(world, service);
    world_set_locked(world, 3, false);
    world_pass(world, SERVE_RECOVERY_RETRY_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, 49488);
    service_free(service);
}

/*
 * The daemon dies before its n-th change of the world, for every n, and is
 * started again: the answer comes, and the limit is right to the page.
 */
static bool crash_once(unsigned changes, const char *first, uint32_t first_kib,
                       const char *second, uint32_t second_kib)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    g_autofree char *answer = g_strdup_printf("8 granted %u 65536",
                                              second_kib);
    g_autofree char *first_answer = g_strdup_printf("7 granted %u 65536",
                                                    first_kib);
    bool crashed;

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, first, first_answer);
    world_crash_after(world, changes);
    world_ask(world, 0, 3, second);
    world_settle(world, service);
    world_pass(world, SERVE_CHORES_US);
    world_settle(world, service);
    crashed = world_crashed(world);
    service_free(service);

    world_crash_after(world, WORLD_NO_CRASH);
    service = start(world);
    g_test_message("dead before change %u", changes);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, answer);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + second_kib / 4);
    ask(world, service, 3, "9 0", "9 granted 0 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    service_free(service);
    return crashed;
}

static void test_crash(void)
{
    unsigned n = 0;

    while (crash_once(n, "7 64", 64, "8 320", 320)) {
        n++;
    }
    /* record, max_pages, answer, settled record, size, cap */
    g_assert_cmpuint(n, ==, 6);
    for (n = 0; crash_once(n, "7 320", 320, "8 64", 64); n++) {
    }
    g_assert_cmpuint(n, ==, 6);
    for (n = 0; crash_once(n, "7 320", 320, "8 320", 320); n++) {
    }
    g_assert_cmpuint(n, ==, 4);
}

/* The same while recovering from what another program did to the limit. */
static void test_crash_in_recovery(void)
{
    unsigned n = 0;
    bool crashed = true;

    while (crashed) {
        g_autoptr(World) world = world_new();
        Service *service;

        world_add_guest(world, 3, "web", 49408);
        world_set_node(world, "/libxl/3/device-memory/record",
                       "320 33104 64 33040");
        service = service_new(world_store(world), world_host(world),
                              plain_policy(65536));
        world_crash_after(world, n++);
        service_start(service, world_now(world));
        crashed = world_crashed(world);
        service_free(service);

        world_crash_after(world, WORLD_NO_CRASH);
        service = start(world);
        g_assert_cmpuint(world_limit(world, 3), ==, 49488);
        ask(world, service, 3, "9 64", "9 granted 64 65536");
        g_assert_cmpuint(world_limit(world, 3), ==, 49408 + 16);
        service_free(service);
    }
    g_assert_cmpuint(n, >=, 4);
}

/* A daemon that was away: one request was answered, one was not. */
static void test_restart(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    service_stop(service);
    service_free(service);
    world_crash_after(world, WORLD_NO_CRASH);
    world_ask(world, 0, 4, "7 128");
    world_set_node(world, "/local/domain/0/device-model/3/device-memory/"
                   "answer", "7 granted 64 12345680");

    service = start(world);
    /* It was answered, so it is not answered again. */
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "7 granted 64 12345680");
    g_assert_cmpstr(world_answer(world, 0, 4), ==, "7 granted 128 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    g_assert_cmpuint(world_limit(world, 4), ==, BASE + 32);
    service_free(service);
}

/* Other programs set the limit while the daemon runs. */
static void test_limit_is_set_by_others(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 320", "7 granted 320 65536");
    world_set_limit(world, 3, 2 * BASE);
    ask(world, service, 3, "8 640", "8 granted 640 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, 2 * BASE + 160);

    /* Back to what it was before the grant: not taken for a lost change. */
    world_set_limit(world, 3, 2 * BASE + 80);
    ask(world, service, 3, "9 640", "9 granted 640 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, 2 * BASE + 80 + 160);
    assert_logged("by another program");

    finish_chores(world, service);
    service_free(service);
    world_set_limit(world, 3, 2 * BASE + 80);
    world_crash_after(world, WORLD_NO_CRASH);
    service = start(world);
    g_assert_cmpuint(world_limit(world, 3), ==, 2 * BASE + 80 + 160);
    service_free(service);
}

/* libxl sets the limit, and nobody asks for anything. */

#define SIZE 131072     /* KiB; what BASE follows from */

static void test_mem_set(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 320", "7 granted 320 65536");
    world_mem_set(world, 3, SIZE / 2);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, 16640 + 80);
    assert_logged("max_pages was set to 16640 by another program; is 16720 "
                  "now, with the grant of 320 KiB");
    world_mem_set(world, 3, SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 80);
    world_mem_max(world, 3, 2 * SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, 65792 + 80);

    /* The same once more; libxl does not care that nothing has changed. */
    world_mem_max(world, 3, 2 * SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, 65792 + 80);
    ask(world, service, 3, "8 0", "8 granted 0 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, 65792);
    world_mem_set(world, 3, SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    service_free(service);
}

/* Without a grant, a size that changes costs one look at the request. */
static void test_mem_set_without_grant(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    world_exchanges(world);
    world_mem_set(world, 3, SIZE / 2);
    world_settle(world, service);
    g_assert_cmpuint(world_exchanges(world), ==, 1);
    g_assert_cmpuint(world_limit(world, 3), ==, 16640);
    service_free(service);
}

/*
 * libxl sets exactly the number that is on the record: by its size alone it
 * can be told that the grant is not in it.
 */
static void mem_set_to_the_record(bool by_max, bool request, uint32_t total,
                                  bool restart)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    g_autofree char *asked = g_strdup_printf("8 %u", total);
    g_autofree char *answer = g_strdup_printf("8 granted %u 65536", total);

    world_add_guest(world, 3, "web", BASE);
    world_set_node(world, "/local/domain/3/memory/videoram", "16384");
    world_mem_set(world, 3, SIZE);
    world_settle(world, service);
    ask(world, service, 3, "7 320", "7 granted 320 65536");
    finish_chores(world, service);
    if (restart) {
        service_free(service);
        world_crash_after(world, WORLD_NO_CRASH);
    }
    if (by_max) {
        world_mem_max(world, 3, SIZE + 320);
    } else {
        world_mem_set(world, 3, SIZE + 320);
    }
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 80);
    if (restart) {
        service = start(world);
    }
    if (request) {
        ask(world, service, 3, asked, answer);
    } else {
        world_settle(world, service);
        total = 320;
    }
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 80 + total / 4);

    /* And once only. */
    finish_chores(world, service);
    world_mem_set(world, 3, SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + total / 4);
    service_free(service);
}

static void test_mem_set_to_the_record(void)
{
    for (int i = 0; i < 8; i++) {
        mem_set_to_the_record(i & 1, i & 2, i & 4 ? 640 : 64, false);
        mem_set_to_the_record(i & 1, i & 2, i & 4 ? 640 : 64, true);
    }
}

/* Only the node is written: nobody has touched the limit. */
static void test_size_without_limit(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 320", "7 granted 320 65536");
    world_set_node(world, "/local/domain/3/memory/target", "65536");
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 80);
    world_set_node(world, "/local/domain/3/memory/target", "what");
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 80);
    service_free(service);
}

/* libxl writes the size while it still has the lock. */
static void test_mem_set_waits_for_lock(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 320", "7 granted 320 65536");
    world_set_locked(world, 3, true);
    world_mem_set(world, 3, SIZE / 2);
    world_settle(world, service);
    world_pass(world, 20 * G_USEC_PER_SEC);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, 16640);
    world_set_locked(world, 3, false);
    world_pass(world, SERVE_RECOVERY_RETRY_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, 16640 + 80);

    /* It is tried again when Xen refuses. */
    world_fail_limits(world, true);
    world_set_limit(world, 3, BASE);
    world_mem_set(world, 3, SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    world_fail_limits(world, false);
    world_pass(world, SERVE_RECOVERY_RETRY_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 80);
    service_free(service);
}

static void assert_nothing_left(World *world, uint32_t domid)
{
    g_autofree char *libxl = g_strdup_printf("/libxl/%u", domid);
    g_autofree char *model = g_strdup_printf("/device-model/%u", domid);
    g_autofree char *domain = g_strdup_printf("/local/domain/%u", domid);

    g_assert_cmpstr(world_find_node(world, libxl), ==, NULL);
    g_assert_cmpstr(world_find_node(world, model), ==, NULL);
    g_assert_cmpstr(world_find_node(world, domain), ==, NULL);
}

/* Guests that are being built */

#define NOTE "/libxl/3/device-memory/provisional"

/* Up to the point where libxl begins to populate. */
static void begin_guest(World *world, Service *service, uint32_t domid)
{
    world_begin_guest(world, domid, "web");
    world_settle(world, service);
    world_pass(world, INCOMING_POLL_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, domid), ==, 0);
    world_set_limit(world, domid, BASE);
    world_pass(world, INCOMING_POLL_US);
    world_settle(world, service);
}

/* A guest with 2048 KiB of device memory, restored as far as its build. */
static void restore_guest(World *world, Service *service)
{
    begin_guest(world, service, 3);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16384);
    g_assert_nonnull(world_node(world, NOTE));
    world_set_used(world, 3, BASE + 268);
    world_finish_guest(world, 3, SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);
}

static void test_restore(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    restore_guest(world, service);
    g_assert_nonnull(world_node(world, NOTE));
    ask(world, service, 3, "1 2048", "1 granted 2048 65536");
    finish_chores(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 512);
    g_assert_null(world_node(world, NOTE));

    /* It was the last word. */
    world_set_node(world, "/local/domain/0/device-model/3/state", "running");
    world_pass(world, 2 * INCOMING_DECLARE_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 512);
    world_mem_set(world, 3, SIZE / 2);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, 16640 + 512);
    service_free(service);
}

/*
 * The device model declares block by block on a host without free memory: the
 * pages are there already.  What it does not have is refused.
 */
static void test_restore_on_full_host(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    restore_guest(world, service);
    world_set_free(world, 0);
    ask(world, service, 3, "1 64", "1 granted 64 65536");
    ask(world, service, 3, "2 1072", "2 granted 1072 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);
    ask(world, service, 3, "3 1076", "3 refused 1072 65536 1072 host-memory");
    service_free(service);
}

/* A new guest has nothing of it when its device model starts. */
static void test_build(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    begin_guest(world, service, 3);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16384);
    world_set_used(world, 3, BASE - 256);
    world_finish_guest(world, 3, SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    g_assert_null(world_node(world, NOTE));
    ask(world, service, 3, "1 64", "1 granted 64 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    service_free(service);
}

static void test_never_declared(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    restore_guest(world, service);
    world_pass(world, 10 * INCOMING_DECLARE_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);
    world_set_node(world, "/local/domain/0/device-model/3/state", "running");
    world_pass(world, INCOMING_WATCH_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);
    world_pass(world, INCOMING_DECLARE_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    g_assert_null(world_node(world, NOTE));
    assert_logged("domain 3: its device model does not say what it needs");
    service_free(service);
}

/* A limit that never comes is not waited for without end. */
static void test_never_built(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_begin_guest(world, 3, "web");
    world_settle(world, service);
    world_pass(world, INCOMING_PATIENCE_US);
    world_settle(world, service);
    g_assert_cmpint(service_run(service, world_now(world)), ==,
                    SERVICE_NEVER);
    world_remove_nodes(world, 3);
    world_remove(world, 3);
    world_settle(world, service);
    assert_nothing_left(world, 3);
    service_free(service);
}

static void test_gone_while_built(void)
{
    for (int step = 0; step < 3; step++) {
        g_autoptr(World) world = world_new();
        Service *service = start(world);

        if (step == 0) {
            world_begin_guest(world, 3, "web");
            world_settle(world, service);
            world_set_limit(world, 3, BASE);
        } else if (step == 1) {
            begin_guest(world, service, 3);
        } else {
            restore_guest(world, service);
        }
        world_remove_nodes(world, 3);
        world_remove(world, 3);
        world_pass(world, INCOMING_WATCH_US);
        world_settle(world, service);
        finish_chores(world, service);
        assert_nothing_left(world, 3);
        g_assert_cmpuint(service_domains(service), ==, 1);
        service_free(service);
    }
}

/* Headroom is not more than the cap, nor than the host can give. */
static void test_headroom(void)
{
    g_autoptr(World) world = world_new();
    Policy *policy = plain_policy(1024);
    Service *service;

    policy->host_reserve_kib = 1000;
    service = start_with(world, policy);
    begin_guest(world, service, 3);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 256);

    /* What the first still takes, what the second does, and 100 KiB. */
    world_set_free(world, 1000 + 4 * (BASE + 256) + 4 * BASE + 100);
    begin_guest(world, service, 4);
    g_assert_cmpuint(world_limit(world, 4), ==, BASE + 25);
    begin_guest(world, service, 5);
    g_assert_cmpuint(world_limit(world, 5), ==, BASE);
    assert_logged("leaves no headroom");
    g_assert_null(world_find_node(world, "/libxl/5/device-memory"));
    service_free(service);
}

/* The daemon dies before its n-th change, for every n, anywhere on the way. */
static bool crash_in_restore(unsigned changes)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    bool crashed, built;

    world_begin_guest(world, 3, "web");
    world_settle(world, service);
    world_set_limit(world, 3, BASE);
    world_crash_after(world, changes);
    world_pass(world, INCOMING_POLL_US);
    world_settle(world, service);
    world_pass(world, SERVE_CHORES_US);
    world_settle(world, service);
    built = !world_crashed(world);
    if (built) {
        world_set_used(world, 3, BASE + 268);
        world_finish_guest(world, 3, SIZE);
        world_settle(world, service);
        world_pass(world, SERVE_CHORES_US);
        world_settle(world, service);
        world_ask(world, 0, 3, "1 2048");
        world_settle(world, service);
        world_pass(world, SERVE_CHORES_US);
        world_settle(world, service);
    }
    crashed = world_crashed(world);
    service_free(service);

    g_test_message("dead before change %u", changes);
    world_crash_after(world, WORLD_NO_CRASH);
    service = start(world);
    if (!built) {
        world_pass(world, INCOMING_POLL_US);
        world_settle(world, service);
        g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16384);
        world_set_used(world, 3, BASE + 268);
        world_finish_guest(world, 3, SIZE);
        world_settle(world, service);
    }
    ask(world, service, 3, "2 1024", "2 granted 1024 65536");
    finish_chores(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 256);
    g_assert_null(world_node(world, NOTE));
    service_free(service);
    return crashed;
}

static void test_crash_in_restore(void)
{
    unsigned n = 0;

    while (crash_in_restore(n)) {
        n++;
    }
    /* three records and limits, three that are settled, and the note twice */
    g_assert_cmpuint(n, >=, 10);
}

/* Domains that go */

static void test_gone(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    unsigned watches = world_watches(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    g_assert_cmpuint(world_watches(world), ==, watches + 4);
    world_remove_nodes(world, 3);
    world_remove(world, 3);
    world_settle(world, service);
    finish_chores(world, service);
    assert_nothing_left(world, 3);
    g_assert_cmpuint(service_domains(service), ==, 1);
    g_assert_cmpuint(world_watches(world), ==, watches);
    service_free(service);
}

/* The request comes when libxl has removed the nodes, but not the domain. */
static void test_going(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    world_remove_nodes(world, 3);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
    finish_chores(world, service);
    g_assert_nonnull(world_node(world, "/libxl/3/device-memory/record"));
    world_set_dying(world, 3);
    world_settle(world, service);
    assert_nothing_left(world, 3);
    world_remove(world, 3);
    world_settle(world, service);

    /* And a device model that outlives its guest leaves nothing either. */
    world_ask(world, 0, 3, "8 128");
    world_pass(world, POPULATION_FIRST_SWEEP_US);
    world_settle(world, service);
    assert_nothing_left(world, 3);
    world_ask(world, 0, 3, "9 0");
    world_pass(world, POPULATION_LAST_SWEEP_US);
    world_settle(world, service);
    assert_nothing_left(world, 3);

    /* Some time it is over. */
    for (int i = 0; i < 10; i++) {
        world_pass(world, POPULATION_LAST_SWEEP_US);
        world_settle(world, service);
    }
    g_assert_cmpint(service_run(service, world_now(world)), ==,
                    SERVICE_NEVER);
    service_free(service);
}

/* The domain goes before its request is looked at. */
static void test_vanished(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    world_set_locked(world, 3, true);
    ask(world, service, 3, "7 64", NULL);
    world_remove_nodes(world, 3);
    world_remove(world, 3);
    world_pass(world, SERVE_LOCK_RETRY_US);
    world_settle(world, service);
    assert_nothing_left(world, 3);
    service_free(service);
}

/* A domain that is dying gets nothing, even if we are not told. */
static void test_dying(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    world_tell(world, false);
    world_remove_nodes(world, 3);
    world_set_dying(world, 3);
    ask(world, service, 3, "7 64", NULL);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    assert_nothing_left(world, 3);
    service_free(service);
}

static void test_stub_goes_first(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_stub(world, 4, 3);
    world_settle(world, service);
    world_remove_nodes(world, 4);
    world_ask(world, 4, 3, "7 64");
    world_settle(world, service);
    world_remove(world, 4);
    world_settle(world, service);
    g_assert_cmpstr(world_find_node(world, "/local/domain/4"), ==, NULL);
    world_remove_nodes(world, 3);
    world_remove(world, 3);
    world_settle(world, service);
    finish_chores(world, service);
    assert_nothing_left(world, 3);
    service_free(service);
}

/* Leftovers of a daemon that was killed at the wrong moment. */
static void test_sweep_at_start(void)
{
    g_autoptr(World) world = world_new();
    Service *service;

    world_add_guest(world, 3, "web", BASE);
    world_set_node(world, "/libxl/9/device-memory/record", "64 80 0 64");
    world_set_node(world, "/libxl/8/device-memory/record", "64 80 0 64");
    world_set_node(world, "/libxl/8/type", "hvm");
    world_set_node(world, "/local/domain/0/device-model/9/device-memory/"
                   "answer", "7 granted 64 65536");
    service = start(world);
    assert_nothing_left(world, 9);
    g_assert_null(world_node(world, "/libxl/8/device-memory"));
    g_assert_cmpstr(world_node(world, "/libxl/8/type"), ==, "hvm");
    g_assert_nonnull(world_node(world, "/libxl/3/type"));
    service_free(service);
}

/* The domid is used again at once, before we hear that the first is gone. */
static void test_domid_reused(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 320", "7 granted 320 65536");
    world_remove_nodes(world, 3);
    world_remove(world, 3);
    world_add(world, 3, 0x333, "hvm", BASE);
    world_set_node(world, "/local/domain/3/name", "mail");
    world_ask(world, 0, 3, "7 64");
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "7 granted 64 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    finish_chores(world, service);
    g_assert_cmpstr(world_node(world, "/libxl/3/device-memory/record"), ==,
                    "64 33040 64 33040");
    service_free(service);
}

/* The same, but we are not told: it is noticed when the request is served. */
static void test_domid_reused_unnoticed(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 320", "7 granted 320 65536");
    finish_chores(world, service);
    world_tell(world, false);
    world_remove_nodes(world, 3);
    world_remove(world, 3);
    world_add(world, 3, 0x333, "hvm", BASE);
    world_set_node(world, "/local/domain/3/name", "mail");
    ask(world, service, 3, "1 70000", "1 refused 0 65536 65536 cap");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    ask(world, service, 3, "2 64", "2 granted 64 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16);
    service_free(service);
}

static void test_many_domains(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    for (unsigned i = 1; i <= 300; i++) {
        world_add_guest(world, i, "guest", BASE);
    }
    world_settle(world, service);
    g_assert_cmpuint(service_domains(service), ==, 301);
    for (unsigned i = 1; i <= 300; i++) {
        g_autofree char *request = g_strdup_printf("%u %u", i, 4 * i);

        world_ask(world, 0, i, request);
    }
    world_settle(world, service);
    for (unsigned i = 1; i <= 300; i++) {
        g_assert_cmpuint(world_limit(world, i), ==, BASE + i);
    }
    service_free(service);

    world_crash_after(world, WORLD_NO_CRASH);
    service = start(world);
    for (unsigned i = 1; i <= 300; i++) {
        g_assert_cmpuint(world_limit(world, i), ==, BASE + i);
        world_remove_nodes(world, i);
        world_remove(world, i);
    }
    world_settle(world, service);
    g_assert_cmpuint(service_domains(service), ==, 1);
    service_free(service);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    logged = g_string_new(NULL);
    g_log_set_default_handler(keep_log, NULL);
    examples = spec_examples_load(g_getenv("XENDM_SPEC"));

#define ADD(name, function) \
    g_test_add_func("/toolstack/service/" name, test_##function)
    ADD("announce", announce);
    ADD("grant-and-return", grant_and_return);
    ADD("refused", refused);
    ADD("reserve", reserve);
    ADD("short-path", short_path);
    ADD("quiet", quiet);
    ADD("repeated", repeated);
    ADD("coalesced", coalesced);
    ADD("two-guests", two_guests);
    ADD("caps", caps);
    ADD("not-hvm", not_hvm);
    ADD("not-identified", not_identified);
    ADD("stub-domain", stub_domain);
    ADD("stranger", stranger);
    ADD("strangers-are-bounded", strangers_are_bounded);
    ADD("busy", busy);
    ADD("log-is-bounded", log_is_bounded);
    ADD("locked", locked);
    ADD("locked-too-long", locked_too_long);
    ADD("xen-refuses", xen_refuses);
    ADD("limit-at-its-end", limit_at_its_end);
    ADD("recovery", recovery);
    ADD("recovery-waits-for-lock", recovery_waits_for_lock);
    ADD("crash", crash);
    ADD("crash-in-recovery", crash_in_recovery);
    ADD("restart", restart);
    ADD("limit-is-set-by-others", limit_is_set_by_others);
    ADD("mem-set", mem_set);
    ADD("mem-set-without-grant", mem_set_without_grant);
    ADD("mem-set-to-the-record", mem_set_to_the_record);
    ADD("size-without-limit", size_without_limit);
    ADD("mem-set-waits-for-lock", mem_set_waits_for_lock);
    ADD("restore", restore);
    ADD("restore-on-full-host", restore_on_full_host);
    ADD("build", build);
    ADD("never-declared", never_declared);
    ADD("never-built", never_built);
    ADD("gone-while-built", gone_while_built);
    ADD("headroom", headroom);
    ADD("crash-in-restore", crash_in_restore);
    ADD("gone", gone);
    ADD("going", going);
    ADD("vanished", vanished);
    ADD("dying", dying);
    ADD("stub-goes-first", stub_goes_first);
    ADD("sweep-at-start", sweep_at_start);
    ADD("domid-reused", domid_reused);
    ADD("domid-reused-unnoticed", domid_reused_unnoticed);
    ADD("many-domains", many_domains);
    ret = g_test_run();
    g_ptr_array_unref(examples);
    g_string_free(logged, TRUE);
    return ret;
}
