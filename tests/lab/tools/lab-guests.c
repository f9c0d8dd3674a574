/*
 * Guests without memory and processors, for the daemon to look after: a domain
 * that Xen knows and that nothing runs in, with the nodes that libxl and a
 * device model write.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenstore.h>

#define TEXT_SIZE 256
#define GUEST_KIB 132096    /* libxl's limit for 128 MiB and a MiB more */
#define REQUEST "1 64"

static xc_interface *xc;
static struct xs_handle *xs;

static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

/* Each domain's handle, and so its uuid, is made of its domid. */
static void uuid_of(uint32_t domid, char *uuid)
{
    snprintf(uuid, TEXT_SIZE, "00000000-0000-0000-0000-%012" PRIx32, domid);
}

static void put(const char *path, const char *value)
{
    if (!xs_write(xs, XBT_NULL, path, value, strlen(value))) {
        give_up(path);
    }
}

static void put_domain_node(uint32_t domid, const char *node,
                            const char *value)
{
    char path[TEXT_SIZE];

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", domid, node);
    put(path, value);
}

static void write_nodes(uint32_t domid)
{
    char uuid[TEXT_SIZE], path[TEXT_SIZE], vm[TEXT_SIZE + 8];

    uuid_of(domid, uuid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/type", domid);
    put(path, "hvm");
    put_domain_node(domid, "memory/target", "131072");
    put_domain_node(domid, "memory/static-max", "131072");
    snprintf(path, sizeof(path), "guest-%" PRIu32, domid);
    put_domain_node(domid, "name", path);
    put_domain_node(domid, "vm", vm);
    snprintf(path, sizeof(path),
             "/local/domain/0/device-model/%" PRIu32 "/device-memory/request",
             domid);
    put(path, REQUEST);
    put(vm, "");    /* the daemon looks for domains when one is made here */
}

static void make(uint32_t domid)
{
    struct xen_domctl_createdomain config = {
        .max_vcpus = 1,
        .max_evtchn_port = -1,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };

    for (int i = 0; i < 4; i++) {
        config.handle[sizeof(config.handle) - 1 - i] = domid >> (8 * i);
    }
    if (xc_domain_create(xc, &domid, &config)) {
        give_up("xc_domain_create");
    }
    if (xc_domain_setmaxmem(xc, domid, GUEST_KIB)) {
        give_up("xc_domain_setmaxmem");
    }
    write_nodes(domid);
}

static void unmake(uint32_t domid)
{
    static const char *const places[] = {
        "/libxl/%" PRIu32, "/local/domain/%" PRIu32,
        "/local/domain/0/device-model/%" PRIu32,
    };
    char uuid[TEXT_SIZE], path[TEXT_SIZE + 8];

    if (xc_domain_destroy(xc, domid)) {
        return;     /* it was not made */
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), places[i], domid);
        xs_rm(xs, XBT_NULL, path);
    }
    uuid_of(domid, uuid);
    snprintf(path, sizeof(path), "/vm/%s", uuid);
    xs_rm(xs, XBT_NULL, path);
}

int main(int argc, char **argv)
{
    uint32_t first;
    int count;

    if (argc != 4 || (strcmp(argv[1], "make") && strcmp(argv[1], "remove"))) {
        fputs("usage: lab-guests make|remove FIRST-DOMID COUNT\n", stderr);
        return 2;
    }
    xc = xc_interface_open(NULL, NULL, 0);
    xs = xs_open(0);
    if (!xc || !xs) {
        give_up("lab-guests");
    }
    first = atoi(argv[2]);
    count = atoi(argv[3]);
    for (int i = 0; i < count; i++) {
        if (!strcmp(argv[1], "make")) {
            make(first + i);
        } else {
            unmake(first + i);
        }
    }
    return 0;
}
