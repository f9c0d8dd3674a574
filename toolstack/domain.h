/*
 * What the daemon knows of one domain
 *
 * Concepts
 * - A domain is known by domid and uuid; another uuid is another domain.
 * - It is identified when libxl's nodes were found to be this domain's: only
 *   then are its name and type known.
 * - As a guest it has a grant, a cap and an asker: the domain in which its
 *   device model runs.
 * - A request is pending from its watch event until it is answered.
 *
 * Limits and page counts are Xen's and are not kept here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_DOMAIN_H
#define TOOLSTACK_DOMAIN_H

#include "grant.h"
#include "host.h"
#include "policy.h"
#include "promise.h"
#include "rate.h"
#include "store.h"

typedef enum IncomingState {
    INCOMING_NO,            /* all others are explained in incoming.h */
    INCOMING_BUILDING,      /* libxl has not set the limit */
    INCOMING_RAISED,        /* it has, and there is headroom */
    INCOMING_STALLED,       /* nothing was populated for long */
    INCOMING_UNDECLARED,    /* built; the device model has not asked */
    INCOMING_DECLARED,      /* it has; the note is to be removed */
} IncomingState;

typedef struct Incoming {
    IncomingState state;
    int64_t due;            /* when to look again, or 0 */
    int64_t until;          /* when to give up, or 0 */
    int64_t locked_since;   /* since when it waits for the lock, or 0 */
    uint64_t used_pages;    /* what the guest had when that last changed */
} Incoming;

typedef struct Domain {
    uint32_t domid;
    char uuid[HOST_UUID_SIZE];
    bool identified;
    bool hvm;                   /* libxl says that it is an HVM guest */
    char *name;

    /* as a guest */
    Grant grant;
    bool cap_known;
    uint32_t cap_kib;
    bool cap_published;
    bool cap_applied;           /* in a decision, so it is to be published */

    bool asker_known;
    uint32_t asker;
    char *request_path;
    char *answer_path;
    uint32_t answered_id;       /* 0 if none */
    char *answered;             /* the request that was last answered */
    bool was_granted;           /* an earlier process has granted one */

    bool pending;
    int64_t due;                /* when to look at the request, if pending */
    int64_t locked_since;       /* since when we wait for the lock, or 0 */
    bool size_changed;          /* libxl has perhaps set the limit */
    int64_t chores_due;         /* when to do what can wait, or 0 */
    Rate requests;
    Incoming incoming;
    Promise promise;
    int64_t promise_wait;       /* how long until it is looked at once more */

    /* as a domain that asks for guests that are not its own */
    Rate strangers;
    unsigned passed_over;       /* such requests that were not looked at */

    Rate lines;                 /* of the log */
    unsigned suppressed;        /* lines that were not logged */
} Domain;

/**
 * domain_new: a domain of which only domid and uuid are known
 * @found: as the hypervisor describes it
 * @is_new: false if an earlier process may have granted it something
 *
 * Returns: a domain, to be freed with domain_free()
 */
Domain *domain_new(const HostDomain *found, bool is_new);

/**
 * domain_free: forget a domain; changes nothing outside
 * @domain: the domain, or NULL
 */
void domain_free(Domain *domain);

/**
 * domain_identify: read what libxl has written about a domain
 * @domain: the domain
 * @store: where
 *
 * Returns: whether the domain is identified
 */
bool domain_identify(Domain *domain, Store *store);

/**
 * domain_set_asker: say where the domain's device model runs
 * @domain: the domain
 * @dm: the domain of the device model
 */
void domain_set_asker(Domain *domain, uint32_t dm);

/**
 * domain_read_answered: learn what an earlier process has answered
 * @domain: the domain, with its asker
 * @store: where
 */
void domain_read_answered(Domain *domain, Store *store);

/**
 * domain_has_answered: was this request answered?
 * @domain: the domain
 * @request: the value of D/request
 */
bool domain_has_answered(const Domain *domain, const char *request);

/**
 * domain_set_answered: this request was answered
 * @domain: the domain
 * @request: the value of D/request
 * @id: the id in the answer
 */
void domain_set_answered(Domain *domain, const char *request, uint32_t id);

/**
 * domain_cap: the domain's cap, in KiB
 * @domain: the domain
 * @store: where to identify it, if need be
 * @policy: whose cap
 */
uint32_t domain_cap(Domain *domain, Store *store, const Policy *policy);

/**
 * domain_forget_cap: the policy has changed
 * @domain: the domain
 */
void domain_forget_cap(Domain *domain);

/**
 * domain_label: how the log names the domain
 * @domain: the domain
 *
 * Returns: a new string, such as domain 3 "web", owned by the caller
 */
char *domain_label(const Domain *domain);

/**
 * domain_log_failure: log that something could not be done, with errno
 * @domain: the domain
 * @what: what, as in "take libxl's lock"
 */
void domain_log_failure(const Domain *domain, const char *what);

#endif /* TOOLSTACK_DOMAIN_H */
