/*
 * Benchmark of the hypervisor node: time and size of trees, growth with what
 * is taken
 *
 * Prints, for each guest, how long its tree takes to be made and to be fixed
 * up, and how large it is; then how long the regions take as more and more
 * ranges are taken.  It fails if the largest tree takes too long or too much,
 * or if the time grows faster than n log n.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hw/xen/hypervisor-dt-fixup.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* A guest is started once in a while; nobody should notice. */
#define TREE_SECONDS_MAX 0.05
#define TREE_BYTES_MAX 65536

/*
 * Of each doubling, on average over all of them: 2 for the number itself, and
 * a bit for the logarithm.
 */
#define GROWTH_MAX 2.5

#define ROUNDS 9
#define ROUND_SECONDS 0.02

#define TAKEN_FIRST 16

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* Seconds for one call: the best of some rounds of as many as it takes. */
static double measure(void (*function)(void *opaque), void *opaque)
{
    double best = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = now();
        unsigned calls = 0;
        double each;

        do {
            function(opaque);
            calls++;
        } while (now() - start < ROUND_SECONDS);
        each = (now() - start) / calls;
        best = round ? MIN(best, each) : each;
    }
    return best;
}

/* --- trees --- */

typedef struct Guest {
    const char *name;
    HypervisorDtGuest guest;
    HypervisorDtSlot slots[HYPERVISOR_DT_SLOTS_MAX];
    HypervisorDtWindow exclusions[HYPERVISOR_DT_REGIONS_MAX];
    char cmdline[HYPERVISOR_DT_CMDLINE_SIZE];
    uint8_t seed[HYPERVISOR_DT_SEED_MAX];
    void *bare;             /* its tree without devices, for the fix-up */
    size_t bare_size;
} Guest;

static void give_ram(Guest *guest, uint64_t ram)
{
    HypervisorDtError error;

    if (hypervisor_dt_guest_fill_banks(&guest->guest, ram, &error)) {
        g_error("%s: %s", guest->name, error.message);
    }
}

static void give_devices(Guest *guest, unsigned slots)
{
    for (unsigned i = 0; i < slots; i++) {
        guest->slots[i] = (HypervisorDtSlot) {
            HYPERVISOR_DT_VIRTIO_MMIO_BASE +
            i * HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE,
            HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE,
            HYPERVISOR_DT_VIRTIO_MMIO_IRQ + i
        };
    }
    guest->guest.devices = (HypervisorDtDevices) {
        .slots = guest->slots,
        .slots_number = slots,
        .pcie = {
            .ecam = { 0xf100000000, HYPERVISOR_DT_ECAM_SIZE },
            .mmio = { 0xf110000000, 32 * MIB },
            .mmio_high = { 0xf000000000, 4 * GIB },
            .irq = 200,
        },
        .tpm_base = 0x0c000000,
    };
}

/* Everything there can be, as often as there can be. */
static void give_everything(Guest *guest)
{
    guest->guest.gic = HYPERVISOR_DT_GIC_V3;
    guest->guest.cpus = HYPERVISOR_DT_CPUS_MAX;
    guest->guest.uart = true;
    memset(guest->cmdline, 'x', sizeof(guest->cmdline) - 1);
    guest->guest.chosen = (HypervisorDtChosen) {
        .cmdline = guest->cmdline,
        .initrd = { HYPERVISOR_DT_RAM0_BASE, MIB },
        .seed = guest->seed,
        .seed_size = sizeof(guest->seed),
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(guest->exclusions); i++) {
        guest->exclusions[i] = (HypervisorDtWindow) {
            0x1000000000 + i * 66 * MIB, 2 * MIB
        };
    }
    guest->guest.regions.exclusions = guest->exclusions;
    guest->guest.regions.exclusions_number =
        G_N_ELEMENTS(guest->exclusions);
}

static void generate_once(void *opaque)
{
    Guest *guest = opaque;
    HypervisorDtError error;
    size_t size;
    g_autofree void *tree = hypervisor_dt_generate(&guest->guest, &size, NULL,
                                                   &error);

    if (!tree) {
        g_error("%s: %s", guest->name, error.message);
    }
}

static void *fix(const Guest *guest, size_t *size)
{
    HypervisorDtFixup fixup = {
        .address_bits = guest->guest.address_bits,
        .windows = {
            { HYPERVISOR_DT_RAM0_BASE, HYPERVISOR_DT_RAM0_SIZE },
            { HYPERVISOR_DT_RAM1_BASE, HYPERVISOR_DT_RAM1_SIZE },
        },
        .devices = guest->guest.devices,
        .regions = guest->guest.regions,
        .room = HYPERVISOR_DT_BLOB_MAX,
    };
    HypervisorDtError error;
    void *tree = hypervisor_dt_fixup(guest->bare, guest->bare_size, &fixup,
                                     size, NULL, &error);

    if (!tree) {
        g_error("%s: %s", guest->name, error.message);
    }
    return tree;
}

static void fix_once(void *opaque)
{
    size_t size;

    g_free(fix(opaque, &size));
}

static void make_bare(Guest *guest)
{
    HypervisorDtGuest bare = guest->guest;
    HypervisorDtError error;

    bare.devices = (HypervisorDtDevices) { .slots_number = 0 };
    guest->bare = hypervisor_dt_generate(&bare, &guest->bare_size, NULL,
                                         &error);
    if (!guest->bare) {
        g_error("%s: %s", guest->name, error.message);
    }
}

static bool run_guest(Guest *guest)
{
    HypervisorDtRegions regions;
    HypervisorDtError error;
    g_autofree void *tree = NULL;
    double generate, fixup;
    size_t size;
    bool good;

    make_bare(guest);
    tree = hypervisor_dt_generate(&guest->guest, &size, &regions, &error);
    generate = measure(generate_once, guest);
    fixup = measure(fix_once, guest);
    good = MAX(generate, fixup) <= TREE_SECONDS_MAX && size <= TREE_BYTES_MAX;
    printf("%-20s %9.1f %9.1f %8zu %8u%s\n", guest->name, generate * 1e6,
           fixup * 1e6, size, regions.number, good ? "" : "  TOO MUCH");
    g_free(guest->bare);
    return good;
}

static bool run_guests(void)
{
    static const struct {
        const char *name;
        uint64_t ram;
        unsigned slots;     /* 0: no device at all */
        bool everything;
    } guests[] = {
        { "no devices, 512 MiB", 512 * MIB, 0, false },
        { "usual, 4 GiB", 4 * GIB, 10, false },
        { "largest", 16 * GIB, HYPERVISOR_DT_SLOTS_MAX, true },
    };
    bool good = true;

    printf("%-20s %9s %9s %8s %8s\n", "tree", "made, us", "fixed, us",
           "bytes", "regions");
    for (unsigned i = 0; i < G_N_ELEMENTS(guests); i++) {
        g_autofree Guest *guest = g_new0(Guest, 1);

        guest->name = guests[i].name;
        hypervisor_dt_guest_init(&guest->guest);
        give_ram(guest, guests[i].ram);
        if (guests[i].slots) {
            give_devices(guest, guests[i].slots);
        }
        if (guests[i].everything) {
            give_everything(guest);
        }
        good = run_guest(guest) && good;
    }
    return good;
}

/* --- growth --- */

static void compute_once(void *opaque)
{
    HypervisorDtRegions regions;
    HypervisorDtError error;

    if (hypervisor_dt_regions_compute(opaque, &regions, &error)) {
        g_error("%s", error.message);
    }
}

/* @number ranges all over bank 1, in no order; each is one by itself. */
static void scatter(HypervisorDtRange *taken, size_t number)
{
    uint64_t step = HYPERVISOR_DT_RAM1_SIZE / number;

    for (size_t i = 0; i < number; i++) {
        taken[i] = (HypervisorDtRange) {
            .name = "range",
            /* An odd factor visits each place once. */
            .base = HYPERVISOR_DT_RAM1_BASE + i * 1237 % number * step,
            .size = 4096,
            .kind = HYPERVISOR_DT_OWN,
        };
    }
}

static double compute_seconds(size_t number)
{
    g_autofree HypervisorDtRange *taken = g_new0(HypervisorDtRange, number);
    HypervisorDtBank banks[] = {
        { "RAM bank 0", HYPERVISOR_DT_RAM0_BASE, HYPERVISOR_DT_RAM0_SIZE, 0 },
        { "RAM bank 1", HYPERVISOR_DT_RAM1_BASE, HYPERVISOR_DT_RAM1_SIZE, 0 },
    };
    HypervisorDtSpace space = {
        .banks = banks,
        .banks_number = G_N_ELEMENTS(banks),
        .taken = taken,
        .taken_number = number,
        .address_bits = 40,
        .maximum = HYPERVISOR_DT_REGIONS_MAX,
    };

    scatter(taken, number);
    return measure(compute_once, &space);
}

static bool run_growth(void)
{
    unsigned doublings = 0;
    double first = 0, last = 0, growth;
    bool good;

    printf("%-20s %9s %9s\n", "taken ranges", "us", "ns each");
    for (size_t n = TAKEN_FIRST; n <= HYPERVISOR_DT_TAKEN_MAX; n *= 2) {
        last = compute_seconds(n);
        printf("%-20zu %9.2f %9.1f\n", n, last * 1e6, last * 1e9 / n);
        if (n == TAKEN_FIRST) {
            first = last;
        } else {
            doublings++;
        }
    }
    growth = pow(last / first, 1.0 / doublings);
    good = growth <= GROWTH_MAX;
    printf("%.2f times as long for twice as many (at most %.1f)%s\n", growth,
           GROWTH_MAX, good ? "" : "  TOO MUCH");
    return good;
}

int main(void)
{
    bool good = run_guests();

    good = run_growth() && good;
    return good ? 0 : 1;
}
