/*
 * xen-copy-engine: registers
 *
 * Concepts
 * - A PCI device that copies guest memory.  It shows what a device model does
 *   whose DMA is real: arm takes bus addresses, trigger lets the hardware work,
 *   disarm gives the addresses back.
 * - docs/specs/xen-copy-engine.rst says what each register does.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_COPY_ENGINE_H
#define HW_XEN_COPY_ENGINE_H

#define TYPE_XEN_COPY_ENGINE "xen-copy-engine"

#define XEN_COPY_ENGINE_VENDOR 0x1234
#define XEN_COPY_ENGINE_DEVICE 0x7863

#define XEN_COPY_ENGINE_BAR 0
#define XEN_COPY_ENGINE_BAR_SIZE 4096

/* The internal buffer, and the longest copy, in bytes. */
#define XEN_COPY_ENGINE_BUFFER 4096
#define XEN_COPY_ENGINE_LENGTH_MAX (1024 * 1024)

/* Offsets; each register has 32 bits. */
enum {
    XEN_COPY_ENGINE_ID = 0x00,
    XEN_COPY_ENGINE_FEATURES = 0x04,
    XEN_COPY_ENGINE_SOURCE = 0x08,          /* low half, then high half */
    XEN_COPY_ENGINE_DESTINATION = 0x10,     /* likewise */
    XEN_COPY_ENGINE_LENGTH = 0x18,
    XEN_COPY_ENGINE_DIRECTION = 0x1c,
    XEN_COPY_ENGINE_COMMAND = 0x20,
    XEN_COPY_ENGINE_STATUS = 0x24,
    XEN_COPY_ENGINE_ERROR = 0x28,
    XEN_COPY_ENGINE_DONE = 0x2c,
    XEN_COPY_ENGINE_FAULT = 0x30,           /* low half, then high half */
    XEN_COPY_ENGINE_COPIES = 0x38,
    XEN_COPY_ENGINE_INVALIDATIONS = 0x3c,
    XEN_COPY_ENGINE_IGNORED = 0x40,
};

#define XEN_COPY_ENGINE_ID_VALUE 0x31454358     /* "XCE1" */

/* FEATURES */
#define XEN_COPY_ENGINE_PV_IOMMU (1 << 0)
#define XEN_COPY_ENGINE_MAP_MODE (1 << 1)
#define XEN_COPY_ENGINE_BUS_ADDRESSES (1 << 2)

/* DIRECTION */
enum {
    XEN_COPY_ENGINE_COPY = 0,       /* source to destination */
    XEN_COPY_ENGINE_READ = 1,       /* source to the internal buffer */
    XEN_COPY_ENGINE_WRITE = 2,      /* the internal buffer to destination */
};

/* COMMAND */
enum {
    XEN_COPY_ENGINE_ARM = 1,
    XEN_COPY_ENGINE_TRIGGER = 2,
    XEN_COPY_ENGINE_DISARM = 3,
};

/* STATUS */
enum {
    XEN_COPY_ENGINE_IDLE = 0,
    XEN_COPY_ENGINE_ARMED = 1,
    XEN_COPY_ENGINE_RUNNING = 2,
    XEN_COPY_ENGINE_FINISHED = 3,
    XEN_COPY_ENGINE_FAILED = 4,
    XEN_COPY_ENGINE_STOPPING = 5,
};

/* ERROR */
enum {
    XEN_COPY_ENGINE_OK = 0,
    XEN_COPY_ENGINE_BAD_LENGTH = 1,
    XEN_COPY_ENGINE_BAD_DIRECTION = 2,
    XEN_COPY_ENGINE_NO_MEMORY = 3,      /* none there, or not for this */
    XEN_COPY_ENGINE_LIMIT = 4,
    XEN_COPY_ENGINE_RESERVED = 5,
    XEN_COPY_ENGINE_UNREACHABLE = 6,
    XEN_COPY_ENGINE_INVALIDATED = 7,
    XEN_COPY_ENGINE_BUS_FAULT = 8,
    XEN_COPY_ENGINE_ABORTED = 9,
    XEN_COPY_ENGINE_REFUSED = 10,       /* by Xen, for another reason */
};

#endif /* HW_XEN_COPY_ENGINE_H */
