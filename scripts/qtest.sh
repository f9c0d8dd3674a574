#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run every qtest of ours (tests/qtest/*-test.c) against the joined QEMU and
# print its TAP.
set -eu

cd -- "$(dirname -- "$0")/.."
root=$(pwd)
cd build/qemu
export QTEST_QEMU_BINARY=./qemu-system-i386

status=0
for source in "$root"/tests/qtest/*-test.c; do
    name=$(basename -- "$source" .c)
    echo "# $name"
    # -k: go on after a failed test.
    failed=
    tests/qtest/"$name" --tap -k > qtest.log || failed=yes
    # Each QEMU's whole command line; it stays in the log.
    grep -v '^# starting QEMU' qtest.log || true
    [ -n "$failed" ] || continue
    status=1
    grep -q '^not ok' qtest.log || echo "Bail out! $name: no test failed, " \
        "but the program did"
done
exit $status
