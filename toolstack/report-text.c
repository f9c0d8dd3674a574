/*
 * A report as text, for people
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <string.h>

#include "report-text.h"

#define NAME_WIDTH_MIN 20
#define NAME_WIDTH_MAX 40
#define COLUMN_WIDTH 13

static uint64_t from_pages(uint64_t pages, bool in_pages)
{
    return in_pages ? pages : pages * DEVICE_MEMORY_PAGE_KIB;
}

static uint64_t from_kib(uint32_t kib, bool in_pages)
{
    return in_pages ? kib / DEVICE_MEMORY_PAGE_KIB : kib;
}

static int name_width(const GPtrArray *guests)
{
    glong width = NAME_WIDTH_MIN;

    for (unsigned i = 0; i < guests->len; i++) {
        const ReportGuest *guest = guests->pdata[i];

        width = MAX(width, g_utf8_strlen(guest->name, -1));
    }
    return MIN(width, NAME_WIDTH_MAX);
}

/* printf() counts bytes, a column has characters. */
static void print_name(const char *name, int width, FILE *out)
{
    g_autofree char *cut = g_utf8_substring(name, 0,
                                            MIN(width,
                                                g_utf8_strlen(name, -1)));

    fprintf(out, "%s%*s", cut, width - (int)g_utf8_strlen(cut, -1), "");
}

static void print_guest(const ReportGuest *guest, int width, bool in_pages,
                        FILE *out)
{
    g_autofree char *cap = guest->cap_known
        ? g_strdup_printf("%" PRIu64, from_kib(guest->cap_kib, in_pages))
        : g_strdup("-");

    fprintf(out, "%5u ", guest->domain.domid);
    print_name(guest->name, width, out);
    fprintf(out, " %*" PRIu64 " %*" PRIu64 "%s%*s %*" PRIu64 "\n",
            COLUMN_WIDTH, from_pages(guest->base_pages, in_pages),
            COLUMN_WIDTH, from_kib(guest->grant_kib, in_pages),
            guest->grant_stands ? " " : "!", COLUMN_WIDTH, cap,
            COLUMN_WIDTH, from_pages(guest->domain.used_pages, in_pages));
}

static void print_heading(int width, bool in_pages, FILE *out)
{
    const char *unit = in_pages ? "pages" : "KiB";
    const char *names[] = { "BASE", "GRANTED", "CAP", "USED" };

    fprintf(out, "%5s ", "DOMID");
    print_name("NAME", width, out);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *heading = g_strdup_printf("%s %s", names[i], unit);

        fprintf(out, " %*s", COLUMN_WIDTH, heading);
    }
    fputc('\n', out);
}

void report_text_list(const GPtrArray *guests, bool in_pages, FILE *out)
{
    int width = name_width(guests);
    bool missing = false;

    print_heading(width, in_pages, out);
    for (unsigned i = 0; i < guests->len; i++) {
        const ReportGuest *guest = guests->pdata[i];

        print_guest(guest, width, in_pages, out);
        missing = missing || !guest->grant_stands;
    }
    if (missing) {
        fputs("! another program has set max_pages without this grant\n",
              out);
    }
}

static void print_size(const char *what, uint64_t pages, const char *note,
                       FILE *out)
{
    fprintf(out, "  %-10s %10" PRIu64 " pages %12" PRIu64 " KiB%s\n", what,
            pages, pages * DEVICE_MEMORY_PAGE_KIB, note);
}

static void print_totals(const ReportGuest *guest, FILE *out)
{
    print_size("max_pages", guest->domain.limit_pages, "", out);
    print_size("base", guest->base_pages, "", out);
    print_size("granted", guest->grant_kib / DEVICE_MEMORY_PAGE_KIB,
               guest->grant_stands ? "" : "  not in max_pages: another "
               "program has set it", out);
    if (guest->cap_known) {
        print_size("cap", guest->cap_kib / DEVICE_MEMORY_PAGE_KIB, "", out);
    } else {
        fputs("  cap        none was applied yet\n", out);
    }
    print_size("used", guest->domain.used_pages, "", out);
}

static void print_blocks(const ReportGuest *guest, FILE *out)
{
    uint64_t pages = 0;

    fprintf(out, "%10s %12s  %-9s  %s\n", "PAGES", "KiB", "STATE", "BLOCK");
    for (unsigned i = 0; i < guest->blocks->len; i++) {
        const ReportBlock *block = guest->blocks->pdata[i];

        pages += block->pages;
        fprintf(out, "%10u %12" PRIu64 "  %-9s  %s\n", block->pages,
                (uint64_t)block->pages * DEVICE_MEMORY_PAGE_KIB,
                device_memory_block_state_name(block->state), block->name);
    }
    fprintf(out, "%10" PRIu64 " %12" PRIu64 "  %-9s\n", pages,
            pages * DEVICE_MEMORY_PAGE_KIB, "total");
}

void report_text_show(const ReportGuest *guest, FILE *out)
{
    fprintf(out, "domain %u \"%s\"\n", guest->domain.domid, guest->name);
    fprintf(out, "  uuid       %s\n", guest->domain.uuid);
    print_totals(guest, out);
    if (!guest->blocks->len) {
        fputs("The device model publishes no blocks.\n", out);
    } else {
        fputs("Blocks, as the device model states them:\n", out);
        print_blocks(guest, out);
    }
    if (guest->bad_blocks) {
        fprintf(out, "Blocks that could not be read: %u.\n", guest->bad_blocks);
    }
}
