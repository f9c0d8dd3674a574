/*
 * PV IOMMU: the model of a hypervisor: who refers to a frame from the bus
 *
 * Draft B: "a MFN to (BFN,domid,ioserver) tuple"; each new entry takes a
 * reference on the frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "hypervisor-internal.h"

static HypervisorM2b *m2b_at(const XenPvIommuHypervisor *hypervisor,
                             uint32_t position)
{
    return &g_array_index(hypervisor->m2b, HypervisorM2b, position - 1);
}

const HypervisorIoserver *
hypervisor_ioserver(const XenPvIommuHypervisor *hypervisor, uint16_t domid,
                    uint16_t ioserver)
{
    const HypervisorIoserver *server;
    unsigned i;

    for (i = 0; i < hypervisor->ioservers->len; i++) {
        server = &g_array_index(hypervisor->ioservers, HypervisorIoserver, i);
        if (server->domid == domid && server->ioserver == ioserver) {
            return server;
        }
    }
    return NULL;
}

/* --- entries --- */

static bool has_entry(const XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                      const HypervisorM2b *wanted)
{
    uint32_t position = hypervisor->frames[mfn].m2b;
    const HypervisorM2b *entry;

    while (position) {
        entry = m2b_at(hypervisor, position);
        if (entry->bfn == wanted->bfn && entry->domid == wanted->domid &&
            entry->ioserver == wanted->ioserver) {
            return true;
        }
        position = entry->next;
    }
    return false;
}

static bool bfn_has_entry(const XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                          uint64_t bfn)
{
    uint32_t position = hypervisor->frames[mfn].m2b;
    const HypervisorM2b *entry;

    while (position) {
        entry = m2b_at(hypervisor, position);
        if (entry->bfn == bfn) {
            return true;
        }
        position = entry->next;
    }
    return false;
}

void hypervisor_m2b_add(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                        HypervisorM2b entry)
{
    HypervisorFrame *frame = &hypervisor->frames[mfn];
    uint32_t position = hypervisor->m2b_unused;

    if (has_entry(hypervisor, mfn, &entry)) {
        return;
    }
    entry.next = frame->m2b;
    if (position) {
        hypervisor->m2b_unused = m2b_at(hypervisor, position)->next;
        *m2b_at(hypervisor, position) = entry;
    } else {
        g_array_append_val(hypervisor->m2b, entry);
        position = hypervisor->m2b->len;
    }
    frame->m2b = position;
    frame->references++;
    hypervisor->counters.references++;
}

/* Take one entry out, and its BFN when that was the last of it. */
static void drop_entry(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                       uint32_t *link)
{
    uint32_t position = *link;
    HypervisorM2b *entry = m2b_at(hypervisor, position);
    uint64_t bfn = entry->bfn;
    XenPvIommuAccess access;
    uint64_t there;

    *link = entry->next;
    entry->next = hypervisor->m2b_unused;
    hypervisor->m2b_unused = position;
    if (!bfn_has_entry(hypervisor, mfn, bfn) &&
        hypervisor_bus_entry(hypervisor, bfn, &there, &access) &&
        there == mfn) {
        hypervisor_bus_unmap(hypervisor, bfn);
    }
    hypervisor->frames[mfn].references--;
    hypervisor->counters.references--;
    hypervisor_frame_settle(hypervisor, mfn);
}

bool hypervisor_m2b_remove(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                           uint64_t bfn, uint16_t ioserver)
{
    uint32_t *link = &hypervisor->frames[mfn].m2b;
    HypervisorM2b *entry;

    while (*link) {
        entry = m2b_at(hypervisor, *link);
        if (entry->bfn == bfn && entry->ioserver == ioserver) {
            drop_entry(hypervisor, mfn, link);
            return true;
        }
        link = &entry->next;
    }
    return false;
}

uint64_t hypervisor_m2b_find(const XenPvIommuHypervisor *hypervisor,
                             uint64_t mfn, uint16_t domid, uint16_t ioserver)
{
    uint32_t position = hypervisor->frames[mfn].m2b;
    uint64_t bfn = XEN_PV_IOMMU_NO_FRAME;
    const HypervisorM2b *entry;

    while (position) {
        entry = m2b_at(hypervisor, position);
        bfn = entry->bfn;
        if (entry->domid == domid && entry->ioserver == ioserver) {
            break;
        }
        position = entry->next;
    }
    return bfn;
}

/* --- invalidation --- */

static void send(XenPvIommuHypervisor *hypervisor, const HypervisorM2b *entry)
{
    const HypervisorIoserver *found = hypervisor_ioserver(hypervisor,
                                                          entry->domid,
                                                          entry->ioserver);
    unsigned size = hypervisor->ioreq_size;
    uint64_t data = size < 8 ? (uint32_t)entry->bfn : entry->bfn;
    HypervisorIoserver server;

    if (!found || !found->func) {
        return;
    }
    server = *found;        /* the callee may change what there is */
    hypervisor->counters.invalidations++;
    if (!server.func(hypervisor->ioreq_type, size, data, true,
                     server.opaque)) {
        server.func(hypervisor->ioreq_type, size, data, false, server.opaque);
    }
}

void hypervisor_m2b_notify(XenPvIommuHypervisor *hypervisor, uint64_t mfn)
{
    uint32_t position = hypervisor->frames[mfn].m2b;
    g_autoptr(GArray) entries = NULL;
    unsigned i;

    if (!position) {
        return;
    }
    /* The callees may unmap: go through a copy. */
    entries = g_array_new(false, false, sizeof(HypervisorM2b));
    while (position) {
        g_array_append_val(entries, *m2b_at(hypervisor, position));
        position = m2b_at(hypervisor, position)->next;
    }
    for (i = 0; i < entries->len; i++) {
        send(hypervisor, &g_array_index(entries, HypervisorM2b, i));
    }
}

/* --- ioreq servers --- */

int xen_pv_iommu_hypervisor_add_ioserver(XenPvIommuHypervisor *hypervisor,
                                         uint16_t domid, uint16_t ioserver,
                                         XenPvIommuIoreqFunc *func,
                                         void *opaque)
{
    HypervisorIoserver server = {
        .domid = domid,
        .ioserver = ioserver,
        .func = func,
        .opaque = opaque,
    };

    if (!hypervisor_domain(hypervisor, domid)) {
        return -ENOENT;
    }
    if (hypervisor_ioserver(hypervisor, domid, ioserver)) {
        return -EEXIST;
    }
    g_array_append_val(hypervisor->ioservers, server);
    return 0;
}

static void drop_entries_of(XenPvIommuHypervisor *hypervisor, uint64_t mfn,
                            uint16_t domid, uint16_t ioserver)
{
    uint32_t *link = &hypervisor->frames[mfn].m2b;
    HypervisorM2b *entry;

    while (*link) {
        entry = m2b_at(hypervisor, *link);
        if (entry->domid == domid && entry->ioserver == ioserver) {
            drop_entry(hypervisor, mfn, link);
        } else {
            link = &entry->next;
        }
    }
}

int xen_pv_iommu_hypervisor_remove_ioserver(XenPvIommuHypervisor *hypervisor,
                                            uint16_t domid, uint16_t ioserver)
{
    const HypervisorIoserver *server = hypervisor_ioserver(hypervisor, domid,
                                                           ioserver);
    uint64_t mfn;

    if (!server) {
        return -ENOENT;
    }
    g_array_remove_index_fast(
        hypervisor->ioservers,
        server - &g_array_index(hypervisor->ioservers, HypervisorIoserver, 0));
    for (mfn = 0; mfn < hypervisor->frame_count; mfn++) {
        drop_entries_of(hypervisor, mfn, domid, ioserver);
    }
    return 0;
}

void xen_pv_iommu_hypervisor_set_ioreq(XenPvIommuHypervisor *hypervisor,
                                       unsigned type, unsigned size)
{
    hypervisor->ioreq_type = type;
    hypervisor->ioreq_size = size;
}
