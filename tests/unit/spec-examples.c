/*
 * The numbered examples of a page below docs/specs, for tests that replay them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "spec-examples.h"

static void example_free(gpointer opaque)
{
    SpecExample *example = opaque;

    g_ptr_array_unref(example->literals);
    g_free(example->text);
    g_free(example->tail);
    g_free(example);
}

static SpecExample *example_new(unsigned number, const char *text)
{
    SpecExample *example = g_new0(SpecExample, 1);
    g_auto(GStrv) parts = g_strsplit(text, "``", -1);
    unsigned n = g_strv_length(parts);

    example->number = number;
    example->text = g_strdup(text);
    example->literals = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 1; i < n; i += 2) {
        g_ptr_array_add(example->literals, g_strdup(parts[i]));
    }
    example->tail = g_strstrip(g_strdup(n ? parts[n - 1] : ""));
    return example;
}

/* "12. text": the number, and *@rest behind the blank; 0 for another line. */
static unsigned item_number(const char *line, const char **rest)
{
    char *end;
    guint64 number = g_ascii_strtoull(line, &end, 10);

    if (!g_ascii_isdigit(line[0]) || strncmp(end, ". ", 2)) {
        return 0;
    }
    *rest = end + 2;
    return number;
}

/* Everything from the section "Examples" on; items elsewhere are prose. */
static char **example_lines(const char *file)
{
    g_autofree char *contents = NULL;
    g_autoptr(GError) err = NULL;
    const char *begin;

    g_file_get_contents(file, &contents, NULL, &err);
    g_assert_no_error(err);
    begin = strstr(contents, "\nExamples\n====");
    g_assert_nonnull(begin);
    return g_strsplit(begin, "\n", -1);
}

GPtrArray *spec_examples_load(const char *file)
{
    g_auto(GStrv) lines = example_lines(file);
    GPtrArray *examples = g_ptr_array_new_with_free_func(example_free);

    for (unsigned i = 0; lines[i]; i++) {
        const char *rest;
        unsigned number = item_number(lines[i], &rest);
        g_autoptr(GString) text = NULL;

        if (!number) {
            continue;
        }
        g_assert_cmpuint(number, ==, examples->len + 1);
        text = g_string_new(rest);
        while (lines[i + 1] && lines[i + 1][0] == ' ') {
            g_string_append_printf(text, " %s", g_strstrip(lines[++i]));
        }
        g_ptr_array_add(examples, example_new(number, text->str));
    }
    return examples;
}

const SpecExample *spec_example_get(GPtrArray *examples, unsigned number)
{
    g_assert_cmpuint(number, >=, 1);
    g_assert_cmpuint(number, <=, examples->len);
    return g_ptr_array_index(examples, number - 1);
}

const char *spec_example_literal(const SpecExample *example,
                                 const char *arrow)
{
    for (unsigned i = 0; i < example->literals->len; i++) {
        const char *literal = g_ptr_array_index(example->literals, i);

        if (g_str_has_prefix(literal, arrow)) {
            literal += strlen(arrow);
            return *literal == ' ' ? literal + 1 : literal;
        }
    }
    g_error("example %u has no '%s'", example->number, arrow);
}

guint64 spec_example_number(const SpecExample *example, const char *name)
{
    g_autofree char *pattern = g_strdup_printf("\\b%s (\\d+)", name);
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *digits = NULL;

    if (!g_regex_match(regex, example->text, 0, &match)) {
        g_error("example %u names no '%s'", example->number, name);
    }
    digits = g_match_info_fetch(match, 1);
    return g_ascii_strtoull(digits, NULL, 10);
}
