#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Install the Debian packages that debian-packages.txt names and that are
# missing.  Root installs them; anybody else is told the one command.
set -eu
export LC_ALL=C

list=$(dirname -- "$0")/debian-packages.txt

die() {
    echo "deps: error: $*" >&2
    exit 1
}

wanted() {
    sed -e 's/#.*//' -e "/\[!$(dpkg --print-architecture)\]/d" \
        -e 's/\[.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$list" | sort -u
}

# A package counts as there if it, or one that provides it, is installed.
installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
        sed -n -e 's/([^)]*)//g' -e 's/,/ /g' -e 's/^installed //p' |
        tr -s ' ' '\n' | sort -u
}

missing() {
    there=$(mktemp)
    installed > "$there"
    wanted | comm -23 - "$there"
    rm -f "$there"
}

command -v dpkg-query > /dev/null ||
    die "dpkg-query not found: this needs Debian (12 is tested)"

# Lists of what Debian offers: the lab's images are made with them.  A machine
# on which everything is installed may have none.
lists_there() {
    apt-get indextargets --format '$(ORIGIN)' 'Created-By: Packages' |
        grep -qx Debian
}

if [ "$(id -u)" -eq 0 ] && ! lists_there; then
    echo "deps: fetching the lists of Debian's packages (half a minute)"
    apt-get update > /dev/null 2>&1 || true
fi

packages=$(missing | tr '\n' ' ')
if [ -z "$packages" ]; then
    exit 0
fi

command="apt-get install --no-install-recommends -y $packages"
if [ "$(id -u)" -ne 0 ]; then
    die "packages are missing; as root, run:
  apt-get update && $command"
fi

echo "deps: installing $packages(up to 5 minutes)"
export DEBIAN_FRONTEND=noninteractive
command="$command -o DPkg::Lock::Timeout=300"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Old lists name files that the mirror no longer has: update, then once more.
# A list of somebody else's that cannot be updated is no reason to stop.
# shellcheck disable=SC2086  # the names are separate words
if ! $command > "$log" 2>&1; then
    { apt-get update || true; $command; } >> "$log" 2>&1 || {
        cat "$log" >&2
        die "apt-get could not install: $packages"
    }
fi
still=$(missing | tr '\n' ' ')
[ -z "$still" ] || die "still missing after installation: $still"
