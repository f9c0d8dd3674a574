/*
 * PV IOMMU: the object on Xen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "hw/xen/pv-iommu-native.h"
#include "hw/xen/xen.h"
#include "iommu.h"

OBJECT_DECLARE_SIMPLE_TYPE(NativeIommu, XEN_PV_IOMMU_NATIVE)

struct NativeIommu {
    XenPvIommu parent_obj;

    XenPvIommuNative *native;
};

static bool native_attach(XenPvIommu *iommu, Error **errp)
{
    NativeIommu *s = XEN_PV_IOMMU_NATIVE(iommu);
    const char *step;
    int ret;

    /* It would be there now, and every request refused later. */
    if (xen_domid_restrict) {
        error_setg(errp, "the PV IOMMU takes hypercalls, which this device "
                   "model will not be able to make (-xen-domid-restrict)");
        return false;
    }
    if (!pv_iommu_ioserver_id(&iommu->config.ioserver)) {
        error_setg(errp, "the PV IOMMU needs an ioreq server, and this Xen "
                   "has given none");
        return false;
    }
    iommu->config.domid = xen_domid;
    ret = xen_pv_iommu_native_open(&s->native, &step);
    if (ret) {
        error_setg_errno(errp, -ret, "no way to the PV IOMMU: cannot %s",
                         step);
        return false;
    }
    iommu->ops = &xen_pv_iommu_native_ops;
    iommu->hypervisor = s->native;
    return true;
}

static void native_detach(XenPvIommu *iommu)
{
    NativeIommu *s = XEN_PV_IOMMU_NATIVE(iommu);

    g_clear_pointer(&s->native, xen_pv_iommu_native_close);
}

static void native_class_init(ObjectClass *oc, XendmClassData data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    XenPvIommuClass *class = XEN_PV_IOMMU_CLASS(oc);

    dc->desc = "Xen's PV IOMMU";
    /* A guest that is paused can be ballooned, too. */
    class->clock = QEMU_CLOCK_REALTIME;
    class->attach = native_attach;
    class->detach = native_detach;
}

static const TypeInfo native_types[] = {
    {
        .name = TYPE_XEN_PV_IOMMU_NATIVE,
        .parent = TYPE_XEN_PV_IOMMU,
        .instance_size = sizeof(NativeIommu),
        .class_init = native_class_init,
    },
};

DEFINE_TYPES(native_types)
