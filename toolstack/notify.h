/*
 * Telling systemd how the daemon is
 *
 * The protocol of sd_notify(3): datagrams to the socket in $NOTIFY_SOCKET.
 * Without that variable nothing is done.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TOOLSTACK_NOTIFY_H
#define TOOLSTACK_NOTIFY_H

/**
 * notify_ready: started, or done with reloading
 * @status: one line for people
 */
void notify_ready(const char *status);

/**
 * notify_reloading: the configuration is being read again
 */
void notify_reloading(void);

/**
 * notify_stopping: the daemon is about to stop
 */
void notify_stopping(void);

#endif /* TOOLSTACK_NOTIFY_H */
