/*
 * PV IOMMU: a host modelled in this process
 *
 * For tests on a machine without Xen:
 *
 *   -device xen-pv-iommu-emulated,id=iommu,host=mapped
 *   -device xen-copy-engine,engine=emulated,pv-iommu=on
 *
 * The machine's memory is the guest's.  A test makes the guest balloon, and so
 * on, by writing a sentence to the property "do"; docs/devel/pv-iommu.rst lists
 * them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/cutils.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "hw/xen/pv-iommu-hooks.h"
#include "hw/xen/pv-iommu-hypervisor.h"
#include "system/xen.h"
#include "emulated.h"
#include "iommu.h"

OBJECT_DECLARE_SIMPLE_TYPE(EmulatedIommu, XEN_PV_IOMMU_EMULATED)

/* Any ids would do. */
#define EMULATED_DOMID 1
#define EMULATED_IOSERVER 3

/* The host's frames beyond the guest's. */
#define EMULATED_SPARE_FRAMES 4096

#define WORDS_MAX 4

static const char *const host_names[] = {
    [XEN_PV_IOMMU_HOST_NONE] = "none",
    [XEN_PV_IOMMU_HOST_DIRECT] = "direct",
    [XEN_PV_IOMMU_HOST_IDENTITY] = "identity",
    [XEN_PV_IOMMU_HOST_MAPPED] = "mapped",
};

/* An ioreq that Xen has sent and QEMU has not read. */
typedef struct EmulatedIoreq {
    unsigned type;
    unsigned size;
    uint64_t data;
} EmulatedIoreq;

struct EmulatedIommu {
    XenPvIommu parent_obj;

    XenPvIommuHost host;
    uint32_t spare_frames;
    uint64_t offset;
    bool scatter;
    char *reserved;             /* as the option has it */

    XenPvIommuHypervisor *model;
    GHashTable *lost;           /* frame -> contents, when no gfn has it */
    GArray *ioreqs;             /* EmulatedIoreq */
    bool ring_full;
    bool hold;
    NotifierList waiting;       /* bus masters, for the end of hold */
};

static EmulatedIommu *emulated(void)
{
    return (EmulatedIommu *)object_dynamic_cast(
        OBJECT(pv_iommu_find()), TYPE_XEN_PV_IOMMU_EMULATED);
}

/* --- memory, as the bus sees it --- */

/* The guest's memory, while the guest has the frame where it was populated. */
static bool frame_address(const EmulatedIommu *emu, uint64_t frame,
                          hwaddr *gpa)
{
    uint16_t domid;
    uint64_t gfn;

    if (!xen_pv_iommu_hypervisor_home(emu->model, frame, &domid, &gfn) ||
        xen_pv_iommu_hypervisor_frame(emu->model, domid, 0, gfn) != frame) {
        return false;
    }
    *gpa = gfn << PV_IOMMU_PAGE_SHIFT;
    return true;
}

static uint8_t *lost_frame(EmulatedIommu *emu, uint64_t frame)
{
    uint8_t *contents = g_hash_table_lookup(emu->lost, &frame);

    if (!contents) {
        contents = g_malloc0(PV_IOMMU_PAGE_SIZE);
        g_hash_table_insert(emu->lost, g_memdup2(&frame, sizeof(frame)),
                            contents);
    }
    return contents;
}

/* As hardware does it: behind QEMU's back, so that nothing is marked dirty. */
static bool access_guest(hwaddr gpa, void *buffer, unsigned length, bool write)
{
    MemoryRegionSection section = memory_region_find(get_system_memory(), gpa,
                                                     length);
    uint8_t *host;

    if (!section.mr) {
        return false;
    }
    host = memory_region_is_ram(section.mr)
           ? memory_region_get_ram_ptr(section.mr) : NULL;
    if (host) {
        host += section.offset_within_region;
        memcpy(write ? host : buffer, write ? buffer : host, length);
    }
    memory_region_unref(section.mr);
    return host;
}

bool pv_iommu_emulated_exists(void)
{
    return emulated();
}

bool pv_iommu_emulated_holds(void)
{
    EmulatedIommu *emu = emulated();

    return emu && emu->hold;
}

void pv_iommu_emulated_wait(Notifier *notifier)
{
    notifier_list_add(&emulated()->waiting, notifier);
}

bool pv_iommu_emulated_access(uint64_t address, void *buffer, unsigned length,
                              bool write)
{
    EmulatedIommu *emu = emulated();
    unsigned in_page = address & (PV_IOMMU_PAGE_SIZE - 1);
    uint64_t frame;
    uint8_t *contents;
    hwaddr gpa;

    if (!emu || !xen_pv_iommu_hypervisor_translate(
            emu->model, address >> PV_IOMMU_PAGE_SHIFT,
            write ? XEN_PV_IOMMU_WRITE : XEN_PV_IOMMU_READ, &frame)) {
        return false;
    }
    if (frame_address(emu, frame, &gpa)) {
        return access_guest(gpa + in_page, buffer, length, write);
    }
    contents = lost_frame(emu, frame) + in_page;
    memcpy(write ? contents : buffer, write ? buffer : contents, length);
    return true;
}

/* --- ioreqs --- */

static bool send_ioreq(unsigned type, unsigned size, uint64_t data,
                       bool buffered, void *opaque)
{
    EmulatedIommu *emu = opaque;
    EmulatedIoreq ioreq = { .type = type, .size = size, .data = data };

    if (buffered && emu->ring_full) {
        return false;
    }
    g_array_append_val(emu->ioreqs, ioreq);
    return true;
}

/* As QEMU's main loop does some time later. */
static void read_ioreqs(EmulatedIommu *emu)
{
    while (emu->ioreqs->len) {
        EmulatedIoreq ioreq = g_array_index(emu->ioreqs, EmulatedIoreq, 0);

        g_array_remove_index(emu->ioreqs, 0);
        xen_pv_iommu_ioreq(ioreq.type, ioreq.size, ioreq.data);
    }
}

/* --- sentences --- */

static int do_populate(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_hypervisor_populate(emu->model, EMULATED_DOMID,
                                            words[0], words[1]);
}

/* A frame that is still mapped keeps what it holds. */
static void save_frames(EmulatedIommu *emu, uint64_t gfn, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t frame = xen_pv_iommu_hypervisor_frame(
            emu->model, EMULATED_DOMID, 0, gfn + i);

        if (frame != XEN_PV_IOMMU_NO_FRAME) {
            access_guest((gfn + i) << PV_IOMMU_PAGE_SHIFT,
                         lost_frame(emu, frame), PV_IOMMU_PAGE_SIZE, false);
        }
    }
}

static int do_balloon(EmulatedIommu *emu, const uint64_t *words)
{
    uint64_t gone;

    save_frames(emu, words[0], words[1]);
    gone = xen_pv_iommu_hypervisor_balloon(emu->model, EMULATED_DOMID,
                                           words[0], words[1]);
    return gone == words[1] ? 0 : -ENOENT;
}

static int do_remap(EmulatedIommu *emu, const uint64_t *words)
{
    save_frames(emu, words[0], 1);
    return xen_pv_iommu_hypervisor_remap(emu->model, EMULATED_DOMID, words[0]);
}

static int do_alias(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_hypervisor_alias(emu->model, EMULATED_DOMID, words[0],
                                         words[1]);
}

static int do_nominate(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_hypervisor_nominate(emu->model, EMULATED_DOMID,
                                            words[0]);
}

static int do_share(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_hypervisor_share(emu->model, EMULATED_DOMID, words[0],
                                         EMULATED_DOMID, words[1]);
}

static int do_unshare(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_hypervisor_unshare(emu->model, EMULATED_DOMID,
                                           words[0]);
}

static int do_altp2m(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_hypervisor_altp2m_remap(emu->model, EMULATED_DOMID,
                                                words[0], words[1], words[2]);
}

static int do_fail(EmulatedIommu *emu, const uint64_t *words)
{
    xen_pv_iommu_hypervisor_fail(emu->model, words[0], words[1],
                                 -(int)words[2]);
    return 0;
}

static int do_occupy(EmulatedIommu *emu, const uint64_t *words)
{
    xen_pv_iommu_hypervisor_occupy(emu->model, words[0], words[1]);
    return 0;
}

static int do_notify(EmulatedIommu *emu, const uint64_t *words)
{
    xen_pv_iommu_hypervisor_set_ioreq(emu->model, words[0], words[1]);
    return 0;
}

/* Xen, or somebody who can write to its page, says anything. */
static int do_ioreq(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_ioreq(words[0], words[1], words[2]) ? 0 : -ENOTSUP;
}

static void *ioreq_thread(void *opaque)
{
    xen_pv_iommu_ioreq(XEN_PV_IOMMU_IOREQ_INVAL_BFN, 8, 0);
    return NULL;
}

/* What nobody may do: come from another thread.  Ends the process. */
static int do_thread(EmulatedIommu *emu, const uint64_t *words)
{
    QemuThread thread;

    qemu_thread_create(&thread, "ioreq", ioreq_thread, NULL,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    return 0;
}

static int do_destroy(EmulatedIommu *emu, const uint64_t *words)
{
    return xen_pv_iommu_hypervisor_remove_domain(emu->model, EMULATED_DOMID);
}

static const struct {
    const char *verb;
    unsigned words;
    int (*function)(EmulatedIommu *emu, const uint64_t *words);
} sentences[] = {
    { "populate", 2, do_populate },     /* gfn, pages */
    { "balloon", 2, do_balloon },       /* gfn, pages */
    { "remap", 1, do_remap },           /* gfn */
    { "alias", 2, do_alias },           /* gfn, alias */
    { "nominate", 1, do_nominate },     /* gfn */
    { "share", 2, do_share },           /* gfn, client gfn */
    { "unshare", 1, do_unshare },       /* gfn */
    { "altp2m", 3, do_altp2m },         /* view, gfn, from */
    { "fail", 3, do_fail },             /* subop, after, errno */
    { "occupy", 2, do_occupy },         /* bfn, pages */
    { "notify", 2, do_notify },         /* type, size */
    { "ioreq", 3, do_ioreq },           /* type, size, data */
    { "thread", 0, do_thread },
    { "destroy", 0, do_destroy },
};

static bool parse_words(char **parts, unsigned count, uint64_t *words)
{
    for (unsigned i = 0; i < count; i++) {
        if (!parts[i] || parse_uint_full(parts[i], 0, &words[i])) {
            return false;
        }
    }
    return !parts[count];
}

static void set_do(Object *obj, const char *value, Error **errp)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(obj);
    g_auto(GStrv) parts = g_strsplit(value, " ", -1);
    uint64_t words[WORDS_MAX];
    int ret;

    if (!emu->model) {
        error_setg(errp, "there is no host yet");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
        if (g_strcmp0(parts[0], sentences[i].verb) ||
            !parse_words(parts + 1, sentences[i].words, words)) {
            continue;
        }
        ret = sentences[i].function(emu, words);
        if (ret) {
            error_setg_errno(errp, -ret, "%s", value);
        }
        read_ioreqs(emu);
        return;
    }
    error_setg(errp, "'%s' is no sentence that this host knows", value);
}

/* --- the host --- */

/* "START+FRAMES@SBDF", several separated by a slash; numbers as in C. */
static bool parse_reserved(EmulatedIommu *emu, Error **errp)
{
    g_auto(GStrv) regions = g_strsplit(emu->reserved ? emu->reserved : "",
                                       "/", -1);

    for (char **region = regions; *region; region++) {
        g_auto(GStrv) parts = g_strsplit_set(*region, "+@", -1);
        uint64_t words[3];

        if (!parse_words(parts, 3, words) || !words[1]) {
            error_setg(errp, "reserved='%s' is not START+FRAMES@SBDF[/...]",
                       emu->reserved);
            return false;
        }
        xen_pv_iommu_hypervisor_add_reserved(emu->model, words[0], words[1],
                                             words[2]);
    }
    return true;
}

typedef struct GuestMemory {
    EmulatedIommu *emu;             /* NULL: count only */
    uint64_t pages;
    int ret;
} GuestMemory;

static bool guest_range(Int128 start, Int128 length, const MemoryRegion *mr,
                        hwaddr offset, void *opaque)
{
    GuestMemory *memory = opaque;
    MemoryRegion *region = (MemoryRegion *)mr;
    uint64_t gfn = int128_get64(start) >> PV_IOMMU_PAGE_SHIFT;
    uint64_t pages;

    if (!memory_region_is_ram(region) || memory_region_is_rom(region)) {
        return false;
    }
    pages = int128_get64(length) >> PV_IOMMU_PAGE_SHIFT;
    memory->pages += pages;
    if (memory->emu) {
        memory->ret = xen_pv_iommu_hypervisor_populate(
            memory->emu->model, EMULATED_DOMID, gfn, pages);
    }
    return memory->ret;
}

static GuestMemory each_guest_range(EmulatedIommu *emu)
{
    GuestMemory memory = { .emu = emu };

    RCU_READ_LOCK_GUARD();
    flatview_for_each_range(address_space_to_flatview(&address_space_memory),
                            guest_range, &memory);
    return memory;
}

static bool make_model(EmulatedIommu *emu, Error **errp)
{
    uint64_t pages = each_guest_range(NULL).pages;
    int ret;

    emu->model = xen_pv_iommu_hypervisor_new(emu->host,
                                             pages + emu->spare_frames,
                                             emu->offset);
    xen_pv_iommu_hypervisor_set_scatter(emu->model, emu->scatter);
    ret = xen_pv_iommu_hypervisor_add_domain(emu->model, EMULATED_DOMID);
    ret = ret ?: xen_pv_iommu_hypervisor_add_ioserver(
        emu->model, EMULATED_DOMID, EMULATED_IOSERVER, send_ioreq, emu);
    ret = ret ?: each_guest_range(emu).ret;
    if (ret) {
        error_setg_errno(errp, -ret, "cannot make the host");
    }
    return !ret && parse_reserved(emu, errp);
}

static void emulated_detach(XenPvIommu *iommu)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(iommu);

    g_clear_pointer(&emu->model, xen_pv_iommu_hypervisor_free);
    g_clear_pointer(&emu->lost, g_hash_table_unref);
    g_clear_pointer(&emu->ioreqs, g_array_unref);
}

static bool emulated_attach(XenPvIommu *iommu, Error **errp)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(iommu);

    if (xen_enabled()) {
        error_setg(errp, "a host that is emulated is for tests without Xen; "
                   "on Xen, devices find the real one without this device");
        return false;
    }
    emu->lost = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                      g_free);
    emu->ioreqs = g_array_new(false, false, sizeof(EmulatedIoreq));
    if (!make_model(emu, errp)) {
        emulated_detach(iommu);
        return false;
    }
    iommu->ops = &xen_pv_iommu_hypervisor_ops;
    iommu->hypervisor = emu->model;
    iommu->config = (XenPvIommuClientConfig){
        .domid = EMULATED_DOMID,
        .ioserver = EMULATED_IOSERVER,
    };
    return true;
}

/* --- properties --- */

static char *get_host(Object *obj, Error **errp)
{
    return g_strdup(host_names[XEN_PV_IOMMU_EMULATED(obj)->host]);
}

static void set_host(Object *obj, const char *value, Error **errp)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(obj);

    for (size_t i = 0; i < ARRAY_SIZE(host_names); i++) {
        if (!strcmp(value, host_names[i])) {
            emu->host = i;
            return;
        }
    }
    error_setg(errp, "host='%s' is not one of none, direct, identity, mapped",
               value);
}

static char *get_check(Object *obj, Error **errp)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(obj);
    char *wrong = emu->model ? xen_pv_iommu_hypervisor_check(emu->model)
                             : NULL;

    return wrong ? wrong : g_strdup("sound");
}

static bool get_ring_full(Object *obj, Error **errp)
{
    return XEN_PV_IOMMU_EMULATED(obj)->ring_full;
}

static void set_ring_full(Object *obj, bool value, Error **errp)
{
    XEN_PV_IOMMU_EMULATED(obj)->ring_full = value;
}

static bool get_hold(Object *obj, Error **errp)
{
    return XEN_PV_IOMMU_EMULATED(obj)->hold;
}

static void set_hold(Object *obj, bool value, Error **errp)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(obj);

    emu->hold = value;
    if (!value) {
        notifier_list_notify(&emu->waiting, NULL);
    }
}

static const struct {
    const char *name;
    size_t offset;
} host_numbers[] = {
    { "host-calls", offsetof(XenPvIommuHypervisorCounters, calls) },
    { "host-operations", offsetof(XenPvIommuHypervisorCounters, operations) },
    { "host-flushes", offsetof(XenPvIommuHypervisorCounters, flushes) },
    { "host-references", offsetof(XenPvIommuHypervisorCounters, references) },
    { "host-mapped", offsetof(XenPvIommuHypervisorCounters, mapped) },
    { "host-freed", offsetof(XenPvIommuHypervisorCounters, freed) },
    { "host-invalidations",
      offsetof(XenPvIommuHypervisorCounters, invalidations) },
};

static void get_host_number(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(obj);
    XenPvIommuHypervisorCounters counters = { 0 };
    uint64_t value;

    if (emu->model) {
        counters = xen_pv_iommu_hypervisor_counters(emu->model);
    }
    value = *(uint64_t *)((char *)&counters + (uintptr_t)opaque);
    visit_type_uint64(v, name, &value, errp);
}

static const Property properties[] = {
    DEFINE_PROP_UINT32("spare-frames", EmulatedIommu, spare_frames,
                       EMULATED_SPARE_FRAMES),
    DEFINE_PROP_UINT64("offset", EmulatedIommu, offset, 0),
    DEFINE_PROP_BOOL("scatter", EmulatedIommu, scatter, false),
    DEFINE_PROP_STRING("reserved", EmulatedIommu, reserved),
};

static void emulated_init(Object *obj)
{
    EmulatedIommu *emu = XEN_PV_IOMMU_EMULATED(obj);

    emu->host = XEN_PV_IOMMU_HOST_MAPPED;
    notifier_list_init(&emu->waiting);
}

static void emulated_class_init(ObjectClass *oc, XendmClassData data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    XenPvIommuClass *class = XEN_PV_IOMMU_CLASS(oc);

    dc->user_creatable = true;
    dc->desc = "PV IOMMU without Xen, for tests";
    device_class_set_props(dc, properties);
    /* So that a test decides when a deadline passes. */
    class->clock = QEMU_CLOCK_VIRTUAL;
    class->attach = emulated_attach;
    class->detach = emulated_detach;
    object_class_property_add_str(oc, "host", get_host, set_host);
    object_class_property_add_str(oc, "do", NULL, set_do);
    object_class_property_add_str(oc, "check", get_check, NULL);
    object_class_property_add_bool(oc, "ring-full", get_ring_full,
                                   set_ring_full);
    object_class_property_add_bool(oc, "hold", get_hold, set_hold);
    for (size_t i = 0; i < ARRAY_SIZE(host_numbers); i++) {
        object_class_property_add(oc, host_numbers[i].name, "uint64",
                                  get_host_number, NULL, NULL,
                                  (void *)host_numbers[i].offset);
    }
}

static const TypeInfo emulated_types[] = {
    {
        .name = TYPE_XEN_PV_IOMMU_EMULATED,
        .parent = TYPE_XEN_PV_IOMMU,
        .instance_size = sizeof(EmulatedIommu),
        .instance_init = emulated_init,
        .class_init = emulated_class_init,
    },
};

DEFINE_TYPES(emulated_types)
