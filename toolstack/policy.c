/*
 * The operator's policy: who may have how much
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "hw/xen/device-memory-protocol.h"
#include "policy.h"
#include "size.h"

/* What xl appends to the name of a domain that it receives. */
#define INCOMING_SUFFIX "--incoming"

G_DEFINE_QUARK(policy-error, policy_error)

/* One line of the file, as far as it is read. */
typedef struct Entry {
    const char *file;
    const char *group;
    const char *key;
    const char *value;
} Entry;

typedef bool EntryReader(Policy *policy, const Entry *entry, GError **error);

static bool entry_error(const Entry *entry, const char *allowed,
                        GError **error)
{
    g_set_error(error, POLICY_ERROR, POLICY_ERROR_CONTENT,
                "%s: [%s] %s=%s: not allowed; must be %s", entry->file,
                entry->group, entry->key, entry->value, allowed);
    return false;
}

static bool read_size(const Entry *entry, uint32_t *kib, GError **error)
{
    return size_parse(entry->value, kib) ||
           entry_error(entry, SIZE_SYNTAX, error);
}

static bool read_count(const Entry *entry, unsigned max, unsigned *count,
                       GError **error)
{
    g_autofree char *allowed =
        g_strdup_printf("a whole number from 1 to %u", max);
    uint64_t number;

    if (!device_memory_parse_number(entry->value, strlen(entry->value), max,
                                    &number) || !number) {
        return entry_error(entry, allowed, error);
    }
    *count = number;
    return true;
}

gboolean policy_log_level_parse(const char *text, GLogLevelFlags *level)
{
    static const struct {
        const char *name;
        GLogLevelFlags level;
    } levels[] = {
        { "error", G_LOG_LEVEL_CRITICAL },
        { "warning", G_LOG_LEVEL_WARNING },
        { "info", G_LOG_LEVEL_INFO },
        { "debug", G_LOG_LEVEL_DEBUG },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
        if (!strcmp(text, levels[i].name)) {
            *level = levels[i].level;
            return TRUE;
        }
    }
    return FALSE;
}

static bool read_defaults(Policy *policy, const Entry *entry, GError **error)
{
    if (!strcmp(entry->key, "cap")) {
        return read_size(entry, &policy->default_cap_kib, error);
    }
    return read_size(entry, &policy->host_reserve_kib, error);
}

static bool read_daemon(Policy *policy, const Entry *entry, GError **error)
{
    if (!strcmp(entry->key, "log-level")) {
        return policy_log_level_parse(entry->value, &policy->log_level) ||
               entry_error(entry, POLICY_LOG_LEVELS, error);
    }
    if (!strcmp(entry->key, "request-rate")) {
        return read_count(entry, POLICY_RATE_MAX, &policy->request_rate,
                          error);
    }
    return read_count(entry, POLICY_BURST_MAX, &policy->request_burst, error);
}

static bool read_domain(GHashTable *caps, char *who, const Entry *entry,
                        GError **error)
{
    uint32_t kib;

    if (!read_size(entry, &kib, error)) {
        g_free(who);
        return false;
    }
    g_hash_table_insert(caps, who, GUINT_TO_POINTER(kib));
    return true;
}

static bool read_name(Policy *policy, const Entry *entry, GError **error)
{
    return read_domain(policy->by_name,
                       g_strdup(entry->group + strlen("name ")), entry,
                       error);
}

static bool read_uuid(Policy *policy, const Entry *entry, GError **error)
{
    return read_domain(policy->by_uuid,
                       g_ascii_strdown(entry->group + strlen("uuid "), -1),
                       entry, error);
}

static bool any_name(const Policy *policy, const char *group)
{
    size_t len = strlen(group + strlen("name "));

    return len && len <= POLICY_NAME_MAX;
}

static bool unused_uuid(const Policy *policy, const char *group)
{
    g_autofree char *uuid = g_ascii_strdown(group + strlen("uuid "), -1);

    return g_uuid_string_is_valid(uuid) &&
           !g_hash_table_contains(policy->by_uuid, uuid);
}

/* What the file may hold.  A prefix ends in a space, a whole name does not. */
static const struct GroupRule {
    const char *name;
    const char *keys[4];
    const char *allowed_keys;
    bool (*check)(const Policy *policy, const char *group);
    const char *allowed_names;
    EntryReader *read;
} rules[] = {
    {
        .name = "defaults",
        .keys = { "cap", "host-reserve" },
        .allowed_keys = "cap or host-reserve",
        .read = read_defaults,
    }, {
        .name = "daemon",
        .keys = { "log-level", "request-rate", "request-burst" },
        .allowed_keys = "log-level, request-rate or request-burst",
        .read = read_daemon,
    }, {
        .name = "name ",
        .keys = { "cap" },
        .allowed_keys = "cap",
        .check = any_name,
        .allowed_names = "\"name \" and a domain's name of 1 to "
                         G_STRINGIFY(POLICY_NAME_MAX) " bytes",
        .read = read_name,
    }, {
        .name = "uuid ",
        .keys = { "cap" },
        .allowed_keys = "cap",
        .check = unused_uuid,
        .allowed_names = "\"uuid \" and a domain's uuid such as "
                         "01234567-89ab-cdef-0123-456789abcdef, once",
        .read = read_uuid,
    },
};

static const struct GroupRule *find_rule(const char *group)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        const char *name = rules[i].name;

        if (g_str_has_suffix(name, " ") ? g_str_has_prefix(group, name)
                                        : !strcmp(group, name)) {
            return &rules[i];
        }
    }
    return NULL;
}

static bool group_error(const char *file, const char *group,
                        const char *allowed, GError **error)
{
    g_set_error(error, POLICY_ERROR, POLICY_ERROR_CONTENT,
                "%s: [%s]: not a group that is allowed; must be %s", file,
                group, allowed);
    return false;
}

static bool read_entry(Policy *policy, const struct GroupRule *rule,
                       const Entry *entry, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rule->keys) && rule->keys[i]; i++) {
        if (!strcmp(rule->keys[i], entry->key)) {
            return rule->read(policy, entry, error);
        }
    }
    g_set_error(error, POLICY_ERROR, POLICY_ERROR_CONTENT,
                "%s: [%s] %s=%s: no such key; must be %s", entry->file,
                entry->group, entry->key, entry->value, rule->allowed_keys);
    return false;
}

static bool read_group(Policy *policy, GKeyFile *keys, const char *file,
                       const char *group, GError **error)
{
    const struct GroupRule *rule = find_rule(group);
    g_auto(GStrv) names = NULL;

    if (!rule) {
        return group_error(file, group, "defaults, daemon, \"name NAME\" or "
                           "\"uuid UUID\"", error);
    }
    if (rule->check && !rule->check(policy, group)) {
        return group_error(file, group, rule->allowed_names, error);
    }
    names = g_key_file_get_keys(keys, group, NULL, NULL);
    if (rule->check && !names[0]) {
        g_set_error(error, POLICY_ERROR, POLICY_ERROR_CONTENT,
                    "%s: [%s]: no key; must have %s", file, group,
                    rule->allowed_keys);
        return false;
    }
    for (size_t i = 0; names[i]; i++) {
        g_autofree char *value = g_key_file_get_value(keys, group, names[i],
                                                      NULL);
        Entry entry = { file, group, names[i], g_strchomp(value) };

        if (!read_entry(policy, rule, &entry, error)) {
            return false;
        }
    }
    return true;
}

static bool load_key_file(GKeyFile *keys, const char *file, GError **error)
{
    g_autoptr(GError) reason = NULL;

    if (g_key_file_load_from_file(keys, file,
                                  G_KEY_FILE_KEEP_TRANSLATIONS, &reason)) {
        return true;
    }
    g_set_error(error, POLICY_ERROR, POLICY_ERROR_FILE, "%s: %s", file,
                reason->message);
    return false;
}

Policy *policy_new(void)
{
    Policy *policy = g_new0(Policy, 1);

    policy->default_cap_kib = POLICY_DEFAULT_CAP_KIB;
    policy->host_reserve_kib = POLICY_DEFAULT_RESERVE_KIB;
    policy->log_level = G_LOG_LEVEL_INFO;
    policy->request_rate = POLICY_DEFAULT_RATE;
    policy->request_burst = POLICY_DEFAULT_BURST;
    policy->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                            NULL);
    policy->by_uuid = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                            NULL);
    return policy;
}

void policy_free(Policy *policy)
{
    if (policy) {
        g_hash_table_unref(policy->by_name);
        g_hash_table_unref(policy->by_uuid);
        g_free(policy);
    }
}

Policy *policy_load(const char *file, GError **error)
{
    g_autoptr(Policy) policy = policy_new();
    g_autoptr(GKeyFile) keys = g_key_file_new();
    g_auto(GStrv) groups = NULL;

    if (!load_key_file(keys, file, error)) {
        return NULL;
    }
    groups = g_key_file_get_groups(keys, NULL);
    for (size_t i = 0; groups[i]; i++) {
        if (!read_group(policy, keys, file, groups[i], error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&policy);
}

static bool find_cap(GHashTable *caps, const char *who, uint32_t *kib)
{
    gpointer found;

    if (!g_hash_table_lookup_extended(caps, who, NULL, &found)) {
        return false;
    }
    *kib = GPOINTER_TO_UINT(found);
    return true;
}

uint32_t policy_cap(const Policy *policy, const char *uuid, const char *name)
{
    uint32_t kib;

    if (find_cap(policy->by_uuid, uuid, &kib)) {
        return kib;
    }
    if (name && find_cap(policy->by_name, name, &kib)) {
        return kib;
    }
    if (name && g_str_has_suffix(name, INCOMING_SUFFIX)) {
        g_autofree char *final =
            g_strndup(name, strlen(name) - strlen(INCOMING_SUFFIX));

        if (find_cap(policy->by_name, final, &kib)) {
            return kib;
        }
    }
    return policy->default_cap_kib;
}
