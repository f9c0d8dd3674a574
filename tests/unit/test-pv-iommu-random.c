/*
 * PV IOMMU: the client, whatever devices and guest do
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <inttypes.h>

#include "pv-iommu-player.h"

#define ROUNDS 8
#define STEPS 2000              /* of each */

typedef struct Case {
    XenPvIommuHost host;
    bool scatter;
} Case;

static PlayerTotals play_round(const Case *c)
{
    Player *player = player_new(c->host, c->scatter);
    PlayerTotals totals;

    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t words[PLAYER_STEP / sizeof(uint32_t)];

        for (unsigned k = 0; k < G_N_ELEMENTS(words); k++) {
            words[k] = g_test_rand_int();
        }
        player_step(player, (const uint8_t *)words);
        player_check(player);
    }
    totals = player_totals(player);
    player_free(player);
    return totals;
}

/* The steps must have done something, or nothing has been tested. */
static void play(gconstpointer data)
{
    PlayerTotals sum = { 0 };

    for (unsigned i = 0; i < ROUNDS; i++) {
        PlayerTotals totals = play_round(data);

        sum.mapped += totals.mapped;
        sum.refused += totals.refused;
        sum.released += totals.released;
        sum.told += totals.told;
        sum.overdue += totals.overdue;
        sum.dead += totals.dead;
    }
    g_test_message("%" PRIu64 " mapped, %" PRIu64 " refused, %" PRIu64
                   " released, %" PRIu64 " told, %" PRIu64 " overdue, %" PRIu64
                   " dead", sum.mapped, sum.refused, sum.released, sum.told,
                   sum.overdue, sum.dead);
    g_assert_cmpuint(sum.mapped, >, ROUNDS * STEPS / 100);
    g_assert_cmpuint(sum.refused, >, ROUNDS * STEPS / 100);
    g_assert_cmpuint(sum.released, >, ROUNDS * STEPS / 100);
    g_assert_cmpuint(sum.told, >, ROUNDS * STEPS / 100);
    g_assert_cmpuint(sum.overdue, >, ROUNDS);
    g_assert_cmpuint(sum.dead, >, ROUNDS);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {
        { XEN_PV_IOMMU_HOST_DIRECT, true },
        { XEN_PV_IOMMU_HOST_IDENTITY, false },
        { XEN_PV_IOMMU_HOST_MAPPED, false },
        { XEN_PV_IOMMU_HOST_MAPPED, true },
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/random/direct", &cases[0], play);
    g_test_add_data_func("/random/identity", &cases[1], play);
    g_test_add_data_func("/random/mapped", &cases[2], play);
    g_test_add_data_func("/random/mapped-scattered", &cases[3], play);
    return g_test_run();
}
