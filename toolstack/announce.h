/*
 * The announcement that requests are answered
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_ANNOUNCE_H
#define TOOLSTACK_ANNOUNCE_H

#include "store.h"

/**
 * announce: tell device models that requests are answered
 * @store: where
 *
 * Returns: false with errno on failure
 */
bool announce(Store *store);

/**
 * announce_withdraw: take the announcement back
 * @store: where
 *
 * Returns: false with errno on failure; that there is none is no failure
 */
bool announce_withdraw(Store *store);

/**
 * announce_stands: is there an announcement that we would make?
 * @store: where
 */
bool announce_stands(Store *store);

#endif /* TOOLSTACK_ANNOUNCE_H */
