/*
 * PV IOMMU: a client, a model of a hypervisor and what a device may expect
 *
 * Each step is an operation of a device, of the guest, of the toolstack or of
 * somebody hostile.  Beside the client the player keeps, page by page, what
 * each device uses, and what was behind it; after each step both must agree.
 * The unit test feeds it random bytes, the fuzz target what the fuzzer finds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_UNIT_PV_IOMMU_PLAYER_H
#define TESTS_UNIT_PV_IOMMU_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/xen/pv-iommu-hypervisor.h"

/* Bytes that make a step */
#define PLAYER_STEP 8

typedef struct Player Player;

/* What the steps did, so that a test can say that they did something. */
typedef struct PlayerTotals {
    uint64_t mapped;            /* requests that went well */
    uint64_t refused;
    uint64_t released;
    uint64_t told;              /* runs */
    uint64_t overdue;
    uint64_t dead;              /* pages */
} PlayerTotals;

/* A host of a kind, its frames scattered or not. */
Player *player_new(XenPvIommuHost host, bool scatter);
void player_step(Player *player, const uint8_t *bytes);
/* Compare all that there is. */
void player_check(const Player *player);
PlayerTotals player_totals(const Player *player);
/* All devices go, then the client: nothing may be left. */
void player_free(Player *player);

#endif /* TESTS_UNIT_PV_IOMMU_PLAYER_H */
