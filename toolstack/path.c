/*
 * Where things are in xenstore
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "guest-size.h"
#include "hw/xen/device-memory-protocol.h"
#include "path.h"

#define DOMAINS       "/local/domain/"
#define DEVICE_MODELS "/device-model"
#define MEMORY        "device-memory"

/* Read a domid at *@text and step over it. */
static bool take_domid(const char **text, uint32_t *domid)
{
    size_t len = strspn(*text, "0123456789");
    uint64_t number;

    if (!device_memory_parse_number(*text, len, PATH_DOMID_MAX, &number)) {
        return false;
    }
    *domid = number;
    *text += len;
    return true;
}

static bool take_text(const char **text, const char *expected)
{
    if (!g_str_has_prefix(*text, expected)) {
        return false;
    }
    *text += strlen(expected);
    return true;
}

static bool tells_of_domains(const char *path)
{
    return !strcmp(path, PATH_INTRODUCE) || !strcmp(path, PATH_RELEASE) ||
           (take_text(&path, PATH_VM "/") && !strchr(path, '/'));
}

PathKind path_classify(const char *path, uint32_t *dm, uint32_t *domid)
{
    if (tells_of_domains(path)) {
        return PATH_DOMAINS;
    }
    if (!take_text(&path, DOMAINS) || !take_domid(&path, dm)) {
        return PATH_OTHER;
    }
    if (!strcmp(path, "/" GUEST_SIZE_NODE_TARGET) ||
        !strcmp(path, "/" GUEST_SIZE_NODE_STATIC_MAX)) {
        *domid = *dm;
        return PATH_SIZE;
    }
    if (!take_text(&path, DEVICE_MODELS)) {
        return PATH_OTHER;
    }
    if (!*path) {
        return PATH_DEVICE_MODELS;
    }
    if (take_text(&path, "/") && take_domid(&path, domid) &&
        !strcmp(path, "/" MEMORY "/" DEVICE_MEMORY_NODE_REQUEST)) {
        return PATH_REQUEST;
    }
    return PATH_OTHER;
}

static char *libxl_event(const char *path)
{
    if (!strcmp(path, "/" PATH_LIBXL_RECORD)) {
        return g_strdup("grant");
    }
    if (!strcmp(path, "/" PATH_LIBXL_CAP)) {
        return g_strdup("cap");
    }
    return NULL;
}

static char *model_event(const char *path)
{
    uint64_t number;

    if (!take_text(&path, "/" MEMORY "/")) {
        return NULL;
    }
    if (!strcmp(path, DEVICE_MEMORY_NODE_REQUEST) ||
        !strcmp(path, DEVICE_MEMORY_NODE_ANSWER)) {
        return g_strdup(path);
    }
    if (!take_text(&path, DEVICE_MEMORY_NODE_BLOCKS "/") ||
        !device_memory_parse_number(path, strlen(path),
                                    DEVICE_MEMORY_BLOCKS_MAX - 1, &number)) {
        return NULL;
    }
    return g_strdup_printf("block %u:", (unsigned)number);
}

bool path_followed(const char *path, uint32_t *dm, uint32_t *domid,
                   char **event)
{
    *event = NULL;
    *dm = 0;
    if (take_text(&path, PATH_LIBXL "/")) {
        *event = take_domid(&path, domid) ? libxl_event(path) : NULL;
    } else if (take_text(&path, DOMAINS) && take_domid(&path, dm) &&
               take_text(&path, DEVICE_MODELS "/") &&
               take_domid(&path, domid)) {
        *event = model_event(path);
    }
    return *event;
}

bool path_domid(const char *text, uint32_t *domid)
{
    uint32_t number;

    if (!take_domid(&text, &number) || *text) {
        return false;
    }
    *domid = number;
    return true;
}

char *path_domain(uint32_t domid)
{
    return g_strdup_printf(DOMAINS "%u", domid);
}

char *path_domain_node(uint32_t domid, const char *node)
{
    return g_strdup_printf(DOMAINS "%u/%s", domid, node);
}

char *path_device_models(uint32_t dm)
{
    return g_strdup_printf(DOMAINS "%u" DEVICE_MODELS, dm);
}

char *path_device_model(uint32_t dm, uint32_t domid)
{
    return g_strdup_printf(DOMAINS "%u" DEVICE_MODELS "/%u", dm, domid);
}

char *path_memory(uint32_t dm, uint32_t domid)
{
    return g_strdup_printf(DOMAINS "%u" DEVICE_MODELS "/%u/" MEMORY, dm,
                           domid);
}

char *path_memory_node(uint32_t dm, uint32_t domid, const char *node)
{
    return g_strdup_printf(DOMAINS "%u" DEVICE_MODELS "/%u/" MEMORY "/%s",
                           dm, domid, node);
}

char *path_libxl(uint32_t domid)
{
    return g_strdup_printf(PATH_LIBXL "/%u", domid);
}

char *path_libxl_node(uint32_t domid, const char *node)
{
    return g_strdup_printf(PATH_LIBXL "/%u/%s", domid, node);
}
