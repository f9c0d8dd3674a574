/*
 * Device memory: the words that device model and toolstack exchange
 *
 * Concepts
 * - A request carries an id and a total in KiB; never a difference.
 * - An answer names the id that it answers and is a grant or a refusal.
 * - A record is the toolstack's own note of a grant, written before max_pages
 *   is changed, so that a crash between the two can be told apart.
 * - Every parser here takes untrusted text, accepts exactly one spelling of
 *   each value, and changes its output only on success.
 *
 * The contract is docs/specs/device-memory.rst.  This file needs GLib only;
 * both QEMU and the toolstack's programs are built from it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_DEVICE_MEMORY_PROTOCOL_H
#define HW_XEN_DEVICE_MEMORY_PROTOCOL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The version of docs/specs/device-memory.rst that is spoken here. */
#define DEVICE_MEMORY_VERSION 1

/* A page, the unit of grants, in KiB.  Xen's page is 4 KiB on every x86. */
#define DEVICE_MEMORY_PAGE_KIB 4

/* The largest total that a request can name, in KiB. */
#define DEVICE_MEMORY_TOTAL_MAX (UINT32_MAX - (DEVICE_MEMORY_PAGE_KIB - 1))

/* Longest value that a parser looks at, in bytes without the final NUL. */
#define DEVICE_MEMORY_VALUE_MAX 256

/* Longest reason word, in bytes. */
#define DEVICE_MEMORY_REASON_MAX 32

/* Longest block name, in bytes; most blocks that one device model publishes. */
#define DEVICE_MEMORY_NAME_MAX 128
#define DEVICE_MEMORY_BLOCKS_MAX 1024

/* Most pages in one block: 4 TiB. */
#define DEVICE_MEMORY_BLOCK_PAGES_MAX ((1u << 30) - 1)

/* Nodes.  The first two are absolute, the others relative to the node D. */
#define DEVICE_MEMORY_PATH_VERSION "/tool/device-memory/version"
#define DEVICE_MEMORY_PATH_DOMID   "/tool/device-memory/domid"
#define DEVICE_MEMORY_NODE_REQUEST "request"
#define DEVICE_MEMORY_NODE_ANSWER  "answer"
#define DEVICE_MEMORY_NODE_BLOCKS  "blocks"

/* Reasons for a refusal; a peer may know others. */
#define DEVICE_MEMORY_REASON_CAP         "cap"
#define DEVICE_MEMORY_REASON_HOST_MEMORY "host-memory"
#define DEVICE_MEMORY_REASON_MALFORMED   "malformed"
#define DEVICE_MEMORY_REASON_NOT_ALLOWED "not-allowed"
#define DEVICE_MEMORY_REASON_BUSY        "busy"
#define DEVICE_MEMORY_REASON_INTERNAL    "internal"

typedef struct DeviceMemoryRequest {
    uint32_t id;            /* 1 .. UINT32_MAX */
    uint32_t total_kib;     /* multiple of DEVICE_MEMORY_PAGE_KIB */
} DeviceMemoryRequest;

typedef struct DeviceMemoryAnswer {
    uint32_t id;            /* 0 when the request's id could not be read */
    bool granted;
    uint32_t grant_kib;     /* what holds now */
    uint32_t cap_kib;
    uint32_t available_kib; /* largest total on offer; 0 if granted */
    char reason[DEVICE_MEMORY_REASON_MAX + 1];  /* "" if granted */
} DeviceMemoryAnswer;

/* limits are max_pages, in pages; grants are in KiB */
typedef struct DeviceMemoryRecord {
    uint32_t grant_kib;
    uint64_t limit_pages;
    uint32_t previous_grant_kib;
    uint64_t previous_limit_pages;
} DeviceMemoryRecord;

typedef enum DeviceMemoryBlockState {
    DEVICE_MEMORY_WANTED,       /* declared, not yet granted */
    DEVICE_MEMORY_GRANTED,      /* may be populated */
    DEVICE_MEMORY_POPULATED,    /* Xen has given the pages */
    DEVICE_MEMORY_RELEASED,     /* given back, about to be forgotten */
} DeviceMemoryBlockState;

/**
 * device_memory_block_state_name: the protocol's word for a state
 * @state: the state
 *
 * Returns: a static string, e.g. "populated"
 */
const char *device_memory_block_state_name(DeviceMemoryBlockState state);

/**
 * device_memory_parse_number: read one decimal number, in its only spelling
 * @text: digits, without sign, blank or leading zero; need not end in NUL
 * @len: how many bytes of @text are the number
 * @max: largest value that is accepted
 * @value: where the number goes
 *
 * Returns: true and *@value, or false when @text is anything else
 */
bool device_memory_parse_number(const char *text, size_t len, uint64_t max,
                                uint64_t *value);

/**
 * device_memory_request_format: a request as it stands in xenstore
 * @request: what to write
 *
 * Returns: a new string, owned by the caller
 */
char *device_memory_request_format(const DeviceMemoryRequest *request);

/**
 * device_memory_request_parse: read a request
 * @text: the node's value, NUL-terminated
 * @request: filled in on success; on failure @request->id is the id, if that
 *           much could be read, or 0, and @request->total_kib is 0
 *
 * Returns: whether @text is a request
 */
bool device_memory_request_parse(const char *text,
                                 DeviceMemoryRequest *request);

/**
 * device_memory_answer_format: an answer as it stands in xenstore
 * @answer: what to write
 *
 * Returns: a new string, owned by the caller
 */
char *device_memory_answer_format(const DeviceMemoryAnswer *answer);

/**
 * device_memory_answer_parse: read an answer
 * @text: the node's value, NUL-terminated
 * @answer: filled in on success, untouched on failure
 *
 * Returns: whether @text is an answer
 */
bool device_memory_answer_parse(const char *text, DeviceMemoryAnswer *answer);

/**
 * device_memory_record_format: a record as it stands in xenstore
 * @record: what to write
 *
 * Returns: a new string, owned by the caller
 */
char *device_memory_record_format(const DeviceMemoryRecord *record);

/**
 * device_memory_record_parse: read a record
 * @text: the node's value, NUL-terminated
 * @record: filled in on success, untouched on failure
 *
 * Returns: whether @text is a record whose differences agree: limit less
 * previous limit is the grant less the previous grant, in pages
 */
bool device_memory_record_parse(const char *text, DeviceMemoryRecord *record);

/**
 * device_memory_record_recover: what a record says after a restart
 * @record: the record found, or NULL when there is none
 * @limit_pages: max_pages as Xen has it now
 * @grant_kib: set to the grant that holds
 *
 * Returns: what max_pages must be, in pages; differs from @limit_pages only
 * when another program has set the limit without knowing of the grant
 */
uint64_t device_memory_record_recover(const DeviceMemoryRecord *record,
                                      uint64_t limit_pages,
                                      uint32_t *grant_kib);

/**
 * device_memory_block_format: a block as it is published
 * @pages: its size, 1 .. DEVICE_MEMORY_BLOCK_PAGES_MAX
 * @state: its state
 * @name: its name; cut at DEVICE_MEMORY_NAME_MAX, and what is not printable
 *        ASCII becomes '?'
 *
 * Returns: a new string, owned by the caller
 */
char *device_memory_block_format(uint32_t pages, DeviceMemoryBlockState state,
                                 const char *name);

/**
 * device_memory_block_parse: read a published block
 * @text: the node's value, NUL-terminated
 * @pages: set to the size in pages
 * @state: set to the state
 * @name: set to a new string, owned by the caller, made printable as above
 *
 * Returns: whether @text is a block; nothing is set if it is not
 */
bool device_memory_block_parse(const char *text, uint32_t *pages,
                               DeviceMemoryBlockState *state, char **name);

/**
 * device_memory_version_listed: is a version among those announced?
 * @text: the value of the version node, or NULL
 * @version: the version to look for
 */
bool device_memory_version_listed(const char *text, unsigned version);

#endif /* HW_XEN_DEVICE_MEMORY_PROTOCOL_H */
