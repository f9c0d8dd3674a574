/*
 * The hypervisor, as the toolstack needs it
 *
 * Concepts
 * - A table of operations, so that everything above it runs without Xen.
 * - Xen is the only keeper of limits and page counts: they are read when they
 *   are needed and kept nowhere else.
 * - A domain's limit is changed only while its lock is held; the lock is the
 *   one that libxl takes for the same change.
 * - A failed operation sets errno.
 *
 * host-xen.c has the real one, the unit tests have another.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_HOST_H
#define TOOLSTACK_HOST_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A uuid as text, with its final NUL. */
#define HOST_UUID_SIZE 37

/* The largest limit that Xen keeps as it is given, in pages. */
#define HOST_LIMIT_MAX (UINT32_MAX - 1)

typedef struct HostDomain {
    uint32_t domid;
    char uuid[HOST_UUID_SIZE];  /* lower case */
    bool hvm;                   /* HVM or PVH */
    bool dying;
    uint64_t limit_pages;       /* max_pages */
    uint64_t used_pages;        /* nr_pages */
} HostDomain;

typedef struct Host Host;
typedef struct HostLock HostLock;

typedef struct HostOps {
    /* One domain; false with errno ESRCH if there is none. */
    bool (*domain)(Host *host, uint32_t domid, HostDomain *found);

    /*
     * The domains from @first on, in ascending order of domid, at most @max.
     * Returns how many, or -1.
     */
    int (*domains)(Host *host, uint32_t first, HostDomain *found, int max);

    /* Set max_pages. */
    bool (*set_limit)(Host *host, uint32_t domid, uint64_t pages);

    /* Memory that no domain has and that is not promised to one, in KiB. */
    bool (*free_kib)(Host *host, uint64_t *kib);

    /*
     * Take libxl's lock for a domain.  Never waits: NULL with errno EAGAIN
     * if another program has it.
     */
    HostLock *(*lock)(Host *host, uint32_t domid, const char *uuid);
    void (*unlock)(Host *host, HostLock *lock);
} HostOps;

/* The first member of each implementation. */
struct Host {
    const HostOps *ops;
};

static inline bool host_domain(Host *host, uint32_t domid, HostDomain *found)
{
    return host->ops->domain(host, domid, found);
}

/**
 * host_all_domains: the domains that there are
 * @host: the hypervisor
 *
 * Returns: HostDomains in ascending order of domid, the caller's; NULL with
 * errno
 */
GArray *host_all_domains(Host *host);

static inline bool host_set_limit(Host *host, uint32_t domid, uint64_t pages)
{
    return host->ops->set_limit(host, domid, pages);
}

static inline bool host_free_kib(Host *host, uint64_t *kib)
{
    return host->ops->free_kib(host, kib);
}

static inline HostLock *host_lock(Host *host, uint32_t domid,
                                  const char *uuid)
{
    return host->ops->lock(host, domid, uuid);
}

static inline void host_unlock(Host *host, HostLock *lock)
{
    host->ops->unlock(host, lock);
}

#endif /* TOOLSTACK_HOST_H */
