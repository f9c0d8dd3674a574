/*
 * Following what happens to guests and their device memory
 *
 * Concepts
 * - One line for each change that a watch tells of: a guest that comes or
 *   goes, a request, an answer, a grant, a block.
 * - A value is read when its event is looked at; of several changes in short
 *   succession the last may be seen several times, and is printed once.
 * - What a domain writes for a guest whose device model it does not run is not
 *   told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_FOLLOW_H
#define TOOLSTACK_FOLLOW_H

#include <stdio.h>

#include "host.h"
#include "store.h"

typedef struct Follow Follow;

/**
 * follow_new: begin to follow
 * @store: xenstore; watches are set
 * @host: the hypervisor
 * @as_json: print a JSON object on each line
 * @out: where to print; must outlive what is returned
 *
 * Returns: to be freed with follow_free(), or NULL with errno
 */
Follow *follow_new(Store *store, Host *host, bool as_json, FILE *out);

/**
 * follow_free: end it
 * @follow: what follow_new() returned, or NULL
 */
void follow_free(Follow *follow);

/**
 * follow_event: a watch has fired
 * @follow: what follow_new() returned
 * @path: the path that has changed
 */
void follow_event(Follow *follow, const char *path);

#endif /* TOOLSTACK_FOLLOW_H */
