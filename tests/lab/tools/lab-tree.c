/*
 * A paused Arm domain's device tree, where its first CPU's x0 leads, and a
 * hash of all the domain's memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#define PAGE 4096
/* Pages that are mapped at once; a tree is smaller. */
#define PAGES 1024
/* The hash is 64-bit FNV-1a, over words. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

typedef struct Guest {
    xc_interface *control;
    xenforeignmemory_handle *memory;
    uint32_t domid;
} Guest;

static int usage(void)
{
    fputs("usage: lab-tree address DOMID        where x0 leads\n"
          "       lab-tree move DOMID ADDRESS   let it lead there\n"
          "       lab-tree read DOMID FILE      the tree, as long as it says\n"
          "       lab-tree write DOMID FILE     the file's bytes over it\n"
          "       lab-tree hash DOMID           of all pages of RAM\n",
          stderr);
    return 2;
}

static int failed(const char *what)
{
    fprintf(stderr, "lab-tree: %s: %s\n", what, strerror(errno));
    return 1;
}

/* --- the first CPU --- */

#ifdef __aarch64__
static bool get_address(Guest *guest, uint64_t *address)
{
    vcpu_guest_context_any_t context;

    if (xc_vcpu_getcontext(guest->control, guest->domid, 0, &context)) {
        return false;
    }
    *address = context.c.user_regs.x0;
    return true;
}

static bool set_address(Guest *guest, uint64_t address)
{
    vcpu_guest_context_any_t context;

    if (xc_vcpu_getcontext(guest->control, guest->domid, 0, &context)) {
        return false;
    }
    context.c.user_regs.x0 = address;
    return !xc_vcpu_setcontext(guest->control, guest->domid, 0, &context);
}
#else
static bool get_address(Guest *guest, uint64_t *address)
{
    (void)guest;
    (void)address;
    errno = EOPNOTSUPP;
    return false;
}

static bool set_address(Guest *guest, uint64_t address)
{
    (void)guest;
    (void)address;
    errno = EOPNOTSUPP;
    return false;
}
#endif

/* --- the tree --- */

static char *map_tree(Guest *guest, uint64_t address, size_t size)
{
    size_t pages = (address % PAGE + size + PAGE - 1) / PAGE;
    xen_pfn_t gfns[PAGES];

    if (pages > PAGES) {
        errno = E2BIG;
        return NULL;
    }
    for (size_t i = 0; i < pages; i++) {
        gfns[i] = address / PAGE + i;
    }
    return xenforeignmemory_map(guest->memory, guest->domid,
                                PROT_READ | PROT_WRITE, pages, gfns, NULL);
}

static int read_tree(Guest *guest, uint64_t address, const char *name)
{
    const char *header = map_tree(guest, address, 8);
    const uint8_t *word = (const uint8_t *)header + address % PAGE + 4;
    const char *pages;
    size_t size;
    FILE *file;

    if (!header) {
        return failed("cannot map the tree");
    }
    size = (size_t)word[0] << 24 | word[1] << 16 | word[2] << 8 | word[3];
    pages = map_tree(guest, address, size);
    file = fopen(name, "wb");
    if (!pages || !file ||
        fwrite(pages + address % PAGE, 1, size, file) != size ||
        fclose(file)) {
        return failed(name);
    }
    return 0;
}

static int write_tree(Guest *guest, uint64_t address, const char *name)
{
    static char bytes[PAGES * PAGE];
    FILE *file = fopen(name, "rb");
    size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
    char *pages = size ? map_tree(guest, address, size) : NULL;

    if (!pages) {
        return failed(name);
    }
    memcpy(pages + address % PAGE, bytes, size);
    fclose(file);
    return 0;
}

/* --- all of memory --- */

static uint64_t hash_page(uint64_t hash, uint64_t gfn, const uint64_t *words)
{
    hash = (hash ^ gfn) * HASH_PRIME;
    for (unsigned i = 0; i < PAGE / sizeof(*words); i++) {
        hash = (hash ^ words[i]) * HASH_PRIME;
    }
    return hash;
}

static int hash_memory(Guest *guest)
{
    uint64_t hash = HASH_START;
    uint64_t found = 0;
    xen_pfn_t last;

    if (xc_domain_maximum_gpfn(guest->control, guest->domid, &last) < 0) {
        return failed("xc_domain_maximum_gpfn");
    }
    for (xen_pfn_t first = 0; first <= last; first += PAGES) {
        xen_pfn_t gfns[PAGES];
        int errors[PAGES];
        char *pages;

        for (unsigned i = 0; i < PAGES; i++) {
            gfns[i] = first + i;
        }
        pages = xenforeignmemory_map(guest->memory, guest->domid, PROT_READ,
                                     PAGES, gfns, errors);
        if (!pages) {
            return failed("cannot map memory");
        }
        for (unsigned i = 0; i < PAGES; i++) {
            if (!errors[i]) {
                hash = hash_page(hash, gfns[i],
                                 (const uint64_t *)(pages + i * PAGE));
                found++;
            }
        }
        xenforeignmemory_unmap(guest->memory, pages, PAGES);
    }
    printf("%016" PRIx64 " %" PRIu64 " pages\n", hash, found);
    return 0;
}

static int run(Guest *guest, const char *command, const char *value)
{
    uint64_t address;

    if (!strcmp(command, "hash")) {
        return hash_memory(guest);
    }
    if (!get_address(guest, &address)) {
        return failed("cannot read the first CPU");
    }
    if (!strcmp(command, "address")) {
        printf("%#" PRIx64 "\n", address);
        return 0;
    }
    if (!value) {
        return usage();
    }
    if (!strcmp(command, "move")) {
        return set_address(guest, strtoull(value, NULL, 0))
               ? 0 : failed("cannot set x0");
    }
    if (!strcmp(command, "read")) {
        return read_tree(guest, address, value);
    }
    return strcmp(command, "write") ? usage()
                                    : write_tree(guest, address, value);
}

int main(int argc, char **argv)
{
    Guest guest;
    int status;

    if (argc < 3 || argc > 4) {
        return usage();
    }
    guest.domid = strtoul(argv[2], NULL, 10);
    guest.control = xc_interface_open(NULL, NULL, 0);
    guest.memory = xenforeignmemory_open(NULL, 0);
    if (!guest.control || !guest.memory) {
        return failed("cannot reach Xen");
    }
    status = run(&guest, argv[1], argc > 3 ? argv[3] : NULL);
    xenforeignmemory_close(guest.memory);
    xc_interface_close(guest.control);
    return status;
}
