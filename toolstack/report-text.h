/*
 * A report as text, for people
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_REPORT_TEXT_H
#define TOOLSTACK_REPORT_TEXT_H

#include <stdio.h>

#include "report.h"

/**
 * report_text_list: a table of guests
 * @guests: of ReportGuest
 * @in_pages: sizes in pages, not in KiB
 * @out: where to
 */
void report_text_list(const GPtrArray *guests, bool in_pages, FILE *out);

/**
 * report_text_show: one guest and its blocks
 * @guest: the guest, with its blocks
 * @out: where to
 */
void report_text_show(const ReportGuest *guest, FILE *out);

#endif /* TOOLSTACK_REPORT_TEXT_H */
