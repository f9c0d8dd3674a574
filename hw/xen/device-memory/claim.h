/*
 * Device memory: have a block granted and populated, or say why not
 *
 * Concepts
 * - A claim is a block on its way into the ledger, or on its way to failing.
 * - Granted: the toolstack has agreed, or there is none to ask.
 * - Populated: Xen has given the pages.
 * - What fails leaves nothing behind, in the ledger, at Xen or at the
 *   toolstack; but pages that Xen does not take back stay accounted for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_CLAIM_H
#define HW_XEN_DEVICE_MEMORY_CLAIM_H

#include "device.h"

typedef struct Claim {
    XenDeviceMemory *dm;
    const char *name;       /* "nic4/e1000.rom" */
    uint64_t gfn;
    uint64_t pages;
} Claim;

/**
 * claim_name: what an operator calls a device, and what it needs memory for
 * @owner: the device or backend, or NULL
 * @name: what for
 *
 * Returns: a new string, owned by the caller
 */
char *claim_name(Object *owner, const char *name);

/**
 * claim_grant: have what the ledger comes to granted
 * @claim: for whom
 * @errp: set when false is returned
 *
 * Without a toolstack to ask nothing is granted, and that is no error: Xen
 * decides.
 *
 * Returns: whether the toolstack agrees.  After false the caller gives the
 * block up and calls claim_withdraw().
 */
bool claim_grant(const Claim *claim, Error **errp);

/**
 * claim_enter: put the block into the ledger, as wanted
 * @claim: the block
 * @errp: set when false is returned
 *
 * Returns: whether it is in the ledger
 */
bool claim_enter(const Claim *claim, Error **errp);

/**
 * claim_take: have the block granted and populated
 * @claim: a block that is in the ledger as wanted
 * @errp: set when false is returned
 *
 * Returns: true when it is populated; false when it has left the ledger, or
 * when a part of it has stayed that Xen does not take back
 */
bool claim_take(const Claim *claim, Error **errp);

/**
 * claim_incoming: account for a block whose pages the stream has brought
 * @claim: a block that is in the ledger as wanted; populated afterwards
 *
 * While the machine is being made the toolstack is not told: until it has the
 * whole total, the limit would be below the pages that the guest has.
 */
void claim_incoming(const Claim *claim);

/**
 * claim_incoming_total: tell the toolstack what an incoming guest has
 * @dm: whose ledger
 *
 * A refusal is a warning: the pages are there.  A toolstack that comes later
 * is told again.
 */
void claim_incoming_total(XenDeviceMemory *dm);

/**
 * claim_declare: tell a toolstack that was away what has been taken meanwhile
 * @dm: whose ledger
 *
 * Waits for the answer.  A refusal is a warning: the pages are there.  When
 * the toolstack comes back once more, it is told again.
 */
void claim_declare(XenDeviceMemory *dm);

/**
 * claim_advance: move the block to its next state
 * @claim: a block that is in the ledger
 * @state: the state after its present one
 */
void claim_advance(const Claim *claim, DeviceMemoryBlockState state);

/**
 * claim_report_kept: warn of pages that Xen does not take back
 * @name: the block that they were for
 * @gfn: where they are
 * @pages: how many they are
 * @error: why, as a negative errno
 */
void claim_report_kept(const char *name, uint64_t gfn, uint32_t pages,
                       int error);

/**
 * claim_withdraw: tell the toolstack what is held, without waiting
 * @dm: whose total
 *
 * One that is away will read it, if it has granted more than that before.
 */
void claim_withdraw(XenDeviceMemory *dm);

#endif /* HW_XEN_DEVICE_MEMORY_CLAIM_H */
