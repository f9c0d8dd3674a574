/*
 * From QEMU 10.1 on, exec/memory.h is called system/memory.h
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "exec/memory.h"
