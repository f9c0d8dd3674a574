/*
 * The operator's policy: who may have how much
 *
 * Concepts
 * - A policy is read from a key file, whole or not at all.
 * - A domain's cap is looked up by uuid, else by name, else the default's.
 * - Every group, key and value that is not understood is an error.
 *
 * Pure: reads the one file that it is given, nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_POLICY_H
#define TOOLSTACK_POLICY_H

#include <glib.h>
#include <stdint.h>

/* What holds where the file says nothing. */
#define POLICY_DEFAULT_CAP_KIB     (64 * 1024)
#define POLICY_DEFAULT_RESERVE_KIB (64 * 1024)
#define POLICY_DEFAULT_RATE        100
#define POLICY_DEFAULT_BURST       256

/* Bounds of request-rate and request-burst. */
#define POLICY_RATE_MAX  100000
#define POLICY_BURST_MAX 100000

/* Longest name of a domain, in bytes. */
#define POLICY_NAME_MAX 255

typedef enum PolicyError {
    POLICY_ERROR_FILE,      /* cannot be read, or is no key file */
    POLICY_ERROR_CONTENT,   /* a group, key or value that is not allowed */
} PolicyError;

#define POLICY_ERROR (policy_error_quark())
GQuark policy_error_quark(void);

typedef struct Policy {
    uint32_t default_cap_kib;
    uint32_t host_reserve_kib;
    GLogLevelFlags log_level;   /* the least important level that is logged */
    unsigned request_rate;      /* requests a second and domain */
    unsigned request_burst;     /* requests at once */
    GHashTable *by_name;        /* name -> KiB, as GUINT_TO_POINTER */
    GHashTable *by_uuid;        /* lower-case uuid -> KiB */
} Policy;

/**
 * policy_new: the policy that holds without a file
 *
 * Returns: a policy, to be freed with policy_free()
 */
Policy *policy_new(void);

/**
 * policy_free: forget a policy
 * @policy: the policy, or NULL
 */
void policy_free(Policy *policy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Policy, policy_free)

/**
 * policy_load: read a policy from a file
 * @file: its name
 * @error: set on failure: names the file and, if it got that far, group, key,
 *         value and what is allowed
 *
 * Returns: a policy, to be freed with policy_free(), or NULL
 */
Policy *policy_load(const char *file, GError **error);

/**
 * policy_cap: the most that a domain may be granted
 * @policy: the policy
 * @uuid: the domain's uuid, lower case
 * @name: the domain's name, or NULL if it is not known
 *
 * A domain that is being received is called NAME--incoming by xl; it has the
 * cap of NAME.
 *
 * Returns: the cap in KiB
 */
uint32_t policy_cap(const Policy *policy, const char *uuid, const char *name);

/**
 * policy_log_level_parse: read the name of a log level
 * @text: one of POLICY_LOG_LEVELS
 * @level: set to the level; untouched on failure
 */
gboolean policy_log_level_parse(const char *text, GLogLevelFlags *level);

#define POLICY_LOG_LEVELS "error, warning, info or debug"

#endif /* TOOLSTACK_POLICY_H */
