/*
 * Hypervisor node: how the cores say what is wrong
 *
 * Concepts
 * - A function that can refuse returns 0 or -errno and fills in a
 *   HypervisorDtError; the caller owns it, nothing is allocated.
 * - The message is complete: it names the thing, its value and what is
 *   allowed.  It holds printable ASCII only, also if the name in it comes from
 *   a device tree that nobody trusts.
 * - If two ranges (or two users of an interrupt) clash, both are named.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_HYPERVISOR_DT_ERROR_H
#define HW_XEN_HYPERVISOR_DT_ERROR_H

#include <glib.h>

/* Bytes, the NUL included.  What is longer is cut. */
#define HYPERVISOR_DT_MESSAGE_SIZE 320
#define HYPERVISOR_DT_NAME_SIZE 64

typedef struct HypervisorDtError {
    int code;                                   /* -errno, 0 for none */
    char message[HYPERVISOR_DT_MESSAGE_SIZE];   /* no full stop, no newline */
    /* The two that clash, by name; both "" if it is no clash. */
    char first[HYPERVISOR_DT_NAME_SIZE];
    char second[HYPERVISOR_DT_NAME_SIZE];
} HypervisorDtError;

/**
 * hypervisor_dt_error_set: say what is wrong
 * @error: filled in; "first" and "second" are emptied
 * @code: -errno, less than 0
 * @format: printf's
 *
 * Returns: @code, so that a function can refuse in one statement
 */
int hypervisor_dt_error_set(HypervisorDtError *error, int code,
                            const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * hypervisor_dt_error_clash: name the two that clash
 * @error: as filled in by hypervisor_dt_error_set()
 * @first: a name; copied
 * @second: another; copied
 *
 * Returns: the code that is in @error
 */
int hypervisor_dt_error_clash(HypervisorDtError *error, const char *first,
                              const char *second);

#endif /* HW_XEN_HYPERVISOR_DT_ERROR_H */
