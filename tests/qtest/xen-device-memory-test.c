/*
 * QTest: device memory by request, with the emulated toolstack and domain
 *
 * The machine is a plain pc: no Xen is needed.  It has no ACPI, because the
 * tables would be blocks as well; under Xen, hvmloader makes them.  Memory
 * backends stand for anything that takes guest pages at run time; option ROMs
 * are those of real network cards, from a file that the test makes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "libqtest.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "qobject/qstring.h"
#include "xendm-helpers.h"

#define DM "/machine/peripheral/dm"
#define ROM_BYTES (40 * 1024)
#define ROM_KIB 64      /* the BAR is a power of two */
#define VIDEO_KIB (16 * 1024)

static char *rom_file;

static char *make_rom_file(char seed);

/* A machine with our object; @dm_options as on the command line. */
static QTestState *start(const char *dm_options, const char *more)
{
    return qtest_initf("-machine pc,acpi=off -nodefaults -vga none "
                       "-device xen-device-memory-emulated,id=dm%s%s %s",
                       *dm_options ? "," : "", dm_options, more);
}

static QDict *get_property(QTestState *qts, const char *property)
{
    QDict *rsp = qtest_qmp(qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': %s}}", DM, property);

    g_assert_true(qdict_haskey(rsp, "return"));
    return rsp;
}

static uint64_t get_number(QTestState *qts, const char *property)
{
    QDict *rsp = get_property(qts, property);
    uint64_t value = qdict_get_int(rsp, "return");

    qobject_unref(rsp);
    return value;
}

static void set_number(QTestState *qts, const char *property,
                       uint64_t value)
{
    qtest_qmp_assert_success(qts, "{'execute': 'qom-set', 'arguments': "
                             "{'path': %s, 'property': %s,"
                             " 'value': %" PRIu64 "}}", DM, property, value);
}

static char *get_string(QTestState *qts, const char *property)
{
    QDict *rsp = get_property(qts, property);
    char *value = g_strdup(qdict_get_str(rsp, "return"));

    qobject_unref(rsp);
    return value;
}

/* A memory backend of @kib KiB; an error's text, or NULL. */
static char *add_backend(QTestState *qts, const char *id, uint64_t kib)
{
    return error_of(qtest_qmp(qts, "{'execute': 'object-add', 'arguments': "
                              "{'qom-type': 'memory-backend-ram', 'id': %s,"
                              " 'size': %" PRIu64 "}}", id, kib * 1024));
}

/* A bridge that can hot-plug without ACPI. */
#define SHPC "-device pci-bridge,id=bridge,chassis_nr=1,shpc=on"

static char *add_with_rom(QTestState *qts, const char *driver)
{
    return error_of(qtest_qmp(qts, "{'execute': 'device_add', 'arguments': "
                              "{'driver': %s, 'id': 'hot', 'romfile': %s,"
                              " 'bus': 'bridge', 'addr': '1'}}",
                              driver, rom_file));
}

/* On the bridge; @slot is 1 to 31. */
static char *add_nic(QTestState *qts, const char *id, const char *slot)
{
    return error_of(qtest_qmp(qts, "{'execute': 'device_add', 'arguments': "
                              "{'driver': 'e1000', 'id': %s, 'romfile': %s,"
                              " 'bus': 'bridge', 'addr': %s}}",
                              id, rom_file, slot));
}

/* Need, what QEMU knows as granted and what the toolstack has granted agree. */
static void assert_at_rest(QTestState *qts, uint64_t need_kib, uint64_t pages)
{
    g_assert_cmpuint(get_number(qts, "need-kib"), ==, need_kib);
    g_assert_cmpuint(get_number(qts, "granted-kib"), ==, need_kib);
    g_assert_cmpuint(get_number(qts, "grant"), ==, need_kib);
    g_assert_cmpuint(get_number(qts, "pages"), ==, pages);
    g_assert_cmpuint(get_number(qts, "populated-pages"), ==, pages);
}

static void assert_block(QTestState *qts, unsigned n, const char *name,
                         uint64_t pages)
{
    QDict *rsp = get_property(qts, "blocks");
    const QListEntry *entry = qlist_first(qdict_get_qlist(rsp, "return"));
    QDict *block;

    while (n--) {
        g_assert_nonnull(entry);
        entry = qlist_next(entry);
    }
    g_assert_nonnull(entry);
    block = qobject_to(QDict, qlist_entry_obj(entry));
    g_assert_cmpstr(qdict_get_str(block, "name"), ==, name);
    g_assert_cmpuint(qdict_get_int(block, "pages"), ==, pages);
    g_assert_cmpstr(qdict_get_str(block, "state"), ==, "populated");
    g_assert_cmpuint(qdict_get_int(block, "gfn"), >, 0);
    qobject_unref(rsp);
}

static void test_grant(void)
{
    QTestState *qts = start("", "");
    g_autofree char *service = get_string(qts, "service");

    g_assert_cmpstr(service, ==, "announced");
    assert_at_rest(qts, 0, 0);
    assert_ok(add_backend(qts, "a", 1024));
    assert_at_rest(qts, 1024, 256);
    assert_ok(add_backend(qts, "b", 4));
    assert_at_rest(qts, 1028, 257);
    assert_block(qts, 0, "memory-backend-ram/a", 256);
    assert_block(qts, 1, "memory-backend-ram/b", 1);
    qtest_quit(qts);
}

static void test_cap(void)
{
    QTestState *qts = start("cap=1024", "");

    assert_ok(add_backend(qts, "first", 512));
    assert_error(add_backend(qts, "much", 516),
                 "no guest pages for memory-backend-ram/much (516 KiB): the "
                 "toolstack refused, reason 'cap': needed in all 1028 KiB, "
                 "granted 512 KiB, cap 1024 KiB, available 1024 KiB");
    assert_at_rest(qts, 512, 128);
    assert_ok(add_backend(qts, "limit", 512));
    assert_at_rest(qts, 1024, 256);
    assert_error(add_backend(qts, "past", 4), "reason 'cap'");
    assert_at_rest(qts, 1024, 256);

    /* The operator raises the cap. */
    set_number(qts, "cap", 1028);
    assert_ok(add_backend(qts, "past", 4));
    assert_at_rest(qts, 1028, 257);
    qtest_quit(qts);
}

static void test_host_memory(void)
{
    QTestState *qts = start("host-free=256", "");

    assert_error(add_backend(qts, "a", 260),
                 "reason 'host-memory': needed in all 260 KiB, granted 0 KiB, "
                 "cap 65536 KiB, available 256 KiB");
    assert_at_rest(qts, 0, 0);
    assert_ok(add_backend(qts, "a", 256));
    assert_at_rest(qts, 256, 64);
    qtest_quit(qts);
}

static void set_toolstack(QTestState *qts, const char *toolstack)
{
    qtest_qmp_assert_success(qts, "{'execute': 'qom-set', 'arguments': "
                             "{'path': %s, 'property': 'toolstack',"
                             " 'value': %s}}", DM, toolstack);
}

/* What follows a command may take some time, as memory that is reclaimed. */
static void wait_for_number(QTestState *qts, const char *property,
                            uint64_t value)
{
    for (int i = 0; i < 500 && get_number(qts, property) != value; i++) {
        g_usleep(10 * 1000);
    }
    g_assert_cmpuint(get_number(qts, property), ==, value);
}

static void test_silence(void)
{
    QTestState *qts = start("toolstack=silent,run-deadline=100", "");
    int64_t begin = g_get_monotonic_time();
    int64_t took;

    assert_error(add_backend(qts, "a", 64),
                 "the toolstack did not answer within 100 ms "
                 "(asked for 64 KiB in all)");
    took = g_get_monotonic_time() - begin;
    g_assert_cmpint(took, >=, 100 * 1000);
    g_assert_cmpint(took, <, 5 * G_USEC_PER_SEC);
    assert_at_rest(qts, 0, 0);

    set_toolstack(qts, "grant");
    assert_ok(add_backend(qts, "a", 64));
    assert_at_rest(qts, 64, 16);
    qtest_quit(qts);
}

/*
 * The answer comes after the deadline: the request has been withdrawn by
 * then, so nothing is left granted, and the next request is not confused.
 */
static void test_late(void)
{
    QTestState *qts = start("delay=300,run-deadline=50", "");

    assert_error(add_backend(qts, "a", 64), "did not answer within 50 ms");
    g_usleep(400 * 1000);
    assert_at_rest(qts, 0, 0);
    set_number(qts, "delay", 0);
    assert_ok(add_backend(qts, "b", 128));
    assert_at_rest(qts, 128, 32);
    qtest_quit(qts);
}

/*
 * The guest stands still for all that one command asks for, so the deadline is
 * one: two answers that come within it, one after the other, are too late.
 */
static void test_shared_deadline(void)
{
    QTestState *qts = start("slack=0,delay=700,run-deadline=1000", SHPC);

    assert_error(add_with_rom(qts, "secondary-vga"),
                 "no guest pages for hot/vga.rom (64 KiB): the toolstack "
                 "did not answer within 1000 ms");
    set_number(qts, "delay", 0);
    wait_for_number(qts, "grant", 0);
    assert_at_rest(qts, 0, 0);

    /* The next command has a deadline of its own. */
    set_number(qts, "delay", 700);
    assert_ok(add_backend(qts, "a", 64));
    assert_ok(add_backend(qts, "b", 64));
    assert_at_rest(qts, 128, 32);
    qtest_quit(qts);
}

/* A slow answer within the deadline is as good as a quick one. */
static void test_slow(void)
{
    QTestState *qts = start("delay=100,run-deadline=5000", "");

    assert_ok(add_backend(qts, "a", 64));
    assert_at_rest(qts, 64, 16);
    qtest_quit(qts);
}

static void test_garbage(void)
{
    QTestState *qts = start("toolstack=garbage,run-deadline=100", "");

    assert_error(add_backend(qts, "a", 64),
                 "(asked for 64 KiB in all), but wrote 'forty-two'");
    assert_at_rest(qts, 0, 0);
    set_toolstack(qts, "grant");
    assert_ok(add_backend(qts, "a", 64));
    assert_at_rest(qts, 64, 16);
    qtest_quit(qts);
}

/* Nobody to ask: QEMU takes what Xen gives, as it always has. */
static void test_no_service(void)
{
    QTestState *qts = start("toolstack=none,slack=16", "");
    g_autofree char *service = get_string(qts, "service");

    g_assert_cmpstr(service, ==, "none");
    assert_ok(add_backend(qts, "a", 64));
    g_assert_cmpuint(get_number(qts, "grant"), ==, 0);
    g_assert_cmpuint(get_number(qts, "pages"), ==, 16);
    assert_error(add_backend(qts, "b", 4),
                 "no guest pages for memory-backend-ram/b (4 KiB): Xen gave 0 "
                 "of 1 pages; the guest has 16 pages, its limit is 16");
    g_assert_cmpuint(get_number(qts, "pages"), ==, 16);
    g_assert_cmpuint(get_number(qts, "populated-pages"), ==, 16);
    qtest_quit(qts);
}

/* Xen gives a part: the part goes back. */
static void test_partial(void)
{
    QTestState *qts = start("toolstack=none,slack=8", "");

    assert_error(add_backend(qts, "a", 64), "Xen gave 8 of 16 pages");
    g_assert_cmpuint(get_number(qts, "pages"), ==, 0);
    assert_ok(add_backend(qts, "b", 32));
    g_assert_cmpuint(get_number(qts, "pages"), ==, 8);
    qtest_quit(qts);
}

/* Xen gives a part, and does not take it back: that stays accounted for. */
static void test_partial_kept(void)
{
    QTestState *qts = start("toolstack=none,slack=8", "");

    set_number(qts, "fail-release", 1);
    assert_error(add_backend(qts, "a", 64), "Xen gave 8 of 16 pages");
    g_assert_cmpuint(get_number(qts, "pages"), ==, 8);
    g_assert_cmpuint(get_number(qts, "populated-pages"), ==, 8);
    g_assert_cmpuint(get_number(qts, "need-kib"), ==, 32);
    assert_block(qts, 0, "memory-backend-ram/a", 8);
    set_toolstack(qts, "grant");
    wait_for_number(qts, "grant", 32);
    assert_at_rest(qts, 32, 8);
    assert_error(add_backend(qts, "b", 64),
                 "no entry for memory-backend-ram/b: at its place, gfn 0x");
    assert_at_rest(qts, 32, 8);
    qtest_quit(qts);
}

/* Before the guest's own memory nothing else can have a place. */
static void test_too_early(void)
{
    QTestState *qts = start("guest-ram=off", "");

    assert_error(add_backend(qts, "a", 64),
                 "no guest pages for memory-backend-ram/a (64 KiB): the guest "
                 "has no memory yet; add it with object_add once the guest "
                 "runs");
    assert_at_rest(qts, 0, 0);
    qtest_quit(qts);
}

/* What the toolstack accounts for by itself is not asked for. */
static void test_credit(void)
{
    QTestState *qts = start("credit=1024,slack=0", "");

    assert_ok(add_backend(qts, "a", 1020));
    assert_at_rest(qts, 0, 255);
    assert_ok(add_backend(qts, "b", 4));
    assert_at_rest(qts, 0, 256);
    assert_ok(add_backend(qts, "c", 4));
    assert_at_rest(qts, 4, 257);
    g_assert_cmpuint(get_number(qts, "credit-kib"), ==, 1024);
    qtest_quit(qts);
}

static void test_hotplug_rom(void)
{
    QTestState *qts = start("slack=0,cap=128", SHPC);

    assert_ok(add_nic(qts, "nic0", "1"));
    assert_at_rest(qts, ROM_KIB, ROM_KIB / 4);
    assert_block(qts, 0, "nic0/e1000.rom", ROM_KIB / 4);
    assert_ok(add_nic(qts, "nic1", "2"));
    assert_error(add_nic(qts, "nic2", "3"),
                 "no guest pages for nic2/e1000.rom (64 KiB): the toolstack "
                 "refused, reason 'cap'");
    assert_at_rest(qts, 2 * ROM_KIB, ROM_KIB / 2);
    set_toolstack(qts, "silent");
    qtest_qmp_assert_success(qts, "{'execute': 'query-status'}");
    qtest_quit(qts);
}

static void test_boot_16(void)
{
    g_autoptr(GString) nics = g_string_new("");
    QTestState *qts;

    for (int i = 0; i < 16; i++) {
        g_string_append_printf(nics, " -device e1000,id=nic%d,romfile=%s",
                               i, rom_file);
    }
    qts = start("slack=0", nics->str);
    assert_at_rest(qts, 16 * ROM_KIB, 16 * ROM_KIB / 4);
    assert_block(qts, 15, "nic15/e1000.rom", ROM_KIB / 4);
    qtest_quit(qts);
}

/*
 * The stream brings the pages: they are declared, all at once, and not
 * populated again.
 */
static void test_incoming(void)
{
    g_autofree char *nics =
        g_strdup_printf("-incoming defer -device e1000,id=nic0,romfile=%s "
                        "-device e1000,id=nic1,romfile=%s",
                        rom_file, rom_file);
    QTestState *qts = start("slack=0", nics);

    g_assert_cmpuint(get_number(qts, "need-kib"), ==, 2 * ROM_KIB);
    g_assert_cmpuint(get_number(qts, "granted-kib"), ==, 2 * ROM_KIB);
    g_assert_cmpuint(get_number(qts, "grant"), ==, 2 * ROM_KIB);
    g_assert_cmpuint(get_number(qts, "requests"), ==, 1);
    g_assert_cmpuint(get_number(qts, "populated-pages"), ==, ROM_KIB / 2);
    g_assert_cmpuint(get_number(qts, "pages"), ==, 0);
    qtest_quit(qts);
}

static void test_boot_refused(void)
{
    g_autofree char *options =
        g_strdup_printf("-device xen-device-memory-emulated,cap=60 "
                        "-device e1000,id=nic0,romfile=%s", rom_file);

    assert_error(run_to_failure(options),
                 "no guest pages for nic0/e1000.rom (64 KiB): the toolstack "
                 "refused, reason 'cap': needed in all 64 KiB, granted 0 KiB, "
                 "cap 60 KiB, available 60 KiB\n"
                 "Raise 'cap' for this domain in xendm-memory.conf");
}

static void test_boot_silent(void)
{
    g_autofree char *options =
        g_strdup_printf("-device xen-device-memory-emulated,toolstack=silent,"
                        "boot-deadline=100 -device e1000,romfile=%s",
                        rom_file);

    assert_error(run_to_failure(options),
                 "did not answer within 100 ms (asked for 64 KiB in all)\n"
                 "Is xendm-memoryd running?");
}

static void test_boot_no_service(void)
{
    g_autofree char *options =
        g_strdup_printf("-device xen-device-memory-emulated,toolstack=none,"
                        "slack=15 -device e1000,romfile=%s", rom_file);

    assert_error(run_to_failure(options),
                 "no guest pages for e1000/e1000.rom (64 KiB): Xen gave 15 of "
                 "16 pages; the guest has 15 pages, its limit is 15: Cannot "
                 "allocate memory\nNo toolstack service is announced that "
                 "could give more.  Start xendm-memoryd before the guest");
}

static void test_bad_options(void)
{
    assert_error(run_to_failure("-device xen-device-memory-emulated "
                                "-device xen-device-memory-emulated"),
                 "there is a 'xen-device-memory-emulated' already");
    assert_error(run_to_failure("-device xen-device-memory-emulated,"
                                "toolstack=maybe"),
                 "toolstack 'maybe' is not one of none, grant, silent, "
                 "garbage");
}

/* --- unplug: a pc with ACPI, whose tables are blocks like any other --- */

#define SLOT 5
#define ACPI_PCI_EJECT 0xae08

typedef struct Base {
    uint64_t need_kib;
    uint64_t pages;
} Base;

static QTestState *start_acpi(const char *dm_options, const char *more,
                              Base *base)
{
    QTestState *qts = qtest_initf("-machine pc%s -nodefaults -vga none "
                                  "-device xen-device-memory-emulated,id=dm%s",
                                  more, dm_options);

    base->need_kib = get_number(qts, "need-kib");
    base->pages = get_number(qts, "pages");
    return qts;
}

static char *plug(QTestState *qts, const char *romfile)
{
    return error_of(qtest_qmp(qts, "{'execute': 'device_add', 'arguments': "
                              "{'driver': 'e1000', 'id': 'hot',"
                              " 'romfile': %s, 'bus': 'pci.0',"
                              " 'addr': '5'}}", romfile));
}

/* The guest's part of it is a write to the eject register. */
static void unplug(QTestState *qts)
{
    qtest_qmp_assert_success(qts, "{'execute': 'device_del', 'arguments': "
                             "{'id': 'hot'}}");
    qtest_outl(qts, ACPI_PCI_EJECT, 1u << SLOT);
    qtest_qmp_eventwait(qts, "DEVICE_DELETED");
}

static void assert_back_at(QTestState *qts, const Base *base)
{
    wait_for_number(qts, "grant", base->need_kib);
    assert_at_rest(qts, base->need_kib, base->pages);
}

static void test_unplug_rom(void)
{
    Base base;
    QTestState *qts = start_acpi("", "", &base);

    for (int i = 0; i < 200; i++) {
        assert_ok(plug(qts, rom_file));
        assert_at_rest(qts, base.need_kib + ROM_KIB,
                       base.pages + ROM_KIB / 4);
        unplug(qts);
        assert_back_at(qts, &base);
    }
    qtest_quit(qts);
}

#define ROM_BAR 0xf0000000

static void pci_write(QTestState *qts, uint8_t reg, uint32_t value)
{
    qtest_outl(qts, 0xcf8, 0x80000000 | SLOT << 11 | reg);
    qtest_outl(qts, 0xcfc, value);
}

/* As firmware leaves a ROM that it has found: the guest can read it. */
static void enable_rom(QTestState *qts)
{
    pci_write(qts, 0x30, ROM_BAR | 1);
    pci_write(qts, 0x04, 2);
}

/*
 * NICs that were there at start go because the guest says so, without
 * device_del.  PV drivers' unplug ends in the same way, in object_unparent();
 * its own port needs xen-platform, which needs Xen.
 */
static void test_unplug_by_guest(void)
{
    g_autofree char *nics =
        g_strdup_printf(" -device e1000,id=hot,addr=5,romfile=%s"
                        " -device e1000,addr=6,romfile=%s"
                        " -device e1000,addr=7,romfile=%s",
                        rom_file, rom_file, rom_file);
    Base base;
    QTestState *qts = start_acpi(nics, "", &base);
    uint64_t need_kib = base.need_kib;

    enable_rom(qts);
    g_assert_cmpuint(qtest_readb(qts, ROM_BAR + 1), ==, 'a' + 1);
    for (int slot = SLOT; slot < SLOT + 3; slot++) {
        qtest_outl(qts, ACPI_PCI_EJECT, 1u << slot);
        base.need_kib -= ROM_KIB;
        base.pages -= ROM_KIB / 4;
        assert_back_at(qts, &base);
    }
    g_assert_cmpuint(base.need_kib, ==, need_kib - 3 * ROM_KIB);
    assert_ok(plug(qts, rom_file));
    enable_rom(qts);
    unplug(qts);
    assert_back_at(qts, &base);
    qtest_quit(qts);
}

static void del_backend(QTestState *qts, const char *id)
{
    qtest_qmp_assert_success(qts, "{'execute': 'object-del', 'arguments': "
                             "{'id': %s}}", id);
}

/* Out of order, so that addresses are used anew. */
static void test_unplug_backends(void)
{
    QTestState *qts = start("", "");

    for (int i = 0; i < 50; i++) {
        assert_ok(add_backend(qts, "a", 64));
        assert_ok(add_backend(qts, "b", 1024));
        assert_ok(add_backend(qts, "c", 4));
        del_backend(qts, "b");
        assert_ok(add_backend(qts, "d", 512));
        del_backend(qts, "a");
        del_backend(qts, "c");
        del_backend(qts, "d");
        wait_for_number(qts, "grant", 0);
        assert_at_rest(qts, 0, 0);
    }
    qtest_quit(qts);
}

/* Xen does not take pages back: they stay accounted for, and only they. */
static void test_unplug_release_fails(void)
{
    QTestState *qts = start("", "");

    assert_ok(add_backend(qts, "a", 64));
    assert_ok(add_backend(qts, "b", 1024));
    set_number(qts, "fail-release", 1);
    del_backend(qts, "a");
    del_backend(qts, "b");
    wait_for_number(qts, "grant", 64);
    assert_at_rest(qts, 64, 16);
    assert_block(qts, 0, "memory-backend-ram/a", 16);
    assert_error(add_backend(qts, "c", 64),
                 "no entry for memory-backend-ram/c: at its place, gfn 0x");
    assert_at_rest(qts, 64, 16);
    qtest_quit(qts);
}

/*
 * Each block is mapped for itself, and for as long as it is there; also one
 * that comes to where another has just gone.
 */
static void test_mappings(void)
{
    QTestState *qts = start("", "");

    assert_ok(add_backend(qts, "a", 64));
    assert_ok(add_backend(qts, "b", 64));
    g_assert_cmpuint(get_number(qts, "mapped"), ==, 32);
    del_backend(qts, "a");
    wait_for_number(qts, "mapped", 16);
    del_backend(qts, "b");
    assert_ok(add_backend(qts, "b", 64));
    wait_for_number(qts, "mapped", 16);
    assert_at_rest(qts, 64, 16);

    set_number(qts, "fail-map", 1);
    assert_error(add_backend(qts, "c", 64), "cannot map 16 pages at gfn 0x");
    assert_at_rest(qts, 64, 16);
    assert_ok(add_backend(qts, "c", 64));
    assert_at_rest(qts, 128, 32);
    del_backend(qts, "b");
    del_backend(qts, "c");
    wait_for_number(qts, "mapped", 0);
    qtest_quit(qts);
}

static void restrict_now(QTestState *qts)
{
    qtest_qmp_assert_success(qts, "{'execute': 'qom-set', 'arguments': "
                             "{'path': %s, 'property': 'restricted',"
                             " 'value': true}}", DM);
}

/* Nobody looks into the reserve. */
static void test_mappings_of_reserve(void)
{
    QTestState *qts = qtest_init("-machine pc,acpi=off,"
                                 "device-memory-reserve=1M -nodefaults "
                                 "-vga none "
                                 "-device xen-device-memory-emulated,id=dm");

    assert_at_rest(qts, 1024, 256);
    g_assert_cmpuint(get_number(qts, "mapped"), ==, 0);
    restrict_now(qts);
    assert_ok(add_backend(qts, "a", 64));
    g_assert_cmpuint(get_number(qts, "mapped"), ==, 16);
    del_backend(qts, "a");
    assert_ok(add_backend(qts, "b", 128));
    wait_for_number(qts, "mapped", 32);
    qtest_quit(qts);
}

/* What happens while the toolstack is away, it knows once it is back. */
static void test_away(void)
{
    QTestState *qts = start("slack=16", "");

    assert_ok(add_backend(qts, "a", 64));
    assert_ok(add_backend(qts, "b", 64));

    /* Less: it reads the request. */
    set_toolstack(qts, "none");
    del_backend(qts, "b");
    wait_for_number(qts, "need-kib", 64);
    g_assert_cmpuint(get_number(qts, "grant"), ==, 128);
    set_toolstack(qts, "grant");
    assert_at_rest(qts, 64, 16);

    /* More: it is asked. */
    set_toolstack(qts, "none");
    assert_ok(add_backend(qts, "c", 32));
    g_assert_cmpuint(get_number(qts, "grant"), ==, 64);
    set_toolstack(qts, "grant");
    wait_for_number(qts, "grant", 96);
    assert_at_rest(qts, 96, 24);

    /* First less, then more. */
    set_toolstack(qts, "none");
    del_backend(qts, "a");
    wait_for_number(qts, "need-kib", 32);
    assert_ok(add_backend(qts, "d", 48));
    set_toolstack(qts, "grant");
    wait_for_number(qts, "grant", 80);
    assert_at_rest(qts, 80, 20);
    qtest_quit(qts);
}

/* It does not agree to what was taken meanwhile: that stays, as a warning. */
static void test_away_refused(void)
{
    QTestState *qts = start("slack=16,cap=64", "");

    assert_ok(add_backend(qts, "a", 64));
    set_toolstack(qts, "none");
    assert_ok(add_backend(qts, "b", 4));
    set_toolstack(qts, "grant");
    assert_error(add_backend(qts, "c", 4),
                 "needed in all 72 KiB, granted 64 KiB, cap 64 KiB");
    g_assert_cmpuint(get_number(qts, "grant"), ==, 64);
    g_assert_cmpuint(get_number(qts, "granted-kib"), ==, 64);
    g_assert_cmpuint(get_number(qts, "need-kib"), ==, 68);
    del_backend(qts, "b");
    wait_for_number(qts, "need-kib", 64);
    assert_at_rest(qts, 64, 16);
    qtest_quit(qts);
}

/* What has not been agreed to is declared again to whoever comes next. */
static void test_away_again(void)
{
    QTestState *qts = start("slack=16,cap=64,run-deadline=100", "");

    assert_ok(add_backend(qts, "a", 64));
    set_toolstack(qts, "none");
    assert_ok(add_backend(qts, "b", 4));

    /* It refuses; after a restart with another policy it does not. */
    set_toolstack(qts, "grant");
    wait_for_number(qts, "requests", 2);
    g_assert_cmpuint(get_number(qts, "granted-kib"), ==, 64);
    set_number(qts, "cap", 1024);
    set_toolstack(qts, "none");
    set_toolstack(qts, "grant");
    wait_for_number(qts, "granted-kib", 68);
    assert_at_rest(qts, 68, 17);

    /* It does not answer; the next one does. */
    set_toolstack(qts, "none");
    assert_ok(add_backend(qts, "c", 8));
    set_toolstack(qts, "silent");
    g_usleep(200 * 1000);
    g_assert_cmpuint(get_number(qts, "granted-kib"), ==, 68);
    set_toolstack(qts, "grant");
    wait_for_number(qts, "granted-kib", 76);
    assert_at_rest(qts, 76, 19);
    qtest_quit(qts);
}

/* The same when the pages have come with a stream. */
static void test_incoming_refused(void)
{
    g_autofree char *nics =
        g_strdup_printf("-incoming defer -device e1000,id=nic0,romfile=%s "
                        "-device e1000,id=nic1,romfile=%s",
                        rom_file, rom_file);
    QTestState *qts = start("slack=0,cap=64", nics);

    g_assert_cmpuint(get_number(qts, "granted-kib"), ==, 0);
    g_assert_cmpuint(get_number(qts, "requests"), ==, 1);
    set_number(qts, "cap", 1024);
    set_toolstack(qts, "grant");
    wait_for_number(qts, "granted-kib", 2 * ROM_KIB);
    g_assert_cmpuint(get_number(qts, "grant"), ==, 2 * ROM_KIB);
    g_assert_cmpuint(get_number(qts, "requests"), ==, 2);
    qtest_quit(qts);
}

/* On the command line it is as good as any display; later it is refused. */
static void test_plug_bochs(void)
{
    const uint64_t kib = VIDEO_KIB + ROM_KIB;
    g_autofree char *options =
        g_strdup_printf(SHPC " -device bochs-display,romfile=%s", rom_file);
    QTestState *qts = start("slack=0", options);

    assert_at_rest(qts, kib, kib / 4);
    assert_error(add_with_rom(qts, "bochs-display"),
                 "a 'bochs-display' cannot be plugged in at run time; a "
                 "'secondary-vga' can");
    assert_ok(add_with_rom(qts, "secondary-vga"));
    assert_at_rest(qts, 2 * kib, kib / 2);
    qtest_quit(qts);
}

static GHashTable *types_of(QTestState *qts, const char *parent)
{
    GHashTable *types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                              NULL);
    QDict *rsp = qtest_qmp(qts, "{'execute': 'qom-list-types', 'arguments': "
                           "{'implements': %s, 'abstract': false}}", parent);
    const QListEntry *entry;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(rsp, "return"), entry) {
        QDict *type = qobject_to(QDict, qlist_entry_obj(entry));

        g_hash_table_add(types, g_strdup(qdict_get_str(type, "name")));
    }
    qobject_unref(rsp);
    return types;
}

/* An error's text.  The device model lives, and nothing stays. */
static char *plug_with_cap(QTestState *qts, const char *type, uint64_t kib)
{
    char *error;

    g_test_message("%s with %" PRIu64 " KiB", type, kib);
    set_number(qts, "cap", kib);
    error = add_with_rom(qts, type);
    g_assert_nonnull(error);
    wait_for_number(qts, "grant", 0);
    assert_at_rest(qts, 0, 0);
    return error;
}

/*
 * Does QEMU itself end when this one's ROM cannot be had?  A rocker in its
 * exit(); a dc390's EEPROM keeps its name, which the next one stumbles over.
 */
static bool ends_qemu(const char *type)
{
    return g_str_equal(type, "rocker") || g_str_equal(type, "dc390");
}

/*
 * Any PCI device there is, refused its memory; one with video memory also when
 * it has that, and is refused its ROM.  QEMU gives no ROM to a bridge.
 */
static void test_plug_each_type(void)
{
    QTestState *qts = start("slack=0", SHPC);
    g_autoptr(GHashTable) types = types_of(qts, "pci-device");
    g_autoptr(GHashTable) bridges = types_of(qts, "base-pci-bridge");
    g_autofree char *rom_error = g_strdup_printf("(%u KiB): the toolstack "
                                                 "refused", ROM_KIB);
    GHashTableIter iter;
    gpointer type;
    unsigned roms = 0, displays = 0;

    g_hash_table_iter_init(&iter, types);
    while (g_hash_table_iter_next(&iter, &type, NULL)) {
        g_autofree char *error = NULL;

        if (ends_qemu(type) || g_hash_table_contains(bridges, type)) {
            continue;
        }
        error = plug_with_cap(qts, type, 0);
        /* QEMU shortens the names of ROMs, so they are known by their size. */
        if (strstr(error, rom_error)) {
            roms++;
        } else if (strstr(error, "no guest pages for ")) {
            assert_error(plug_with_cap(qts, type, VIDEO_KIB), rom_error);
            displays++;
        }
    }
    g_assert_cmpuint(roms, >, 20);
    g_assert_cmpuint(displays, >, 0);
    qtest_quit(qts);
}

/* Without a toolstack, hot-plug ends in an error too, not in an exit. */
static void test_plug_no_service(void)
{
    Base base;
    QTestState *qts = start_acpi(",toolstack=none,slack=540", "", &base);

    assert_error(plug(qts, rom_file),
                 "no guest pages for hot/e1000.rom (64 KiB): Xen gave");
    g_assert_cmpuint(get_number(qts, "pages"), ==, base.pages);
    qtest_qmp_assert_success(qts, "{'execute': 'query-status'}");
    qtest_quit(qts);
}

/* The grant is there, but the host has no memory after all. */
static void test_plug_no_pages(void)
{
    Base base;
    QTestState *qts = start_acpi("", "", &base);

    set_number(qts, "slack", 0);
    set_number(qts, "stolen", 10);
    assert_error(plug(qts, rom_file), "Xen gave 6 of 16 pages");
    assert_back_at(qts, &base);
    qtest_quit(qts);
}

/*
 * The pages are there, but cannot be mapped: all goes back, and nothing ends.
 */
static void test_plug_no_mapping(void)
{
    Base base;
    QTestState *qts = start_acpi("", "", &base);

    set_number(qts, "fail-map", 1);
    assert_error(plug(qts, rom_file), "cannot map 16 pages at gfn 0x");
    assert_back_at(qts, &base);
    assert_ok(plug(qts, rom_file));
    unplug(qts);
    assert_back_at(qts, &base);
    qtest_quit(qts);
}

static void test_restricted(void)
{
    Base base;
    QTestState *qts = start_acpi("", ",device-memory-reserve=96K", &base);

    restrict_now(qts);
    for (int i = 0; i < 20; i++) {
        assert_ok(plug(qts, rom_file));
        g_assert_cmpuint(get_number(qts, "pages"), ==, base.pages);
        g_assert_cmpuint(get_number(qts, "need-kib"), ==, base.need_kib);
        assert_error(add_backend(qts, "more", 36),
                     "no guest pages for memory-backend-ram/more (36 KiB): "
                     "this device model is restricted (-xen-domid-restrict) "
                     "and can ask for none; 32 KiB of its reserve are left");
        assert_ok(add_backend(qts, "rest", 32));
        assert_error(add_backend(qts, "more", 4),
                     "0 KiB of its reserve are left");
        del_backend(qts, "rest");
        unplug(qts);
        g_assert_cmpuint(get_number(qts, "pages"), ==, base.pages);
    }
    qtest_quit(qts);
}

static uint64_t reserve_pages(QTestState *qts)
{
    QDict *rsp = get_property(qts, "blocks");
    const QListEntry *entry;
    uint64_t pages = 0;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(rsp, "return"), entry) {
        QDict *block = qobject_to(QDict, qlist_entry_obj(entry));

        if (!strcmp(qdict_get_str(block, "name"), "reserve")) {
            pages += qdict_get_int(block, "pages");
        }
    }
    qobject_unref(rsp);
    return pages;
}

static void assert_reserve(QTestState *qts, const Base *base, uint64_t pages)
{
    g_assert_cmpuint(reserve_pages(qts), ==, pages);
    g_assert_cmpuint(get_number(qts, "pages"), ==, base->pages);
    g_assert_cmpuint(get_number(qts, "populated-pages"), ==, base->pages);
    g_assert_cmpuint(get_number(qts, "need-kib"), ==, base->need_kib);
}

/*
 * The ROM of a NIC that was there at start is no part of the reserve.  It
 * becomes one when the NIC goes, and stays where it is: the reserve is full.
 */
static QTestState *start_with_kept_rom(const char *reserve, Base *base)
{
    g_autofree char *options =
        g_strdup_printf(" -device e1000,id=hot,addr=5,romfile=%s", rom_file);
    g_autofree char *machine =
        g_strdup_printf(",device-memory-reserve=%s", reserve);
    QTestState *qts = start_acpi(options, machine, base);

    restrict_now(qts);
    unplug(qts);
    return qts;
}

/* QEMU puts a larger block where the kept ROM lies. */
static void test_restricted_overlap(void)
{
    Base base;
    QTestState *qts = start_with_kept_rom("128K", &base);

    for (int i = 0; i < 20; i++) {
        assert_reserve(qts, &base, (128 + ROM_KIB) / 4);
        assert_ok(add_backend(qts, "large", 128));
        assert_error(add_backend(qts, "more", ROM_KIB + 4),
                     "64 KiB of its reserve are left");
        assert_ok(add_backend(qts, "more", ROM_KIB));
        assert_error(add_backend(qts, "past", 4),
                     "0 KiB of its reserve are left");
        assert_reserve(qts, &base, 0);
        del_backend(qts, "large");
        del_backend(qts, "more");
        assert_ok(add_backend(qts, "all", 128 + ROM_KIB));
        del_backend(qts, "all");
        assert_ok(plug(qts, rom_file));
        unplug(qts);
    }
    qtest_quit(qts);
}

/* Pages that were lost in a move are not used again, and nothing else is. */
static void test_restricted_lost(void)
{
    Base base;
    QTestState *qts = start_acpi("", ",device-memory-reserve=256K", &base);

    restrict_now(qts);
    set_number(qts, "fail-move", 1);
    assert_error(add_backend(qts, "a", 64),
                 "no guest pages for memory-backend-ram/a (64 KiB): cannot "
                 "move 16 pages of the reserve from gfn 0x");
    assert_reserve(qts, &base, 48);
    assert_error(add_backend(qts, "a", 64), "is taken by lost");
    assert_reserve(qts, &base, 48);
    qtest_quit(qts);
}

/* Whatever comes and goes: a block is refused only for want of pages. */
static void test_restricted_random(void)
{
    enum { IDS = 8, STEPS = 400, LARGEST = 80 };
    const uint64_t total = (1024 + ROM_KIB) / 4;
    uint64_t pages[IDS] = { 0 };
    uint64_t used = 0;
    unsigned added = 0, refused = 0;
    Base base;
    QTestState *qts = start_with_kept_rom("1M", &base);

    for (int i = 0; i < STEPS; i++) {
        unsigned n = g_test_rand_int_range(0, IDS);
        uint64_t want = g_test_rand_int_range(1, LARGEST);
        g_autofree char *id = g_strdup_printf("b%u", n);

        if (pages[n]) {
            del_backend(qts, id);
            used -= pages[n];
            pages[n] = 0;
        } else if (used + want <= total) {
            assert_ok(add_backend(qts, id, want * 4));
            used += want;
            pages[n] = want;
            added++;
        } else {
            assert_error(add_backend(qts, id, want * 4), "are left");
            refused++;
        }
        assert_reserve(qts, &base, total - used);
    }
    g_assert_cmpuint(added, >, 50);
    g_assert_cmpuint(refused, >, 5);
    qtest_quit(qts);
}

static void test_restricted_no_reserve(void)
{
    Base base;
    QTestState *qts = start_acpi("", "", &base);

    restrict_now(qts);
    assert_error(plug(qts, rom_file), "0 KiB of its reserve are left");
    g_assert_cmpuint(get_number(qts, "pages"), ==, base.pages);
    qtest_quit(qts);
}

/* --- option ROMs in this process --- */

/* The ROM, as the guest reads it through the BAR. */
static void assert_rom(QTestState *qts, const char *expected)
{
    g_autofree char *found = g_malloc(ROM_BYTES);

    enable_rom(qts);
    qtest_memread(qts, ROM_BAR, found, ROM_BYTES);
    g_assert_cmpmem(found, ROM_BYTES, expected, ROM_BYTES);
    g_assert_cmpuint(qtest_readb(qts, ROM_BAR + 1), ==, (uint8_t)expected[1]);
    g_assert_cmpuint(qtest_readb(qts, ROM_BAR + ROM_BYTES), ==, 0);

    /* It is read-only. */
    qtest_writel(qts, ROM_BAR, ~qtest_readl(qts, ROM_BAR));
    qtest_memread(qts, ROM_BAR, found, ROM_BYTES);
    g_assert_cmpmem(found, ROM_BYTES, expected, ROM_BYTES);
}

static void test_private_rom(void)
{
    g_autofree char *contents = NULL;
    Base base;
    QTestState *qts = start_acpi("", ",option-rom=private", &base);

    g_assert_true(g_file_get_contents(rom_file, &contents, NULL, NULL));
    assert_ok(plug(qts, rom_file));
    assert_at_rest(qts, base.need_kib, base.pages);
    assert_rom(qts, contents);
    unplug(qts);
    assert_ok(plug(qts, rom_file));
    assert_rom(qts, contents);
    assert_at_rest(qts, base.need_kib, base.pages);
    qtest_quit(qts);
}

static void test_private_rom_missing_file(void)
{
    Base base;
    QTestState *qts = start_acpi("", ",option-rom=private", &base);

    assert_error(plug(qts, "no-such-file.rom"), "failed to find romfile");
    assert_ok(plug(qts, rom_file));
    qtest_quit(qts);
}

static QTestState *start_private(const char *romfile, const char *incoming)
{
    return qtest_initf("-machine pc,option-rom=private -nodefaults -vga none "
                       "-device xen-device-memory-emulated,id=dm "
                       "-device e1000,addr=%d,romfile=%s %s", SLOT, romfile,
                       incoming);
}

/* The destination has another ROM file; the guest reads the same bytes. */
static void test_private_rom_migration(void)
{
    g_autofree char *contents = NULL;
    g_autofree char *other = make_rom_file('b');
    g_autofree char *stream = g_strconcat(other, ".stream", NULL);
    g_autofree char *uri = g_strconcat("file:", stream, NULL);
    QTestState *from = start_private(rom_file, "");
    QTestState *to = start_private(other, "-incoming defer");

    g_assert_true(g_file_get_contents(rom_file, &contents, NULL, NULL));
    qtest_qmp_assert_success(from, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    qtest_qmp_eventwait(from, "STOP");
    for (int i = 0; i < 500; i++) {
        QDict *rsp = qtest_qmp(from, "{'execute': 'query-migrate'}");
        bool done = g_str_equal(qdict_get_str(qdict_get_qdict(rsp, "return"),
                                              "status"), "completed");

        qobject_unref(rsp);
        if (done) {
            break;
        }
        g_usleep(10 * 1000);
    }
    qtest_qmp_assert_success(to, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    qtest_qmp_eventwait(to, "RESUME");
    assert_rom(to, contents);
    qtest_quit(from);
    qtest_quit(to);
    g_unlink(other);
    g_unlink(stream);
}

static void test_bad_machine_options(void)
{
    static const struct {
        const char *option;
        const char *error;
    } cases[] = {
        { "device-memory-reserve=4097",
          "device-memory-reserve=4097 is not a multiple of 4096 from 0 to "
          "1073741824 bytes" },
        { "device-memory-reserve=1073745920",
          "device-memory-reserve=1073745920 is not a multiple of 4096" },
        { "option-rom=somewhere",
          "option-rom='somewhere' is neither guest nor private" },
        { "device-memory-reserve=1G",   /* allowed, but above the cap */
          "no guest pages for reserve (1048576 KiB): the toolstack refused, "
          "reason 'cap'" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *options =
            g_strdup_printf("-device xen-device-memory-emulated -machine %s",
                            cases[i].option);

        assert_error(run_to_failure(options), cases[i].error);
    }
}

/* How many lines of a log are of this event, which did not fail. */
static unsigned count_done(const char *file, const char *event)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned n = 0;

    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        n += strstr(*line, event) && g_str_has_suffix(*line, " error 0");
    }
    return n;
}

/* The toolstack has removed our node by then: nothing is written there. */
static void test_exit(void)
{
    g_autofree char *log = temporary_file();
    g_autofree char *options =
        g_strdup_printf("-trace xen_device_memory_* -D %s "
                        "-object memory-backend-ram,id=first,size=64K", log);
    QTestState *qts = start("", options);

    assert_ok(add_backend(qts, "second", 64));
    assert_ok(add_backend(qts, "third", 64));
    del_backend(qts, "third");
    wait_for_number(qts, "grant", 64);
    assert_at_rest(qts, 64, 16);
    /* One that goes, and has not gone yet when QEMU ends. */
    del_backend(qts, "second");
    qtest_quit(qts);

    /* At start, two of them added, one removed. */
    g_assert_cmpuint(count_done(log, "xen_device_memory_publish"), ==, 4);
    g_assert_cmpuint(count_done(log, "xen_device_memory_withdraw"), ==, 1);
    g_assert_cmpuint(count_done(log, "xen_device_memory_release"), ==, 2);
    g_unlink(log);
}

/* QEMU does not look inside, but the guest does: each byte has its place. */
static char *make_rom_file(char seed)
{
    g_autofree char *contents = g_malloc(ROM_BYTES);
    char *name = temporary_file();

    for (int i = 0; i < ROM_BYTES; i++) {
        contents[i] = seed + i + (i >> 8);
    }
    g_assert_true(g_file_set_contents(name, contents, ROM_BYTES, NULL));
    return name;
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    rom_file = make_rom_file('a');

    qtest_add_func("xen-device-memory/grant", test_grant);
    qtest_add_func("xen-device-memory/refused/cap", test_cap);
    qtest_add_func("xen-device-memory/refused/host-memory", test_host_memory);
    qtest_add_func("xen-device-memory/silence", test_silence);
    qtest_add_func("xen-device-memory/late", test_late);
    qtest_add_func("xen-device-memory/shared-deadline", test_shared_deadline);
    qtest_add_func("xen-device-memory/slow", test_slow);
    qtest_add_func("xen-device-memory/garbage", test_garbage);
    qtest_add_func("xen-device-memory/no-service", test_no_service);
    qtest_add_func("xen-device-memory/partial/back", test_partial);
    qtest_add_func("xen-device-memory/partial/kept", test_partial_kept);
    qtest_add_func("xen-device-memory/too-early", test_too_early);
    qtest_add_func("xen-device-memory/credit", test_credit);
    qtest_add_func("xen-device-memory/hotplug-rom", test_hotplug_rom);
    qtest_add_func("xen-device-memory/incoming/granted", test_incoming);
    qtest_add_func("xen-device-memory/incoming/refused",
                   test_incoming_refused);
    qtest_add_func("xen-device-memory/boot/sixteen", test_boot_16);
    qtest_add_func("xen-device-memory/boot/refused", test_boot_refused);
    qtest_add_func("xen-device-memory/boot/silent", test_boot_silent);
    qtest_add_func("xen-device-memory/boot/no-service", test_boot_no_service);
    qtest_add_func("xen-device-memory/boot/bad-options", test_bad_options);
    qtest_add_func("xen-device-memory/boot/bad-machine-options",
                   test_bad_machine_options);
    qtest_add_func("xen-device-memory/unplug/rom", test_unplug_rom);
    qtest_add_func("xen-device-memory/unplug/backends", test_unplug_backends);
    qtest_add_func("xen-device-memory/unplug/by-guest", test_unplug_by_guest);
    qtest_add_func("xen-device-memory/unplug/release-fails",
                   test_unplug_release_fails);
    qtest_add_func("xen-device-memory/mappings/backends", test_mappings);
    qtest_add_func("xen-device-memory/mappings/reserve",
                   test_mappings_of_reserve);
    qtest_add_func("xen-device-memory/away/back", test_away);
    qtest_add_func("xen-device-memory/away/refused", test_away_refused);
    qtest_add_func("xen-device-memory/away/again", test_away_again);
    qtest_add_func("xen-device-memory/exit", test_exit);
    qtest_add_func("xen-device-memory/plug/bochs-display", test_plug_bochs);
    qtest_add_func("xen-device-memory/plug/each-type", test_plug_each_type);
    qtest_add_func("xen-device-memory/plug/no-service", test_plug_no_service);
    qtest_add_func("xen-device-memory/plug/no-pages", test_plug_no_pages);
    qtest_add_func("xen-device-memory/plug/no-mapping", test_plug_no_mapping);
    qtest_add_func("xen-device-memory/restricted/reserve", test_restricted);
    qtest_add_func("xen-device-memory/restricted/overlap",
                   test_restricted_overlap);
    qtest_add_func("xen-device-memory/restricted/lost",
                   test_restricted_lost);
    qtest_add_func("xen-device-memory/restricted/random",
                   test_restricted_random);
    qtest_add_func("xen-device-memory/restricted/no-reserve",
                   test_restricted_no_reserve);
    qtest_add_func("xen-device-memory/private-rom/plug", test_private_rom);
    qtest_add_func("xen-device-memory/private-rom/missing-file",
                   test_private_rom_missing_file);
    qtest_add_func("xen-device-memory/private-rom/migration",
                   test_private_rom_migration);

    ret = g_test_run();
    g_unlink(rom_file);
    g_free(rom_file);
    return ret;
}
