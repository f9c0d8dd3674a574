/*
 * What is left in xenstore when a domain is gone
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "path.h"
#include "sweep.h"

/* Directories that are not ours are removed only if ours was all they held. */
static void remove_with_parent(Store *store, const char *path,
                               const char *parent)
{
    if (store_remove(store, path)) {
        store_remove_empty(store, parent);
    }
}

void sweep_record(Store *store, uint32_t domid)
{
    g_autofree char *ours = path_libxl_node(domid, PATH_LIBXL_MEMORY);
    g_autofree char *libxl = path_libxl(domid);

    remove_with_parent(store, ours, libxl);
}

void sweep_memory(Store *store, uint32_t dm, uint32_t domid)
{
    g_autofree char *memory = path_memory(dm, domid);
    g_autofree char *device_model = path_device_model(dm, domid);

    remove_with_parent(store, memory, device_model);
}

void sweep_device_models(Store *store, uint32_t dm)
{
    g_autofree char *device_models = path_device_models(dm);
    g_autofree char *domain = path_domain(dm);

    remove_with_parent(store, device_models, domain);
}
