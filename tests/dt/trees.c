/*
 * trees DIR: write the trees of all layouts that are possible
 *
 * One file DIR/NAME.dtb for each; the names are printed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "layouts.h"

static bool write_tree(const char *folder, const Layout *layout)
{
    HypervisorDtSlot slots[LAYOUT_SLOTS_MAX];
    HypervisorDtGuest guest;
    HypervisorDtError error;
    g_autofree char *name = layout_name(layout);
    g_autofree char *file = g_strdup_printf("%s/%s.dtb", folder, name);
    g_autofree void *blob = NULL;
    g_autoptr(GError) err = NULL;
    size_t size;

    if (!layout_guest(layout, &guest, slots)) {
        g_printerr("trees: %s: the RAM does not fit\n", name);
        return false;
    }
    blob = hypervisor_dt_generate(&guest, &size, NULL, &error);
    if (!blob) {
        g_printerr("trees: %s: %s\n", name, error.message);
        return false;
    }
    if (!g_file_set_contents(file, blob, size, &err)) {
        g_printerr("trees: %s\n", err->message);
        return false;
    }
    g_print("%s\n", name);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        g_printerr("usage: trees DIR\n");
        return 2;
    }
    for (size_t i = 0; i < layouts_number(); i++) {
        Layout layout = layout_get(i);

        if (!layout_expected(&layout) && !write_tree(argv[1], &layout)) {
            return 1;
        }
    }
    return 0;
}
