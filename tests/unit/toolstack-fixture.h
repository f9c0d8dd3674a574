/*
 * What the tests of the daemon's service share
 *
 * Concepts
 * - A test has a world (toolstack-emulation.h) and a service over it.
 * - The service logs into a string, which start_with() empties.
 * - main() of each test program: fixture_init(), g_test_add_func()...,
 *   fixture_run().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_FIXTURE_H
#define TOOLSTACK_FIXTURE_H

#include "policy.h"
#include "toolstack-emulation.h"

/* A guest of 128 MiB: its size in KiB, and max_pages as libxl sets it. */
#define SIZE 131072
#define BASE 33024

/**
 * fixture_init: prepare GLib's tests and the log
 */
void fixture_init(int *argc, char ***argv);

/**
 * fixture_run: run all tests that were added
 *
 * Returns: the program's exit status
 */
int fixture_run(void);

/**
 * assert_logged: the service has logged the text since it was started
 */
void assert_logged(const char *text);

/**
 * log_text: all that it has logged since, or since log_forget()
 *
 * Returns: lines; valid until more is logged
 */
const char *log_text(void);

/**
 * log_forget: begin the log anew
 */
void log_forget(void);

/**
 * plain_policy: a policy without a reserve, so that numbers are easy to follow
 */
Policy *plain_policy(uint32_t cap_kib);

/**
 * start_with: a service that has started and done all there is to do
 * @policy: taken over
 */
Service *start_with(World *world, Policy *policy);

/**
 * start: the same, with a cap of 64 MiB for all guests
 */
Service *start(World *world);

/**
 * ask: write a request from domain 0, have it served, compare the answer
 */
void ask(World *world, Service *service, uint32_t domid, const char *request,
         const char *answer);

/**
 * finish_chores: have the service do what it puts off
 */
void finish_chores(World *world, Service *service);

/**
 * assert_nothing_left: a guest that is gone has left no node of ours
 */
void assert_nothing_left(World *world, uint32_t domid);

#endif /* TOOLSTACK_FIXTURE_H */
