/*
 * Grants pages of this domain to another, and maps pages that another grants.
 * It runs in dom0 and, linked statically, in the small Linux guest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>
/* Has types that Linux's headers below use. */
#include <xen/grant_table.h>
#include <xen/gntalloc.h>
#include <xen/gntdev.h>

/* As many as a frame of the grant table has (version 1, 4 KiB pages). */
#define MAX_PAGES 512
#define PAGE 4096
/* What is in the first bytes of page N that is granted: this and N. */
#define TEXT "lab-grant page %u"
#define TEXT_SIZE 32

static int usage(void)
{
    fputs("usage: lab-grant offer DOMID COUNT\n"
          "         grants so many pages; prints their references; they stay\n"
          "         granted until standard input ends\n"
          "       lab-grant map DOMID CYCLES COMMAND REF...\n"
          "         maps them, checks and changes what is in them and unmaps\n"
          "         them, CYCLES times; the last time, runs a shell command\n"
          "         while they are mapped\n",
          stderr);
    return 2;
}

static int failed(const char *what)
{
    fprintf(stderr, "lab-grant: %s: %s\n", what, strerror(errno));
    return 1;
}

static void label(char *page, unsigned number)
{
    snprintf(page, TEXT_SIZE, TEXT, number);
}

/* The domain at the other end has written this into each page it mapped. */
static bool is_answered(const char *page)
{
    return page[PAGE - 1] == 1;
}

static int offer(unsigned domid, unsigned count)
{
    size_t size = sizeof(struct ioctl_gntalloc_alloc_gref) +
                  count * sizeof(__u32);
    struct ioctl_gntalloc_alloc_gref *request = calloc(1, size);
    int fd = open("/dev/xen/gntalloc", O_RDWR);
    unsigned i, answered = 0;
    char *pages;

    if (!request || fd < 0) {
        return failed("/dev/xen/gntalloc");
    }
    request->domid = domid;
    request->flags = GNTALLOC_FLAG_WRITABLE;
    request->count = count;
    if (ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, request) < 0) {
        return failed("granting pages");
    }
    pages = mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE,
                 MAP_SHARED, fd, request->index);
    if (pages == MAP_FAILED) {
        return failed("mapping the pages that are granted");
    }
    for (i = 0; i < count; i++) {
        label(pages + i * PAGE, i);
        printf("%u%c", request->gref_ids[i], i + 1 < count ? ' ' : '\n');
    }
    fflush(stdout);
    while (getchar() != EOF) {
        continue;
    }
    for (i = 0; i < count; i++) {
        answered += is_answered(pages + i * PAGE);
    }
    printf("answered %u of %u\n", answered, count);
    return 0;
}

static int check_pages(char *pages, unsigned count)
{
    char expected[TEXT_SIZE];
    unsigned i;

    for (i = 0; i < count; i++) {
        label(expected, i);
        if (strcmp(pages + i * PAGE, expected) != 0) {
            fprintf(stderr, "lab-grant: page %u: expected '%s'\n", i,
                    expected);
            return 1;
        }
        pages[i * PAGE + PAGE - 1] = 1;
    }
    return 0;
}

static int map_once(int fd, struct ioctl_gntdev_map_grant_ref *request,
                    const char *command)
{
    struct ioctl_gntdev_unmap_grant_ref undo = { .count = request->count };
    size_t size = (size_t)request->count * PAGE;
    int status;
    char *pages;

    if (ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, request) < 0) {
        return failed("IOCTL_GNTDEV_MAP_GRANT_REF");
    }
    pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                 request->index);
    if (pages == MAP_FAILED) {
        return failed("mapping granted pages");
    }
    status = check_pages(pages, request->count);
    if (!status && command) {
        status = system(command) != 0;
    }
    undo.index = request->index;
    if (munmap(pages, size) < 0 ||
        ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &undo) < 0) {
        return failed("unmapping granted pages");
    }
    return status;
}

static int map(unsigned domid, unsigned cycles, const char *command,
               char **references, unsigned count)
{
    size_t size = sizeof(struct ioctl_gntdev_map_grant_ref) +
                  count * sizeof(struct ioctl_gntdev_grant_ref);
    struct ioctl_gntdev_map_grant_ref *request = calloc(1, size);
    int fd = open("/dev/xen/gntdev", O_RDWR);
    int status = 0;
    unsigned i;

    if (!request || fd < 0) {
        return failed("/dev/xen/gntdev");
    }
    request->count = count;
    for (i = 0; i < count; i++) {
        request->refs[i].domid = domid;
        request->refs[i].ref = strtoul(references[i], NULL, 10);
    }
    for (i = 0; !status && i < cycles; i++) {
        status = map_once(fd, request, i + 1 == cycles ? command : NULL);
    }
    close(fd);
    free(request);
    return status;
}

int main(int argc, char **argv)
{
    unsigned domid, number;

    if (argc < 4) {
        return usage();
    }
    domid = strtoul(argv[2], NULL, 10);
    number = strtoul(argv[3], NULL, 10);
    if (number < 1) {
        return usage();
    }
    if (strcmp(argv[1], "offer") == 0 && argc == 4 && number <= MAX_PAGES) {
        return offer(domid, number);
    }
    if (strcmp(argv[1], "map") == 0 && argc > 5 && argc - 5 <= MAX_PAGES) {
        return map(domid, number, argv[4], argv + 5, argc - 5);
    }
    return usage();
}
