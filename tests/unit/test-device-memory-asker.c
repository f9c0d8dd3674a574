/*
 * Device memory: asking and waiting, over a store with a clock of its own
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "hw/xen/device-memory-asker.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeviceMemoryAsker, device_memory_asker_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeviceMemoryLedger, device_memory_ledger_free)

#define CAP_KIB 1024
#define NEVER INT64_MAX

/* A store, and a toolstack that answers after @delay. */
typedef struct FakeStore {
    GHashTable *nodes;
    int64_t now;
    int64_t delay;          /* NEVER: it does not answer */
    int64_t due;
    char *due_answer;
    uint32_t grant_kib;     /* what the toolstack has granted */
    int broken;             /* -errno of every call, or 0 */
    unsigned writes;
    unsigned waits;
} FakeStore;

static void deliver(FakeStore *store)
{
    if (store->due_answer && store->now >= store->due) {
        g_hash_table_insert(store->nodes, g_strdup("answer"),
                            g_steal_pointer(&store->due_answer));
    }
}

/* The newest request is the one that is seen when the time has come. */
static void serve(FakeStore *store, const char *text)
{
    DeviceMemoryRequest request;
    DeviceMemoryAnswer answer;

    g_assert_true(device_memory_request_parse(text, &request));
    g_clear_pointer(&store->due_answer, g_free);
    if (store->delay == NEVER) {
        return;
    }
    answer = (DeviceMemoryAnswer){
        .id = request.id,
        .granted = request.total_kib <= CAP_KIB,
        .grant_kib = store->grant_kib,
        .cap_kib = CAP_KIB,
    };
    if (answer.granted) {
        answer.grant_kib = store->grant_kib = request.total_kib;
    } else {
        answer.available_kib = CAP_KIB;
        strcpy(answer.reason, "cap");
    }
    store->due = store->now + store->delay;
    store->due_answer = device_memory_answer_format(&answer);
}

static int fake_read(void *opaque, const char *path, char **value)
{
    FakeStore *store = opaque;
    const char *text;

    if (store->broken) {
        return store->broken;
    }
    deliver(store);
    text = g_hash_table_lookup(store->nodes, path);
    if (!text) {
        return -ENOENT;
    }
    *value = g_strdup(text);
    return 0;
}

static int fake_write(void *opaque, const char *path, const char *value)
{
    FakeStore *store = opaque;

    if (store->broken) {
        return store->broken;
    }
    store->writes++;
    g_hash_table_insert(store->nodes, g_strdup(path), g_strdup(value));
    if (!strcmp(path, "request")) {
        serve(store, value);
    }
    return 0;
}

static int fake_remove(void *opaque, const char *path)
{
    FakeStore *store = opaque;

    store->writes++;
    g_hash_table_remove(store->nodes, path);
    return store->broken;
}

/* Wakes up too early now and then, as a real watch does. */
static int fake_wait(void *opaque, int64_t deadline)
{
    FakeStore *store = opaque;

    if (store->broken) {
        return store->broken;
    }
    store->waits++;
    if (store->now >= deadline) {
        return -ETIMEDOUT;
    }
    store->now += MAX((deadline - store->now) / 8, 1);
    return 0;
}

static int64_t fake_now(void *opaque)
{
    FakeStore *store = opaque;

    return store->now;
}

static const DeviceMemoryStoreOps fake_ops = {
    .read = fake_read,
    .write = fake_write,
    .remove = fake_remove,
    .wait = fake_wait,
    .now = fake_now,
};

static void fake_init(FakeStore *store)
{
    *store = (FakeStore){
        .nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                       g_free),
        .now = 1000,
    };
}

static void fake_clear(FakeStore *store)
{
    g_hash_table_unref(store->nodes);
    g_free(store->due_answer);
}

static void fake_set(FakeStore *store, const char *path, const char *value)
{
    g_hash_table_insert(store->nodes, g_strdup(path), g_strdup(value));
}

static const char *fake_get(FakeStore *store, const char *path)
{
    return g_hash_table_lookup(store->nodes, path);
}

static void test_service(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    g_assert_cmpint(device_memory_asker_service(asker), ==, -ENOENT);
    fake_set(&store, "/tool/device-memory/version", "2 3");
    g_assert_cmpint(device_memory_asker_service(asker), ==, -EPROTONOSUPPORT);
    fake_set(&store, "/tool/device-memory/version", "1 2");
    g_assert_cmpint(device_memory_asker_service(asker), ==, 0);
    store.broken = -EBADF;
    g_assert_cmpint(device_memory_asker_service(asker), ==, -EBADF);
    fake_clear(&store);
}

static void test_answers(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    DeviceMemoryAnswer answer;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 41);
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 100, &answer), ==, 0);
    g_assert_true(answer.granted);
    g_assert_cmpstr(fake_get(&store, "request"), ==, "42 64");
    g_assert_cmpint(device_memory_asker_ask(asker, CAP_KIB + 4, 100, &answer),
                    ==, 0);
    g_assert_false(answer.granted);
    g_assert_cmpstr(answer.reason, ==, "cap");
    g_assert_cmpuint(answer.grant_kib, ==, 64);
    g_assert_cmpuint(device_memory_asker_last_id(asker), ==, 43);
    fake_clear(&store);
}

/* 0 is nobody's id: the count goes from the largest to 1. */
static void test_id_wraps(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    DeviceMemoryAnswer answer;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, UINT32_MAX - 1);
    g_assert_cmpint(device_memory_asker_ask(asker, 4, 100, &answer), ==, 0);
    g_assert_cmpuint(answer.id, ==, UINT32_MAX);
    g_assert_cmpint(device_memory_asker_ask(asker, 8, 100, &answer), ==, 0);
    g_assert_cmpuint(answer.id, ==, 1);
    fake_clear(&store);
}

static void test_deadline(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    DeviceMemoryAnswer answer;
    int64_t begin;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    store.delay = NEVER;
    begin = store.now;
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 5000, &answer),
                    ==, -ETIMEDOUT);
    g_assert_cmpint(store.now - begin, >=, 5000);
    g_assert_cmpint(store.now - begin, <, 5100);
    g_assert_null(device_memory_asker_garbage(asker));
    fake_clear(&store);
}

/* An answer that comes at the deadline's last moment counts. */
static void test_just_in_time(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    DeviceMemoryAnswer answer;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    store.delay = 5000;
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 5000, &answer), ==, 0);
    g_assert_cmpint(device_memory_asker_ask(asker, 68, 4999, &answer),
                    ==, -ETIMEDOUT);
    fake_clear(&store);
}

static void test_garbage(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    g_autofree char *longest = g_strnfill(DEVICE_MEMORY_NAME_MAX, 'x');
    g_autofree char *longer = g_strnfill(DEVICE_MEMORY_NAME_MAX + 1, 'x');
    DeviceMemoryAnswer answer;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    store.delay = NEVER;
    fake_set(&store, "answer", "what\nnow");
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 100, &answer),
                    ==, -ETIMEDOUT);
    g_assert_cmpstr(device_memory_asker_garbage(asker), ==, "what?now");
    fake_set(&store, "answer", longer);
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 100, &answer),
                    ==, -ETIMEDOUT);
    g_assert_cmpstr(device_memory_asker_garbage(asker), ==, longest);

    /* A good answer later ends the wait, whatever stood there before. */
    store.delay = 50;
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 100, &answer), ==, 0);
    fake_clear(&store);
}

static void test_broken_store(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    DeviceMemoryAnswer answer;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    store.broken = -EBADF;
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 100, &answer),
                    ==, -EBADF);
    g_assert_cmpint(device_memory_asker_withdraw(asker, 0), ==, -EBADF);
    g_assert_cmpuint(store.waits, ==, 0);
    fake_clear(&store);
}

/* After a withdrawal the late grant does not stand. */
static void test_withdraw(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    DeviceMemoryAnswer answer;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    store.delay = 1000;
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 100, &answer),
                    ==, -ETIMEDOUT);
    g_assert_cmpuint(store.grant_kib, ==, 64);
    g_assert_cmpint(device_memory_asker_withdraw(asker, 0), ==, 0);
    g_assert_cmpuint(store.grant_kib, ==, 0);
    fake_clear(&store);
}

/* Once it is closed, nothing is written any more; looking is allowed. */
static void test_close(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    DeviceMemoryAnswer answer;

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    device_memory_ledger_add(ledger, "a", 16, 1);
    g_assert_cmpint(device_memory_asker_publish(asker, ledger), ==, 0);
    g_assert_cmpuint(store.writes, ==, 1);

    device_memory_asker_close(asker);
    device_memory_ledger_add(ledger, "b", 32, 2);
    g_assert_cmpint(device_memory_asker_publish(asker, ledger),
                    ==, -ESHUTDOWN);
    g_assert_cmpint(device_memory_asker_ask(asker, 64, 100, &answer),
                    ==, -ESHUTDOWN);
    g_assert_cmpint(device_memory_asker_withdraw(asker, 0), ==, -ESHUTDOWN);
    g_assert_cmpuint(store.writes, ==, 1);
    g_assert_cmpuint(store.waits, ==, 0);
    fake_clear(&store);
}

static void test_publish(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, 0);
    device_memory_ledger_add(ledger, "a", 16, 1);
    device_memory_ledger_add(ledger, "b", 32, 2);
    g_assert_cmpint(device_memory_asker_publish(asker, ledger), ==, 0);
    g_assert_cmpstr(fake_get(&store, "blocks/0"), ==, "1 wanted a");
    g_assert_cmpstr(fake_get(&store, "blocks/1"), ==, "2 wanted b");
    g_assert_cmpuint(store.writes, ==, 2);

    /* Only what changed is written. */
    device_memory_ledger_set_state(ledger, 32, DEVICE_MEMORY_GRANTED);
    g_assert_cmpint(device_memory_asker_publish(asker, ledger), ==, 0);
    g_assert_cmpstr(fake_get(&store, "blocks/1"), ==, "2 granted b");
    g_assert_cmpuint(store.writes, ==, 3);

    /* No gap is left where a block was. */
    device_memory_ledger_set_state(ledger, 16, DEVICE_MEMORY_RELEASED);
    g_assert_cmpint(device_memory_asker_publish(asker, ledger), ==, 0);
    g_assert_cmpstr(fake_get(&store, "blocks/0"), ==, "2 granted b");
    g_assert_null(fake_get(&store, "blocks/1"));

    /* What could not be written is written the next time. */
    device_memory_ledger_add(ledger, "c", 64, 3);
    store.broken = -EIO;
    g_assert_cmpint(device_memory_asker_publish(asker, ledger), ==, -EIO);
    store.broken = 0;
    g_assert_cmpint(device_memory_asker_publish(asker, ledger), ==, 0);
    g_assert_cmpstr(fake_get(&store, "blocks/1"), ==, "3 wanted c");
    fake_clear(&store);
}

/*
 * Random totals, delays and deadlines.  Whatever happened: once the asker has
 * withdrawn or been answered, the toolstack's grant is what the asker holds.
 */
static void test_random(void)
{
    FakeStore store;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    uint32_t held = 0;
    unsigned outcomes[3] = { 0 };

    fake_init(&store);
    asker = device_memory_asker_new(&fake_ops, &store, g_test_rand_int());
    for (unsigned step = 0; step < 100000; step++) {
        uint32_t total = g_test_rand_int_range(0, CAP_KIB / 2) * 4;
        DeviceMemoryAnswer answer;
        int ret;

        store.delay = g_test_rand_int_range(0, 200);
        store.now += g_test_rand_int_range(0, 100);
        ret = device_memory_asker_ask(asker, total, 100, &answer);
        if (ret) {
            g_assert_cmpint(ret, ==, -ETIMEDOUT);
            g_assert_cmpint(store.delay, >, 100);
            outcomes[0]++;
            device_memory_asker_withdraw(asker, held);
        } else if (answer.granted) {
            held = total;
            outcomes[1]++;
        } else {
            g_assert_cmpuint(total, >, CAP_KIB);
            outcomes[2]++;
        }
        g_assert_cmpuint(store.grant_kib, ==, held);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(outcomes); i++) {
        g_assert_cmpuint(outcomes[i], >, 1000);
    }
    fake_clear(&store);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/asker/service", test_service);
    g_test_add_func("/asker/answers", test_answers);
    g_test_add_func("/asker/id-wraps", test_id_wraps);
    g_test_add_func("/asker/deadline", test_deadline);
    g_test_add_func("/asker/just-in-time", test_just_in_time);
    g_test_add_func("/asker/garbage", test_garbage);
    g_test_add_func("/asker/broken-store", test_broken_store);
    g_test_add_func("/asker/withdraw", test_withdraw);
    g_test_add_func("/asker/close", test_close);
    g_test_add_func("/asker/publish", test_publish);
    g_test_add_func("/asker/random", test_random);
    return g_test_run();
}
