/*
 * Fuzz: the fix-up of any bytes
 *
 * The input is the tree.  What comes out of it must be a tree in which the
 * regions are in order and clear of QEMU's windows, and a second fix-up must
 * not change it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <libfdt.h>
#include <string.h>

#include "fuzz-input.h"
#include "hw/xen/hypervisor-dt-fixup.h"

#define MIB (UINT64_C(1) << 20)

static const HypervisorDtSlot slots[] = {
    { 0x02000000, 0x200, 33 },
    { 0x02000200, 0x200, 34 },
};

static const HypervisorDtFixup fixup = {
    .address_bits = 40,
    .windows = {
        { HYPERVISOR_DT_RAM0_BASE, HYPERVISOR_DT_RAM0_SIZE },
        { HYPERVISOR_DT_RAM1_BASE, HYPERVISOR_DT_RAM1_SIZE },
    },
    .devices = {
        .slots = slots,
        .slots_number = G_N_ELEMENTS(slots),
        .pcie = {
            .ecam = { 0xf100000000, 256 * MIB },
            .mmio = { 0xf110000000, 32 * MIB },
            .mmio_high = { 0xf000000000, 4096 * MIB },
            .irq = 44,
        },
        .tpm_base = 0x0c000000,
    },
    .regions.maximum = HYPERVISOR_DT_REGIONS_MAX,
    .room = HYPERVISOR_DT_BLOB_MAX,
};

static void check_clear(const HypervisorDtRegion *region, uint64_t base,
                        uint64_t size)
{
    FUZZ_CHECK(region->base >= base + size ||
               base >= region->base + region->size);
}

static void check_regions(const HypervisorDtRegions *regions)
{
    const HypervisorDtPcie *pcie = &fixup.devices.pcie;
    uint64_t free_from = 0;

    for (unsigned i = 0; i < regions->number; i++) {
        const HypervisorDtRegion *region = &regions->region[i];

        FUZZ_CHECK(region->base >= free_from);
        FUZZ_CHECK(region->base % HYPERVISOR_DT_REGION_ALIGN == 0);
        FUZZ_CHECK(region->size % HYPERVISOR_DT_REGION_ALIGN == 0);
        FUZZ_CHECK(region->size >= HYPERVISOR_DT_REGION_MIN);
        check_clear(region, pcie->ecam.base, pcie->ecam.size);
        check_clear(region, pcie->mmio.base, pcie->mmio.size);
        check_clear(region, pcie->mmio_high.base, pcie->mmio_high.size);
        free_from = region->base + region->size;
    }
    FUZZ_CHECK(free_from <= UINT64_C(1) << fixup.address_bits);
}

static void check_again(const void *tree, size_t size, unsigned regions)
{
    HypervisorDtFixupReport report;
    HypervisorDtError error;
    size_t again_size = 0;
    g_autofree void *again = hypervisor_dt_fixup(tree, size, &fixup,
                                                 &again_size, &report,
                                                 &error);

    FUZZ_CHECK(again);
    FUZZ_CHECK(report.added == 0);
    /* A list of which nothing was left is one that was never there. */
    if (regions) {
        FUZZ_CHECK(again_size == size);
        FUZZ_CHECK(!memcmp(tree, again, size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HypervisorDtFixupReport report;
    HypervisorDtError error = { .code = 0 };
    size_t result_size = 0;
    g_autofree void *result = hypervisor_dt_fixup(data, size, &fixup,
                                                  &result_size, &report,
                                                  &error);

    FUZZ_CHECK(!result == (error.code < 0));
    FUZZ_CHECK(!result == !!error.message[0]);
    if (result) {
        FUZZ_CHECK(!fdt_check_full(result, result_size));
        check_regions(&report.regions);
        check_again(result, result_size, report.regions.number);
    }
    return 0;
}
