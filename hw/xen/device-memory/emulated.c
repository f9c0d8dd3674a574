/*
 * Device memory: ops on a toolstack and a domain modelled in this process
 *
 * For tests on a machine without Xen:
 *
 *   -device xen-device-memory-emulated,cap=1024 -device e1000
 *
 * What the model does not have: other domains, permissions, and what is
 * recorded across a toolstack's restart.  The real xendm-memoryd is tested by
 * its own unit tests and in the lab.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "device.h"

OBJECT_DECLARE_SIMPLE_TYPE(EmulatedDeviceMemory, XEN_DEVICE_MEMORY_EMULATED)

/* What libxl leaves beyond guest RAM and video memory: 1088 KiB. */
#define EMULATED_SLACK_PAGES 272

typedef enum EmulatedToolstack {
    TOOLSTACK_NONE,         /* nothing is announced */
    TOOLSTACK_GRANT,        /* decides by cap and free host memory */
    TOOLSTACK_SILENT,       /* announced, but does not answer */
    TOOLSTACK_GARBAGE,      /* answers, but not in the protocol's words */
} EmulatedToolstack;

static const char *const toolstack_names[] = {
    [TOOLSTACK_NONE] = "none",
    [TOOLSTACK_GRANT] = "grant",
    [TOOLSTACK_SILENT] = "silent",
    [TOOLSTACK_GARBAGE] = "garbage",
};

struct EmulatedDeviceMemory {
    XenDeviceMemory parent_obj;

    /* the toolstack */
    EmulatedToolstack toolstack;
    uint32_t cap_kib;
    uint32_t free_kib;
    uint32_t delay_ms;
    uint32_t grant_kib;
    uint32_t requests;          /* seen so far */
    char *due_answer;           /* not yet delivered */
    int64_t due;                /* when it is, in microseconds */

    /* xenstore */
    GHashTable *nodes;

    /* Xen */
    uint32_t credit_kib;
    uint32_t slack_pages;
    uint32_t stolen_pages;      /* another program has lowered the limit by */
    GHashTable *p2m;            /* the gfns that have a page */
    uint64_t pages;             /* that Xen counts as the guest's */
    uint64_t mapped;            /* pages */
    bool guest_ram;
    bool restricted;
    uint32_t fail_move;         /* how many of the next ones fail */
    uint32_t fail_release;
    uint32_t fail_map;
};

/* Is this one of the operations that a test wants to fail? */
static bool is_to_fail(uint32_t *count)
{
    if (!*count) {
        return false;
    }
    (*count)--;
    return true;
}

static uint64_t emulated_max_pages(const EmulatedDeviceMemory *emu)
{
    uint64_t pages = emu->slack_pages +
                     emu->credit_kib / DEVICE_MEMORY_PAGE_KIB +
                     emu->grant_kib / DEVICE_MEMORY_PAGE_KIB;

    return pages - MIN(pages, emu->stolen_pages);
}

/* The decision of docs/specs/device-memory.rst, examples 1 to 16. */
static void decide(EmulatedDeviceMemory *emu,
                   const DeviceMemoryRequest *request,
                   DeviceMemoryAnswer *answer)
{
    uint64_t host = (uint64_t)emu->grant_kib + emu->free_kib;
    uint64_t available = MAX(MIN(emu->cap_kib, host), emu->grant_kib);

    *answer = (DeviceMemoryAnswer){
        .id = request->id,
        .granted = request->total_kib <= available,
        .cap_kib = emu->cap_kib,
    };
    if (answer->granted) {
        emu->free_kib = host - request->total_kib;
        emu->grant_kib = request->total_kib;
    } else {
        bool over_cap = request->total_kib > emu->cap_kib;

        answer->available_kib = available;
        g_strlcpy(answer->reason,
                  over_cap ? DEVICE_MEMORY_REASON_CAP
                           : DEVICE_MEMORY_REASON_HOST_MEMORY,
                  sizeof(answer->reason));
    }
    answer->grant_kib = emu->grant_kib;
}

/* The toolstack has seen a request; its answer is delivered when due. */
static void serve(EmulatedDeviceMemory *emu, const char *text)
{
    DeviceMemoryRequest request;
    DeviceMemoryAnswer answer;

    emu->requests++;
    g_clear_pointer(&emu->due_answer, g_free);
    emu->due = g_get_monotonic_time() + (int64_t)emu->delay_ms * 1000;

    switch (emu->toolstack) {
    case TOOLSTACK_GRANT:
        if (device_memory_request_parse(text, &request)) {
            decide(emu, &request, &answer);
            emu->due_answer = device_memory_answer_format(&answer);
        }
        break;
    case TOOLSTACK_GARBAGE:
        emu->due_answer = g_strdup("forty-two");
        break;
    case TOOLSTACK_NONE:
    case TOOLSTACK_SILENT:
        break;
    }
}

static void deliver(EmulatedDeviceMemory *emu)
{
    if (emu->due_answer && g_get_monotonic_time() >= emu->due) {
        g_hash_table_insert(emu->nodes, g_strdup(DEVICE_MEMORY_NODE_ANSWER),
                            g_steal_pointer(&emu->due_answer));
    }
}

static int emulated_read(void *opaque, const char *path, char **value)
{
    EmulatedDeviceMemory *emu = opaque;
    const char *text;

    if (emu->restricted) {
        return -EBADF;
    }
    if (!strcmp(path, DEVICE_MEMORY_PATH_VERSION)) {
        text = emu->toolstack == TOOLSTACK_NONE ? NULL : "1";
    } else {
        deliver(emu);
        text = g_hash_table_lookup(emu->nodes, path);
    }
    if (!text) {
        return -ENOENT;
    }
    *value = g_strdup(text);
    return 0;
}

static int emulated_write(void *opaque, const char *path, const char *value)
{
    EmulatedDeviceMemory *emu = opaque;

    if (emu->restricted) {
        return -EBADF;
    }
    g_hash_table_insert(emu->nodes, g_strdup(path), g_strdup(value));
    if (!strcmp(path, DEVICE_MEMORY_NODE_REQUEST)) {
        serve(emu, value);
    }
    return 0;
}

static int emulated_remove(void *opaque, const char *path)
{
    EmulatedDeviceMemory *emu = opaque;

    g_hash_table_remove(emu->nodes, path);
    return 0;
}

static int64_t emulated_now(void *opaque)
{
    return g_get_monotonic_time();
}

static int emulated_wait(void *opaque, int64_t deadline)
{
    EmulatedDeviceMemory *emu = opaque;
    int64_t until = emu->due_answer ? MIN(emu->due, deadline) : deadline;
    int64_t left = until - g_get_monotonic_time();

    if (left > 0) {
        g_usleep(left);
    }
    return until == deadline ? -ETIMEDOUT : 0;
}

static const DeviceMemoryStoreOps emulated_store_ops = {
    .read = emulated_read,
    .write = emulated_write,
    .remove = emulated_remove,
    .wait = emulated_wait,
    .now = emulated_now,
};

static bool has_page(const EmulatedDeviceMemory *emu, uint64_t gfn)
{
    return g_hash_table_contains(emu->p2m, &gfn);
}

static void put_page(EmulatedDeviceMemory *emu, uint64_t gfn)
{
    g_hash_table_add(emu->p2m, g_memdup2(&gfn, sizeof(gfn)));
}

/*
 * As Xen does: page after page, until the limit is reached.  A page that was
 * at a gfn before is replaced, but stays counted: it is stranded.
 */
static int emulated_populate(void *opaque, uint64_t gfn, uint32_t pages,
                             uint32_t *done)
{
    EmulatedDeviceMemory *emu = opaque;
    uint64_t max_pages = emulated_max_pages(emu);
    uint64_t room = max_pages > emu->pages ? max_pages - emu->pages : 0;

    *done = 0;
    if (emu->restricted) {
        return -EPERM;
    }
    *done = MIN(pages, room);
    emu->pages += *done;
    for (uint32_t i = 0; i < *done; i++) {
        put_page(emu, gfn + i);
    }
    return *done == pages ? 0 : -ENOMEM;
}

static int emulated_release(void *opaque, uint64_t gfn, uint32_t pages)
{
    EmulatedDeviceMemory *emu = opaque;

    if (emu->restricted) {
        return -EPERM;
    }
    if (is_to_fail(&emu->fail_release)) {
        return -EBUSY;
    }
    for (uint32_t i = 0; i < pages; i++) {
        if (!has_page(emu, gfn + i)) {
            return -EBUSY;
        }
    }
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t page = gfn + i;

        g_hash_table_remove(emu->p2m, &page);
    }
    emu->pages -= pages;
    return 0;
}

static int emulated_move(void *opaque, uint64_t from, uint64_t to,
                         uint32_t pages)
{
    EmulatedDeviceMemory *emu = opaque;

    if (is_to_fail(&emu->fail_move)) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t page = from + i;

        if (!has_page(emu, page) || has_page(emu, to + i)) {
            return -EINVAL;
        }
        g_hash_table_remove(emu->p2m, &page);
        put_page(emu, to + i);
    }
    return 0;
}

static int emulated_map(void *opaque, uint64_t gfn, uint32_t pages,
                        void **host)
{
    EmulatedDeviceMemory *emu = opaque;
    void *memory;

    if (is_to_fail(&emu->fail_map)) {
        return -ENOMEM;
    }
    memory = qemu_anon_ram_alloc((size_t)pages << XEN_PAGE_SHIFT, NULL, false,
                                 false);
    if (!memory) {
        return -ENOMEM;
    }
    *host = memory;
    emu->mapped += pages;
    return 0;
}

/*
 * Without Xen, QEMU itself has freed what a block had.  What no block has got
 * stays; tests end soon.
 */
static void emulated_unmap(void *opaque, void *host, uint32_t pages)
{
    EmulatedDeviceMemory *emu = opaque;

    emu->mapped -= pages;
}

static bool emulated_restricted(void *opaque)
{
    EmulatedDeviceMemory *emu = opaque;

    return emu->restricted;
}

static int emulated_limits(void *opaque, uint64_t *max_pages,
                           uint64_t *pages)
{
    EmulatedDeviceMemory *emu = opaque;

    *max_pages = emulated_max_pages(emu);
    *pages = emu->pages;
    return 0;
}

static int emulated_credit(void *opaque, uint32_t *credit_kib)
{
    EmulatedDeviceMemory *emu = opaque;

    *credit_kib = emu->credit_kib;
    return 0;
}

static const DeviceMemoryPageOps emulated_page_ops = {
    .populate = emulated_populate,
    .release = emulated_release,
    .move = emulated_move,
    .map = emulated_map,
    .unmap = emulated_unmap,
    .restricted = emulated_restricted,
    .limits = emulated_limits,
    .credit = emulated_credit,
};

static bool emulated_attach(XenDeviceMemory *dm, Error **errp)
{
    EmulatedDeviceMemory *emu = XEN_DEVICE_MEMORY_EMULATED(dm);

    dm->ops_state = emu;
    emu->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                       g_free);
    emu->p2m = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                     NULL);
    return true;
}

static void emulated_detach(XenDeviceMemory *dm)
{
    EmulatedDeviceMemory *emu = XEN_DEVICE_MEMORY_EMULATED(dm);

    g_clear_pointer(&emu->nodes, g_hash_table_unref);
    g_clear_pointer(&emu->p2m, g_hash_table_unref);
    g_clear_pointer(&emu->due_answer, g_free);
    dm->ops_state = NULL;
}

static bool emulated_accounts_for(const MemoryRegion *mr)
{
    return true;
}

static bool emulated_has_guest_ram(XenDeviceMemory *dm)
{
    return XEN_DEVICE_MEMORY_EMULATED(dm)->guest_ram;
}

static char *get_toolstack(Object *obj, Error **errp)
{
    EmulatedDeviceMemory *emu = XEN_DEVICE_MEMORY_EMULATED(obj);

    return g_strdup(toolstack_names[emu->toolstack]);
}

static bool get_restricted(Object *obj, Error **errp)
{
    return XEN_DEVICE_MEMORY_EMULATED(obj)->restricted;
}

static void set_restricted(Object *obj, bool value, Error **errp)
{
    XEN_DEVICE_MEMORY_EMULATED(obj)->restricted = value;
}

static bool is_answered(EmulatedDeviceMemory *emu, const char *text)
{
    const char *answer_text;
    DeviceMemoryRequest request;
    DeviceMemoryAnswer answer;

    deliver(emu);
    answer_text = g_hash_table_lookup(emu->nodes, DEVICE_MEMORY_NODE_ANSWER);
    return answer_text && device_memory_request_parse(text, &request) &&
           device_memory_answer_parse(answer_text, &answer) &&
           answer.id == request.id;
}

/* As a toolstack that starts: it looks at the request, and is announced. */
static void take_office(EmulatedDeviceMemory *emu)
{
    const char *request = NULL;

    if (emu->nodes) {
        request = g_hash_table_lookup(emu->nodes, DEVICE_MEMORY_NODE_REQUEST);
    }
    if (request && !is_answered(emu, request)) {
        serve(emu, request);
    }
    xen_device_memory_service_changed(XEN_DEVICE_MEMORY(emu));
}

static void set_toolstack(Object *obj, const char *value, Error **errp)
{
    EmulatedDeviceMemory *emu = XEN_DEVICE_MEMORY_EMULATED(obj);

    for (size_t i = 0; i < ARRAY_SIZE(toolstack_names); i++) {
        if (!strcmp(value, toolstack_names[i])) {
            emu->toolstack = i;
            take_office(emu);
            return;
        }
    }
    error_setg(errp, "toolstack '%s' is not one of none, grant, silent, "
               "garbage", value);
}

#define NUMBER(name, field, flags) \
    { name, offsetof(EmulatedDeviceMemory, field), OBJ_PROP_FLAG_##flags }

/* Numbers that a test reads and, most of them, sets while the machine runs. */
static const struct {
    const char *name;
    size_t offset;
    ObjectPropertyFlags flags;
} numbers[] = {
    NUMBER("cap", cap_kib, READWRITE),
    NUMBER("host-free", free_kib, READWRITE),
    NUMBER("delay", delay_ms, READWRITE),
    NUMBER("credit", credit_kib, READWRITE),
    NUMBER("slack", slack_pages, READWRITE),
    NUMBER("stolen", stolen_pages, READWRITE),
    NUMBER("fail-move", fail_move, READWRITE),
    NUMBER("fail-release", fail_release, READWRITE),
    NUMBER("fail-map", fail_map, READWRITE),
    NUMBER("grant", grant_kib, READ),
    NUMBER("requests", requests, READ),
};

static void emulated_init(Object *obj)
{
    EmulatedDeviceMemory *emu = XEN_DEVICE_MEMORY_EMULATED(obj);

    emu->toolstack = TOOLSTACK_GRANT;
    emu->cap_kib = 64 * 1024;
    emu->free_kib = 1024 * 1024;
    emu->slack_pages = EMULATED_SLACK_PAGES;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        object_property_add_uint32_ptr(
            obj, numbers[i].name,
            (uint32_t *)((char *)emu + numbers[i].offset), numbers[i].flags);
    }
    object_property_add_uint64_ptr(obj, "pages", &emu->pages,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "mapped", &emu->mapped,
                                   OBJ_PROP_FLAG_READ);
}

static const Property emulated_properties[] = {
    DEFINE_PROP_BOOL("guest-ram", EmulatedDeviceMemory, guest_ram, true),
};

static void emulated_class_init(ObjectClass *oc, XendmClassData data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    XenDeviceMemoryClass *dmc = XEN_DEVICE_MEMORY_CLASS(oc);

    dc->user_creatable = true;
    dc->desc = "Device memory without Xen, for tests";
    dmc->store_ops = &emulated_store_ops;
    dmc->page_ops = &emulated_page_ops;
    dmc->attach = emulated_attach;
    dmc->detach = emulated_detach;
    dmc->accounts_for = emulated_accounts_for;
    dmc->has_guest_ram = emulated_has_guest_ram;
    device_class_set_props(dc, emulated_properties);
    object_class_property_add_str(oc, "toolstack", get_toolstack,
                                  set_toolstack);
    object_class_property_add_bool(oc, "restricted", get_restricted,
                                   set_restricted);
}

static const TypeInfo emulated_types[] = {
    {
        .name = TYPE_XEN_DEVICE_MEMORY_EMULATED,
        .parent = TYPE_XEN_DEVICE_MEMORY,
        .instance_size = sizeof(EmulatedDeviceMemory),
        .instance_init = emulated_init,
        .class_init = emulated_class_init,
    },
};

DEFINE_TYPES(emulated_types)
