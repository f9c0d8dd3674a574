/*
 * What there is to tell about guests and their device memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "asker.h"
#include "path.h"
#include "report.h"

static char *read_domain_node(Store *store, uint32_t domid, const char *node)
{
    g_autofree char *path = path_domain_node(domid, node);

    return store_read(store, path);
}

static char *read_libxl_node(Store *store, uint32_t domid, const char *node)
{
    g_autofree char *path = path_libxl_node(domid, node);

    return store_read(store, path);
}

char *report_printable(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        g_string_append_unichar(out, g_unichar_isprint(c) ? c : '?');
    }
    return g_string_free(out, FALSE);
}

static void read_grant(ReportGuest *guest, Store *store)
{
    g_autofree char *value = read_libxl_node(store, guest->domain.domid,
                                             PATH_LIBXL_RECORD);
    uint64_t limit = guest->domain.limit_pages;
    DeviceMemoryRecord record;
    bool recorded = value && device_memory_record_parse(value, &record);
    uint64_t right = device_memory_record_recover(recorded ? &record : NULL,
                                                  limit, &guest->grant_kib);

    guest->grant_stands = right == limit;
    guest->base_pages = limit;
    if (guest->grant_stands) {
        guest->base_pages -= MIN(limit,
                                 guest->grant_kib / DEVICE_MEMORY_PAGE_KIB);
    }
}

static void read_cap(ReportGuest *guest, Store *store)
{
    g_autofree char *value = read_libxl_node(store, guest->domain.domid,
                                             PATH_LIBXL_CAP);
    uint64_t number;

    guest->cap_known = value &&
        device_memory_parse_number(value, strlen(value),
                                   DEVICE_MEMORY_TOTAL_MAX, &number);
    if (guest->cap_known) {
        guest->cap_kib = number;
    }
}

static ReportGuest *new_guest(Store *store, const HostDomain *found)
{
    ReportGuest *guest = g_new0(ReportGuest, 1);
    g_autofree char *name = read_domain_node(store, found->domid, "name");

    guest->domain = *found;
    guest->name = report_printable(name ? name : "");
    read_grant(guest, store);
    read_cap(guest, store);
    guest->asker = asker_find(store, found->domid);
    return guest;
}

void report_guest_free(ReportGuest *guest)
{
    if (guest) {
        g_free(guest->name);
        g_clear_pointer(&guest->blocks, g_ptr_array_unref);
        g_free(guest);
    }
}

/* PVH guests are HVM guests to Xen, but have no device model. */
static bool is_hvm_guest(Store *store, const HostDomain *found)
{
    g_autofree char *type = NULL;

    if (!found->domid || !found->hvm || found->dying) {
        return false;
    }
    type = read_libxl_node(store, found->domid, PATH_LIBXL_TYPE);
    return !type || !strcmp(type, PATH_LIBXL_TYPE_HVM);
}

GPtrArray *report_guests(Store *store, Host *host, GError **error)
{
    g_autoptr(GArray) all = host_all_domains(host);
    GPtrArray *guests;

    if (!all) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot list domains: %s", g_strerror(errno));
        return NULL;
    }
    guests = g_ptr_array_new_with_free_func((GDestroyNotify)report_guest_free);
    for (unsigned i = 0; i < all->len; i++) {
        const HostDomain *found = &g_array_index(all, HostDomain, i);

        if (is_hvm_guest(store, found)) {
            g_ptr_array_add(guests, new_guest(store, found));
        }
    }
    return guests;
}

/* Blocks */

static void block_free(gpointer data)
{
    ReportBlock *block = data;

    g_free(block->name);
    g_free(block);
}

static void read_block(ReportGuest *guest, const char *value)
{
    g_autofree ReportBlock *block = g_new0(ReportBlock, 1);

    if (device_memory_block_parse(value, &block->pages, &block->state,
                                  &block->name)) {
        g_ptr_array_add(guest->blocks, g_steal_pointer(&block));
    } else {
        guest->bad_blocks++;
    }
}

void report_read_blocks(ReportGuest *guest, Store *store)
{
    uint32_t domid = guest->domain.domid;
    uint32_t dm = guest->asker;

    guest->blocks = g_ptr_array_new_with_free_func(block_free);
    for (unsigned i = 0; i < DEVICE_MEMORY_BLOCKS_MAX; i++) {
        g_autofree char *node =
            g_strdup_printf(DEVICE_MEMORY_NODE_BLOCKS "/%u", i);
        g_autofree char *path = path_memory_node(dm, domid, node);
        g_autofree char *value = store_read(store, path);

        if (!value) {
            break;
        }
        read_block(guest, value);
    }
}

static bool is_wanted(Store *store, const HostDomain *found, const char *who)
{
    g_autofree char *name = read_domain_node(store, found->domid, "name");

    return name && !strcmp(name, who);
}

static bool find_by_name(Store *store, Host *host, const char *who,
                         HostDomain *wanted)
{
    g_autoptr(GArray) all = host_all_domains(host);

    for (unsigned i = 0; all && i < all->len; i++) {
        const HostDomain *found = &g_array_index(all, HostDomain, i);

        if (is_wanted(store, found, who)) {
            *wanted = *found;
            return true;
        }
    }
    return false;
}

ReportGuest *report_guest(Store *store, Host *host, const char *who,
                          GError **error)
{
    ReportGuest *guest;
    HostDomain found;
    uint32_t domid;

    if (!find_by_name(store, host, who, &found) &&
        !(path_domid(who, &domid) && host_domain(host, domid, &found))) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "no domain has the name or domid \"%s\"", who);
        return NULL;
    }
    if (!is_hvm_guest(store, &found)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "domain %u is not an HVM guest: it has no device memory",
                    found.domid);
        return NULL;
    }
    guest = new_guest(store, &found);
    report_read_blocks(guest, store);
    return guest;
}
