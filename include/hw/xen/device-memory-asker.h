/*
 * Device memory: how a device model asks and waits
 *
 * Concepts
 * - An asker speaks for one device model over one store.
 * - ask() writes a total and waits for the answer that names its id.
 * - A wait ends with an answer or at the deadline; late answers bear an old
 *   id and are passed over.
 * - withdraw() writes a total without waiting, so that a grant that comes
 *   after the deadline does not stand.
 * - publish() shows the ledger's blocks to people and tools.
 *
 * An asker has no lock; its owner serialises the calls.  GLib only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_ASKER_H
#define HW_XEN_DEVICE_MEMORY_ASKER_H

#include "hw/xen/device-memory-ledger.h"
#include "hw/xen/device-memory-ops.h"
#include "hw/xen/device-memory-protocol.h"

typedef struct DeviceMemoryAsker DeviceMemoryAsker;

/**
 * device_memory_asker_new: an asker that has asked nothing yet
 * @ops: the store; must outlive the asker
 * @opaque: the store's state
 * @id: the id of the last request that was not made; the first one has the
 *      next.  A random number, so that the answer to an earlier process is
 *      not taken for one to this.
 *
 * Returns: an asker, to be freed with device_memory_asker_free()
 */
DeviceMemoryAsker *device_memory_asker_new(const DeviceMemoryStoreOps *ops,
                                           void *opaque, uint32_t id);

/**
 * device_memory_asker_free: stop asking
 * @asker: the asker, or NULL
 */
void device_memory_asker_free(DeviceMemoryAsker *asker);

/**
 * device_memory_asker_close: write nothing below D from now on
 * @asker: the asker
 *
 * For a device model that has been told to end: its toolstack has removed D,
 * or is about to.  What would write returns -ESHUTDOWN.
 */
void device_memory_asker_close(DeviceMemoryAsker *asker);

/**
 * device_memory_asker_service: has a toolstack announced itself?
 * @asker: the asker
 *
 * Returns: 0 if one that speaks DEVICE_MEMORY_VERSION has; -ENOENT if there
 * is none; -EPROTONOSUPPORT if it speaks other versions only; another -errno
 * if the store cannot be reached
 */
int device_memory_asker_service(DeviceMemoryAsker *asker);

/**
 * device_memory_asker_ask: ask for a total and wait for the answer
 * @asker: the asker
 * @total_kib: the need, in KiB, a multiple of DEVICE_MEMORY_PAGE_KIB
 * @timeout_us: how long to wait, in microseconds
 * @answer: filled in when 0 is returned
 *
 * Returns: 0 when there is an answer, granted or refused; -ETIMEDOUT when
 * none came in time; another -errno if the store cannot be reached
 */
int device_memory_asker_ask(DeviceMemoryAsker *asker, uint32_t total_kib,
                            int64_t timeout_us, DeviceMemoryAnswer *answer);

/**
 * device_memory_asker_withdraw: state a total without waiting
 * @asker: the asker
 * @total_kib: what is held, in KiB, a multiple of DEVICE_MEMORY_PAGE_KIB
 *
 * Returns: 0 or -errno
 */
int device_memory_asker_withdraw(DeviceMemoryAsker *asker,
                                 uint32_t total_kib);

/**
 * device_memory_asker_last_id: the id of the last request
 * @asker: the asker
 */
uint32_t device_memory_asker_last_id(const DeviceMemoryAsker *asker);

/**
 * device_memory_asker_garbage: what came in place of the last answer
 * @asker: the asker
 *
 * Returns: the last value of D/answer that was no answer, made printable and
 * cut to DEVICE_MEMORY_NAME_MAX bytes, or NULL if there was none since the
 * last request; valid until the next request
 */
const char *device_memory_asker_garbage(const DeviceMemoryAsker *asker);

/**
 * device_memory_asker_publish: show the blocks
 * @asker: the asker
 * @ledger: whose blocks
 *
 * Writes only what differs from what was published before.
 *
 * Returns: 0 or the first -errno; the rest is tried all the same
 */
int device_memory_asker_publish(DeviceMemoryAsker *asker,
                                const DeviceMemoryLedger *ledger);

#endif /* HW_XEN_DEVICE_MEMORY_ASKER_H */
