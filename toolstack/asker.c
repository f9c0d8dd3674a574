/*
 * Who may ask for a guest's memory, by what xenstore says
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "asker.h"
#include "decide.h"
#include "path.h"

static char *read_device_model_domid(Store *store, uint32_t domid)
{
    g_autofree char *path = path_domain_node(domid,
                                             "image/device-model-domid");

    return store_read(store, path);
}

bool asker_may_ask(Store *store, uint32_t dm, uint32_t domid)
{
    g_autofree char *target_path = NULL;
    g_autofree char *device_model_domid = NULL;
    g_autofree char *target = NULL;

    if (dm) {
        target_path = path_domain_node(dm, "target");
        target = store_read(store, target_path);
        device_model_domid = read_device_model_domid(store, domid);
    }
    return decide_may_ask(dm, domid, device_model_domid, target);
}

uint32_t asker_find(Store *store, uint32_t domid)
{
    g_autofree char *stub = read_device_model_domid(store, domid);
    uint32_t dm;

    return stub && path_domid(stub, &dm) && asker_may_ask(store, dm, domid)
           ? dm : 0;
}
