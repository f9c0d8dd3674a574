# SPDX-License-Identifier: GPL-2.0-or-later
"""The machines there are, and what differs between processors."""

import platform
from dataclasses import dataclass
from pathlib import Path

from . import command
from .paths import PROJECT


@dataclass(frozen=True)
class Architecture:
    """A processor that dom0 runs on."""

    name: str  # Debian's
    processor: str  # the kernel's
    triplet: str  # GNU's
    linker: str  # the dynamic linker, below the root

    @property
    def native(self) -> bool:
        """It is this host's."""
        return platform.machine() == self.processor

    @property
    def library_folders(self) -> tuple[str, ...]:
        """Where dom0's dynamic linker looks, below the root."""
        return (f"lib/{self.triplet}", f"usr/lib/{self.triplet}",
                str(Path(self.linker).parent), "usr/lib")


AMD64 = Architecture("amd64", "x86_64", "x86_64-linux-gnu",
                     "lib64/ld-linux-x86-64.so.2")
ARM64 = Architecture("arm64", "aarch64", "aarch64-linux-gnu",
                     "lib/ld-linux-aarch64.so.1")


@dataclass(frozen=True)
class Kind:
    """A kind of machine, which a scenario names."""

    name: str
    architecture: Architecture
    hypervisor: str = ""  # the product to boot instead of Debian's Xen


KINDS = {kind.name: kind for kind in (
    Kind("amd64", AMD64),
    Kind("arm64", ARM64),
    Kind("arm64-ioreq", ARM64, "xen-arm64"),
)}
DEFAULT = KINDS["amd64"]


@dataclass(frozen=True)
class Toolchain:
    """What makes programs for an architecture."""

    compiler: list[str]
    pkg_config: str
    strip: str
    libraries: str  # changes when what is linked to may have changed


def toolchain(architecture: Architecture) -> Toolchain:
    """The host's own, or a cross compiler with an unpacked sysroot."""
    if architecture.native:
        return Toolchain([command.find("cc", "gcc")],
                         command.find("pkg-config", "pkgconf"),
                         command.find("strip", "binutils"), "")
    triplet = architecture.triplet
    folder = PROJECT / "build" / architecture.name
    command.run([PROJECT / f"scripts/{architecture.name}-sysroot.sh", folder])
    return Toolchain(
        [command.find(f"{triplet}-gcc", f"gcc-{triplet}"),
         f"--sysroot={folder}/sysroot"],
        str(folder / "pkg-config"),
        command.find(f"{triplet}-strip", f"binutils-{triplet}"),
        (folder / "made-of").read_text())
