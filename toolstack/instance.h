/*
 * One daemon at a time
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_INSTANCE_H
#define TOOLSTACK_INSTANCE_H

#include <glib.h>
#include <stdbool.h>

/**
 * instance_claim: be the only daemon, until this process ends
 * @directory: where the lock file is; made if need be
 * @error: set on failure: which process is the daemon, or what went wrong
 */
bool instance_claim(const char *directory, GError **error);

#endif /* TOOLSTACK_INSTANCE_H */
