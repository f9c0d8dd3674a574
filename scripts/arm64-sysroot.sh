#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# arm64-sysroot.sh FOLDER
#
# What a cross compiler for arm64 needs: this Debian release's arm64 packages
# of the libraries that we link to, unpacked in FOLDER/sysroot, and
# FOLDER/pkg-config, a pkg-config that looks only there.  They are unpacked,
# not installed: libxen-dev of two architectures cannot be installed together.
# What is there and was made with the same list of packages is kept.
set -eu

[ $# -eq 1 ] || {
    echo "usage: arm64-sysroot.sh FOLDER" >&2
    exit 2
}
mkdir -p "$1"
folder=$(cd -- "$1" && pwd)

private_apt=$folder/apt
private_architecture=arm64
. "$(dirname -- "$0")/private-apt.sh"

packages='libc6-dev libfdt-dev libglib2.0-dev libjson-glib-dev
    libpixman-1-dev libxen-dev zlib1g-dev'
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
triplet=aarch64-linux-gnu

download() {
    rm -rf "$private_apt/cache/archives"
    mkdir -p "$private_apt/cache/archives/partial"
    # shellcheck disable=SC2086  # the names are separate words
    apt-get -c "$private_apt/apt.conf" install --download-only --yes \
        --no-install-recommends $packages >> "$private_apt/log" 2>&1 ||
        die "the arm64 packages could not be downloaded: $(apt_reason)"
}

# A link to /lib/... would lead out of the sysroot.
keep_links_inside() {
    find "$1" -type l -lname '/*' | while read -r link; do
        ln -snfr "$1$(readlink "$link")" "$link"
    done
}

write_pkg_config() {
    places=$folder/sysroot/usr/lib/$triplet/pkgconfig
    places=$places:$folder/sysroot/usr/share/pkgconfig
    cat > "$folder/pkg-config" <<END
#!/bin/sh
# Made by arm64-sysroot.sh.
export PKG_CONFIG_SYSROOT_DIR='$folder/sysroot'
export PKG_CONFIG_LIBDIR='$places'
exec pkg-config "\$@"
END
    chmod +x "$folder/pkg-config"
}

made_of=$(echo "$release $folder" $packages)
if [ "$(cat "$folder/made-of" 2> /dev/null)" = "$made_of" ]; then
    exit 0
fi
say "fetching $release's libraries for arm64 (half a minute)"
rm -rf "$folder/made-of" "$folder/sysroot"
private_apt_open deb "$release" "$release-updates" "$release-security" ||
    die "no mirror could be read: is the network there? ($(apt_reason))"
download
mkdir "$folder/sysroot"
for deb in "$private_apt"/cache/archives/*.deb; do
    dpkg-deb -x "$deb" "$folder/sysroot"
done
rm -rf "$private_apt/cache/archives"
keep_links_inside "$folder/sysroot"
write_pkg_config
echo "$made_of" > "$folder/made-of"
