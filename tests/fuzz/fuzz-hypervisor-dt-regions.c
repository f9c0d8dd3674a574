/*
 * Fuzz: extended regions of any banks and any taken ranges
 *
 * The input is the address bits, the maximum and the number of banks (a byte
 * each), then the banks (base, window, RAM) and the taken ranges (base, size,
 * kind), all in 64-bit words of the host's order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "fuzz-input.h"
#include "hw/xen/hypervisor-dt-regions.h"

#define HEAD_SIZE 3

typedef struct Words {
    const uint8_t *data;
    size_t left;            /* in words */
} Words;

static uint64_t next_word(Words *words)
{
    uint64_t word = 0;

    if (words->left) {
        memcpy(&word, words->data, sizeof(word));
        words->data += sizeof(word);
        words->left--;
    }
    return word;
}

/* No region has a byte of [@base, @base + @size). */
static void check_clear(const HypervisorDtRegions *regions, uint64_t base,
                        uint64_t size)
{
    for (unsigned i = 0; size && i < regions->number; i++) {
        const HypervisorDtRegion *region = &regions->region[i];

        FUZZ_CHECK(base > region->base + (region->size - 1) ||
                   base + (size - 1) < region->base);
    }
}

static void check_inside(const HypervisorDtSpace *space,
                         const HypervisorDtRegion *region)
{
    bool inside = false;

    for (size_t i = 0; i < space->banks_number; i++) {
        const HypervisorDtBank *bank = &space->banks[i];

        inside |= region->base >= bank->base &&
                  region->base + (region->size - 1) <=
                  bank->base + (bank->size - 1);
    }
    FUZZ_CHECK(inside);
    FUZZ_CHECK(region->base + (region->size - 1) <
               UINT64_C(1) << space->address_bits);
}

static void check_regions(const HypervisorDtSpace *space,
                          const HypervisorDtRegions *regions)
{
    uint64_t free_from = 0;

    FUZZ_CHECK(regions->number <= space->maximum);
    FUZZ_CHECK(regions->linux_usable <= regions->number);
    for (unsigned i = 0; i < regions->number; i++) {
        const HypervisorDtRegion *region = &regions->region[i];

        FUZZ_CHECK(region->base >= free_from);
        FUZZ_CHECK(region->base % HYPERVISOR_DT_REGION_ALIGN == 0);
        FUZZ_CHECK(region->size % HYPERVISOR_DT_REGION_ALIGN == 0);
        FUZZ_CHECK(region->size >= HYPERVISOR_DT_REGION_MIN);
        check_inside(space, region);
        free_from = region->base + region->size;
    }
    for (size_t i = 0; i < space->taken_number; i++) {
        check_clear(regions, space->taken[i].base, space->taken[i].size);
    }
    for (size_t i = 0; i < space->banks_number; i++) {
        check_clear(regions, space->banks[i].base, space->banks[i].ram);
    }
}

static void fill_space(HypervisorDtSpace *space, HypervisorDtBank *banks,
                       HypervisorDtRange *taken, Words *words)
{
    for (size_t i = 0; i < space->banks_number; i++) {
        banks[i].name = "bank";
        banks[i].base = next_word(words);
        banks[i].size = next_word(words);
        banks[i].ram = next_word(words);
    }
    while (words->left) {
        HypervisorDtRange *range = &taken[space->taken_number++];

        range->name = "range";
        range->base = next_word(words);
        range->size = next_word(words);
        range->kind = next_word(words) % (HYPERVISOR_DT_EXCLUDED + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Words words;
    g_autofree HypervisorDtBank *banks = NULL;
    g_autofree HypervisorDtRange *taken = NULL;
    HypervisorDtSpace space = { .taken_number = 0 };
    HypervisorDtRegions regions;
    HypervisorDtError error = { .code = 0 };
    int ret;

    if (size < HEAD_SIZE) {
        return 0;
    }
    words = (Words) { data + HEAD_SIZE, (size - HEAD_SIZE) / 8 };
    banks = g_new0(HypervisorDtBank, data[2] + 1);
    taken = g_new0(HypervisorDtRange, words.left + 1);
    space.address_bits = data[0];
    space.maximum = data[1];
    space.banks_number = data[2];
    fill_space(&space, banks, taken, &words);
    space.banks = banks;
    space.taken = taken;
    ret = hypervisor_dt_regions_compute(&space, &regions, &error);
    FUZZ_CHECK(ret == error.code);
    FUZZ_CHECK(!ret == !error.message[0]);
    if (!ret) {
        check_regions(&space, &regions);
    }
    return 0;
}
