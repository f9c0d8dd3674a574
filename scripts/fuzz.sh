#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fuzz.sh SECONDS
#
# Run every fuzz target for SECONDS, one on each processor, and report as TAP.
# A target starts from tests/fuzz/corpus/NAME, which is not changed; what it
# finds is kept in build/fuzz/NAME.
set -eu

# Seconds for one input.  No parser of ours needs a hundredth of that, and
# libFuzzer's own limit is twenty minutes.
input_timeout=20

# fuzz.sh --one SECONDS TARGET: one of them; its result is one line
if [ $# -eq 3 ] && [ "$1" = --one ]; then
    seconds=$2
    target=$3
    name=$(basename -- "$target")
    kept=build/fuzz/$name
    seeds=tests/fuzz/corpus/$name
    mkdir -p "$kept/corpus"
    [ -d "$seeds" ] || seeds=
    if "$target" -max_total_time="$seconds" -timeout="$input_timeout" \
        -artifact_prefix="$kept/" -print_final_stats=1 \
        "$kept/corpus" $seeds \
        > "$kept/log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$kept/log")
        echo "ok - $name: $runs runs in $seconds s"
        exit 0
    fi
    tail -n 40 "$kept/log" | sed 's/^/# /'
    echo "not ok - $name: the input is in $kept/"
    exit 1
fi

[ $# -eq 1 ] && [ "$1" -gt 0 ] 2>/dev/null || {
    echo "usage: fuzz.sh SECONDS" >&2
    exit 2
}
self=$(realpath -- "$0")
cd -- "$(dirname -- "$self")/.."

targets=$(find build/native-fuzz/tests/fuzz -maxdepth 1 -type f \
    -name 'fuzz-*' -perm -u+x | sort)
number=$(echo "$targets" | grep -c . || true)
[ "$number" -gt 0 ] || {
    echo "Bail out! no fuzz target was built"
    exit 1
}

echo "1..$number"
echo "$targets" | xargs -d '\n' -n 1 -P "$(nproc)" "$self" --one "$1"
