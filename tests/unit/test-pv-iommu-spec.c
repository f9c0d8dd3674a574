/*
 * PV IOMMU: the examples of docs/specs/pv-iommu.rst, by number
 *
 * Each literal of an example is "statement: result".  The statement is done
 * with the client and the model of a hypervisor, and what comes of it must be
 * the result.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pv-iommu-world.h"
#include "spec-examples.h"

#define EXAMPLES_LAST 30

/* One example as it goes on. */
typedef struct Play {
    World *world;
    Device *devices[2];             /* A and B */
    GArray *runs[2];                /* XenPvIommuRun: what they have */
    XenPvIommuRun region;           /* for the host that is to come */
    uint32_t sbdf;
    XenPvIommuFailure failure;
    XenPvIommuHypervisorCounters asked;
    uint64_t last_bfn;              /* where A's last run was */
} Play;

typedef char *Statement(Play *play, char **words, unsigned count);

static GPtrArray *examples;

/* --- words and numbers -------------------------------------------------- */

static char *outcome(int ret)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        { 0, "ok" }, { -EACCES, "EACCES" }, { -EBUSY, "EBUSY" },
        { -EDQUOT, "EDQUOT" }, { -EFAULT, "EFAULT" }, { -EIO, "EIO" },
        { -ENOENT, "ENOENT" }, { -ENOSPC, "ENOSPC" }, { -ENOSYS, "ENOSYS" },
        { -ENOTSUP, "ENOTSUP" }, { -ENXIO, "ENXIO" }, { -ERANGE, "ERANGE" },
        { -ESTALE, "ESTALE" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].error == ret) {
            return g_strdup(names[i].name);
        }
    }
    return g_strdup_printf("%d", ret);
}

static int error_number(const char *name)
{
    g_assert_true(g_str_equal(name, "EIO") || g_str_equal(name, "EFAULT"));
    return g_str_equal(name, "EIO") ? -EIO : -EFAULT;
}

static char *yes(bool is)
{
    return g_strdup(is ? "yes" : "no");
}

static char *number_text(uint64_t number)
{
    return g_strdup_printf("%" PRIu64, number);
}

static uint64_t number(const char *word)
{
    char *end;
    uint64_t value = g_ascii_strtoull(word, &end, 0);

    g_assert_true(end > word && !*end);
    return value;
}

/* "12+4": 4 pages from 12 on */
static XenPvIommuGfns range(const char *word)
{
    g_auto(GStrv) parts = g_strsplit(word, "+", 2);

    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    return (XenPvIommuGfns){ number(parts[0]), number(parts[1]) };
}

static uint64_t frame(const Play *play, const char *gfn)
{
    return xen_pv_iommu_hypervisor_frame(play->world->hypervisor, WORLD_GUEST,
                                         0, number(gfn));
}

/* --- the host ----------------------------------------------------------- */

static XenPvIommuHost host_kind(const char *name)
{
    static const char *const names[] = {
        [XEN_PV_IOMMU_HOST_NONE] = "none",
        [XEN_PV_IOMMU_HOST_DIRECT] = "direct",
        [XEN_PV_IOMMU_HOST_IDENTITY] = "identity",
        [XEN_PV_IOMMU_HOST_MAPPED] = "mapped",
    };
    unsigned i = 0;

    while (strcmp(name, names[i])) {
        i++;
        g_assert_cmpuint(i, <, G_N_ELEMENTS(names));
    }
    return i;
}

static char *do_host(Play *play, char **words, unsigned count)
{
    XenPvIommuCaps caps;
    int ret;

    g_assert_cmpuint(count, ==, 2);
    g_assert_null(play->world);
    play->world = world_new_host(host_kind(words[1]));
    if (play->region.pages) {
        xen_pv_iommu_hypervisor_add_reserved(play->world->hypervisor,
                                             play->region.bfn,
                                             play->region.pages, play->sbdf);
    }
    ret = world_connect(play->world, 0);
    if (ret) {
        return outcome(ret);
    }
    caps = xen_pv_iommu_client_caps(play->world->client);
    if (caps.map) {
        return g_strdup("map and lookup");
    }
    return caps.iommu ? g_strdup_printf("lookup, offset 0x%" PRIx64,
                                        caps.offset)
                      : g_strdup("lookup, no iommu");
}

static char *do_region(Play *play, char **words, unsigned count)
{
    XenPvIommuGfns where = range(words[1]);

    g_assert_cmpuint(count, ==, 4);
    play->region = (XenPvIommuRun){ .bfn = where.gfn, .pages = where.pages };
    play->sbdf = number(words[3]);
    return outcome(0);
}

/* "fail call after 1 EFAULT" */
static char *do_fail(Play *play, char **words, unsigned count)
{
    uint16_t subop = g_str_equal(words[1], "call")
                     ? 0 : XEN_PV_IOMMU_UNMAP_FOREIGN_PAGE;

    g_assert_cmpuint(count, ==, 5);
    xen_pv_iommu_hypervisor_fail(play->world->hypervisor, subop,
                                 number(words[3]), error_number(words[4]));
    return outcome(0);
}

static char *do_others(Play *play, char **words, unsigned count)
{
    (void)words;
    g_assert_cmpuint(count, ==, 5);
    xen_pv_iommu_hypervisor_occupy(play->world->hypervisor, play->last_bfn, 1);
    return outcome(0);
}

static char *do_xen(Play *play, char **words, unsigned count)
{
    XenPvIommuGfns where = range(words[2]);

    g_assert_cmpuint(count, ==, 3);
    return number_text(xen_pv_iommu_client_invalidate(
                           play->world->client, where.gfn, where.pages, 0));
}

/* --- the guest ---------------------------------------------------------- */

static int share(XenPvIommuHypervisor *hypervisor, uint64_t source,
                 uint64_t client)
{
    int ret = xen_pv_iommu_hypervisor_nominate(hypervisor, WORLD_GUEST,
                                               source);

    if (!ret) {
        ret = xen_pv_iommu_hypervisor_nominate(hypervisor, WORLD_GUEST,
                                               client);
    }
    return ret ? ret : xen_pv_iommu_hypervisor_share(hypervisor, WORLD_GUEST,
                                                     source, WORLD_GUEST,
                                                     client);
}

static char *do_guest(Play *play, char **words, unsigned count)
{
    XenPvIommuHypervisor *hypervisor = play->world->hypervisor;
    uint64_t gfn = number(words[2]);
    uint64_t other = count > 3 ? number(words[3]) : 0;

    if (g_str_equal(words[1], "balloon")) {
        return outcome(xen_pv_iommu_hypervisor_balloon(
                           hypervisor, WORLD_GUEST, gfn, 1) == 1 ? 0 : -ENOENT);
    }
    if (g_str_equal(words[1], "populate")) {
        return outcome(xen_pv_iommu_hypervisor_populate(hypervisor,
                                                        WORLD_GUEST, gfn, 1));
    }
    if (g_str_equal(words[1], "remap")) {
        return outcome(xen_pv_iommu_hypervisor_remap(hypervisor, WORLD_GUEST,
                                                     gfn));
    }
    g_assert_cmpuint(count, ==, 4);
    if (g_str_equal(words[1], "alias")) {
        return outcome(xen_pv_iommu_hypervisor_alias(hypervisor, WORLD_GUEST,
                                                     gfn, other));
    }
    if (g_str_equal(words[1], "share")) {
        return outcome(share(hypervisor, gfn, other));
    }
    g_assert_cmpstr(words[1], ==, "view");
    return outcome(xen_pv_iommu_hypervisor_altp2m_remap(
                       hypervisor, WORLD_GUEST, 1, gfn, other));
}

/* --- devices ------------------------------------------------------------ */

static const char *mode_name(const Device *device)
{
    return xen_pv_iommu_client_mode(device->handle) == XEN_PV_IOMMU_MAP
           ? "map" : "lookup";
}

static char *attach(Play *play, unsigned index, char **words, unsigned count)
{
    XenPvIommuDeviceConfig config = device_config();
    XenPvIommuDeviceOps ops = { 0 };
    XenPvIommuDevice *handle;
    int ret;

    config.any_mode = g_str_equal(words[2], "any");
    config.mode = g_str_equal(words[2], "lookup") ? XEN_PV_IOMMU_LOOKUP
                                                  : XEN_PV_IOMMU_MAP;
    for (unsigned i = 3; i < count; i += 2) {
        if (g_str_equal(words[i], "relaxed")) {
            g_assert_true(xen_pv_iommu_rdm_policy_parse(words[i--],
                                                        &config.rdm_policy));
        } else if (g_str_equal(words[i], "mask")) {
            config.dma_mask = number(words[i + 1]);
        } else if (g_str_equal(words[i], "pages")) {
            config.pages_max = number(words[i + 1]);
        } else {
            g_assert_cmpstr(words[i], ==, "quiesce");
            config.quiesce_ms = number(words[i + 1]);
        }
    }
    /* Once to see, as the device of a test must not fail. */
    ret = xen_pv_iommu_client_attach(play->world->client, &config, &ops, NULL,
                                     &handle);
    if (ret) {
        return outcome(ret);
    }
    xen_pv_iommu_client_detach(handle);
    play->devices[index] = device_new(play->world, &config);
    return g_strdup(mode_name(play->devices[index]));
}

/* In lookup mode the BFNs are part of the answer; else they are anybody's. */
static char *runs_text(const Device *device, const GArray *runs)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (xen_pv_iommu_client_mode(device->handle) == XEN_PV_IOMMU_MAP) {
        return outcome(0);
    }
    for (unsigned i = 0; i < runs->len; i++) {
        const XenPvIommuRun *run = run_at(runs, i);

        g_string_append_printf(text, "%s%" PRIu64 "+%" PRIu64 " at 0x%" PRIx64,
                               i ? ", " : "", run->gfn, run->pages, run->bfn);
    }
    return g_strdup(text->str);
}

static char *map(Play *play, unsigned index, const char *word)
{
    Device *device = play->devices[index];
    XenPvIommuGfns gfns = range(word);
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    int ret = xen_pv_iommu_client_map(device->handle, &gfns, 1,
                                      XEN_PV_IOMMU_READ_WRITE, runs,
                                      &play->failure);

    if (ret) {
        g_assert_cmpuint(runs->len, ==, 0);
        return outcome(ret);
    }
    play->last_bfn = run_at(runs, 0)->bfn;
    g_array_append_vals(play->runs[index], runs->data, runs->len);
    return runs_text(device, runs);
}

/* The oldest run that has the page. */
static bool find_page(const Play *play, unsigned index, uint64_t gfn,
                      XenPvIommuRun *page)
{
    for (unsigned i = 0; i < play->runs[index]->len; i++) {
        const XenPvIommuRun *run = run_at(play->runs[index], i);

        if (gfn >= run->gfn && gfn - run->gfn < run->pages) {
            *page = (XenPvIommuRun){ gfn, run->bfn + (gfn - run->gfn), 1 };
            return true;
        }
    }
    return false;
}

/* The oldest run that has the page now is without the pages released. */
static void forget(Play *play, unsigned index, XenPvIommuGfns gfns)
{
    GArray *runs = play->runs[index];
    unsigned i = 0;
    XenPvIommuRun run;
    uint64_t left;

    while (gfns.gfn - run_at(runs, i)->gfn >= run_at(runs, i)->pages) {
        i++;
    }
    run = *run_at(runs, i);
    left = gfns.gfn - run.gfn;
    g_array_remove_index(runs, i);
    if (left + gfns.pages < run.pages) {
        XenPvIommuRun rest = {
            gfns.gfn + gfns.pages, run.bfn + left + gfns.pages,
            run.pages - left - gfns.pages,
        };

        g_array_append_val(runs, rest);
    }
    if (left) {
        run.pages = left;
        g_array_append_val(runs, run);
    }
}

/* What the device does not have, it tries to release all the same. */
static char *release(Play *play, unsigned index, const char *word)
{
    XenPvIommuGfns gfns = range(word);
    XenPvIommuRun run = { .gfn = gfns.gfn };
    int ret;

    find_page(play, index, gfns.gfn, &run);
    run.pages = gfns.pages;
    ret = xen_pv_iommu_client_release(play->devices[index]->handle, &run, 1);
    if (!ret) {
        forget(play, index, gfns);
    }
    return outcome(ret);
}

static char *reaches(Play *play, unsigned index, const char *word)
{
    XenPvIommuHypervisor *hypervisor = play->world->hypervisor;
    XenPvIommuGfns gfns = range(word);

    for (uint64_t gfn = gfns.gfn; gfn < gfns.gfn + gfns.pages; gfn++) {
        XenPvIommuRun page = { .bfn = XEN_PV_IOMMU_NO_FRAME };
        uint64_t mfn;

        g_assert_true(find_page(play, index, gfn, &page));
        if (!xen_pv_iommu_hypervisor_translate(hypervisor, page.bfn,
                                               XEN_PV_IOMMU_WRITE, &mfn) ||
            mfn != xen_pv_iommu_hypervisor_frame(hypervisor, WORLD_GUEST, 0,
                                                 gfn)) {
            return yes(false);
        }
    }
    return yes(true);
}

static char *told(Device *device)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < device->told->len; i++) {
        const XenPvIommuRun *run = run_at(device->told, i);

        g_string_append_printf(text, "%s%" PRIu64 "+%" PRIu64, i ? ", " : "",
                               run->gfn, run->pages);
    }
    g_array_set_size(device->told, 0);
    return g_strdup(text->len ? text->str : "nothing");
}

static char *do_device(Play *play, char **words, unsigned count)
{
    unsigned index = words[0][0] - 'A';

    g_assert_cmpuint(count, >=, 2);
    if (g_str_equal(words[1], "attach")) {
        return attach(play, index, words, count);
    }
    g_assert_nonnull(play->devices[index]);
    if (g_str_equal(words[1], "told")) {
        return told(play->devices[index]);
    }
    if (g_str_equal(words[1], "warned")) {
        return number_text(play->devices[index]->relaxed->len);
    }
    g_assert_cmpuint(count, ==, 3);
    if (g_str_equal(words[1], "map")) {
        return map(play, index, words[2]);
    }
    if (g_str_equal(words[1], "release")) {
        return release(play, index, words[2]);
    }
    g_assert_cmpstr(words[1], ==, "reaches");
    return reaches(play, index, words[2]);
}

/* --- what is to be seen ------------------------------------------------- */

static char *do_held(Play *play, char **words, unsigned count)
{
    (void)words;
    (void)count;
    return number_text(world_held(play->world).references);
}

static char *do_calls(Play *play, char **words, unsigned count)
{
    uint64_t calls = world_held(play->world).calls;
    uint64_t before = play->asked.calls;

    (void)words;
    (void)count;
    play->asked.calls = calls;
    return number_text(calls - before);
}

static char *do_flushes(Play *play, char **words, unsigned count)
{
    uint64_t flushes = world_held(play->world).flushes;
    uint64_t before = play->asked.flushes;

    (void)words;
    (void)count;
    play->asked.flushes = flushes;
    return number_text(flushes - before);
}

static char *do_dead(Play *play, char **words, unsigned count)
{
    (void)words;
    (void)count;
    return number_text(world_count(play->world).table.dead_pages);
}

static char *do_retries(Play *play, char **words, unsigned count)
{
    (void)words;
    (void)count;
    return number_text(world_count(play->world).bfn_retries);
}

static char *do_time(Play *play, char **words, unsigned count)
{
    g_assert_cmpuint(count, ==, 2);
    return number_text(xen_pv_iommu_client_expire(play->world->client,
                                                  number(words[1])));
}

static char *do_free(Play *play, char **words, unsigned count)
{
    g_assert_cmpuint(count, ==, 2);
    return yes(xen_pv_iommu_hypervisor_free_frame(play->world->hypervisor,
                                                  number(words[1])));
}

static char *do_same(Play *play, char **words, unsigned count)
{
    g_assert_cmpuint(count, ==, 4);
    return yes(frame(play, words[2]) == frame(play, words[3]));
}

static char *do_why(Play *play, char **words, unsigned count)
{
    (void)words;
    (void)count;
    g_assert_cmpuint(play->failure.reserved.frames, >, 0);
    return xen_pv_iommu_reserved_describe(&play->failure.reserved);
}

/* --- examples ----------------------------------------------------------- */

static void detach_all(Play *play)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(play->devices); i++) {
        if (play->devices[i]) {
            device_free(play->devices[i]);
            play->devices[i] = NULL;
        }
    }
}

static char *do_end(Play *play, char **words, unsigned count)
{
    detach_all(play);
    xen_pv_iommu_client_free(play->world->client);
    play->world->client = NULL;
    return do_held(play, words, count);
}

static const struct {
    const char *word;
    Statement *func;
} statements[] = {
    { "A", do_device }, { "B", do_device }, { "calls", do_calls },
    { "dead", do_dead }, { "end", do_end }, { "fail", do_fail },
    { "flushes", do_flushes }, { "free", do_free }, { "guest", do_guest },
    { "held", do_held }, { "host", do_host }, { "others", do_others },
    { "region", do_region }, { "retries", do_retries }, { "same", do_same },
    { "time", do_time }, { "why", do_why }, { "xen", do_xen },
};

static void replay_statement(Play *play, const char *literal)
{
    const char *colon = strstr(literal, ": ");
    g_autofree char *statement = NULL;
    g_autofree char *result = NULL;
    g_auto(GStrv) words = NULL;

    g_assert_nonnull(colon);
    statement = g_strndup(literal, colon - literal);
    words = g_strsplit(statement, " ", -1);
    g_test_message("%s", literal);
    for (unsigned i = 0; i < G_N_ELEMENTS(statements); i++) {
        if (g_str_equal(words[0], statements[i].word)) {
            result = statements[i].func(play, words, g_strv_length(words));
        }
    }
    g_assert_cmpstr(result, ==, colon + 2);
    if (play->world && play->world->client) {
        world_check(play->world);
    }
}

static void replay(const SpecExample *example)
{
    Play play = { 0 };

    g_assert_cmpuint(example->literals->len, >=, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(play.runs); i++) {
        play.runs[i] = g_array_new(FALSE, FALSE, sizeof(XenPvIommuRun));
    }
    for (unsigned i = 0; i < example->literals->len; i++) {
        replay_statement(&play, g_ptr_array_index(example->literals, i));
    }
    g_assert_nonnull(play.world);
    detach_all(&play);
    for (unsigned i = 0; i < G_N_ELEMENTS(play.runs); i++) {
        g_array_unref(play.runs[i]);
    }
    world_free(play.world);
}

static void test_example(gconstpointer data)
{
    replay(spec_example_get(examples, GPOINTER_TO_UINT(data)));
}

static void test_count(void)
{
    g_assert_cmpuint(examples->len, ==, EXAMPLES_LAST);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    examples = spec_examples_load(g_getenv("XENDM_SPEC"));
    g_test_add_func("/spec/count", test_count);
    for (unsigned n = 1; n <= EXAMPLES_LAST; n++) {
        g_autofree char *path = g_strdup_printf("/spec/example/%u", n);

        g_test_add_data_func(path, GUINT_TO_POINTER(n), test_example);
    }
    ret = g_test_run();
    g_ptr_array_unref(examples);
    return ret;
}
