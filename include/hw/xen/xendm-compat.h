/*
 * Differences between the QEMU series that xendm joins
 *
 * Everything that depends on QEMU's version stands here, and nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_XENDM_COMPAT_H
#define HW_XEN_XENDM_COMPAT_H

#define XENDM_QEMU_AT_LEAST(major, minor) \
    (QEMU_VERSION_MAJOR > (major) || \
     (QEMU_VERSION_MAJOR == (major) && QEMU_VERSION_MINOR >= (minor)))

#if XENDM_QEMU_AT_LEAST(10, 1)
#include "system/address-spaces.h"
#include "system/memory.h"
#include "system/ramblock.h"
#else
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "exec/ramblock.h"
#endif

/* class_init's second argument became const in 10.1. */
#if XENDM_QEMU_AT_LEAST(10, 1)
typedef const void *XendmClassData;
#else
typedef void *XendmClassData;
#endif

#endif /* HW_XEN_XENDM_COMPAT_H */
