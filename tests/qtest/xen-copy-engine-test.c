/*
 * QTest: the numbered examples of docs/specs/xen-copy-engine.rst
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "xen-pv-iommu-machine.h"

typedef struct Word {
    const char *name;
    uint32_t value;
} Word;

/* How many the page has; one that is not found is not tested. */
#define EXAMPLES 18

static const Word registers[] = {
    { "ID", XEN_COPY_ENGINE_ID },
    { "FEATURES", XEN_COPY_ENGINE_FEATURES },
    { "SOURCE", XEN_COPY_ENGINE_SOURCE },
    { "DESTINATION", XEN_COPY_ENGINE_DESTINATION },
    { "LENGTH", XEN_COPY_ENGINE_LENGTH },
    { "DIRECTION", XEN_COPY_ENGINE_DIRECTION },
    { "COMMAND", XEN_COPY_ENGINE_COMMAND },
    { "STATUS", XEN_COPY_ENGINE_STATUS },
    { "ERROR", XEN_COPY_ENGINE_ERROR },
    { "DONE", XEN_COPY_ENGINE_DONE },
    { "FAULT", XEN_COPY_ENGINE_FAULT },
    { "COPIES", XEN_COPY_ENGINE_COPIES },
    { "INVALIDATIONS", XEN_COPY_ENGINE_INVALIDATIONS },
    { "IGNORED", XEN_COPY_ENGINE_IGNORED },
    { }
};

static const Word values[] = {
    { "COPY", XEN_COPY_ENGINE_COPY },
    { "READ", XEN_COPY_ENGINE_READ },
    { "WRITE", XEN_COPY_ENGINE_WRITE },
    { "ARM", XEN_COPY_ENGINE_ARM },
    { "TRIGGER", XEN_COPY_ENGINE_TRIGGER },
    { "DISARM", XEN_COPY_ENGINE_DISARM },
    { "IDLE", XEN_COPY_ENGINE_IDLE },
    { "ARMED", XEN_COPY_ENGINE_ARMED },
    { "RUNNING", XEN_COPY_ENGINE_RUNNING },
    { "FINISHED", XEN_COPY_ENGINE_FINISHED },
    { "FAILED", XEN_COPY_ENGINE_FAILED },
    { "STOPPING", XEN_COPY_ENGINE_STOPPING },
    { "BAD_LENGTH", XEN_COPY_ENGINE_BAD_LENGTH },
    { "BAD_DIRECTION", XEN_COPY_ENGINE_BAD_DIRECTION },
    { "NO_MEMORY", XEN_COPY_ENGINE_NO_MEMORY },
    { "LIMIT", XEN_COPY_ENGINE_LIMIT },
    { "RESERVED", XEN_COPY_ENGINE_RESERVED },
    { "UNREACHABLE", XEN_COPY_ENGINE_UNREACHABLE },
    { "INVALIDATED", XEN_COPY_ENGINE_INVALIDATED },
    { "BUS_FAULT", XEN_COPY_ENGINE_BUS_FAULT },
    { "ABORTED", XEN_COPY_ENGINE_ABORTED },
    { "REFUSED", XEN_COPY_ENGINE_REFUSED },
    { }
};

static const Word *find_word(const Word *words, const char *name)
{
    for (; words->name; words++) {
        if (!strcmp(words->name, name)) {
            return words;
        }
    }
    return NULL;
}

static uint64_t parse_value(const char *text)
{
    const Word *word = find_word(values, text);
    char *end;
    uint64_t value = g_ascii_strtoull(text, &end, 0);

    if (word) {
        return word->value;
    }
    if (end == text || *end) {
        g_error("'%s' is no value", text);
    }
    return value;
}

static bool has_two_halves(uint32_t offset)
{
    return offset == XEN_COPY_ENGINE_SOURCE ||
           offset == XEN_COPY_ENGINE_DESTINATION ||
           offset == XEN_COPY_ENGINE_FAULT;
}

static void replay_register(const Machine *m, uint32_t offset, bool write,
                            uint64_t value)
{
    uint64_t address = m->bar[0] + offset;

    if (write && has_two_halves(offset)) {
        qtest_writeq(m->qts, address, value);
    } else if (write) {
        qtest_writel(m->qts, address, value);
    } else if (has_two_halves(offset)) {
        g_assert_cmphex(qtest_readq(m->qts, address), ==, value);
    } else {
        g_assert_cmphex(qtest_readl(m->qts, address), ==, value);
    }
}

/* One literal of the page, cut into words. */
static void replay(const Machine *m, const char *literal)
{
    g_auto(GStrv) words = g_strsplit(literal, " ", -1);
    unsigned count = g_strv_length(words);
    const Word *reg = find_word(registers, words[0]);
    bool write = count > 2 && !strcmp(words[count == 3 ? 1 : 2], "=");

    g_test_message("%s", literal);
    if (reg && count == 3) {
        g_assert_true(write || !strcmp(words[1], "is"));
        replay_register(m, reg->value, write, parse_value(words[2]));
    } else if (!strcmp(words[0], "memory") && count == 6) {
        g_assert_cmpstr(words[4], ==, "*");
        (write ? memory_fill : assert_memory)(m, parse_value(words[1]),
                                       parse_value(words[3]),
                                       parse_value(words[5]));
    } else if (!strcmp(literal, "wait")) {
        engine_wait(m, 0);
    } else if (!strcmp(words[0], "balloon") ||
               !strcmp(words[0], "populate")) {
        assert_ok(host_try(m, literal));
    } else {
        g_error("'%s' is no step of an example", literal);
    }
}

static void test_example(const void *opaque)
{
    g_auto(GStrv) parts = g_strsplit(opaque, "``", -1);
    const char *device = ENGINE;
    bool other = parts[1] && g_str_has_prefix(parts[1], "-device ");
    Machine m;
    unsigned steps = 0;

    if (other) {
        device = parts[1] + strlen("-device ");
    }
    m = machine_start("", device, NULL);
    for (unsigned i = other ? 3 : 1; parts[i] && parts[i + 1]; i += 2) {
        replay(&m, parts[i]);
        steps++;
    }
    g_assert_cmpuint(steps, >, 0);
    machine_quit(&m);
}

/* "12. text": the number, and *@rest behind the blank; 0 for another line. */
static unsigned item_number(const char *line, const char **rest)
{
    char *end;
    guint64 n = g_ascii_strtoull(line, &end, 10);

    if (!g_ascii_isdigit(line[0]) || strncmp(end, ". ", 2)) {
        return 0;
    }
    *rest = end + 2;
    return n;
}

/* One test for each example; they are numbered without a gap. */
static void add_examples(const char *page)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned examples = 0;

    g_assert_true(g_file_get_contents(page, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "\nExamples\n===="));
    lines = g_strsplit(strstr(text, "\nExamples\n===="), "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        g_autofree char *path = NULL;
        const char *rest;
        unsigned n = item_number(lines[i], &rest);
        GString *example;

        if (!n) {
            continue;
        }
        g_assert_cmpuint(n, ==, ++examples);
        example = g_string_new(rest);
        while (lines[i + 1] && lines[i + 1][0] == ' ') {
            g_string_append_printf(example, " %s", g_strstrip(lines[++i]));
        }
        path = g_strdup_printf("xen-copy-engine/example/%u", n);
        qtest_add_data_func_full(path, g_string_free(example, FALSE),
                                 test_example, g_free);
    }
    g_assert_cmpuint(examples, ==, EXAMPLES);
}

static void test_no_page(void)
{
    g_test_skip("XENDM_DOCS does not say where docs/ is");
}

int main(int argc, char **argv)
{
    const char *docs = getenv("XENDM_DOCS");
    int ret;

    g_test_init(&argc, &argv, NULL);
    if (docs) {
        g_autofree char *page =
            g_build_filename(docs, "specs", "xen-copy-engine.rst", NULL);

        add_examples(page);
    } else {
        qtest_add_func("xen-copy-engine/example", test_no_page);
    }
    ret = g_test_run();
    return ret;
}
