/*
 * xenstore and the hypervisor, emulated for the toolstack's tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "path.h"
#include "toolstack-emulation.h"

typedef struct EmulatedDomain {
    HostDomain state;
    int lock_error;         /* why its lock cannot be taken, or 0 */
} EmulatedDomain;

struct HostLock {
    EmulatedDomain *domain;
};

struct World {
    Store store;
    Host host;
    GTree *nodes;           /* path -> value */
    GHashTable *public;     /* paths that every domain may read */
    GHashTable *watches;    /* paths that are watched */
    GQueue events;          /* paths that have changed */
    GTree *domains;         /* domid -> EmulatedDomain */
    uint64_t free_kib;
    bool silent;            /* @introduceDomain, @releaseDomain do not fire */
    unsigned changes_left;
    bool crashed;
    bool limits_fail;
    bool lists_fail;
    unsigned exchanges;
    int64_t now;
    HostLock lock;
};

static gint compare_text(gconstpointer a, gconstpointer b, gpointer data)
{
    return strcmp(a, b);
}

static gint compare_domid(gconstpointer a, gconstpointer b, gpointer data)
{
    uint32_t left = GPOINTER_TO_UINT(a), right = GPOINTER_TO_UINT(b);

    return left < right ? -1 : left > right;
}

/* A change that the service makes: does it still live to make it? */
static bool change(World *world)
{
    if (world->changes_left == WORLD_NO_CRASH) {
        return true;
    }
    if (!world->changes_left) {
        world->crashed = true;
        errno = EIO;
        return false;
    }
    world->changes_left--;
    return true;
}

/* Nodes */

static bool is_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return g_str_has_prefix(path, directory) &&
           (!path[len] || path[len] == '/');
}

static void fire(World *world, const char *path)
{
    GHashTableIter iter;
    gpointer watched;

    if (world->silent && path[0] == '@') {
        return;
    }
    g_hash_table_iter_init(&iter, world->watches);
    while (g_hash_table_iter_next(&iter, &watched, NULL)) {
        if (is_below(path, watched)) {
            g_queue_push_tail(&world->events, g_strdup(path));
        }
    }
}

static void put_node(World *world, const char *path, const char *value)
{
    g_autofree char *parent = g_path_get_dirname(path);

    if (strcmp(parent, "/") && strcmp(parent, ".") &&
        !g_tree_lookup(world->nodes, parent)) {
        put_node(world, parent, "");
    }
    g_tree_replace(world->nodes, g_strdup(path), g_strdup(value));
}

void world_set_node(World *world, const char *path, const char *value)
{
    put_node(world, path, value);
    fire(world, path);
}

typedef struct Subtree {
    const char *directory;
    GPtrArray *paths;
} Subtree;

static gboolean collect_below(gpointer path, gpointer value, gpointer data)
{
    Subtree *subtree = data;

    if (is_below(path, subtree->directory)) {
        g_ptr_array_add(subtree->paths, g_strdup(path));
    }
    return FALSE;
}

static GPtrArray *paths_below(World *world, const char *directory)
{
    Subtree subtree = { directory, g_ptr_array_new_with_free_func(g_free) };

    g_tree_foreach(world->nodes, collect_below, &subtree);
    return subtree.paths;
}

static bool remove_tree(World *world, const char *path)
{
    g_autoptr(GPtrArray) paths = paths_below(world, path);

    for (unsigned i = 0; i < paths->len; i++) {
        g_tree_remove(world->nodes, paths->pdata[i]);
        g_hash_table_remove(world->public, paths->pdata[i]);
    }
    if (paths->len) {
        fire(world, path);
    }
    return paths->len;
}

const char *world_node(World *world, const char *path)
{
    return g_tree_lookup(world->nodes, path);
}

static gboolean find_text(gpointer path, gpointer value, gpointer data)
{
    const char **text = data;

    if (!strstr(path, text[0])) {
        return FALSE;
    }
    text[1] = path;
    return TRUE;
}

const char *world_find_node(World *world, const char *text)
{
    const char *search[2] = { text, NULL };

    g_tree_foreach(world->nodes, find_text, search);
    return search[1];
}

bool world_is_public(World *world, const char *path)
{
    return g_hash_table_contains(world->public, path);
}

unsigned world_watches(World *world)
{
    return g_hash_table_size(world->watches);
}

unsigned world_events(World *world)
{
    return g_queue_get_length(&world->events);
}

char *world_next_event(World *world)
{
    return g_queue_pop_head(&world->events);
}

unsigned world_exchanges(World *world)
{
    unsigned exchanges = world->exchanges;

    world->exchanges = 0;
    return exchanges;
}

/* The store's operations */

static World *of_store(Store *store)
{
    World *world = (World *)((char *)store - offsetof(World, store));

    world->exchanges++;
    return world;
}

static char *store_emulated_read(Store *store, const char *path)
{
    World *world = of_store(store);
    const char *value = world_node(world, path);

    if (world->crashed) {
        errno = EIO;
        return NULL;
    }
    if (!value) {
        errno = ENOENT;
    }
    return g_strdup(value);
}

static bool store_emulated_write(Store *store, const char *path,
                                 const char *value)
{
    World *world = of_store(store);

    if (!change(world)) {
        return false;
    }
    world_set_node(world, path, value);
    return true;
}

static bool store_emulated_publish(Store *store, const char *path,
                                   const char *value)
{
    World *world = of_store(store);

    if (!store_emulated_write(store, path, value)) {
        return false;
    }
    g_hash_table_add(world->public, g_strdup(path));
    return true;
}

static bool store_emulated_remove(Store *store, const char *path)
{
    World *world = of_store(store);

    if (!world_node(world, path)) {
        errno = ENOENT;
        return false;
    }
    return change(world) && remove_tree(world, path);
}

static bool store_emulated_remove_empty(Store *store, const char *path)
{
    World *world = of_store(store);
    g_autoptr(GPtrArray) paths = paths_below(world, path);

    if (paths->len != 1 || *world_node(world, path)) {
        errno = paths->len ? ENOTEMPTY : ENOENT;
        return false;
    }
    return change(world) && remove_tree(world, path);
}

static char **store_emulated_list(Store *store, const char *path)
{
    g_autoptr(GPtrArray) paths = paths_below(of_store(store), path);
    GPtrArray *names = g_ptr_array_new();

    for (unsigned i = 0; i < paths->len; i++) {
        g_autofree char *parent = g_path_get_dirname(paths->pdata[i]);

        if (!strcmp(parent, path)) {
            g_ptr_array_add(names, g_path_get_basename(paths->pdata[i]));
        }
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static bool store_emulated_watch(Store *store, const char *path)
{
    World *world = of_store(store);

    g_hash_table_add(world->watches, g_strdup(path));
    g_queue_push_tail(&world->events, g_strdup(path));
    return true;
}

static bool store_emulated_unwatch(Store *store, const char *path)
{
    return g_hash_table_remove(of_store(store)->watches, path);
}

static const StoreOps emulated_store_ops = {
    .read = store_emulated_read,
    .write = store_emulated_write,
    .publish = store_emulated_publish,
    .remove = store_emulated_remove,
    .remove_empty = store_emulated_remove_empty,
    .list = store_emulated_list,
    .watch = store_emulated_watch,
    .unwatch = store_emulated_unwatch,
};

/* Domains */

static EmulatedDomain *find(World *world, uint32_t domid)
{
    return g_tree_lookup(world->domains, GUINT_TO_POINTER(domid));
}

static void set_domain_node(World *world, uint32_t domid, const char *node,
                            const char *value)
{
    g_autofree char *path = path_domain_node(domid, node);

    world_set_node(world, path, value);
}

/* What libxl adds to a size to get max_pages, in KiB; here and in libxl. */
#define SLACK_KIB 1024

static void set_size(World *world, uint32_t domid, const char *node,
                     uint64_t kib)
{
    g_autofree char *value = g_strdup_printf("%" G_GUINT64_FORMAT, kib);

    set_domain_node(world, domid, node, value);
}

static uint64_t videoram(World *world, uint32_t domid)
{
    g_autofree char *path = path_domain_node(domid, "memory/videoram");
    const char *value = world_node(world, path);

    return value ? g_ascii_strtoull(value, NULL, 10) : 0;
}

void world_mem_set(World *world, uint32_t domid, uint64_t kib)
{
    world_set_limit(world, domid, (kib + SLACK_KIB) / 4);
    set_size(world, domid, "memory/target", kib - videoram(world, domid));
}

void world_mem_max(World *world, uint32_t domid, uint64_t kib)
{
    world_set_limit(world, domid, (kib + SLACK_KIB) / 4);
    set_size(world, domid, "memory/static-max", kib);
}

static void add_domain(World *world, uint32_t domid, unsigned uuid,
                       const char *type, uint64_t limit_pages)
{
    EmulatedDomain *domain = g_new0(EmulatedDomain, 1);
    g_autofree char *type_path = path_libxl_node(domid, PATH_LIBXL_TYPE);
    g_autofree char *libxl = path_libxl(domid);
    g_autofree char *vm = NULL;

    g_assert_null(find(world, domid));
    domain->state.domid = domid;
    domain->state.hvm = !strcmp(type, "hvm");
    domain->state.limit_pages = limit_pages;
    g_snprintf(domain->state.uuid, sizeof(domain->state.uuid),
               "00000000-0000-4000-8000-%012x", uuid);
    g_tree_insert(world->domains, GUINT_TO_POINTER(domid), domain);

    remove_tree(world, libxl);      /* as libxl does */
    vm = g_strdup_printf("/vm/%s", domain->state.uuid);
    set_domain_node(world, domid, "vm", vm);
    world_set_node(world, type_path, type);
}

void world_add(World *world, uint32_t domid, unsigned uuid, const char *type,
               uint64_t limit_pages)
{
    add_domain(world, domid, uuid, type, limit_pages);
    set_size(world, domid, "memory/static-max", 4 * limit_pages - SLACK_KIB);
    set_size(world, domid, "memory/target", 4 * limit_pages - SLACK_KIB);
}

void world_begin_guest(World *world, uint32_t domid, const char *name)
{
    g_autofree char *vm_path = path_domain_node(domid, "vm");

    add_domain(world, domid, domid, "hvm", 0);
    set_domain_node(world, domid, "name", name);
    fire(world, world_node(world, vm_path));
}

void world_finish_guest(World *world, uint32_t domid, uint64_t size_kib)
{
    g_autofree char *device_model = path_device_model(0, domid);

    set_size(world, domid, "memory/static-max", size_kib);
    set_size(world, domid, "memory/target", size_kib);
    fire(world, PATH_INTRODUCE);
    world_set_node(world, device_model, "");
}

void world_add_guest(World *world, uint32_t domid, const char *name,
                     uint64_t limit_pages)
{
    g_autofree char *device_model = path_device_model(0, domid);

    world_add(world, domid, domid, "hvm", limit_pages);
    set_domain_node(world, domid, "name", name);
    world_set_node(world, device_model, "");
    fire(world, PATH_INTRODUCE);
}

void world_add_stub(World *world, uint32_t dm, uint32_t domid)
{
    g_autofree char *stub = g_strdup_printf("%u", dm);
    g_autofree char *guest = g_strdup_printf("%u", domid);
    g_autofree char *name = g_strdup_printf("guest-%u-dm", domid);
    g_autofree char *device_model = path_device_model(dm, domid);

    world_add(world, dm, dm, "pv", 8192);
    set_domain_node(world, dm, "name", name);
    fire(world, PATH_INTRODUCE);
    set_domain_node(world, domid, "image/device-model-domid", stub);
    set_domain_node(world, dm, "target", guest);
    world_set_node(world, device_model, "");
}

void world_remove_nodes(World *world, uint32_t domid)
{
    g_autofree char *domain = path_domain(domid);
    g_autofree char *libxl = path_libxl(domid);
    g_autofree char *device_model = path_device_model(0, domid);

    remove_tree(world, device_model);
    remove_tree(world, domain);
    remove_tree(world, libxl);
}

void world_set_dying(World *world, uint32_t domid)
{
    find(world, domid)->state.dying = true;
    fire(world, PATH_RELEASE);
}

void world_remove(World *world, uint32_t domid)
{
    g_assert_true(g_tree_remove(world->domains, GUINT_TO_POINTER(domid)));
    fire(world, PATH_RELEASE);
}

void world_tell(World *world, bool tell)
{
    world->silent = !tell;
}

uint64_t world_limit(World *world, uint32_t domid)
{
    return find(world, domid)->state.limit_pages;
}

void world_set_limit(World *world, uint32_t domid, uint64_t pages)
{
    find(world, domid)->state.limit_pages = pages;
}

void world_set_used(World *world, uint32_t domid, uint64_t pages)
{
    find(world, domid)->state.used_pages = pages;
}

void world_set_free(World *world, uint64_t kib)
{
    world->free_kib = kib;
}

void world_set_locked(World *world, uint32_t domid, bool locked)
{
    world_set_lock_error(world, domid, locked ? EAGAIN : 0);
}

void world_set_lock_error(World *world, uint32_t domid, int error)
{
    find(world, domid)->lock_error = error;
}

/* The hypervisor's operations */

static World *of_host(Host *host)
{
    return (World *)((char *)host - offsetof(World, host));
}

static bool host_emulated_domain(Host *host, uint32_t domid,
                                 HostDomain *found)
{
    EmulatedDomain *domain = find(of_host(host), domid);

    if (!domain) {
        errno = ESRCH;
        return false;
    }
    *found = domain->state;
    return true;
}

typedef struct Listing {
    uint32_t first;
    HostDomain *found;
    int max;
    int n;
} Listing;

static gboolean add_to_listing(gpointer domid, gpointer value, gpointer data)
{
    EmulatedDomain *domain = value;
    Listing *listing = data;

    if (domain->state.domid >= listing->first && listing->n < listing->max) {
        listing->found[listing->n++] = domain->state;
    }
    return FALSE;
}

static int host_emulated_domains(Host *host, uint32_t first,
                                 HostDomain *found, int max)
{
    Listing listing = { first, found, max, 0 };

    if (of_host(host)->lists_fail) {
        errno = ENOMEM;
        return -1;
    }
    g_tree_foreach(of_host(host)->domains, add_to_listing, &listing);
    return listing.n;
}

static bool host_emulated_set_limit(Host *host, uint32_t domid,
                                    uint64_t pages)
{
    World *world = of_host(host);
    EmulatedDomain *domain = find(world, domid);

    if (!domain || world->limits_fail) {
        errno = domain ? EPERM : ESRCH;
        return false;
    }
    g_assert_cmpuint(domid, !=, 0);
    g_assert_true(world->lock.domain == domain);
    g_assert_cmpuint(pages, <=, HOST_LIMIT_MAX);
    if (!change(world)) {
        return false;
    }
    domain->state.limit_pages = pages;
    return true;
}

static bool host_emulated_free_kib(Host *host, uint64_t *kib)
{
    *kib = of_host(host)->free_kib;
    return true;
}

static HostLock *host_emulated_lock(Host *host, uint32_t domid,
                                    const char *uuid)
{
    World *world = of_host(host);
    EmulatedDomain *domain = find(world, domid);

    g_assert_null(world->lock.domain);
    if (!domain || domain->lock_error) {
        errno = domain ? domain->lock_error : ESRCH;
        return NULL;
    }
    world->lock.domain = domain;
    return &world->lock;
}

static void host_emulated_unlock(Host *host, HostLock *lock)
{
    World *world = of_host(host);

    g_assert_true(lock == &world->lock);
    g_assert_nonnull(world->lock.domain);
    world->lock.domain = NULL;
}

static const HostOps emulated_host_ops = {
    .domain = host_emulated_domain,
    .domains = host_emulated_domains,
    .set_limit = host_emulated_set_limit,
    .free_kib = host_emulated_free_kib,
    .lock = host_emulated_lock,
    .unlock = host_emulated_unlock,
};

/* The world */

World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->store.ops = &emulated_store_ops;
    world->host.ops = &emulated_host_ops;
    world->nodes = g_tree_new_full(compare_text, NULL, g_free, g_free);
    world->public = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                          NULL);
    world->watches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                           NULL);
    world->domains = g_tree_new_full(compare_domid, NULL, NULL, g_free);
    world->free_kib = 1 << 20;
    world->changes_left = WORLD_NO_CRASH;
    world->now = 1000 * G_USEC_PER_SEC;
    world_add(world, 0, 0xfff, "pv", HOST_LIMIT_MAX);
    return world;
}

void world_free(World *world)
{
    g_tree_unref(world->nodes);
    g_hash_table_unref(world->public);
    g_hash_table_unref(world->watches);
    g_queue_clear_full(&world->events, g_free);
    g_tree_unref(world->domains);
    g_free(world);
}

Store *world_store(World *world)
{
    return &world->store;
}

Host *world_host(World *world)
{
    return &world->host;
}

void world_ask(World *world, uint32_t dm, uint32_t domid,
               const char *request)
{
    g_autofree char *path = path_memory_node(dm, domid, "request");

    world_set_node(world, path, request);
}

const char *world_answer(World *world, uint32_t dm, uint32_t domid)
{
    g_autofree char *path = path_memory_node(dm, domid, "answer");

    return world_node(world, path);
}

void world_crash_after(World *world, unsigned changes)
{
    world->changes_left = changes;
    world->crashed = false;
    if (changes == WORLD_NO_CRASH) {
        /* The new process has none of the old one's watches. */
        g_hash_table_remove_all(world->watches);
        g_queue_clear_full(&world->events, g_free);
    }
}

bool world_crashed(World *world)
{
    return world->crashed;
}

void world_fail_limits(World *world, bool fail)
{
    world->limits_fail = fail;
}

void world_fail_lists(World *world, bool fail)
{
    world->lists_fail = fail;
}

int64_t world_now(World *world)
{
    return world->now;
}

void world_pass(World *world, int64_t us)
{
    world->now += us;
}

void world_settle(World *world, Service *service)
{
    do {
        char *path;

        while ((path = world_next_event(world))) {
            service_event(service, path, world->now);
            g_free(path);
        }
    } while (service_run(service, world->now) <= world->now ||
             (!world->crashed && !g_queue_is_empty(&world->events)));
}
