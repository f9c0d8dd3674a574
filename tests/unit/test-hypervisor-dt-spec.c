/*
 * Hypervisor node: the examples of docs/specs/hypervisor-dt.rst, by number
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "hw/xen/hypervisor-dt-fixup.h"
#include "spec-examples.h"

/* The examples that each test replays: first and last number. */
#define REGIONS_FIRST 1
#define REGIONS_LAST 17
#define REFUSALS_FIRST 18
#define REFUSALS_LAST 28
#define PROPERTIES_FIRST 29
#define PROPERTIES_LAST 38
#define FIXUPS_FIRST 39
#define FIXUPS_LAST 54

#define MIB (UINT64_C(1) << 20)
#define EDIT_SIZE 65536
#define LIST_MAX 8

static GPtrArray *examples;

/* What the words of an example describe. */
typedef struct Story {
    HypervisorDtGuest guest;
    HypervisorDtSlot slots[LIST_MAX];
    HypervisorDtWindow exclusions[LIST_MAX];
    uint64_t ram_mib;
    GPtrArray *edits;       /* char **, the words of set, add, delete */
    char *node;             /* that is asked for, or NULL */
    char *property;
} Story;

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = g_ascii_strtoull(text, &end, 0);

    if (end == text || *end) {
        g_error("'%s' is no number", text);
    }
    return value;
}

/* "base+size" */
static HypervisorDtWindow window(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "+", 2);

    g_assert_nonnull(parts[1]);
    return (HypervisorDtWindow) { number(parts[0]), number(parts[1]) };
}

static void tell_slot(Story *story, char **words)
{
    size_t n = story->guest.devices.slots_number++;

    g_assert_cmpuint(n, <, LIST_MAX);
    story->slots[n] = (HypervisorDtSlot) {
        number(words[1]), HYPERVISOR_DT_VIRTIO_MMIO_SLOT_SIZE,
        number(words[2])
    };
    story->guest.devices.slots = story->slots;
}

static void tell_pci(Story *story, char **words)
{
    story->guest.devices.pcie = (HypervisorDtPcie) {
        .ecam = window(words[1]),
        .mmio = window(words[2]),
        .mmio_high = window(words[3]),
        .irq = number(words[4]),
    };
}

static void tell_exclude(Story *story, char **words)
{
    size_t n = story->guest.regions.exclusions_number++;

    g_assert_cmpuint(n, <, LIST_MAX);
    story->exclusions[n] = window(words[1]);
    story->guest.regions.exclusions = story->exclusions;
}

static void tell_xen(Story *story, char **words)
{
    g_assert_cmpint(sscanf(words[1], "%u.%u", &story->guest.xen_major,
                           &story->guest.xen_minor), ==, 2);
}

static void tell_edit(Story *story, char **words)
{
    g_ptr_array_add(story->edits, g_strdupv(words));
}

/* One word, one number. */
static bool tell_number(Story *story, char **words)
{
    if (!strcmp(words[0], "ram")) {
        story->ram_mib = number(words[1]);
    } else if (!strcmp(words[0], "bits")) {
        story->guest.address_bits = number(words[1]);
    } else if (!strcmp(words[0], "maximum")) {
        story->guest.regions.maximum = number(words[1]);
    } else if (!strcmp(words[0], "gic")) {
        story->guest.gic = number(words[1]);
    } else if (!strcmp(words[0], "cpus")) {
        story->guest.cpus = number(words[1]);
    } else if (!strcmp(words[0], "tpm")) {
        story->guest.devices.tpm_base = number(words[1]);
    } else {
        return false;
    }
    return true;
}

static void tell(Story *story, const char *literal)
{
    static const struct {
        const char *word;
        unsigned words;     /* at least */
        void (*function)(Story *story, char **words);
    } verbs[] = {
        { "slot", 3, tell_slot },
        { "pci", 5, tell_pci },
        { "exclude", 2, tell_exclude },
        { "xen", 2, tell_xen },
        { "set", 3, tell_edit },
        { "add", 2, tell_edit },
        { "delete", 2, tell_edit },
    };
    g_auto(GStrv) words = g_strsplit(literal, " ", -1);

    if (words[0][0] == '/') {
        g_assert_cmpuint(g_strv_length(words), ==, 2);
        story->node = g_strdup(words[0]);
        story->property = g_strdup(words[1]);
        return;
    }
    if (!strcmp(literal, "off")) {
        story->guest.regions.off = true;
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (!strcmp(words[0], verbs[i].word)) {
            g_assert_cmpuint(g_strv_length(words), >=, verbs[i].words);
            verbs[i].function(story, words);
            return;
        }
    }
    g_assert_cmpuint(g_strv_length(words), ==, 2);
    if (!tell_number(story, words)) {
        g_error("what is '%s'?", literal);
    }
}

static void edit_free(gpointer words)
{
    g_strfreev(words);
}

static Story *story_new(const SpecExample *example)
{
    Story *story = g_new0(Story, 1);

    hypervisor_dt_guest_init(&story->guest);
    story->ram_mib = 512;
    story->edits = g_ptr_array_new_with_free_func(edit_free);
    for (unsigned i = 0; i < example->literals->len; i++) {
        const char *literal = g_ptr_array_index(example->literals, i);

        if (!g_str_has_prefix(literal, "->")) {
            tell(story, literal);
        }
    }
    return story;
}

static void story_free(Story *story)
{
    g_ptr_array_unref(story->edits);
    g_free(story->node);
    g_free(story->property);
    g_free(story);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Story, story_free)

/* --- what came of it, in the words of the page --- */

static char *refusal(const HypervisorDtError *error)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        { -EINVAL, "EINVAL" }, { -E2BIG, "E2BIG" }, { -ELOOP, "ELOOP" },
        { -ENOENT, "ENOENT" }, { -ERANGE, "ERANGE" }, { -EEXIST, "EEXIST" },
        { -ENOSPC, "ENOSPC" }, { -ENODEV, "ENODEV" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (error->code != names[i].code) {
            continue;
        }
        return error->first[0] ?
            g_strdup_printf("refused %s: %s, %s", names[i].name, error->first,
                            error->second) :
            g_strdup_printf("refused %s", names[i].name);
    }
    return g_strdup_printf("refused %d", error->code);
}

static char *region_list(const HypervisorDtRegions *regions)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (unsigned i = 0; i < regions->number; i++) {
        g_string_append_printf(list, "%s0x%" PRIx64 "+0x%" PRIx64,
                               i ? " " : "", regions->region[i].base,
                               regions->region[i].size);
    }
    return g_string_free(g_steal_pointer(&list), FALSE);
}

static char *property_value(const void *tree, const Story *story)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int node = fdt_path_offset(tree, story->node);
    const fdt32_t *cells;
    int length;

    cells = node < 0 ? NULL : fdt_getprop(tree, node, story->property,
                                          &length);
    if (!cells) {
        return g_strdup("absent");
    }
    if (!strcmp(story->property, "compatible")) {
        for (int i = 0; i < fdt_stringlist_count(tree, node,
                                                 story->property); i++) {
            g_string_append_printf(text, "%s\"%s\"", i ? ", " : "",
                fdt_stringlist_get(tree, node, story->property, i, NULL));
        }
    } else {
        for (int i = 0; i < length / 4; i++) {
            g_string_append_printf(text, "%s0x%x", i ? " " : "",
                                   fdt32_to_cpu(cells[i]));
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* --- doing it --- */

static void *generate(Story *story, HypervisorDtRegions *regions,
                      HypervisorDtError *error)
{
    size_t size;

    if (hypervisor_dt_guest_fill_banks(&story->guest, story->ram_mib * MIB,
                                       error)) {
        return NULL;
    }
    return hypervisor_dt_generate(&story->guest, &size, regions, error);
}

static void apply_set(void *tree, char **words)
{
    unsigned cells = g_strv_length(words) - 3;
    g_autofree fdt32_t *value = g_new(fdt32_t, cells + 1);
    int node = fdt_path_offset(tree, words[1]);

    g_assert_cmpint(node, >=, 0);
    if (cells == 1 && !g_ascii_isdigit(words[3][0])) {
        g_assert_cmpint(fdt_setprop_string(tree, node, words[2], words[3]), ==,
                        0);
        return;
    }
    for (unsigned i = 0; i < cells; i++) {
        value[i] = cpu_to_fdt32(number(words[3 + i]));
    }
    g_assert_cmpint(fdt_setprop(tree, node, words[2], value, 4 * cells), ==,
                    0);
}

static void apply_edit(void *tree, char **words)
{
    g_autofree char *parent = g_path_get_dirname(words[1]);
    g_autofree char *name = g_path_get_basename(words[1]);
    int node;

    if (!strcmp(words[0], "set")) {
        apply_set(tree, words);
        return;
    }
    if (!strcmp(words[0], "delete")) {
        node = fdt_path_offset(tree, words[1]);
        g_assert_cmpint(node, >=, 0);
        g_assert_cmpint(fdt_del_node(tree, node), ==, 0);
        return;
    }
    node = fdt_path_offset(tree, parent);
    g_assert_cmpint(node, >=, 0);
    g_assert_cmpint(fdt_add_subnode(tree, node, name), >=, 0);
}

/* The tree that has no devices, as the example has it. */
static void *bare_tree(const Story *story)
{
    HypervisorDtGuest guest;
    HypervisorDtError error;
    g_autofree void *blob = NULL;
    void *tree = g_malloc0(EDIT_SIZE);
    size_t size;

    hypervisor_dt_guest_init(&guest);
    guest.address_bits = story->guest.address_bits;
    g_assert_cmpint(hypervisor_dt_guest_fill_banks(&guest,
                                                   story->ram_mib * MIB,
                                                   &error), ==, 0);
    blob = hypervisor_dt_generate(&guest, &size, NULL, &error);
    g_assert_nonnull(blob);
    g_assert_cmpint(fdt_open_into(blob, tree, EDIT_SIZE), ==, 0);
    for (unsigned i = 0; i < story->edits->len; i++) {
        apply_edit(tree, g_ptr_array_index(story->edits, i));
    }
    return tree;
}

static void *fix(const Story *story, HypervisorDtRegions *regions,
                 HypervisorDtError *error)
{
    HypervisorDtFixup fixup = {
        .address_bits = story->guest.address_bits,
        .devices = story->guest.devices,
        .regions = story->guest.regions,
        .room = HYPERVISOR_DT_BLOB_MAX,
    };
    g_autofree void *tree = bare_tree(story);
    HypervisorDtFixupReport report;
    void *result;
    size_t size;

    for (unsigned i = 0; i < HYPERVISOR_DT_RAM_BANKS; i++) {
        fixup.windows[i] = (HypervisorDtWindow) {
            story->guest.banks[i].base, story->guest.banks[i].size
        };
    }
    result = hypervisor_dt_fixup(tree, fdt_totalsize(tree), &fixup, &size,
                                 &report, error);
    if (result && regions) {
        *regions = report.regions;
    }
    return result;
}

/* --- the tests --- */

static void test_regions(void)
{
    for (unsigned n = REGIONS_FIRST; n <= REGIONS_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        const char *expected = spec_example_literal(example, "->");
        g_autoptr(Story) story = story_new(example);
        HypervisorDtRegions regions;
        HypervisorDtError error;
        g_autofree void *generated = NULL;
        g_autofree void *fixed = NULL;
        g_autofree char *of_generated = NULL;
        g_autofree char *of_fixed = NULL;

        g_test_message("example %u", n);
        generated = generate(story, &regions, &error);
        g_assert_nonnull(generated);
        of_generated = region_list(&regions);
        g_assert_cmpstr(of_generated, ==, expected);
        fixed = fix(story, &regions, &error);
        g_assert_nonnull(fixed);
        of_fixed = region_list(&regions);
        g_assert_cmpstr(of_fixed, ==, expected);
    }
}

static void test_refusals(void)
{
    for (unsigned n = REFUSALS_FIRST; n <= REFUSALS_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        g_autoptr(Story) story = story_new(example);
        HypervisorDtError error;
        g_autofree char *outcome = NULL;

        g_test_message("example %u", n);
        g_assert_null(generate(story, NULL, &error));
        outcome = refusal(&error);
        g_assert_cmpstr(outcome, ==, spec_example_literal(example, "->"));
    }
}

static void test_properties(void)
{
    for (unsigned n = PROPERTIES_FIRST; n <= PROPERTIES_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        g_autoptr(Story) story = story_new(example);
        HypervisorDtError error;
        g_autofree void *tree = NULL;
        g_autofree char *outcome = NULL;

        g_test_message("example %u", n);
        g_assert_cmpuint(story->edits->len, ==, 0);
        tree = generate(story, NULL, &error);
        g_assert_nonnull(tree);
        outcome = property_value(tree, story);
        g_assert_cmpstr(outcome, ==, spec_example_literal(example, "->"));
    }
}

static void test_fixups(void)
{
    for (unsigned n = FIXUPS_FIRST; n <= FIXUPS_LAST; n++) {
        const SpecExample *example = spec_example_get(examples, n);
        g_autoptr(Story) story = story_new(example);
        HypervisorDtError error;
        g_autofree void *tree = NULL;
        g_autofree char *outcome = NULL;

        g_test_message("example %u", n);
        g_assert_cmpuint(story->edits->len, >, 0);
        tree = fix(story, NULL, &error);
        outcome = tree ? property_value(tree, story) : refusal(&error);
        g_assert_cmpstr(outcome, ==, spec_example_literal(example, "->"));
    }
}

/* No example is without a test. */
static void test_all(void)
{
    g_assert_cmpuint(examples->len, ==, FIXUPS_LAST);
}

int main(int argc, char **argv)
{
    const char *file = g_getenv("XENDM_SPEC");
    int status;

    g_test_init(&argc, &argv, NULL);
    if (!file) {
        g_error("XENDM_SPEC must name docs/specs/hypervisor-dt.rst");
    }
    examples = spec_examples_load(file);
    g_test_add_func("/spec/regions", test_regions);
    g_test_add_func("/spec/refusals", test_refusals);
    g_test_add_func("/spec/properties", test_properties);
    g_test_add_func("/spec/fixups", test_fixups);
    g_test_add_func("/spec/all", test_all);
    status = g_test_run();
    g_ptr_array_unref(examples);
    return status;
}
