/*
 * What the tests of the daemon's service share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "serve.h"
#include "toolstack-fixture.h"

static GString *logged;

static void keep_log(const char *log_domain, GLogLevelFlags level,
                     const char *message, gpointer data)
{
    g_string_append_printf(logged, "%s\n", message);
}

void assert_logged(const char *text)
{
    if (!strstr(logged->str, text)) {
        g_error("not in the log: \"%s\"; the log is\n%s", text, logged->str);
    }
}

const char *log_text(void)
{
    return logged->str;
}

void log_forget(void)
{
    g_string_truncate(logged, 0);
}

Service *start_with(World *world, Policy *policy)
{
    Service *service = service_new(world_store(world), world_host(world),
                                   policy);

    log_forget();
    g_assert_true(service_start(service, world_now(world)));
    world_settle(world, service);
    return service;
}

Policy *plain_policy(uint32_t cap_kib)
{
    Policy *policy = policy_new();

    policy->default_cap_kib = cap_kib;
    policy->host_reserve_kib = 0;
    return policy;
}

Service *start(World *world)
{
    return start_with(world, plain_policy(65536));
}

void ask(World *world, Service *service, uint32_t domid, const char *request,
         const char *answer)
{
    world_ask(world, 0, domid, request);
    world_settle(world, service);
    g_assert_cmpstr(world_answer(world, 0, domid), ==, answer);
}

void finish_chores(World *world, Service *service)
{
    world_pass(world, SERVE_CHORES_US);
    world_settle(world, service);
}

void assert_nothing_left(World *world, uint32_t domid)
{
    g_autofree char *libxl = g_strdup_printf("/libxl/%u", domid);
    g_autofree char *model = g_strdup_printf("/device-model/%u", domid);
    g_autofree char *domain = g_strdup_printf("/local/domain/%u", domid);

    g_assert_cmpstr(world_find_node(world, libxl), ==, NULL);
    g_assert_cmpstr(world_find_node(world, model), ==, NULL);
    g_assert_cmpstr(world_find_node(world, domain), ==, NULL);
}

void fixture_init(int *argc, char ***argv)
{
    g_test_init(argc, argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    logged = g_string_new(NULL);
    g_log_set_default_handler(keep_log, NULL);
}

int fixture_run(void)
{
    int ret = g_test_run();

    g_string_free(logged, TRUE);
    return ret;
}
