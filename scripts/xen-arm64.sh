#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xen-arm64.sh SOURCES FOLDER
#
# Xen 4.17 for arm64 with ioreq servers, for the lab: FOLDER/xen.  Debian's
# own binary has none (see docs/devel/lab.rst), and then no device model can
# serve a guest.  The source is Debian's, fetched below SOURCES, unchanged; the
# configuration is Debian's plus CONFIG_IOREQ_SERVER, which is shown only with
# CONFIG_EXPERT.
set -eu

[ $# -eq 2 ] || {
    echo "usage: xen-arm64.sh SOURCES FOLDER" >&2
    exit 2
}
scripts=$(cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$1" "$2"
sources=$(cd -- "$1" && pwd)
folder=$(cd -- "$2" && pwd)

series=4.17
release=bookworm
options='CONFIG_EXPERT=y
CONFIG_IOREQ_SERVER=y'

die() {
    echo "xen-arm64: error: $*" >&2
    exit 1
}

prefix=
[ "$(uname -m)" = aarch64 ] || prefix=aarch64-linux-gnu-
command -v "${prefix}gcc" > /dev/null ||
    die "${prefix}gcc is missing (package gcc-aarch64-linux-gnu)"

# configure fetches below the same folder.
exec 9> "$(dirname -- "$sources")/configure.lock"
flock 9

if [ ! -d "$(cat "$folder/source" 2> /dev/null)" ]; then
    "$scripts/debian-source.sh" xen "$series" "$sources" "$release" \
        "$release-updates" "$release-security" > "$folder/source.new" ||
        die "Xen's source could not be fetched"
    mv "$folder/source.new" "$folder/source"
fi
source=$(cat "$folder/source")

inputs() {
    echo "$source"
    "${prefix}gcc" --version | head -n 1
    echo "$options"
}
if [ -e "$folder/xen" ] && inputs | cmp -s - "$folder/inputs"; then
    echo "xen-arm64: up to date: $folder/xen"
    exit 0
fi

xen_make() {
    make -C "$folder/tree/xen" -j "$(nproc)" XEN_TARGET_ARCH=arm64 \
        CROSS_COMPILE="$prefix" "$@" >> "$folder/log" 2>&1 || {
        tail -n 20 "$folder/log" >&2
        die "make $* failed (log: $folder/log)"
    }
}

echo "xen-arm64: building Xen $series with ioreq servers (a minute)"
rm -rf "$folder/inputs" "$folder/tree" "$folder/xen" "$folder/log"
cp -a --reflink=auto "$source" "$folder/tree"
chmod -R u+w "$folder/tree"
{
    cat "$source/debian/xen-kconfig"
    echo "$options"
} > "$folder/tree/xen/.config"
xen_make olddefconfig
grep -qx CONFIG_IOREQ_SERVER=y "$folder/tree/xen/.config" ||
    die "this Xen has no CONFIG_IOREQ_SERVER (see $folder/tree/xen/.config)"
xen_make
cp "$folder/tree/xen/xen" "$folder/xen"
cp "$folder/tree/xen/.config" "$folder/config"
rm -rf "$folder/tree"
inputs > "$folder/inputs"
echo "xen-arm64: up to date: $folder/xen"
