/*
 * A report as JSON, for programs
 *
 * Every size is named with its unit.  What a program reads here stays as it
 * is; names may be added.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_REPORT_JSON_H
#define TOOLSTACK_REPORT_JSON_H

#include "check.h"
#include "report.h"

/**
 * report_json_list: guests as JSON
 * @guests: of ReportGuest
 * @announced: whether a service is announced
 *
 * Returns: a new string, owned by the caller
 */
char *report_json_list(const GPtrArray *guests, bool announced);

/**
 * report_json_show: one guest and its blocks as JSON
 * @guest: the guest, with its blocks
 * @announced: whether a service is announced
 *
 * Returns: a new string, owned by the caller
 */
char *report_json_show(const ReportGuest *guest, bool announced);

/**
 * report_json_check: the result of a check as JSON
 * @checked: how many guests there are
 * @failure: the first failure, or NULL
 *
 * Returns: a new string, owned by the caller
 */
char *report_json_check(unsigned checked, const CheckFailure *failure);

#endif /* TOOLSTACK_REPORT_JSON_H */
