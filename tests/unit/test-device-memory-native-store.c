/*
 * Device memory: the store on real Xen, over a libxenstore that only pretends
 *
 * native-store.c is compiled into this test; xs_*() are defined here, for a
 * process in any domain.  As in xenstored, a path that does not begin with "/"
 * is below the node of that domain.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "hw/xen/device-memory-asker.h"
#include "native-store.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeviceMemoryAsker, device_memory_asker_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeviceMemoryLedger, device_memory_ledger_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NativeStore, native_store_close)

#define GUEST 3
#define D "device-model/3/device-memory"
#define STUB 14
#define STUB_D "/local/domain/14/" D
#define VERSION DEVICE_MEMORY_PATH_VERSION

#define SECOND_US G_USEC_PER_SEC

static struct {
    uint32_t own;               /* the domain that we pretend to be in */
    GHashTable *nodes;          /* absolute path -> GBytes */
    GHashTable *watches;        /* absolute path -> token */
    GQueue *events;             /* tokens */
    int pipe[2];                /* readable while there are events */

    /* what fails: an errno, or 0 */
    int open_error;
    int watch_error;
    unsigned watches_before;    /* how many work before that */
    int node_error;

    /* a toolstack that answers what is asked at this path, or NULL */
    const char *request;
    const char *answer;
    const char *answer_path;

    unsigned opened;
    unsigned services;          /* how often "changed" was called */
} xs;

static int xs_handle;

/* --- libxenstore --- */

static char *absolute(const char *path)
{
    return path[0] == '/' ? g_strdup(path)
        : g_strdup_printf("/local/domain/%u/%s", xs.own, path);
}

static void fire(const char *path)
{
    const char *token = g_hash_table_lookup(xs.watches, path);

    if (token) {
        g_queue_push_tail(xs.events, g_strdup(token));
        g_assert_cmpint(write(xs.pipe[1], "", 1), ==, 1);
    }
}

static void put(const char *path, const void *data, size_t length)
{
    g_hash_table_insert(xs.nodes, g_strdup(path), g_bytes_new(data, length));
    fire(path);
    if (xs.request && !strcmp(path, xs.request)) {
        put(xs.answer_path, xs.answer, strlen(xs.answer));
    }
}

struct xs_handle *xs_open(unsigned long flags)
{
    if (xs.open_error) {
        errno = xs.open_error;
        return NULL;
    }
    xs.opened++;
    return (struct xs_handle *)&xs_handle;
}

void xs_close(struct xs_handle *handle)
{
    xs.opened -= handle != NULL;
    errno = ENOTTY;             /* as anything that it calls may leave it */
}

bool xs_watch(struct xs_handle *handle, const char *path, const char *token)
{
    char *full = absolute(path);

    if (xs.watch_error && !xs.watches_before--) {
        g_free(full);
        errno = xs.watch_error;
        return false;
    }
    g_hash_table_insert(xs.watches, full, g_strdup(token));
    fire(full);
    return true;
}

int xs_fileno(struct xs_handle *handle)
{
    return xs.pipe[0];
}

char **xs_check_watch(struct xs_handle *handle)
{
    g_autofree char *token = g_queue_pop_head(xs.events);
    char **event;
    char byte;

    if (!token) {
        errno = EAGAIN;
        return NULL;
    }
    g_assert_cmpint(read(xs.pipe[0], &byte, 1), ==, 1);
    /* One piece of memory, as libxenstore's. */
    event = calloc(1, 2 * sizeof(char *) + strlen(token) + 1);
    event[XS_WATCH_PATH] = (char *)"";
    event[XS_WATCH_TOKEN] = (char *)&event[2];
    strcpy(event[XS_WATCH_TOKEN], token);
    return event;
}

void *xs_read(struct xs_handle *handle, xs_transaction_t transaction,
              const char *path, unsigned int *length)
{
    g_autofree char *full = absolute(path);
    GBytes *node = g_hash_table_lookup(xs.nodes, full);
    size_t size;
    const void *data;
    char *copy;

    if (xs.node_error || !node) {
        errno = xs.node_error ? xs.node_error : ENOENT;
        return NULL;
    }
    data = g_bytes_get_data(node, &size);
    copy = calloc(1, size + 1);
    memcpy(copy, data, size);
    *length = size;
    return copy;
}

bool xs_write(struct xs_handle *handle, xs_transaction_t transaction,
              const char *path, const void *data, unsigned int length)
{
    g_autofree char *full = absolute(path);

    errno = xs.node_error;
    if (!xs.node_error) {
        put(full, data, length);
    }
    return !xs.node_error;
}

bool xs_rm(struct xs_handle *handle, xs_transaction_t transaction,
           const char *path)
{
    g_autofree char *full = absolute(path);

    if (xs.node_error || !g_hash_table_remove(xs.nodes, full)) {
        errno = xs.node_error ? xs.node_error : ENOENT;
        return false;
    }
    return true;
}

/* --- set-up --- */

static void service_changed(void *opaque)
{
    g_assert_true(opaque == &xs);
    xs.services++;
}

static void begin(uint32_t own)
{
    memset(&xs, 0, sizeof(xs));
    xs.own = own;
    xs.nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                     (GDestroyNotify)g_bytes_unref);
    xs.watches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                       g_free);
    xs.events = g_queue_new();
    g_assert_cmpint(pipe(xs.pipe), ==, 0);
}

static void finish(void)
{
    g_assert_cmpuint(xs.opened, ==, 0);
    close(xs.pipe[0]);
    close(xs.pipe[1]);
    g_queue_free_full(xs.events, g_free);
    g_hash_table_unref(xs.watches);
    g_hash_table_unref(xs.nodes);
}

static NativeStore *open_store(void)
{
    g_autofree char *unwatched = NULL;
    NativeStore *store = native_store_open(GUEST, service_changed, &xs,
                                           &unwatched);

    g_assert_nonnull(store);
    g_assert_null(unwatched);
    return store;
}

static void assert_node(const char *path, const char *value)
{
    GBytes *node = g_hash_table_lookup(xs.nodes, path);
    size_t size = 0;
    const char *data = node ? g_bytes_get_data(node, &size) : NULL;

    g_assert_nonnull(node);
    g_assert_cmpmem(data, size, value, strlen(value));
}

/* --- tests --- */

/* All that a device model says and hears, from a domain @own. */
static void ask_and_publish(uint32_t own)
{
    g_autofree char *base = g_strdup_printf("/local/domain/%u/" D, own);
    g_autofree char *request = g_strconcat(base, "/request", NULL);
    g_autofree char *answer = g_strconcat(base, "/answer", NULL);
    g_autofree char *block = g_strconcat(base, "/blocks/0", NULL);
    g_autoptr(NativeStore) store = NULL;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    g_autoptr(DeviceMemoryLedger) ledger = device_memory_ledger_new();
    DeviceMemoryAnswer answered;

    begin(own);
    put(VERSION, "1", 1);
    xs.request = request;
    xs.answer_path = answer;
    xs.answer = "7 granted 256 65536";
    store = open_store();
    asker = device_memory_asker_new(&native_store_ops, store, 6);
    g_assert_cmpint(device_memory_asker_service(asker), ==, 0);
    g_assert_cmpint(device_memory_asker_ask(asker, 256, SECOND_US, &answered),
                    ==, 0);
    g_assert_true(answered.granted);
    assert_node(request, "7 256");
    device_memory_ledger_add(ledger, "rom", 16, 64);
    g_assert_cmpint(device_memory_asker_publish(asker, ledger), ==, 0);
    assert_node(block, "64 wanted rom");
    /* And nothing else anywhere: that, and the toolstack's two. */
    g_assert_cmpuint(g_hash_table_size(xs.nodes), ==, 4);
    g_clear_pointer(&store, native_store_close);
    finish();
}

static void test_domain_0(void)
{
    ask_and_publish(0);
}

static void test_stub_domain(void)
{
    ask_and_publish(STUB);
}

/* What a toolstack says in another domain's tree is not for us. */
static void test_other_answers(void)
{
    g_autoptr(NativeStore) store = NULL;
    g_autoptr(DeviceMemoryAsker) asker = NULL;
    DeviceMemoryAnswer answered;

    begin(STUB);
    xs.request = STUB_D "/request";
    xs.answer_path = "/local/domain/0/" D "/answer";
    xs.answer = "1 granted 256 65536";
    store = open_store();
    asker = device_memory_asker_new(&native_store_ops, store, 0);
    g_assert_cmpint(device_memory_asker_ask(asker, 256, SECOND_US / 20,
                                            &answered), ==, -ETIMEDOUT);
    g_clear_pointer(&store, native_store_close);
    finish();
}

static void test_service(void)
{
    g_autoptr(NativeStore) store = NULL;

    begin(STUB);
    store = open_store();
    g_assert_cmpint(native_store_fileno(store), ==, xs.pipe[0]);
    /* Each watch fires once as it is made. */
    native_store_drain(store);
    g_assert_cmpuint(xs.services, ==, 1);
    put(STUB_D "/answer", "x", 1);
    native_store_drain(store);
    g_assert_cmpuint(xs.services, ==, 1);
    put(VERSION, "1", 1);
    put(VERSION, "2", 1);
    native_store_drain(store);
    g_assert_cmpuint(xs.services, ==, 3);

    /* Nor is it missed by one who waits for something else. */
    put(VERSION, "1", 1);
    g_assert_cmpint(native_store_ops.wait(store, native_store_ops.now(store) +
                                          SECOND_US), ==, 0);
    g_assert_cmpuint(xs.services, ==, 4);
    g_clear_pointer(&store, native_store_close);
    finish();
}

static void test_nodes(void)
{
    g_autoptr(NativeStore) store = NULL;
    const DeviceMemoryStoreOps *ops = &native_store_ops;
    char *value = NULL;

    begin(STUB);
    store = open_store();
    g_assert_cmpint(ops->read(store, "answer", &value), ==, -ENOENT);
    g_assert_null(value);
    g_assert_cmpint(ops->write(store, "cap", "12"), ==, 0);
    assert_node(STUB_D "/cap", "12");
    g_assert_cmpint(ops->remove(store, "cap"), ==, 0);
    g_assert_cmpint(ops->remove(store, "cap"), ==, 0);

    /* A peer's value ends where a NUL is. */
    put("/a", "7 gr\0nted", 9);
    g_assert_cmpint(ops->read(store, "/a", &value), ==, 0);
    g_assert_cmpstr(value, ==, "7 gr");
    g_free(value);

    xs.node_error = EBADF;      /* after -xen-domid-restrict */
    g_assert_cmpint(ops->read(store, "/a", &value), ==, -EBADF);
    g_assert_cmpint(ops->write(store, "cap", "12"), ==, -EBADF);
    g_assert_cmpint(ops->remove(store, "cap"), ==, -EBADF);
    xs.node_error = 0;
    g_clear_pointer(&store, native_store_close);
    finish();
}

static void test_wait(void)
{
    g_autoptr(NativeStore) store = NULL;
    const DeviceMemoryStoreOps *ops = &native_store_ops;
    int64_t now;

    begin(0);
    store = open_store();
    native_store_drain(store);
    now = ops->now(store);
    g_assert_cmpint(ops->wait(store, now), ==, -ETIMEDOUT);
    g_assert_cmpint(ops->wait(store, now - SECOND_US), ==, -ETIMEDOUT);

    /* A part of a millisecond is waited for, not spun away. */
    now = ops->now(store);
    g_assert_cmpint(ops->wait(store, now + 20 * 1000 + 1), ==, 0);
    g_assert_cmpint(ops->now(store), >=, now + 20 * 1000);

    /* xenstored has gone. */
    close(xs.pipe[1]);
    g_assert_cmpint(ops->wait(store, ops->now(store) + SECOND_US), ==, -EIO);
    xs.pipe[1] = open("/dev/null", O_WRONLY);
    g_clear_pointer(&store, native_store_close);
    finish();
}

static void expect_no_store(int error, const char *expected)
{
    g_autofree char *unwatched = NULL;

    g_assert_null(native_store_open(GUEST, service_changed, &xs, &unwatched));
    g_assert_cmpint(errno, ==, error);
    g_assert_cmpstr(unwatched, ==, expected);
    g_assert_cmpuint(xs.opened, ==, 0);
}

static void test_open_fails(void)
{
    begin(STUB);
    xs.open_error = ECONNREFUSED;
    expect_no_store(ECONNREFUSED, NULL);
    xs.open_error = 0;
    xs.watch_error = ENOSPC;
    expect_no_store(ENOSPC, D "/answer");
    xs.watches_before = 1;
    expect_no_store(ENOSPC, VERSION);
    xs.watch_error = 0;
    native_store_close(open_store());
    native_store_close(NULL);
    finish();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device-memory/native-store/domain-0", test_domain_0);
    g_test_add_func("/device-memory/native-store/stub-domain",
                    test_stub_domain);
    g_test_add_func("/device-memory/native-store/other-answers",
                    test_other_answers);
    g_test_add_func("/device-memory/native-store/service", test_service);
    g_test_add_func("/device-memory/native-store/nodes", test_nodes);
    g_test_add_func("/device-memory/native-store/wait", test_wait);
    g_test_add_func("/device-memory/native-store/open-fails",
                    test_open_fails);
    return g_test_run();
}
