/*
 * Device memory: the protocol's values, at every limit and one past it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "hw/xen/device-memory-protocol.h"

static bool number(const char *text, uint64_t max, uint64_t *value)
{
    return device_memory_parse_number(text, strlen(text), max, value);
}

static void test_number(void)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } cases[] = {
        { "0", 0, true, 0 },
        { "1", 0, false, 0 },
        { "9", 9, true, 9 },
        { "10", 9, false, 0 },
        { "4294967295", UINT32_MAX, true, UINT32_MAX },
        { "4294967296", UINT32_MAX, false, 0 },
        { "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, false, 0 },
        { "99999999999999999999999", UINT64_MAX, false, 0 },
        { "5", 4, false, 0 },
        { "", 9, false, 0 },
        { "00", 9, false, 0 },
        { "01", 9, false, 0 },
        { "+1", 9, false, 0 },
        { "-0", 9, false, 0 },
        { " 1", 9, false, 0 },
        { "1 ", 9, false, 0 },
        { "1\n", 9, false, 0 },
        { "0x1", 9, false, 0 },
        { "\xd9\xa1", 9, false, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t value = 77;
        bool ok = number(cases[i].text, cases[i].max, &value);
        uint64_t expected = ok ? cases[i].value : 77;   /* untouched */

        g_test_message("'%s'", cases[i].text);
        g_assert_cmpint(ok, ==, cases[i].ok);
        g_assert_cmpuint(value, ==, expected);
    }
}

static void test_number_length(void)
{
    uint64_t value = 0;

    g_assert_true(device_memory_parse_number("123", 2, 99, &value));
    g_assert_cmpuint(value, ==, 12);
    g_assert_false(device_memory_parse_number("123", 0, 99, &value));
}

static void test_request_round_trip(void)
{
    static const DeviceMemoryRequest requests[] = {
        { 1, 0 },
        { 7, 4 },
        { UINT32_MAX, DEVICE_MEMORY_TOTAL_MAX },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
        g_autofree char *text = device_memory_request_format(&requests[i]);
        DeviceMemoryRequest found;

        g_assert_true(device_memory_request_parse(text, &found));
        g_assert_cmpuint(found.id, ==, requests[i].id);
        g_assert_cmpuint(found.total_kib, ==, requests[i].total_kib);
    }
}

/* What can be read of a bad request is its id, so that it can be answered. */
static void test_request_bad(void)
{
    static const struct {
        const char *text;
        uint32_t id;
    } cases[] = {
        { "", 0 }, { " ", 0 }, { "5", 5 }, { "5 ", 5 }, { " 5 4", 0 },
        { "5 4 ", 5 }, { "5 4 4", 5 }, { "5 3", 5 }, { "5\t4", 0 },
        { "0 4", 0 }, { "5 4294967295", 5 }, { "5 4294967296", 5 },
        { "1 2 3 4 5 6 7 8 9", 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DeviceMemoryRequest found = { 99, 99 };

        g_test_message("'%s'", cases[i].text);
        g_assert_false(device_memory_request_parse(cases[i].text, &found));
        g_assert_cmpuint(found.id, ==, cases[i].id);
        g_assert_cmpuint(found.total_kib, ==, 0);
    }
}

/* A value of the largest length is looked at, a longer one is not. */
static void test_value_length(void)
{
    g_autofree char *name = g_strnfill(DEVICE_MEMORY_VALUE_MAX - 2, 'x');
    g_autofree char *longest = g_strdup_printf("5 %s", name);
    g_autofree char *longer = g_strdup_printf("5 %sx", name);
    DeviceMemoryRequest found;

    g_assert_cmpuint(strlen(longest), ==, DEVICE_MEMORY_VALUE_MAX);
    g_assert_false(device_memory_request_parse(longest, &found));
    g_assert_cmpuint(found.id, ==, 5);
    g_assert_false(device_memory_request_parse(longer, &found));
    g_assert_cmpuint(found.id, ==, 0);
}

static void assert_answer_round_trip(const DeviceMemoryAnswer *answer)
{
    g_autofree char *text = device_memory_answer_format(answer);
    DeviceMemoryAnswer found;

    g_assert_true(device_memory_answer_parse(text, &found));
    g_assert_cmpuint(found.id, ==, answer->id);
    g_assert_cmpint(found.granted, ==, answer->granted);
    g_assert_cmpuint(found.grant_kib, ==, answer->grant_kib);
    g_assert_cmpuint(found.cap_kib, ==, answer->cap_kib);
    g_assert_cmpuint(found.available_kib, ==, answer->available_kib);
    g_assert_cmpstr(found.reason, ==, answer->reason);
}

static void test_answer_round_trip(void)
{
    DeviceMemoryAnswer answer = {
        .id = UINT32_MAX,
        .grant_kib = DEVICE_MEMORY_TOTAL_MAX,
        .cap_kib = DEVICE_MEMORY_TOTAL_MAX,
        .available_kib = DEVICE_MEMORY_TOTAL_MAX,
    };

    memset(answer.reason, 'z', DEVICE_MEMORY_REASON_MAX);
    assert_answer_round_trip(&answer);
    assert_answer_round_trip(&(DeviceMemoryAnswer){
        .id = 0, .reason = DEVICE_MEMORY_REASON_MALFORMED,
    });
    assert_answer_round_trip(&(DeviceMemoryAnswer){
        .id = 1, .granted = true, .grant_kib = 64, .cap_kib = 65536,
    });
}

static void test_answer_bad(void)
{
    static const char *const cases[] = {
        "", "1", "1 granted", "1 granted 4", "1 granted 4 8 ",
        "1 granted 3 8", "1 granted 4 7", "-1 granted 4 8",
        "1 Granted 4 8", "1 grantedx 4 8", "1 grante 4 8",
        "1 refused 4 8 8 ", "1 refused 4 8 8 Cap", "1 refused 4 8 8 a_b",
        "1 refused 4 8 7 cap", "1 refused 4 8 8 cap 1", "1 refused 4 8",
        "4294967296 granted 4 8", "1  granted 4 8",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DeviceMemoryAnswer found = { .id = 99 };

        g_test_message("'%s'", cases[i]);
        g_assert_false(device_memory_answer_parse(cases[i], &found));
        g_assert_cmpuint(found.id, ==, 99);
    }
}

static void test_record(void)
{
    DeviceMemoryRecord record = {
        .grant_kib = 320, .limit_pages = 33104,
        .previous_grant_kib = 64, .previous_limit_pages = 33040,
    };
    g_autofree char *text = device_memory_record_format(&record);
    DeviceMemoryRecord found = { 0 };

    g_assert_cmpstr(text, ==, "320 33104 64 33040");
    g_assert_true(device_memory_record_parse(text, &found));
    g_assert_cmpuint(found.grant_kib, ==, 320);
    g_assert_cmpuint(found.limit_pages, ==, 33104);
    g_assert_cmpuint(found.previous_grant_kib, ==, 64);
    g_assert_cmpuint(found.previous_limit_pages, ==, 33040);

    /* Shrinking is a record like any other. */
    g_assert_true(device_memory_record_parse("0 16 64 32", &found));
    g_assert_cmpuint(found.grant_kib, ==, 0);

    g_assert_false(device_memory_record_parse("320 33105 64 33040", &found));
    g_assert_false(device_memory_record_parse("320 33104 64", &found));
    g_assert_false(device_memory_record_parse("322 33104 64 33040", &found));
    g_assert_false(device_memory_record_parse("0 4294967296 0 4294967296",
                                              &found));
    g_assert_true(device_memory_record_parse("0 4294967295 0 4294967295",
                                             &found));
}

static void test_block(void)
{
    g_autofree char *text = NULL;
    g_autofree char *name = NULL;
    DeviceMemoryBlockState state;
    uint32_t pages;

    text = device_memory_block_format(64, DEVICE_MEMORY_POPULATED,
                                      "nic4/a b\n\x80");
    g_assert_cmpstr(text, ==, "64 populated nic4/a b??");
    g_assert_true(device_memory_block_parse(text, &pages, &state, &name));
    g_assert_cmpuint(pages, ==, 64);
    g_assert_cmpint(state, ==, DEVICE_MEMORY_POPULATED);
    g_assert_cmpstr(name, ==, "nic4/a b??");
}

static void test_block_limits(void)
{
    g_autofree char *longest = g_strnfill(DEVICE_MEMORY_NAME_MAX, 'n');
    g_autofree char *longer = g_strnfill(DEVICE_MEMORY_NAME_MAX + 1, 'n');
    g_autofree char *text = NULL;
    g_autofree char *name = NULL;
    DeviceMemoryBlockState state;
    uint32_t pages = 0;

    text = device_memory_block_format(DEVICE_MEMORY_BLOCK_PAGES_MAX,
                                      DEVICE_MEMORY_WANTED, longer);
    g_assert_true(device_memory_block_parse(text, &pages, &state, &name));
    g_assert_cmpstr(name, ==, longest);
    g_assert_cmpuint(pages, ==, DEVICE_MEMORY_BLOCK_PAGES_MAX);
}

static void test_block_bad(void)
{
    static const char *const cases[] = {
        "", "64", "64 populated", "64 populated ", "0 populated x",
        "1073741824 populated x", "64 Populated x", "64  populated x",
        "064 populated x", "64 dreaming x",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DeviceMemoryBlockState state;
        uint32_t pages = 77;
        char *name = NULL;

        g_test_message("'%s'", cases[i]);
        g_assert_false(device_memory_block_parse(cases[i], &pages, &state,
                                                 &name));
        g_assert_cmpuint(pages, ==, 77);
        g_assert_null(name);
    }
}

static void test_version(void)
{
    g_assert_true(device_memory_version_listed("1", 1));
    g_assert_true(device_memory_version_listed("1 2", 2));
    g_assert_true(device_memory_version_listed("3 1", 1));
    g_assert_false(device_memory_version_listed("12", 1));
    g_assert_false(device_memory_version_listed("", 1));
    g_assert_false(device_memory_version_listed("one", 1));
    g_assert_false(device_memory_version_listed(NULL, 1));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/protocol/number/spelling", test_number);
    g_test_add_func("/protocol/number/length", test_number_length);
    g_test_add_func("/protocol/request/round-trip", test_request_round_trip);
    g_test_add_func("/protocol/request/bad", test_request_bad);
    g_test_add_func("/protocol/value/length", test_value_length);
    g_test_add_func("/protocol/answer/round-trip", test_answer_round_trip);
    g_test_add_func("/protocol/answer/bad", test_answer_bad);
    g_test_add_func("/protocol/record", test_record);
    g_test_add_func("/protocol/block", test_block);
    g_test_add_func("/protocol/block/limits", test_block_limits);
    g_test_add_func("/protocol/block/bad", test_block_bad);
    g_test_add_func("/protocol/version", test_version);
    return g_test_run();
}
