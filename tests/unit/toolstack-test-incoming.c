/*
 * The daemon's service: guests that are built, restored or received
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "incoming.h"
#include "serve.h"
#include "toolstack-fixture.h"

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

/* A device model in a stub domain says elsewhere that it runs. */
static void test_stub_never_declares(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    restore_guest(world, service);
    world_add_stub(world, 4, 3);
    world_settle(world, service);
    world_set_node(world, "/local/domain/4/device-model/3/state", "running");
    world_pass(world, INCOMING_WATCH_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);
    world_pass(world, INCOMING_DECLARE_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    g_assert_null(world_node(world, NOTE));
    service_free(service);
}

static Service *restart(World *world, Service *service)
{
    service_free(service);
    world_crash_after(world, WORLD_NO_CRASH);
    return start(world);
}

/* A daemon that takes over does not take a refusal for a grant. */
static void test_refused_before_restart(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    restore_guest(world, service);
    ask(world, service, 3, "1 70000", "1 refused 1072 65536 65536 cap");
    service = restart(world, service);
    g_assert_nonnull(world_node(world, NOTE));
    world_set_node(world, "/local/domain/0/device-model/3/state", "running");
    world_pass(world, INCOMING_WATCH_US);
    world_settle(world, service);
    world_pass(world, INCOMING_DECLARE_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    g_assert_null(world_node(world, NOTE));
    service_free(service);
}

/* Nor is what was granted taken back because of a refusal right after it. */
static void test_refused_after_grant(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    restore_guest(world, service);
    ask(world, service, 3, "1 2048", "1 granted 2048 65536");
    ask(world, service, 3, "2 70000", "2 refused 2048 65536 65536 cap");
    service = restart(world, service);
    world_set_node(world, "/local/domain/0/device-model/3/state", "running");
    world_pass(world, 2 * INCOMING_DECLARE_US);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 512);
    g_assert_null(world_node(world, NOTE));
    service_free(service);
}

/* What a guest that is being built will take is not given to others. */
static void test_others_meanwhile(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 4, "mail", BASE);
    begin_guest(world, service, 3);
    world_set_free(world, 4 * (BASE + 16384) + 100);
    ask(world, service, 4, "1 104", "1 refused 0 65536 100 host-memory");
    world_set_used(world, 3, BASE + 268);
    world_set_free(world, 4 * (16384 - 268) + 100);
    ask(world, service, 4, "2 104", "2 refused 0 65536 100 host-memory");
    world_finish_guest(world, 3, SIZE);
    world_settle(world, service);
    ask(world, service, 4, "3 104", "3 granted 104 65536");

    /* What the first declares came with the stream; nothing is promised. */
    ask(world, service, 3, "1 2048", "1 granted 2048 65536");
    world_set_used(world, 4, BASE);
    world_set_free(world, 100);
    ask(world, service, 4, "4 208", "4 refused 104 65536 204 host-memory");
    ask(world, service, 4, "5 204", "5 granted 204 65536");
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

/* Returns: how often the service wanted to run until then */
static unsigned run_for(World *world, Service *service, int64_t us)
{
    int64_t end = world_now(world) + us;
    unsigned runs = 0;

    while (world_now(world) < end) {
        int64_t next = service_run(service, world_now(world));

        g_assert_cmpint(next, >, world_now(world));
        world_pass(world, MIN(next, end) - world_now(world));
        runs++;
    }
    world_settle(world, service);
    return runs;
}

/* A builder that dies does not starve others for ever. */
static void test_dead_builder(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    world_add_guest(world, 4, "mail", BASE);
    begin_guest(world, service, 3);
    world_set_used(world, 3, 1000);
    world_set_free(world, 100000);
    ask(world, service, 4, "1 256", "1 refused 0 65536 0 host-memory");
    run_for(world, service, INCOMING_STALL_US);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16384);
    run_for(world, service, INCOMING_LOOK_US);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE);
    g_assert_null(world_node(world, NOTE));
    assert_logged("domain 3: nothing was populated for 20 minutes");
    ask(world, service, 4, "2 256", "2 granted 256 65536");
    g_assert_cmpuint(run_for(world, service, INCOMING_STALL_US), <=, 10);
    service_free(service);
}

/* What had come by then stays, as for a guest whose device model is silent. */
static void test_dead_builder_brought_memory(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    begin_guest(world, service, 3);
    world_set_used(world, 3, BASE + 268);
    run_for(world, service, INCOMING_STALL_US + 2 * INCOMING_LOOK_US);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);

    /* It lives after all. */
    world_finish_guest(world, 3, SIZE);
    world_settle(world, service);
    ask(world, service, 3, "1 2048", "1 granted 2048 65536");
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 512);
    service_free(service);
}

/* A stream that is as slow as can be, but goes on, is never hurt. */
static void test_slow_stream(void)
{
    g_autoptr(World) world = world_new();
    Service *service = start(world);

    begin_guest(world, service, 3);
    for (unsigned i = 1; i < 20; i++) {
        world_set_used(world, 3, BASE + 13 * i);
        run_for(world, service, INCOMING_STALL_US - INCOMING_LOOK_US);
        g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16384);
    }
    world_set_used(world, 3, BASE + 268);
    world_finish_guest(world, 3, SIZE);
    world_settle(world, service);
    g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);
    service_free(service);
}

/* The lock is not to be had: tried often for a while, then seldom. */
static void test_locked(void)
{
    static const struct {
        int error;
        unsigned runs;
    } cases[] = {
        { EAGAIN, 4000 + 60 }, { ENOSPC, 60 + 1 }, { EROFS, 60 + 1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = world_new();
        Service *service = start(world);
        unsigned runs;

        begin_guest(world, service, 3);
        world_set_used(world, 3, BASE + 268);
        world_finish_guest(world, 3, SIZE);
        world_set_lock_error(world, 3, cases[i].error);
        world_settle(world, service);
        runs = run_for(world, service, 60 * G_USEC_PER_SEC);
        g_test_message("%u runs", runs);
        g_assert_cmpuint(runs, <=, cases[i].runs);
        assert_logged("domain 3 \"web\": cannot take libxl's lock");
        g_assert_cmpuint(world_limit(world, 3), ==, BASE + 16384);

        world_set_lock_error(world, 3, 0);
        run_for(world, service, SERVE_RECOVERY_RETRY_US);
        g_assert_cmpuint(world_limit(world, 3), ==, BASE + 268);
        service_free(service);
    }
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

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);

#define ADD(name, function) \
    g_test_add_func("/toolstack/incoming/" name, test_##function)
    ADD("restore", restore);
    ADD("restore-on-full-host", restore_on_full_host);
    ADD("build", build);
    ADD("never-declared", never_declared);
    ADD("stub-never-declares", stub_never_declares);
    ADD("refused-before-restart", refused_before_restart);
    ADD("refused-after-grant", refused_after_grant);
    ADD("others-meanwhile", others_meanwhile);
    ADD("never-built", never_built);
    ADD("dead-builder", dead_builder);
    ADD("dead-builder-brought-memory", dead_builder_brought_memory);
    ADD("slow-stream", slow_stream);
    ADD("locked", locked);
    ADD("gone-while-built", gone_while_built);
    ADD("headroom", headroom);
    ADD("crash-in-restore", crash_in_restore);
    return fixture_run();
}
