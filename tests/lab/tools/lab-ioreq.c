/*
 * An ioreq that no Xen sends yet: put into the page of buffered ioreqs that
 * Xen shares with a device model, where Xen would put it.  The guest must not
 * cause buffered ioreqs meanwhile, and must cause some other one soon: that is
 * when the device model looks at the page.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/hvm/ioreq.h>

#define IOREQ_SERVERS_MAX 8
#define POLL_US 10000
#define TAKEN_WITHIN_S 10

static buffered_iopage_t *map_page(uint32_t domid)
{
    xenforeignmemory_handle *fmem = xenforeignmemory_open(NULL, 0);

    for (unsigned id = 0; fmem && id < IOREQ_SERVERS_MAX; id++) {
        void *page = NULL;

        if (xenforeignmemory_map_resource(
                fmem, domid, XENMEM_resource_ioreq_server, id,
                XENMEM_resource_ioreq_server_frame_bufioreq, 1, &page,
                PROT_READ | PROT_WRITE, 0)) {
            return page;
        }
    }
    fprintf(stderr, "lab-ioreq: domain %" PRIu32 " has no ioreq server with "
            "a page for buffered ioreqs\n", domid);
    return NULL;
}

/* Eight bytes of data, the most that there can be, take two slots. */
static void put(buffered_iopage_t *page, uint8_t type, uint64_t data)
{
    uint32_t at = page->write_pointer;
    buf_ioreq_t *low = &page->buf_ioreq[at % IOREQ_BUFFER_SLOT_NUM];
    buf_ioreq_t *high = &page->buf_ioreq[(at + 1) % IOREQ_BUFFER_SLOT_NUM];

    *low = (buf_ioreq_t){
        .type = type, .dir = IOREQ_WRITE, .size = 3, .data = data,
    };
    *high = *low;
    high->data = data >> 32;
    __atomic_store_n(&page->write_pointer, at + 2, __ATOMIC_RELEASE);
}

static int wait_until_taken(buffered_iopage_t *page)
{
    for (int i = 0; i < TAKEN_WITHIN_S * (1000000 / POLL_US); i++) {
        if (__atomic_load_n(&page->read_pointer, __ATOMIC_ACQUIRE) ==
            page->write_pointer) {
            return 0;
        }
        usleep(POLL_US);
    }
    fprintf(stderr, "lab-ioreq: not taken within %d s\n", TAKEN_WITHIN_S);
    return 1;
}

int main(int argc, char **argv)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    buffered_iopage_t *page;
    uint32_t domid;

    if (argc != 4) {
        fputs("usage: lab-ioreq DOMID TYPE DATA\n"
              "Ends when the device model has taken it.\n", stderr);
        return 2;
    }
    domid = atoi(argv[1]);
    page = map_page(domid);
    if (!xc || !page || xc_domain_pause(xc, domid)) {
        perror("lab-ioreq");
        return 1;
    }
    put(page, atoi(argv[2]), strtoull(argv[3], NULL, 0));
    if (xc_domain_unpause(xc, domid)) {
        perror("xc_domain_unpause");
        return 1;
    }
    return wait_until_taken(page);
}
