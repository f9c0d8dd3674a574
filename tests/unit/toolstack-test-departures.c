/*
 * The daemon's service: guests that go
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "population.h"
#include "serve.h"
#include "toolstack-fixture.h"

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

/* A list that Xen does not give is asked for again. */
static void test_not_listed(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_fail_lists(world, true);
    world_add_guest(world, 3, "web", BASE);
    world_settle(world, service);
    assert_logged("cannot list the domains");
    g_assert_cmpuint(service_domains(service), ==, 1);
    g_assert_cmpint(service_run(service, world_now(world)), ==,
                    world_now(world) + G_USEC_PER_SEC);

    /* Nothing more happens that the service is told of. */
    world_fail_lists(world, false);
    world_pass(world, G_USEC_PER_SEC);
    world_settle(world, service);
    g_assert_cmpuint(service_domains(service), ==, 2);
    ask(world, service, 3, "7 64", "7 granted 64 65536");
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
    fixture_init(&argc, &argv);

#define ADD(name, function) \
    g_test_add_func("/toolstack/departures/" name, test_##function)
    ADD("gone", gone);
    ADD("going", going);
    ADD("vanished", vanished);
    ADD("dying", dying);
    ADD("stub-goes-first", stub_goes_first);
    ADD("sweep-at-start", sweep_at_start);
    ADD("not-listed", not_listed);
    ADD("domid-reused", domid_reused);
    ADD("domid-reused-unnoticed", domid_reused_unnoticed);
    ADD("many-domains", many_domains);
    return fixture_run();
}
