/*
 * A report as JSON, for programs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <json-glib/json-glib.h>

#include "report-json.h"

static void add_number(JsonBuilder *builder, const char *name,
                       uint64_t number)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, number);
}

static void add_text(JsonBuilder *builder, const char *name, const char *text)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, text);
}

static void add_flag(JsonBuilder *builder, const char *name, bool flag)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, flag);
}

static void add_guest_members(JsonBuilder *builder, const ReportGuest *guest)
{
    add_number(builder, "domid", guest->domain.domid);
    add_text(builder, "name", guest->name);
    add_text(builder, "uuid", guest->domain.uuid);
    add_number(builder, "max_pages", guest->domain.limit_pages);
    add_number(builder, "base_pages", guest->base_pages);
    add_number(builder, "used_pages", guest->domain.used_pages);
    add_number(builder, "granted_kib", guest->grant_kib);
    add_flag(builder, "grant_stands", guest->grant_stands);
    json_builder_set_member_name(builder, "cap_kib");
    if (guest->cap_known) {
        json_builder_add_int_value(builder, guest->cap_kib);
    } else {
        json_builder_add_null_value(builder);
    }
}

static void add_blocks(JsonBuilder *builder, const ReportGuest *guest)
{
    json_builder_set_member_name(builder, "blocks");
    json_builder_begin_array(builder);
    for (unsigned i = 0; i < guest->blocks->len; i++) {
        const ReportBlock *block = guest->blocks->pdata[i];

        json_builder_begin_object(builder);
        add_text(builder, "name", block->name);
        add_number(builder, "pages", block->pages);
        add_text(builder, "state",
                 device_memory_block_state_name(block->state));
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    add_number(builder, "bad_blocks", guest->bad_blocks);
}

static char *finish(JsonBuilder *builder)
{
    g_autoptr(JsonNode) root = NULL;

    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}

char *report_json_list(const GPtrArray *guests, bool announced)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    add_flag(builder, "announced", announced);
    json_builder_set_member_name(builder, "guests");
    json_builder_begin_array(builder);
    for (unsigned i = 0; i < guests->len; i++) {
        json_builder_begin_object(builder);
        add_guest_members(builder, guests->pdata[i]);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    return finish(builder);
}

char *report_json_show(const ReportGuest *guest, bool announced)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    add_flag(builder, "announced", announced);
    add_guest_members(builder, guest);
    add_blocks(builder, guest);
    return finish(builder);
}

char *report_json_check(unsigned checked, const CheckFailure *failure)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    add_flag(builder, "ok", !failure);
    add_number(builder, "guests", checked);
    if (failure) {
        add_number(builder, "domid", failure->domid);
        add_text(builder, "name", failure->name);
        add_text(builder, "identity", failure->identity);
        add_text(builder, "message", failure->text);
    }
    return finish(builder);
}
