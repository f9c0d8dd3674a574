/*
 * What "xendm-memory check" and "xendm-memory watch" say
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "follow.h"
#include "report-json.h"
#include "toolstack-emulation.h"

#define BASE 33024
#define MODEL "/local/domain/0/device-model/3/device-memory"
#define RECORD "/libxl/3/device-memory/record"
#define TARGET "/local/domain/3/memory/target"

/* A guest in which everything agrees: 320 KiB beyond 16 MiB of videoram. */
static World *good_world(void)
{
    World *world = world_new();

    world_add_guest(world, 2, "other", BASE);
    world_add_guest(world, 3, "web", BASE + 80);
    world_set_used(world, 3, BASE + 80);
    world_set_node(world, "/local/domain/3/memory/videoram", "16384");
    world_set_node(world, TARGET, "114688");
    world_set_node(world, "/local/domain/3/memory/static-max", "262144");
    world_set_node(world, "/tool/device-memory/version", "1");
    world_set_node(world, RECORD, "320 33104 320 33104");
    world_set_node(world, MODEL "/request", "8 320");
    world_set_node(world, MODEL "/answer", "8 granted 320 65536");
    world_set_node(world, MODEL "/blocks", "");
    world_set_node(world, MODEL "/blocks/0", "4096 populated vga.vram");
    world_set_node(world, MODEL "/blocks/1", "80 granted rom");
    world_set_node(world, MODEL "/blocks/2", "80 wanted rom");
    world_set_node(world, MODEL "/blocks/3", "80 released rom");
    return world;
}

static void expect_of(World *world, uint32_t domid, const char *name,
                      const char *identity, const char *text)
{
    g_autoptr(GError) error = NULL;
    CheckFailure *failure;
    unsigned checked;

    g_assert_true(check_guests(world_store(world), world_host(world),
                               &checked, &failure, &error));
    g_assert_cmpuint(checked, ==, 2);
    if (!identity) {
        g_assert_null(failure);
        return;
    }
    g_assert_nonnull(failure);
    g_assert_cmpuint(failure->domid, ==, domid);
    g_assert_cmpstr(failure->name, ==, name);
    g_assert_cmpstr(failure->identity, ==, identity);
    g_assert_cmpstr(failure->text, ==, text);
    check_failure_free(failure);
}

static void expect(World *world, const char *identity, const char *text)
{
    expect_of(world, 3, "web", identity, text);
}

static void test_good(void)
{
    g_autoptr(World) world = good_world();

    expect(world, NULL, NULL);

    /* A refusal takes nothing away. */
    world_set_node(world, MODEL "/request", "9 70000");
    world_set_node(world, MODEL "/answer",
                   "9 refused 320 65536 65536 cap");
    expect(world, NULL, NULL);
}

static void test_failures(void)
{
    static const struct {
        const char *path;
        const char *value;
        const char *identity;
        const char *text;
    } cases[] = {
        { RECORD, "what\n", "record", "the record \"what?\" cannot be read" },
        { RECORD, "320 33104 64 33040", "record", "the record \"320 33104 64 "
          "33040\" is not settled; is the daemon running?" },
        { RECORD, "320 33105 320 33105", "limit", "max_pages is 33104, but "
          "the record says 33105, with a grant of 320 KiB" },
        { RECORD, "64 33104 64 33104", "base", "max_pages is 33104, and "
          "33088 without the grant of 64 KiB, which libxl does not set for a "
          "target of 114688 KiB, video memory of 16384 KiB and a maximum of "
          "262144 KiB" },
        { MODEL "/answer", "8 granted 64 65536", "answer", "the last answer "
          "says 64 KiB, but the grant is 320 KiB" },
        { MODEL "/request", "9 640", "answer", "the request \"9 640\" is not "
          "answered" },
        { MODEL "/request", "\033", "answer", "the request \"?\" is not "
          "answered" },
        { MODEL "/request", "8 324", "answer", "324 KiB were asked for and "
          "granted, but the grant is 320 KiB" },
        { MODEL "/answer", "no", "answer", "the request \"8 320\" is not "
          "answered" },
        { MODEL "/blocks/1", "81 populated rom", "blocks", "the blocks come "
          "to 16708 KiB, but the grant is 320 KiB beyond video memory of "
          "16384 KiB" },
        { MODEL "/blocks/1", "79 populated rom", "blocks", "the grant is 320 "
          "KiB beyond video memory of 16384 KiB, but the blocks come to only "
          "16700 KiB" },
        { MODEL "/blocks/0", "4000 populated vga.vram", "blocks", "the grant "
          "is 320 KiB beyond video memory of 16384 KiB, but the blocks come "
          "to only 16320 KiB" },
        { TARGET, "114684", "base", "max_pages is 33104, and 33024 without "
          "the grant of 320 KiB, which libxl does not set for a target of "
          "114684 KiB, video memory of 16384 KiB and a maximum of 262144 "
          "KiB" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = good_world();

        g_test_message("%s = %s", cases[i].path, cases[i].value);
        world_set_node(world, cases[i].path, cases[i].value);
        expect(world, cases[i].identity, cases[i].text);
    }
}

/* What it shows of a value is UTF-8, wherever the value has to be cut. */
static void expect_shown(const char *value, const char *shown)
{
    g_autoptr(World) world = good_world();
    g_autofree char *request = g_strdup_printf("the request \"%s\" is not "
                                               "answered", shown);
    g_autofree char *record = g_strdup_printf("the record \"%s\" cannot be "
                                              "read", shown);

    g_assert_true(g_utf8_validate(shown, -1, NULL));
    world_set_node(world, MODEL "/request", value);
    expect(world, "answer", request);
    world_set_node(world, RECORD, value);
    expect(world, "record", record);
}

static void test_long_values(void)
{
    g_autofree char *most = g_strnfill(DEVICE_MEMORY_VALUE_MAX, 'x');
    g_autofree char *longer = g_strconcat(most, "y", NULL);
    g_autofree char *short_by_one = g_strndup(most, strlen(most) - 1);
    g_autofree char *split = g_strconcat(short_by_one, "\303\251", NULL);
    g_autofree char *start = g_strconcat(short_by_one, "\357\277\275", NULL);

    expect_shown(most, most);
    expect_shown(longer, most);
    expect_shown(split, start);
}

static void test_limits(void)
{
    g_autoptr(World) world = good_world();

    world_set_used(world, 3, BASE + 81);
    expect(world, "pages",
           "the guest has 33105 pages, but max_pages is 33104");
    world_set_limit(world, 3, BASE);
    expect(world, "limit", "max_pages is 33024, but the record says 33104, "
           "with a grant of 320 KiB");
}

/* What libxl sets: by the target, by the maximum, and when it builds. */
static void test_base(void)
{
    g_autoptr(World) world = good_world();

    world_set_node(world, TARGET, "113664");
    expect(world, NULL, NULL);
    world_set_node(world, TARGET, "65536");
    world_set_node(world, "/local/domain/3/memory/static-max", "131072");
    expect(world, NULL, NULL);

    /* Not known yet, or no number. */
    world_set_node(world, TARGET, "much");
    world_set_node(world, "/local/domain/3/memory/static-max", "1");
    expect(world, NULL, NULL);

    /* A guest without a grant is checked as well. */
    world_set_node(world, "/local/domain/2/memory/target", "4");
    world_set_node(world, "/local/domain/2/memory/static-max", "8");
    expect_of(world, 2, "other", "base", "max_pages is 33024, and 33024 "
              "without the grant of 0 KiB, which libxl does not set for a "
              "target of 4 KiB, video memory of 0 KiB and a maximum of 8 KiB");
}

/* Fewer blocks than the grant: what the numbers do not say is no failure. */
static void test_too_few_blocks(void)
{
    const char *text = "the grant is 320 KiB beyond video memory of 16384 "
                       "KiB, but the blocks come to only 16384 KiB";
    g_autoptr(World) world = good_world();

    world_set_node(world, MODEL "/blocks/1", "80 wanted rom");
    expect(world, "blocks", text);
    world_set_node(world, MODEL "/blocks/3", "rom");
    expect(world, NULL, NULL);
    world_set_node(world, MODEL "/blocks/3", "80 released rom");
    expect(world, "blocks", text);
    world_set_node(world, "/tool/device-memory/version", "");
    expect(world, NULL, NULL);
}

/* A device model that is starting publishes nothing yet. */
static void test_no_blocks(void)
{
    g_autoptr(World) world = world_new();

    world_add_guest(world, 2, "other", BASE);
    world_add_guest(world, 3, "web", BASE);
    world_set_limit(world, 3, BASE + 80);
    world_set_node(world, RECORD, "320 33104 320 33104");
    world_set_node(world, "/tool/device-memory/version", "1");
    world_set_node(world, MODEL "/request", "8 320");
    world_set_node(world, MODEL "/answer", "8 granted 320 65536");
    expect(world, NULL, NULL);
    world_set_node(world, MODEL "/blocks", "");
    expect(world, "blocks", "the grant is 320 KiB beyond video memory of 0 "
           "KiB, but the blocks come to only 0 KiB");
}

/* Who has not asked lives within libxl's slack. */
static void test_unasked(void)
{
    g_autoptr(World) world = world_new();

    world_add_guest(world, 2, "other", BASE);
    world_add_guest(world, 3, "web", BASE);
    world_set_node(world, MODEL "/blocks/0", "256 populated rom");
    expect(world, NULL, NULL);
    world_set_node(world, MODEL "/blocks/0", "257 populated rom");
    expect(world, "blocks", "the blocks come to 1028 KiB, but nothing was "
           "asked for beyond video memory of 0 KiB");
}

/* A guest that is being restored has a grant that nobody has asked for. */
static void test_provisional(void)
{
    g_autoptr(World) world = good_world();

    world_set_node(world, MODEL "/request", "1 64");
    world_set_node(world, "/libxl/3/device-memory/provisional", "1");
    expect(world, NULL, NULL);
    world_set_limit(world, 3, BASE);
    expect(world, "limit", "max_pages is 33024, but the record says 33104, "
           "with a grant of 320 KiB");
}

static void test_json(void)
{
    CheckFailure failure = { 3, (char *)"web", "limit", (char *)"text" };
    g_autofree char *bad = report_json_check(7, &failure);
    g_autofree char *good = report_json_check(7, NULL);

    g_assert_cmpstr(bad, ==,
        "{\n  \"ok\" : false,\n  \"guests\" : 7,\n  \"domid\" : 3,\n  "
        "\"name\" : \"web\",\n  \"identity\" : \"limit\",\n  "
        "\"message\" : \"text\"\n}");
    g_assert_cmpstr(good, ==, "{\n  \"ok\" : true,\n  \"guests\" : 7\n}");
}

/* Following.  The time in front of each line is cut off. */

typedef struct Watched {
    World *world;
    Follow *follow;
    FILE *out;
    char *text;
    size_t size;
    size_t read;
} Watched;

static void expect_line(Watched *watched, const char *path,
                        const char *expected)
{
    const char *line;

    if (path) {
        follow_event(watched->follow, path);
    }
    fflush(watched->out);
    line = watched->text + watched->read;
    watched->read = watched->size;
    if (!expected) {
        g_assert_cmpstr(line, ==, "");
        return;
    }
    g_assert_nonnull(strchr(line, ' '));
    g_assert_cmpstr(strchr(line, ' ') + 1, ==, expected);
}

static void set_and_expect(Watched *watched, const char *path,
                           const char *value, const char *expected)
{
    world_set_node(watched->world, path, value);
    expect_line(watched, path, expected);
}

static void test_watch(void)
{
    g_autoptr(World) world = world_new();
    Watched watched = { .world = world };

    watched.out = open_memstream(&watched.text, &watched.size);
    world_add_guest(world, 3, "web", BASE);
    watched.follow = follow_new(world_store(world), world_host(world), false,
                                watched.out);
    expect_line(&watched, NULL, "domain 3 \"web\" appeared\n");
    expect_line(&watched, "@introduceDomain", NULL);
    set_and_expect(&watched, MODEL "/request", "8 320",
                   "domain 3 \"web\" request 8 320\n");
    set_and_expect(&watched, MODEL "/request", "8 320", NULL);
    set_and_expect(&watched, RECORD, "320 33104 64 33040",
                   "domain 3 \"web\" grant 320 KiB, limit 33104 pages\n");
    set_and_expect(&watched, RECORD, "320 33104 320 33104", NULL);
    set_and_expect(&watched, MODEL "/answer", "8 granted 320 65536",
                   "domain 3 \"web\" answer 8 granted 320 65536\n");
    set_and_expect(&watched, MODEL "/blocks/12", "80 populated rom",
                   "domain 3 \"web\" block 12: 80 populated rom\n");
    set_and_expect(&watched, "/libxl/3/device-memory/cap", "64",
                   "domain 3 \"web\" cap 64\n");

    /* What a terminal must not get, and what is not ours. */
    set_and_expect(&watched, MODEL "/request", "\033[2J\n",
                   "domain 3 \"web\" request ?[2J?\n");
    set_and_expect(&watched, MODEL "/blocks/1024", "80 populated rom", NULL);
    set_and_expect(&watched, MODEL "/blocks/1/x", "80 populated rom", NULL);
    set_and_expect(&watched, "/libxl/3/type", "hvm", NULL);
    set_and_expect(&watched, "/libxl/x/device-memory/cap", "64", NULL);
    expect_line(&watched, MODEL "/nothing", NULL);

    world_remove_nodes(world, 3);
    world_remove(world, 3);
    expect_line(&watched, "@releaseDomain", "domain 3 \"web\" gone\n");
    follow_free(watched.follow);
    fclose(watched.out);
    free(watched.text);
}

/* What the world's watches tell is told on. */
static void hand_over_events(Watched *watched)
{
    char *path;

    while ((path = world_next_event(watched->world))) {
        follow_event(watched->follow, path);
        g_free(path);
    }
}

/* A stub domain writes below its own node; others may say nothing there. */
static void test_watch_stub_domain(void)
{
    g_autoptr(World) world = world_new();
    Watched watched = { .world = world };
    unsigned watches;

    watched.out = open_memstream(&watched.text, &watched.size);
    world_add_guest(world, 3, "web", BASE);
    watched.follow = follow_new(world_store(world), world_host(world), false,
                                watched.out);
    hand_over_events(&watched);
    expect_line(&watched, NULL, "domain 3 \"web\" appeared\n");
    watches = world_watches(world);
    world_add_stub(world, 14, 3);
    hand_over_events(&watched);
    expect_line(&watched, NULL, NULL);
    g_assert_cmpuint(world_watches(world), ==, watches + 1);
    world_ask(world, 14, 3, "8 320");
    hand_over_events(&watched);
    expect_line(&watched, NULL, "domain 3 \"web\" request 8 320\n");
    world_set_node(world, "/local/domain/14/device-model/3/device-memory/"
                   "blocks/0", "80 populated rom");
    hand_over_events(&watched);
    expect_line(&watched, NULL,
                "domain 3 \"web\" block 0: 80 populated rom\n");
    world_ask(world, 3, 14, "9 320");
    world_set_node(world, "/local/domain/14/name", "x");
    hand_over_events(&watched);
    expect_line(&watched, NULL, NULL);

    world_remove_nodes(world, 14);
    world_remove(world, 14);
    hand_over_events(&watched);
    g_assert_cmpuint(world_watches(world), ==, watches);
    follow_free(watched.follow);
    fclose(watched.out);
    free(watched.text);
}

static void test_watch_json(void)
{
    g_autoptr(World) world = world_new();
    Watched watched = { .world = world };

    watched.out = open_memstream(&watched.text, &watched.size);
    world_add_guest(world, 3, "we\"b", BASE);
    watched.follow = follow_new(world_store(world), world_host(world), true,
                                watched.out);
    fflush(watched.out);
    g_assert_true(g_str_has_prefix(watched.text, "{\"time\":\""));
    g_assert_true(g_str_has_suffix(watched.text,
        "\"domid\":3,\"name\":\"we\\\"b\",\"event\":\"appeared\","
        "\"value\":\"\"}\n"));
    follow_free(watched.follow);
    fclose(watched.out);
    free(watched.text);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/toolstack/check/good", test_good);
    g_test_add_func("/toolstack/check/failures", test_failures);
    g_test_add_func("/toolstack/check/long-values", test_long_values);
    g_test_add_func("/toolstack/check/limits", test_limits);
    g_test_add_func("/toolstack/check/base", test_base);
    g_test_add_func("/toolstack/check/too-few-blocks", test_too_few_blocks);
    g_test_add_func("/toolstack/check/no-blocks", test_no_blocks);
    g_test_add_func("/toolstack/check/unasked", test_unasked);
    g_test_add_func("/toolstack/check/provisional", test_provisional);
    g_test_add_func("/toolstack/check/json", test_json);
    g_test_add_func("/toolstack/watch/text", test_watch);
    g_test_add_func("/toolstack/watch/stub-domain", test_watch_stub_domain);
    g_test_add_func("/toolstack/watch/json", test_watch_json);
    return g_test_run();
}
