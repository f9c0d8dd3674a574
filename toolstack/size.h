/*
 * Sizes as people write them: "64 MiB"
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_SIZE_H
#define TOOLSTACK_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* What size_parse() takes, for error messages. */
#define SIZE_SYNTAX "a whole number and KiB, MiB or GiB, such as \"64 MiB\", " \
    "a multiple of 4 KiB, from 0 KiB to 4194303 MiB"

/* The largest size: what fits the protocol's totals, in KiB. */
#define SIZE_MAX_KIB (4194303u * 1024u)

/**
 * size_parse: read a size
 * @text: as SIZE_SYNTAX says, NUL-terminated
 * @kib: set to the size in KiB; untouched on failure
 *
 * Returns: whether @text is a size
 */
bool size_parse(const char *text, uint32_t *kib);

/**
 * size_format: a size as size_parse() reads it, in the largest unit that is
 * exact
 * @kib: the size in KiB
 *
 * Returns: a new string, owned by the caller
 */
char *size_format(uint32_t kib);

#endif /* TOOLSTACK_SIZE_H */
