/*
 * PV IOMMU: the model of a hypervisor: is it consistent?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>

#include "hypervisor-internal.h"

/* What was counted by going through everything. */
typedef struct HypervisorAudit {
    const XenPvIommuHypervisor *hypervisor;
    uint32_t *shown;
    uint32_t *views;
    uint64_t references;
    uint64_t mapped;
    char *wrong;                /* the first thing found, or NULL */
} HypervisorAudit;

static void G_GNUC_PRINTF(2, 3) wrong(HypervisorAudit *audit,
                                      const char *format, ...)
{
    va_list arguments;

    if (!audit->wrong) {
        va_start(arguments, format);
        audit->wrong = g_strdup_vprintf(format, arguments);
        va_end(arguments);
    }
}

static bool has_frame(HypervisorAudit *audit, const char *from, uint64_t key,
                      uint64_t mfn)
{
    const XenPvIommuHypervisor *hypervisor = audit->hypervisor;

    if (mfn >= hypervisor->frame_count) {
        wrong(audit, "%s 0x%" PRIx64 " shows frame 0x%" PRIx64
              ", which does not exist", from, key, mfn);
        return false;
    }
    if (hypervisor->frames[mfn].free) {
        wrong(audit, "%s 0x%" PRIx64 " shows frame 0x%" PRIx64
              ", which is free", from, key, mfn);
    }
    return true;
}

static void count_shown(uint64_t gfn, uint64_t mfn, void *opaque)
{
    HypervisorAudit *audit = opaque;

    if (has_frame(audit, "gfn", gfn, mfn)) {
        audit->shown[mfn]++;
    }
}

static void count_view(uint64_t gfn, uint64_t mfn, void *opaque)
{
    HypervisorAudit *audit = opaque;

    if (has_frame(audit, "gfn in a view", gfn, mfn)) {
        audit->views[mfn]++;
    }
}

static void audit_domains(HypervisorAudit *audit)
{
    const HypervisorDomain *domain;
    unsigned i;
    unsigned view;

    for (i = 0; i < audit->hypervisor->domains->len; i++) {
        domain = g_ptr_array_index(audit->hypervisor->domains, i);
        hypervisor_table_each(domain->p2m, count_shown, audit);
        for (view = 0; view < XEN_PV_IOMMU_VIEWS_MAX; view++) {
            if (domain->views[view]) {
                hypervisor_table_each(domain->views[view], count_view, audit);
            }
        }
    }
}

/* A BFN that was mapped leads to a frame that knows it. */
static void audit_bfn(uint64_t bfn, uint64_t value, void *opaque)
{
    HypervisorAudit *audit = opaque;
    const XenPvIommuHypervisor *hypervisor = audit->hypervisor;
    uint64_t mfn = hypervisor_bus_value_mfn(value);
    uint32_t position;
    const HypervisorM2b *entry;

    if (value == HYPERVISOR_BUS_TAKEN) {
        return;
    }
    audit->mapped++;
    if (!has_frame(audit, "BFN", bfn, mfn)) {
        return;
    }
    for (position = hypervisor->frames[mfn].m2b; position;
         position = entry->next) {
        entry = &g_array_index(hypervisor->m2b, HypervisorM2b, position - 1);
        if (entry->bfn == bfn) {
            return;
        }
    }
    wrong(audit, "BFN 0x%" PRIx64 " reaches frame 0x%" PRIx64
          ", which does not know it", bfn, mfn);
}

static uint32_t count_entries(const XenPvIommuHypervisor *hypervisor,
                              uint64_t mfn)
{
    uint32_t position = hypervisor->frames[mfn].m2b;
    uint32_t count = 0;

    while (position) {
        count++;
        position = g_array_index(hypervisor->m2b, HypervisorM2b,
                                 position - 1).next;
    }
    return count;
}

static void audit_frame(HypervisorAudit *audit, uint64_t mfn)
{
    const XenPvIommuHypervisor *hypervisor = audit->hypervisor;
    const HypervisorFrame *frame = &hypervisor->frames[mfn];
    bool used = frame->shown || frame->views || frame->references ||
                frame->holds;

    audit->references += frame->references;
    if (frame->shown != audit->shown[mfn] ||
        frame->views != audit->views[mfn]) {
        wrong(audit, "frame 0x%" PRIx64 " counts %u gfns and %u in views, "
              "there are %u and %u", mfn, frame->shown, frame->views,
              audit->shown[mfn], audit->views[mfn]);
    }
    if (frame->hole + frame->free + used != 1) {
        wrong(audit, "frame 0x%" PRIx64 " is%s%s%s", mfn,
              frame->hole ? " a hole" : "", frame->free ? " free" : "",
              used ? " used" : " not used");
    }
    if (frame->nominated && (frame->references || frame->views)) {
        wrong(audit, "frame 0x%" PRIx64 " may be shared, and has other "
              "references", mfn);
    }
    if (hypervisor->host == XEN_PV_IOMMU_HOST_MAPPED
        ? frame->references != count_entries(hypervisor, mfn)
        : frame->references > 1) {
        wrong(audit, "frame 0x%" PRIx64 " has %u references", mfn,
              frame->references);
    }
}

static void audit_heap(HypervisorAudit *audit)
{
    const XenPvIommuHypervisor *hypervisor = audit->hypervisor;
    uint64_t free_frames = 0;
    uint64_t mfn;
    unsigned i;

    for (mfn = 0; mfn < hypervisor->frame_count; mfn++) {
        free_frames += hypervisor->frames[mfn].free;
    }
    if (free_frames != hypervisor->heap->len) {
        wrong(audit, "%" PRIu64 " frames are free, the heap has %u",
              free_frames, hypervisor->heap->len);
    }
    for (i = 0; i < hypervisor->heap->len; i++) {
        mfn = g_array_index(hypervisor->heap, uint64_t, i);
        if (!hypervisor->frames[mfn].free) {
            wrong(audit, "frame 0x%" PRIx64 " is in the heap and used", mfn);
        }
    }
}

static void audit_counters(HypervisorAudit *audit)
{
    const XenPvIommuHypervisorCounters *counters =
        &audit->hypervisor->counters;

    if (counters->references != audit->references) {
        wrong(audit, "%" PRIu64 " references are counted, there are %" PRIu64,
              counters->references, audit->references);
    }
    if (counters->mapped != audit->mapped) {
        wrong(audit, "%" PRIu64 " BFNs are counted, there are %" PRIu64,
              counters->mapped, audit->mapped);
    }
}

char *xen_pv_iommu_hypervisor_check(const XenPvIommuHypervisor *hypervisor)
{
    HypervisorAudit audit = {
        .hypervisor = hypervisor,
        .shown = g_new0(uint32_t, hypervisor->frame_count),
        .views = g_new0(uint32_t, hypervisor->frame_count),
    };
    uint64_t mfn;

    audit_domains(&audit);
    hypervisor_table_each(hypervisor->bus, audit_bfn, &audit);
    for (mfn = 0; mfn < hypervisor->frame_count; mfn++) {
        audit_frame(&audit, mfn);
    }
    audit_heap(&audit);
    audit_counters(&audit);
    g_free(audit.shown);
    g_free(audit.views);
    return audit.wrong;
}
