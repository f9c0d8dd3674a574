/*
 * The real hypervisor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <unistd.h>
#include <xenctrl.h>

#include "hw/xen/device-memory-protocol.h"
#include "host-xen.h"
#include "libxl-lock.h"

typedef struct XenHost {
    Host host;
    xc_interface *xc;
    char *libxl_directory;
} XenHost;

static XenHost *of_host(Host *host)
{
    return (XenHost *)host;
}

static void copy_uuid(const uint8_t *handle, char *uuid)
{
    char *end = uuid;

    for (int i = 0; i < 16; i++) {
        bool hyphen = i == 4 || i == 6 || i == 8 || i == 10;

        end += g_snprintf(end, 4, "%s%02x", hyphen ? "-" : "", handle[i]);
    }
}

static void copy_domain(const xc_domaininfo_t *info, HostDomain *found)
{
    found->domid = info->domain;
    found->hvm = info->flags & XEN_DOMINF_hvm_guest;
    found->dying = info->flags & XEN_DOMINF_dying;
    found->limit_pages = info->max_pages;
    found->used_pages = info->tot_pages;
    copy_uuid(info->handle, found->uuid);
}

static bool xen_domain(Host *host, uint32_t domid, HostDomain *found)
{
    xc_domaininfo_t info;
    int n = xc_domain_getinfolist(of_host(host)->xc, domid, 1, &info);

    if (n < 0) {
        return false;
    }
    /* Xen gives the next domain if there is none with that domid. */
    if (!n || info.domain != domid) {
        errno = ESRCH;
        return false;
    }
    copy_domain(&info, found);
    return true;
}

static int xen_domains(Host *host, uint32_t first, HostDomain *found, int max)
{
    g_autofree xc_domaininfo_t *infos = g_new(xc_domaininfo_t, max);
    int n = xc_domain_getinfolist(of_host(host)->xc, first, max, infos);

    for (int i = 0; i < n; i++) {
        copy_domain(&infos[i], &found[i]);
    }
    return n;
}

static bool xen_set_limit(Host *host, uint32_t domid, uint64_t pages)
{
    return !xc_domain_setmaxmem(of_host(host)->xc, domid,
                                pages * DEVICE_MEMORY_PAGE_KIB);
}

static bool xen_free_kib(Host *host, uint64_t *kib)
{
    xc_physinfo_t info = { 0 };

    if (xc_physinfo(of_host(host)->xc, &info)) {
        return false;
    }
    *kib = (info.free_pages - MIN(info.free_pages, info.outstanding_pages)) *
           DEVICE_MEMORY_PAGE_KIB;
    return true;
}

static HostLock *xen_lock(Host *host, uint32_t domid, const char *uuid)
{
    return (HostLock *)libxl_lock_take(of_host(host)->libxl_directory, domid,
                                       uuid);
}

static void xen_unlock(Host *host, HostLock *lock)
{
    libxl_lock_release((LibxlLock *)lock);
}

static const HostOps xen_ops = {
    .domain = xen_domain,
    .domains = xen_domains,
    .set_limit = xen_set_limit,
    .free_kib = xen_free_kib,
    .lock = xen_lock,
    .unlock = xen_unlock,
};

Host *host_xen_open(const char *libxl_directory, GError **error)
{
    XenHost *xen_host = g_new0(XenHost, 1);

    xen_host->host.ops = &xen_ops;
    xen_host->libxl_directory = g_strdup(libxl_directory);
    xen_host->xc = xc_interface_open(NULL, NULL, 0);
    if (!xen_host->xc) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot reach the Xen hypervisor: %s; %s",
                    g_strerror(errno),
                    geteuid() ? "must be run as root"
                              : "is this domain 0, and is Xen running?");
        host_xen_close(&xen_host->host);
        return NULL;
    }
    return &xen_host->host;
}

void host_xen_close(Host *host)
{
    if (host) {
        XenHost *xen_host = of_host(host);

        if (xen_host->xc) {
            xc_interface_close(xen_host->xc);
        }
        g_free(xen_host->libxl_directory);
        g_free(xen_host);
    }
}
