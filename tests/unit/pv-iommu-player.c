/*
 * PV IOMMU: a client, a model of a hypervisor and what a device may expect
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "pv-iommu-player.h"
#include "pv-iommu-world.h"

#define PLAYER_DEVICES 4
#define PLAYER_GFNS 128         /* what the steps are about */
#define PLAYER_POPULATED 96     /* of them, at first */
#define PLAYER_FRAMES 300       /* of the host */
#define PLAYER_CLIENT_MAX 120
#define PLAYER_QUOTA 60
#define PLAYER_RUN 8            /* pages */
#define PLAYER_DEAD 20          /* pages that Xen may keep */

/* One page that a device uses, and what was behind it when it was mapped. */
typedef struct Held {
    uint64_t key;
    uint64_t gfn;
    uint64_t bfn;
    uint64_t mfn;
    unsigned count;
    bool told;
} Held;

typedef struct PlayerDevice {
    Player *player;
    XenPvIommuDevice *handle;
    GHashTable *held;           /* key -> Held */
    GArray *runs;               /* XenPvIommuRun: to be released, or a part */
    bool obedient;
} PlayerDevice;

struct Player {
    World *world;
    PlayerDevice devices[PLAYER_DEVICES];
    PlayerTotals totals;
};

/* --- what a device uses ------------------------------------------------- */

static uint64_t key_of(uint64_t bfn, uint64_t gfn)
{
    return bfn << 16 | gfn;
}

static Held *find_held(const PlayerDevice *device, uint64_t bfn, uint64_t gfn)
{
    uint64_t key = key_of(bfn, gfn);

    return g_hash_table_lookup(device->held, &key);
}

/* It was mapped just now, so it reaches what the gfn shows. */
static void hold_page(PlayerDevice *device, uint64_t bfn, uint64_t gfn)
{
    const World *world = device->player->world;
    Held *held = find_held(device, bfn, gfn);
    uint64_t mfn = xen_pv_iommu_hypervisor_frame(world->hypervisor,
                                                 WORLD_GUEST, 0, gfn);

    g_assert_cmpuint(mfn, !=, XEN_PV_IOMMU_NO_FRAME);
    if (!held) {
        held = g_new0(Held, 1);
        *held = (Held){
            .key = key_of(bfn, gfn), .gfn = gfn, .bfn = bfn, .mfn = mfn,
        };
        g_hash_table_insert(device->held, &held->key, held);
    }
    g_assert_cmpuint(held->mfn, ==, mfn);
    g_assert_false(held->told);
    held->count++;
}

static void drop_page(PlayerDevice *device, uint64_t bfn, uint64_t gfn)
{
    Held *held = find_held(device, bfn, gfn);

    g_assert_nonnull(held);
    if (!--held->count) {
        g_hash_table_remove(device->held, &held->key);
    }
}

static void release(PlayerDevice *device, const XenPvIommuRun *run)
{
    g_assert_cmpint(xen_pv_iommu_client_release(device->handle, run, 1), ==,
                    0);
    for (uint64_t page = 0; page < run->pages; page++) {
        drop_page(device, run->bfn + page, run->gfn + page);
    }
    device->player->totals.released++;
}

/* Release a part of one of the runs; what is left of it stays a run. */
static void release_part(PlayerDevice *device, unsigned index, uint64_t from,
                         uint64_t pages)
{
    XenPvIommuRun run = g_array_index(device->runs, XenPvIommuRun, index);
    XenPvIommuRun part;
    XenPvIommuRun rest;

    from %= run.pages;
    pages = 1 + pages % (run.pages - from);
    part = (XenPvIommuRun){ run.gfn + from, run.bfn + from, pages };
    rest = (XenPvIommuRun){
        part.gfn + pages, part.bfn + pages, run.pages - from - pages,
    };
    g_array_remove_index_fast(device->runs, index);
    if (from) {
        run.pages = from;
        g_array_append_val(device->runs, run);
    }
    if (rest.pages) {
        g_array_append_val(device->runs, rest);
    }
    release(device, &part);
}

static bool overlaps(const XenPvIommuRun *a, const XenPvIommuRun *b)
{
    return a->bfn - a->gfn == b->bfn - b->gfn && a->bfn < b->bfn + b->pages &&
           b->bfn < a->bfn + a->pages;
}

/* All uses of what a device was told of, however often it took them. */
static void obey(PlayerDevice *device, const XenPvIommuRun *told)
{
    unsigned i = 0;

    while (i < device->runs->len) {
        XenPvIommuRun run = g_array_index(device->runs, XenPvIommuRun, i);
        uint64_t from = MAX(run.bfn, told->bfn) - run.bfn;
        uint64_t end = MIN(run.bfn + run.pages, told->bfn + told->pages) -
                       run.bfn;

        if (overlaps(&run, told)) {
            release_part(device, i, from, end - from - 1);
            i = 0;
        } else {
            i++;
        }
    }
}

static void invalidated(void *opaque, const XenPvIommuRun *run)
{
    PlayerDevice *device = opaque;

    for (uint64_t page = 0; page < run->pages; page++) {
        Held *held = find_held(device, run->bfn + page, run->gfn + page);

        /* Told of what it uses, and once. */
        g_assert_nonnull(held);
        g_assert_false(held->told);
        held->told = true;
    }
    device->player->totals.told++;
    if (!device->obedient) {
        return;
    }
    obey(device, run);
    for (uint64_t page = 0; page < run->pages; page++) {
        g_assert_null(find_held(device, run->bfn + page, run->gfn + page));
    }
}

static void overdue(void *opaque, const XenPvIommuRun *run)
{
    PlayerDevice *device = opaque;

    g_assert_cmpuint(run->pages, >, 0);
    for (uint64_t page = 0; page < run->pages; page++) {
        Held *held = find_held(device, run->bfn + page, run->gfn + page);

        /* So it was not obedient when it was told of it. */
        g_assert_nonnull(held);
        g_assert_true(held->told);
    }
    device->player->totals.overdue++;
}

static const XenPvIommuDeviceOps player_ops = {
    .invalidated = invalidated,
    .overdue = overdue,
};

static void attach(Player *player, unsigned index)
{
    PlayerDevice *device = &player->devices[index];
    XenPvIommuDeviceConfig config = device_config();

    config.mode = index % 2 ? XEN_PV_IOMMU_LOOKUP : XEN_PV_IOMMU_MAP;
    config.pages_max = index == 2 ? PLAYER_QUOTA : 0;
    config.quiesce_ms = 10 * (index + 1);
    device->player = player;
    device->held = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                         g_free);
    device->runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    g_assert_cmpint(xen_pv_iommu_client_attach(player->world->client, &config,
                                               &player_ops, device,
                                               &device->handle), ==, 0);
}

static void detach(PlayerDevice *device)
{
    xen_pv_iommu_client_detach(device->handle);
    g_hash_table_unref(device->held);
    g_array_unref(device->runs);
}

/* --- requests ----------------------------------------------------------- */

static bool all_shown(const Player *player, const XenPvIommuGfns *gfns,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (uint64_t page = 0; page < gfns[i].pages; page++) {
            if (xen_pv_iommu_hypervisor_frame(player->world->hypervisor,
                                              WORLD_GUEST, 0,
                                              gfns[i].gfn + page) ==
                XEN_PV_IOMMU_NO_FRAME) {
                return false;
            }
        }
    }
    return true;
}

static void hold_runs(PlayerDevice *device, const XenPvIommuGfns *gfns,
                      unsigned count, const GArray *runs)
{
    unsigned index = 0;
    uint64_t gfn = gfns[0].gfn;

    for (unsigned i = 0; i < runs->len; i++) {
        const XenPvIommuRun *run = run_at(runs, i);

        for (uint64_t page = 0; page < run->pages; page++) {
            g_assert_cmpuint(index, <, count);
            g_assert_cmpuint(run->gfn + page, ==, gfn);
            hold_page(device, run->bfn + page, gfn);
            if (++gfn == gfns[index].gfn + gfns[index].pages &&
                ++index < count) {
                gfn = gfns[index].gfn;
            }
        }
    }
    g_assert_cmpuint(index, ==, count);
    g_array_append_vals(device->runs, runs->data, runs->len);
}

/*
 * Nothing is left of a request that failed.  One that has found out that a BFN
 * is stale has told its users, and those that obey have released it.
 */
static void check_refused(const XenPvIommuCounters *before,
                          const XenPvIommuCounters *after, int ret)
{
    uint64_t live = before->table.pages - before->table.dead_pages;
    uint64_t left = after->table.pages - after->table.dead_pages;

    if (ret == -ESTALE) {
        g_assert_cmpuint(left, <=, live);
    } else {
        g_assert_cmpuint(left, ==, live);
    }
    g_assert_cmpuint(after->shared, ==, before->shared);
}

static void play_map(PlayerDevice *device, const uint8_t *bytes)
{
    Player *player = device->player;
    XenPvIommuGfns gfns[3];
    unsigned count = 1 + bytes[2] % G_N_ELEMENTS(gfns);
    XenPvIommuAccess access = 1 + bytes[3] % 3;
    XenPvIommuCounters before = world_count(player->world);
    XenPvIommuCounters after;
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    bool shown;
    int ret;

    for (unsigned i = 0; i < count; i++) {
        gfns[i].gfn = bytes[4 + i] % PLAYER_GFNS;
        gfns[i].pages = 1 + bytes[7 - i] % PLAYER_RUN;
    }
    shown = all_shown(player, gfns, count);
    ret = xen_pv_iommu_client_map(device->handle, gfns, count, access, runs,
                                  NULL);
    after = world_count(player->world);
    if (ret) {
        g_assert_cmpuint(runs->len, ==, 0);
        check_refused(&before, &after, ret);
        player->totals.refused++;
    } else {
        g_assert_true(shown);
        hold_runs(device, gfns, count, runs);
        player->totals.mapped++;
    }
}

/* --- everybody else ----------------------------------------------------- */

static void play_guest(Player *player, const uint8_t *bytes)
{
    XenPvIommuHypervisor *hypervisor = player->world->hypervisor;
    uint64_t gfn = bytes[2] % PLAYER_GFNS;
    uint64_t other = bytes[3] % PLAYER_GFNS;
    uint64_t pages = 1 + bytes[4] % PLAYER_RUN;

    switch (bytes[1] % 10) {
    case 0:
        xen_pv_iommu_hypervisor_balloon(hypervisor, WORLD_GUEST, gfn, pages);
        break;
    case 1:
    case 8:
    case 9:
        for (uint64_t page = 0; page < pages; page++) {
            xen_pv_iommu_hypervisor_populate(hypervisor, WORLD_GUEST,
                                             gfn + page, 1);
        }
        break;
    case 2:
        xen_pv_iommu_hypervisor_remap(hypervisor, WORLD_GUEST, gfn);
        break;
    case 3:
        xen_pv_iommu_hypervisor_alias(hypervisor, WORLD_GUEST, gfn, other);
        break;
    case 4:
        xen_pv_iommu_hypervisor_nominate(hypervisor, WORLD_GUEST, gfn);
        xen_pv_iommu_hypervisor_nominate(hypervisor, WORLD_GUEST, other);
        break;
    case 5:
        xen_pv_iommu_hypervisor_nominate(hypervisor, WORLD_GUEST, gfn);
        xen_pv_iommu_hypervisor_nominate(hypervisor, WORLD_GUEST, other);
        xen_pv_iommu_hypervisor_share(hypervisor, WORLD_GUEST, gfn,
                                      WORLD_GUEST, other);
        break;
    case 6:
        xen_pv_iommu_hypervisor_unshare(hypervisor, WORLD_GUEST, gfn);
        break;
    default:
        xen_pv_iommu_hypervisor_altp2m_remap(hypervisor, WORLD_GUEST,
                                             1 + pages % 3, gfn, other);
        break;
    }
}

static uint64_t any_bfn(const Player *player, const uint8_t *bytes)
{
    const PlayerDevice *device = &player->devices[bytes[2] % PLAYER_DEVICES];
    const XenPvIommuRun *run;

    if (bytes[3] % 4 == 0 || !device->runs->len) {
        return (uint64_t)bytes[4] << (bytes[5] % 64);
    }
    run = run_at(device->runs, bytes[4] % device->runs->len);
    return run->bfn + bytes[5] % run->pages;
}

static void play_hostile(Player *player, const uint8_t *bytes)
{
    uint64_t pages = bytes[6] % 8 ? bytes[6] % 8 : UINT64_MAX;

    if (bytes[7] % 64 == 0) {
        xen_pv_iommu_client_invalidate(player->world->client, 0, UINT64_MAX,
                                       player->world->now_ms);
    } else {
        xen_pv_iommu_client_invalidate(player->world->client,
                                       any_bfn(player, bytes), pages,
                                       player->world->now_ms);
    }
}

static void play_time(Player *player, const uint8_t *bytes)
{
    World *world = player->world;

    world->now_ms += bytes[2] % 16;
    xen_pv_iommu_client_expire(world->client, world->now_ms);
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), >,
                    world->now_ms);
}

static void play_failure(Player *player, const uint8_t *bytes)
{
    static const uint16_t subops[] = {
        0, XEN_PV_IOMMU_MAP_FOREIGN_PAGE, XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE,
        XEN_PV_IOMMU_MAP_FOREIGN_PAGE, XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE,
        XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE,
    };
    static const int errors[] = { -EPERM, -EIO, -EEXIST, -EACCES, -EFAULT };
    uint16_t subop = subops[bytes[2] % G_N_ELEMENTS(subops)];

    /* Pages that Xen keeps are lost to all: not too many of them. */
    if (subop == XEN_PV_IOMMU_MAP_FOREIGN_PAGE ||
        subop == XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE ||
        player->totals.dead < PLAYER_DEAD) {
        xen_pv_iommu_hypervisor_fail(player->world->hypervisor, subop,
                                     bytes[3] % 8,
                                     errors[bytes[4] % G_N_ELEMENTS(errors)]);
    }
}

static void play_device(Player *player, const uint8_t *bytes)
{
    unsigned index = bytes[2] % PLAYER_DEVICES;

    if (bytes[3] % 8 == 0) {
        detach(&player->devices[index]);
        attach(player, index);
    } else {
        player->devices[index].obedient = bytes[3] % 2;
    }
}

void player_step(Player *player, const uint8_t *bytes)
{
    PlayerDevice *device = &player->devices[bytes[1] % PLAYER_DEVICES];

    switch (bytes[0] % 16) {
    case 0 ... 4:
        play_map(device, bytes);
        break;
    case 5 ... 8:
        if (device->runs->len) {
            release_part(device, bytes[2] % device->runs->len, bytes[3],
                         bytes[4]);
        }
        break;
    case 9 ... 11:
        play_guest(player, bytes);
        break;
    case 12:
        play_hostile(player, bytes);
        break;
    case 13:
        play_time(player, bytes);
        break;
    case 14:
        play_failure(player, bytes);
        break;
    default:
        play_device(player, bytes);
        break;
    }
    player->totals.dead = world_count(player->world).table.dead_pages;
}

/* --- comparing ---------------------------------------------------------- */

/* Hardware reaches what it was given, whatever became of the gfn. */
static void check_held(const Player *player, const Held *held)
{
    const World *world = player->world;
    uint64_t mfn;

    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      world->hypervisor, held->bfn, XEN_PV_IOMMU_READ, &mfn) ||
                  xen_pv_iommu_hypervisor_translate(
                      world->hypervisor, held->bfn, XEN_PV_IOMMU_WRITE, &mfn));
    g_assert_cmpuint(mfn, ==, held->mfn);
    g_assert_false(xen_pv_iommu_hypervisor_free_frame(world->hypervisor, mfn));
    /* Who was not told has what the guest has; some servers do not tell. */
    if (!held->told && world->host == XEN_PV_IOMMU_HOST_MAPPED) {
        g_assert_cmpuint(xen_pv_iommu_hypervisor_frame(
                             world->hypervisor, WORLD_GUEST, 0, held->gfn),
                         ==, mfn);
    }
}

void player_check(const Player *player)
{
    XenPvIommuCounters count = world_count(player->world);
    g_autoptr(GHashTable) bfns = g_hash_table_new(g_int64_hash,
                                                  g_int64_equal);

    world_check(player->world);
    for (unsigned i = 0; i < PLAYER_DEVICES; i++) {
        GHashTableIter iter;
        gpointer held;

        g_hash_table_iter_init(&iter, player->devices[i].held);
        while (g_hash_table_iter_next(&iter, NULL, &held)) {
            check_held(player, held);
            g_hash_table_add(bfns, &((Held *)held)->bfn);
        }
    }
    /* One reference for each BFN that is used, and nothing else is held. */
    g_assert_cmpuint(count.table.pages - count.table.dead_pages, ==,
                     g_hash_table_size(bfns));
    g_assert_cmpuint(world_held(player->world).references, ==,
                     count.table.pages);
    g_assert_cmpuint(count.table.pages, <=,
                     PLAYER_CLIENT_MAX + count.table.dead_pages);
    g_assert_cmpuint(g_hash_table_size(player->devices[2].held), <=,
                     PLAYER_QUOTA);
}

PlayerTotals player_totals(const Player *player)
{
    return player->totals;
}

/* --- from beginning to end ---------------------------------------------- */

Player *player_new(XenPvIommuHost host, bool scatter)
{
    Player *player = g_new0(Player, 1);

    player->world = world_new_guest(host, PLAYER_FRAMES, 0);
    xen_pv_iommu_hypervisor_set_scatter(player->world->hypervisor, scatter);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                        player->world->hypervisor, WORLD_GUEST, 0,
                        PLAYER_POPULATED), ==, 0);
    g_assert_cmpint(world_connect(player->world, PLAYER_CLIENT_MAX), ==, 0);
    for (unsigned i = 0; i < PLAYER_DEVICES; i++) {
        attach(player, i);
        player->devices[i].obedient = i % 2;
    }
    return player;
}

void player_free(Player *player)
{
    World *world = player->world;
    static const uint16_t subops[] = {
        0, XEN_PV_IOMMU_MAP_FOREIGN_PAGE, XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE,
        XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE,
    };

    player_check(player);
    for (unsigned i = 0; i < G_N_ELEMENTS(subops); i++) {
        xen_pv_iommu_hypervisor_fail(world->hypervisor, subops[i], 0, 0);
    }
    for (unsigned i = 0; i < PLAYER_DEVICES; i++) {
        detach(&player->devices[i]);
    }
    g_assert_cmpint(xen_pv_iommu_client_deadline(world->client), ==,
                    INT64_MAX);
    world_check(world);
    xen_pv_iommu_client_free(world->client);
    world->client = NULL;
    g_assert_cmpuint(world_held(world).references, ==, 0);
    g_assert_cmpuint(world_held(world).mapped, ==, 0);
    world_free(world);
    g_free(player);
}
