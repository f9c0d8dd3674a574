#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# debian-source.sh PACKAGE SERIES FOLDER SUITE...
#
# Fetch the newest version SERIES.x of a Debian source package that the
# suites offer and unpack it as FOLDER/PACKAGE-VERSION (VERSION without its
# epoch), with its files made read-only.  Prints that folder's path.  apt
# checks the signatures.  All intermediate files stay below FOLDER.
set -eu

[ $# -ge 4 ] || {
    echo "usage: debian-source.sh PACKAGE SERIES FOLDER SUITE..." >&2
    exit 2
}
package=$1
series=$2
mkdir -p "$3"
folder=$(cd -- "$3" && pwd)
shift 3

private_apt=$folder/apt
. "$(dirname -- "$0")/private-apt.sh"

# Versions SERIES.x on offer, the newest first; no release candidates.
versions() {
    apt-cache -c "$private_apt/apt.conf" showsrc --only-source "$package" |
        sed -n 's/^Version: //p' |
        awk -v series="$series." '
            { upstream = $0; sub(/^[0-9]+:/, "", upstream) }
            index(upstream, series) == 1 && upstream !~ /~rc/' |
        sort -u -V -r
}

# download VERSION: the package's files, into $folder/download.
download() {
    rm -rf "$folder/download"
    mkdir "$folder/download"
    (cd "$folder/download" &&
        apt-get -c "$private_apt/apt.conf" source --download-only \
            --only-source "$package=$1") >> "$private_apt/log" 2>&1
}

unpack() {
    rm -rf "$folder/unpack"
    dpkg-source --no-copy -x "$folder"/download/*.dsc "$folder/unpack" \
        >> "$private_apt/log" 2>&1 || {
        tail -n 5 "$private_apt/log" >&2
        die "dpkg-source could not unpack $package (log: $private_apt/log)"
    }
    find "$folder/unpack" -type f -exec chmod a-w {} +
    mv "$folder/unpack" "$1"
    rm -rf "$folder/download"
}

say "asking the mirror for $package $series.x in $* (half a minute)"
private_apt_open deb-src "$@" ||
    die "no mirror could be read: is the network there? ($(apt_reason))"
offer=$(versions)
[ -n "$offer" ] || die "no $package $series.x in:$opened"

for version in $offer; do
    tree=$folder/$package-${version#*:}
    if [ ! -d "$tree" ]; then
        say "fetching and unpacking $package $version (half a minute)"
        # A mirror that is being updated may list a file it does not have.
        download "$version" || {
            say "$version is listed but cannot be had, trying an older one"
            continue
        }
        unpack "$tree"
    fi
    echo "$tree"
    exit 0
done
die "no $package $series.x could be downloaded: $(apt_reason)"
