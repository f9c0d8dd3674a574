/*
 * What every fuzz target needs: the input as a string, and a check that stays
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_FUZZ_FUZZ_INPUT_H
#define TESTS_FUZZ_FUZZ_INPUT_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A property that must hold for every input; a false one is a finding. */
#define FUZZ_CHECK(condition)                                              \
    do {                                                                   \
        if (!(condition)) {                                                \
            g_printerr("%s:%d: %s\n", __FILE__, __LINE__, #condition);     \
            abort();                                                       \
        }                                                                  \
    } while (0)

/* xenstore's values end up as C strings: they end at the first NUL. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
    return g_strndup((const char *)data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* TESTS_FUZZ_FUZZ_INPUT_H */
