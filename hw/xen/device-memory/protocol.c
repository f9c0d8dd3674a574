/*
 * Device memory: the words that device model and toolstack exchange
 *
 * See docs/specs/device-memory.rst.  No QEMU and no Xen headers here: the
 * toolstack's programs and the unit tests are built from this file as well.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "hw/xen/device-memory-protocol.h"

/* More words than any value of the protocol has. */
#define MAX_WORDS 8

typedef struct Word {
    const char *text;
    size_t len;
} Word;

/*
 * Split @text at single spaces.  Two spaces in a row, or one at either end,
 * make an empty word, which no parser below accepts.
 *
 * Returns: how many words, or 0 for a text that is too long or has too many
 */
static size_t split_words(const char *text, Word words[MAX_WORDS])
{
    size_t left = strnlen(text, DEVICE_MEMORY_VALUE_MAX + 1);
    size_t n = 0;

    if (left > DEVICE_MEMORY_VALUE_MAX) {
        return 0;
    }
    while (n < MAX_WORDS) {
        const char *space = memchr(text, ' ', left);
        size_t len = space ? (size_t)(space - text) : left;

        words[n++] = (Word){ .text = text, .len = len };
        if (!space) {
            return n;
        }
        text += len + 1;
        left -= len + 1;
    }
    return 0;
}

static bool word_is(const Word *word, const char *text)
{
    return word->len == strlen(text) && !memcmp(word->text, text, word->len);
}

static bool word_to_u32(const Word *word, uint32_t *value)
{
    uint64_t wide;

    if (!device_memory_parse_number(word->text, word->len, UINT32_MAX,
                                    &wide)) {
        return false;
    }
    *value = wide;
    return true;
}

/* A size in KiB: whole pages. */
static bool word_to_kib(const Word *word, uint32_t *value)
{
    uint32_t kib;

    if (!word_to_u32(word, &kib) || kib % DEVICE_MEMORY_PAGE_KIB) {
        return false;
    }
    *value = kib;
    return true;
}

static bool word_to_reason(const Word *word, char *reason)
{
    if (!word->len || word->len > DEVICE_MEMORY_REASON_MAX) {
        return false;
    }
    for (size_t i = 0; i < word->len; i++) {
        char c = word->text[i];

        if (!g_ascii_islower(c) && !g_ascii_isdigit(c) && c != '-') {
            return false;
        }
    }
    memcpy(reason, word->text, word->len);
    reason[word->len] = '\0';
    return true;
}

bool device_memory_parse_number(const char *text, size_t len, uint64_t max,
                                uint64_t *value)
{
    uint64_t sum = 0;

    if (!len || (len > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint64_t digit;

        if (!g_ascii_isdigit(text[i])) {
            return false;
        }
        digit = text[i] - '0';
        if (digit > max || sum > (max - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

char *device_memory_request_format(const DeviceMemoryRequest *request)
{
    return g_strdup_printf("%u %u", request->id, request->total_kib);
}

bool device_memory_request_parse(const char *text,
                                 DeviceMemoryRequest *request)
{
    Word words[MAX_WORDS];
    size_t n = split_words(text, words);
    DeviceMemoryRequest found = { 0 };

    *request = found;
    if (!n || !word_to_u32(&words[0], &found.id) || !found.id) {
        return false;
    }
    request->id = found.id;
    if (n != 2 || !word_to_kib(&words[1], &found.total_kib)) {
        return false;
    }
    *request = found;
    return true;
}

char *device_memory_answer_format(const DeviceMemoryAnswer *answer)
{
    if (answer->granted) {
        return g_strdup_printf("%u granted %u %u", answer->id,
                               answer->grant_kib, answer->cap_kib);
    }
    return g_strdup_printf("%u refused %u %u %u %s", answer->id,
                           answer->grant_kib, answer->cap_kib,
                           answer->available_kib, answer->reason);
}

bool device_memory_answer_parse(const char *text, DeviceMemoryAnswer *answer)
{
    Word words[MAX_WORDS];
    size_t n = split_words(text, words);
    DeviceMemoryAnswer found = { 0 };

    if (n < 4 || !word_to_u32(&words[0], &found.id) ||
        !word_to_kib(&words[2], &found.grant_kib) ||
        !word_to_kib(&words[3], &found.cap_kib)) {
        return false;
    }
    if (word_is(&words[1], "granted") && n == 4) {
        found.granted = true;
    } else if (!word_is(&words[1], "refused") || n != 6 ||
               !word_to_kib(&words[4], &found.available_kib) ||
               !word_to_reason(&words[5], found.reason)) {
        return false;
    }
    *answer = found;
    return true;
}

char *device_memory_record_format(const DeviceMemoryRecord *record)
{
    return g_strdup_printf("%u %" G_GUINT64_FORMAT " %u %" G_GUINT64_FORMAT,
                           record->grant_kib, record->limit_pages,
                           record->previous_grant_kib,
                           record->previous_limit_pages);
}

static bool word_to_limit(const Word *word, uint64_t *pages)
{
    /* Xen keeps max_pages in 32 bits. */
    return device_memory_parse_number(word->text, word->len, UINT32_MAX,
                                      pages);
}

bool device_memory_record_parse(const char *text, DeviceMemoryRecord *record)
{
    Word words[MAX_WORDS];
    DeviceMemoryRecord found;
    int64_t grown;

    if (split_words(text, words) != 4 ||
        !word_to_kib(&words[0], &found.grant_kib) ||
        !word_to_limit(&words[1], &found.limit_pages) ||
        !word_to_kib(&words[2], &found.previous_grant_kib) ||
        !word_to_limit(&words[3], &found.previous_limit_pages)) {
        return false;
    }
    grown = ((int64_t)found.grant_kib - found.previous_grant_kib) /
            DEVICE_MEMORY_PAGE_KIB;
    if ((int64_t)found.limit_pages !=
        (int64_t)found.previous_limit_pages + grown) {
        return false;
    }
    *record = found;
    return true;
}

uint64_t device_memory_record_recover(const DeviceMemoryRecord *record,
                                      uint64_t limit_pages,
                                      uint32_t *grant_kib)
{
    if (!record) {
        *grant_kib = 0;
        return limit_pages;
    }
    if (limit_pages == record->limit_pages) {
        *grant_kib = record->grant_kib;
        return limit_pages;
    }
    if (limit_pages == record->previous_limit_pages) {
        *grant_kib = record->previous_grant_kib;
        return limit_pages;
    }
    *grant_kib = record->grant_kib;
    return limit_pages + record->grant_kib / DEVICE_MEMORY_PAGE_KIB;
}

static const char *const state_names[] = {
    [DEVICE_MEMORY_WANTED] = "wanted",
    [DEVICE_MEMORY_GRANTED] = "granted",
    [DEVICE_MEMORY_POPULATED] = "populated",
    [DEVICE_MEMORY_RELEASED] = "released",
};

const char *device_memory_block_state_name(DeviceMemoryBlockState state)
{
    return state_names[state];
}

static char *printable_name(const char *name)
{
    char *copy = g_strndup(name, DEVICE_MEMORY_NAME_MAX);

    for (char *c = copy; *c; c++) {
        if (!g_ascii_isprint(*c)) {
            *c = '?';
        }
    }
    return copy;
}

char *device_memory_block_format(uint32_t pages, DeviceMemoryBlockState state,
                                 const char *name)
{
    g_autofree char *shown = printable_name(name);

    return g_strdup_printf("%u %s %s", pages,
                           device_memory_block_state_name(state), shown);
}

static bool word_to_state(const Word *word, DeviceMemoryBlockState *state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++) {
        if (word_is(word, state_names[i])) {
            *state = i;
            return true;
        }
    }
    return false;
}

bool device_memory_block_parse(const char *text, uint32_t *pages,
                               DeviceMemoryBlockState *state, char **name)
{
    const char *first = strchr(text, ' ');
    const char *second = first ? strchr(first + 1, ' ') : NULL;
    Word word;
    uint64_t number;

    if (!second || !second[1] ||
        !device_memory_parse_number(text, first - text,
                                    DEVICE_MEMORY_BLOCK_PAGES_MAX, &number) ||
        !number) {
        return false;
    }
    word = (Word){ .text = first + 1, .len = second - first - 1 };
    if (!word_to_state(&word, state)) {
        return false;
    }
    *pages = number;
    *name = printable_name(second + 1);
    return true;
}

bool device_memory_version_listed(const char *text, unsigned version)
{
    Word words[MAX_WORDS];
    size_t n = text ? split_words(text, words) : 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t number;

        if (word_to_u32(&words[i], &number) && number == version) {
            return true;
        }
    }
    return false;
}
