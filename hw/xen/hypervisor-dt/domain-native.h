/*
 * Hypervisor node: a domain of the Xen that QEMU runs on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_DOMAIN_NATIVE_H
#define HW_XEN_HYPERVISOR_DT_DOMAIN_NATIVE_H

#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "hw/xen/hypervisor-dt-domain.h"

/* What hypervisor_dt_native_ops works on; the handles are the caller's. */
typedef struct HypervisorDtNative {
    xc_interface *control;
    xenforeignmemory_handle *memory;
    uint32_t domid;
} HypervisorDtNative;

/* The two ops that are about the first CPU. */
int hypervisor_dt_native_get_entry(void *opaque, HypervisorDtEntry *entry);
int hypervisor_dt_native_set_entry(void *opaque,
                                   const HypervisorDtEntry *entry);

extern const HypervisorDtDomainOps hypervisor_dt_native_ops;

#endif /* HW_XEN_HYPERVISOR_DT_DOMAIN_NATIVE_H */
