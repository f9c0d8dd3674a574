/*
 * Hypervisor node: a domain that has not run yet
 *
 * The domain is bytes in this process: two banks of RAM with nothing between
 * them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-domain.h"

#define MIB (UINT64_C(1) << 20)
#define RAM_BASE HYPERVISOR_DT_RAM0_BASE
#define RAM_SIZE (192 * MIB)

typedef struct Domain {
    uint8_t *ram;               /* RAM_SIZE bytes from RAM_BASE on */
    size_t ram_size;            /* how many of them are there */
    HypervisorDtDomainInfo info;
    HypervisorDtEntry entry;
    int fail_write;             /* what the next write says; 0: it works */
    unsigned writes_before;     /* how many work before it fails */
    unsigned fail_times;        /* how often it fails then; 0: for ever */
    bool fail_late;             /* when it has written */
    int fail_pause;
    int fail_set_entry;
    int fail_read;
    uint64_t fail_read_at;      /* reads that begin here fail */
    bool run_before_pause;      /* somebody else is quicker */
    bool uart;                  /* put_tree() puts one into the tree */
    unsigned pauses;            /* of ours that hold now */
    unsigned writes;
    unsigned entries_set;
} Domain;

/* --- the ops --- */

static uint8_t *reach(Domain *domain, uint64_t gpa, size_t length)
{
    if (gpa < RAM_BASE || gpa - RAM_BASE > domain->ram_size ||
        length > domain->ram_size - (gpa - RAM_BASE)) {
        return NULL;
    }
    return domain->ram + (gpa - RAM_BASE);
}

static int model_pause(void *opaque)
{
    Domain *domain = opaque;

    if (domain->run_before_pause) {
        domain->info.has_run = true;
    }
    if (!domain->fail_pause) {
        domain->pauses++;
    }
    return domain->fail_pause;
}

static void model_unpause(void *opaque)
{
    Domain *domain = opaque;

    g_assert_cmpuint(domain->pauses, >, 0);
    domain->pauses--;
}

static int model_info(void *opaque, HypervisorDtDomainInfo *info)
{
    Domain *domain = opaque;

    *info = domain->info;
    if (domain->pauses) {
        info->paused = true;
    }
    return domain->info.address_bits ? 0 : -ESRCH;
}

static int model_get_entry(void *opaque, HypervisorDtEntry *entry)
{
    *entry = ((Domain *)opaque)->entry;
    return 0;
}

static int model_set_entry(void *opaque, const HypervisorDtEntry *entry)
{
    Domain *domain = opaque;

    g_assert_cmpuint(domain->pauses, ==, 1);
    if (domain->fail_set_entry) {
        return domain->fail_set_entry;
    }
    domain->entry = *entry;
    domain->entries_set++;
    return 0;
}

static int model_read(void *opaque, uint64_t gpa, void *buffer, size_t length)
{
    const Domain *domain = opaque;
    const uint8_t *bytes = reach(opaque, gpa, length);

    if (domain->fail_read && gpa == domain->fail_read_at) {
        return domain->fail_read;
    }
    if (!bytes) {
        return -EFAULT;
    }
    memcpy(buffer, bytes, length);
    return 0;
}

static int model_write(void *opaque, uint64_t gpa, const void *buffer,
                       size_t length)
{
    Domain *domain = opaque;
    uint8_t *bytes = reach(domain, gpa, length);

    int fail = 0;

    g_assert_cmpuint(domain->pauses, ==, 1);
    if (!bytes) {
        return -EFAULT;
    }
    if (domain->writes == domain->writes_before) {
        fail = domain->fail_write;
        if (fail && domain->fail_times && !--domain->fail_times) {
            domain->fail_write = 0;
        }
    }
    if (!fail || domain->fail_late) {
        memcpy(bytes, buffer, length);
    }
    if (!fail) {
        domain->writes++;
    }
    return fail;
}

static const HypervisorDtDomainOps model_ops = {
    .name = "model",
    .pause = model_pause,
    .unpause = model_unpause,
    .info = model_info,
    .get_entry = model_get_entry,
    .set_entry = model_set_entry,
    .read = model_read,
    .write = model_write,
};

/* --- the domain that libxl leaves --- */

static void put_u64(uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    memcpy(at, &value, sizeof(value));
}

/* The header of an arm64 Image, see hw/xen/hypervisor-dt/kernel.c. */
static void put_kernel(uint8_t *at, uint64_t offset, uint64_t memory,
                       uint64_t flags)
{
    memset(at, 0, 64);
    put_u64(at + 8, offset);
    put_u64(at + 16, memory);
    put_u64(at + 24, flags);
    memcpy(at + 56, "ARM\x64", 4);
}

static void fill_guest(HypervisorDtGuest *guest)
{
    HypervisorDtError error;

    hypervisor_dt_guest_init(guest);
    guest->gic = HYPERVISOR_DT_GIC_V3;
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(guest, RAM_SIZE, &error),
                    ==, 0);
}

/* A tree without devices, as libxl's, @before the end of its page. */
static size_t put_tree(Domain *domain, uint64_t gpa,
                       HypervisorDtWindow initrd)
{
    g_autofree void *blob = NULL;
    HypervisorDtError error;
    HypervisorDtGuest guest;
    size_t size;

    fill_guest(&guest);
    guest.chosen.initrd = initrd;
    guest.uart = domain->uart;
    blob = hypervisor_dt_generate(&guest, &size, NULL, &error);
    g_assert_nonnull(blob);
    memcpy(reach(domain, gpa, size), blob, size);
    domain->entry.x0 = gpa;
    return size;
}

#define TREE_AT (RAM_BASE + HYPERVISOR_DT_MODULES_OFFSET)

static Domain *domain_new(void)
{
    Domain *domain = g_new0(Domain, 1);

    domain->ram = g_malloc0(RAM_SIZE);
    domain->ram_size = RAM_SIZE;
    domain->info = (HypervisorDtDomainInfo){
        .paused = true,
        .cpus = 1,
        .address_bits = 40,
        .xen_major = 4,
        .xen_minor = 20,
    };
    domain->entry.pc = RAM_BASE;
    put_kernel(domain->ram, 0, 32 * MIB, 0);
    put_tree(domain, TREE_AT, (HypervisorDtWindow){ 0, 0 });
    return domain;
}

static void domain_free(Domain *domain)
{
    g_free(domain->ram);
    g_free(domain);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Domain, domain_free)

/* Its memory as it is now, to be compared later; freed with g_free(). */
static uint8_t *domain_copy(const Domain *domain)
{
    uint8_t *copy = g_malloc(RAM_SIZE);

    memcpy(copy, domain->ram, RAM_SIZE);
    return copy;
}

static bool domain_is(const Domain *domain, const uint8_t *copy)
{
    return !memcmp(domain->ram, copy, RAM_SIZE);
}

/* --- fix-up --- */

static HypervisorDtSlot slots[HYPERVISOR_DT_SLOTS_MAX];

/* QEMU with so many virtio-mmio slots and PCI windows in the second bank. */
static HypervisorDtFixup make_fixup(size_t slots_number)
{
    HypervisorDtFixup fixup = {
        .windows = {
            { HYPERVISOR_DT_RAM0_BASE, HYPERVISOR_DT_RAM0_SIZE },
            { HYPERVISOR_DT_RAM1_BASE, HYPERVISOR_DT_RAM1_SIZE },
        },
        .devices = {
            .slots = slots,
            .slots_number = slots_number,
            .pcie = {
                .ecam = { UINT64_C(0xf100000000), HYPERVISOR_DT_ECAM_SIZE },
                .mmio = { UINT64_C(0xf110000000), UINT64_C(0x2000000) },
                .mmio_high = { UINT64_C(0xf000000000),
                               UINT64_C(0x100000000) },
                .irq = 100,
            },
        },
        .regions = { .maximum = HYPERVISOR_DT_REGIONS_MAX },
        .ram = RAM_SIZE,
    };

    for (size_t i = 0; i < slots_number; i++) {
        slots[i] = (HypervisorDtSlot){
            .base = HYPERVISOR_DT_VIRTIO_MMIO_BASE + i * 0x200,
            .size = 0x200,
            .irq = HYPERVISOR_DT_VIRTIO_MMIO_IRQ + i,
        };
    }
    return fixup;
}

static int run_fixup(Domain *domain, size_t slots_number,
                     HypervisorDtFixupReport *report, HypervisorDtError *error)
{
    HypervisorDtFixup fixup = make_fixup(slots_number);
    int ret = hypervisor_dt_domain_fixup(&model_ops, domain, &fixup, 1,
                                         report, error);

    g_assert_cmpuint(domain->pauses, ==, 0);
    return ret;
}

static void expect_refusal(Domain *domain, int code, const char *words)
{
    g_autofree uint8_t *before = domain_copy(domain);
    HypervisorDtFixupReport report;
    HypervisorDtError error;

    g_assert_cmpint(run_fixup(domain, 1, &report, &error), ==, code);
    g_assert_nonnull(strstr(error.message, words));
    g_assert_true(domain_is(domain, before));
    g_assert_cmpuint(domain->writes, ==, 0);
    g_assert_cmpuint(domain->entries_set, ==, 0);
}

static void test_fixup(void)
{
    g_autoptr(Domain) domain = domain_new();
    HypervisorDtFixupReport report;
    HypervisorDtError error;
    const void *tree;

    g_assert_cmpint(run_fixup(domain, 2, &report, &error), ==, 0);
    tree = reach(domain, TREE_AT, 0);
    g_assert_cmpint(fdt_check_full(tree, fdt_totalsize(tree)), ==, 0);
    g_assert_cmpuint(report.added, ==, 3);
    g_assert_cmpint(fdt_node_offset_by_compatible(tree, -1, "virtio,mmio"), >,
                    0);
    g_assert_cmpint(fdt_node_offset_by_compatible(tree, -1,
                                                  "pci-host-ecam-generic"),
                    >, 0);
    /* Below the windows, and above them. */
    g_assert_cmpuint(report.regions.number, ==, 3);
    g_assert_cmphex(report.regions.region[1].base +
                    report.regions.region[1].size, ==,
                    UINT64_C(0xf000000000));
    g_assert_cmpuint(domain->entry.x0, ==, TREE_AT);
    g_assert_cmpuint(domain->entries_set, ==, 0);
}

static void test_fixup_twice(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_autofree uint8_t *first = NULL;
    HypervisorDtFixupReport report;
    HypervisorDtError error;

    g_assert_cmpint(run_fixup(domain, 2, &report, &error), ==, 0);
    first = domain_copy(domain);
    g_assert_cmpint(run_fixup(domain, 2, &report, &error), ==, 0);
    g_assert_true(domain_is(domain, first));
    g_assert_cmpuint(domain->writes, ==, 1);
    g_assert_cmpuint(report.present, ==, 3);
}

static void test_not_paused(void)
{
    g_autoptr(Domain) domain = domain_new();

    domain->info.paused = false;
    expect_refusal(domain, -EBUSY, "is not paused");
    domain->info = (HypervisorDtDomainInfo){
        .paused = true, .has_run = true, .cpus = 1, .address_bits = 40,
    };
    expect_refusal(domain, -EBUSY, "has run already");
}

/* Whoever lets it run before it is held, it has run; after that, it waits. */
static void test_held(void)
{
    g_autoptr(Domain) domain = domain_new();

    domain->run_before_pause = true;
    expect_refusal(domain, -EBUSY, "has run already");
    domain->info.has_run = false;
    domain->run_before_pause = false;
    domain->fail_pause = -EPERM;
    expect_refusal(domain, -EPERM, "cannot pause the domain");
}

/* What the command line says of the domain is compared with it. */
static void test_other_domain(void)
{
    g_autoptr(Domain) domain = domain_new();
    HypervisorDtFixup fixup = make_fixup(1);
    HypervisorDtFixupReport report;
    HypervisorDtError error;

    domain->info.cpus = 2;
    expect_refusal(domain, -EINVAL, "can have 2 CPUs, -smp says 1");
    domain->info.cpus = 1;
    fixup.ram = RAM_SIZE - MIB;
    g_assert_cmpint(hypervisor_dt_domain_fixup(&model_ops, domain, &fixup, 1,
                                               &report, &error), ==, -EINVAL);
    g_assert_nonnull(strstr(error.message, "has 0xc000000 bytes of RAM, -m "
                                           "says 0xbf00000"));
    g_assert_cmpuint(domain->pauses, ==, 0);
    g_assert_cmpuint(domain->writes, ==, 0);
}

/* The regions end where this domain's addresses do. */
static void test_address_bits(void)
{
    g_autoptr(Domain) domain = domain_new();
    HypervisorDtFixup fixup = make_fixup(1);
    HypervisorDtFixupReport report;
    HypervisorDtError error;

    domain->info.address_bits = 36;
    fixup.devices.pcie.ecam.size = 0;
    g_assert_cmpint(hypervisor_dt_domain_fixup(&model_ops, domain, &fixup, 1,
                                               &report, &error), ==, 0);
    g_assert_cmpuint(report.regions.number, ==, 2);
    g_assert_cmphex(report.regions.region[1].base +
                    report.regions.region[1].size, ==, UINT64_C(1) << 36);
}

static void test_gone(void)
{
    g_autoptr(Domain) domain = domain_new();

    domain->info.address_bits = 0;
    expect_refusal(domain, -ESRCH, "cannot ask Xen");
}

static void test_no_tree(void)
{
    g_autoptr(Domain) domain = domain_new();

    domain->entry.x0 = 0xffffffff;      /* libxl's value for "no tree" */
    expect_refusal(domain, -EFAULT, "0xffffffff");
    domain->entry.x0 = TREE_AT + 1;
    expect_refusal(domain, -EFAULT, "x0 leads");
    domain->entry.x0 = UINT64_MAX - 7;
    expect_refusal(domain, -EFAULT, "x0 leads");
    domain->entry.x0 = RAM_BASE + 64 * MIB;
    expect_refusal(domain, -EINVAL, "");
}

/* Broken in guest memory: each is refused, and no byte is written. */
static void test_broken(void)
{
    g_autoptr(Domain) domain = domain_new();
    uint8_t *tree = reach(domain, TREE_AT, 0);

    fdt_set_totalsize(tree, HYPERVISOR_DT_BLOB_MAX + 1);
    expect_refusal(domain, -E2BIG, "");
    put_tree(domain, TREE_AT, (HypervisorDtWindow){ 0, 0 });
    fdt_set_totalsize(tree, 100);       /* less than its own blocks */
    expect_refusal(domain, -EINVAL, "");
    put_tree(domain, TREE_AT, (HypervisorDtWindow){ 0, 0 });
    fdt_set_off_dt_struct(tree, fdt_totalsize(tree));
    expect_refusal(domain, -EINVAL, "");
    put_tree(domain, TREE_AT, (HypervisorDtWindow){ 0, 0 });
    memset(tree + fdt_off_dt_struct(tree), 0, 4);
    expect_refusal(domain, -EINVAL, "");
}

/* Claims more than there is RAM. */
static void test_truncated(void)
{
    g_autoptr(Domain) domain = domain_new();
    uint64_t at = RAM_BASE + RAM_SIZE - 4096;
    uint8_t *tree = reach(domain, at, 0);

    memcpy(tree, reach(domain, TREE_AT, 4096), 4096);
    fdt_set_totalsize(tree, 4097);
    domain->entry.x0 = at;
    expect_refusal(domain, -EFAULT, "not all of them are RAM");
}

/* No answer is not the answer that something is not RAM. */
static void test_read_fails(void)
{
    g_autoptr(Domain) domain = domain_new();
    size_t size = fdt_totalsize(reach(domain, TREE_AT, 0));
    uint64_t places[] = { TREE_AT, domain->entry.pc, TREE_AT + size };

    domain->fail_read = -ENOMEM;
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        domain->fail_read_at = places[i];
        expect_refusal(domain, -ENOMEM, "cannot read the domain's memory at");
    }
}

static void test_write_fails(void)
{
    g_autoptr(Domain) domain = domain_new();

    domain->fail_write = -EFAULT;       /* a page that cannot be written */
    expect_refusal(domain, -EFAULT, "cannot write the device tree");
}

/* It is written, and the caches cannot be cleaned: the old tree is put back. */
static void test_write_half_fails(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_autofree uint8_t *before = domain_copy(domain);
    HypervisorDtFixupReport report;
    HypervisorDtError error;

    domain->fail_write = -EIO;
    domain->fail_late = true;
    domain->fail_times = 1;
    g_assert_cmpint(run_fixup(domain, HYPERVISOR_DT_SLOTS_MAX, &report,
                              &error), ==, -EIO);
    g_assert_nonnull(strstr(error.message, "cannot write the device tree"));
    g_assert_null(strstr(error.message, "destroy"));
    g_assert_true(domain_is(domain, before));

    domain->writes_before = domain->writes;
    domain->fail_write = -EIO;
    domain->fail_times = 0;
    g_assert_cmpint(run_fixup(domain, 1, &report, &error), ==,
                    -ENOTRECOVERABLE);
    g_assert_nonnull(strstr(error.message, "destroy the domain"));
}

/* What a shorter tree leaves behind is zero, as room_check() wants it. */
static void test_shrinks(void)
{
    g_autoptr(Domain) domain = domain_new();
    HypervisorDtFixup fixup = make_fixup(2);
    HypervisorDtFixupReport report;
    HypervisorDtError error;
    uint8_t *tree = reach(domain, TREE_AT, 0);
    size_t larger, smaller;

    g_assert_cmpint(run_fixup(domain, 2, &report, &error), ==, 0);
    larger = fdt_totalsize(tree);
    fixup.regions.off = true;
    g_assert_cmpint(hypervisor_dt_domain_fixup(&model_ops, domain, &fixup, 1,
                                               &report, &error), ==, 0);
    smaller = fdt_totalsize(tree);
    g_assert_cmpuint(smaller, <, larger);
    for (size_t i = smaller; i < larger; i++) {
        g_assert_cmpuint(tree[i], ==, 0);
    }
    g_assert_cmpint(run_fixup(domain, HYPERVISOR_DT_SLOTS_MAX, &report,
                              &error), ==, 0);
}

/* --- room --- */

/* Enough slots for the tree not to fit into its last page. */
static int grow(Domain *domain, HypervisorDtError *error)
{
    HypervisorDtFixupReport report;

    return run_fixup(domain, HYPERVISOR_DT_SLOTS_MAX, &report, error);
}

static void test_grows(void)
{
    g_autoptr(Domain) domain = domain_new();
    const void *tree = reach(domain, TREE_AT, 0);
    size_t old = fdt_totalsize(tree);
    HypervisorDtError error;

    g_assert_cmpint(grow(domain, &error), ==, 0);
    g_assert_cmpuint((fdt_totalsize(tree) - 1) / 4096, >, (old - 1) / 4096);
}

static void expect_no_room(Domain *domain, const char *words)
{
    g_autofree uint8_t *before = domain_copy(domain);
    HypervisorDtError error;

    g_assert_cmpint(grow(domain, &error), ==, -ENOSPC);
    if (!strstr(error.message, words)) {
        g_error("'%s' instead of '%s'", error.message, words);
    }
    g_assert_true(domain_is(domain, before));
}

static void test_no_room_content(void)
{
    g_autoptr(Domain) domain = domain_new();
    size_t size = fdt_totalsize(reach(domain, TREE_AT, 0));
    uint64_t next = (TREE_AT + size + 4095) & ~UINT64_C(4095);

    *reach(domain, next + 4095, 1) = 1;
    expect_no_room(domain, "something that is not zero");
}

/* The last page of the tree is not the tree's alone. */
static void test_no_room_last_page(void)
{
    g_autoptr(Domain) domain = domain_new();
    uint8_t *tree = reach(domain, TREE_AT, 0);
    size_t size = fdt_totalsize(tree);
    HypervisorDtFixup fixup = make_fixup(1);
    HypervisorDtFixupReport report;
    HypervisorDtError error;

    fixup.devices.pcie.ecam.size = 0;
    tree[size] = 1;
    g_assert_cmpint(hypervisor_dt_domain_fixup(&model_ops, domain, &fixup, 1,
                                               &report, &error), ==, -ENOSPC);
    g_assert_nonnull(strstr(error.message, "something that is not zero"));
    tree[size] = 0;
    g_assert_cmpint(hypervisor_dt_domain_fixup(&model_ops, domain, &fixup, 1,
                                               &report, &error), ==, 0);
    /* It did fit into the page that it had. */
    g_assert_cmpuint((fdt_totalsize(tree) - 1) / 4096, ==, (size - 1) / 4096);
}

/* What the tree of @domain says of memory behind it. */
static void *edit_tree(Domain *domain)
{
    void *tree = reach(domain, TREE_AT, 0);

    g_assert_cmpint(fdt_open_into(tree, tree, fdt_totalsize(tree) + 256), ==,
                    0);
    return tree;
}

static void test_no_room_reserved(void)
{
    g_autoptr(Domain) domain = domain_new();
    void *tree = edit_tree(domain);

    g_assert_cmpint(fdt_add_mem_rsv(tree, RAM_BASE, MIB), ==, 0);
    g_assert_cmpint(fdt_add_mem_rsv(tree, TREE_AT + 8 * 1024, 1), ==, 0);
    g_assert_cmpint(fdt_pack(tree), ==, 0);
    expect_no_room(domain, "memory that the tree reserves");

    put_tree(domain, TREE_AT, (HypervisorDtWindow){ 0, 0 });
    tree = edit_tree(domain);
    g_assert_cmpint(fdt_add_subnode(tree, 0, "reserved-memory"), >, 0);
    g_assert_cmpint(fdt_pack(tree), ==, 0);
    expect_no_room(domain, "a reserved-memory node");
}

/* An initrd with a beginning and no end, with an odd one, with a wrong one. */
static void test_no_room_unclear_initrd(void)
{
    static const struct {
        const char *end;
        int size;
    } ends[] = { { NULL, 0 }, { "\x48", 1 }, { "\0\0\0\0\0\0\0\1", 8 } };

    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autoptr(Domain) domain = domain_new();
        void *tree = edit_tree(domain);
        int chosen = fdt_path_offset(tree, "/chosen");

        g_assert_cmpint(fdt_setprop_u64(tree, chosen, "linux,initrd-start",
                                        RAM_BASE), ==, 0);
        if (ends[i].end) {
            g_assert_cmpint(fdt_setprop(tree, chosen, "linux,initrd-end",
                                        ends[i].end, ends[i].size), ==, 0);
        }
        g_assert_cmpint(fdt_pack(tree), ==, 0);
        expect_no_room(domain, "an initrd whose place is not clear");
    }
}

static void test_no_room_kernel(void)
{
    g_autoptr(Domain) domain = domain_new();

    put_kernel(domain->ram, 0, HYPERVISOR_DT_MODULES_OFFSET + 4 * MIB, 0);
    expect_no_room(domain, "the kernel");
    memset(domain->ram, 0, 64);
    expect_no_room(domain, "does not say how much memory");
}

static void test_no_room_initrd(void)
{
    g_autoptr(Domain) domain = domain_new();

    put_tree(domain, TREE_AT,
             (HypervisorDtWindow){ TREE_AT + MIB / 256, MIB });
    expect_no_room(domain, "the initrd");
}

static void test_no_room_ram(void)
{
    g_autoptr(Domain) domain = domain_new();
    size_t size = put_tree(domain, RAM_BASE + RAM_SIZE - 8192,
                           (HypervisorDtWindow){ 0, 0 });

    g_assert_cmpuint(size, <=, 8192);
    expect_no_room(domain, "the end of RAM");
}

/* --- direct boot --- */

typedef struct Boot {
    HypervisorDtGuest guest;
    uint8_t *kernel_bytes;
    HypervisorDtImage kernel;
    HypervisorDtImage initrd;
    HypervisorDtBoot boot;
    HypervisorDtError error;
} Boot;

static void boot_init(Boot *boot)
{
    fill_guest(&boot->guest);
    boot->kernel_bytes = g_malloc0(MIB);
    put_kernel(boot->kernel_bytes, 0x80000, 2 * MIB, 0);
    boot->kernel_bytes[MIB - 1] = 0xee;
    boot->kernel = (HypervisorDtImage){ boot->kernel_bytes, MIB };
    boot->initrd = (HypervisorDtImage){ "initrd", 6 };
}

static void boot_clear(Boot *boot)
{
    g_free(boot->kernel_bytes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Boot, boot_clear)

static int run_boot(Domain *domain, Boot *boot)
{
    int ret = hypervisor_dt_domain_boot(&model_ops, domain, &boot->guest,
                                        &boot->kernel, &boot->initrd,
                                        &boot->boot, &boot->error);

    g_assert_cmpuint(domain->pauses, ==, 0);
    return ret;
}

/* Where the last of the extended regions ends. */
static uint64_t last_address(const void *tree)
{
    int length;
    const char *reg = fdt_getprop(tree, fdt_path_offset(tree, "/hypervisor"),
                                  "reg", &length);
    const fdt64_t *last = (const fdt64_t *)(reg + length) - 2;

    g_assert_cmpint(length, >, 16);
    return fdt64_ld(last) + fdt64_ld(last + 1);
}

static void test_boot(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;
    const void *tree;
    int node, length;
    const char *version;

    boot_init(&boot);
    boot.guest.gic = HYPERVISOR_DT_GIC_V2;      /* the domain's tree says 3 */
    domain->info.address_bits = 36;             /* the guest says 40 */
    g_assert_cmpint(run_boot(domain, &boot), ==, 0);
    g_assert_cmphex(domain->entry.pc, ==, RAM_BASE + 0x80000);
    g_assert_cmphex(domain->entry.pc, ==, boot.boot.kernel.base);
    g_assert_cmpint(*reach(domain, RAM_BASE + 0x80000 + MIB - 1, 1), ==, 0xee);
    g_assert_cmphex(boot.boot.initrd.base, ==, TREE_AT);
    g_assert_cmpmem(reach(domain, TREE_AT, 6), 6, "initrd", 6);
    g_assert_cmphex(domain->entry.x0, ==, TREE_AT + 4096);
    tree = reach(domain, domain->entry.x0, 0);
    g_assert_cmpint(fdt_check_full(tree, fdt_totalsize(tree)), ==, 0);
    g_assert_cmpint(fdt_node_offset_by_compatible(tree, -1, "arm,gic-v3"), >,
                    0);
    node = fdt_path_offset(tree, "/hypervisor");
    version = fdt_getprop(tree, node, "compatible", &length);
    g_assert_cmpstr(version, ==, "xen,xen-4.20");
    g_assert_cmphex(last_address(tree), ==, UINT64_C(1) << 36);
    node = fdt_path_offset(tree, "/chosen");
    g_assert_nonnull(fdt_getprop(tree, node, "linux,initrd-end", NULL));
}

/* The second place: behind the kernel, when 128 MiB is beyond RAM's end. */
static void test_boot_small(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;
    HypervisorDtError error;

    boot_init(&boot);
    domain->ram_size = 64 * MIB;
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&boot.guest, 64 * MIB,
                                                   &error), ==, 0);
    g_assert_cmpint(run_boot(domain, &boot), ==, 0);
    g_assert_cmphex(boot.boot.initrd.base, ==, RAM_BASE + 4 * MIB);
}

static void expect_no_boot(Domain *domain, Boot *boot, int code,
                           const char *words)
{
    g_autofree uint8_t *before = domain_copy(domain);

    g_assert_cmpint(run_boot(domain, boot), ==, code);
    g_assert_nonnull(strstr(boot->error.message, words));
    g_assert_cmpuint(domain->entries_set, ==, 0);
    g_assert_true(domain_is(domain, before));
}

static void test_boot_refused(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;
    HypervisorDtError error;

    boot_init(&boot);
    put_kernel(boot.kernel_bytes, 0, 2 * MIB, 1);
    expect_no_boot(domain, &boot, -EINVAL, "big-endian");
    put_kernel(boot.kernel_bytes, 0, 0, 0);
    expect_no_boot(domain, &boot, -EINVAL, "older than Linux 3.17");
    put_kernel(boot.kernel_bytes, 2 * MIB, MIB, 0);
    expect_no_boot(domain, &boot, -EINVAL, "offset 0x200000");
    memset(boot.kernel_bytes, 0, 64);
    expect_no_boot(domain, &boot, -EINVAL, "no arm64 Image");
    memcpy(boot.kernel_bytes, "\x1f\x8b", 2);
    expect_no_boot(domain, &boot, -EINVAL, "compressed with gzip");
    boot.kernel.size = 63;
    expect_no_boot(domain, &boot, -EINVAL, "compressed with gzip");
    put_kernel(boot.kernel_bytes, 0, RAM_SIZE, 0);
    boot.kernel.size = MIB;
    expect_no_boot(domain, &boot, -ENOSPC, "device tree");
    boot.kernel.size = HYPERVISOR_DT_IMAGE_MAX + 1;
    expect_no_boot(domain, &boot, -E2BIG, "the kernel has");
    boot.kernel.size = MIB;
    put_kernel(boot.kernel_bytes, 0, 2 * MIB, 0);
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&boot.guest, RAM_SIZE + 1,
                                                   &error), ==, 0);
    expect_no_boot(domain, &boot, -EFAULT, "is -m what the domain has?");
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&boot.guest,
                                                   RAM_SIZE - MIB, &error),
                    ==, 0);
    expect_no_boot(domain, &boot, -EINVAL, "has RAM at 0x4bf00000, beyond the "
                                           "end of RAM bank 0");
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&boot.guest, RAM_SIZE,
                                                   &error), ==, 0);
    boot.guest.banks[1].base = RAM_BASE;    /* where RAM is */
    expect_no_boot(domain, &boot, -EINVAL, "has RAM at 0x40000000, beyond the "
                                           "end of RAM bank 1");
    boot.guest.cpus = 2;
    expect_no_boot(domain, &boot, -EINVAL, "can have 1 CPUs, -smp says 2");
    domain->info.has_run = true;
    expect_no_boot(domain, &boot, -EBUSY, "has run already");
}

/* A write that fails in the middle: the first CPU still is where it was. */
static void test_boot_write_fails(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;

    boot_init(&boot);
    domain->fail_write = -EIO;
    domain->writes_before = 2;
    g_assert_cmpint(run_boot(domain, &boot), ==, -EIO);
    g_assert_nonnull(strstr(boot.error.message, "cannot write the device"));
    g_assert_cmpuint(domain->entries_set, ==, 0);
    g_assert_cmphex(domain->entry.pc, ==, RAM_BASE);
}

/* All is written, and nobody can be sent there. */
static void test_boot_entry_fails(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;

    boot_init(&boot);
    domain->fail_set_entry = -EINVAL;
    g_assert_cmpint(run_boot(domain, &boot), ==, -EINVAL);
    g_assert_nonnull(strstr(boot.error.message, "cannot set the first CPU"));
    g_assert_nonnull(strstr(boot.error.message, "destroy the domain"));
    g_assert_cmpuint(domain->writes, ==, 3);
    g_assert_cmphex(domain->entry.pc, ==, RAM_BASE);
}

static void test_boot_read_fails(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;
    HypervisorDtError error;

    boot_init(&boot);
    domain->fail_read = -ENOMEM;
    domain->fail_read_at = RAM_BASE + RAM_SIZE - 1;
    expect_no_boot(domain, &boot, -ENOMEM,
                   "cannot read the domain's memory at 0x4bffffff");
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&boot.guest,
                                                   RAM_SIZE - MIB, &error),
                    ==, 0);
    domain->fail_read_at = RAM_BASE + RAM_SIZE - MIB;
    expect_no_boot(domain, &boot, -ENOMEM,
                   "cannot read the domain's memory at 0x4bf00000");
}

/* What Xen emulates beyond the GIC is taken, and told, if libxl has it. */
static void test_boot_uart(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;
    const void *tree;
    HypervisorDtSlot slot = { 0x2000000, 0x200, HYPERVISOR_DT_UART_IRQ };

    boot_init(&boot);
    g_assert_cmpint(run_boot(domain, &boot), ==, 0);
    tree = reach(domain, domain->entry.x0, 0);
    g_assert_cmpint(fdt_path_offset(tree, "/serial@22000000"), <, 0);

    domain->uart = true;
    put_tree(domain, TREE_AT, (HypervisorDtWindow){ 0, 0 });
    g_assert_cmpint(run_boot(domain, &boot), ==, 0);
    tree = reach(domain, domain->entry.x0, 0);
    g_assert_cmpint(fdt_path_offset(tree, "/serial@22000000"), >, 0);

    /* QEMU's devices must keep clear of it. */
    boot.guest.devices.slots = &slot;
    boot.guest.devices.slots_number = 1;
    put_tree(domain, TREE_AT, (HypervisorDtWindow){ 0, 0 });
    domain->entries_set = 0;
    expect_no_boot(domain, &boot, -EEXIST, "is also that of UART");
    slot = (HypervisorDtSlot){ HYPERVISOR_DT_UART_BASE, 0x200, 33 };
    expect_no_boot(domain, &boot, -EEXIST, "overlaps");
}

/* Something of that kind elsewhere is not Xen's. */
static void test_boot_other_uart(void)
{
    g_autoptr(Domain) domain = domain_new();
    g_auto(Boot) boot;
    void *tree = edit_tree(domain);
    int node = fdt_add_subnode(tree, 0, "uart");

    g_assert_cmpint(fdt_setprop_string(tree, node, "compatible",
                                       "arm,sbsa-uart"), ==, 0);
    g_assert_cmpint(fdt_setprop_u64(tree, node, "reg", 0x23000000), ==, 0);
    g_assert_cmpint(fdt_pack(tree), ==, 0);
    boot_init(&boot);
    g_assert_cmpint(run_boot(domain, &boot), ==, 0);
    g_assert_false(boot.guest.uart);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hypervisor-dt/domain/fixup", test_fixup);
    g_test_add_func("/hypervisor-dt/domain/fixup-twice", test_fixup_twice);
    g_test_add_func("/hypervisor-dt/domain/not-paused", test_not_paused);
    g_test_add_func("/hypervisor-dt/domain/held", test_held);
    g_test_add_func("/hypervisor-dt/domain/other", test_other_domain);
    g_test_add_func("/hypervisor-dt/domain/address-bits", test_address_bits);
    g_test_add_func("/hypervisor-dt/domain/gone", test_gone);
    g_test_add_func("/hypervisor-dt/domain/no-tree", test_no_tree);
    g_test_add_func("/hypervisor-dt/domain/broken", test_broken);
    g_test_add_func("/hypervisor-dt/domain/truncated", test_truncated);
    g_test_add_func("/hypervisor-dt/domain/read-fails", test_read_fails);
    g_test_add_func("/hypervisor-dt/domain/write-fails", test_write_fails);
    g_test_add_func("/hypervisor-dt/domain/write-half-fails",
                    test_write_half_fails);
    g_test_add_func("/hypervisor-dt/domain/shrinks", test_shrinks);
    g_test_add_func("/hypervisor-dt/domain/grows", test_grows);
    g_test_add_func("/hypervisor-dt/domain/no-room/content",
                    test_no_room_content);
    g_test_add_func("/hypervisor-dt/domain/no-room/last-page",
                    test_no_room_last_page);
    g_test_add_func("/hypervisor-dt/domain/no-room/reserved",
                    test_no_room_reserved);
    g_test_add_func("/hypervisor-dt/domain/no-room/unclear-initrd",
                    test_no_room_unclear_initrd);
    g_test_add_func("/hypervisor-dt/domain/no-room/kernel",
                    test_no_room_kernel);
    g_test_add_func("/hypervisor-dt/domain/no-room/initrd",
                    test_no_room_initrd);
    g_test_add_func("/hypervisor-dt/domain/no-room/ram", test_no_room_ram);
    g_test_add_func("/hypervisor-dt/domain/boot", test_boot);
    g_test_add_func("/hypervisor-dt/domain/boot/small", test_boot_small);
    g_test_add_func("/hypervisor-dt/domain/boot/refused", test_boot_refused);
    g_test_add_func("/hypervisor-dt/domain/boot/write-fails",
                    test_boot_write_fails);
    g_test_add_func("/hypervisor-dt/domain/boot/entry-fails",
                    test_boot_entry_fails);
    g_test_add_func("/hypervisor-dt/domain/boot/read-fails",
                    test_boot_read_fails);
    g_test_add_func("/hypervisor-dt/domain/boot/uart", test_boot_uart);
    g_test_add_func("/hypervisor-dt/domain/boot/other-uart",
                    test_boot_other_uart);
    return g_test_run();
}
