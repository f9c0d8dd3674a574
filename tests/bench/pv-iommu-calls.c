/*
 * Benchmark of what a mapping costs the hypervisor
 *
 * A device maps a guest's memory through the client and releases it again, in
 * requests of several sizes, against the model of a hypervisor, which counts.
 * Prints hypercalls and IOTLB flushes per MiB, and how many times fewer there
 * are than with one page at a time.  The counts do not depend on the machine,
 * nor on how the guest's frames lie.
 *
 * It fails when a request of n pages takes more than ceil(n / 127) calls, to
 * map or to release, or when a call takes more than one flush.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/xen/pv-iommu-client.h"
#include "hw/xen/pv-iommu-hypervisor.h"

#define GUEST 1
#define SERVER 1
#define OFFSET UINT64_C(0x3e00000)

#define PAGES_PER_MIB 256
#define GUEST_MIB 256
#define GUEST_PAGES (GUEST_MIB * PAGES_PER_MIB)

typedef struct Setup {
    const char *name;
    XenPvIommuHost host;
    XenPvIommuMode mode;
} Setup;

static const Setup setups[] = {
    { "No IOMMU, lookup", XEN_PV_IOMMU_HOST_DIRECT, XEN_PV_IOMMU_LOOKUP },
    { "XenServer's, lookup", XEN_PV_IOMMU_HOST_IDENTITY, XEN_PV_IOMMU_LOOKUP },
    { "Draft B's, map", XEN_PV_IOMMU_HOST_MAPPED, XEN_PV_IOMMU_MAP },
};

/* The first one is what the others are compared with. */
static const uint64_t request_pages[] = { 1, 16, 127, 128, 256, 4096 };

#define SIZES G_N_ELEMENTS(request_pages)

typedef struct Cost {
    uint64_t calls;
    uint64_t flushes;
} Cost;

typedef struct Result {
    Cost map;
    Cost release;
} Result;

static void die(const char *what, int error)
{
    fprintf(stderr, "pv-iommu-calls: %s: %s\n", what, g_strerror(-error));
    exit(1);
}

static void invalidated(void *opaque, const XenPvIommuRun *run)
{
}

static const XenPvIommuDeviceOps device_ops = {
    .invalidated = invalidated,
};

static Cost cost(const XenPvIommuHypervisor *model, Cost before)
{
    XenPvIommuHypervisorCounters counters =
        xen_pv_iommu_hypervisor_counters(model);

    return (Cost) {
        .calls = counters.calls - before.calls,
        .flushes = counters.flushes - before.flushes,
    };
}

/* All of the guest, in requests of so many pages. */
static Result go_through(XenPvIommuHypervisor *model, XenPvIommuDevice *device,
                         uint64_t pages)
{
    g_autoptr(GPtrArray) requests =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    Cost before = cost(model, (Cost) { 0 });
    Result result;
    uint64_t gfn;
    unsigned i;
    int ret;

    for (gfn = 0; gfn < GUEST_PAGES; gfn += pages) {
        XenPvIommuGfns gfns = {
            .gfn = gfn,
            .pages = MIN(pages, GUEST_PAGES - gfn),
        };
        GArray *runs = g_array_new(false, false, sizeof(XenPvIommuRun));

        g_ptr_array_add(requests, runs);
        ret = xen_pv_iommu_client_map(device, &gfns, 1,
                                      XEN_PV_IOMMU_READ_WRITE, runs, NULL);
        if (ret < 0) {
            die("map", ret);
        }
    }
    result.map = cost(model, before);
    before = cost(model, (Cost) { 0 });
    for (i = 0; i < requests->len; i++) {
        GArray *runs = g_ptr_array_index(requests, i);

        ret = xen_pv_iommu_client_release(device, (XenPvIommuRun *)runs->data,
                                          runs->len);
        if (ret < 0) {
            die("release", ret);
        }
    }
    result.release = cost(model, before);
    return result;
}

static Result measure(const Setup *setup, bool scatter, uint64_t pages)
{
    XenPvIommuHypervisor *model =
        xen_pv_iommu_hypervisor_new(setup->host, GUEST_PAGES, OFFSET);
    XenPvIommuClientConfig config = { .domid = GUEST, .ioserver = SERVER };
    XenPvIommuDeviceConfig device_config = {
        .name = "bench",
        .dma_mask = UINT64_MAX,
        .mode = setup->mode,
    };
    XenPvIommuClient *client;
    XenPvIommuDevice *device;
    Result result;
    int ret;

    xen_pv_iommu_hypervisor_set_scatter(model, scatter);
    xen_pv_iommu_hypervisor_add_domain(model, GUEST);
    xen_pv_iommu_hypervisor_add_ioserver(model, GUEST, SERVER, NULL, NULL);
    ret = xen_pv_iommu_hypervisor_populate(model, GUEST, 0, GUEST_PAGES);
    if (ret < 0) {
        die("populate", ret);
    }
    ret = xen_pv_iommu_client_new(&xen_pv_iommu_hypervisor_ops, model, &config,
                                  &client);
    if (ret < 0) {
        die("client", ret);
    }
    ret = xen_pv_iommu_client_attach(client, &device_config, &device_ops, NULL,
                                     &device);
    if (ret < 0) {
        die("attach", ret);
    }
    result = go_through(model, device, pages);
    xen_pv_iommu_client_detach(device);
    xen_pv_iommu_client_free(client);
    if (xen_pv_iommu_hypervisor_counters(model).references) {
        die("references are left", -EBUSY);
    }
    xen_pv_iommu_hypervisor_free(model);
    return result;
}

/* --- what it says ------------------------------------------------------- */

static void print_count(uint64_t count, uint64_t baseline)
{
    g_autofree char *ratio = NULL;

    if (count && baseline) {
        ratio = g_strdup_printf("(%.1f)", (double)baseline / count);
    } else {
        ratio = g_strdup(count == baseline ? "(1.0)" : "(-)");
    }
    printf(" %8.2f %8s", (double)count / GUEST_MIB, ratio);
}

/* Requests of so many pages each: what they may cost. */
static bool within(const Cost *cost, uint64_t pages)
{
    uint64_t whole = GUEST_PAGES / pages;
    uint64_t rest = GUEST_PAGES % pages;
    uint64_t calls =
        whole * ((pages + XEN_PV_IOMMU_BATCH - 1) / XEN_PV_IOMMU_BATCH) +
        (rest + XEN_PV_IOMMU_BATCH - 1) / XEN_PV_IOMMU_BATCH;

    return cost->calls <= calls && cost->flushes <= cost->calls;
}

static bool print_setup(const Setup *setup)
{
    Result baseline = { 0 };
    bool good = true;
    unsigned i;

    printf("\n%s\n", setup->name);
    printf("%9s %17s %17s %17s %17s\n", "pages a", "map", "map", "release",
           "release");
    printf("%9s %17s %17s %17s %17s\n", "request", "calls/MiB",
           "flushes/MiB", "calls/MiB", "flushes/MiB");
    for (i = 0; i < SIZES; i++) {
        Result result = measure(setup, false, request_pages[i]);
        Result scattered = measure(setup, true, request_pages[i]);

        if (i == 0) {
            baseline = result;
        }
        printf("%9" PRIu64, request_pages[i]);
        print_count(result.map.calls, baseline.map.calls);
        print_count(result.map.flushes, baseline.map.flushes);
        print_count(result.release.calls, baseline.release.calls);
        print_count(result.release.flushes, baseline.release.flushes);
        putchar('\n');
        if (!within(&result.map, request_pages[i]) ||
            !within(&result.release, request_pages[i])) {
            printf("          more than a call for %d pages, or a flush for a "
                   "call\n", XEN_PV_IOMMU_BATCH);
            good = false;
        }
        if (memcmp(&result, &scattered, sizeof(result))) {
            printf("          scattered frames cost another number\n");
            good = false;
        }
    }
    return good;
}

int main(void)
{
    bool good = true;
    unsigned i;

    printf("Hypercalls and IOTLB flushes for %d MiB of a guest, contiguous or\n"
           "scattered; in brackets, how many times fewer than with one page a\n"
           "request (-: there were none).  XenServer's server flushes after\n"
           "each call with several operations, whatever they were.\n",
           GUEST_MIB);
    for (i = 0; i < G_N_ELEMENTS(setups); i++) {
        good &= print_setup(&setups[i]);
    }
    return good ? 0 : 1;
}
