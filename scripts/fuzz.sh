#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fuzz.sh SECONDS
#
# Run every fuzz target for an equal share of SECONDS and report as TAP.  A
# target starts from tests/fuzz/corpus/NAME, which is not changed; what it
# finds is kept in build/fuzz/NAME.
set -eu

[ $# -eq 1 ] || {
    echo "usage: fuzz.sh SECONDS" >&2
    exit 2
}
cd -- "$(dirname -- "$0")/.."

targets=$(find build/native-fuzz/tests/fuzz -maxdepth 1 -type f \
    -name 'fuzz-*' -perm -u+x | sort)
number=$(echo "$targets" | grep -c . || true)
[ "$number" -gt 0 ] || {
    echo "Bail out! no fuzz target was built"
    exit 1
}
share=$(($1 / number))
[ "$share" -gt 0 ] || share=1

echo "1..$number"
status=0
for target in $targets; do
    name=$(basename -- "$target")
    kept=build/fuzz/$name
    seeds=tests/fuzz/corpus/$name
    mkdir -p "$kept/corpus"
    [ -d "$seeds" ] || seeds=
    if "$target" -max_total_time="$share" -artifact_prefix="$kept/" \
        -print_final_stats=1 "$kept/corpus" $seeds \
        > "$kept/log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$kept/log")
        echo "ok - $name: $runs runs in $share s"
    else
        tail -n 40 "$kept/log" | sed 's/^/# /'
        echo "not ok - $name: the input is in $kept/"
        status=1
    fi
done
exit $status
