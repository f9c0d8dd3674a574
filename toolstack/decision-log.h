/*
 * One line in the log for each decision
 *
 * A device model decides how often it asks, so the lines of each domain are
 * bounded; the next line that is logged says how many were not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_DECISION_LOG_H
#define TOOLSTACK_DECISION_LOG_H

#include "domain.h"
#include "hw/xen/device-memory-protocol.h"

/**
 * decision_log: log a decision
 * @domain: the guest
 * @request: the value of D/request
 * @answer: what was answered
 * @before_kib: the grant before it
 * @now: the time, in microseconds
 */
void decision_log(Domain *domain, const char *request,
                  const DeviceMemoryAnswer *answer, uint32_t before_kib,
                  int64_t now);

/**
 * decision_log_stranger: log that a domain asked for what is not its own
 * @from: the domain that asked
 * @domid: the domain that it asked for
 * @request: the value of D/request
 */
void decision_log_stranger(Domain *from, uint32_t domid,
                           const char *request);

#endif /* TOOLSTACK_DECISION_LOG_H */
