/*
 * The daemon's service: recovery after a crash
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "serve.h"
#include "spec-examples.h"
#include "toolstack-fixture.h"

#define RECOVERY_FIRST 41
#define RECOVERY_LAST 46

static GPtrArray *examples;

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

/*
 * "Raise the cap and restart the daemon": an answer that was given stands, and
 * what the device model then asks for anew is decided by the new cap.
 */
static void test_restart_with_higher_cap(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start_with(world, plain_policy(64));

    world_add_guest(world, 3, "web", BASE);
    ask(world, service, 3, "7 128", "7 refused 0 64 64 cap");
    service_stop(service);
    service_free(service);
    g_assert_null(world_node(world, "/tool/device-memory/version"));
    world_crash_after(world, WORLD_NO_CRASH);

    service = start(world);
    g_assert_cmpstr(world_node(world, "/tool/device-memory/version"), ==,
                    "1");
    g_assert_cmpstr(world_answer(world, 0, 3), ==, "7 refused 0 64 64 cap");
    ask(world, service, 3, "8 128", "8 granted 128 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 32);
    service_free(service);
}

int main(int argc, char **argv)
{
    int ret;

    fixture_init(&argc, &argv);
    examples = spec_examples_load(g_getenv("XENDM_SPEC"));

#define ADD(name, function) \
    g_test_add_func("/toolstack/recovery/" name, test_##function)
    ADD("recovery", recovery);
    ADD("recovery-waits-for-lock", recovery_waits_for_lock);
    ADD("crash", crash);
    ADD("crash-in-recovery", crash_in_recovery);
    ADD("restart", restart);
    ADD("restart-with-higher-cap", restart_with_higher_cap);
    ret = fixture_run();
    g_ptr_array_unref(examples);
    return ret;
}
