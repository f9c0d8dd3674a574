/*
 * What the client shows
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "report-json.h"
#include "report-text.h"
#include "toolstack-emulation.h"

#define BASE 33024

static World *two_guests(void)
{
    World *world = world_new();

    world_add_guest(world, 3, "web", BASE + 80);
    world_set_node(world, "/libxl/3/device-memory/record",
                   "320 33104 64 33040");
    world_set_node(world, "/libxl/3/device-memory/cap", "65536");
    world_add_guest(world, 12, "mail", BASE);
    world_add(world, 13, 13, "pv", 8192);
    return world;
}

static char *to_text(const GPtrArray *guests, const ReportGuest *guest,
                     bool in_pages)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (guests) {
        report_text_list(guests, in_pages, out);
    } else {
        report_text_show(guest, out);
    }
    fclose(out);
    return text;
}

static void test_list(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(GPtrArray) guests = report_guests(world_store(world),
                                                world_host(world), NULL);
    g_autofree char *kib = to_text(guests, NULL, false);
    g_autofree char *pages = to_text(guests, NULL, true);

    g_assert_cmpstr(kib, ==,
        "DOMID NAME                      BASE KiB   GRANTED KiB"
        "       CAP KiB      USED KiB\n"
        "    3 web                         132096           320"
        "         65536             0\n"
        "   12 mail                        132096             0"
        "             -             0\n");
    g_assert_nonnull(strstr(pages, "BASE pages GRANTED pages     CAP pages"));
    g_assert_nonnull(strstr(pages,
                            "        33024            80         16384"));
}

/* Another program has set the limit: the grant is not in it. */
static void test_missing_grant(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(GPtrArray) guests = NULL;
    g_autofree char *text = NULL;
    const ReportGuest *guest;

    world_set_limit(world, 3, 40000);
    guests = report_guests(world_store(world), world_host(world), NULL);
    guest = guests->pdata[0];
    g_assert_cmpuint(guest->base_pages, ==, 40000);
    g_assert_cmpuint(guest->grant_kib, ==, 320);
    g_assert_false(guest->grant_stands);
    text = to_text(guests, NULL, false);
    g_assert_nonnull(strstr(text, "320! "));
    g_assert_nonnull(strstr(text, "\n! another program"));
}

static void set_block(World *world, unsigned i, const char *value)
{
    g_autofree char *path =
        g_strdup_printf("/local/domain/0/device-model/3/device-memory/blocks/"
                        "%u", i);

    world_set_node(world, path, value);
}

static void test_blocks(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(ReportGuest) guest = NULL;
    g_autofree char *text = NULL;
    const ReportBlock *block;

    set_block(world, 0, "64 populated 0000:00:04.0/e1000.rom");
    set_block(world, 1, "nonsense");
    set_block(world, 2, "16 wanted evil\033[2J\n\xff");
    set_block(world, 4, "16 wanted behind a gap");
    guest = report_guest(world_store(world), world_host(world), "web", NULL);
    g_assert_nonnull(guest);
    g_assert_cmpuint(guest->blocks->len, ==, 2);
    g_assert_cmpuint(guest->bad_blocks, ==, 1);
    block = guest->blocks->pdata[1];
    g_assert_cmpstr(block->name, ==, "evil?[2J??");
    text = to_text(NULL, guest, false);
    g_assert_nonnull(strstr(text, "64          256  populated  0000:00:04.0/"
                            "e1000.rom\n"));
    g_assert_nonnull(strstr(text, "80          320  total"));
    g_assert_nonnull(strstr(text, "Blocks that could not be read: 1."));
    g_assert_null(strchr(text, '\033'));
}

static void test_blocks_are_bounded(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(ReportGuest) guest = NULL;

    for (unsigned i = 0; i <= DEVICE_MEMORY_BLOCKS_MAX; i++) {
        set_block(world, i, "1 wanted x");
    }
    guest = report_guest(world_store(world), world_host(world), "3", NULL);
    g_assert_cmpuint(guest->blocks->len, ==, DEVICE_MEMORY_BLOCKS_MAX);
}

/* The blocks of a guest with a stub domain are in the stub domain's tree. */
static void test_stub_domain(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(ReportGuest) guest = NULL;

    world_add_stub(world, 14, 3);
    set_block(world, 0, "64 populated wrong");
    world_set_node(world, "/local/domain/14/device-model/3/device-memory/"
                   "blocks/0", "64 populated right");
    guest = report_guest(world_store(world), world_host(world), "3", NULL);
    g_assert_cmpstr(((ReportBlock *)guest->blocks->pdata[0])->name, ==,
                    "right");
}

static void assert_no_guest(World *world, const char *who, const char *why)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(report_guest(world_store(world), world_host(world), who,
                               &error));
    g_assert_nonnull(strstr(error->message, who));
    g_assert_nonnull(strstr(error->message, why));
}

static void test_find(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(ReportGuest) by_name = NULL;
    g_autoptr(ReportGuest) by_domid = NULL;

    /* A name that looks like a domid is a name all the same. */
    world_add_guest(world, 20, "12", BASE);
    by_name = report_guest(world_store(world), world_host(world), "12", NULL);
    g_assert_cmpuint(by_name->domain.domid, ==, 20);
    by_domid = report_guest(world_store(world), world_host(world), "3", NULL);
    g_assert_cmpuint(by_domid->domain.domid, ==, 3);

    assert_no_guest(world, "nobody", "no domain has the name or domid");
    assert_no_guest(world, "99", "no domain has the name or domid");
    assert_no_guest(world, "-3", "no domain has the name or domid");
    assert_no_guest(world, "13", "not an HVM guest");
    assert_no_guest(world, "0", "not an HVM guest");
}

/* A record that nobody of us wrote does no harm. */
static void test_odd_nodes(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(GPtrArray) guests = NULL;
    const ReportGuest *guest;

    world_set_node(world, "/libxl/3/device-memory/record", "what");
    world_set_node(world, "/libxl/3/device-memory/cap", "-1");
    world_set_node(world, "/local/domain/3/name", "\033[31mred\xc3\xa9");
    guests = report_guests(world_store(world), world_host(world), NULL);
    guest = guests->pdata[0];
    g_assert_cmpuint(guest->grant_kib, ==, 0);
    g_assert_false(guest->cap_known);
    g_assert_cmpstr(guest->name, ==, "?[31mred\xc3\xa9");
}

static JsonObject *parse(JsonParser *parser, const char *text)
{
    g_assert_true(json_parser_load_from_data(parser, text, -1, NULL));
    return json_node_get_object(json_parser_get_root(parser));
}

static void test_json(void)
{
    g_autoptr(World) world = two_guests();
    g_autoptr(GPtrArray) guests = report_guests(world_store(world),
                                                world_host(world), NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(ReportGuest) guest = NULL;
    g_autofree char *list = report_json_list(guests, true);
    g_autofree char *show = NULL;
    JsonObject *object = parse(parser, list);
    JsonArray *array = json_object_get_array_member(object, "guests");

    g_assert_true(json_object_get_boolean_member(object, "announced"));
    g_assert_cmpuint(json_array_get_length(array), ==, 2);
    object = json_array_get_object_element(array, 0);
    g_assert_cmpint(json_object_get_int_member(object, "domid"), ==, 3);
    g_assert_cmpstr(json_object_get_string_member(object, "name"), ==, "web");
    g_assert_cmpint(json_object_get_int_member(object, "base_pages"), ==,
                    BASE);
    g_assert_cmpint(json_object_get_int_member(object, "max_pages"), ==,
                    BASE + 80);
    g_assert_cmpint(json_object_get_int_member(object, "granted_kib"), ==,
                    320);
    g_assert_cmpint(json_object_get_int_member(object, "cap_kib"), ==, 65536);
    object = json_array_get_object_element(array, 1);
    g_assert_true(json_object_get_null_member(object, "cap_kib"));

    set_block(world, 0, "64 populated a \"quoted\" name");
    guest = report_guest(world_store(world), world_host(world), "3", NULL);
    show = report_json_show(guest, false);
    object = parse(parser, show);
    g_assert_false(json_object_get_boolean_member(object, "announced"));
    array = json_object_get_array_member(object, "blocks");
    object = json_array_get_object_element(array, 0);
    g_assert_cmpstr(json_object_get_string_member(object, "name"), ==,
                    "a \"quoted\" name");
    g_assert_cmpint(json_object_get_int_member(object, "pages"), ==, 64);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/toolstack/report/list", test_list);
    g_test_add_func("/toolstack/report/missing-grant", test_missing_grant);
    g_test_add_func("/toolstack/report/blocks", test_blocks);
    g_test_add_func("/toolstack/report/blocks-are-bounded",
                    test_blocks_are_bounded);
    g_test_add_func("/toolstack/report/stub-domain", test_stub_domain);
    g_test_add_func("/toolstack/report/find", test_find);
    g_test_add_func("/toolstack/report/odd-nodes", test_odd_nodes);
    g_test_add_func("/toolstack/report/json", test_json);
    return g_test_run();
}
