/*
 * What QEMU's util/iova-tree.c and util/interval-tree.c need of qemu/osdep.h
 *
 * QEMU's own wants a configured build.  The two files come from the QEMU
 * source that configure fetched; only this header and exec/memory.h are put
 * before QEMU's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef BENCH_QEMU_OSDEP_H
#define BENCH_QEMU_OSDEP_H

#include <assert.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "qemu/compiler.h"

/* For qemu/atomic.h: true when compiled, or it does not compile. */
#define qemu_build_assert(test) ((void)sizeof(char[(test) ? 1 : -1]))

#endif /* BENCH_QEMU_OSDEP_H */
