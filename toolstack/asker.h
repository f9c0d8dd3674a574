/*
 * Who may ask for a guest's memory, by what xenstore says
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_ASKER_H
#define TOOLSTACK_ASKER_H

#include <stdint.h>

#include "store.h"

/**
 * asker_may_ask: may a domain ask for memory for a guest?
 * @store: xenstore
 * @dm: the domain whose tree holds the request
 * @domid: the guest
 *
 * That the guest is one which has a device model is for the caller to know.
 */
bool asker_may_ask(Store *store, uint32_t dm, uint32_t domid);

/**
 * asker_find: the domain in which a guest's device model runs
 * @store: xenstore
 * @domid: the guest
 *
 * Returns: its stub domain; 0 if there is none (yet)
 */
uint32_t asker_find(Store *store, uint32_t domid);

#endif /* TOOLSTACK_ASKER_H */
