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
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#define MAX_DOMAINS 1024

static int usage(void)
{
    fputs("usage: lab-domain list          domid, nr_pages, max_pages, state\n"
          "       lab-domain pages DOMID   nr_pages\n"
          "       lab-domain limit DOMID   max_pages\n"
          "       lab-domain word DOMID GFN\n"
          "                                the page's first 32 bits\n"
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

/* 0 or more, or -1 after a message. */
static long domain_id(const char *text)
{
    char *end;
    unsigned long id = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || id >= DOMID_FIRST_RESERVED) {
        fprintf(stderr, "lab-domain: not a domain id: '%s'\n", text);
        return -1;
    }
    return id;
}

static int number(xc_interface *xch, const char *what, const char *domid)
{
    xc_domaininfo_t info;
    long id = domain_id(domid);

    if (id < 0) {
        return 2;
    }
    if (xc_domain_getinfolist(xch, id, 1, &info) != 1 ||
        info.domain != id) {
        fprintf(stderr, "lab-domain: there is no domain %ld\n", id);
        return 1;
    }
    printf("%" PRIu64 "\n",
           strcmp(what, "pages") == 0 ? info.tot_pages : info.max_pages);
    return 0;
}

static int word(const char *domid, const char *gfn)
{
    long id = domain_id(domid);
    xen_pfn_t pfn = strtoull(gfn, NULL, 0);
    xenforeignmemory_handle *memory;
    uint32_t *page;
    int status = 1;

    if (id < 0) {
        return 2;
    }
    memory = xenforeignmemory_open(NULL, 0);
    if (!memory) {
        perror("lab-domain: xenforeignmemory_open");
        return 1;
    }
    page = xenforeignmemory_map(memory, id, PROT_READ, 1, &pfn, NULL);
    if (page) {
        printf("0x%08" PRIx32 "\n", *page);
        xenforeignmemory_unmap(memory, page, 1);
        status = 0;
    } else {
        fprintf(stderr, "lab-domain: no page at gfn %s\n", gfn);
    }
    xenforeignmemory_close(memory);
    return status;
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
    } else if (strcmp(argv[1], "word") == 0 && argc == 4) {
        status = word(argv[2], argv[3]);
    } else if ((strcmp(argv[1], "pages") == 0 ||
                strcmp(argv[1], "limit") == 0) && argc == 3) {
        status = number(xch, argv[1], argv[2]);
    } else {
        status = usage();
    }
    xc_interface_close(xch);
    return status;
}
