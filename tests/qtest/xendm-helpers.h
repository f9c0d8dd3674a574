/*
 * QTest: what several of our tests need
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_XENDM_HELPERS_H
#define TESTS_QTEST_XENDM_HELPERS_H

#include "libqtest.h"

/**
 * temporary_file: make a new, empty file
 *
 * Returns: its name, to be freed; who has it removes the file
 */
char *temporary_file(void);

/**
 * error_of: what a QMP response says
 * @rsp: the response; freed here
 *
 * Returns: the error's text, to be freed; NULL on success
 */
char *error_of(QDict *rsp);

/**
 * assert_ok: there is no error
 * @error: as error_of() returns it
 */
void assert_ok(char *error);

/**
 * assert_error: there is an error, and it says something; or the test fails
 * @error: as error_of() or run_to_failure() returns it; freed here
 * @wanted: a part of it
 */
void assert_error(char *error, const char *wanted);

/**
 * run_to_failure: run QEMU until it ends by itself, with status 1
 * @options: after those of a plain machine
 *
 * Returns: what it wrote to its standard error, to be freed
 */
char *run_to_failure(const char *options);

#endif /* TESTS_QTEST_XENDM_HELPERS_H */
