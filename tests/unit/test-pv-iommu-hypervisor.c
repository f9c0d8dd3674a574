/*
 * PV IOMMU: the model of a hypervisor answers as it says
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "hw/xen/pv-iommu-hypervisor.h"
#include "hw/xen/pv-iommu-reserved.h"
#include "hypervisor-internal.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XenPvIommuHypervisor,
                              xen_pv_iommu_hypervisor_free)

#define GUEST 1
#define SERVER 5
#define FRAMES 4096
#define OFFSET UINT64_C(0x3e00000)

/* A chosen BFN: above the 1:1 map. */
#define BFN UINT64_C(0x100000)

static const XenPvIommuOps *const hv = &xen_pv_iommu_hypervisor_ops;

/* What an ioreq server has heard. */
typedef struct Heard {
    unsigned buffered;
    unsigned synchronous;
    unsigned type;
    unsigned size;
    uint64_t data;
    bool full;                      /* the ring is */
} Heard;

static bool hear(unsigned type, unsigned size, uint64_t data, bool buffered,
                 void *opaque)
{
    Heard *heard = opaque;

    if (buffered && heard->full) {
        return false;
    }
    heard->buffered += buffered;
    heard->synchronous += !buffered;
    heard->type = type;
    heard->size = size;
    heard->data = data;
    return true;
}

/* A host with one guest of 64 pages at gfn 0, and its device model. */
static XenPvIommuHypervisor *new_host(XenPvIommuHost host, Heard *heard)
{
    XenPvIommuHypervisor *model =
        xen_pv_iommu_hypervisor_new(host, FRAMES, OFFSET);

    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, GUEST), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_ioserver(
                        model, GUEST, SERVER, hear, heard), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(model, GUEST, 0, 64),
                    ==, 0);
    return model;
}

static void check(XenPvIommuHypervisor *model)
{
    g_autofree char *wrong = xen_pv_iommu_hypervisor_check(model);

    g_assert_cmpstr(wrong, ==, NULL);
}

/* One operation in a call of its own; its status. */
static int submit(XenPvIommuHypervisor *model, XenPvIommuOp *op)
{
    g_assert_cmpint(hv->submit(model, op, 1), ==, 0);
    return op->status;
}

static XenPvIommuOp foreign_op(uint16_t subop, uint64_t bfn, uint64_t gfn,
                               uint16_t flags)
{
    return (XenPvIommuOp) {
        .subop = subop,
        .flags = flags,
        .status = 1,
        .u.foreign_page = {
            .bfn = bfn,
            .gfn = gfn,
            .domid = GUEST,
            .ioserver = SERVER,
        },
    };
}

static int map(XenPvIommuHypervisor *model, uint64_t bfn, uint64_t gfn)
{
    XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, bfn, gfn,
                                 XEN_PV_IOMMU_READ_WRITE);

    return submit(model, &op);
}

static int lookup(XenPvIommuHypervisor *model, uint64_t gfn, uint64_t *bfn)
{
    XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 0, gfn,
                                 XEN_PV_IOMMU_OP_WRITEABLE);
    int status = submit(model, &op);

    *bfn = op.u.foreign_page.bfn;
    return status;
}

static int unmap_as(XenPvIommuHypervisor *model, uint64_t bfn,
                    uint16_t ioserver)
{
    XenPvIommuOp op = {
        .subop = XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE,
        .status = 1,
        .u.unmap_foreign_page = { .bfn = bfn, .ioserver = ioserver },
    };

    return submit(model, &op);
}

static int unmap(XenPvIommuHypervisor *model, uint64_t bfn)
{
    return unmap_as(model, bfn, SERVER);
}

static uint64_t frame(XenPvIommuHypervisor *model, uint64_t gfn)
{
    return xen_pv_iommu_hypervisor_frame(model, GUEST, 0, gfn);
}

static uint64_t references(XenPvIommuHypervisor *model)
{
    return xen_pv_iommu_hypervisor_counters(model).references;
}

static uint64_t flushes(XenPvIommuHypervisor *model)
{
    return xen_pv_iommu_hypervisor_counters(model).flushes;
}

/* --- any host --- */

static void test_caps(void)
{
    static const struct {
        XenPvIommuHost host;
        uint16_t flags;
        uint64_t offset;
    } hosts[] = {
        { XEN_PV_IOMMU_HOST_DIRECT, 0, 0 },
        { XEN_PV_IOMMU_HOST_IDENTITY,
          XEN_PV_IOMMU_CAP_MAP | XEN_PV_IOMMU_CAP_ALL_MFNS, OFFSET },
        { XEN_PV_IOMMU_HOST_MAPPED, XEN_PV_IOMMU_CAP_MAP, 0 },
    };
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autoptr(XenPvIommuHypervisor) model = new_host(hosts[i].host, NULL);
        XenPvIommuOp op = { .subop = XEN_PV_IOMMU_QUERY_CAPS };

        g_assert_cmpint(submit(model, &op), ==, 0);
        g_assert_cmpuint(op.flags, ==, hosts[i].flags);
        g_assert_cmpuint(op.u.query_caps.offset, ==, hosts[i].offset);
    }
}

static void test_none(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_NONE, NULL);
    XenPvIommuOp op = { .subop = XEN_PV_IOMMU_QUERY_CAPS };

    g_assert_cmpint(hv->submit(model, &op, 1), ==, -ENOSYS);
    g_assert_cmpint(hv->reserved_regions(model, NULL, NULL), ==, -ENOSYS);
}

static void test_batch_limits(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp ops[XEN_PV_IOMMU_BATCH + 1] = { 0 };

    g_assert_cmpint(hv->submit(model, ops, 0), ==, -EINVAL);
    g_assert_cmpint(hv->submit(model, ops, XEN_PV_IOMMU_BATCH + 1),
                    ==, -EINVAL);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).calls, ==, 0);
    g_assert_cmpint(hv->submit(model, ops, XEN_PV_IOMMU_BATCH), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).calls, ==, 1);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).operations,
                     ==, XEN_PV_IOMMU_BATCH);
    g_assert_cmpint(ops[XEN_PV_IOMMU_BATCH - 1].status, ==, -ENODEV);
}

static void test_unknown_operation(void)
{
    static const uint16_t subops[] = { 0, 7, UINT16_MAX };
    XenPvIommuHost host;
    unsigned i;

    for (host = XEN_PV_IOMMU_HOST_DIRECT; host <= XEN_PV_IOMMU_HOST_MAPPED;
         host++) {
        g_autoptr(XenPvIommuHypervisor) model = new_host(host, NULL);

        for (i = 0; i < G_N_ELEMENTS(subops); i++) {
            XenPvIommuOp op = { .subop = subops[i] };

            g_assert_cmpint(submit(model, &op), ==, -ENODEV);
        }
    }
}

/* Whose domain, in any server: those that can be asked about are guests. */
static void test_domains(void)
{
    static const struct {
        uint16_t domid;
        int status;
    } cases[] = {
        { 0, -EPERM },
        { XEN_PV_IOMMU_DOMID_SELF, -EPERM },
        { 2, -EPERM },                      /* paravirtualized */
        { 3, -ENXIO },                      /* does not exist */
        { UINT16_MAX, -ENXIO },
    };
    XenPvIommuHost host;
    unsigned i;

    for (host = XEN_PV_IOMMU_HOST_DIRECT; host <= XEN_PV_IOMMU_HOST_MAPPED;
         host++) {
        g_autoptr(XenPvIommuHypervisor) model = new_host(host, NULL);

        xen_pv_iommu_hypervisor_add_domain(model, 2);
        g_assert_cmpint(xen_pv_iommu_hypervisor_set_pv(model, 2), ==, 0);
        g_assert_cmpint(xen_pv_iommu_hypervisor_set_pv(model, 3), ==, -ENOENT);
        for (i = 0; i < G_N_ELEMENTS(cases); i++) {
            XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 0,
                                         0, XEN_PV_IOMMU_OP_WRITEABLE);

            op.u.foreign_page.domid = cases[i].domid;
            g_assert_cmpint(submit(model, &op), ==, cases[i].status);
        }
        g_assert_cmpuint(references(model), ==, 0);
    }
}

static void test_no_page(void)
{
    XenPvIommuHost host;
    uint64_t bfn;

    for (host = XEN_PV_IOMMU_HOST_DIRECT; host <= XEN_PV_IOMMU_HOST_MAPPED;
         host++) {
        g_autoptr(XenPvIommuHypervisor) model = new_host(host, NULL);

        g_assert_cmpint(lookup(model, 64, &bfn), ==, -ENXIO);
        g_assert_cmpint(lookup(model, UINT64_MAX, &bfn), ==, -ENXIO);
        g_assert_cmpint(lookup(model, 63, &bfn), ==, 0);
    }
}

static void test_new_domains(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);

    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, 0),
                    ==, -EEXIST);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, GUEST),
                    ==, -EEXIST);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, 0x7fef),
                    ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, 0x7ff0),
                    ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(model, 7),
                    ==, -ENOENT);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_ioserver(
                        model, 7, SERVER, NULL, NULL), ==, -ENOENT);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_ioserver(
                        model, GUEST, SERVER, NULL, NULL), ==, -EEXIST);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_ioserver(
                        model, GUEST, SERVER + 1), ==, -ENOENT);
}

/* --- memory --- */

static void test_populate(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    uint64_t left = FRAMES - 64;

    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(model, 7, 100, 1),
                    ==, -ENOENT);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(model, GUEST, 63, 2),
                    ==, -EEXIST);
    g_assert_cmpuint(frame(model, 64), ==, XEN_PV_IOMMU_NO_FRAME);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(model, GUEST, 100,
                                                     left + 1), ==, -ENOMEM);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                        model, GUEST, XEN_PV_IOMMU_FRAME_END, 1),
                    ==, -EINVAL);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(
                        model, GUEST, XEN_PV_IOMMU_FRAME_END - 1, 1), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(model, GUEST, 100,
                                                     left - 1), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remap(model, GUEST, 0),
                    ==, -ENOMEM);
    check(model);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(model, GUEST, 60, 8),
                     ==, 4);
    check(model);
}

/* Frames that follow each other make long runs, scattered ones none. */
static void test_scatter(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        xen_pv_iommu_hypervisor_new(XEN_PV_IOMMU_HOST_DIRECT, 1024, 0);
    uint64_t gfn;

    xen_pv_iommu_hypervisor_add_domain(model, GUEST);
    xen_pv_iommu_hypervisor_populate(model, GUEST, 0, 512);
    for (gfn = 1; gfn < 512; gfn++) {
        g_assert_cmpuint(frame(model, gfn), ==, frame(model, gfn - 1) + 1);
    }
    /* What a balloon gives back is in order again. */
    xen_pv_iommu_hypervisor_balloon(model, GUEST, 100, 50);
    xen_pv_iommu_hypervisor_populate(model, GUEST, 100, 50);
    for (gfn = 101; gfn < 150; gfn++) {
        g_assert_cmpuint(frame(model, gfn), ==, frame(model, gfn - 1) + 1);
    }
    xen_pv_iommu_hypervisor_balloon(model, GUEST, 0, 512);
    xen_pv_iommu_hypervisor_set_scatter(model, true);
    for (gfn = 0; gfn < 1000; gfn += 10) {
        xen_pv_iommu_hypervisor_populate(model, GUEST, gfn, 10);
    }
    for (gfn = 1; gfn < 1000; gfn++) {
        g_assert_cmpuint(frame(model, gfn), !=, frame(model, gfn - 1) + 1);
    }
    check(model);
}

/* Nothing is where interrupts go, although the host has RAM above. */
static void test_interrupt_window(void)
{
    uint64_t frames = XEN_PV_IOMMU_MSI_BFN + XEN_PV_IOMMU_MSI_FRAMES + 8;
    uint64_t pages = frames - XEN_PV_IOMMU_MSI_FRAMES;
    g_autoptr(XenPvIommuHypervisor) model =
        xen_pv_iommu_hypervisor_new(XEN_PV_IOMMU_HOST_DIRECT, frames, 0);
    uint64_t mfn;
    uint64_t gfn;
    uint16_t domid;

    xen_pv_iommu_hypervisor_add_domain(model, GUEST);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(model, GUEST, 0,
                                                     pages + 1), ==, -ENOMEM);
    g_assert_cmpint(xen_pv_iommu_hypervisor_populate(model, GUEST, 0, pages),
                    ==, 0);
    g_assert_cmpuint(frame(model, XEN_PV_IOMMU_MSI_BFN - 1), ==,
                     XEN_PV_IOMMU_MSI_BFN - 1);
    g_assert_cmpuint(frame(model, XEN_PV_IOMMU_MSI_BFN), ==,
                     XEN_PV_IOMMU_MSI_BFN + XEN_PV_IOMMU_MSI_FRAMES);
    g_assert_false(xen_pv_iommu_hypervisor_translate(
                       model, XEN_PV_IOMMU_MSI_BFN, XEN_PV_IOMMU_READ, &mfn));
    g_assert_false(xen_pv_iommu_hypervisor_home(model, XEN_PV_IOMMU_MSI_BFN,
                                                &domid, &gfn));
    g_assert_cmpint(unmap(model, XEN_PV_IOMMU_MSI_BFN), ==, -ENOENT);
    check(model);
}

static void test_home(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    uint64_t mfn = frame(model, 7);
    uint16_t domid;
    uint64_t gfn;

    g_assert_true(xen_pv_iommu_hypervisor_home(model, mfn, &domid, &gfn));
    g_assert_cmpuint(domid, ==, GUEST);
    g_assert_cmpuint(gfn, ==, 7);
    g_assert_false(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    xen_pv_iommu_hypervisor_balloon(model, GUEST, 7, 1);
    g_assert_false(xen_pv_iommu_hypervisor_home(model, mfn, &domid, &gfn));
    g_assert_true(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    g_assert_false(xen_pv_iommu_hypervisor_home(model, FRAMES, &domid, &gfn));
    g_assert_false(xen_pv_iommu_hypervisor_free_frame(model, FRAMES));
}

/* --- XenServer's server --- */

static void test_direct(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_DIRECT, NULL);
    uint64_t mfn = frame(model, 3);
    uint64_t bfn;
    uint64_t reached;

    g_assert_cmpint(map(model, BFN, 3), ==, -EPERM);
    g_assert_cmpint(lookup(model, 3, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, mfn);
    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      model, bfn, XEN_PV_IOMMU_READ_WRITE, &reached));
    g_assert_cmpuint(reached, ==, mfn);
    g_assert_cmpint(unmap(model, bfn), ==, 0);
    g_assert_cmpint(unmap(model, FRAMES), ==, -ENOENT);
    g_assert_cmpint(hv->reserved_regions(model, NULL, NULL), ==, -ENOSYS);
    g_assert_cmpuint(flushes(model), ==, 0);
}

/* One flag and one reference per page, however often it is looked up. */
static void test_identity_lookup(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, NULL);
    uint64_t mfn = frame(model, 3);
    uint64_t bfn;
    uint64_t again;
    uint64_t reached;

    g_assert_cmpint(lookup(model, 3, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, mfn + OFFSET);
    g_assert_cmpuint(references(model), ==, 1);
    g_assert_cmpint(lookup(model, 3, &again), ==, 0);
    g_assert_cmpuint(again, ==, bfn);
    g_assert_cmpuint(references(model), ==, 1);
    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      model, bfn, XEN_PV_IOMMU_READ_WRITE, &reached));
    g_assert_cmpuint(reached, ==, mfn);
    check(model);
    g_assert_cmpint(unmap(model, bfn), ==, 0);
    g_assert_cmpint(unmap(model, bfn), ==, -ENOENT);
    g_assert_cmpuint(references(model), ==, 0);
    check(model);
}

static void test_identity_unmap(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, NULL);
    uint64_t bfn;

    /* Neither below the offset nor beyond the last frame is anything. */
    g_assert_cmpint(unmap(model, OFFSET - 1), ==, -ENOENT);
    g_assert_cmpint(unmap(model, OFFSET + FRAMES), ==, -ENOENT);
    /* Another's unmap is not told from ours. */
    g_assert_cmpint(lookup(model, 3, &bfn), ==, 0);
    g_assert_cmpint(unmap_as(model, bfn, SERVER + 1), ==, 0);
    g_assert_cmpint(unmap(model, bfn), ==, -ENOENT);
}

/* The trap: a page that was looked up is "mapped" and cannot be reached. */
static void test_identity_map(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, NULL);
    uint64_t bfn;
    uint64_t mfn;

    g_assert_cmpint(map(model, BFN, 3), ==, -EPERM);
    g_assert_cmpint(lookup(model, 3, &bfn), ==, 0);
    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    g_assert_false(xen_pv_iommu_hypervisor_translate(
                       model, BFN, XEN_PV_IOMMU_READ, &mfn));
    g_assert_cmpuint(references(model), ==, 1);
    g_assert_cmpint(unmap(model, BFN), ==, -ENOENT);
}

/* No ioreq server is unknown, no reserved region refused by its own name. */
static void test_identity_unchecked(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, NULL);
    XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 0, 3, 0);

    op.u.foreign_page.ioserver = SERVER + 1;
    g_assert_cmpint(submit(model, &op), ==, 0);
    xen_pv_iommu_hypervisor_add_reserved(model, BFN, 16, 0x10);
    g_assert_cmpint(map(model, BFN, 4), ==, -EPERM);
}

/* Three of the six bits of a page order are looked at. */
static void test_identity_order(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, NULL);
    unsigned bit;

    for (bit = 0; bit < 16; bit++) {
        XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 0, 3,
                                     1 << bit);
        bool refused = bit == 10 || bit == 14 || bit == 15;

        g_assert_cmpint(submit(model, &op), ==, refused ? -ENOSPC : 0);
    }
}

static void test_identity_balloon(void)
{
    Heard heard = { 0 };
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, &heard);
    uint64_t mfn = frame(model, 3);
    uint64_t old;
    uint64_t new;

    g_assert_cmpint(lookup(model, 3, &old), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(model, GUEST, 3, 1),
                     ==, 1);
    g_assert_cmpuint(heard.buffered + heard.synchronous, ==, 0);
    g_assert_false(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    xen_pv_iommu_hypervisor_populate(model, GUEST, 3, 1);
    g_assert_cmpint(lookup(model, 3, &new), ==, 0);
    g_assert_cmpuint(new, !=, old);
    g_assert_cmpint(unmap(model, old), ==, 0);
    g_assert_true(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    g_assert_cmpint(unmap(model, new), ==, 0);
    check(model);
}

/* Destroying the guest takes the references away, whoever uses them. */
static void test_identity_domain_gone(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, NULL);
    uint64_t bfn;

    g_assert_cmpint(lookup(model, 3, &bfn), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(model, GUEST),
                    ==, 0);
    g_assert_cmpuint(references(model), ==, 0);
    g_assert_true(xen_pv_iommu_hypervisor_free_frame(model, bfn - OFFSET));
    g_assert_cmpint(unmap(model, bfn), ==, -ENOENT);
    g_assert_cmpint(lookup(model, 3, &bfn), ==, -ENXIO);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, GUEST), ==, 0);
    check(model);
}

/* --- draft B's server --- */

static void test_mapped_map(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, BFN, 3,
                                 XEN_PV_IOMMU_OP_READABLE);
    uint64_t mfn;

    g_assert_cmpint(submit(model, &op), ==, 0);
    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      model, BFN, XEN_PV_IOMMU_READ, &mfn));
    g_assert_cmpuint(mfn, ==, frame(model, 3));
    g_assert_false(xen_pv_iommu_hypervisor_translate(
                       model, BFN, XEN_PV_IOMMU_WRITE, &mfn));
    g_assert_false(xen_pv_iommu_hypervisor_translate(
                       model, BFN + 1, XEN_PV_IOMMU_READ, &mfn));
    g_assert_cmpint(unmap(model, BFN), ==, 0);
    g_assert_false(xen_pv_iommu_hypervisor_translate(
                       model, BFN, XEN_PV_IOMMU_READ, &mfn));
    g_assert_cmpint(unmap(model, BFN), ==, -ENOENT);
    check(model);
}

/* An entry for each different (BFN, domain, ioreq server). */
static void test_mapped_references(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp other = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, BFN, 3,
                                    XEN_PV_IOMMU_READ_WRITE);

    xen_pv_iommu_hypervisor_add_ioserver(model, GUEST, SERVER + 1, NULL, NULL);
    other.u.foreign_page.ioserver = SERVER + 1;

    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    g_assert_cmpuint(references(model), ==, 1);
    g_assert_cmpint(map(model, BFN + 1, 3), ==, 0);
    g_assert_cmpuint(references(model), ==, 2);
    g_assert_cmpint(submit(model, &other), ==, 0);
    g_assert_cmpuint(references(model), ==, 3);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).mapped, ==, 2);
    check(model);

    /* The BFN goes with its last entry. */
    g_assert_cmpint(unmap(model, BFN), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).mapped, ==, 2);
    g_assert_cmpint(unmap(model, BFN), ==, -ENOENT);
    g_assert_cmpint(unmap_as(model, BFN, SERVER + 1), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).mapped, ==, 1);
    g_assert_cmpint(unmap(model, BFN + 1), ==, 0);
    g_assert_cmpuint(references(model), ==, 0);
    check(model);
}

static void test_mapped_refusals(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, BFN, 3,
                                 XEN_PV_IOMMU_OP_READABLE);

    xen_pv_iommu_hypervisor_add_reserved(model, BFN + 16, 4, 0x10);
    xen_pv_iommu_hypervisor_occupy(model, BFN + 32, 2);
    g_assert_cmpint(map(model, BFN + 15, 3), ==, 0);
    g_assert_cmpint(map(model, BFN + 16, 3), ==, -EACCES);
    g_assert_cmpint(map(model, BFN + 19, 3), ==, -EACCES);
    g_assert_cmpint(map(model, BFN + 20, 3), ==, 0);
    g_assert_cmpint(map(model, BFN + 31, 3), ==, 0);
    g_assert_cmpint(map(model, BFN + 32, 3), ==, -EPERM);
    g_assert_cmpint(map(model, BFN + 33, 3), ==, -EPERM);
    g_assert_cmpint(unmap(model, BFN + 32), ==, -ENOENT);
    g_assert_cmpint(map(model, BFN + 34, 3), ==, 0);
    g_assert_cmpint(map(model, BFN + 15, 4), ==, -EPERM);
    g_assert_cmpint(map(model, XEN_PV_IOMMU_FRAME_END, 3), ==, -EINVAL);
    op.u.foreign_page.bfn = BFN + 15;
    g_assert_cmpint(submit(model, &op), ==, -EPERM);
    op.u.foreign_page.ioserver = SERVER + 1;
    g_assert_cmpint(submit(model, &op), ==, -ENODEV);
    g_assert_cmpuint(references(model), ==, 4);
    check(model);
}

static void test_mapped_flags(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp none = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, BFN, 3, 0);
    unsigned bit;

    g_assert_cmpint(submit(model, &none), ==, -EINVAL);
    for (bit = 2; bit < 16; bit++) {
        XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, BFN, 3,
                                     XEN_PV_IOMMU_OP_READABLE | 1 << bit);
        XenPvIommuOp look = op;

        look.subop = XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE;
        g_assert_cmpint(submit(model, &op), ==,
                        bit < 10 ? -EINVAL : -ENOSPC);
        g_assert_cmpint(submit(model, &look), ==,
                        bit < 10 ? -EINVAL : -ENOSPC);
    }
    g_assert_cmpuint(references(model), ==, 0);
}

/* p2m, then M2B, then 1:1, else none. */
static void test_mapped_lookup(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp hole = { .subop = XEN_PV_IOMMU_UNMAP_PAGE };
    uint64_t bfn;

    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    g_assert_cmpint(lookup(model, 3, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, BFN);
    g_assert_cmpuint(references(model), ==, 1);
    g_assert_cmpint(lookup(model, 4, &bfn), ==, 0);
    g_assert_cmpuint(bfn, ==, frame(model, 4));
    g_assert_cmpuint(references(model), ==, 2);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).mapped, ==, 1);
    check(model);
    g_assert_cmpint(unmap(model, bfn), ==, 0);

    hole.u.unmap_page.bfn = frame(model, 5);
    g_assert_cmpint(submit(model, &hole), ==, 0);
    g_assert_cmpint(submit(model, &hole), ==, -ENOENT);
    g_assert_cmpint(lookup(model, 5, &bfn), ==, -ENOENT);
    g_assert_cmpint(map(model, hole.u.unmap_page.bfn, 6), ==, 0);
    xen_pv_iommu_hypervisor_set_one_to_one(model, false);
    g_assert_cmpint(lookup(model, 4, &bfn), ==, -ENOENT);
    check(model);
}

/* Another ioreq server's BFN is told, and an entry made. */
static void test_mapped_lookup_other(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_LOOKUP_FOREIGN_PAGE, 0, 3, 0);
    uint64_t mfn;

    xen_pv_iommu_hypervisor_add_ioserver(model, GUEST, SERVER + 1, NULL, NULL);
    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    op.u.foreign_page.ioserver = SERVER + 1;
    g_assert_cmpint(submit(model, &op), ==, 0);
    g_assert_cmpuint(op.u.foreign_page.bfn, ==, BFN);
    g_assert_cmpuint(references(model), ==, 2);
    g_assert_cmpint(unmap(model, BFN), ==, 0);
    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      model, BFN, XEN_PV_IOMMU_READ, &mfn));
    check(model);
}

static void test_mapped_balloon(void)
{
    Heard heard = { 0 };
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, &heard);
    uint64_t mfn = frame(model, 3);
    uint64_t reached;

    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_balloon(model, GUEST, 0, 8),
                     ==, 8);
    g_assert_cmpuint(heard.buffered, ==, 1);
    g_assert_cmpuint(heard.data, ==, BFN);
    g_assert_cmpuint(heard.type, ==, XEN_PV_IOMMU_IOREQ_INVALIDATE);
    g_assert_cmpuint(heard.size, ==, 8);
    /* Not torn down: hardware may be writing. */
    g_assert_true(xen_pv_iommu_hypervisor_translate(
                      model, BFN, XEN_PV_IOMMU_WRITE, &reached));
    g_assert_cmpuint(reached, ==, mfn);
    g_assert_false(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    check(model);
    g_assert_cmpint(unmap(model, BFN), ==, 0);
    g_assert_true(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).freed, ==, 8);
    check(model);
}

static void test_mapped_full_ring(void)
{
    Heard heard = { .full = true };
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, &heard);
    uint64_t high = UINT64_C(0x3456789ab);

    xen_pv_iommu_hypervisor_set_ioreq(model, XEN_PV_IOMMU_IOREQ_INVAL_BFN, 4);
    g_assert_cmpint(map(model, high, 3), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remap(model, GUEST, 3), ==, 0);
    g_assert_cmpuint(heard.buffered, ==, 0);
    g_assert_cmpuint(heard.synchronous, ==, 1);
    g_assert_cmpuint(heard.type, ==, XEN_PV_IOMMU_IOREQ_INVAL_BFN);
    g_assert_cmpuint(heard.size, ==, 4);
    g_assert_cmpuint(heard.data, ==, 0x456789ab);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).invalidations,
                     ==, 1);
}

/* A device model that unmaps while it is told. */
typedef struct Prompt {
    XenPvIommuHypervisor *model;
    int status;
} Prompt;

static bool unmap_at_once(unsigned type, unsigned size, uint64_t data,
                          bool buffered, void *opaque)
{
    Prompt *prompt = opaque;

    prompt->status = unmap_as(prompt->model, data, SERVER + 1);
    return true;
}

static void test_mapped_prompt(void)
{
    Heard heard = { 0 };
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, &heard);
    Prompt prompt = { .model = model, .status = 1 };
    XenPvIommuOp op = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, BFN, 3,
                                 XEN_PV_IOMMU_READ_WRITE);
    uint64_t mfn = frame(model, 3);

    xen_pv_iommu_hypervisor_add_ioserver(model, GUEST, SERVER + 1,
                                         unmap_at_once, &prompt);
    op.u.foreign_page.ioserver = SERVER + 1;
    g_assert_cmpint(submit(model, &op), ==, 0);
    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    xen_pv_iommu_hypervisor_balloon(model, GUEST, 3, 1);
    g_assert_cmpint(prompt.status, ==, 0);
    g_assert_cmpuint(heard.buffered, ==, 1);
    g_assert_false(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    g_assert_cmpint(unmap(model, BFN), ==, 0);
    g_assert_true(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    check(model);
}

static void test_mapped_domain_gone(void)
{
    Heard heard = { 0 };
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, &heard);
    uint64_t mfn = frame(model, 3);

    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_domain(model, GUEST),
                    ==, 0);
    g_assert_cmpuint(heard.buffered, ==, 0);
    g_assert_false(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    g_assert_cmpint(map(model, BFN, 3), ==, -ENXIO);
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, GUEST),
                    ==, -EEXIST);
    check(model);
    g_assert_cmpint(unmap(model, BFN), ==, 0);
    g_assert_true(xen_pv_iommu_hypervisor_free_frame(model, mfn));
    g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, GUEST), ==, 0);
    g_assert_cmpint(xen_pv_iommu_hypervisor_remove_ioserver(
                        model, GUEST, SERVER), ==, -ENOENT);
    check(model);
}

/* A device model that dies leaks nothing, whether its guest lives or not. */
static void test_mapped_server_gone(void)
{
    unsigned guest_first;

    for (guest_first = 0; guest_first < 2; guest_first++) {
        g_autoptr(XenPvIommuHypervisor) model =
            new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
        uint64_t bfn;
        uint64_t mfn;

        g_assert_cmpint(map(model, BFN, 3), ==, 0);
        g_assert_cmpint(map(model, BFN + 1, 3), ==, 0);
        g_assert_cmpint(lookup(model, 4, &bfn), ==, 0);
        if (guest_first) {
            xen_pv_iommu_hypervisor_remove_domain(model, GUEST);
        }
        g_assert_cmpint(xen_pv_iommu_hypervisor_remove_ioserver(
                            model, GUEST, SERVER), ==, 0);
        g_assert_cmpuint(references(model), ==, 0);
        g_assert_false(xen_pv_iommu_hypervisor_translate(
                           model, BFN, XEN_PV_IOMMU_READ, &mfn));
        g_assert_cmpint(map(model, BFN, 3), ==,
                        guest_first ? -ENXIO : -ENODEV);
        g_assert_cmpint(xen_pv_iommu_hypervisor_add_domain(model, GUEST),
                        ==, guest_first ? 0 : -EEXIST);
        check(model);
    }
}

/* --- what it costs --- */

static void test_flushes(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp ops[8];
    uint64_t bfn;
    unsigned i;

    for (i = 0; i < 8; i++) {
        ops[i] = foreign_op(XEN_PV_IOMMU_MAP_FOREIGN_PAGE, BFN + i, i,
                            XEN_PV_IOMMU_READ_WRITE);
    }
    g_assert_cmpint(hv->submit(model, ops, 8), ==, 0);
    g_assert_cmpint(ops[7].status, ==, 0);
    g_assert_cmpuint(flushes(model), ==, 1);
    for (i = 0; i < 8; i++) {
        g_assert_cmpint(unmap(model, BFN + i), ==, 0);
    }
    g_assert_cmpuint(flushes(model), ==, 9);
    g_assert_cmpint(lookup(model, 0, &bfn), ==, 0);     /* changes nothing */
    g_assert_cmpuint(flushes(model), ==, 9);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).calls, ==, 10);
    g_assert_cmpuint(xen_pv_iommu_hypervisor_counters(model).operations,
                     ==, 17);
}

/* --- failures on demand --- */

static void test_fail(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    XenPvIommuOp op = { .subop = XEN_PV_IOMMU_QUERY_CAPS };

    xen_pv_iommu_hypervisor_fail(model, XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 1,
                                 -EIO);
    xen_pv_iommu_hypervisor_fail(model, XEN_PV_IOMMU_MAP_FOREIGN_PAGE, 1,
                                 -ENOMEM);
    xen_pv_iommu_hypervisor_fail(model, XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE, 0,
                                 -EBUSY);
    g_assert_cmpint(map(model, BFN, 0), ==, 0);
    g_assert_cmpint(map(model, BFN + 1, 1), ==, -EIO);
    g_assert_cmpint(map(model, BFN + 1, 1), ==, -ENOMEM);
    g_assert_cmpuint(references(model), ==, 1);
    g_assert_cmpint(map(model, BFN + 1, 1), ==, 0);
    g_assert_cmpint(unmap(model, BFN), ==, -EBUSY);
    g_assert_cmpint(unmap(model, BFN), ==, 0);

    xen_pv_iommu_hypervisor_fail(model, 0, 1, -EFAULT);
    g_assert_cmpint(hv->submit(model, &op, 1), ==, 0);
    op.status = 77;
    g_assert_cmpint(hv->submit(model, &op, 1), ==, -EFAULT);
    g_assert_cmpint(op.status, ==, 77);
    g_assert_cmpint(hv->submit(model, &op, 1), ==, 0);

    xen_pv_iommu_hypervisor_fail(model, XEN_PV_IOMMU_QUERY_CAPS, 0, -EIO);
    xen_pv_iommu_hypervisor_fail(model, 0, 0, -EFAULT);
    xen_pv_iommu_hypervisor_fail(model, XEN_PV_IOMMU_QUERY_CAPS, 0, 0);
    xen_pv_iommu_hypervisor_fail(model, 0, 0, 0);
    g_assert_cmpint(submit(model, &op), ==, 0);
}

/* --- the check itself --- */

static void assert_found(XenPvIommuHypervisor *model, const char *what)
{
    g_autofree char *wrong = xen_pv_iommu_hypervisor_check(model);

    g_assert_nonnull(wrong);
    g_assert_nonnull(strstr(wrong, what));
}

/* Each thing that the check looks at, damaged and mended. */
static void test_check_finds(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_MAPPED, NULL);
    HypervisorFrame *used = &model->frames[frame(model, 3)];
    HypervisorFrame *unused = &model->frames[FRAMES - 1];

    g_assert_cmpint(map(model, BFN, 3), ==, 0);
    check(model);

    used->shown++;
    assert_found(model, "counts 2 gfns");
    used->shown--;
    used->views++;
    assert_found(model, "1 in views");
    used->views--;
    used->references++;
    assert_found(model, "has 2 references");
    used->references--;
    used->nominated = true;
    assert_found(model, "may be shared");
    used->nominated = false;
    used->free = true;
    assert_found(model, "is free");
    used->free = false;
    unused->free = false;
    assert_found(model, "not used");
    unused->free = true;
    g_array_set_size(model->heap, model->heap->len - 1);
    assert_found(model, "the heap has");
    g_array_set_size(model->heap, model->heap->len + 1);
    model->counters.references++;
    assert_found(model, "references are counted");
    model->counters.references--;
    model->counters.mapped++;
    assert_found(model, "BFNs are counted");
    model->counters.mapped--;
    hypervisor_bus_map(model, BFN + 1, frame(model, 4), XEN_PV_IOMMU_READ);
    assert_found(model, "does not know it");
    hypervisor_bus_unmap(model, BFN + 1);
    hypervisor_bus_map(model, BFN + 1, FRAMES - 1, XEN_PV_IOMMU_READ);
    assert_found(model, "which is free");
    hypervisor_bus_unmap(model, BFN + 1);
    check(model);
}

/* --- the rest of the table --- */

typedef struct Regions {
    unsigned count;
    uint64_t start;
    uint64_t frames;
    uint32_t sbdf;
} Regions;

static void hear_region(uint64_t start_bfn, uint64_t frames, uint32_t sbdf,
                        void *opaque)
{
    Regions *regions = opaque;

    regions->count++;
    regions->start = start_bfn;
    regions->frames = frames;
    regions->sbdf = sbdf;
}

static void test_host(void)
{
    g_autoptr(XenPvIommuHypervisor) model =
        new_host(XEN_PV_IOMMU_HOST_IDENTITY, NULL);
    Regions regions = { 0 };
    uint64_t mfn;

    g_assert_cmpint(hv->max_mfn(model, &mfn), ==, 0);
    g_assert_cmpuint(mfn, ==, FRAMES - 1);
    g_assert_cmpint(hv->reserved_regions(model, hear_region, &regions),
                    ==, 0);
    g_assert_cmpuint(regions.count, ==, 0);
    xen_pv_iommu_hypervisor_add_reserved(model, 1, 2, 3);
    xen_pv_iommu_hypervisor_add_reserved(model, 0xab0, 16, 0x10);
    g_assert_cmpint(hv->reserved_regions(model, hear_region, &regions),
                    ==, 0);
    g_assert_cmpuint(regions.count, ==, 2);
    g_assert_cmpuint(regions.start, ==, 0xab0);
    g_assert_cmpuint(regions.frames, ==, 16);
    g_assert_cmpuint(regions.sbdf, ==, 0x10);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*func)(void);
    } tests[] = {
        { "caps", test_caps },
        { "none", test_none },
        { "batch-limits", test_batch_limits },
        { "unknown-operation", test_unknown_operation },
        { "domains", test_domains },
        { "no-page", test_no_page },
        { "new-domains", test_new_domains },
        { "populate", test_populate },
        { "scatter", test_scatter },
        { "interrupt-window", test_interrupt_window },
        { "home", test_home },
        { "direct", test_direct },
        { "identity/lookup", test_identity_lookup },
        { "identity/unmap", test_identity_unmap },
        { "identity/map", test_identity_map },
        { "identity/unchecked", test_identity_unchecked },
        { "identity/order", test_identity_order },
        { "identity/balloon", test_identity_balloon },
        { "identity/domain-gone", test_identity_domain_gone },
        { "mapped/map", test_mapped_map },
        { "mapped/references", test_mapped_references },
        { "mapped/refusals", test_mapped_refusals },
        { "mapped/flags", test_mapped_flags },
        { "mapped/lookup", test_mapped_lookup },
        { "mapped/lookup-other", test_mapped_lookup_other },
        { "mapped/balloon", test_mapped_balloon },
        { "mapped/full-ring", test_mapped_full_ring },
        { "mapped/prompt", test_mapped_prompt },
        { "mapped/domain-gone", test_mapped_domain_gone },
        { "mapped/server-gone", test_mapped_server_gone },
        { "flushes", test_flushes },
        { "fail", test_fail },
        { "check-finds", test_check_finds },
        { "host", test_host },
    };
    unsigned i;

    g_test_init(&argc, &argv, NULL);
    for (i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/pv-iommu/hypervisor/%s",
                                                tests[i].name);

        g_test_add_func(path, tests[i].func);
    }
    return g_test_run();
}
