/*
 * The decisions: what to answer, and whom
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "decide.h"

/* The largest total that would be granted. */
static uint32_t available(const Circumstances *now)
{
    uint64_t most = MIN(now->cap_kib, now->grant_kib + now->free_kib);

    most -= most % DEVICE_MEMORY_PAGE_KIB;
    return MAX(most, now->grant_kib);
}

static DeviceMemoryAnswer refuse(uint32_t id, const Circumstances *now,
                                 const char *reason)
{
    DeviceMemoryAnswer answer = {
        .id = id,
        .grant_kib = now->grant_kib,
        .cap_kib = now->cap_kib,
        .available_kib = available(now),
    };

    g_strlcpy(answer.reason, reason, sizeof(answer.reason));
    return answer;
}

DeviceMemoryAnswer decide_request(const char *request,
                                  const Circumstances *now,
                                  uint32_t *total_kib)
{
    DeviceMemoryRequest asked;

    if (!device_memory_request_parse(request, &asked)) {
        *total_kib = 0;
        return refuse(asked.id, now, DEVICE_MEMORY_REASON_MALFORMED);
    }
    *total_kib = asked.total_kib;
    if (asked.total_kib > available(now)) {
        return refuse(asked.id, now, asked.total_kib > now->cap_kib
                                     ? DEVICE_MEMORY_REASON_CAP
                                     : DEVICE_MEMORY_REASON_HOST_MEMORY);
    }
    return (DeviceMemoryAnswer) {
        .id = asked.id,
        .granted = true,
        .grant_kib = asked.total_kib,
        .cap_kib = now->cap_kib,
    };
}

DeviceMemoryAnswer decide_refusal(const char *request,
                                  const Circumstances *now,
                                  const char *reason)
{
    DeviceMemoryRequest asked;

    /* A request that cannot be read still has an id, if only 0. */
    device_memory_request_parse(request, &asked);
    return refuse(asked.id, now, reason);
}

uint64_t decide_room(const HostMemory *memory)
{
    uint64_t room = memory->free_kib - MIN(memory->free_kib,
                                           memory->reserve_kib);

    return room - MIN(room, memory->promised_kib);
}

uint32_t decide_headroom(uint32_t cap_kib, const HostMemory *memory)
{
    uint64_t room = MIN(decide_room(memory), cap_kib);

    return room - room % DEVICE_MEMORY_PAGE_KIB;
}

uint32_t decide_provisional(uint32_t headroom_kib, uint64_t limit_pages,
                            uint64_t used_pages)
{
    uint64_t headroom_pages = headroom_kib / DEVICE_MEMORY_PAGE_KIB;
    uint64_t base_pages = limit_pages - MIN(limit_pages, headroom_pages);
    uint64_t beyond_pages = used_pages - MIN(used_pages, base_pages);

    return MIN(beyond_pages, headroom_pages) * DEVICE_MEMORY_PAGE_KIB;
}

static bool names_domain(const char *text, uint32_t domid)
{
    uint64_t number;

    return text && device_memory_parse_number(text, strlen(text), UINT32_MAX,
                                              &number) && number == domid;
}

bool decide_may_ask(uint32_t dm, uint32_t domid,
                    const char *device_model_domid, const char *target)
{
    if (!domid || dm == domid) {
        return false;
    }
    return !dm || (names_domain(device_model_domid, dm) &&
                   names_domain(target, domid));
}
