/*
 * The service against a naive model, under random operations
 *
 * Guests come and go, device models ask, another program sets limits and
 * takes locks, the operator changes the policy, and the daemon dies at any
 * step and is started again.  Whenever all is at rest:
 *
 * - max_pages is what others have set plus the grant, to the page;
 * - the grant is what the model says, and so is every answer: what others
 *   were granted and have not populated is not granted again;
 * - nothing is left of guests that are gone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "path.h"
#include "population.h"
#include "serve.h"
#include "toolstack-emulation.h"

#define DOMIDS 8
#define STEPS 4000
#define RESERVE_KIB 64
#define SLACK_KIB 1024      /* what libxl adds to a size */
#define NONSENSE_ID_MAX 7

typedef struct ModelGuest {
    bool alive;
    uint64_t base_pages;
    uint64_t target_pages;  /* limits that follow from what libxl has */
    uint64_t max_pages;     /* written last */
    uint32_t grant_kib;
    uint32_t populated_kib; /* of the grant; the guest has nothing else */
    uint32_t id;
    uint32_t total_kib;
} ModelGuest;

typedef struct Model {
    World *world;
    Service *service;
    ModelGuest guests[DOMIDS];  /* by domid - 1 */
    unsigned uuids;
    uint32_t cap_kib;
    uint64_t free_kib;
    uint32_t last_id;
} Model;

static uint32_t random_below(uint32_t end)
{
    return g_test_rand_int_range(0, end);
}

static uint32_t random_domid(void)
{
    return 1 + random_below(DOMIDS);
}

static Policy *new_policy(Model *model)
{
    Policy *policy = policy_new();

    policy->default_cap_kib = model->cap_kib;
    policy->host_reserve_kib = RESERVE_KIB;
    policy->request_rate = POLICY_RATE_MAX;
    policy->request_burst = POLICY_BURST_MAX;
    return policy;
}

static void start(Model *model)
{
    world_crash_after(model->world, WORLD_NO_CRASH);
    model->service = service_new(world_store(model->world),
                                 world_host(model->world),
                                 new_policy(model));
    g_assert_true(service_start(model->service, world_now(model->world)));
}

static void populate(Model *model, uint32_t domid, uint32_t kib)
{
    ModelGuest *guest = &model->guests[domid - 1];

    guest->populated_kib = kib;
    world_set_used(model->world, domid, kib / 4);
}

/* All take what they were granted. */
static void populate_all(Model *model)
{
    for (uint32_t domid = 1; domid <= DOMIDS; domid++) {
        if (model->guests[domid - 1].alive) {
            populate(model, domid, model->guests[domid - 1].grant_kib);
        }
    }
}

/* The naive rules, written without looking at the daemon's. */
static uint64_t model_room(Model *model)
{
    uint64_t taken = RESERVE_KIB;

    for (int i = 0; i < DOMIDS; i++) {
        if (model->guests[i].alive) {
            taken += model->guests[i].grant_kib -
                     model->guests[i].populated_kib;
        }
    }
    return model->free_kib > taken ? model->free_kib - taken : 0;
}

static const char *model_answer(Model *model, ModelGuest *guest)
{
    static char text[128];
    uint64_t room = model_room(model);
    uint64_t most = MIN(guest->grant_kib + room, model->cap_kib);
    const char *reason;

    most = MAX(most / 4 * 4, guest->grant_kib);
    if (guest->total_kib <= most) {
        guest->grant_kib = guest->total_kib;
        g_snprintf(text, sizeof(text), "%u granted %u %u", guest->id,
                   guest->grant_kib, model->cap_kib);
        return text;
    }
    reason = guest->total_kib > model->cap_kib ? "cap" : "host-memory";
    g_snprintf(text, sizeof(text), "%u refused %u %u %u %s", guest->id,
               guest->grant_kib, model->cap_kib, (unsigned)most, reason);
    return text;
}

static void check_guest(Model *model, uint32_t domid)
{
    ModelGuest *guest = &model->guests[domid - 1];

    if (guest->alive) {
        g_assert_cmpuint(world_limit(model->world, domid), ==,
                         guest->base_pages + guest->grant_kib / 4);
    } else {
        g_autofree char *libxl = path_libxl(domid);
        g_autofree char *device_model = path_device_model(0, domid);

        g_assert_null(world_node(model->world, libxl));
        g_assert_null(world_node(model->world, device_model));
    }
}

static void settle(Model *model)
{
    world_settle(model->world, model->service);
}

static void settle_and_check(Model *model)
{
    settle(model);
    world_pass(model->world, SERVE_CHORES_US);
    settle(model);
    for (uint32_t domid = 1; domid <= DOMIDS; domid++) {
        check_guest(model, domid);
    }
}

/* The operations */

static void add(Model *model, uint32_t domid)
{
    ModelGuest *guest = &model->guests[domid - 1];

    if (guest->alive) {
        return;
    }
    *guest = (ModelGuest) {
        .alive = true,
        .base_pages = 1000 + random_below(100000),
    };
    guest->target_pages = guest->max_pages = guest->base_pages;
    world_add_guest(model->world, domid, "guest", guest->base_pages);
}

static void remove_guest(Model *model, uint32_t domid)
{
    ModelGuest *guest = &model->guests[domid - 1];

    if (!guest->alive) {
        return;
    }
    guest->alive = false;
    world_remove_nodes(model->world, domid);
    if (random_below(2)) {
        /* Its device model writes once more. */
        world_ask(model->world, 0, domid, "4294967295 4");
    }
    world_remove(model->world, domid);
    settle(model);
    world_pass(model->world, POPULATION_FIRST_SWEEP_US);
}

static uint32_t random_total(void)
{
    return 4 * random_below(600);
}

static void write_request(Model *model, uint32_t domid, uint32_t total_kib)
{
    ModelGuest *guest = &model->guests[domid - 1];
    g_autofree char *request = NULL;

    guest->id = ++model->last_id;
    guest->total_kib = total_kib;
    /* What is given back has left the guest before. */
    populate(model, domid, MIN(guest->populated_kib, guest->total_kib));
    request = g_strdup_printf("%u %u", guest->id, guest->total_kib);
    world_ask(model->world, 0, domid, request);
}

static void assert_answered(Model *model, uint32_t domid)
{
    ModelGuest *guest = &model->guests[domid - 1];
    const char *expected = model_answer(model, guest);

    g_assert_cmpstr(world_answer(model->world, 0, domid), ==, expected);
    if (random_below(2)) {
        populate(model, domid, guest->grant_kib);
    }
}

static void ask(Model *model, uint32_t domid)
{
    if (model->guests[domid - 1].alive) {
        write_request(model, domid, random_total());
        settle(model);
        assert_answered(model, domid);
    }
}

/* Another program has the lock when the request comes. */
static void ask_while_locked(Model *model, uint32_t domid)
{
    if (model->guests[domid - 1].alive) {
        world_set_locked(model->world, domid, true);
        write_request(model, domid, random_total());
        settle(model);
        world_set_locked(model->world, domid, false);
        world_pass(model->world, SERVE_LOCK_RETRY_US);
        settle(model);
        assert_answered(model, domid);
    }
}

/* Xen does not change the limit when memory is given back: not yet. */
static void withdraw_in_vain(Model *model, uint32_t domid)
{
    ModelGuest *guest = &model->guests[domid - 1];

    if (guest->alive && guest->grant_kib) {
        world_fail_limits(model->world, true);
        write_request(model, domid, 4 * random_below(guest->grant_kib / 4));
        settle(model);
        check_guest(model, domid);
        world_fail_limits(model->world, false);
        world_pass(model->world, SERVE_RECOVERY_RETRY_US);
        settle(model);
        assert_answered(model, domid);
    }
}

static void ask_nonsense(Model *model, uint32_t domid)
{
    static const char *const nonsense[] = {
        /* no id above NONSENSE_ID_MAX */
        "", "-1 4", "1 2", "7", "7 4 4", "99999999999 4", "\001", "x y",
    };

    if (model->guests[domid - 1].alive) {
        world_ask(model->world, 0, domid,
                  nonsense[random_below(G_N_ELEMENTS(nonsense))]);
        settle(model);
    }
}

/* The daemon dies somewhere on the way, and another is started. */
static void ask_and_crash(Model *model, uint32_t domid)
{
    if (!model->guests[domid - 1].alive) {
        return;
    }
    populate_all(model);    /* promises do not outlive the process */
    world_crash_after(model->world, random_below(6));
    write_request(model, domid, random_total());
    settle(model);
    world_pass(model->world, SERVE_CHORES_US);
    settle(model);
    service_free(model->service);
    start(model);
    settle(model);
    assert_answered(model, domid);
    populate_all(model);
}

static void restart(Model *model, uint32_t domid)
{
    populate_all(model);
    if (random_below(2)) {
        service_stop(model->service);
    }
    service_free(model->service);
    start(model);
}

/* As "xl mem-set" does; the grant returns with the next request. */
static void set_limit(Model *model, uint32_t domid)
{
    ModelGuest *guest = &model->guests[domid - 1];

    if (!guest->alive) {
        return;
    }
    /* A limit that is the same as before cannot be told from no change. */
    do {
        guest->base_pages = 1000 + random_below(100000);
    } while (guest->base_pages == world_limit(model->world, domid));
    world_set_limit(model->world, domid, guest->base_pages);
    if (random_below(2)) {
        ask(model, domid);
    } else {
        restart(model, domid);
    }
}

/* To a size at random, or by just the grant. */
static uint64_t random_limit(const ModelGuest *guest)
{
    return random_below(2) ? 1000 + random_below(100000)
                           : guest->base_pages + guest->grant_kib / 4;
}

/* As "xl mem-set" and "xl mem-max" do, and then any of what may follow. */
static void set_size(Model *model, uint32_t domid)
{
    ModelGuest *guest = &model->guests[domid - 1];
    bool max = random_below(2);
    uint64_t *size = max ? &guest->max_pages : &guest->target_pages;
    uint64_t pages = random_limit(guest);

    /* The same size again cannot be told from no change. */
    if (!guest->alive || *size == pages) {
        return;
    }
    *size = guest->base_pages = pages;
    (max ? world_mem_max : world_mem_set)(model->world, domid,
                                          4 * pages - SLACK_KIB);
    switch (random_below(3)) {
    case 0:
        ask(model, domid);
        break;
    case 1:
        restart(model, domid);
        break;
    default:
        settle(model);
    }
}

static void set_cap(Model *model, uint32_t domid)
{
    model->cap_kib = 4 * random_below(600);
    service_set_policy(model->service, new_policy(model));
}

static void set_free(Model *model, uint32_t domid)
{
    model->free_kib = random_below(2500);
    world_set_free(model->world, model->free_kib);
}

static void (*const operations[])(Model *model, uint32_t domid) = {
    add, add, remove_guest, ask, ask, ask, ask, ask_while_locked,
    withdraw_in_vain, ask_nonsense, ask_and_crash, ask_and_crash, restart,
    set_limit, set_size, set_size, set_cap, set_free,
};

static void test_random(void)
{
    g_autoptr(World) world = world_new();
    Model model = {
        .world = world,
        .cap_kib = 1024,
        .free_kib = 1 << 20,
        .last_id = NONSENSE_ID_MAX,
    };

    start(&model);
    for (int i = 0; i < STEPS; i++) {
        operations[random_below(G_N_ELEMENTS(operations))](&model,
                                                           random_domid());
        settle_and_check(&model);
    }
    service_free(model.service);
}

/* Thousands of lines that say nothing about the test. */
static void drop_log(const char *log_domain, GLogLevelFlags level,
                     const char *message, gpointer data)
{
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    g_log_set_default_handler(drop_log, NULL);
    g_test_add_func("/toolstack/model/random", test_random);
    return g_test_run();
}
