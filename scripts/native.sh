#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# native.sh native|asan|fuzz|bench [NINJA TARGET...]
#
# The stand-alone build (meson.build), in one of four kinds: as it is used
# (build/native), with AddressSanitizer and UndefinedBehaviorSanitizer
# (build/native-asan), with the fuzz targets (build/native-fuzz), and with the
# benchmarks (build/native-bench).
set -eu

cd -- "$(dirname -- "$0")/.."

die() {
    echo "native: error: $*" >&2
    exit 1
}

[ $# -ge 1 ] || die "native.sh native|asan|fuzz|bench [NINJA TARGET...]"
kind=$1
shift

[ -r build/config.status ] || die "run ./configure first"
. build/config.status

sanitize='-Db_sanitize=address,undefined -Db_lundef=false'
case $kind in
native)
    folder=build/native
    options=
    ;;
asan)
    folder=build/native-asan
    options="$sanitize -Dc_args=-fno-sanitize-recover=all"
    ;;
fuzz)
    folder=build/native-fuzz
    options="$sanitize -Dfuzz=true"
    options="$options -Dc_args=-fsanitize=fuzzer-no-link"
    export CC=clang
    ;;
bench)
    folder=build/native-bench
    options="-Dqemu_source=$SOURCE"
    ;;
*) die "'$kind' must be native, asan, fuzz or bench" ;;
esac
options="--prefix=$PREFIX $options"

inputs() {
    echo "options $options"
    echo "compiler $("${CC:-cc}" --version | head -n 1)"
}

# Two ninjas in one folder would step on each other's toes.
mkdir -p build
exec 9> "$folder.lock"
flock 9

if [ ! -e "$folder/build.ninja" ] ||
    ! inputs | cmp -s - "$folder/xendm-inputs"; then
    rm -rf "$folder"
    mkdir -p "$folder"
    echo "native: configuring $folder (a few seconds)"
    # shellcheck disable=SC2086  # the options are separate words
    meson setup $options "$folder" > "$folder/setup.log" 2>&1 || {
        tail -n 20 "$folder/setup.log" >&2
        die "meson failed (log: $folder/setup.log)"
    }
    inputs > "$folder/xendm-inputs"
fi
ninja -C "$folder" --quiet "$@" || die "building $folder failed"
