/*
 * Reads pages and limits of domains from Xen itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#define MAX_DOMAINS 1024

static int usage(void)
{
    fputs("usage: lab-domain list          domid, nr_pages, max_pages, state\n"
          "       lab-domain pages DOMID   nr_pages\n"
          "       lab-domain limit DOMID   max_pages\n"
          "       lab-domain free          free memory of the host, KiB\n",
          stderr);
    return 2;
}

static int list(xc_interface *xch)
{
    static xc_domaininfo_t infos[MAX_DOMAINS];
    int count = xc_domain_getinfolist(xch, 0, MAX_DOMAINS, infos);
    int i;

    if (count < 0) {
        perror("lab-domain: xc_domain_getinfolist");
        return 1;
    }
    for (i = 0; i < count; i++) {
        printf("%u %" PRIu64 " %" PRIu64 "%s%s\n", infos[i].domain,
               infos[i].tot_pages, infos[i].max_pages,
               infos[i].flags & XEN_DOMINF_dying ? " dying" : "",
               infos[i].flags & XEN_DOMINF_shutdown ? " shutdown" : "");
    }
    return 0;
}

static int number(xc_interface *xch, const char *what, const char *domid)
{
    xc_domaininfo_t info;
    char *end;
    unsigned long id = strtoul(domid, &end, 10);

    if (*domid == '\0' || *end != '\0' || id >= DOMID_FIRST_RESERVED) {
        fprintf(stderr, "lab-domain: not a domain id: '%s'\n", domid);
        return 2;
    }
    if (xc_domain_getinfolist(xch, id, 1, &info) != 1 || info.domain != id) {
        fprintf(stderr, "lab-domain: there is no domain %lu\n", id);
        return 1;
    }
    printf("%" PRIu64 "\n",
           strcmp(what, "pages") == 0 ? info.tot_pages : info.max_pages);
    return 0;
}

static int host_free(xc_interface *xch)
{
    xc_physinfo_t info = { 0 };

    if (xc_physinfo(xch, &info) != 0) {
        perror("lab-domain: xc_physinfo");
        return 1;
    }
    printf("%" PRIu64 "\n",
           (uint64_t)(info.free_pages - info.outstanding_pages) * 4);
    return 0;
}

int main(int argc, char **argv)
{
    xc_interface *xch;
    int status;

    if (argc < 2) {
        return usage();
    }
    xch = xc_interface_open(NULL, NULL, 0);
    if (!xch) {
        perror("lab-domain: xc_interface_open");
        return 1;
    }
    if (strcmp(argv[1], "list") == 0 && argc == 2) {
        status = list(xch);
    } else if (strcmp(argv[1], "free") == 0 && argc == 2) {
        status = host_free(xch);
    } else if ((strcmp(argv[1], "pages") == 0 ||
                strcmp(argv[1], "limit") == 0) && argc == 3) {
        status = number(xch, argv[1], argv[2]);
    } else {
        status = usage();
    }
    xc_interface_close(xch);
    return status;
}
