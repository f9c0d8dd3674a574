/*
 * Hypervisor node: what QEMU's own code calls
 *
 * The machine "xenpvh" of Arm makes the guest's device tree: for dumpdtb,
 * into a domain that libxl has built (device-tree=fixup), or together with a
 * kernel (device-tree=boot).  docs/system/hypervisor-dt.rst is the operator's
 * page.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_H
#define HW_XEN_HYPERVISOR_DT_H

#include "hw/boards.h"

/**
 * xen_hypervisor_dt_machine_class_init: add our properties to a machine
 * @oc: the class of "xenpvh" of Arm; its init function runs before what we do
 */
void xen_hypervisor_dt_machine_class_init(ObjectClass *oc);

/**
 * xen_hypervisor_dt_dump: write the tree and end, if dumpdtb is set
 * @machine: the machine; its properties are set, nothing of it exists
 *
 * Called before Xen is opened, because no Xen is needed.  Machines without our
 * properties are not concerned.
 */
void xen_hypervisor_dt_dump(MachineState *machine);

#endif /* HW_XEN_HYPERVISOR_DT_H */
