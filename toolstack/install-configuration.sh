#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install-configuration.sh SAMPLE TARGET
#
# Install the sample configuration, but never over one that is there: it may
# have been edited.  $DESTDIR is put in front of TARGET.
set -eu

target=${DESTDIR:-}$2
if [ -e "$target" ]; then
    echo "Keeping $target"
else
    echo "Installing $target"
    install -D -m 644 "$1" "$target"
fi
