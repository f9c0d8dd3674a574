/*
 * PV IOMMU: bus addresses of guest memory, for device models
 *
 * Concepts
 * - A device model whose work is done by real DMA hardware needs bus addresses
 *   for guest memory.  It attaches when it is realized, maps guest addresses
 *   to runs of bus addresses, and releases a mapping when its hardware no
 *   longer uses it.
 * - Guest memory can go while it is mapped: the guest balloons.  The device is
 *   told, stops its hardware and releases.  Until then Xen keeps the page, so
 *   the hardware writes to nobody else's memory.
 * - When the machine stops, devices drain: their hardware stops and everything
 *   is released.  Mappings are never migrated; they are made again on demand.
 * - One object of a subclass of "xen-pv-iommu" serves all devices of this
 *   process: "-native" on Xen, made when the first device attaches, or
 *   "-emulated", a model of a hypervisor for tests without Xen.
 *
 * Everything here is called with the BQL held, and calls back with it held;
 * docs/devel/pv-iommu.rst says why that is enough.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_H
#define HW_XEN_PV_IOMMU_H

#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "hw/xen/pv-iommu-client.h"
#include "hw/xen/xendm-compat.h"

/* Address bits of the widest bus, and of the narrowest that is of use. */
#define XEN_PV_IOMMU_DMA_BITS_MAX 64
#define XEN_PV_IOMMU_DMA_BITS_MIN 13

/* One device model's membership. */
typedef struct XenPvIommuUser XenPvIommuUser;

/* Guest memory that a device has bus addresses for. */
typedef struct XenPvIommuMapping XenPvIommuMapping;

/* A range of guest addresses, in bytes. */
typedef struct XenPvIommuRange {
    hwaddr gpa;
    uint64_t length;
} XenPvIommuRange;

/* What the operator says of a device: DEFINE_XEN_PV_IOMMU_PROPERTIES. */
typedef struct XenPvIommuOptions {
    bool enabled;               /* pv-iommu */
    char *mode;                 /* pv-iommu-mode: any, lookup or map */
    char *rdm_policy;           /* rdm-policy: strict or relaxed */
    uint64_t pages_max;         /* pv-iommu-max-pages; 0: no limit */
    uint32_t quiesce_ms;        /* quiesce-ms; 0: XEN_PV_IOMMU_QUIESCE_MS */
    uint8_t dma_bits;           /* dma-bits: of the hardware's addresses */
} XenPvIommuOptions;

/*
 * The properties that all such devices have.  @_field is a XenPvIommuOptions
 * in @_state.
 */
#define DEFINE_XEN_PV_IOMMU_PROPERTIES(_state, _field)                        \
    DEFINE_PROP_BOOL("pv-iommu", _state, _field.enabled, false),              \
    DEFINE_PROP_STRING("pv-iommu-mode", _state, _field.mode),                 \
    DEFINE_PROP_STRING("rdm-policy", _state, _field.rdm_policy),              \
    DEFINE_PROP_UINT64("pv-iommu-max-pages", _state, _field.pages_max, 0),    \
    DEFINE_PROP_UINT32("quiesce-ms", _state, _field.quiesce_ms,               \
                       XEN_PV_IOMMU_QUIESCE_MS),                              \
    DEFINE_PROP_UINT8("dma-bits", _state, _field.dma_bits,                    \
                      XEN_PV_IOMMU_DMA_BITS_MAX)

typedef struct XenPvIommuUserOps {
    /**
     * @invalidated: a part of a mapping has left the guest.  Mandatory.
     * @opaque: the device's
     * @mapping: the mapping; it stays until it is released
     * @range: the part, in guest addresses of whole pages; valid during the
     *         call
     *
     * The device must stop its hardware's access to the mapping and release
     * it, in this call or within its deadline.  It may release others, too.
     * It must not map here.
     */
    void (*invalidated)(void *opaque, XenPvIommuMapping *mapping,
                        const XenPvIommuRange *range);

    /**
     * @drain: the machine stops.  Mandatory.
     * @opaque: the device's
     *
     * The device must stop its hardware and release everything.  What it
     * cannot release keeps it from being migrated.  Called again before its
     * state is saved.
     */
    void (*drain)(void *opaque);
} XenPvIommuUserOps;

/**
 * xen_pv_iommu_attach: a device joins
 * @dev: the device, while it is being realized
 * @options: what the operator says of it
 * @ops: its functions
 * @opaque: for @ops
 * @errp: set when NULL is returned
 *
 * Fails when there is no PV IOMMU, when the device wants what this one does not
 * offer, when an option has no such value, and when memory that QEMU itself has
 * placed in the guest lies in a reserved region and the policy is strict.
 *
 * Returns: the membership, to be given back with xen_pv_iommu_detach(), or
 *          NULL; the guest has noticed nothing then
 */
XenPvIommuUser *xen_pv_iommu_attach(DeviceState *dev,
                                    const XenPvIommuOptions *options,
                                    const XenPvIommuUserOps *ops,
                                    void *opaque, Error **errp);

/**
 * xen_pv_iommu_detach: a device goes
 * @user: the membership, or NULL
 * @quiet: its hardware has stopped
 *
 * With @quiet, everything is released.  Without, what is mapped stays mapped
 * until this process ends, which is reported: Xen does not get pages back that
 * hardware still uses.  The machine cannot be migrated or saved then.  No
 * function of the device is called any more.
 */
void xen_pv_iommu_detach(XenPvIommuUser *user, bool quiet);

/**
 * xen_pv_iommu_caps: what this Xen offers
 * @user: who asks
 *
 * Without an IOMMU a bus address is a machine address, and the mode is lookup.
 */
XenPvIommuCaps xen_pv_iommu_caps(const XenPvIommuUser *user);

/**
 * xen_pv_iommu_mode: how a device gets its bus addresses
 * @user: who asks
 */
XenPvIommuMode xen_pv_iommu_mode(const XenPvIommuUser *user);

/**
 * xen_pv_iommu_map: bus addresses for guest memory
 * @user: who
 * @gpa: where it begins, in any alignment
 * @length: its length in bytes
 * @access: what the hardware may do
 * @mapping: set to a mapping, to be given back with xen_pv_iommu_release()
 * @fault: set on failure to the guest address that is to blame; may be NULL
 *
 * Returns: 0, or
 *   -EINVAL  the range is empty or ends beyond the last guest address
 *   -EFAULT  there is no memory, or none that the access may be made to
 *            (a device's registers, a ROM)
 *   other    as xen_pv_iommu_client_map()
 * On failure nothing is mapped that was not before.
 */
int xen_pv_iommu_map(XenPvIommuUser *user, hwaddr gpa, uint64_t length,
                     XenPvIommuAccess access, XenPvIommuMapping **mapping,
                     hwaddr *fault);

/**
 * xen_pv_iommu_bus_address: where the hardware finds a mapping's byte
 * @mapping: the mapping
 * @offset: of the byte, from 0
 * @address: set to its bus address in bytes
 * @length: set to how many bytes from there on are neighbours on the bus as
 *          well; may be NULL
 *
 * Going through a mapping from offset 0 in steps of @length gives its runs.
 *
 * Returns: false, with nothing set, if @offset is not below the mapping's
 *          length
 */
bool xen_pv_iommu_bus_address(const XenPvIommuMapping *mapping,
                              uint64_t offset, uint64_t *address,
                              uint64_t *length);

/**
 * xen_pv_iommu_release: the hardware no longer uses a mapping
 * @mapping: the mapping, or NULL; freed
 *
 * What the hardware may have written is marked dirty, for a migration.
 */
void xen_pv_iommu_release(XenPvIommuMapping *mapping);

/**
 * xen_pv_iommu_pre_save: may the device's state be saved?
 * @user: who, or NULL
 *
 * For a device's pre_save function.  The device is drained once more: its
 * hardware may have stopped since the machine did.  Where QEMU has saved the
 * guest's memory already, that is too late: what the hardware wrote meanwhile
 * would be missing.  What stands in the way is reported.
 *
 * Returns: 0, or -EBUSY; after hardware that stopped too late, a later attempt
 *          can go well
 */
int xen_pv_iommu_pre_save(XenPvIommuUser *user);

#endif /* HW_XEN_PV_IOMMU_H */
