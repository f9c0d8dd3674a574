#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install.sh install|uninstall
#
# Install our QEMU below the prefix's libexec folder, where it replaces
# nothing, and the toolstack programs where meson puts them.  $DESTDIR is put
# in front of every path.
set -eu

cd -- "$(dirname -- "$0")/.."

[ -r build/config.status ] || {
    echo "install: error: run ./configure and make first" >&2
    exit 1
}
. build/config.status
folder=${DESTDIR:-}$PREFIX/libexec/xendm
case $(uname -m) in
aarch64) built=build/qemu-arm64/qemu-system-aarch64 ;;
*) built=build/qemu/qemu-system-i386 ;;
esac
qemu=$folder/${built##*/}
restricted=$folder/qemu-restricted
log=build/native/meson-logs/install-log.txt

case ${1:-} in
install)
    install -D -m 755 "$built" "$qemu"
    install -m 755 toolstack/qemu-restricted "$restricted"
    meson install -C build/native --no-rebuild --quiet
    echo "$qemu"
    echo "$restricted"
    grep -v '^#' "$log" | while read -r path; do
        [ -d "$path" ] || echo "$path"
    done
    ;;
uninstall)
    rm -f "$qemu" "$restricted"
    rmdir "$folder" 2> /dev/null || true
    [ ! -r "$log" ] || ninja -C build/native --quiet uninstall
    ;;
*)
    echo "usage: install.sh install|uninstall" >&2
    exit 2
    ;;
esac
