/*
 * Hypervisor node: what the operator says
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_OPTIONS_H
#define HW_XEN_HYPERVISOR_DT_OPTIONS_H

#include "qom/object.h"
#include "hw/xen/hypervisor-dt-tree.h"

typedef enum HypervisorDtUse {
    HYPERVISOR_DT_USE_OFF,      /* the domain's tree is not our business */
    HYPERVISOR_DT_USE_FIXUP,
    HYPERVISOR_DT_USE_BOOT,
} HypervisorDtUse;

typedef struct HypervisorDtOptions {
    HypervisorDtUse use;
    HypervisorDtGic gic;
    unsigned address_bits;
    unsigned xen_major;
    unsigned xen_minor;
    bool regions_off;
    unsigned regions_max;
    GArray *exclusions;         /* HypervisorDtWindow; NULL: none */
} HypervisorDtOptions;

/**
 * hypervisor_dt_options: what the machine's properties say
 *
 * Returns: the options; there is one machine, and one of these
 */
const HypervisorDtOptions *hypervisor_dt_options(void);

/**
 * hypervisor_dt_options_class_init: add the properties to a machine's class
 * @oc: the class
 */
void hypervisor_dt_options_class_init(ObjectClass *oc);

#endif /* HW_XEN_HYPERVISOR_DT_OPTIONS_H */
