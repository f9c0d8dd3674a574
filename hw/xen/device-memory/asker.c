/*
 * Device memory: how a device model asks and waits
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "hw/xen/device-memory-asker.h"

struct DeviceMemoryAsker {
    const DeviceMemoryStoreOps *ops;
    void *opaque;
    DeviceMemoryRequest request;    /* the last one */
    char *garbage;
    bool closed;
    GPtrArray *published;           /* values of D/blocks/<n>, by n */
};

DeviceMemoryAsker *device_memory_asker_new(const DeviceMemoryStoreOps *ops,
                                           void *opaque, uint32_t id)
{
    DeviceMemoryAsker *asker = g_new0(DeviceMemoryAsker, 1);

    asker->ops = ops;
    asker->opaque = opaque;
    asker->request.id = id;
    asker->published = g_ptr_array_new_with_free_func(g_free);
    return asker;
}

void device_memory_asker_free(DeviceMemoryAsker *asker)
{
    if (asker) {
        g_ptr_array_unref(asker->published);
        g_free(asker->garbage);
        g_free(asker);
    }
}

void device_memory_asker_close(DeviceMemoryAsker *asker)
{
    asker->closed = true;
}

int device_memory_asker_service(DeviceMemoryAsker *asker)
{
    g_autofree char *versions = NULL;
    int ret = asker->ops->read(asker->opaque, DEVICE_MEMORY_PATH_VERSION,
                               &versions);

    if (ret < 0) {
        return ret;
    }
    return device_memory_version_listed(versions, DEVICE_MEMORY_VERSION)
           ? 0 : -EPROTONOSUPPORT;
}

static int write_request(DeviceMemoryAsker *asker, uint32_t total_kib)
{
    g_autofree char *text = NULL;

    if (asker->closed) {
        return -ESHUTDOWN;
    }
    /* 0 is the id of an answer to nobody. */
    asker->request.id = MAX(asker->request.id + 1, 1);
    asker->request.total_kib = total_kib;
    g_clear_pointer(&asker->garbage, g_free);

    text = device_memory_request_format(&asker->request);
    return asker->ops->write(asker->opaque, DEVICE_MEMORY_NODE_REQUEST, text);
}

static void note_garbage(DeviceMemoryAsker *asker, const char *text)
{
    g_free(asker->garbage);
    asker->garbage = g_strndup(text, DEVICE_MEMORY_NAME_MAX);
    for (char *c = asker->garbage; *c; c++) {
        if (!g_ascii_isprint(*c)) {
            *c = '?';
        }
    }
}

/* Is there an answer to the last request?  0, -EAGAIN or a store's error. */
static int read_answer(DeviceMemoryAsker *asker, DeviceMemoryAnswer *answer)
{
    g_autofree char *text = NULL;
    DeviceMemoryAnswer found;
    int ret = asker->ops->read(asker->opaque, DEVICE_MEMORY_NODE_ANSWER,
                               &text);

    if (ret < 0) {
        return ret == -ENOENT ? -EAGAIN : ret;
    }
    if (!device_memory_answer_parse(text, &found)) {
        note_garbage(asker, text);
        return -EAGAIN;
    }
    if (found.id != asker->request.id) {
        return -EAGAIN;
    }
    if (found.granted && found.grant_kib != asker->request.total_kib) {
        note_garbage(asker, text);
        return -EAGAIN;
    }
    *answer = found;
    return 0;
}

int device_memory_asker_ask(DeviceMemoryAsker *asker, uint32_t total_kib,
                            int64_t timeout_us, DeviceMemoryAnswer *answer)
{
    int64_t deadline = asker->ops->now(asker->opaque) + timeout_us;
    int ret = write_request(asker, total_kib);

    while (!ret) {
        int answered;

        ret = asker->ops->wait(asker->opaque, deadline);
        if (ret && ret != -ETIMEDOUT) {
            break;
        }
        /* Look once more at the deadline: the answer may just have come. */
        answered = read_answer(asker, answer);
        if (answered != -EAGAIN) {
            return answered;
        }
    }
    return ret;
}

int device_memory_asker_withdraw(DeviceMemoryAsker *asker, uint32_t total_kib)
{
    return write_request(asker, total_kib);
}

uint32_t device_memory_asker_last_id(const DeviceMemoryAsker *asker)
{
    return asker->request.id;
}

const char *device_memory_asker_garbage(const DeviceMemoryAsker *asker)
{
    return asker->garbage;
}

static char *block_path(unsigned n)
{
    return g_strdup_printf(DEVICE_MEMORY_NODE_BLOCKS "/%u", n);
}

static int publish_block(DeviceMemoryAsker *asker, unsigned n,
                         const DeviceMemoryBlock *block)
{
    g_autofree char *path = block_path(n);
    g_autofree char *text = device_memory_block_format(block->pages,
                                                       block->state,
                                                       block->name);
    int ret;

    if (n == asker->published->len) {
        g_ptr_array_add(asker->published, NULL);
    }
    if (g_strcmp0(g_ptr_array_index(asker->published, n), text) == 0) {
        return 0;
    }
    ret = asker->ops->write(asker->opaque, path, text);
    g_free(g_ptr_array_index(asker->published, n));
    /* What could not be written is not published: the next call tries. */
    g_ptr_array_index(asker->published, n) =
        ret ? NULL : g_steal_pointer(&text);
    return ret;
}

int device_memory_asker_publish(DeviceMemoryAsker *asker,
                                const DeviceMemoryLedger *ledger)
{
    const DeviceMemoryBlock *block;
    unsigned n;
    int result = 0;

    if (asker->closed) {
        return -ESHUTDOWN;
    }
    for (n = 0; (block = device_memory_ledger_get(ledger, n)); n++) {
        int ret = publish_block(asker, n, block);

        result = result ? result : ret;
    }
    while (asker->published->len > n) {
        g_autofree char *path = block_path(asker->published->len - 1);
        int ret = asker->ops->remove(asker->opaque, path);

        g_ptr_array_set_size(asker->published, asker->published->len - 1);
        result = result ? result : ret;
    }
    return result;
}
