/*
 * How long a guest's limit lacks its grant after libxl has set it to a whole
 * number of MiB: polls max_pages and measures from each change to such a limit
 * until the limit is that and the grant.  A gap that is over before it is seen
 * counts as 0.  The grant must be less than a MiB.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>

#define POLL_US 100
#define PAGES_PER_MIB 256   /* also what libxl adds to a size */

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static uint64_t limit_of(xc_interface *xc, uint32_t domid)
{
    xc_domaininfo_t info;

    if (xc_domain_getinfolist(xc, domid, 1, &info) != 1 ||
        info.domain != domid) {
        fputs("lab-limit-gap: no such domain\n", stderr);
        exit(1);
    }
    return info.max_pages;
}

/* Waits until the limit is another one; when it was seen. */
static double wait_for_change(xc_interface *xc, uint32_t domid,
                              uint64_t *limit)
{
    uint64_t now;

    while ((now = limit_of(xc, domid)) == *limit) {
        usleep(POLL_US);
    }
    *limit = now;
    return now_us();
}

int main(int argc, char **argv)
{
    xc_interface *xc;
    uint32_t domid;
    uint64_t grant, limit;

    if (argc != 4 || atoi(argv[3]) < 1) {
        fputs("usage: lab-limit-gap DOMID GRANT-PAGES COUNT\n"
              "Prints COUNT gaps, one a line, in us.\n", stderr);
        return 2;
    }
    xc = xc_interface_open(NULL, NULL, 0);
    if (!xc) {
        perror("xc_interface_open");
        return 1;
    }
    domid = atoi(argv[1]);
    grant = strtoull(argv[2], NULL, 10);
    limit = limit_of(xc, domid);
    for (int i = atoi(argv[3]); i > 0; i--) {
        double set = wait_for_change(xc, domid, &limit), repaired = set;
        uint64_t base = limit - limit % PAGES_PER_MIB;

        if (limit == base) {
            repaired = wait_for_change(xc, domid, &limit);
        }
        if (limit != base + grant) {
            fprintf(stderr, "lab-limit-gap: %ju is not %ju and the grant\n",
                    (uintmax_t)limit, (uintmax_t)base);
            return 1;
        }
        printf("%.0f\n", repaired - set);
        fflush(stdout);
    }
    xc_interface_close(xc);
    return 0;
}
