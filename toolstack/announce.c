/*
 * The announcement that requests are answered
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>

#include "announce.h"
#include "hw/xen/device-memory-protocol.h"
#include "path.h"

bool announce(Store *store)
{
    g_autofree char *domid = store_read(store, "domid");

    if (!domid && errno != ENOENT) {
        return false;
    }
    /* The version last: it is what a device model looks for. */
    return store_publish(store, DEVICE_MEMORY_PATH_DOMID,
                         domid ? domid : "0") &&
           store_publish(store, DEVICE_MEMORY_PATH_VERSION,
                         G_STRINGIFY(DEVICE_MEMORY_VERSION));
}

bool announce_withdraw(Store *store)
{
    return store_remove(store, PATH_ANNOUNCEMENT) || errno == ENOENT;
}

bool announce_stands(Store *store)
{
    g_autofree char *version = store_read(store, DEVICE_MEMORY_PATH_VERSION);

    return device_memory_version_listed(version, DEVICE_MEMORY_VERSION);
}
