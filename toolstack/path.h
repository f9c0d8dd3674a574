/*
 * Where things are in xenstore
 *
 * Every path that the toolstack reads or writes is made or taken apart here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_PATH_H
#define TOOLSTACK_PATH_H

#include <stdbool.h>
#include <stdint.h>

/* The announcement; its nodes are in device-memory-protocol.h. */
#define PATH_ANNOUNCEMENT "/tool/device-memory"

/* What libxl keeps of its domains, one directory each. */
#define PATH_LIBXL "/libxl"

/*
 * Where libxl makes a node by the uuid when it makes a domain, long before the
 * domain is introduced.  Device models write below these nodes.
 */
#define PATH_VM "/vm"

/* Special watches: a domain has come, a domain has gone. */
#define PATH_INTRODUCE "@introduceDomain"
#define PATH_RELEASE   "@releaseDomain"

/* The largest domid of a domain that is not one of Xen's own. */
#define PATH_DOMID_MAX 0x7fef

typedef enum PathKind {
    PATH_OTHER,
    PATH_DEVICE_MODELS,     /* /local/domain/<dm>/device-model */
    PATH_REQUEST,           /* <that>/<domid>/device-memory/request */
    PATH_SIZE,              /* what libxl writes about a guest's size */
    PATH_DOMAINS,           /* a domain has come or gone */
} PathKind;

/**
 * path_classify: what does a path name?
 * @path: a path from a watch event
 * @dm: set for PATH_DEVICE_MODELS and PATH_REQUEST
 * @domid: set for PATH_REQUEST and PATH_SIZE
 */
PathKind path_classify(const char *path, uint32_t *dm, uint32_t *domid);

/**
 * path_followed: is a path one that "xendm-memory watch" tells of?
 * @path: a path from a watch event
 * @dm: set to the domain that it is below, 0 if that is not a device model's
 * @domid: set to the guest
 * @event: set to a new string, owned by the caller: "request", "answer",
 *         "grant", "cap" or "block" and its number
 */
bool path_followed(const char *path, uint32_t *dm, uint32_t *domid,
                   char **event);

/**
 * path_domid: read a domid in its only spelling
 * @text: the text
 * @domid: set to the domid; untouched on failure
 */
bool path_domid(const char *text, uint32_t *domid);

/*
 * Each of these returns a new string, owned by the caller.
 */

/* /local/domain/<domid> */
char *path_domain(uint32_t domid);

/* /local/domain/<domid>/<node> */
char *path_domain_node(uint32_t domid, const char *node);

/* /local/domain/<dm>/device-model */
char *path_device_models(uint32_t dm);

/* /local/domain/<dm>/device-model/<domid> */
char *path_device_model(uint32_t dm, uint32_t domid);

/* D, or the node D/<node> */
char *path_memory(uint32_t dm, uint32_t domid);
char *path_memory_node(uint32_t dm, uint32_t domid, const char *node);

/* /libxl/<domid>, or the node /libxl/<domid>/<node> */
char *path_libxl(uint32_t domid);
char *path_libxl_node(uint32_t domid, const char *node);

/* What the toolstack keeps of a domain, below path_libxl(). */
#define PATH_LIBXL_MEMORY "device-memory"
#define PATH_LIBXL_RECORD PATH_LIBXL_MEMORY "/record"
#define PATH_LIBXL_PROVISIONAL PATH_LIBXL_MEMORY "/provisional"
#define PATH_LIBXL_SIZE   PATH_LIBXL_MEMORY "/size"
#define PATH_LIBXL_CAP    PATH_LIBXL_MEMORY "/cap"

/* libxl's word for the type of an HVM guest, in path_libxl_node("type"). */
#define PATH_LIBXL_TYPE     "type"
#define PATH_LIBXL_TYPE_HVM "hvm"

#endif /* TOOLSTACK_PATH_H */
