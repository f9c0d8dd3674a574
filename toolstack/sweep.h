/*
 * What is left in xenstore when a domain is gone
 *
 * libxl removes a domain's nodes before the domain itself.  What we or a
 * device model write in between stays behind, and makes directories again
 * that libxl has removed; it is removed here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_SWEEP_H
#define TOOLSTACK_SWEEP_H

#include <stdint.h>

#include "store.h"

/**
 * sweep_record: remove what we keep of a domain that is gone
 * @store: where
 * @domid: the domain
 */
void sweep_record(Store *store, uint32_t domid);

/**
 * sweep_memory: remove what a device model and we have written to each other,
 * once one of its two domains is gone
 * @store: where
 * @dm: where the device model ran
 * @domid: its guest
 */
void sweep_memory(Store *store, uint32_t dm, uint32_t domid);

/**
 * sweep_device_models: remove all that device models have written in a domain
 * that is gone
 * @store: where
 * @dm: the domain
 */
void sweep_device_models(Store *store, uint32_t dm);

#endif /* TOOLSTACK_SWEEP_H */
