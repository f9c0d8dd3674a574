/*
 * The daemon's service: requests and answers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "serve.h"
#include "spec-examples.h"
#include "toolstack-fixture.h"

/* The examples of docs/specs/device-memory.rst that are one guest's life. */
#define SEQUENCE_FIRST 90
#define SEQUENCE_LAST 96
#define HINDERED_FIRST 97
#define HINDERED_LAST 102

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

/* A guest's life, as the specification tells it. */
static void test_sequence(void)
{
    GPtrArray *examples = spec_examples_load(g_getenv("XENDM_SPEC"));
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    for (unsigned n = SEQUENCE_FIRST; n <= SEQUENCE_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);

        g_test_message("example %u", n);
        ask(world, service, 3, spec_example_literal(example, "->"),
            spec_example_literal(example, "<-"));
        g_assert_cmpuint(world_limit(world, 3), ==,
                         spec_example_number(example, "max_pages"));
    }
    service_free(service);
    g_ptr_array_unref(examples);
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

/* Two guests that ask at once are not given the same memory. */
static void test_reserve_at_once(void)
{
    g_autoptr(World) world = world_new();
    Policy *policy = plain_policy(65536);
    Service *service;

    policy->host_reserve_kib = 1000;
    service = start_with(world, policy);
    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    world_set_used(world, 3, BASE - 256);
    world_set_used(world, 4, BASE - 256);
    world_settle(world, service);
    world_set_free(world, 1000 + 65536);
    world_ask(world, 0, 3, "2 61440");
    world_ask(world, 0, 4, "2 61440");
    world_settle(world, service);
    if (world_limit(world, 3) > BASE) {
        g_assert_cmpstr(world_answer(world, 0, 3), ==,
                        "2 granted 61440 65536");
        g_assert_cmpstr(world_answer(world, 0, 4), ==,
                        "2 refused 0 65536 4096 host-memory");
    } else {
        g_assert_cmpstr(world_answer(world, 0, 4), ==,
                        "2 granted 61440 65536");
        g_assert_cmpstr(world_answer(world, 0, 3), ==,
                        "2 refused 0 65536 4096 host-memory");
    }
    service_free(service);
}

/* A grant counts until it is populated, and not once more after that. */
static void test_reserve_until_populated(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    world_set_free(world, 60000);
    ask(world, service, 3, "1 40000", "1 granted 40000 65536");

    /* Nor is it given twice to the same guest. */
    ask(world, service, 3, "2 60004", "2 refused 40000 65536 60000 "
        "host-memory");
    world_pass(world, 100 * SERVE_PROMISE_US);
    world_settle(world, service);
    ask(world, service, 4, "1 20004", "1 refused 0 65536 20000 host-memory");
    world_set_used(world, 3, 4000);
    world_set_free(world, 44000);
    ask(world, service, 4, "2 20004", "2 refused 0 65536 20000 host-memory");
    world_set_used(world, 3, 10000);
    world_set_free(world, 20000);
    ask(world, service, 4, "3 20000", "3 granted 20000 65536");
    ask(world, service, 3, "3 40004", "3 refused 40000 65536 40000 "
        "host-memory");

    /* The second withdraws; the first balloons down, and is not counted. */
    ask(world, service, 4, "4 0", "4 granted 0 65536");
    world_set_used(world, 3, 0);
    world_set_free(world, 60000);
    ask(world, service, 4, "5 60000", "5 granted 60000 65536");
    service_free(service);
}

/* That a grant is populated is noticed soon, and not with the next request. */
static void test_reserve_and_balloon(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    ask(world, service, 3, "1 40000", "1 granted 40000 65536");
    finish_chores(world, service);
    world_set_used(world, 3, 10000);
    world_pass(world, 4 * SERVE_CHORES_US);
    world_settle(world, service);
    world_set_used(world, 3, 0);
    world_set_free(world, 1000);
    ask(world, service, 4, "1 1000", "1 granted 1000 65536");

    /* After that nothing is to be looked at. */
    world_set_used(world, 4, 250);
    world_pass(world, SERVE_CHORES_US);
    world_settle(world, service);
    g_assert_cmpint(service_run(service, world_now(world)), ==,
                    SERVICE_NEVER);
    service_free(service);
}

/* A device model that has lived within libxl's slack declares what it has. */
static void test_reserve_and_slack(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    world_add_guest(world, 4, "mail", BASE);
    world_set_used(world, 3, BASE);
    world_set_used(world, 4, BASE - 156);
    world_set_free(world, 1024);
    ask(world, service, 3, "1 1024", "1 granted 1024 65536");
    ask(world, service, 4, "1 512", "1 granted 512 65536");
    ask(world, service, 4, "2 1424", "2 granted 1424 65536");
    ask(world, service, 4, "3 1428", "3 refused 1424 65536 1424 host-memory");
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
    log_forget();
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
    g_assert_cmpuint(strlen(log_text()), <, 10 * 300);
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

/* Hundreds of withdrawals, too many at once: the last one holds in the end. */
static void test_busy_withdrawals(void)
{
    g_autoptr(World) world = world_new();
    Policy *policy = plain_policy(65536);
    Service *service;

    policy->request_rate = 10;
    policy->request_burst = 2;
    service = start_with(world, policy);
    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "1 4000", "1 granted 4000 65536");
    for (int i = 2; i <= 1000; i++) {
        g_autofree char *request = g_strdup_printf("%d %d", i,
                                                   4 * (1000 - i));

        world_ask(world, 0, 3, request);
        world_settle(world, service);
        world_pass(world, g_test_rand_int_range(500, 3500));
        world_settle(world, service);
        g_assert_null(strstr(world_answer(world, 0, 3), "refused"));
    }
    world_pass(world, G_USEC_PER_SEC / 10);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "1000 granted 0 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    service_free(service);
}

/* What the specification says that stands in the way of an example. */
static bool hindered_by(const SpecExample *example, const char *what)
{
    g_autofree char *text = g_strconcat("hindrance ", what, ":", NULL);

    return strstr(example->text, text) != NULL;
}

static void ask_hindered(World *world, Service *service,
                         const SpecExample *example)
{
    world_fail_limits(world, hindered_by(example, "xen"));
    world_set_locked(world, 3, hindered_by(example, "lock"));
    world_ask(world, 0, 3, spec_example_literal(example, "->"));
    world_settle(world, service);
    if (hindered_by(example, "lock")) {
        world_pass(world, SERVE_LOCK_PATIENCE_US);
        world_settle(world, service);
    }
}

/* @rate: how many requests are decided a second, and at once */
static void replay_hindered(const SpecExample *example, unsigned rate)
{
    bool put_off = strstr(example->text, "put off") != NULL;
    const char *answer = spec_example_literal(example, "<-");
    g_autoptr(World) world = world_new();
    Policy *policy = plain_policy(65536);
    Service *service;

    g_test_message("example %u", example->number);
    policy->request_rate = rate;
    policy->request_burst = rate;
    service = start_with(world, policy);
    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "200 576", "200 granted 576 65536");
    ask_hindered(world, service, example);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 144);
    g_assert_cmpstr(world_answer(world, 0, 3), ==,
                    put_off ? "200 granted 576 65536" : answer);

    world_fail_limits(world, false);
    world_set_locked(world, 3, false);
    world_pass(world, SERVE_RECOVERY_RETRY_US);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, answer);
    g_assert_cmpuint(world_limit(world, 3), ==,
                     spec_example_number(example, "max_pages"));
    service_free(service);
}

static void test_hindered(void)
{
    GPtrArray *examples = spec_examples_load(g_getenv("XENDM_SPEC"));

    for (unsigned n = HINDERED_FIRST; n <= HINDERED_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);

        replay_hindered(example, hindered_by(example, "busy") ? 1 : 1000);
    }
    g_ptr_array_unref(examples);
}

/* A daemon that has not seen the record cannot tell what a request does. */
static void test_unknown_is_put_off(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "1 512", "1 granted 512 65536");
    finish_chores(world, service);
    service_free(service);
    world_crash_after(world, WORLD_NO_CRASH);
    world_set_locked(world, 3, true);
    world_ask(world, 0, 3, "2 256");
    service = start(world);
    world_pass(world, SERVE_LOCK_PATIENCE_US);
    world_settle(world, service);
    world_set_locked(world, 3, false);
    world_pass(world, SERVE_RECOVERY_RETRY_US);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "2 granted 256 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 64);
    service_free(service);
}

static void test_log_is_bounded(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);
    unsigned lines = 0;

    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    log_forget();
    for (int i = 0; i < 5000; i++) {
        g_autofree char *request = g_strdup_printf("%d %d", i + 1, i % 2 * 4);

        world_ask(world, 0, 3, request);
        world_pass(world, 10 * 1000);
        world_settle(world, service);
    }
    for (const char *c = log_text(); *c; c++) {
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

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);

#define ADD(name, function) \
    g_test_add_func("/toolstack/service/" name, test_##function)
    ADD("announce", announce);
    ADD("grant-and-return", grant_and_return);
    ADD("spec-sequence", sequence);
    ADD("refused", refused);
    ADD("reserve", reserve);
    ADD("reserve-at-once", reserve_at_once);
    ADD("reserve-until-populated", reserve_until_populated);
    ADD("reserve-and-balloon", reserve_and_balloon);
    ADD("reserve-and-slack", reserve_and_slack);
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
    ADD("busy-withdrawals", busy_withdrawals);
    ADD("spec-hindered", hindered);
    ADD("unknown-is-put-off", unknown_is_put_off);
    ADD("log-is-bounded", log_is_bounded);
    ADD("locked", locked);
    ADD("locked-too-long", locked_too_long);
    ADD("xen-refuses", xen_refuses);
    ADD("limit-at-its-end", limit_at_its_end);
    return fixture_run();
}
