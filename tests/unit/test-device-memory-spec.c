/*
 * Device memory: the examples of docs/specs/device-memory.rst, by number
 *
 * Those that a device model and the shared parsers must get right; the
 * toolstack's decisions are replayed by the toolstack's own tests.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "hw/xen/device-memory-asker.h"
#include "spec-examples.h"

/* The examples that each test replays: first and last number. */
#define WELL_FORMED_FIRST 1
#define WELL_FORMED_LAST 16
#define MALFORMED_FIRST 17
#define MALFORMED_LAST 28
#define ASKER_FIRST 29
#define ASKER_LAST 40
#define RECOVERY_FIRST 41
#define RECOVERY_LAST 46

static GPtrArray *examples;

/* A request and an answer of the page are as our parsers write them. */
static void test_well_formed(void)
{
    for (unsigned n = WELL_FORMED_FIRST; n <= WELL_FORMED_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        const char *asked = spec_example_literal(example, "->");
        const char *answered = spec_example_literal(example, "<-");
        g_autofree char *request_text = NULL;
        g_autofree char *answer_text = NULL;
        DeviceMemoryRequest request;
        DeviceMemoryAnswer answer;

        g_test_message("example %u", n);
        g_assert_true(device_memory_request_parse(asked, &request));
        request_text = device_memory_request_format(&request);
        g_assert_cmpstr(request_text, ==, asked);
        g_assert_true(device_memory_answer_parse(answered, &answer));
        answer_text = device_memory_answer_format(&answer);
        g_assert_cmpstr(answer_text, ==, answered);
        g_assert_cmpuint(answer.id, ==, request.id);
    }
}

static void test_malformed(void)
{
    for (unsigned n = MALFORMED_FIRST; n <= MALFORMED_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        DeviceMemoryRequest request;
        DeviceMemoryAnswer answer;

        g_test_message("example %u", n);
        g_assert_false(device_memory_request_parse(
                           spec_example_literal(example, "->"), &request));
        g_assert_true(device_memory_answer_parse(
                          spec_example_literal(example, "<-"), &answer));
        g_assert_cmpuint(request.id, ==, answer.id);
        g_assert_cmpstr(answer.reason, ==, DEVICE_MEMORY_REASON_MALFORMED);
    }
}

/* --- a store that holds one value of D/answer, and a clock that runs --- */

typedef struct OneAnswer {
    const char *text;
    int64_t now;
} OneAnswer;

static int one_read(void *opaque, const char *path, char **value)
{
    OneAnswer *one = opaque;

    g_assert_cmpstr(path, ==, "answer");
    *value = g_strdup(one->text);
    return 0;
}

static int one_write(void *opaque, const char *path, const char *value)
{
    (void)opaque;
    g_assert_cmpstr(path, ==, "request");
    g_assert_cmpstr(value, ==, "40 320");
    return 0;
}

static int one_remove(void *opaque, const char *path)
{
    (void)opaque;
    (void)path;
    g_assert_not_reached();
}

static int one_wait(void *opaque, int64_t deadline)
{
    OneAnswer *one = opaque;

    return one->now++ < deadline ? 0 : -ETIMEDOUT;
}

static int64_t one_now(void *opaque)
{
    return ((OneAnswer *)opaque)->now;
}

static const DeviceMemoryStoreOps one_ops = {
    .read = one_read,
    .write = one_write,
    .remove = one_remove,
    .wait = one_wait,
    .now = one_now,
};

static const char *outcome(const char *text)
{
    OneAnswer one = { .text = text };
    DeviceMemoryAsker *asker = device_memory_asker_new(&one_ops, &one, 39);
    DeviceMemoryAnswer answer;
    int ret = device_memory_asker_ask(asker, 320, 3, &answer);

    device_memory_asker_free(asker);
    if (ret) {
        g_assert_cmpint(ret, ==, -ETIMEDOUT);
        return "waiting";
    }
    return answer.granted ? "granted" : "refused";
}

static void test_asker(void)
{
    for (unsigned n = ASKER_FIRST; n <= ASKER_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        g_autofree char *expected = NULL;

        g_test_message("example %u", n);
        g_assert_true(g_str_has_prefix(example->tail, ": "));
        expected = g_strdup(example->tail + 2);
        g_assert_cmpstr(outcome(spec_example_literal(example, "<-")), ==,
                        expected);
    }
}

static void test_recovery(void)
{
    for (unsigned n = RECOVERY_FIRST; n <= RECOVERY_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        const char *numbers = strrchr(example->text, ':');
        const char *comma;
        DeviceMemoryRecord record;
        bool found = false;
        guint64 limit, new_limit;
        uint32_t grant, expected_grant;

        g_test_message("example %u", n);
        if (example->literals->len) {
            found = device_memory_record_parse(
                g_ptr_array_index(example->literals, 0), &record);
        } else {
            g_assert_nonnull(strstr(example->text, "no record"));
        }
        /* "..., 33104 : 320, 33104" */
        for (comma = numbers; *comma != ','; comma--) {
            g_assert_true(comma > example->text);
        }
        g_assert_cmpint(sscanf(comma, ", %" G_GUINT64_FORMAT " : %u, %"
                               G_GUINT64_FORMAT, &limit, &expected_grant,
                               &new_limit), ==, 3);
        g_assert_cmpuint(device_memory_record_recover(found ? &record : NULL,
                                                      limit, &grant),
                         ==, new_limit);
        g_assert_cmpuint(grant, ==, expected_grant);
    }
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    examples = spec_examples_load(g_getenv("XENDM_SPEC"));
    g_test_add_func("/spec/well-formed", test_well_formed);
    g_test_add_func("/spec/malformed", test_malformed);
    g_test_add_func("/spec/asker", test_asker);
    g_test_add_func("/spec/recovery", test_recovery);
    ret = g_test_run();
    g_ptr_array_unref(examples);
    return ret;
}
