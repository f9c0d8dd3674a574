/*
 * Do Xen, the toolstack and the device model agree about a guest?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>

#include "announce.h"
#include "check.h"
#include "guest-size.h"
#include "path.h"

/* What one guest is checked by. */
typedef struct Facts {
    const ReportGuest *guest;
    char *record_text;      /* or NULL */
    bool recorded;          /* it can be read */
    DeviceMemoryRecord record;
    bool provisional;
    char *request_text;     /* or NULL */
    char *answer_text;      /* or NULL */
    GuestSize size;
    uint64_t videoram_kib;
    bool publishes;         /* the device model has a node for its blocks */
    bool announced;
} Facts;

static char *read_libxl(Store *store, uint32_t domid, const char *node)
{
    g_autofree char *path = path_libxl_node(domid, node);

    return store_read(store, path);
}

static char *read_memory(Store *store, uint32_t dm, uint32_t domid,
                         const char *node)
{
    g_autofree char *path = path_memory_node(dm, domid, node);

    return store_read(store, path);
}

static void read_facts(Facts *facts, Store *store)
{
    uint32_t domid = facts->guest->domain.domid;
    uint32_t dm = facts->guest->asker;
    g_autofree char *provisional = read_libxl(store, domid,
                                              PATH_LIBXL_PROVISIONAL);
    g_autofree char *blocks = NULL;

    facts->provisional = provisional != NULL;
    facts->record_text = read_libxl(store, domid, PATH_LIBXL_RECORD);
    facts->recorded = facts->record_text &&
        device_memory_record_parse(facts->record_text, &facts->record);
    facts->request_text = read_memory(store, dm, domid,
                                      DEVICE_MEMORY_NODE_REQUEST);
    facts->answer_text = read_memory(store, dm, domid,
                                     DEVICE_MEMORY_NODE_ANSWER);
    blocks = read_memory(store, dm, domid, DEVICE_MEMORY_NODE_BLOCKS);
    facts->publishes = blocks != NULL;
    facts->size = guest_size_read(store, domid);
    facts->videoram_kib = guest_size_read_videoram(store, domid);
    facts->announced = announce_stands(store);
}

static void clear_facts(Facts *facts)
{
    g_free(facts->record_text);
    g_free(facts->request_text);
    g_free(facts->answer_text);
}

static uint32_t granted_kib(const Facts *facts)
{
    return facts->recorded ? facts->record.grant_kib : 0;
}

/* Cut before it is made printable: a cut must not leave half a character. */
static char *printable_start(const char *text)
{
    g_autofree char *start = g_strndup(text, DEVICE_MEMORY_VALUE_MAX);

    return report_printable(start);
}

/* Each returns what is wrong, or NULL. */

static char *check_record(const Facts *facts)
{
    const DeviceMemoryRecord *record = &facts->record;

    if (!facts->record_text) {
        return NULL;
    }
    if (!facts->recorded) {
        g_autofree char *shown = printable_start(facts->record_text);

        return g_strdup_printf("the record \"%s\" cannot be read", shown);
    }
    if (record->limit_pages != record->previous_limit_pages) {
        return g_strdup_printf("the record \"%s\" is not settled; is the "
                               "daemon running?", facts->record_text);
    }
    return NULL;
}

static char *check_limit(const Facts *facts)
{
    uint64_t limit = facts->guest->domain.limit_pages;

    if (!facts->recorded || limit == facts->record.limit_pages) {
        return NULL;
    }
    return g_strdup_printf("max_pages is %" PRIu64 ", but the record says "
                           "%" PRIu64 ", with a grant of %u KiB", limit,
                           facts->record.limit_pages,
                           facts->record.grant_kib);
}

static char *check_base(const Facts *facts)
{
    uint64_t grant_pages = granted_kib(facts) / DEVICE_MEMORY_PAGE_KIB;
    uint64_t limit = facts->guest->domain.limit_pages;

    if (!facts->size.known ||
        guest_size_may_have_limit(&facts->size, facts->videoram_kib,
                                  limit - MIN(limit, grant_pages))) {
        return NULL;
    }
    return g_strdup_printf("max_pages is %" PRIu64 ", and %" PRIu64 " without "
                           "the grant of %u KiB, which libxl does not set for "
                           "a target of %" PRIu64 " KiB, video memory of "
                           "%" PRIu64 " KiB and a maximum of %" PRIu64 " KiB",
                           limit, limit - MIN(limit, grant_pages),
                           granted_kib(facts), facts->size.target_kib,
                           facts->videoram_kib, facts->size.static_max_kib);
}

static char *check_pages(const Facts *facts)
{
    const HostDomain *domain = &facts->guest->domain;

    if (domain->used_pages <= domain->limit_pages) {
        return NULL;
    }
    return g_strdup_printf("the guest has %" PRIu64 " pages, but max_pages is "
                           "%" PRIu64, domain->used_pages,
                           domain->limit_pages);
}

static char *check_answer(const Facts *facts)
{
    uint32_t grant = granted_kib(facts);
    DeviceMemoryRequest request;
    DeviceMemoryAnswer answer;

    if (!facts->request_text || facts->provisional) {
        return NULL;
    }
    device_memory_request_parse(facts->request_text, &request);
    if (!facts->answer_text ||
        !device_memory_answer_parse(facts->answer_text, &answer) ||
        answer.id != request.id) {
        g_autofree char *shown = printable_start(facts->request_text);

        return g_strdup_printf("the request \"%s\" is not answered", shown);
    }
    if (answer.grant_kib != grant) {
        return g_strdup_printf("the last answer says %u KiB, but the grant is "
                               "%u KiB", answer.grant_kib, grant);
    }
    if (answer.granted && request.total_kib != grant) {
        return g_strdup_printf("%u KiB were asked for and granted, but the "
                               "grant is %u KiB", request.total_kib, grant);
    }
    return NULL;
}

/* What the device model says that it has, in KiB. */
static uint64_t blocks_kib(const Facts *facts)
{
    uint64_t kib = 0;

    for (unsigned i = 0; i < facts->guest->blocks->len; i++) {
        const ReportBlock *block = facts->guest->blocks->pdata[i];

        if (block->state == DEVICE_MEMORY_GRANTED ||
            block->state == DEVICE_MEMORY_POPULATED) {
            kib += (uint64_t)block->pages * DEVICE_MEMORY_PAGE_KIB;
        }
    }
    return kib;
}

/* Without a request it lives within what libxl leaves to every guest. */
static char *check_unasked(const Facts *facts, uint64_t kib)
{
    if (kib <= facts->videoram_kib + GUEST_SIZE_SLACK_KIB) {
        return NULL;
    }
    return g_strdup_printf("the blocks come to %" PRIu64 " KiB, but nothing "
                           "was asked for beyond video memory of %" PRIu64
                           " KiB", kib, facts->videoram_kib);
}

static char *check_blocks(const Facts *facts)
{
    uint32_t grant = granted_kib(facts);
    uint64_t kib = blocks_kib(facts);
    uint64_t credit_kib = facts->videoram_kib -
                          facts->videoram_kib % DEVICE_MEMORY_PAGE_KIB;

    if (facts->provisional) {
        return NULL;
    }
    if (!facts->request_text) {
        return check_unasked(facts, kib);
    }
    if (kib > grant + credit_kib) {
        return g_strdup_printf("the blocks come to %" PRIu64 " KiB, but the "
                               "grant is %u KiB beyond video memory of "
                               "%" PRIu64 " KiB", kib, grant, credit_kib);
    }
    if (grant > kib - MIN(kib, credit_kib) && facts->publishes &&
        facts->announced && !facts->guest->bad_blocks) {
        return g_strdup_printf("the grant is %u KiB beyond video memory of "
                               "%" PRIu64 " KiB, but the blocks come to only "
                               "%" PRIu64 " KiB", grant, credit_kib, kib);
    }
    return NULL;
}

static const struct Identity {
    const char *name;
    char *(*check)(const Facts *facts);
} identities[] = {
    { "record", check_record },
    { "limit", check_limit },
    { "base", check_base },
    { "pages", check_pages },
    { "answer", check_answer },
    { "blocks", check_blocks },
};

static CheckFailure *check_guest(Store *store, const ReportGuest *guest)
{
    Facts facts = { .guest = guest };
    CheckFailure *failure = NULL;

    read_facts(&facts, store);
    for (size_t i = 0; i < G_N_ELEMENTS(identities) && !failure; i++) {
        char *text = identities[i].check(&facts);

        if (text) {
            failure = g_new0(CheckFailure, 1);
            failure->domid = guest->domain.domid;
            failure->name = g_strdup(guest->name);
            failure->identity = identities[i].name;
            failure->text = text;
        }
    }
    clear_facts(&facts);
    return failure;
}

bool check_guests(Store *store, Host *host, unsigned *checked,
                  CheckFailure **failure, GError **error)
{
    g_autoptr(GPtrArray) guests = report_guests(store, host, error);

    *checked = 0;
    *failure = NULL;
    if (!guests) {
        return false;
    }
    for (unsigned i = 0; i < guests->len && !*failure; i++) {
        report_read_blocks(guests->pdata[i], store);
        *failure = check_guest(store, guests->pdata[i]);
    }
    *checked = guests->len;
    return true;
}

void check_failure_free(CheckFailure *failure)
{
    if (failure) {
        g_free(failure->name);
        g_free(failure->text);
        g_free(failure);
    }
}
