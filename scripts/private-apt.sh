# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shell functions that ask apt for packages of suites that the system does
# not use, without touching the system's own apt configuration.  Everything
# is kept below one folder.  The mirrors are those that the system's apt
# uses; Debian's keyring signs, apt checks.  Sourced by debian-source.sh,
# host-tools.sh and arm64-sysroot.sh, which set $private_apt to the folder.
#
# With $private_architecture set, packages are asked for as on a machine of
# that architecture on which nothing is installed.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() {
    echo "$(basename -- "$0" .sh): $*" >&2
}

die() {
    say "error: $*"
    exit 1
}

# Every address that the system's apt uses, with the release it is used for:
# "URI RELEASE".  indextargets knows only what was downloaded before; a fresh
# machine has nothing yet, but can say what it would download.
system_mirrors() {
    {
        apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
            'Created-By: Packages' 2> /dev/null || true
        apt-get update --print-uris 2> /dev/null |
            sed -n "s|^'\(.*/\)dists/\(.*\)/InRelease'.*|\1 \2|p"
    } | awk '!seen[$0]++'
}

# mirrors KIND: the candidates for Debian's own archive (KIND main) or its
# security archive (KIND security), one a line.  Releases of others often
# carry the same names: the likely ones stand first, a signature decides.
mirrors() {
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    case $1 in
    main)
        system_mirrors | awk -v c="$codename" '
            $2 == c || $2 == c "-updates" {
                if ($1 ~ /\/debian\/$/) { print "1 " $1 } else { print "2 " $1 }
            }' ;;
    security)
        system_mirrors | awk -v c="$codename" '
            $2 == c "-security" || $2 == c "/updates" { print "1 " $1 }' ;;
    esac | sort -u | cut -d ' ' -f 2
}

write_apt_configuration() {
    mkdir -p "$private_apt/sources" "$private_apt/state/lists/partial" \
        "$private_apt/cache/archives/partial"
    cat > "$private_apt/apt.conf" <<EOF
Dir::State "$private_apt/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$private_apt/cache";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$private_apt/sources";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
EOF
    if [ -n "${private_architecture:-}" ]; then
        : > "$private_apt/status"
        cat >> "$private_apt/apt.conf" <<EOF
Dir::State::status "$private_apt/status";
APT::Architecture "$private_architecture";
APT::Architectures { "$private_architecture"; };
EOF
    fi
}

# add_suite TYPE SUITE: make a suite known and fetch its index; false if no
# mirror of the system's apt offers it.
add_suite() {
    case $2 in
    *-security) kind=security ;;
    *) kind=main ;;
    esac
    file=$private_apt/sources/$2.sources
    found=$(mirrors "$kind")
    [ -n "$found" ] ||
        echo "E: the system's apt has no mirror for it" >> "$private_apt/log"
    for uri in $found; do
        cat > "$file" <<EOF
Types: $1
URIs: $uri
Suites: $2
Components: main
Signed-By: $keyring
EOF
        if apt-get -c "$private_apt/apt.conf" update --error-on=any \
            -o Dir::Etc::SourceParts=/dev/null \
            -o Dir::Etc::SourceList="$file" \
            >> "$private_apt/log" 2>&1; then
            return 0
        fi
    done
    rm -f "$file"
    return 1
}

# The last error that apt gave.
apt_reason() {
    sed -n 's/^E: //p' "$private_apt/log" | tail -n 1
}

# private_apt_open TYPE SUITE...: TYPE is deb or deb-src.
private_apt_open() {
    type=$1
    shift
    [ -r "$keyring" ] ||
        die "$keyring is missing (package debian-archive-keyring)"
    [ -n "$(mirrors main)" ] ||
        die "the system's apt knows no Debian mirror (see apt-get indextargets)"
    rm -rf "$private_apt/sources"
    write_apt_configuration
    : > "$private_apt/log"
    opened=
    for suite in "$@"; do
        if add_suite "$type" "$suite"; then
            opened="$opened $suite"
        else
            say "goes on without suite $suite: $(apt_reason)"
        fi
    done
    [ -n "$opened" ]
}
