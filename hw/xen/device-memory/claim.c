/*
 * Device memory: have a block granted and populated, or say why not
 *
 * The words that an operator reads are here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "claim.h"
#include "trace.h"

static uint64_t claim_kib(const Claim *claim)
{
    return claim->pages * DEVICE_MEMORY_PAGE_KIB;
}

static uint32_t deadline_ms(const XenDeviceMemory *dm)
{
    return dm->booted ? dm->run_deadline_ms : dm->boot_deadline_ms;
}

/* "nic4/e1000.rom": what an operator calls the device, and what it is for. */
char *claim_name(Object *owner, const char *name)
{
    DeviceState *dev = (DeviceState *)object_dynamic_cast(owner, TYPE_DEVICE);
    const char *label;

    if (!owner) {
        return g_strdup(name);
    }
    label = dev && dev->id ? dev->id : object_get_typename(owner);
    return g_strdup_printf("%s/%s", label, name);
}

static const char *refusal_hint(const char *reason)
{
    if (!strcmp(reason, DEVICE_MEMORY_REASON_CAP)) {
        return "Raise 'cap' for this domain in xendm-memory.conf where "
               "xendm-memoryd runs, and reload it.\n";
    }
    if (!strcmp(reason, DEVICE_MEMORY_REASON_HOST_MEMORY)) {
        return "Free memory on the host ('xl info' shows free_memory), or "
               "lower 'host-reserve' in xendm-memory.conf.\n";
    }
    return "The log of xendm-memoryd says why.\n";
}

static void explain_refusal(const Claim *claim, uint32_t need_kib,
                            const DeviceMemoryAnswer *answer, Error **errp)
{
    ERRP_GUARD();

    error_setg(errp, "xen-device-memory: no guest pages for %s (%" PRIu64
               " KiB): the toolstack refused, reason '%s': needed in all %"
               PRIu32 " KiB, granted %" PRIu32 " KiB, cap %" PRIu32
               " KiB, available %" PRIu32 " KiB",
               claim->name, claim_kib(claim), answer->reason, need_kib,
               answer->grant_kib, answer->cap_kib, answer->available_kib);
    error_append_hint(errp, "%s", refusal_hint(answer->reason));
}

static void explain_silence(const Claim *claim, uint32_t need_kib, int ret,
                            Error **errp)
{
    const char *garbage = device_memory_asker_garbage(claim->dm->asker);
    ERRP_GUARD();

    if (ret != -ETIMEDOUT) {
        error_setg_errno(errp, -ret, "xen-device-memory: no guest pages for %s"
                         " (%" PRIu64 " KiB): cannot ask the toolstack",
                         claim->name, claim_kib(claim));
        return;
    }
    error_setg(errp, "xen-device-memory: no guest pages for %s (%" PRIu64
               " KiB): the toolstack did not answer within %" PRIu32
               " ms (asked for %" PRIu32 " KiB in all)%s%s%s",
               claim->name, claim_kib(claim), deadline_ms(claim->dm),
               need_kib, garbage ? ", but wrote '" : "",
               garbage ? garbage : "", garbage ? "'" : "");
    error_append_hint(errp, "Is xendm-memoryd running?  "
                      "'xendm-memory list' says.\n");
}

static void explain_shortage(const Claim *claim, uint32_t done, int ret,
                             Error **errp)
{
    XenDeviceMemory *dm = claim->dm;
    const DeviceMemoryPageOps *ops = xen_device_memory_page_ops(dm);
    g_autofree char *limits = NULL;
    uint64_t max_pages, pages;
    ERRP_GUARD();

    if (!ops->limits(dm->ops_state, &max_pages, &pages)) {
        limits = g_strdup_printf("; the guest has %" PRIu64 " pages, its "
                                 "limit is %" PRIu64, pages, max_pages);
    }
    error_setg_errno(errp, -ret, "xen-device-memory: no guest pages for %s (%"
                     PRIu64 " KiB): Xen gave %" PRIu32 " of %" PRIu64
                     " pages%s", claim->name, claim_kib(claim), done,
                     claim->pages, limits ? limits : "");
    if (xen_device_memory_service(dm) < 0) {
        error_append_hint(errp, "No toolstack service is announced that could "
                          "give more.  Start xendm-memoryd before the guest, "
                          "or use fewer devices with option ROMs.\n");
    } else {
        error_append_hint(errp, "The toolstack has granted it.  The host may "
                          "be out of memory, or another program has lowered "
                          "the limit: see 'xl info', 'xendm-memory list'.\n");
    }
}

void claim_withdraw(XenDeviceMemory *dm)
{
    uint32_t need_kib = device_memory_ledger_need(dm->ledger, 0);
    int ret = xen_device_memory_service(dm);

    /* One that is away reads it when it comes back. */
    if (!ret || (ret == -ENOENT && need_kib < dm->granted_kib)) {
        ret = device_memory_asker_withdraw(dm->asker, need_kib);
        if (!ret) {
            /* What is held may be more: it never was granted then. */
            dm->granted_kib = MIN(dm->granted_kib, need_kib);
        }
    }
    trace_xen_device_memory_withdraw(need_kib, ret);
}

/*
 * Ask, and wait.  Once the guest runs, it stands still meanwhile: all that is
 * asked in one turn of the main loop has one deadline.
 */
static int ask(XenDeviceMemory *dm, uint32_t need_kib,
               DeviceMemoryAnswer *answer)
{
    int64_t begin = g_get_monotonic_time();
    int64_t left_us = (int64_t)deadline_ms(dm) * 1000 - dm->waited_us;
    int ret;

    trace_xen_device_memory_ask(need_kib);
    ret = device_memory_asker_ask(dm->asker, need_kib, MAX(left_us, 0),
                                  answer);
    if (dm->booted) {
        dm->waited_us += g_get_monotonic_time() - begin;
        qemu_bh_schedule(dm->turn_over);
    }
    return ret;
}

bool claim_grant(const Claim *claim, Error **errp)
{
    XenDeviceMemory *dm = claim->dm;
    uint32_t need_kib = device_memory_ledger_need(dm->ledger, 0);
    DeviceMemoryAnswer answer;
    int ret;

    if (need_kib <= dm->granted_kib || xen_device_memory_service(dm) < 0) {
        return true;
    }
    if (need_kib > DEVICE_MEMORY_TOTAL_MAX) {
        error_setg(errp, "xen-device-memory: no guest pages for %s (%" PRIu64
                   " KiB): a device model can ask for %" PRIu32
                   " KiB in all", claim->name, claim_kib(claim),
                   DEVICE_MEMORY_TOTAL_MAX);
        return false;
    }

    ret = ask(dm, need_kib, &answer);
    if (ret < 0) {
        trace_xen_device_memory_no_answer(
            device_memory_asker_last_id(dm->asker), ret);
        explain_silence(claim, need_kib, ret, errp);
        return false;
    }
    trace_xen_device_memory_answer(answer.id, answer.granted,
                                   answer.grant_kib, answer.cap_kib,
                                   answer.reason);
    dm->granted_kib = answer.grant_kib;
    if (!answer.granted) {
        explain_refusal(claim, need_kib, &answer, errp);
    }
    return answer.granted;
}

void claim_report_kept(const char *name, uint64_t gfn, uint32_t pages,
                       int error)
{
    warn_report("xen-device-memory: Xen does not take back %" PRIu32
                " pages at gfn 0x%" PRIx64 " (%s): %s", pages, gfn, name,
                strerror(-error));
}

/*
 * Populate the block, or nothing; but what Xen does not take back again is
 * counted in @kept.
 */
static bool populate(const Claim *claim, uint32_t *kept, Error **errp)
{
    XenDeviceMemory *dm = claim->dm;
    const DeviceMemoryPageOps *ops = xen_device_memory_page_ops(dm);
    uint32_t done = 0;
    int ret = ops->populate(dm->ops_state, claim->gfn, claim->pages, &done);

    trace_xen_device_memory_populate(claim->gfn, claim->pages, done, ret);
    if (!ret) {
        return true;
    }
    explain_shortage(claim, done, ret, errp);
    if (done) {
        ret = ops->release(dm->ops_state, claim->gfn, done);
        trace_xen_device_memory_release(claim->gfn, done, ret);
        if (ret) {
            claim_report_kept(claim->name, claim->gfn, done, ret);
            *kept = done;
        }
    }
    return false;
}

bool claim_enter(const Claim *claim, Error **errp)
{
    int ret = device_memory_ledger_add(claim->dm->ledger, claim->name,
                                       claim->gfn, claim->pages);

    switch (ret) {
    case 0:
        return true;
    case -ENOSPC:
        error_setg(errp, "xen-device-memory: no entry for %s: there are %d "
                   "blocks already, the most that is allowed",
                   claim->name, DEVICE_MEMORY_BLOCKS_MAX);
        return false;
    case -EEXIST:
        /* QEMU's blocks do not overlap; it thinks that the place is free. */
        error_setg(errp, "xen-device-memory: no entry for %s: at its place, "
                   "gfn 0x%" PRIx64 ", are pages that Xen has not taken back",
                   claim->name, claim->gfn);
        return false;
    default:
        error_setg_errno(errp, -ret, "xen-device-memory: no entry for %s (gfn "
                         "0x%" PRIx64 ", %" PRIu64 " pages)", claim->name,
                         claim->gfn, claim->pages);
        return false;
    }
}

void claim_advance(const Claim *claim, DeviceMemoryBlockState state)
{
    int ret = device_memory_ledger_set_state(claim->dm->ledger, claim->gfn,
                                             state);

    assert(!ret);   /* only this file moves blocks, in order */
}

void claim_incoming(const Claim *claim)
{
    trace_xen_device_memory_incoming(claim->name, claim->gfn, claim->pages);
    claim_advance(claim, DEVICE_MEMORY_GRANTED);
    claim_advance(claim, DEVICE_MEMORY_POPULATED);
    if (claim->dm->booted) {
        claim_incoming_total(claim->dm);
    }
}

/* For what is populated already. */
static bool grant_all(XenDeviceMemory *dm, Error **errp)
{
    DeviceMemoryTotals totals;
    Claim claim = { .dm = dm, .name = "all blocks" };

    device_memory_ledger_totals(dm->ledger, &totals);
    claim.pages = totals.populated_pages;
    return claim_grant(&claim, errp);
}

void claim_incoming_total(XenDeviceMemory *dm)
{
    Error *err = NULL;

    if (!grant_all(dm, &err)) {
        warn_reportf_err(err, "incoming migration goes on: ");
    }
}

void claim_declare(XenDeviceMemory *dm)
{
    Error *err = NULL;

    if (!grant_all(dm, &err)) {
        warn_reportf_err(err, "what was taken without a toolstack stays: ");
    }
}

/* Pages that Xen does not take back stay where they are, accounted for. */
static void keep_part(const Claim *claim, uint32_t pages)
{
    Claim rest = *claim;

    rest.gfn += pages;
    /* Without room for one more entry, all of the block is accounted for. */
    if (pages < claim->pages &&
        !device_memory_ledger_split(claim->dm->ledger, rest.gfn)) {
        claim_advance(&rest, DEVICE_MEMORY_RELEASED);
    }
    claim_advance(claim, DEVICE_MEMORY_POPULATED);
}

bool claim_take(const Claim *claim, Error **errp)
{
    uint32_t kept = 0;

    if (claim_grant(claim, errp)) {
        claim_advance(claim, DEVICE_MEMORY_GRANTED);
        if (populate(claim, &kept, errp)) {
            claim_advance(claim, DEVICE_MEMORY_POPULATED);
            return true;
        }
    }
    if (kept) {
        keep_part(claim, kept);
    } else {
        claim_advance(claim, DEVICE_MEMORY_RELEASED);
    }
    claim_withdraw(claim->dm);
    return false;
}
