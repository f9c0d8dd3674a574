/*
 * The daemon's service: limits that other programs set
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "serve.h"
#include "toolstack-fixture.h"

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

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);

#define ADD(name, function) \
    g_test_add_func("/toolstack/limits/" name, test_##function)
    ADD("limit-is-set-by-others", limit_is_set_by_others);
    ADD("mem-set", mem_set);
    ADD("mem-set-without-grant", mem_set_without_grant);
    ADD("mem-set-to-the-record", mem_set_to_the_record);
    ADD("size-without-limit", size_without_limit);
    ADD("mem-set-waits-for-lock", mem_set_waits_for_lock);
    return fixture_run();
}
