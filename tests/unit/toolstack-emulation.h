/*
 * xenstore and the hypervisor, emulated for the toolstack's tests
 *
 * Concepts
 * - A world has domains and nodes; it outlives the service under test, as Xen
 *   and xenstored outlive a daemon.
 * - What changes the world can be made to fail from the n-th change on, as if
 *   the daemon had been killed just before it.
 * - Watch events are queued and handed to the service by world_settle().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_EMULATION_H
#define TOOLSTACK_EMULATION_H

#include "host.h"
#include "service.h"
#include "store.h"

typedef struct World World;

World *world_new(void);
void world_free(World *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

Store *world_store(World *world);
Host *world_host(World *world);

/* Domains.  The uuid follows from the number that is given for it. */
void world_add(World *world, uint32_t domid, unsigned uuid, const char *type,
               uint64_t limit_pages);
void world_add_guest(World *world, uint32_t domid, const char *name,
                     uint64_t limit_pages);

/*
 * The same in steps, as libxl builds one: it makes the domain and its nodes;
 * sets the limit; populates; and says that it is built.
 */
void world_begin_guest(World *world, uint32_t domid, const char *name);
void world_finish_guest(World *world, uint32_t domid, uint64_t size_kib);

void world_add_stub(World *world, uint32_t dm, uint32_t domid);

/* As libxl does it: first its nodes, then the domain; or half of it. */
void world_remove_nodes(World *world, uint32_t domid);
void world_set_dying(World *world, uint32_t domid);
void world_remove(World *world, uint32_t domid);

/* Whether the service is told that domains come and go, as it is at first. */
void world_tell(World *world, bool tell);

uint64_t world_limit(World *world, uint32_t domid);
void world_set_limit(World *world, uint32_t domid, uint64_t pages);

/* As libxl does for "xl mem-set" and "xl mem-max"; sizes in KiB. */
void world_mem_set(World *world, uint32_t domid, uint64_t kib);
void world_mem_max(World *world, uint32_t domid, uint64_t kib);
void world_set_used(World *world, uint32_t domid, uint64_t pages);
void world_set_free(World *world, uint64_t kib);

/* Another program has the lock; or it cannot be taken for another reason. */
void world_set_locked(World *world, uint32_t domid, bool locked);
void world_set_lock_error(World *world, uint32_t domid, int error);

/* Nodes.  world_node() returns NULL if there is none; valid until changed. */
const char *world_node(World *world, const char *path);
void world_set_node(World *world, const char *path, const char *value);
bool world_is_public(World *world, const char *path);
unsigned world_watches(World *world);

/* Watch events that nobody has been given; the next one, to be freed. */
unsigned world_events(World *world);
char *world_next_event(World *world);

/* Any path that holds @text, or NULL. */
const char *world_find_node(World *world, const char *text);

/* The request and answer of a guest's device model in @dm. */
void world_ask(World *world, uint32_t dm, uint32_t domid,
               const char *request);
const char *world_answer(World *world, uint32_t dm, uint32_t domid);

/* Failures. */
#define WORLD_NO_CRASH UINT_MAX
void world_crash_after(World *world, unsigned changes);
bool world_crashed(World *world);
void world_fail_limits(World *world, bool fail);
void world_fail_lists(World *world, bool fail);

/* How many exchanges with the store there were since the last call. */
unsigned world_exchanges(World *world);

/* Let time pass. */
int64_t world_now(World *world);
void world_pass(World *world, int64_t us);

/* Hand over events and run until nothing is due now. */
void world_settle(World *world, Service *service);

#endif /* TOOLSTACK_EMULATION_H */
