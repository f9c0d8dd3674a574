/*
 * The toolstack's decisions: the examples of docs/specs/device-memory.rst by
 * number, limits at and one past, who may ask, and the rate limit
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "guest-size.h"
#include "path.h"
#include "promise.h"
#include "rate.h"
#include "spec-examples.h"

#define DECISIONS_FIRST 1
#define DECISIONS_LAST 16
#define MALFORMED_FIRST 17
#define MALFORMED_LAST 28
#define SIZES_FIRST 47
#define SIZES_LAST 53
#define HEADROOM_FIRST 54
#define HEADROOM_LAST 59
#define PROVISIONAL_FIRST 60
#define PROVISIONAL_LAST 64
#define ROOM_FIRST 65
#define ROOM_LAST 68
#define PROMISE_FIRST 69
#define PROMISE_LAST 76
#define AUTHORITY_FIRST 77
#define AUTHORITY_LAST 88
#define STRANGER 89

static GPtrArray *examples;

static void replay(unsigned number, const Circumstances *now)
{
    const SpecExample *example = spec_example_get(examples, number);
    uint32_t total;
    DeviceMemoryAnswer answer =
        decide_request(spec_example_literal(example, "->"), now, &total);
    g_autofree char *text = device_memory_answer_format(&answer);

    g_test_message("example %u", number);
    g_assert_cmpstr(text, ==, spec_example_literal(example, "<-"));
    g_assert_cmpuint(answer.grant_kib, ==,
                     answer.granted ? total : now->grant_kib);
}

static void test_decisions(void)
{
    for (unsigned n = DECISIONS_FIRST; n <= DECISIONS_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        Circumstances now = {
            .grant_kib = spec_example_number(example, "grant"),
            .cap_kib = spec_example_number(example, "cap"),
            .free_kib = spec_example_number(example, "free"),
        };

        replay(n, &now);
    }
}

static void test_malformed(void)
{
    static const Circumstances now = {
        .grant_kib = 64, .cap_kib = 65536, .free_kib = 1048576,
    };

    for (unsigned n = MALFORMED_FIRST; n <= MALFORMED_LAST; n++) {
        replay(n, &now);
    }
}

static void expect(const Circumstances *now, const char *request,
                   const char *expected)
{
    uint32_t total;
    DeviceMemoryAnswer answer = decide_request(request, now, &total);
    g_autofree char *text = device_memory_answer_format(&answer);

    g_assert_cmpstr(text, ==, expected);
}

static void test_limits(void)
{
    Circumstances most = {
        .grant_kib = 0,
        .cap_kib = DEVICE_MEMORY_TOTAL_MAX,
        .free_kib = UINT64_MAX / 2,
    };
    Circumstances odd = { .cap_kib = 1024, .free_kib = 7 };

    expect(&most, "1 4294967292", "1 granted 4294967292 4294967292");
    most.grant_kib = DEVICE_MEMORY_TOTAL_MAX;
    expect(&most, "2 4294967292", "2 granted 4294967292 4294967292");
    expect(&most, "3 0", "3 granted 0 4294967292");

    /* Half a page cannot be given. */
    expect(&odd, "4 4", "4 granted 4 1024");
    expect(&odd, "5 8", "5 refused 0 1024 4 host-memory");
}

static void test_refusal(void)
{
    Circumstances now = { .grant_kib = 64, .cap_kib = 128, .free_kib = 32 };
    DeviceMemoryAnswer answer = decide_refusal("7 64", &now, "busy");
    g_autofree char *text = device_memory_answer_format(&answer);
    DeviceMemoryAnswer unread = decide_refusal("what", &now, "internal");
    g_autofree char *unread_text = device_memory_answer_format(&unread);

    g_assert_cmpstr(text, ==, "7 refused 64 128 96 busy");
    g_assert_cmpstr(unread_text, ==, "0 refused 64 128 96 internal");
}

static GuestSize size_of(const SpecExample *example, unsigned from_end)
{
    const char *text = g_ptr_array_index(example->literals,
                                         example->literals->len - from_end);
    g_autofree char *note = g_strconcat(text, " record", NULL);

    return guest_size_parse(note, "record");
}

/* The grant is in the limit unless the limit itself or the size says no. */
static void test_sizes(void)
{
    DeviceMemoryRecord record;

    g_assert_true(device_memory_record_parse("320 33104 320 33104",
                                             &record));
    for (unsigned n = SIZES_FIRST; n <= SIZES_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        GuestSize before = size_of(example, 2);
        GuestSize now = size_of(example, 1);
        uint64_t limit = spec_example_number(example, "limit");
        uint64_t videoram = spec_example_number(example, "videoram");
        uint32_t grant;
        bool yes = device_memory_record_recover(&record, limit, &grant) ==
                   limit &&
                   !guest_size_sets_limit(&before, &now, videoram, limit);

        g_test_message("example %u", n);
        g_assert_true(now.known);
        g_assert_true(g_str_has_suffix(example->tail,
                                       yes ? ": yes" : ": no"));
    }
}

static uint32_t result_of(const SpecExample *example)
{
    return g_ascii_strtoull(strrchr(example->text, ':') + 1, NULL, 10);
}

static HostMemory memory_of(const SpecExample *example)
{
    return (HostMemory) {
        .free_kib = spec_example_number(example, "free"),
        .reserve_kib = spec_example_number(example, "reserve"),
        .promised_kib = spec_example_number(example, "promised"),
    };
}

static void test_headroom(void)
{
    for (unsigned n = HEADROOM_FIRST; n <= HEADROOM_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);

        HostMemory memory = memory_of(example);

        g_test_message("example %u", n);
        g_assert_cmpuint(decide_headroom(spec_example_number(example, "cap"),
                                         &memory), ==, result_of(example));
    }
}

static void test_room(void)
{
    for (unsigned n = ROOM_FIRST; n <= ROOM_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        HostMemory memory = memory_of(example);

        g_test_message("example %u", n);
        g_assert_cmpuint(decide_room(&memory), ==, result_of(example));
    }
}

/* The grant goes from one total to another; then pages are taken or not. */
static void test_promise(void)
{
    for (unsigned n = PROMISE_FIRST; n <= PROMISE_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        uint32_t before = spec_example_number(example, "grant");
        uint32_t after = spec_example_number(example, "new");
        uint64_t limit = spec_example_number(example, "limit");
        Promise promise = { 0 };

        g_test_message("example %u", n);
        promise_change(&promise, limit, spec_example_number(example, "pages"),
                       before, after);
        limit += ((int64_t)after - before) / DEVICE_MEMORY_PAGE_KIB;
        g_assert_cmpuint(DEVICE_MEMORY_PAGE_KIB *
                         promise_pages(&promise, limit,
                                       spec_example_number(example, "then"),
                                       after), ==, result_of(example));
    }
}

/* What was kept stays kept; several changes add up. */
static void test_promise_goes_on(void)
{
    Promise promise = { 0 };

    promise_change(&promise, 1000, 900, 0, 400);
    g_assert_cmpuint(promise_pages(&promise, 1100, 950, 400), ==, 50);
    promise_change(&promise, 1100, 950, 400, 600);
    g_assert_cmpuint(promise_pages(&promise, 1150, 950, 600), ==, 100);
    promise_change(&promise, 1150, 950, 600, 400);
    g_assert_cmpuint(promise_pages(&promise, 1100, 950, 400), ==, 50);
    g_assert_cmpuint(promise_pages(&promise, 1100, 1000, 400), ==, 0);
    g_assert_cmpuint(promise_pages(&promise, 1100, 100, 400), ==, 0);

    /* A grant that is lowered promises nothing. */
    promise_change(&promise, 1100, 100, 400, 0);
    g_assert_cmpuint(promise_pages(&promise, 1000, 0, 0), ==, 0);
}

static void test_provisional(void)
{
    for (unsigned n = PROVISIONAL_FIRST; n <= PROVISIONAL_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);

        g_test_message("example %u", n);
        g_assert_cmpuint(decide_provisional(
                             spec_example_number(example, "headroom"),
                             spec_example_number(example, "limit"),
                             spec_example_number(example, "pages")),
                         ==, result_of(example));
    }
}

static void test_size_note(void)
{
    const char *const bad[] = {
        "", "1", "1 2", "1 2 ", "1 2 other", "1  record", " 1 2 record",
        "01 2 record", "1 -2 record", "1 2 record ", "1 2 3 record",
        "99999999999999999999 2 record",
    };
    GuestSize size = { true, 131072, 262144 };
    GuestSize none = { 0 };
    g_autofree char *note = guest_size_format(&size, "a b");
    GuestSize read = guest_size_parse(note, "a b");

    g_assert_cmpstr(note, ==, "131072 262144 a b");
    g_assert_true(guest_size_same(&size, &read));
    read = guest_size_parse(NULL, "a b");
    g_assert_true(guest_size_same(&none, &read));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("\"%s\"", bad[i]);
        read = guest_size_parse(bad[i], "record");
        g_assert_true(guest_size_same(&none, &read));
    }
}

static void test_who_may_ask(void)
{
    /* Domain 0, for any guest; for itself, nobody. */
    g_assert_true(decide_may_ask(0, 5, NULL, NULL));
    g_assert_true(decide_may_ask(0, 5, "6", "5"));
    g_assert_false(decide_may_ask(0, 0, NULL, NULL));
    g_assert_false(decide_may_ask(6, 0, "6", "0"));

    /* A guest's own stub domain. */
    g_assert_true(decide_may_ask(6, 5, "6", "5"));

    /* One that only claims to be. */
    g_assert_false(decide_may_ask(6, 5, NULL, NULL));
    g_assert_false(decide_may_ask(6, 5, NULL, "5"));
    g_assert_false(decide_may_ask(6, 5, "6", NULL));
    g_assert_false(decide_may_ask(6, 5, "7", "5"));
    g_assert_false(decide_may_ask(6, 5, "6", "4"));
    g_assert_false(decide_may_ask(6, 5, "0", "5"));
    g_assert_false(decide_may_ask(5, 5, "5", "5"));

    /* One spelling only. */
    g_assert_false(decide_may_ask(6, 5, "06", "5"));
    g_assert_false(decide_may_ask(6, 5, "6 ", "5"));
    g_assert_false(decide_may_ask(6, 5, "6", "5\n"));
    g_assert_false(decide_may_ask(6, 5, "4294967302", "5"));
    g_assert_false(decide_may_ask(6, 5, "", "5"));
}

static const char *value_of(const SpecExample *example, unsigned n)
{
    const char *text = g_ptr_array_index(example->literals, n);

    return strcmp(text, "?") ? text : NULL;
}

static void test_authority(void)
{
    for (unsigned n = AUTHORITY_FIRST; n <= AUTHORITY_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        bool yes = decide_may_ask(spec_example_number(example, "dm"),
                                  spec_example_number(example, "domid"),
                                  value_of(example, 0), value_of(example, 1));

        g_test_message("example %u", n);
        g_assert_cmpstr(example->tail, ==, yes ? ": yes" : ": no");
    }
}

static void test_stranger(void)
{
    const SpecExample *example = spec_example_get(examples, STRANGER);
    Circumstances nothing = { 0 };
    DeviceMemoryAnswer answer =
        decide_refusal(spec_example_literal(example, "->"), &nothing,
                       DEVICE_MEMORY_REASON_NOT_ALLOWED);
    g_autofree char *text = device_memory_answer_format(&answer);

    g_assert_cmpstr(text, ==, spec_example_literal(example, "<-"));
}

static void expect_path(const char *path, PathKind kind, uint32_t dm,
                        uint32_t domid)
{
    uint32_t found_dm = 77, found_domid = 77;

    g_test_message("%s", path);
    g_assert_cmpint(path_classify(path, &found_dm, &found_domid), ==, kind);
    if (kind != PATH_OTHER && kind != PATH_DOMAINS) {
        g_assert_cmpuint(found_dm, ==, dm);
    }
    if (kind == PATH_REQUEST) {
        g_assert_cmpuint(found_domid, ==, domid);
    }
}

static void test_paths(void)
{
    expect_path("/local/domain/0/device-model/5/device-memory/request",
                PATH_REQUEST, 0, 5);
    expect_path("/local/domain/32751/device-model/32751/device-memory/request",
                PATH_REQUEST, 32751, 32751);
    expect_path("/local/domain/0/device-model", PATH_DEVICE_MODELS, 0, 0);
    expect_path("/local/domain/7/device-model", PATH_DEVICE_MODELS, 7, 0);

    expect_path("@introduceDomain", PATH_DOMAINS, 0, 0);
    expect_path("@releaseDomain", PATH_DOMAINS, 0, 0);
    expect_path("/vm/00000000-0000-4000-8000-000000000003", PATH_DOMAINS, 0,
                0);
    expect_path("/vm/00000000-0000-4000-8000-000000000003/rtc/timeoffset",
                PATH_OTHER, 0, 0);
    expect_path("/vm", PATH_OTHER, 0, 0);

    expect_path("/local/domain/5/memory/target", PATH_SIZE, 5, 5);
    expect_path("/local/domain/5/memory/static-max", PATH_SIZE, 5, 5);
    expect_path("/local/domain/5/memory", PATH_OTHER, 0, 0);
    expect_path("/local/domain/5/memory/target/x", PATH_OTHER, 0, 0);
    expect_path("/local/domain/x/memory/target", PATH_OTHER, 0, 0);

    expect_path("/local/domain/0/device-model/5/device-memory/answer",
                PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model/5/device-memory/request/x",
                PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model/5/device-memory/request2",
                PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model/05/device-memory/request",
                PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model/32752/device-memory/request",
                PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model/4294967301/device-memory/"
                "request", PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model//device-memory/request",
                PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model/-1/device-memory/request",
                PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-model/", PATH_OTHER, 0, 0);
    expect_path("/local/domain/0/device-models", PATH_OTHER, 0, 0);
    expect_path("/local/domain/", PATH_OTHER, 0, 0);
    expect_path("", PATH_OTHER, 0, 0);
}

static void test_rate(void)
{
    RateLimit limit = { .per_second = 100, .burst = 3 };
    Rate rate = { 0 };
    int64_t now = 5 * G_USEC_PER_SEC;

    for (int i = 0; i < 3; i++) {
        g_assert_true(rate_take(&rate, limit, now));
    }
    g_assert_false(rate_take(&rate, limit, now));
    g_assert_cmpint(rate_ready_at(&rate, limit), ==, now + 10000);
    g_assert_false(rate_take(&rate, limit, now + 9999));
    g_assert_true(rate_take(&rate, limit, now + 10000));
    g_assert_false(rate_take(&rate, limit, now + 10000));

    /* After a pause there is one burst again, not more. */
    now += 1000 * (int64_t)G_USEC_PER_SEC;
    for (int i = 0; i < 3; i++) {
        g_assert_true(rate_take(&rate, limit, now));
    }
    g_assert_false(rate_take(&rate, limit, now));
}

/* Over any time, no more than the burst and the rate allow. */
static void test_rate_bound(void)
{
    RateLimit limit = { .per_second = 50, .burst = 7 };
    Rate rate = { 0 };
    int64_t start = G_USEC_PER_SEC, now = start;
    unsigned taken = 0;

    for (int i = 0; i < 20000; i++) {
        now += g_test_rand_int_range(0, 2000);
        taken += rate_take(&rate, limit, now);
        g_assert_cmpuint(taken, <=, 7 + (now - start) * 50 / G_USEC_PER_SEC);
    }
    g_assert_cmpuint(taken, >=, (now - start) * 50 / G_USEC_PER_SEC);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    examples = spec_examples_load(g_getenv("XENDM_SPEC"));
    g_test_add_func("/toolstack/decide/spec-decisions", test_decisions);
    g_test_add_func("/toolstack/decide/spec-malformed", test_malformed);
    g_test_add_func("/toolstack/decide/limits", test_limits);
    g_test_add_func("/toolstack/decide/refusal", test_refusal);
    g_test_add_func("/toolstack/decide/spec-sizes", test_sizes);
    g_test_add_func("/toolstack/decide/spec-headroom", test_headroom);
    g_test_add_func("/toolstack/decide/spec-provisional", test_provisional);
    g_test_add_func("/toolstack/decide/spec-room", test_room);
    g_test_add_func("/toolstack/decide/spec-promise", test_promise);
    g_test_add_func("/toolstack/decide/promise-goes-on",
                    test_promise_goes_on);
    g_test_add_func("/toolstack/decide/size-note", test_size_note);
    g_test_add_func("/toolstack/decide/who-may-ask", test_who_may_ask);
    g_test_add_func("/toolstack/decide/spec-authority", test_authority);
    g_test_add_func("/toolstack/decide/spec-stranger", test_stranger);
    g_test_add_func("/toolstack/decide/paths", test_paths);
    g_test_add_func("/toolstack/decide/rate", test_rate);
    g_test_add_func("/toolstack/decide/rate-bound", test_rate_bound);
    ret = g_test_run();
    g_ptr_array_unref(examples);
    return ret;
}
