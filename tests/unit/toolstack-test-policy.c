/*
 * The operator's policy: what a file may say, and how errors are told
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib/gstdio.h>
#include <string.h>

#include "policy.h"
#include "size.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define OTHER_UUID "11111111-89ab-cdef-0123-456789abcdef"

static Policy *load_text(const char *text, GError **error)
{
    g_autofree char *file = NULL;
    int fd = g_file_open_tmp("policy-XXXXXX", &file, NULL);
    Policy *policy;

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(g_close(fd, NULL));
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    policy = policy_load(file, error);
    if (!policy) {
        /* Whatever is wrong, the message says in which file. */
        g_assert_nonnull(strstr((*error)->message, file));
    }
    g_unlink(file);
    return policy;
}

static void test_sizes(void)
{
    static const struct {
        const char *text;
        gint64 kib;     /* -1: not a size */
    } sizes[] = {
        { "64 MiB", 65536 }, { "64MiB", 65536 }, { "0 KiB", 0 },
        { "4 KiB", 4 }, { "1 GiB", 1048576 }, { "4   KiB", 4 },
        { "4194303 MiB", SIZE_MAX_KIB }, { "4194304 MiB", -1 },
        { "4095 GiB", 4095u * 1048576 }, { "4096 GiB", -1 },
        { "4294966272 KiB", SIZE_MAX_KIB }, { "4294966276 KiB", -1 },
        { "", -1 }, { "64", -1 }, { "MiB", -1 }, { "64 MB", -1 },
        { "64 mib", -1 }, { "-4 KiB", -1 }, { "+4 KiB", -1 },
        { "1 KiB", -1 }, { "6 KiB", -1 }, { "064 KiB", -1 },
        { "0.5 GiB", -1 }, { "4 KiB x", -1 }, { " 4 KiB", -1 },
        { "0x40 KiB", -1 }, { "18446744073709551620 KiB", -1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint32_t kib = 12345;
        bool ok = size_parse(sizes[i].text, &kib);

        g_test_message("\"%s\"", sizes[i].text);
        g_assert_cmpint(ok, ==, sizes[i].kib >= 0);
        g_assert_cmpuint(kib, ==, ok ? sizes[i].kib : 12345);
        if (ok) {
            g_autofree char *again = size_format(kib);
            uint32_t twice;

            g_assert_true(size_parse(again, &twice));
            g_assert_cmpuint(twice, ==, kib);
        }
    }
}

static void test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = load_text("# nothing\n", &error);

    g_assert_no_error(error);
    g_assert_cmpuint(policy->default_cap_kib, ==, 65536);
    g_assert_cmpuint(policy->host_reserve_kib, ==, 65536);
    g_assert_cmpuint(policy->request_rate, ==, POLICY_DEFAULT_RATE);
    g_assert_cmpuint(policy->request_burst, ==, POLICY_DEFAULT_BURST);
    g_assert_cmpint(policy->log_level, ==, G_LOG_LEVEL_INFO);
    g_assert_cmpuint(policy_cap(policy, UUID, "web"), ==, 65536);
}

static void test_everything(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = load_text(
        "[defaults]\ncap=32 MiB\nhost-reserve = 1 GiB \n"
        "[daemon]\nlog-level=debug\nrequest-rate=7\nrequest-burst=9\n"
        "[name web server]\ncap=1 MiB\n"
        "[uuid 01234567-89AB-CDEF-0123-456789ABCDEF]\ncap=4 KiB\n"
        "[name other]\ncap=0 KiB\n", &error);

    g_assert_no_error(error);
    g_assert_cmpuint(policy->default_cap_kib, ==, 32768);
    g_assert_cmpuint(policy->host_reserve_kib, ==, 1048576);
    g_assert_cmpuint(policy->request_rate, ==, 7);
    g_assert_cmpuint(policy->request_burst, ==, 9);
    g_assert_cmpint(policy->log_level, ==, G_LOG_LEVEL_DEBUG);

    g_assert_cmpuint(policy_cap(policy, UUID, "web server"), ==, 4);
    g_assert_cmpuint(policy_cap(policy, OTHER_UUID, "web server"), ==, 1024);
    g_assert_cmpuint(policy_cap(policy, OTHER_UUID, "other"), ==, 0);
    g_assert_cmpuint(policy_cap(policy, OTHER_UUID, "web"), ==, 32768);
    g_assert_cmpuint(policy_cap(policy, OTHER_UUID, NULL), ==, 32768);
    g_assert_cmpuint(policy_cap(policy, UUID, NULL), ==, 4);
    g_assert_cmpuint(policy_cap(policy, OTHER_UUID, "other--incoming"), ==,
                     0);
    g_assert_cmpuint(policy_cap(policy, OTHER_UUID, "--incoming"), ==, 32768);
}

/* The words that the message must have. */
static const struct {
    const char *text;
    const char *words[4];
} wrong[] = {
    { "[defaults]\ncap=64\n", { "[defaults]", "cap=64", "KiB, MiB or GiB" } },
    { "[defaults]\ncap=\n", { "[defaults]", "cap=:" } },
    { "[defaults]\ncap=5 KiB\n", { "cap=5 KiB", "multiple of 4 KiB" } },
    { "[defaults]\nhost-reserve=-1 MiB\n", { "host-reserve=-1 MiB" } },
    { "[defaults]\ncaps=1 MiB\n",
      { "[defaults]", "caps=1 MiB", "cap or host-reserve" } },
    { "[defaults]\ncap[de]=1 MiB\n", { "cap[de]", "no such key" } },
    { "[default]\ncap=1 MiB\n", { "[default]", "defaults, daemon" } },
    { "[daemon]\nlog-level=loud\n",
      { "[daemon]", "log-level=loud", "error, warning, info or debug" } },
    { "[daemon]\nrequest-rate=0\n", { "request-rate=0", "1 to 100000" } },
    { "[daemon]\nrequest-rate=100001\n", { "request-rate=100001" } },
    { "[daemon]\nrequest-burst=many\n", { "request-burst=many" } },
    { "[daemon]\ncap=1 MiB\n", { "[daemon]", "cap=1 MiB", "log-level" } },
    { "[name web]\nhost-reserve=1 MiB\n",
      { "[name web]", "host-reserve=1 MiB", "must be cap" } },
    { "[name web]\n", { "[name web]", "no key" } },
    { "[name ]\ncap=1 MiB\n", { "[name ]", "1 to 255" } },
    { "[name]\ncap=1 MiB\n", { "[name]", "name NAME" } },
    { "[uuid web]\ncap=1 MiB\n", { "[uuid web]", "uuid" } },
    { "[uuid " UUID "]\ncap=1\n", { "[uuid " UUID "]", "cap=1:" } },
    { "[uuid " UUID "]\ncap=4 KiB\n"
      "[uuid 01234567-89AB-CDEF-0123-456789ABCDEF]\ncap=8 KiB\n",
      { "[uuid 01234567-89AB", "once" } },
    { "cap=1 MiB\n", { "group" } },
    { "[defaults]\nwhat\n", { "what" } },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Policy) policy = load_text(wrong[i].text, &error);

        g_assert_null(policy);
        g_assert_nonnull(error);
        g_test_message("%s", error->message);
        for (size_t j = 0; wrong[i].words[j]; j++) {
            g_assert_nonnull(strstr(error->message, wrong[i].words[j]));
        }
    }
}

static void test_long_names(void)
{
    g_autofree char *longest = g_strnfill(POLICY_NAME_MAX, 'n');
    g_autofree char *right = g_strdup_printf("[name %s]\ncap=4 KiB\n",
                                             longest);
    g_autofree char *too_long = g_strdup_printf("[name %sn]\ncap=4 KiB\n",
                                                longest);
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = load_text(right, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(policy_cap(policy, UUID, longest), ==, 4);
    g_assert_null(load_text(too_long, &error));
    g_assert_error(error, POLICY_ERROR, POLICY_ERROR_CONTENT);
}

static void test_no_file(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(policy_load("/does/not/exist.conf", &error));
    g_assert_error(error, POLICY_ERROR, POLICY_ERROR_FILE);
    g_assert_nonnull(strstr(error->message, "/does/not/exist.conf"));
}

/* What we install as a sample must be right, and say what holds anyway. */
static void test_sample(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = policy_load(g_getenv("XENDM_SAMPLE"), &error);
    g_autoptr(Policy) built_in = policy_new();

    g_assert_no_error(error);
    g_assert_cmpuint(policy->default_cap_kib, ==, built_in->default_cap_kib);
    g_assert_cmpuint(policy->host_reserve_kib, ==,
                     built_in->host_reserve_kib);
    g_assert_cmpuint(policy->request_rate, ==, built_in->request_rate);
    g_assert_cmpuint(policy->request_burst, ==, built_in->request_burst);
    g_assert_cmpint(policy->log_level, ==, built_in->log_level);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/toolstack/policy/sizes", test_sizes);
    g_test_add_func("/toolstack/policy/defaults", test_defaults);
    g_test_add_func("/toolstack/policy/everything", test_everything);
    g_test_add_func("/toolstack/policy/errors", test_errors);
    g_test_add_func("/toolstack/policy/long-names", test_long_names);
    g_test_add_func("/toolstack/policy/no-file", test_no_file);
    g_test_add_func("/toolstack/policy/sample", test_sample);
    return g_test_run();
}
