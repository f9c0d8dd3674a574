#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu.sh configure|build joined|stock|asan [--arm64] [NINJA TARGET...]
#
# Configure or build one of the QEMUs: "joined" (QEMU with our files) in
# build/qemu, "stock" (QEMU as it is) in build/stock, both with the same
# options; "asan" is joined with AddressSanitizer and
# UndefinedBehaviorSanitizer, in build/qemu-asan.  With --arm64 it is one for Arm guests and arm64 dom0s, in
# build/qemu-arm64 or build/stock-arm64: cross-compiled, unless this machine
# is arm64, where it is the only kind that can be built.  QEMU's configure runs
# only when something it depends on changed.
set -eu

cd -- "$(dirname -- "$0")/.."
root=$(pwd)

die() {
    echo "qemu: error: $*" >&2
    exit 1
}

usage() {
    sed -n '4s/^# /usage: /p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
command=$1
which=$2
shift 2
arm64=
if [ "${1:-}" = --arm64 ]; then
    arm64=-arm64
    shift
fi
# An arm64 dom0 has no x86 guests: QEMU has Xen for them on x86 only.
if [ "$(uname -m)" = aarch64 ]; then
    arm64=-arm64
fi

[ -r build/config.status ] || die "run ./configure first"
. build/config.status

version=$(sed -n "s/^ *version: '\(.*\)',.*/\1/p" meson.build)
case $which in
joined)
    source=$root/build/joined
    folder=build/qemu$arm64
    package="xendm $version"
    ;;
asan)
    source=$root/build/joined
    folder=build/qemu-asan$arm64
    package="xendm $version with sanitizers"
    sanitizers='--enable-asan --enable-ubsan'
    ;;
stock)
    source=$SOURCE
    folder=build/stock$arm64
    package='unmodified, built by xendm'
    ;;
*) usage ;;
esac
if [ -n "$arm64" ]; then
    which=$which' arm64'
    target=aarch64-softmmu
    program=qemu-system-aarch64
else
    target=i386-softmmu
    program=qemu-system-i386
fi

# The cross compiler, where one is needed.
compiler=cc
if [ -n "$arm64" ] && [ "$(uname -m)" != aarch64 ]; then
    cross=$root/build/arm64
    cross_prefix=aarch64-linux-gnu-
    compiler=${cross_prefix}gcc
    command -v "$compiler" > /dev/null ||
        die "$compiler is missing (package gcc-aarch64-linux-gnu)"
    scripts/arm64-sysroot.sh "$cross"
    export PKG_CONFIG="$cross/pkg-config"
fi

# Where Debian's packages have the firmware, ROM files and key maps.
firmware='/usr/share/qemu /usr/share/seabios /usr/lib/ipxe/qemu'

cross_options() {
    echo "--cross-prefix=$cross_prefix"
    echo "--extra-cflags=--sysroot=$cross/sysroot"
    echo "--extra-ldflags=--sysroot=$cross/sysroot"
}

# libxl always passes -vnc.
options() {
    echo "--python=$PYTHON"
    echo "--prefix=$PREFIX"
    echo "--disable-relocatable"
    echo "--firmwarepath=$(echo "$firmware" | tr ' ' ':')"
    echo "--with-pkgversion=$package"
    echo "--without-default-features"
    echo "--enable-xen"
    if [ -n "$arm64" ]; then
        echo "--enable-tpm"
        # Not to run with: QEMU builds virtio-mmio and virtio-pci for Arm only
        # with the machine virt, and that only with TCG or KVM.
        echo "--enable-kvm"
    else
        echo "--enable-xen-pci-passthrough"
    fi
    echo "--enable-vnc"
    echo "--enable-pixman"
    echo "--enable-system"
    echo "--disable-tcg"
    echo "--disable-install-blobs"
    echo "--disable-docs"
    echo "$DEBUG"
    echo "--disable-download"
    echo "--target-list=$target"
    [ -z "${sanitizers:-}" ] || echo "$sanitizers" | tr ' ' '\n'
    [ -z "${cross:-}" ] || cross_options
}

# Everything that makes a build folder useless when it changes.
inputs() {
    echo "source $source"
    echo "version $SOURCE_ID"
    echo "tools $TOOLS"
    echo "compiler $("$compiler" --version | head -n 1)"
    [ -z "${cross:-}" ] || echo "sysroot $(cat "$cross/made-of")"
    options
}

# Python modules of the host tools; compiled Python stays out of the sources.
export PYTHONPATH="$TOOLS"
export PYTHONPYCACHEPREFIX="$root/build/pycache"

# Two ninjas in one folder would step on each other's toes.
lock() {
    exec 9> "$folder.lock"
    flock 9
}

# Run from its build folder, QEMU looks for all files below qemu-bundle.
link_firmware() {
    for from in $firmware; do
        mkdir -p "$folder/qemu-bundle$from"
        for file in "$from"/*; do
            to=$folder/qemu-bundle$file
            [ ! -e "$file" ] || [ -e "$to" ] || ln -sf "$file" "$to"
        done
    done
}

run_configure() {
    rm -rf "$folder"
    mkdir -p "$folder"
    echo "qemu: configuring $which QEMU in $folder (half a minute)"
    (
        cd "$folder"
        IFS='
'
        # shellcheck disable=SC2046  # one option a line
        "$source/configure" $(options) > configure.log 2>&1
    ) || {
        tail -n 20 "$folder/configure.log" >&2
        die "QEMU's configure failed (log: $folder/configure.log)"
    }
    # Lets ninja find meson again when it is called by hand.
    if [ -n "$TOOLS" ]; then
        for site in "$folder"/pyvenv/lib/python3*/site-packages; do
            [ ! -d "$site" ] ||
                echo "$TOOLS" > "$site/xendm-host-tools.pth"
        done
    fi
    [ -n "${cross:-}" ] || link_firmware
    inputs > "$folder/xendm-inputs"
}

configure() {
    if [ -e "$folder/build.ninja" ] && [ -e "$folder/xendm-inputs" ] &&
        inputs | cmp -s - "$folder/xendm-inputs"; then
        return 0
    fi
    run_configure
}

build() {
    configure
    if [ ! -e "$folder/$program" ]; then
        echo "qemu: building $which QEMU in $folder" \
            "(about 3 minutes on two cores)"
    fi
    ninja -C "$folder" --quiet "$@" || die "building $which QEMU failed"
    echo "qemu: $which QEMU is up to date: $folder/$program"
}

lock
case $command in
configure) configure ;;
build) build "${@:-$program}" ;;
*) usage ;;
esac
