/*
 * Hypervisor node: the extended regions, against libxl's numbers, at the
 * limits, and against a map of the address space that has one byte for 2 MiB
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-layout.h"
#include "hw/xen/hypervisor-dt-regions.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

#define RAM0 HYPERVISOR_DT_RAM0_BASE
#define RAM1 HYPERVISOR_DT_RAM1_BASE

/* Xen's two banks with @ram bytes, nothing else taken. */
typedef struct Xen {
    HypervisorDtBank banks[HYPERVISOR_DT_RAM_BANKS];
    HypervisorDtSpace space;
} Xen;

static void xen_init(Xen *xen, uint64_t ram, unsigned address_bits)
{
    uint64_t low = MIN(ram, HYPERVISOR_DT_RAM0_SIZE);

    *xen = (Xen) {
        .banks = {
            { "RAM bank 0", RAM0, HYPERVISOR_DT_RAM0_SIZE, low },
            { "RAM bank 1", RAM1, HYPERVISOR_DT_RAM1_SIZE, ram - low },
        },
    };
    xen->space = (HypervisorDtSpace) {
        .banks = xen->banks,
        .banks_number = HYPERVISOR_DT_RAM_BANKS,
        .address_bits = address_bits,
        .maximum = HYPERVISOR_DT_REGIONS_MAX,
    };
}

static void compute(const HypervisorDtSpace *space,
                    HypervisorDtRegions *regions)
{
    HypervisorDtError error = { .message = "" };
    int ret = hypervisor_dt_regions_compute(space, regions, &error);

    g_assert_cmpstr(error.message, ==, "");
    g_assert_cmpint(ret, ==, 0);
}

/* That it is refused, says so, and leaves the result alone. */
static void assert_refused(const HypervisorDtSpace *space, int code,
                           HypervisorDtError *error)
{
    HypervisorDtRegions regions = { .number = 77 };

    g_assert_cmpint(hypervisor_dt_regions_compute(space, &regions, error), ==,
                    code);
    g_assert_cmpint(error->code, ==, code);
    g_assert_cmpstr(error->message, !=, "");
    g_assert_cmpuint(regions.number, ==, 77);
}

static void assert_region(const HypervisorDtRegions *regions, unsigned n,
                          uint64_t base, uint64_t size)
{
    g_assert_cmpuint(regions->number, >, n);
    g_assert_cmphex(regions->region[n].base, ==, base);
    g_assert_cmphex(regions->region[n].size, ==, size);
}

/* --- libxl's numbers --- */

/*
 * Computed by hand from finalize_hypervisor_node() of Xen 4.17; that a real
 * libxl says the same is for the lab.  Size 0: no such region.
 */
static const struct {
    uint64_t ram_mib;
    unsigned address_bits;
    uint64_t base[2], size[2];
} libxl_vectors[] = {
    { 128, 40, { 0x48000000, RAM1 }, { 0xb8000000, 0xfe00000000 } },
    { 512, 40, { 0x60000000, RAM1 }, { 0xa0000000, 0xfe00000000 } },
    { 512, 44, { 0x60000000, RAM1 }, { 0xa0000000, 0xfe00000000 } },
    { 512, 48, { 0x60000000, RAM1 }, { 0xa0000000, 0xfe00000000 } },
    { 2048, 40, { 0xc0000000, RAM1 }, { 0x40000000, 0xfe00000000 } },
    { 3000, 40, { 0xfb800000, RAM1 }, { 0x4800000, 0xfe00000000 } },
    { 3008, 40, { 0xfc000000, RAM1 }, { 0x4000000, 0xfe00000000 } },
    { 3009, 40, { RAM1 }, { 0xfe00000000 } },
    { 3072, 40, { RAM1 }, { 0xfe00000000 } },
    { 4096, 40, { 0x240000000 }, { 0xfdc0000000 } },
    { 512, 36, { 0x60000000, RAM1 }, { 0xa0000000, 0xe00000000 } },
    { 512, 33, { 0x60000000 }, { 0xa0000000 } },
    { 512, 32, { 0x60000000 }, { 0xa0000000 } },
};

static void test_libxl_vectors(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(libxl_vectors); i++) {
        HypervisorDtRegions regions;
        unsigned number = 0;
        Xen xen;

        g_test_message("%u MiB, %u bits", (unsigned)libxl_vectors[i].ram_mib,
                       libxl_vectors[i].address_bits);
        xen_init(&xen, libxl_vectors[i].ram_mib * MIB,
                 libxl_vectors[i].address_bits);
        compute(&xen.space, &regions);
        while (number < 2 && libxl_vectors[i].size[number]) {
            assert_region(&regions, number, libxl_vectors[i].base[number],
                          libxl_vectors[i].size[number]);
            number++;
        }
        g_assert_cmpuint(regions.number, ==, number);
        g_assert_cmpuint(regions.left_out, ==, 0);
    }
}

/* The formula of the facts, written down once more, for every MiB of RAM. */
static void test_libxl_formula(void)
{
    for (uint64_t ram = 0; ram <= 6 * GIB; ram += MIB) {
        HypervisorDtRegions regions;
        unsigned n = 0;
        Xen xen;

        xen_init(&xen, ram, 40);
        compute(&xen.space, &regions);
        for (unsigned bank = 0; bank < HYPERVISOR_DT_RAM_BANKS; bank++) {
            uint64_t used = (xen.banks[bank].ram + 2 * MIB - 1) / (2 * MIB) *
                            (2 * MIB);
            uint64_t size = xen.banks[bank].size - used;

            if (size >= 64 * MIB) {
                assert_region(&regions, n, xen.banks[bank].base + used, size);
                n++;
            }
        }
        g_assert_cmpuint(regions.number, ==, n);
    }
}

static void test_linux_usable(void)
{
    HypervisorDtRegions regions;
    Xen xen;

    /* 72 MiB, then exactly an aligned 128 MiB, then one 2 MiB too late. */
    xen_init(&xen, 3000 * MIB, 40);
    compute(&xen.space, &regions);
    g_assert_false(regions.region[0].linux_usable);
    g_assert_true(regions.region[1].linux_usable);
    g_assert_cmpuint(regions.linux_usable, ==, 1);

    xen_init(&xen, 2944 * MIB, 40);
    compute(&xen.space, &regions);
    assert_region(&regions, 0, 0xf8000000, 128 * MIB);
    g_assert_true(regions.region[0].linux_usable);

    xen_init(&xen, 2945 * MIB, 40);
    compute(&xen.space, &regions);
    assert_region(&regions, 0, 0xf8200000, 126 * MIB);
    g_assert_false(regions.region[0].linux_usable);
}

/* --- limits: at each, and one past it --- */

static void test_limit_size(void)
{
    HypervisorDtBank bank = { "bank", 0, HYPERVISOR_DT_REGION_MIN, 0 };
    HypervisorDtSpace space = {
        .banks = &bank,
        .banks_number = 1,
        .address_bits = 40,
        .maximum = 1,
    };
    HypervisorDtRegions regions;

    compute(&space, &regions);
    g_assert_cmpuint(regions.number, ==, 1);
    assert_region(&regions, 0, 0, HYPERVISOR_DT_REGION_MIN);

    bank.size--;
    compute(&space, &regions);
    g_assert_cmpuint(regions.number, ==, 0);

    /* The same, lost to alignment at the beginning. */
    bank.size = HYPERVISOR_DT_REGION_MIN;
    bank.base = 1;
    compute(&space, &regions);
    g_assert_cmpuint(regions.number, ==, 0);
    bank.size = HYPERVISOR_DT_REGION_MIN + HYPERVISOR_DT_REGION_ALIGN - 1;
    compute(&space, &regions);
    assert_region(&regions, 0, HYPERVISOR_DT_REGION_ALIGN,
                  HYPERVISOR_DT_REGION_MIN);
}

static void test_limit_address_bits(void)
{
    HypervisorDtRegions regions;
    HypervisorDtError error;
    Xen xen;

    xen_init(&xen, 512 * MIB, HYPERVISOR_DT_ADDRESS_BITS_MIN);
    compute(&xen.space, &regions);
    xen.space.address_bits--;
    assert_refused(&xen.space, -EINVAL, &error);
    xen.space.address_bits = HYPERVISOR_DT_ADDRESS_BITS_MAX;
    compute(&xen.space, &regions);
    xen.space.address_bits++;
    assert_refused(&xen.space, -EINVAL, &error);
    g_assert_nonnull(strstr(error.message, "53 address bits"));
}

/* A window that ends with the address space, and one that leaves it. */
static void test_limit_address_space(void)
{
    HypervisorDtBank bank = {
        "bank", (UINT64_C(1) << HYPERVISOR_DT_ADDRESS_BITS_MAX) - GIB, GIB, 0
    };
    HypervisorDtSpace space = {
        .banks = &bank,
        .banks_number = 1,
        .address_bits = HYPERVISOR_DT_ADDRESS_BITS_MAX,
        .maximum = 1,
    };
    HypervisorDtRegions regions;
    HypervisorDtError error;

    compute(&space, &regions);
    assert_region(&regions, 0, bank.base, GIB);
    bank.size = -bank.base;                     /* to 2^64 */
    compute(&space, &regions);
    assert_region(&regions, 0, bank.base, GIB);
    bank.size++;
    assert_refused(&space, -ERANGE, &error);

    /* RAM must be inside. */
    bank.size = 2 * GIB;
    bank.ram = GIB;
    compute(&space, &regions);
    g_assert_cmpuint(regions.number, ==, 0);
    bank.ram++;
    assert_refused(&space, -ERANGE, &error);
    g_assert_nonnull(strstr(error.message, "bank ["));
}

static void test_limit_ram(void)
{
    HypervisorDtRegions regions;
    HypervisorDtError error;
    Xen xen;

    xen_init(&xen, HYPERVISOR_DT_RAM0_SIZE + HYPERVISOR_DT_RAM1_SIZE, 40);
    compute(&xen.space, &regions);
    g_assert_cmpuint(regions.number, ==, 0);
    xen.banks[1].ram++;
    assert_refused(&xen.space, -EINVAL, &error);
    xen.banks[1].ram = 0;
    xen.banks[1].size = 0;
    assert_refused(&xen.space, -EINVAL, &error);
}

/* @number exclusions of 2 MiB, so that each leaves a gap of 64 MiB. */
static HypervisorDtRange *comb(size_t number)
{
    HypervisorDtRange *taken = g_new0(HypervisorDtRange, number);

    for (size_t i = 0; i < number; i++) {
        taken[i] = (HypervisorDtRange) {
            .name = "tooth",
            .base = RAM1 + i * 66 * MIB,
            .size = 2 * MIB,
            .kind = HYPERVISOR_DT_EXCLUDED,
        };
    }
    return taken;
}

static void test_limit_regions(void)
{
    g_autofree HypervisorDtRange *taken = comb(HYPERVISOR_DT_REGIONS_MAX + 1);
    HypervisorDtRegions regions;
    HypervisorDtError error;
    Xen xen;

    xen_init(&xen, HYPERVISOR_DT_RAM0_SIZE, 40);
    xen.space.taken = taken;
    xen.space.taken_number = HYPERVISOR_DT_REGIONS_MAX;
    compute(&xen.space, &regions);
    g_assert_cmpuint(regions.number, ==, HYPERVISOR_DT_REGIONS_MAX);
    g_assert_cmpuint(regions.left_out, ==, 0);
    assert_region(&regions, 0, RAM1 + 2 * MIB, 64 * MIB);

    /* One more: of 256 equally large and the large rest, the highest go. */
    xen.space.taken_number++;
    compute(&xen.space, &regions);
    g_assert_cmpuint(regions.number, ==, HYPERVISOR_DT_REGIONS_MAX);
    g_assert_cmpuint(regions.left_out, ==, 1);
    assert_region(&regions, 0, RAM1 + 2 * MIB, 64 * MIB);
    assert_region(&regions, HYPERVISOR_DT_REGIONS_MAX - 2,
                  RAM1 + 254 * 66 * MIB + 2 * MIB, 64 * MIB);
    assert_region(&regions, HYPERVISOR_DT_REGIONS_MAX - 1,
                  RAM1 + 256 * 66 * MIB + 2 * MIB,
                  HYPERVISOR_DT_RAM1_SIZE - 256 * 66 * MIB - 2 * MIB);

    xen.space.maximum = 1;
    compute(&xen.space, &regions);
    g_assert_cmpuint(regions.number, ==, 1);
    g_assert_cmpuint(regions.left_out, ==, HYPERVISOR_DT_REGIONS_MAX);
    assert_region(&regions, 0, RAM1 + 256 * 66 * MIB + 2 * MIB,
                  HYPERVISOR_DT_RAM1_SIZE - 256 * 66 * MIB - 2 * MIB);
    xen.space.maximum = 0;
    compute(&xen.space, &regions);
    g_assert_cmpuint(regions.number, ==, 0);
    xen.space.maximum = HYPERVISOR_DT_REGIONS_MAX + 1;
    assert_refused(&xen.space, -EINVAL, &error);
}

static void test_limit_taken(void)
{
    g_autofree HypervisorDtRange *taken = comb(HYPERVISOR_DT_TAKEN_MAX + 1);
    HypervisorDtRegions regions;
    HypervisorDtError error;
    Xen xen;

    xen_init(&xen, 0, 40);
    xen.space.taken = taken;
    xen.space.taken_number = HYPERVISOR_DT_TAKEN_MAX;
    compute(&xen.space, &regions);
    xen.banks[0].ram = 1;               /* RAM counts as well */
    assert_refused(&xen.space, -E2BIG, &error);
    xen.banks[0].ram = 0;
    xen.space.taken_number++;
    assert_refused(&xen.space, -E2BIG, &error);
    g_assert_cmpint(hypervisor_dt_ranges_check(taken,
                                               HYPERVISOR_DT_TAKEN_MAX + 1,
                                               &error), ==, -E2BIG);
    g_assert_cmpint(hypervisor_dt_ranges_check(taken, HYPERVISOR_DT_TAKEN_MAX,
                                               &error), ==, 0);
}

static void test_limit_banks(void)
{
    HypervisorDtBank banks[HYPERVISOR_DT_BANKS_MAX + 1];
    HypervisorDtSpace space = {
        .banks = banks,
        .banks_number = HYPERVISOR_DT_BANKS_MAX,
        .address_bits = 40,
        .maximum = HYPERVISOR_DT_REGIONS_MAX,
    };
    HypervisorDtRegions regions;
    HypervisorDtError error;

    /* They touch, and stay apart. */
    for (size_t i = 0; i < G_N_ELEMENTS(banks); i++) {
        banks[i] = (HypervisorDtBank) { "bank", i * 64 * MIB, 64 * MIB, 0 };
    }
    compute(&space, &regions);
    g_assert_cmpuint(regions.number, ==, HYPERVISOR_DT_BANKS_MAX);
    space.banks_number++;
    assert_refused(&space, -E2BIG, &error);
}

static void test_limit_range(void)
{
    HypervisorDtRange range = {
        "the last", UINT64_MAX, 1, HYPERVISOR_DT_EXCLUDED
    };
    HypervisorDtError error;

    g_assert_cmpint(hypervisor_dt_ranges_check(&range, 1, &error), ==, 0);
    range.size = 2;
    g_assert_cmpint(hypervisor_dt_ranges_check(&range, 1, &error), ==,
                    -ERANGE);
    g_assert_nonnull(strstr(error.message, "the last"));
    range.size = 0;
    g_assert_cmpint(hypervisor_dt_ranges_check(&range, 1, &error), ==,
                    -EINVAL);
    g_assert_nonnull(strstr(error.message, "the last"));
}

/* --- clashes --- */

/* Each kind with each, touching (never a clash) and overlapping by a byte. */
static void test_clash_kinds(void)
{
    for (int a = HYPERVISOR_DT_OWN; a <= HYPERVISOR_DT_EXCLUDED; a++) {
        for (int b = HYPERVISOR_DT_OWN; b <= HYPERVISOR_DT_EXCLUDED; b++) {
            HypervisorDtRange ranges[] = {
                { "upper", 0x2000, 0x1000, a },
                { "lower", 0x1000, 0x1000, b },
            };
            bool clashes = a != HYPERVISOR_DT_EXCLUDED &&
                           b != HYPERVISOR_DT_EXCLUDED &&
                           (a == HYPERVISOR_DT_OWN || b == HYPERVISOR_DT_OWN);
            HypervisorDtError error = { .code = 0 };

            g_assert_cmpint(hypervisor_dt_ranges_check(ranges, 2, &error), ==,
                            0);
            ranges[1].size++;
            g_assert_cmpint(hypervisor_dt_ranges_check(ranges, 2, &error), ==,
                            clashes ? -EEXIST : 0);
            g_assert_cmpstr(error.first, ==, clashes ? "lower" : "");
            g_assert_cmpstr(error.second, ==, clashes ? "upper" : "");
        }
    }
}

static void test_clash_message(void)
{
    HypervisorDtRange taken[] = {
        { "PCI ECAM", 0x5fff0000, 256 * MIB, HYPERVISOR_DT_OWN },
    };
    HypervisorDtError error;
    Xen xen;

    xen_init(&xen, 512 * MIB, 40);
    xen.space.taken = taken;
    xen.space.taken_number = 1;
    assert_refused(&xen.space, -EEXIST, &error);
    g_assert_cmpstr(error.first, ==, "RAM bank 0");
    g_assert_cmpstr(error.second, ==, "PCI ECAM");
    g_assert_cmpstr(error.message, ==,
                    "RAM bank 0 [0x40000000, 0x5fffffff] overlaps "
                    "PCI ECAM [0x5fff0000, 0x6ffeffff]");
}

/* A long range, then short ones: the clash is with what is not next to it. */
static void test_clash_distant(void)
{
    HypervisorDtRange ranges[] = {
        { "long", 0x1000, 0x10000, HYPERVISOR_DT_FOUND },
        { "short", 0x2000, 0x1000, HYPERVISOR_DT_FOUND },
        { "excluded", 0x3000, 0x1000, HYPERVISOR_DT_EXCLUDED },
        { "own", 0x10fff, 0x1000, HYPERVISOR_DT_OWN },
    };
    HypervisorDtError error;

    g_assert_cmpint(hypervisor_dt_ranges_check(ranges, 4, &error), ==,
                    -EEXIST);
    g_assert_cmpstr(error.first, ==, "long");
    g_assert_cmpstr(error.second, ==, "own");
}

static void test_clash_banks(void)
{
    HypervisorDtError error;
    Xen xen;

    xen_init(&xen, 512 * MIB, 40);
    xen.banks[0].size = RAM1 - RAM0;
    xen.banks[1].name = "the other";
    xen.banks[1].base--;
    assert_refused(&xen.space, -EEXIST, &error);
    g_assert_cmpstr(error.first, ==, "RAM bank 0");
    g_assert_cmpstr(error.second, ==, "the other");
}

/* A name from a tree: no control characters, and cut where it is too long. */
static void test_hostile_name(void)
{
    g_autofree char *name = g_strnfill(4096, '\x1b');
    HypervisorDtRange ranges[] = {
        { name, 0, 2, HYPERVISOR_DT_OWN },
        { "\xff%s%n", 1, 2, HYPERVISOR_DT_OWN },
    };
    HypervisorDtError error;

    g_assert_cmpint(hypervisor_dt_ranges_check(ranges, 2, &error), ==,
                    -EEXIST);
    g_assert_cmpuint(strlen(error.message), ==,
                     HYPERVISOR_DT_MESSAGE_SIZE - 1);
    g_assert_cmpuint(strlen(error.first), ==, HYPERVISOR_DT_NAME_SIZE - 1);
    g_assert_cmpstr(error.second, ==, "?%s%n");
    for (const char *c = error.message; *c; c++) {
        g_assert_true(g_ascii_isprint(*c));
    }
}

/* --- against a naive model --- */

#define MODEL_BITS_MAX 34
#define MODEL_GRANULES ((UINT64_C(1) << MODEL_BITS_MAX) / (2 * MIB))
#define MODEL_BANKS 4
#define MODEL_TAKEN 24
#define MODEL_ROUNDS 20000

typedef struct Model {
    HypervisorDtBank banks[MODEL_BANKS];
    HypervisorDtRange taken[MODEL_TAKEN];
    HypervisorDtSpace space;
    int8_t owner[MODEL_GRANULES];   /* the window it lies in, -1: not free */
} Model;

static uint64_t random_below(uint64_t end)
{
    uint64_t high = g_test_rand_int() & 0x7fffffff;

    return (high << 32 | (g_test_rand_int() & 0xffffffff)) % end;
}

/* Often aligned, so that things touch. */
static uint64_t random_address(unsigned bits)
{
    static const uint64_t grains[] = { 1, 4 * KIB, 2 * MIB, 64 * MIB };

    return random_below(UINT64_C(1) << bits) /
           grains[g_test_rand_int_range(0, 4)] *
           grains[g_test_rand_int_range(0, 4)] %
           (UINT64_C(1) << bits);
}

static void model_random_banks(Model *model)
{
    uint64_t base = 0;
    unsigned n = g_test_rand_int_range(1, MODEL_BANKS + 1);

    for (unsigned i = 0; i < n; i++) {
        HypervisorDtBank *bank = &model->banks[i];

        bank->name = "bank";
        bank->base = base + random_below(GIB);
        bank->size = 1 + random_below(4 * GIB);
        if (g_test_rand_bit()) {
            bank->base = (bank->base / (2 * MIB) + 1) * (2 * MIB);
        }
        bank->ram = g_test_rand_bit() ? random_below(bank->size + 1) : 0;
        base = bank->base + bank->size;
    }
    model->space.banks = model->banks;
    model->space.banks_number = n;
}

static void model_random(Model *model)
{
    unsigned bits = g_test_rand_int_range(32, MODEL_BITS_MAX + 1);
    /* Mostly exclusions, or hardly anything would be accepted. */
    int kinds = g_test_rand_bit() ? HYPERVISOR_DT_EXCLUDED : HYPERVISOR_DT_OWN;

    memset(model, 0, sizeof(*model));
    model_random_banks(model);
    model->space.address_bits = bits;
    model->space.maximum = g_test_rand_bit() ?
        HYPERVISOR_DT_REGIONS_MAX : g_test_rand_int_range(0, 8);
    model->space.taken = model->taken;
    model->space.taken_number = g_test_rand_int_range(0, MODEL_TAKEN + 1);
    for (unsigned i = 0; i < model->space.taken_number; i++) {
        model->taken[i] = (HypervisorDtRange) {
            .name = "taken",
            .base = random_address(bits),
            .size = 1 + random_below(UINT64_C(1) <<
                                     g_test_rand_int_range(1, 32)),
            .kind = g_test_rand_int_range(kinds, HYPERVISOR_DT_EXCLUDED + 1),
        };
    }
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

static bool model_taken_clashes(const Model *model, unsigned i)
{
    const HypervisorDtRange *range = &model->taken[i];

    if (range->kind == HYPERVISOR_DT_EXCLUDED) {
        return false;
    }
    for (unsigned j = 0; j < model->space.banks_number; j++) {
        const HypervisorDtBank *bank = &model->banks[j];

        if (bank->ram && overlap(range->base, range->size, bank->base,
                                 bank->ram)) {
            return true;
        }
    }
    for (unsigned j = 0; j < i; j++) {
        const HypervisorDtRange *other = &model->taken[j];

        if (other->kind != HYPERVISOR_DT_EXCLUDED &&
            (range->kind == HYPERVISOR_DT_OWN ||
             other->kind == HYPERVISOR_DT_OWN) &&
            overlap(range->base, range->size, other->base, other->size)) {
            return true;
        }
    }
    return false;
}

static bool model_out_of_reach(const Model *model)
{
    uint64_t end = UINT64_C(1) << model->space.address_bits;

    for (unsigned i = 0; i < model->space.banks_number; i++) {
        if (model->banks[i].ram &&
            model->banks[i].base + model->banks[i].ram > end) {
            return true;
        }
    }
    for (unsigned i = 0; i < model->space.taken_number; i++) {
        if (model->taken[i].kind == HYPERVISOR_DT_OWN &&
            model->taken[i].base + model->taken[i].size > end) {
            return true;
        }
    }
    return false;
}

static int model_expected(const Model *model)
{
    for (unsigned i = 0; i < model->space.taken_number; i++) {
        if (model_taken_clashes(model, i)) {
            return -EEXIST;
        }
    }
    return model_out_of_reach(model) ? -ERANGE : 0;
}

static void model_take(Model *model, uint64_t base, uint64_t size)
{
    for (uint64_t i = base / (2 * MIB);
         i < MODEL_GRANULES && i * 2 * MIB < base + size; i++) {
        model->owner[i] = -1;
    }
}

static void model_paint(Model *model)
{
    uint64_t end = UINT64_C(1) << model->space.address_bits;

    memset(model->owner, -1, sizeof(model->owner));
    for (unsigned b = 0; b < model->space.banks_number; b++) {
        const HypervisorDtBank *bank = &model->banks[b];

        for (uint64_t i = 0; i < end / (2 * MIB); i++) {
            if (i * 2 * MIB >= bank->base &&
                (i + 1) * 2 * MIB <= bank->base + bank->size) {
                model->owner[i] = b;
            }
        }
    }
    for (unsigned b = 0; b < model->space.banks_number; b++) {
        if (model->banks[b].ram) {
            model_take(model, model->banks[b].base, model->banks[b].ram);
        }
    }
    for (unsigned i = 0; i < model->space.taken_number; i++) {
        model_take(model, model->taken[i].base, model->taken[i].size);
    }
}

/* All runs of at least 64 MiB, lowest first. */
static GArray *model_runs(const Model *model)
{
    GArray *runs = g_array_new(FALSE, TRUE, sizeof(HypervisorDtRegion));
    uint64_t begin = 0;

    for (uint64_t i = 0; i <= MODEL_GRANULES; i++) {
        HypervisorDtRegion run = { .base = begin * 2 * MIB };

        if (i < MODEL_GRANULES && i > begin &&
            model->owner[i] == model->owner[begin]) {
            continue;
        }
        run.size = (i - begin) * 2 * MIB;
        if (i > begin && model->owner[begin] >= 0 && run.size >= 64 * MIB) {
            g_array_append_val(runs, run);
        }
        begin = i;
    }
    return runs;
}

/* Drop the smallest, the highest among equals, until @maximum are left. */
static void model_drop(GArray *runs, unsigned maximum)
{
    while (runs->len > maximum) {
        unsigned victim = 0;

        for (unsigned i = 1; i < runs->len; i++) {
            if (g_array_index(runs, HypervisorDtRegion, i).size <=
                g_array_index(runs, HypervisorDtRegion, victim).size) {
                victim = i;
            }
        }
        g_array_remove_index(runs, victim);
    }
}

static bool holds_linux_block(const HypervisorDtRegion *region)
{
    for (uint64_t at = 0; at < region->base + region->size; at += 128 * MIB) {
        if (at >= region->base &&
            at + 128 * MIB <= region->base + region->size) {
            return true;
        }
    }
    return false;
}

static void assert_as_model(Model *model, const HypervisorDtRegions *regions)
{
    g_autoptr(GArray) runs = NULL;
    unsigned usable = 0;
    unsigned found;

    model_paint(model);
    runs = model_runs(model);
    found = runs->len;
    model_drop(runs, model->space.maximum);
    g_assert_cmpuint(regions->number, ==, runs->len);
    g_assert_cmpuint(regions->left_out, ==, found - runs->len);
    for (unsigned i = 0; i < runs->len; i++) {
        HypervisorDtRegion *run = &g_array_index(runs, HypervisorDtRegion, i);

        assert_region(regions, i, run->base, run->size);
        g_assert_cmpint(regions->region[i].linux_usable, ==,
                        holds_linux_block(run));
        usable += regions->region[i].linux_usable;
    }
    g_assert_cmpuint(regions->linux_usable, ==, usable);
}

/* Regions as windows, with the same taken, give the same regions. */
static void assert_idempotent(const Model *model,
                              const HypervisorDtRegions *regions)
{
    HypervisorDtBank banks[HYPERVISOR_DT_BANKS_MAX];
    HypervisorDtSpace space = model->space;
    HypervisorDtRegions again;

    for (unsigned i = 0; i < regions->number; i++) {
        banks[i] = (HypervisorDtBank) {
            "region", regions->region[i].base, regions->region[i].size, 0
        };
    }
    space.banks = banks;
    space.banks_number = regions->number;
    compute(&space, &again);
    g_assert_cmpuint(again.left_out, ==, 0);
    g_assert_cmpuint(again.number, ==, regions->number);
    g_assert_cmpuint(again.linux_usable, ==, regions->linux_usable);
    for (unsigned i = 0; i < regions->number; i++) {
        assert_region(&again, i, regions->region[i].base,
                      regions->region[i].size);
    }
}

static void test_model(void)
{
    g_autofree Model *model = g_new(Model, 1);
    unsigned accepted = 0, refused = 0, with_regions = 0;

    for (unsigned i = 0; i < MODEL_ROUNDS; i++) {
        HypervisorDtRegions regions = { .number = 77 };
        HypervisorDtError error;
        int expected;

        model_random(model);
        expected = model_expected(model);
        g_assert_cmpint(hypervisor_dt_regions_compute(&model->space, &regions,
                                                      &error), ==, expected);
        if (expected) {
            refused++;
            continue;
        }
        accepted++;
        with_regions += regions.number > 1;
        assert_as_model(model, &regions);
        assert_idempotent(model, &regions);
    }
    /* That the dice are not loaded. */
    g_assert_cmpuint(accepted, >, MODEL_ROUNDS / 4);
    g_assert_cmpuint(refused, >, MODEL_ROUNDS / 20);
    g_assert_cmpuint(with_regions, >, MODEL_ROUNDS / 20);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/regions/libxl/vectors", test_libxl_vectors);
    g_test_add_func("/regions/libxl/formula", test_libxl_formula);
    g_test_add_func("/regions/linux-usable", test_linux_usable);
    g_test_add_func("/regions/limit/size", test_limit_size);
    g_test_add_func("/regions/limit/address-bits", test_limit_address_bits);
    g_test_add_func("/regions/limit/address-space", test_limit_address_space);
    g_test_add_func("/regions/limit/ram", test_limit_ram);
    g_test_add_func("/regions/limit/regions", test_limit_regions);
    g_test_add_func("/regions/limit/taken", test_limit_taken);
    g_test_add_func("/regions/limit/banks", test_limit_banks);
    g_test_add_func("/regions/limit/range", test_limit_range);
    g_test_add_func("/regions/clash/kinds", test_clash_kinds);
    g_test_add_func("/regions/clash/message", test_clash_message);
    g_test_add_func("/regions/clash/distant", test_clash_distant);
    g_test_add_func("/regions/clash/banks", test_clash_banks);
    g_test_add_func("/regions/hostile-name", test_hostile_name);
    g_test_add_func("/regions/model", test_model);
    return g_test_run();
}
