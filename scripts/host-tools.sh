#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# host-tools.sh FOLDER PYTHON VERSION
#
# QEMU's build wants a newer meson than Debian 12 has.  Unless PYTHON already
# finds meson VERSION or newer, fetch it from this release's backports and
# unpack it below FOLDER.  Prints the folder to put on PYTHONPATH, or nothing
# if none is needed.
set -eu

[ $# -eq 3 ] || {
    echo "usage: host-tools.sh FOLDER PYTHON VERSION" >&2
    exit 2
}
mkdir -p "$1"
folder=$(cd -- "$1" && pwd)
python=$2
least=$3
modules=$folder/usr/lib/python3/dist-packages

private_apt=$folder/apt
. "$(dirname -- "$0")/private-apt.sh"

new_enough() {
    PYTHONPATH=$1 "$python" - "$least" <<'EOF'
import sys


def numbers(version):
    return [int(part) for part in version.split(".")[:3]]


try:
    from mesonbuild.coredata import version
    sys.exit(numbers(version) < numbers(sys.argv[1]))
except (ImportError, ValueError):
    sys.exit(1)
EOF
}

if new_enough ''; then
    exit 0
fi
if new_enough "$modules"; then
    echo "$modules"
    exit 0
fi

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")-backports
say "fetching meson from $suite (half a minute)"
private_apt_open deb "$suite" ||
    die "$suite cannot be read: is the network there? ($(apt_reason))"
rm -rf "$folder/download"
mkdir "$folder/download"
(cd "$folder/download" && apt-get -c "$private_apt/apt.conf" download \
    meson python3-pycotap) >> "$private_apt/log" 2>&1 || {
    die "meson could not be downloaded from $suite: $(apt_reason)"
}
for deb in "$folder"/download/*.deb; do
    dpkg-deb -x "$deb" "$folder"
done
rm -rf "$folder/download"
new_enough "$modules" ||
    die "$suite has no meson $least or newer, which QEMU needs"
echo "$modules"
