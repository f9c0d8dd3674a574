/*
 * QTest: the PV IOMMU, with the emulated host
 *
 * What a device that takes bus addresses can rely on, whatever the guest, the
 * host and the operator do.  The device's registers have a test of their own,
 * xen-copy-engine-test.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "qemu/bswap.h"
#include "hw/pci/pci_regs.h"
#include "xen-pv-iommu-machine.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "qobject/qlist.h"

/* One transfer at a time, so that a test can look in between. */
#define SLOW ENGINE ",step=1"

#define MS_NS 1000000
#define QUIESCE_MS 50
#define QUIESCING ENGINE ",quiesce-ms=50"

/* The sub-ops of the hypercall, and errors, as "fail" wants them. */
#define HYPERCALL 0
#define MAP_FOREIGN 4
#define UNMAP_FOREIGN 6

#define BATCH 127

#define DISPLAY_SLOT 8

/* Xen's numbers for ioreqs. */
#define INVALIDATE 8
#define INVAL_BFN 9

/* On the bridge, which can hot-plug without ACPI. */
#define BRIDGE "-machine pc,acpi=off " \
    "-device pci-bridge,id=bridge,chassis_nr=1,shpc=on "

static char *add_device(const Machine *m, const char *driver, const char *id,
                        const char *options)
{
    g_autofree char *json =
        g_strdup_printf("{'execute': 'device_add', 'arguments': {'driver': "
                        "'%s', 'id': '%s', 'bus': 'bridge'%s%s}}", driver, id,
                        *options ? ", " : "", options);

    return error_of(qtest_qmp(m->qts, "%p", qobject_from_json(json, NULL)));
}

/* --- mapping --- */

static void test_references(void)
{
    Machine m = machine_start("", ENGINE, NULL);

    assert_host(&m, 0);
    engine_copy(&m, 0, 2 * PAGE);
    assert_host(&m, 4);
    g_assert_cmpuint(host_number(&m, "host-mapped"), ==, 4);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    assert_host(&m, 0);
    g_assert_cmpuint(host_number(&m, "host-mapped"), ==, 0);
    g_assert_cmpuint(host_number(&m, "pages-mapped"), ==, 4);
    g_assert_cmpuint(host_number(&m, "pages-unmapped"), ==, 4);
    machine_quit(&m);
}

/* One call and one flush for as many pages as fit, one more for the rest. */
static void test_batches(void)
{
    Machine m = machine_start("", ENGINE, NULL);
    uint64_t calls = host_number(&m, "host-calls");
    uint64_t flushes = host_number(&m, "host-flushes");

    engine_arm(&m, 0, SOURCE, DESTINATION, BATCH * PAGE);
    g_assert_cmpuint(host_number(&m, "host-calls") - calls, ==, 2);
    g_assert_cmpuint(host_number(&m, "host-flushes") - flushes, ==, 2);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);

    calls = host_number(&m, "host-calls");
    flushes = host_number(&m, "host-flushes");
    engine_arm(&m, 0, SOURCE, DESTINATION, (BATCH + 1) * PAGE);
    g_assert_cmpuint(host_number(&m, "host-calls") - calls, ==, 4);
    g_assert_cmpuint(host_number(&m, "host-flushes") - flushes, ==, 4);
    machine_quit(&m);
}

/* Each page elsewhere on the bus: the engine goes from run to run. */
static void test_scatter(void)
{
    Machine m = machine_start("host=direct,scatter=on", ENGINE, NULL);

    memory_fill(&m, SOURCE + 100, 0x3c, 5 * PAGE);
    engine_arm(&m, 0, SOURCE + 100, DESTINATION + 4000, 5 * PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_memory(&m, DESTINATION, 0, 4000);
    assert_memory(&m, DESTINATION + 4000, 0x3c, 5 * PAGE);
    assert_memory(&m, DESTINATION + 4000 + 5 * PAGE, 0, 96);
    assert_host(&m, 12);
    machine_quit(&m);
}

/* Xen fails half-way: all that the request took goes back. */
static void test_partial(void)
{
    Machine m = machine_start("", ENGINE, NULL);

    host_say(&m, "fail %d 3 %d", MAP_FOREIGN, ENOMEM);
    engine_set_up(&m, 0, SOURCE, DESTINATION, 8 * PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_REFUSED);
    assert_fault(&m, 0, SOURCE + 3 * PAGE);
    assert_host(&m, 0);
    g_assert_cmpuint(host_number(&m, "host-mapped"), ==, 0);

    /* The source is mapped by then. */
    host_say(&m, "fail %d 10 %d", MAP_FOREIGN, EIO);
    engine_set_up(&m, 0, SOURCE, DESTINATION, 8 * PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_REFUSED);
    assert_fault(&m, 0, DESTINATION + 2 * PAGE);
    assert_host(&m, 0);

    host_say(&m, "fail %d 1 %d", HYPERCALL, EFAULT);
    engine_set_up(&m, 0, SOURCE, DESTINATION, 8 * PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_NO_MEMORY);
    assert_host(&m, 0);

    engine_copy(&m, 0, 8 * PAGE);
    machine_quit(&m);
}

/* A BFN that Xen does not take back is out of use, and the rest goes on. */
static void test_failed_unmap(void)
{
    Machine m = machine_start("", ENGINE, NULL);

    engine_arm(&m, 0, SOURCE, DESTINATION, PAGE);
    host_say(&m, "fail %d 0 %d", UNMAP_FOREIGN, EBUSY);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    assert_engine(&m, 0, XEN_COPY_ENGINE_IDLE, XEN_COPY_ENGINE_OK);
    g_assert_cmpuint(host_number(&m, "failed-unmaps"), ==, 1);
    g_assert_cmpuint(host_number(&m, "pages"), ==, 1);
    engine_copy(&m, 0, PAGE);
    machine_quit(&m);
}

/* The guest is destroyed: errors to the device, and no more. */
static void test_domain_gone(void)
{
    Machine m = machine_start("", ENGINE, NULL);

    engine_arm(&m, 0, SOURCE, DESTINATION, PAGE);
    host_say(&m, "destroy");
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    assert_host(&m, 0);
    engine_set_up(&m, 0, SOURCE, DESTINATION, PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_NO_MEMORY);
    machine_quit(&m);
}

static void test_dma_bits(void)
{
    Machine m = machine_start("host=direct", ENGINE ",dma-bits=22", NULL);

    /* Frames are handed out in ascending order. */
    engine_copy(&m, 0, PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    engine_set_up(&m, 0, 0x800000, DESTINATION, PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_UNREACHABLE);
    assert_fault(&m, 0, 0x800000);
    assert_host(&m, 0);
    machine_quit(&m);

    /* The BFNs that the device model chooses lie above the host's RAM. */
    m = machine_start("", ENGINE ",dma-bits=20", NULL);
    engine_set_up(&m, 0, SOURCE, DESTINATION, PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_LIMIT);
    assert_host(&m, 0);
    machine_quit(&m);
}

/* The BIOS's shadow, as firmware leaves it: RAM that is only read. */
#define SHADOW 0xf0000
#define SHADOW_CONTROL 0x59
#define SHADOW_READ 0x10

static void test_read_only(void)
{
    Machine m = machine_start("", ENGINE, NULL);
    QPCIDevice *bridge = qpci_device_find(m.bus, QPCI_DEVFN(0, 0));

    g_assert_nonnull(bridge);
    qpci_config_writeb(bridge, SHADOW_CONTROL, SHADOW_READ);
    g_free(bridge);
    host_say(&m, "populate %" PRIu64 " 1", GFN(SHADOW));
    engine_arm(&m, 0, SHADOW, DESTINATION, PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    engine_set_up(&m, 0, SOURCE, SHADOW, PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_NO_MEMORY);
    assert_fault(&m, 0, SHADOW);
    assert_host(&m, 0);
    machine_quit(&m);
}

/* --- what the host is --- */

static void test_none(void)
{
    g_autofree char *err =
        run_to_failure("-device xen-pv-iommu-emulated,host=none "
                       "-device " ENGINE);
    g_autofree char *nobody = run_to_failure("-device xen-copy-engine,"
                                             "pv-iommu=on");
    Machine m;

    g_assert_nonnull(strstr(err, "this Xen has no PV IOMMU\n"));
    g_assert_nonnull(strstr(err, "pv-iommu=off"));
    g_assert_nonnull(strstr(nobody, "there is no PV IOMMU: neither Xen nor"));

    /* Hot-plug is refused the same way, and all else goes on. */
    m = machine_start_with(BRIDGE, "host=none", "xen-copy-engine", NULL);
    assert_error(add_device(&m, "xen-copy-engine", "late",
                            "'addr': '1', 'pv-iommu': true, 'engine': "
                            "'emulated'"), "this Xen has no PV IOMMU");
    assert_running(&m, true);
    engine_copy(&m, 0, PAGE);
    assert_ok(add_device(&m, "xen-copy-engine", "late", "'addr': '1'"));
    machine_quit(&m);
}

/* No IOMMU: a bus address is a machine address. */
static void test_direct(void)
{
    Machine m = machine_start("host=direct", ENGINE, NULL);

    g_assert_cmphex(engine_get(&m, 0, XEN_COPY_ENGINE_FEATURES), ==,
                    XEN_COPY_ENGINE_PV_IOMMU | XEN_COPY_ENGINE_BUS_ADDRESSES);
    engine_copy(&m, 0, 3 * PAGE);
    assert_host(&m, 6);
    g_assert_cmpuint(host_number(&m, "host-mapped"), ==, 0);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    assert_host(&m, 0);
    machine_quit(&m);
}

/*
 * All of RAM has a bus address, and no word comes when the guest balloons: what
 * XenServer ships.  The page stays with Xen for as long as it is mapped.
 */
static void test_identity(void)
{
    Machine m = machine_start("host=identity,offset=0x100000", ENGINE, NULL);

    g_assert_cmphex(engine_get(&m, 0, XEN_COPY_ENGINE_FEATURES), ==,
                    XEN_COPY_ENGINE_PV_IOMMU | XEN_COPY_ENGINE_BUS_ADDRESSES);
    engine_copy(&m, 0, PAGE);
    assert_host(&m, 2);
    host_say(&m, "balloon %" PRIu64 " 1", GFN(DESTINATION));
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_host(&m, 2);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 0);
    host_say(&m, "populate %" PRIu64 " 1", GFN(DESTINATION));
    memory_fill(&m, DESTINATION, 0x11, PAGE);

    /* It goes to the page that was, and not to the one that is. */
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_memory(&m, DESTINATION, 0x11, PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 1);
    assert_host(&m, 0);
    machine_quit(&m);
}

static void test_mode(void)
{
    g_autofree char *err =
        run_to_failure("-device xen-pv-iommu-emulated,host=identity "
                       "-device " ENGINE ",pv-iommu-mode=map");
    Machine m = machine_start("", ENGINE ",pv-iommu-mode=map",
                              ENGINE ",pv-iommu-mode=lookup");

    g_assert_nonnull(strstr(err, "this Xen's PV IOMMU offers no map mode"));
    g_assert_cmphex(engine_get(&m, 0, XEN_COPY_ENGINE_FEATURES), ==, 7);
    g_assert_cmphex(engine_get(&m, 1, XEN_COPY_ENGINE_FEATURES), ==, 5);
    machine_quit(&m);
}

/* --- memory leaves the guest --- */

static void test_balloon(void)
{
    Machine m = machine_start("", SLOW, NULL);
    uint32_t done;

    memory_fill(&m, SOURCE, 0xa5, 4 * PAGE);
    engine_arm(&m, 0, SOURCE, DESTINATION, 4 * PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    for (int i = 0; i < 4; i++) {
        machine_step(&m);
    }
    assert_engine(&m, 0, XEN_COPY_ENGINE_RUNNING, XEN_COPY_ENGINE_OK);
    done = engine_get(&m, 0, XEN_COPY_ENGINE_DONE);
    g_assert_cmpuint(done, ==, 2 * PAGE);

    host_say(&m, "balloon %" PRIu64 " 1", GFN(DESTINATION) + 3);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_INVALIDATED);
    assert_fault(&m, 0, DESTINATION + 3 * PAGE);
    assert_host(&m, 0);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 1);
    g_assert_cmpuint(host_number(&m, "invalidations"), ==, 1);
    assert_memory(&m, DESTINATION, 0xa5, 2 * PAGE);
    assert_memory(&m, DESTINATION + 2 * PAGE, 0, PAGE);
    machine_quit(&m);
}

/* The engine has a write under way, and the guest gives its target back. */
static void hold_a_write(const Machine *m)
{
    memory_fill(m, SOURCE, 0xa5, PAGE);
    engine_arm(m, 0, SOURCE, DESTINATION, PAGE);
    engine_command(m, 0, XEN_COPY_ENGINE_TRIGGER);
    machine_step(m);
    host_set_flag(m, "hold", true);
    machine_step(m);
    assert_engine(m, 0, XEN_COPY_ENGINE_RUNNING, XEN_COPY_ENGINE_OK);
}

static void test_overdue(void)
{
    Machine m = machine_start("", SLOW ",quiesce-ms=50", NULL);

    hold_a_write(&m);
    host_say(&m, "balloon %" PRIu64 " 1", GFN(DESTINATION));
    assert_engine(&m, 0, XEN_COPY_ENGINE_STOPPING,
                  XEN_COPY_ENGINE_INVALIDATED);
    assert_host(&m, 2);

    /* At the deadline, and not before. */
    qtest_clock_step(m.qts, (QUIESCE_MS - 1) * MS_NS);
    g_assert_cmpuint(host_number(&m, "overdue"), ==, 0);
    assert_not_said(&m, "has not stopped");
    qtest_clock_step(m.qts, 2 * MS_NS);
    g_assert_cmpuint(host_number(&m, "overdue"), ==, 1);
    assert_said(&m, "xen-copy-engine 'ce0': its hardware has not stopped "
                "within 50 ms: guest frames 0x200-0x200, bus frames 0x");

    /* Another page comes in its place; the old one is nobody's. */
    host_say(&m, "populate %" PRIu64 " 1", GFN(DESTINATION));
    memory_fill(&m, DESTINATION, 0x11, PAGE);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 0);
    assert_host(&m, 2);

    /* The write arrives: not in the guest. */
    host_set_flag(&m, "hold", false);
    machine_step(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_INVALIDATED);
    assert_memory(&m, DESTINATION, 0x11, PAGE);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 1);
    assert_host(&m, 0);
    engine_copy(&m, 0, PAGE);
    machine_quit(&m);
}

/* A guest can make many reports; not all are written. */
static void test_report_limit(void)
{
    Machine m = machine_start("", QUIESCING, NULL);
    unsigned reports = 0;
    g_autofree char *text = NULL;

    host_set_flag(&m, "hold", true);
    engine_arm(&m, 0, SOURCE, DESTINATION, 64 * PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    machine_step(&m);
    for (unsigned i = 0; i < 64; i += 2) {
        host_say(&m, "balloon %" PRIu64 " 1", GFN(SOURCE) + i);
    }
    qtest_clock_step(m.qts, (QUIESCE_MS + 1) * MS_NS);
    g_assert_cmpuint(host_number(&m, "overdue"), ==, 32);
    g_assert_true(g_file_get_contents(m.messages, &text, NULL, NULL));
    for (char *at = text; (at = strstr(at, "has not stopped")); at++) {
        reports++;
    }
    g_assert_cmpuint(reports, ==, 10);
    host_set_flag(&m, "hold", false);
    machine_step(&m);
    assert_host(&m, 0);
    machine_quit(&m);
}

/* One page, one mapping, two devices; both hear when it goes. */
static void test_shared(gconstpointer opaque)
{
    Machine m = machine_start("", opaque, opaque);

    engine_copy(&m, 0, PAGE);
    engine_arm(&m, 1, SOURCE, DESTINATION + PAGE, PAGE);
    assert_host(&m, 3);
    g_assert_cmpuint(host_number(&m, "pages-shared"), ==, 1);

    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    assert_host(&m, 2);
    engine_arm(&m, 0, SOURCE, DESTINATION, PAGE);
    host_say(&m, "balloon %" PRIu64 " 1", GFN(SOURCE));
    for (unsigned n = 0; n < 2; n++) {
        assert_engine(&m, n, XEN_COPY_ENGINE_FAILED,
                      XEN_COPY_ENGINE_INVALIDATED);
        assert_fault(&m, n, SOURCE);
        g_assert_cmpuint(engine_get(&m, n, XEN_COPY_ENGINE_INVALIDATIONS), ==,
                         1);
    }
    assert_host(&m, 0);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 1);
    machine_quit(&m);
}

/* Both ends in one page: one word is enough, whether it has one BFN or two. */
static void test_same_page(gconstpointer opaque)
{
    Machine m = machine_start("", opaque, NULL);

    memory_fill(&m, SOURCE, 0xa5, PAGE / 2);
    engine_arm(&m, 0, SOURCE, SOURCE + PAGE / 2, PAGE / 2);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_memory(&m, SOURCE, 0xa5, PAGE);
    host_say(&m, "balloon %" PRIu64 " 1", GFN(SOURCE));
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_INVALIDATED);
    g_assert_cmpuint(engine_get(&m, 0, XEN_COPY_ENGINE_INVALIDATIONS), ==, 1);
    assert_host(&m, 0);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 1);
    machine_quit(&m);
}

/* One frame at two gfns, both mapped: one word for each of the two. */
static void test_alias(void)
{
    Machine m = machine_start("", SLOW ",pv-iommu-mode=lookup", NULL);

    host_say(&m, "balloon %" PRIu64 " 1", GFN(DESTINATION));
    host_say(&m, "alias %" PRIu64 " %" PRIu64, GFN(SOURCE), GFN(DESTINATION));
    engine_arm(&m, 0, SOURCE, DESTINATION, 64);
    assert_host(&m, 1);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    machine_step(&m);
    host_set_flag(&m, "hold", true);
    machine_step(&m);
    host_say(&m, "balloon %" PRIu64 " 1", GFN(DESTINATION));
    assert_engine(&m, 0, XEN_COPY_ENGINE_STOPPING,
                  XEN_COPY_ENGINE_INVALIDATED);
    g_assert_cmpuint(engine_get(&m, 0, XEN_COPY_ENGINE_INVALIDATIONS), ==, 2);
    host_set_flag(&m, "hold", false);
    machine_step(&m);
    assert_host(&m, 0);
    machine_quit(&m);
}

/* A gfn gets another frame: the next request reaches that one. */
static void test_remap(void)
{
    Machine m = machine_start("", ENGINE, NULL);

    engine_copy(&m, 0, PAGE);
    host_say(&m, "remap %" PRIu64, GFN(DESTINATION));
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_INVALIDATED);
    assert_host(&m, 0);
    engine_copy(&m, 0, PAGE);
    assert_host(&m, 2);
    machine_quit(&m);
}

/*
 * Nobody tells that a gfn has another frame.  The next device that asks for the
 * gfn finds out, and the one that has the old frame is told.
 */
static void test_stale(void)
{
    Machine m = machine_start("host=identity,offset=0x100000", ENGINE, ENGINE);

    engine_copy(&m, 0, PAGE);
    host_say(&m, "remap %" PRIu64, GFN(SOURCE));
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    engine_arm(&m, 1, SOURCE, DESTINATION + PAGE, PAGE);
    g_assert_cmpuint(host_number(&m, "stale"), ==, 1);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_INVALIDATED);
    assert_fault(&m, 0, SOURCE);
    assert_host(&m, 2);
    machine_quit(&m);

    /* One that does not stop is reported as ever. */
    m = machine_start("host=identity,offset=0x100000", QUIESCING, ENGINE);
    host_set_flag(&m, "hold", true);
    engine_arm(&m, 0, SOURCE, DESTINATION, PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    machine_step(&m);
    host_say(&m, "remap %" PRIu64, GFN(SOURCE));
    engine_arm(&m, 1, SOURCE, DESTINATION + PAGE, PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_STOPPING,
                  XEN_COPY_ENGINE_INVALIDATED);
    machine_step(&m);
    qtest_clock_step(m.qts, (QUIESCE_MS + 1) * MS_NS);
    g_assert_cmpuint(host_number(&m, "overdue"), ==, 1);
    host_set_flag(&m, "hold", false);
    machine_step(&m);
    assert_host(&m, 2);
    machine_quit(&m);
}

/* --- ioreqs --- */

/* The ways in which Xen can say it: type, width, ring full. */
static void test_ways(void)
{
    static const struct {
        unsigned type;
        unsigned size;
        bool ring_full;
    } ways[] = {
        { INVALIDATE, 4, false },
        { INVALIDATE, 8, false },
        { INVALIDATE, 8, true },
        { INVAL_BFN, 4, false },
        { INVAL_BFN, 8, true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        Machine m = machine_start("", ENGINE, NULL);

        host_say(&m, "notify %u %u", ways[i].type, ways[i].size);
        host_set_flag(&m, "ring-full", ways[i].ring_full);
        engine_arm(&m, 0, SOURCE, DESTINATION, PAGE);
        host_say(&m, "balloon %" PRIu64 " 1", GFN(SOURCE));
        assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED,
                      XEN_COPY_ENGINE_INVALIDATED);
        assert_host(&m, 0);
        machine_quit(&m);
    }
}

/* A BFN means what it says or nothing; "everything" stays QEMU's. */
static void test_hostile(void)
{
    static const char *const left[] = {
        "ioreq 8 4 0xffffffff",
        "ioreq 8 4 0xffffffffffffffff",
        "ioreq 8 8 0xffffffffffffffff",
        "ioreq 8 1 0xff",
        "ioreq 0 4 0x1000",
        "ioreq 1 8 0x1000",
        "ioreq 2 4 0x1000",
        "ioreq 7 8 0",
        "ioreq 10 8 0x1000",
        "ioreq 255 8 0x1000",
        "ioreq 0xffffffff 8 0x1000",
    };
    static const char *const taken[] = {
        "ioreq 8 4 0",
        "ioreq 8 4 0xfffffffe",
        "ioreq 8 8 0xffffffff",
        "ioreq 8 8 0xfffffffffffffffe",
        "ioreq 8 8 0x10000000000",
        "ioreq 8 0 0x100",
        "ioreq 8 0xffffffff 0x100",
        "ioreq 9 4 0xffffffff",
        "ioreq 9 8 0xffffffffffffffff",
        "ioreq 9 8 0",
        "ioreq 9 3 0xabcdef",
    };
    Machine m = machine_start("", ENGINE, NULL);

    engine_arm(&m, 0, SOURCE, DESTINATION, 4 * PAGE);
    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        assert_error(host_try(&m, left[i]), "not supported");
    }
    g_assert_cmpuint(host_number(&m, "unknown-invalidations"), ==, 0);
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        assert_ok(host_try(&m, taken[i]));
    }
    for (int i = 0; i < 500; i++) {
        host_say(&m, "ioreq %d 8 %" PRIu64,
                 g_test_rand_bit() ? INVALIDATE : INVAL_BFN,
                 (uint64_t)g_test_rand_int() << 32 | g_test_rand_int());
    }
    g_assert_cmpuint(host_number(&m, "unknown-invalidations"), ==,
                     ARRAY_SIZE(taken) + 500);
    g_assert_cmpuint(host_number(&m, "invalidations"), ==, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
    assert_host(&m, 8);
    machine_quit(&m);
}

/* Without a device, and without a host, there is nobody to tell. */
static void test_nobody(void)
{
    Machine m = machine_start("", "xen-copy-engine", NULL);

    assert_ok(host_try(&m, "ioreq 9 8 0x1000"));
    assert_error(host_try(&m, "ioreq 8 8 0x1000"), "not supported");
    engine_copy(&m, 0, PAGE);
    machine_quit(&m);
}

/* From another thread, without the lock: a bug of ours, and said so. */
static void test_thread(void)
{
    g_autofree char *script = g_strdup_printf(
        "ulimit -c 0; printf '%%s\\n' '{\"execute\": \"qmp_capabilities\"}' "
        "'{\"execute\": \"qom-set\", \"arguments\": {\"path\": \"%s\", "
        "\"property\": \"do\", \"value\": \"thread\"}}' | "
        "%s -machine pc,accel=qtest,acpi=off -m 16 -nodefaults -vga none "
        "-display none -S -qmp stdio -device xen-pv-iommu-emulated,id=host",
        HOST, getenv("QTEST_QEMU_BINARY"));
    const char *argv[] = { "/bin/sh", "-c", script, NULL };
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    int status;

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, 0, NULL, NULL, &out,
                               &err, &status, NULL));
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 128 + SIGABRT);
    g_assert_nonnull(strstr(err, "bql_locked()"));
}

/* --- reserved regions --- */

/* The bus addresses of all of RAM, and nothing that QEMU places. */
#define ALL_RAM "host=identity,offset=0x100000,reserved=0x100000+0x100000@0x10"

static void test_strict(void)
{
    Machine m = machine_start(ALL_RAM, ENGINE, NULL);

    engine_set_up(&m, 0, SOURCE, DESTINATION, PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_RESERVED);
    assert_fault(&m, 0, SOURCE);
    assert_host(&m, 0);
    assert_said(&m, "xen-copy-engine 'ce0': no bus address for guest frame "
                "0x100: bus frame 0x1000");
    assert_said(&m, "lies in reserved region 0x100000-0x1fffff of 0000:00:02.0 "
                "(rdm-policy=strict)");
    machine_quit(&m);
}

/* "0xA-0xA" stands between the two texts, a frame of the region. */
static void assert_one_bus_frame(const Machine *m, const char *before,
                                 const char *after)
{
    g_autofree char *text = NULL;
    g_autofree char *wanted = NULL;
    const char *found;
    uint64_t frame;

    assert_said(m, before);
    g_assert_true(g_file_get_contents(m->messages, &text, NULL, NULL));
    found = strstr(text, before);
    g_assert_nonnull(found);
    frame = g_ascii_strtoull(found + strlen(before), NULL, 0);
    g_assert_cmphex(frame, >=, 0x100000);
    g_assert_cmphex(frame, <=, 0x1fffff);
    wanted = g_strdup_printf("%s0x%" PRIx64 "-0x%" PRIx64 "%s", before, frame,
                             frame, after);
    assert_said(m, wanted);
}

/* Only who asked for it. */
static void test_relaxed(void)
{
    Machine m = machine_start(ALL_RAM, ENGINE ",rdm-policy=relaxed", ENGINE);

    engine_copy(&m, 0, PAGE);
    assert_host(&m, 2);
    assert_one_bus_frame(&m, "warning: xen-copy-engine 'ce0': bus frames ",
                         " lie in reserved region 0x100000-0x1fffff of "
                         "0000:00:02.0 (rdm-policy=relaxed)");
    engine_set_up(&m, 1, SOURCE, DESTINATION, PAGE);
    assert_engine(&m, 1, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_RESERVED);
    machine_quit(&m);
}

/*
 * Where the device model chooses, it chooses something else.  The device
 * reaches frames below 0x8000; 8 of those above RAM are not reserved.
 */
static void test_chosen(void)
{
    static const char *const device = ENGINE ",dma-bits=27";
    Machine m = machine_start("reserved=0x1800+0x67f8@0x10", device, NULL);

    engine_copy(&m, 0, 4 * PAGE);
    assert_host(&m, 8);
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    engine_set_up(&m, 0, SOURCE, DESTINATION, 5 * PAGE);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_LIMIT);
    assert_host(&m, 0);
    assert_not_said(&m, "reserved");
    machine_quit(&m);
}

#define ROM_BYTES (40 * 1024)
#define ROM_PAGES 16
#define DM "/machine/peripheral/dm"
#define WITH_LEDGER BRIDGE "-device xen-device-memory-emulated,id=dm "

static char *rom_file(void)
{
    char *name = temporary_file();
    g_autofree char *rom = g_malloc0(ROM_BYTES);

    rom[0] = 0x55;
    rom[1] = 0xaa;
    rom[2] = ROM_BYTES / 512;
    g_assert_true(g_file_set_contents(name, rom, ROM_BYTES, NULL));
    return name;
}

/* Where QEMU puts the memory of the first device that is plugged. */
static uint64_t first_gfn(const char *driver, const char *plug)
{
    Machine m = machine_start_with(WITH_LEDGER, "", ENGINE, NULL);
    QDict *rsp;
    uint64_t gfn;

    assert_ok(add_device(&m, driver, "late", plug));
    rsp = qtest_qmp(m.qts, "{'execute': 'qom-get', 'arguments': {'path': %s, "
                    "'property': 'blocks'}}", DM);
    gfn = qdict_get_int(qobject_to(QDict, qlist_peek(
        qdict_get_qlist(rsp, "return"))), "gfn");
    qobject_unref(rsp);
    machine_quit(&m);
    return gfn;
}

static uint64_t guest_pages(const Machine *m)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': 'pages'}}", DM);
    uint64_t pages = qdict_get_int(rsp, "return");

    qobject_unref(rsp);
    return pages;
}

/* An option ROM would come to lie in a reserved region. */
static void test_placement(void)
{
    g_autofree char *rom = rom_file();
    g_autofree char *plug = g_strdup_printf("'addr': '1', 'romfile': '%s'",
                                            rom);
    g_autofree char *user = g_strdup_printf("%s, 'pv-iommu': true", plug);
    g_autofree char *relaxed = g_strdup_printf("%s, 'rdm-policy': 'relaxed'",
                                               user);
    uint64_t gfn = first_gfn("xen-copy-engine", plug);
    g_autofree char *host =
        g_strdup_printf("reserved=0x%" PRIx64 "+1@0xa8", gfn + ROM_PAGES - 1);
    g_autofree char *where =
        g_strdup_printf("at guest frames 0x%" PRIx64 "-0x%" PRIx64
                        ", lies in reserved region 0x%" PRIx64 "-0x%" PRIx64
                        " of 0000:00:15.0", gfn, gfn + ROM_PAGES - 1,
                        gfn + ROM_PAGES - 1, gfn + ROM_PAGES - 1);
    Machine m = machine_start_with(WITH_LEDGER, host, ENGINE, NULL);
    char *error = add_device(&m, "xen-copy-engine", "late", plug);

    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error, "xen-copy-engine 'late'"));
    g_assert_nonnull(strstr(error, "(rdm-policy=strict)"));
    assert_error(error, where);
    assert_error(add_device(&m, "xen-copy-engine", "late", user), where);
    g_assert_cmpuint(guest_pages(&m), ==, 0);
    assert_running(&m, true);
    engine_copy(&m, 0, PAGE);

    assert_ok(add_device(&m, "xen-copy-engine", "late", relaxed));
    assert_said(&m, where);
    assert_said(&m, "(rdm-policy=relaxed)");
    g_assert_cmpuint(guest_pages(&m), ==, ROM_PAGES);
    machine_quit(&m);

    /* No device uses the PV IOMMU: nobody minds. */
    m = machine_start_with(WITH_LEDGER, host, NULL, NULL);
    assert_ok(add_device(&m, "xen-copy-engine", "late", plug));
    machine_quit(&m);
    g_unlink(rom);
}

#define SCREEN "secondary-vga"
#define SCREEN_PAGES 256

/* Video memory would, of a display that is plugged when a device is there. */
static void test_placement_display(void)
{
    static const char *const plug = "'addr': '1', 'vgamem_mb': 1";
    uint64_t gfn = first_gfn(SCREEN, plug);
    uint64_t last = gfn + SCREEN_PAGES - 1;
    g_autofree char *host = g_strdup_printf("reserved=0x%" PRIx64 "+1@0xa8",
                                            last);
    g_autofree char *where = g_strdup_printf(
        "at guest frames 0x%" PRIx64 "-0x%" PRIx64 ", lies in reserved region "
        "0x%" PRIx64 "-0x%" PRIx64 " of 0000:00:15.0 (rdm-policy=strict)", gfn,
        last, last, last);
    Machine m = machine_start_with(WITH_LEDGER, host, ENGINE, NULL);
    char *error = add_device(&m, SCREEN, "late", plug);

    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error, SCREEN " 'late'"));
    assert_error(error, where);
    g_assert_cmpuint(guest_pages(&m), ==, 0);
    assert_running(&m, true);
    engine_copy(&m, 0, PAGE);
    machine_quit(&m);

    m = machine_start_with(WITH_LEDGER, host, NULL, NULL);
    assert_ok(add_device(&m, SCREEN, "late", plug));
    g_assert_cmpuint(guest_pages(&m), ==, SCREEN_PAGES);
    machine_quit(&m);
}

/* What was there before the device came counts as well. */
static void test_survey(void)
{
    static const char *const beyond_ram = "reserved=0x1000+0x100000@0x10";
    g_autofree char *options =
        g_strdup_printf("-device xen-pv-iommu-emulated,%s -device " ENGINE
                        ",id=ce0", beyond_ram);
    g_autofree char *err = run_to_failure(options);
    Machine m;

    g_assert_nonnull(strstr(err, "xen-copy-engine 'ce0': "));
    g_assert_nonnull(strstr(err, "lies in reserved region 0x1000-0x100fff of "
                            "0000:00:02.0 (rdm-policy=strict)"));

    m = machine_start_with(BRIDGE, beyond_ram, "xen-copy-engine", NULL);
    assert_error(add_device(&m, "xen-copy-engine", "late",
                            "'addr': '1', 'pv-iommu': true"),
                 "(rdm-policy=strict)");
    assert_running(&m, true);
    assert_ok(add_device(&m, "xen-copy-engine", "late",
                         "'addr': '1', 'pv-iommu': true, "
                         "'rdm-policy': 'relaxed'"));
    assert_said(&m, "warning: xen-copy-engine 'late': ");
    engine_copy(&m, 0, PAGE);
    machine_quit(&m);
}

/* As the guest's firmware does it, if it is told to. */
static uint64_t map_display(const Machine *m)
{
    QPCIDevice *dev = qpci_device_find(m->bus, QPCI_DEVFN(DISPLAY_SLOT, 0));
    uint64_t bar;

    g_assert_nonnull(dev);
    bar = qpci_iomap(dev, 0, NULL).addr;
    qpci_device_enable(dev);
    g_free(dev);
    return bar;
}

/* A display's pages are where its BAR is, and no longer where they were. */
static void test_survey_display(void)
{
    static const char *const plug = "'addr': '1', 'pv-iommu': true";
    static const char *const display =
        BRIDGE "-device VGA,vgamem_mb=1,addr=" stringify(DISPLAY_SLOT);
    Machine m = machine_start_with(display, "", "xen-copy-engine", NULL);
    uint64_t gfn = GFN(map_display(&m));
    g_autofree char *at_bar = g_strdup_printf("reserved=0x%" PRIx64 "+1@0x10",
                                              gfn + 3);
    g_autofree char *where = g_strdup_printf(
        "vga.vram, at guest frames 0x%" PRIx64 "-0x%" PRIx64 ", lies in "
        "reserved region 0x%" PRIx64 "-", gfn, gfn + 255, gfn + 3);
    g_autofree char *at_first = NULL;
    char *refusal;
    const char *first;

    machine_quit(&m);

    /* Nothing is in the way before the BAR is there. */
    m = machine_start_with(display, at_bar, "xen-copy-engine", NULL);
    assert_ok(add_device(&m, "xen-copy-engine", "early", plug));
    machine_quit(&m);
    m = machine_start_with(display, at_bar, "xen-copy-engine", NULL);
    map_display(&m);
    assert_error(add_device(&m, "xen-copy-engine", "late", plug), where);
    machine_quit(&m);

    /* Where it was at first it is in the way until it goes. */
    m = machine_start_with(display, "reserved=0x1000+0x100000@0x10",
                           "xen-copy-engine", NULL);
    refusal = add_device(&m, "xen-copy-engine", "early", plug);
    g_assert_nonnull(refusal);
    first = strstr(refusal, "vga.vram, at guest frames ");
    g_assert_nonnull(first);
    gfn = g_ascii_strtoull(strstr(first, "0x"), NULL, 0);
    g_free(refusal);
    machine_quit(&m);
    at_first = g_strdup_printf("reserved=0x%" PRIx64 "+1@0x10", gfn);
    m = machine_start_with(display, at_first, "xen-copy-engine", NULL);
    assert_error(add_device(&m, "xen-copy-engine", "early", plug),
                 "vga.vram, at guest frames");
    map_display(&m);
    assert_ok(add_device(&m, "xen-copy-engine", "late", plug));
    machine_quit(&m);
}

#define LARGE_DISPLAY \
    "-device VGA,vgamem_mb=16,addr=" stringify(DISPLAY_SLOT)
#define BELOW_INTERRUPTS 0xfe000000

/* As a guest can do it: 16 MiB, with the interrupt window in them. */
static void map_display_over_interrupts(const Machine *m)
{
    QPCIDevice *dev = qpci_device_find(m->bus, QPCI_DEVFN(DISPLAY_SLOT, 0));

    g_assert_nonnull(dev);
    qpci_config_writel(dev, PCI_BASE_ADDRESS_0, BELOW_INTERRUPTS);
    qpci_device_enable(dev);
    g_free(dev);
}

/* The interrupt window is the bus's: a guest may have memory there. */
static void test_survey_interrupts(void)
{
    static const char *const plug = "'addr': '1', 'pv-iommu': true";
    static const char *const machine = BRIDGE LARGE_DISPLAY;
    Machine m = machine_start_with(machine, "", "xen-copy-engine", NULL);

    map_display_over_interrupts(&m);
    assert_ok(add_device(&m, "xen-copy-engine", "late", plug));
    assert_not_said(&m, "interrupt window");
    machine_quit(&m);

    m = machine_start_with(machine, "reserved=0xfeeff+1@0x10",
                           "xen-copy-engine", NULL);
    map_display_over_interrupts(&m);
    assert_error(add_device(&m, "xen-copy-engine", "late", plug),
                 "reserved region 0xfeeff-0xfeeff of 0000:00:02.0 "
                 "(rdm-policy=strict)");
    machine_quit(&m);
}

/* --- life of a device --- */

static char *try_migrate(const Machine *m, const char *uri)
{
    return error_of(qtest_qmp(m->qts, "{'execute': 'migrate', 'arguments': "
                              "{'uri': %s}}", uri));
}

static char *try_save(const Machine *m, const char *file)
{
    return error_of(qtest_qmp(m->qts, "{'execute': 'xen-save-devices-state', "
                              "'arguments': {'filename': %s, 'live': false}}",
                              file));
}

static void unplug(const Machine *m)
{
    qpci_unplug_acpi_device_test(m->qts, "ce0", FIRST_SLOT);
}

static void test_unplug(void)
{
    Machine m = machine_start_with("-machine pc", "", ENGINE, NULL);

    engine_copy(&m, 0, 2 * PAGE);
    assert_host(&m, 4);
    unplug(&m);
    assert_host(&m, 0);
    assert_not_said(&m, "warning");

    /* Nobody uses the PV IOMMU any more: what QEMU knows is left to it. */
    assert_error(host_try(&m, "ioreq 8 8 0x1000"), "not supported");
    assert_ok(host_try(&m, "ioreq 9 8 0x1000"));
    g_assert_cmpuint(host_number(&m, "unknown-invalidations"), ==, 0);
    machine_quit(&m);
}

/* Its hardware goes on: so does the mapping. */
static void test_unplug_held(void)
{
    g_autofree char *file = temporary_file();
    g_autofree char *uri = g_strdup_printf("file:%s", file);
    Machine m = machine_start_with("-machine pc", "", SLOW ",quiesce-ms=50",
                                   NULL);

    hold_a_write(&m);
    unplug(&m);
    assert_said(&m, "xen-copy-engine 'ce0': goes while its hardware has not "
                "stopped; what is mapped stays mapped");
    assert_host(&m, 2);

    /* The device is gone, and what it was to write is still there. */
    assert_memory(&m, DESTINATION, 0, PAGE);
    host_set_flag(&m, "hold", false);
    assert_memory(&m, DESTINATION, 0xa5, PAGE);
    assert_host(&m, 2);
    host_say(&m, "balloon %" PRIu64 " 1", GFN(DESTINATION));
    assert_host(&m, 2);
    g_assert_cmpuint(host_number(&m, "host-freed"), ==, 0);
    qtest_clock_step(m.qts, (QUIESCE_MS + 1) * MS_NS);
    assert_said(&m, "xen-copy-engine 'ce0': its hardware has not stopped "
                "within 50 ms");
    assert_error(try_migrate(&m, uri), "xen-copy-engine 'ce0': its hardware "
                 "has not stopped its DMA to guest memory");
    assert_error(try_save(&m, file), "saving Xen device state failed");
    assert_said(&m, "its state cannot be saved");
    machine_quit(&m);
    g_unlink(file);
}

static void reset(Machine *m)
{
    qtest_qmp_assert_success(m->qts, "{'execute': 'system_reset'}");
    qtest_qmp_eventwait(m->qts, "RESET");
    machine_find(m, 0);
}

static void test_reset(void)
{
    Machine m = machine_start("", SLOW, NULL);

    engine_arm(&m, 0, SOURCE, DESTINATION, 4 * PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    machine_step(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_RUNNING, XEN_COPY_ENGINE_OK);
    reset(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_IDLE, XEN_COPY_ENGINE_OK);
    assert_host(&m, 0);
    g_assert_cmpuint(engine_get(&m, 0, XEN_COPY_ENGINE_LENGTH), ==, 0);
    engine_copy(&m, 0, PAGE);
    machine_quit(&m);

    m = machine_start("", SLOW, NULL);
    hold_a_write(&m);
    reset(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_STOPPING, XEN_COPY_ENGINE_OK);
    assert_host(&m, 2);
    host_set_flag(&m, "hold", false);
    machine_step(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_IDLE, XEN_COPY_ENGINE_OK);
    assert_host(&m, 0);
    machine_quit(&m);
}

/* --- migration --- */

static void stop(const Machine *m)
{
    qtest_qmp_assert_success(m->qts, "{'execute': 'stop'}");
    assert_running(m, false);
}

static void resume(const Machine *m)
{
    qtest_qmp_assert_success(m->qts, "{'execute': 'cont'}");
    assert_running(m, true);
}

/* The machine stops: nothing is mapped, and the guest sees no difference. */
static void test_drain(void)
{
    Machine m = machine_start("", SLOW, NULL);

    memory_fill(&m, SOURCE, 0xa5, 16 * PAGE);
    engine_arm(&m, 0, SOURCE, DESTINATION, 16 * PAGE);
    stop(&m);
    assert_host(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
    resume(&m);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    machine_step(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_RUNNING, XEN_COPY_ENGINE_OK);
    assert_host(&m, 32);
    stop(&m);
    assert_host(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_memory(&m, DESTINATION, 0xa5, 16 * PAGE);
    resume(&m);

    /* A page that left meanwhile is missed when it is needed. */
    host_say(&m, "balloon %" PRIu64 " 1", GFN(SOURCE) + 2);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_NO_MEMORY);
    assert_fault(&m, 0, SOURCE + 2 * PAGE);
    assert_host(&m, 0);
    machine_quit(&m);
}

/* "completed", "active" and so on; and how much of RAM has gone. */
static char *migration_status(const Machine *m, uint64_t *transferred)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'query-migrate'}");
    QDict *info = qdict_get_qdict(rsp, "return");
    char *status = g_strdup(qdict_get_try_str(info, "status") ?: "none");

    *transferred = qdict_haskey(info, "ram")
                   ? qdict_get_int(qdict_get_qdict(info, "ram"), "transferred")
                   : 0;
    qobject_unref(rsp);
    return status;
}

static void wait_for_migration(const Machine *m)
{
    for (int i = 0; i < 3000; i++) {
        uint64_t transferred;
        g_autofree char *status = migration_status(m, &transferred);

        if (!strcmp(status, "completed")) {
            return;
        }
        g_assert_cmpstr(status, !=, "failed");
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void set_bandwidth(const Machine *m, int64_t bandwidth)
{
    qtest_qmp_assert_success(m->qts, "{'execute': 'migrate-set-parameters', "
                             "'arguments': {'max-bandwidth': %" PRId64 "}}",
                             bandwidth);
}

/* Stop the machine, and wait for a word before the devices are saved. */
static void set_pause(const Machine *m, bool pause)
{
    qtest_qmp_assert_success(m->qts, "{'execute': "
                             "'migrate-set-capabilities', 'arguments': "
                             "{'capabilities': [{'capability': "
                             "'pause-before-switchover', 'state': %i}]}}",
                             pause);
}

/* Without an end of QEMU if it fails. */
static void load(const Machine *m, const char *file)
{
    g_autofree char *uri = g_strdup_printf("file:%s", file);

    qtest_qmp_assert_success(m->qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s, 'exit-on-error': "
                             "false}}", uri);
}

static Machine start_incoming(const char *uri)
{
    Machine m = machine_start_with("-machine pc,acpi=off -incoming defer", "",
                                   SLOW, NULL);

    qtest_qmp_assert_success(m.qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    wait_for_migration(&m);
    return m;
}

/*
 * The hardware writes to a page that the stream has had already.  Nobody sees
 * it write; the page goes a second time because it is released.
 */
static void test_migration(void)
{
    g_autofree char *file = temporary_file();
    g_autofree char *uri = g_strdup_printf("file:%s", file);
    Machine m = machine_start("", SLOW, NULL);
    uint64_t transferred = 0;
    Machine target;

    memory_fill(&m, SOURCE, 0xa5, PAGE);
    for (uint64_t page = 0; page < 2560; page++) {
        memory_fill(&m, 0x400000 + page * PAGE, page % 255 + 1, 1);
    }
    engine_arm(&m, 0, SOURCE, DESTINATION, PAGE);
    set_bandwidth(&m, 4 * 1024 * 1024);
    assert_ok(try_migrate(&m, uri));
    while (transferred < 2 * 1024 * 1024) {
        g_autofree char *status = migration_status(&m, &transferred);

        g_assert_cmpstr(status, !=, "completed");
        g_usleep(10000);
    }
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_host(&m, 2);
    set_bandwidth(&m, INT64_MAX);
    wait_for_migration(&m);
    assert_host(&m, 0);
    machine_quit(&m);

    target = start_incoming(uri);
    assert_host(&target, 0);
    assert_engine(&target, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    g_assert_cmpuint(engine_get(&target, 0, XEN_COPY_ENGINE_COPIES), ==, 1);
    assert_memory(&target, DESTINATION, 0xa5, PAGE);
    engine_command(&target, 0, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(&target, 0);
    assert_engine(&target, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_host(&target, 2);
    machine_quit(&target);
    g_unlink(file);
}

/* As libxl does it: stop, then save the devices' state. */
static void test_save_refused(void)
{
    g_autofree char *file = temporary_file();
    Machine m = machine_start("", SLOW, NULL);

    hold_a_write(&m);
    stop(&m);
    assert_host(&m, 2);
    assert_error(try_save(&m, file), "saving Xen device state failed");
    assert_said(&m, "xen-copy-engine 'ce0': its hardware has not stopped and "
                "still uses guest memory; its state cannot be saved");
    host_set_flag(&m, "hold", false);
    assert_ok(try_save(&m, file));
    assert_host(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_ABORTED);
    resume(&m);
    machine_quit(&m);
    g_unlink(file);
}

static void wait_for_status(const Machine *m, const char *wanted)
{
    for (int i = 0; i < 3000; i++) {
        uint64_t transferred;
        g_autofree char *status = migration_status(m, &transferred);

        if (!strcmp(status, wanted)) {
            return;
        }
        g_assert_cmpstr(status, !=, "completed");
        g_usleep(10000);
    }
    g_assert_not_reached();
}

/*
 * The hardware stops when the machine has stopped, and too late: memory goes
 * before the devices.
 */
static void test_migration_late_stop(void)
{
    g_autofree char *file = temporary_file();
    g_autofree char *uri = g_strdup_printf("file:%s", file);
    Machine m = machine_start("", SLOW, NULL);
    Machine target;

    hold_a_write(&m);
    set_pause(&m, true);
    assert_ok(try_migrate(&m, uri));
    wait_for_status(&m, "pre-switchover");
    assert_engine(&m, 0, XEN_COPY_ENGINE_STOPPING, XEN_COPY_ENGINE_ABORTED);
    host_set_flag(&m, "hold", false);
    assert_memory(&m, DESTINATION, 0xa5, PAGE);
    assert_host(&m, 2);
    qtest_qmp_assert_success(m.qts, "{'execute': 'migrate-continue', "
                             "'arguments': {'state': 'pre-switchover'}}");
    wait_for_status(&m, "failed");
    assert_said(&m, "xen-copy-engine 'ce0': its hardware stopped after the "
                "guest's memory had been saved; its state cannot be saved "
                "this time");
    assert_host(&m, 0);

    /* The guest goes on, and the next attempt has what was written. */
    assert_running(&m, true);
    set_pause(&m, false);
    assert_ok(try_migrate(&m, uri));
    wait_for_migration(&m);
    machine_quit(&m);
    target = start_incoming(uri);
    assert_engine(&target, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_ABORTED);
    assert_memory(&target, DESTINATION, 0xa5, PAGE);
    machine_quit(&target);
    g_unlink(file);
}

/* Who cannot stop is known before a migration begins. */
static void test_migration_refused(void)
{
    g_autofree char *file = temporary_file();
    g_autofree char *uri = g_strdup_printf("file:%s", file);
    Machine m = machine_start("", SLOW ",quiesce-ms=50", NULL);

    hold_a_write(&m);
    host_say(&m, "balloon %" PRIu64 " 1", GFN(DESTINATION));
    qtest_clock_step(m.qts, (QUIESCE_MS + 1) * MS_NS);
    assert_error(try_migrate(&m, uri), "xen-copy-engine 'ce0': its hardware "
                 "has not stopped its DMA to guest memory");
    host_set_flag(&m, "hold", false);
    machine_step(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FAILED, XEN_COPY_ENGINE_INVALIDATED);
    assert_ok(try_migrate(&m, uri));
    wait_for_migration(&m);
    machine_quit(&m);
    g_unlink(file);
}

/* --- loading a state --- */

#define ASIDE 0x40000
#define INCOMING "-machine pc,acpi=off -incoming defer"

static void migrate_to_file(const Machine *m, const char *file)
{
    g_autofree char *uri = g_strdup_printf("file:%s", file);

    assert_ok(try_migrate(m, uri));
    wait_for_migration(m);
}

/* The stream of a machine whose engine is armed for 2 pages. */
static void save_armed(const char *file)
{
    Machine m = machine_start("", SLOW, NULL);

    engine_arm(&m, 0, SOURCE, DESTINATION, 2 * PAGE);
    migrate_to_file(&m, file);
    machine_quit(&m);
}

/* What is mapped when a state comes is not for that state's copy. */
static void test_load_instead(void)
{
    g_autofree char *file = temporary_file();
    Machine m;

    save_armed(file);
    m = machine_start_with(INCOMING, "", SLOW, NULL);
    engine_arm(&m, 0, SOURCE + ASIDE, DESTINATION + ASIDE, PAGE);
    assert_host(&m, 2);
    load(&m, file);
    wait_for_migration(&m);
    assert_host(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
    memory_fill(&m, SOURCE, 0xa5, 2 * PAGE);
    engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_memory(&m, DESTINATION, 0xa5, 2 * PAGE);
    assert_memory(&m, DESTINATION + ASIDE, 0, PAGE);
    assert_host(&m, 4);
    machine_quit(&m);
    g_unlink(file);
}

#define DIRECTION_BYTES 32

static void arm_direction(const Machine *m, uint32_t direction)
{
    engine_set(m, 0, XEN_COPY_ENGINE_SOURCE, SOURCE);
    engine_set(m, 0, XEN_COPY_ENGINE_DESTINATION, DESTINATION);
    engine_set(m, 0, XEN_COPY_ENGINE_LENGTH, DIRECTION_BYTES);
    engine_set(m, 0, XEN_COPY_ENGINE_DIRECTION, direction);
    engine_command(m, 0, XEN_COPY_ENGINE_ARM);
    assert_engine(m, 0, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
}

static void finish_armed(const Machine *m)
{
    engine_command(m, 0, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(m, 0);
    assert_engine(m, 0, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
}

/*
 * Armed for a direction when it is saved, and triggered where it is loaded.  A
 * READ is armed after a COPY that was disarmed between its two ends; a WRITE
 * has something in the buffer.
 */
static void test_load_direction(gconstpointer opaque)
{
    uint32_t direction = GPOINTER_TO_UINT(opaque);
    g_autofree char *file = temporary_file();
    Machine m = machine_start("", SLOW, NULL);

    memory_fill(&m, SOURCE, 0xa5, DIRECTION_BYTES);
    if (direction == XEN_COPY_ENGINE_READ) {
        engine_arm(&m, 0, SOURCE, DESTINATION, 2 * PAGE);
        engine_command(&m, 0, XEN_COPY_ENGINE_TRIGGER);
        machine_step(&m);
        engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    } else if (direction == XEN_COPY_ENGINE_WRITE) {
        arm_direction(&m, XEN_COPY_ENGINE_READ);
        finish_armed(&m);
        engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    }
    arm_direction(&m, direction);
    migrate_to_file(&m, file);
    machine_quit(&m);

    m = machine_start_with(INCOMING, "", SLOW, NULL);
    load(&m, file);
    wait_for_migration(&m);
    assert_engine(&m, 0, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
    finish_armed(&m);
    if (direction == XEN_COPY_ENGINE_READ) {
        engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
        arm_direction(&m, XEN_COPY_ENGINE_WRITE);
        finish_armed(&m);
    }
    assert_memory(&m, DESTINATION, 0xa5, DIRECTION_BYTES);
    assert_memory(&m, DESTINATION + DIRECTION_BYTES, 0, DIRECTION_BYTES);
    machine_quit(&m);
    g_unlink(file);
}

/* Wait for the job "job"; the error's text, or NULL. */
static char *finish_job(const Machine *m)
{
    for (int i = 0; i < 3000; i++) {
        QDict *rsp = qtest_qmp(m->qts, "{'execute': 'query-jobs'}");
        QDict *job = qobject_to(QDict, qlist_peek(qdict_get_qlist(rsp,
                                                                  "return")));
        bool concluded = !strcmp(qdict_get_str(job, "status"), "concluded");
        char *error = g_strdup(qdict_get_try_str(job, "error"));

        qobject_unref(rsp);
        if (concluded) {
            qtest_qmp_assert_success(m->qts, "{'execute': 'job-dismiss', "
                                     "'arguments': {'id': 'job'}}");
            return error;
        }
        g_free(error);
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static char *snapshot(const Machine *m, const char *command)
{
    qtest_qmp_assert_success(m->qts, "{'execute': %s, 'arguments': {'job-id': "
                             "'job', 'tag': 'armed', 'vmstate': 'disk', "
                             "'devices': ['disk']}}", command);
    return finish_job(m);
}

/* With a disk that can have snapshots. */
static Machine start_with_disk(const char *file)
{
    g_autofree char *options = g_strdup_printf(
        "-machine pc,acpi=off -blockdev driver=file,node-name=file,"
        "filename=%s", file);
    Machine m = machine_start_with(options, "", SLOW, NULL);

    qtest_qmp_assert_success(m.qts, "{'execute': 'blockdev-create', "
                             "'arguments': {'job-id': 'job', 'options': "
                             "{'driver': 'qcow2', 'file': 'file', "
                             "'size': 65536}}}");
    assert_ok(finish_job(&m));
    qtest_qmp_assert_success(m.qts, "{'execute': 'blockdev-add', 'arguments': "
                             "{'driver': 'qcow2', 'node-name': 'disk', "
                             "'file': 'file'}}");
    return m;
}

/* Hardware that works still cannot get another job. */
static void test_load_held(void)
{
    g_autofree char *file = temporary_file();
    Machine m = start_with_disk(file);

    engine_arm(&m, 0, SOURCE, DESTINATION, 2 * PAGE);
    assert_ok(snapshot(&m, "snapshot-save"));
    engine_command(&m, 0, XEN_COPY_ENGINE_DISARM);
    hold_a_write(&m);
    g_free(snapshot(&m, "snapshot-load"));
    assert_said(&m, "ce0: its hardware has not stopped; no state can be "
                "loaded");
    assert_host(&m, 2);
    host_set_flag(&m, "hold", false);
    assert_ok(snapshot(&m, "snapshot-load"));
    assert_host(&m, 0);
    assert_engine(&m, 0, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
    machine_quit(&m);
    g_unlink(file);
}

/* Where the registers are in a stream, which begin with both addresses. */
static char *find_registers(char *stream, size_t size)
{
    uint64_t addresses[] = { cpu_to_be64(SOURCE), cpu_to_be64(DESTINATION) };
    char *found = memmem(stream, size, addresses, sizeof(addresses));

    g_assert_nonnull(found);
    return found;
}

/* A state that cannot be, or ends early, is refused and has no effect. */
static void test_load_bad(void)
{
    enum { LENGTH = 24, DIRECTION = 28, STATUS = 32, DONE = 40, END = 56 };
    static const struct {
        struct {
            unsigned offset;
            uint32_t value;
        } changes[4];
        unsigned cut;               /* what is left; 0: all */
    } bad[] = {
        { { { LENGTH, 0 } } },
        { { { LENGTH, XEN_COPY_ENGINE_LENGTH_MAX + 1 } } },
        { { { DIRECTION, XEN_COPY_ENGINE_WRITE + 1 } } },
        { { { DIRECTION, XEN_COPY_ENGINE_READ },
            { LENGTH, XEN_COPY_ENGINE_BUFFER + 1 } } },
        { { { DIRECTION, XEN_COPY_ENGINE_READ }, { LENGTH, 8 }, { END, 1 },
            { STATUS, XEN_COPY_ENGINE_RUNNING } } },
        { { { DIRECTION, XEN_COPY_ENGINE_WRITE }, { LENGTH, 8 },
            { STATUS, XEN_COPY_ENGINE_RUNNING } } },
        { { { DONE, 2 * PAGE + 1 } } },
        { { { END, 2 } } },
        { { { STATUS, XEN_COPY_ENGINE_STOPPING } } },
        { { { STATUS, XEN_COPY_ENGINE_STOPPING + 1 } } },
        { { { DIRECTION, XEN_COPY_ENGINE_READ },
            { LENGTH, XEN_COPY_ENGINE_LENGTH_MAX } }, STATUS + 4 },
    };
    g_autofree char *file = temporary_file();
    g_autofree char *stream = NULL;
    size_t size;

    save_armed(file);
    g_assert_true(g_file_get_contents(file, &stream, &size, NULL));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *broken = g_memdup2(stream, size);
        char *registers = find_registers(broken, size);
        size_t left = bad[i].cut ? registers - broken + bad[i].cut : size;
        Machine m;

        for (unsigned n = 0; n < ARRAY_SIZE(bad[i].changes) &&
                             bad[i].changes[n].offset; n++) {
            stl_be_p(registers + bad[i].changes[n].offset,
                     bad[i].changes[n].value);
        }
        g_assert_true(g_file_set_contents(file, broken, left, NULL));
        m = machine_start_with(INCOMING, "", SLOW, NULL);
        load(&m, file);
        wait_for_status(&m, "failed");
        if (!bad[i].cut) {
            assert_said(&m, "ce0: the state that came does not make sense");
        }
        assert_engine(&m, 0, XEN_COPY_ENGINE_IDLE, XEN_COPY_ENGINE_OK);
        assert_host(&m, 0);
        machine_quit(&m);
    }
    g_unlink(file);
}

/* --- options --- */

static void test_options(void)
{
    static const struct {
        const char *options;
        const char *wanted;
    } bad[] = {
        { "xen-copy-engine,engine=steam",
          "engine='steam' is not one of cpu, emulated" },
        { "xen-copy-engine,engine=emulated",
          "engine=emulated works with bus addresses: it needs pv-iommu=on" },
        { "xen-copy-engine,step=0", "step=0 is not from 1 to 256" },
        { "xen-copy-engine,step=257", "step=257 is not from 1 to 256" },
        { ENGINE ",rdm-policy=lax",
          "rdm-policy='lax' is neither strict nor relaxed" },
        { ENGINE ",pv-iommu-mode=guess",
          "pv-iommu-mode='guess' is none of any, lookup, map" },
        { ENGINE ",dma-bits=12", "dma-bits=12 is not from 13 to 64" },
        { ENGINE ",dma-bits=65", "dma-bits=65 is not from 13 to 64" },
        { ENGINE ",quiesce-ms=60001", "quiesce-ms=60001 is above 60000" },
        { "xen-pv-iommu-emulated", "there is a 'xen-pv-iommu-emulated' "
          "already, one device model has one" },
    };
    static const char *const good[] = {
        ENGINE ",step=1,dma-bits=13",
        ENGINE ",step=256,dma-bits=64,quiesce-ms=60000",
        ENGINE ",quiesce-ms=0",
    };
    g_autofree char *err = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *options =
            g_strdup_printf("-device xen-pv-iommu-emulated -device %s",
                            bad[i].options);

        assert_error(run_to_failure(options), bad[i].wanted);
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        Machine m = machine_start("", good[i], NULL);

        machine_quit(&m);
    }
    assert_error(run_to_failure("-device xen-pv-iommu-emulated,host=moon"),
                 "host='moon' is not one of none, direct, identity, mapped");
    assert_error(run_to_failure("-device xen-pv-iommu-emulated,reserved=1-2"),
                 "reserved='1-2' is not START+FRAMES@SBDF");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* What QEMU frees does not stay by chance what it was. */
    g_setenv("MALLOC_PERTURB_", "90", false);
    qtest_add_func("xen-pv-iommu/references", test_references);
    qtest_add_func("xen-pv-iommu/batches", test_batches);
    qtest_add_func("xen-pv-iommu/scatter", test_scatter);
    qtest_add_func("xen-pv-iommu/partial", test_partial);
    qtest_add_func("xen-pv-iommu/failed-unmap", test_failed_unmap);
    qtest_add_func("xen-pv-iommu/domain-gone", test_domain_gone);
    qtest_add_func("xen-pv-iommu/dma-bits", test_dma_bits);
    qtest_add_func("xen-pv-iommu/read-only", test_read_only);
    qtest_add_func("xen-pv-iommu/none", test_none);
    qtest_add_func("xen-pv-iommu/direct", test_direct);
    qtest_add_func("xen-pv-iommu/identity", test_identity);
    qtest_add_func("xen-pv-iommu/mode", test_mode);
    qtest_add_func("xen-pv-iommu/balloon", test_balloon);
    qtest_add_func("xen-pv-iommu/overdue", test_overdue);
    qtest_add_func("xen-pv-iommu/report-limit", test_report_limit);
    qtest_add_data_func("xen-pv-iommu/shared/map", ENGINE, test_shared);
    qtest_add_data_func("xen-pv-iommu/shared/lookup",
                        ENGINE ",pv-iommu-mode=lookup", test_shared);
    qtest_add_data_func("xen-pv-iommu/same-page/map", ENGINE, test_same_page);
    qtest_add_data_func("xen-pv-iommu/same-page/lookup",
                        ENGINE ",pv-iommu-mode=lookup", test_same_page);
    qtest_add_func("xen-pv-iommu/alias", test_alias);
    qtest_add_func("xen-pv-iommu/remap", test_remap);
    qtest_add_func("xen-pv-iommu/stale", test_stale);
    qtest_add_func("xen-pv-iommu/ways", test_ways);
    qtest_add_func("xen-pv-iommu/hostile", test_hostile);
    qtest_add_func("xen-pv-iommu/nobody", test_nobody);
    qtest_add_func("xen-pv-iommu/thread", test_thread);
    qtest_add_func("xen-pv-iommu/strict", test_strict);
    qtest_add_func("xen-pv-iommu/relaxed", test_relaxed);
    qtest_add_func("xen-pv-iommu/chosen", test_chosen);
    qtest_add_func("xen-pv-iommu/placement", test_placement);
    qtest_add_func("xen-pv-iommu/placement-display", test_placement_display);
    qtest_add_func("xen-pv-iommu/survey", test_survey);
    qtest_add_func("xen-pv-iommu/survey-display", test_survey_display);
    qtest_add_func("xen-pv-iommu/survey-interrupts", test_survey_interrupts);
    qtest_add_func("xen-pv-iommu/unplug", test_unplug);
    qtest_add_func("xen-pv-iommu/unplug-held", test_unplug_held);
    qtest_add_func("xen-pv-iommu/reset", test_reset);
    qtest_add_func("xen-pv-iommu/drain", test_drain);
    qtest_add_func("xen-pv-iommu/migration", test_migration);
    qtest_add_func("xen-pv-iommu/save-refused", test_save_refused);
    qtest_add_func("xen-pv-iommu/migration-refused", test_migration_refused);
    qtest_add_func("xen-pv-iommu/migration-late-stop",
                   test_migration_late_stop);
    qtest_add_func("xen-pv-iommu/load-instead", test_load_instead);
    qtest_add_data_func("xen-pv-iommu/load-armed/copy",
                        GUINT_TO_POINTER(XEN_COPY_ENGINE_COPY),
                        test_load_direction);
    qtest_add_data_func("xen-pv-iommu/load-armed/read",
                        GUINT_TO_POINTER(XEN_COPY_ENGINE_READ),
                        test_load_direction);
    qtest_add_data_func("xen-pv-iommu/load-armed/write",
                        GUINT_TO_POINTER(XEN_COPY_ENGINE_WRITE),
                        test_load_direction);
    qtest_add_func("xen-pv-iommu/load-held", test_load_held);
    qtest_add_func("xen-pv-iommu/load-bad", test_load_bad);
    qtest_add_func("xen-pv-iommu/options", test_options);
    return g_test_run();
}
