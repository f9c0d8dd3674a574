/*
 * What the daemon knows of one domain
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "domain.h"
#include "path.h"

Domain *domain_new(const HostDomain *found, bool is_new)
{
    Domain *domain = g_new0(Domain, 1);

    domain->domid = found->domid;
    g_strlcpy(domain->uuid, found->uuid, sizeof(domain->uuid));
    grant_init(&domain->grant, found->domid, is_new);
    return domain;
}

void domain_free(Domain *domain)
{
    if (domain) {
        grant_clear(&domain->grant);
        g_free(domain->name);
        g_free(domain->request_path);
        g_free(domain->answer_path);
        g_free(domain->answered);
        g_free(domain);
    }
}

/* Are libxl's nodes this domain's, and not those of an earlier one? */
static bool nodes_are_ours(const Domain *domain, Store *store)
{
    g_autofree char *path = path_domain_node(domain->domid, "vm");
    g_autofree char *vm = store_read(store, path);

    return vm && g_str_has_prefix(vm, "/vm/") &&
           !g_ascii_strcasecmp(vm + strlen("/vm/"), domain->uuid);
}

bool domain_identify(Domain *domain, Store *store)
{
    g_autofree char *name_path = path_domain_node(domain->domid, "name");
    g_autofree char *type_path = path_libxl_node(domain->domid,
                                                 PATH_LIBXL_TYPE);
    g_autofree char *name = NULL;
    g_autofree char *type = NULL;

    if (domain->identified) {
        return true;
    }
    if (!nodes_are_ours(domain, store)) {
        return false;
    }
    name = store_read(store, name_path);
    type = store_read(store, type_path);
    if (!name || !type) {
        return false;
    }
    g_free(domain->name);
    domain->name = g_steal_pointer(&name);
    domain->hvm = !strcmp(type, PATH_LIBXL_TYPE_HVM);
    domain->identified = true;
    return true;
}

void domain_set_asker(Domain *domain, uint32_t dm)
{
    if (domain->asker_known && domain->asker == dm) {
        return;
    }
    g_free(domain->request_path);
    g_free(domain->answer_path);
    domain->request_path = path_memory_node(dm, domain->domid,
                                            DEVICE_MEMORY_NODE_REQUEST);
    domain->answer_path = path_memory_node(dm, domain->domid,
                                           DEVICE_MEMORY_NODE_ANSWER);
    domain->asker_known = true;
    domain->asker = dm;
    domain->answered_id = 0;
    domain->was_granted = false;
    g_clear_pointer(&domain->answered, g_free);
}

void domain_read_answered(Domain *domain, Store *store)
{
    g_autofree char *value = store_read(store, domain->answer_path);
    DeviceMemoryAnswer answer;

    if (value && device_memory_answer_parse(value, &answer)) {
        domain->answered_id = answer.id;
        domain->was_granted = answer.granted;
    }
}

bool domain_has_answered(const Domain *domain, const char *request)
{
    DeviceMemoryRequest asked;

    if (domain->answered && !strcmp(domain->answered, request)) {
        return true;
    }
    device_memory_request_parse(request, &asked);
    return asked.id && asked.id == domain->answered_id;
}

void domain_set_answered(Domain *domain, const char *request, uint32_t id)
{
    g_free(domain->answered);
    domain->answered = g_strdup(request);
    domain->answered_id = id;
}

uint32_t domain_cap(Domain *domain, Store *store, const Policy *policy)
{
    if (!domain->cap_known) {
        /* Without a name this is not the last word. */
        domain->cap_known = domain_identify(domain, store);
        domain->cap_kib = policy_cap(policy, domain->uuid, domain->name);
        domain->cap_published = false;
    }
    return domain->cap_kib;
}

void domain_forget_cap(Domain *domain)
{
    domain->cap_known = false;
    domain->identified = false;     /* its name may have changed */
}

char *domain_label(const Domain *domain)
{
    g_autofree char *name = NULL;

    if (!domain->name) {
        return g_strdup_printf("domain %u", domain->domid);
    }
    name = g_strescape(domain->name, NULL);
    return g_strdup_printf("domain %u \"%.*s\"", domain->domid,
                           POLICY_NAME_MAX, name);
}

void domain_log_failure(const Domain *domain, const char *what)
{
    g_autofree char *reason = g_strdup(g_strerror(errno));
    g_autofree char *label = domain_label(domain);

    g_critical("%s: cannot %s: %s", label, what, reason);
}
