/*
 * Fuzz: what devices, guest, toolstack and a hostile hypervisor do to the
 * PV IOMMU's client
 *
 * The first byte chooses the host, each PLAYER_STEP bytes are a step.  The
 * player asserts what must hold.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fuzz-input.h"
#include "pv-iommu-player.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const XenPvIommuHost hosts[] = {
        XEN_PV_IOMMU_HOST_DIRECT,
        XEN_PV_IOMMU_HOST_IDENTITY,
        XEN_PV_IOMMU_HOST_MAPPED,
        XEN_PV_IOMMU_HOST_MAPPED,
    };
    Player *player;

    if (!size) {
        return 0;
    }
    player = player_new(hosts[data[0] % G_N_ELEMENTS(hosts)], data[0] & 4);
    for (size_t i = 1; i + PLAYER_STEP <= size; i += PLAYER_STEP) {
        player_step(player, data + i);
        player_check(player);
    }
    player_free(player);
    return 0;
}
