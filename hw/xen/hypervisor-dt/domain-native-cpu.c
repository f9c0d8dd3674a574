/*
 * Hypervisor node: the first CPU of a domain of the Xen that QEMU runs on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "domain-native.h"

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

int hypervisor_dt_native_get_entry(void *opaque, HypervisorDtEntry *entry)
{
    HypervisorDtNative *native = opaque;
    vcpu_guest_context_any_t context;

    errno = 0;
    if (xc_vcpu_getcontext(native->control, native->domid, 0, &context)) {
        return last_error();
    }
    *entry = (HypervisorDtEntry){
        .pc = context.c.user_regs.pc64,
        .x0 = context.c.user_regs.x0,
    };
    return 0;
}

int hypervisor_dt_native_set_entry(void *opaque,
                                   const HypervisorDtEntry *entry)
{
    HypervisorDtNative *native = opaque;
    vcpu_guest_context_any_t context = {
        .c = {
            .flags = VGCF_online,
            .user_regs = {
                .pc64 = entry->pc,
                .x0 = entry->x0,
                .cpsr = PSR_GUEST64_INIT,
            },
            .sctlr = SCTLR_GUEST_INIT,
        },
    };

    errno = 0;
    if (xc_vcpu_setcontext(native->control, native->domid, 0, &context)) {
        return last_error();
    }
    return 0;
}
