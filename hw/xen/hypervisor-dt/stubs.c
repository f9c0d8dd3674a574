/*
 * Hypervisor node: entry points for a QEMU whose guests are not Arm's
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/xen/hypervisor-dt.h"

void xen_hypervisor_dt_machine_class_init(ObjectClass *oc)
{
}

void xen_hypervisor_dt_dump(MachineState *machine)
{
}
