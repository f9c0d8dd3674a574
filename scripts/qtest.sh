#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qtest.sh [FOLDER]
#
# Run every qtest of ours (tests/qtest/*-test.c) against the joined QEMU in
# FOLDER (build/qemu) and print its TAP.
set -eu

cd -- "$(dirname -- "$0")/.."
root=$(pwd)
cd "${1:-build/qemu}"
# For a QEMU with sanitizers.  QEMU itself loses some memory as it ends.
export ASAN_OPTIONS=detect_leaks=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export QTEST_QEMU_BINARY=./qemu-system-i386
# Where a test finds the page whose examples it replays.
export XENDM_DOCS="$root/docs"

status=0
seed=R02S00000000000000000000000000000001

# The limit is the toolstack's: our QEMU does not even know the call.
echo "# symbols"
if nm --dynamic --undefined-only "$QTEST_QEMU_BINARY" > symbols.txt &&
    grep -q ' xc_domain_populate_physmap\(@\|$\)' symbols.txt &&
    ! grep -q ' xc_domain_setmaxmem\(@\|$\)' symbols.txt; then
    echo "ok - the binary asks Xen for pages and never for a limit"
else
    echo "not ok - the binary refers to xc_domain_setmaxmem, or has no symbols"
    status=1
fi

for source in "$root"/tests/qtest/*-test.c; do
    name=$(basename -- "$source" .c)
    echo "# $name"
    # -k: go on after a failed test.  The numbers that a test draws are the
    # same each time, as those of the unit tests (meson.build).
    failed=
    tests/qtest/"$name" --tap -k --seed "$seed" > qtest.log || failed=yes
    # Each QEMU's whole command line; it stays in the log.
    grep -v '^# starting QEMU' qtest.log || true
    [ -n "$failed" ] || continue
    status=1
    grep -q '^not ok' qtest.log || echo "Bail out! $name: no test failed, " \
        "but the program did"
done
exit $status
