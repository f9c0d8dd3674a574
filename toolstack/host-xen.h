/*
 * The real hypervisor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_HOST_XEN_H
#define TOOLSTACK_HOST_XEN_H

#include <glib.h>

#include "host.h"

/**
 * host_xen_open: get access to the hypervisor
 * @libxl_directory: where libxl keeps its locks
 * @error: set on failure
 *
 * Returns: the host, to be closed with host_xen_close(), or NULL
 */
Host *host_xen_open(const char *libxl_directory, GError **error);

/**
 * host_xen_close: give the access up
 * @host: the host, or NULL
 */
void host_xen_close(Host *host);

#endif /* TOOLSTACK_HOST_XEN_H */
