/*
 * The numbered examples of a page below docs/specs, for tests that replay them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_UNIT_SPEC_EXAMPLES_H
#define TESTS_UNIT_SPEC_EXAMPLES_H

#include <glib.h>

/* One item "N. text"; @literals are its ``...`` in order, unquoted. */
typedef struct SpecExample {
    unsigned number;
    char *text;         /* all of it, on one line */
    char *tail;         /* what follows the last literal, stripped */
    GPtrArray *literals;
} SpecExample;

/**
 * spec_examples_load: read all examples of a page
 * @file: the page; failing to read it fails the test
 *
 * The items of the whole page must be numbered 1, 2, 3...
 *
 * Returns: SpecExample by number less 1; free with g_ptr_array_unref()
 */
GPtrArray *spec_examples_load(const char *file);

/**
 * spec_example_get: one example
 * @examples: as loaded
 * @number: which; asserted to exist
 */
const SpecExample *spec_example_get(GPtrArray *examples, unsigned number);

/**
 * spec_example_literal: a literal with its arrow removed
 * @example: the example
 * @arrow: "->" or "<-"
 *
 * Returns: what follows the arrow and one space in the first literal that
 * begins with @arrow; "" if nothing follows.  Asserts that there is one.
 */
const char *spec_example_literal(const SpecExample *example,
                                 const char *arrow);

/**
 * spec_example_number: a value named in the text, as in "cap 1088, free 0"
 * @example: the example
 * @name: the name; asserted to be there, with a number behind it
 */
guint64 spec_example_number(const SpecExample *example, const char *name);

#endif /* TESTS_UNIT_SPEC_EXAMPLES_H */
