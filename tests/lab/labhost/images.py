# SPDX-License-Identifier: GPL-2.0-or-later
"""The images that a lab machine boots from.

packages    Debian's packages, unpacked and trimmed        (network, slow)
system      hypervisor, kernel, initramfs, dom0's root disk, guest's ramdisk
tools       our small programs for dom0
run         a small disk with all that changes from run to run
"""

import gzip
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import cache, command, kernel, packages, paths
from .errors import LabError
from .modules import Modules

# Free space in an image of which little is written, bytes.
SLACK = 16 << 20

# Where dom0's dynamic linker looks.
LIBRARY_FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu",
                   "lib64", "usr/lib")

# The parts of the root file system that programs expect and no package holds.
FOLDERS = ("dev", "proc", "sys", "run", "tmp", "var", "mnt", "root", "lab",
           "etc")

# As which libxl runs restricted device models: the first of a range, to which
# the domain's number is added; and who ends them.
RESTRICTED_USERS = (
    "xen-qemuuser-range-base:x:131072:65534::/:/bin/false\n"
    "xen-qemuuser-reaper:x:131071:65534::/:/bin/false\n")


@dataclass(frozen=True)
class System:
    """What a machine boots, apart from the disk of the run."""

    hypervisor: Path
    kernel: Path
    initramfs: Path
    root_disk: Path
    guest_kernel: Path
    guest_ramdisk: Path
    libraries: Path  # a root folder with dom0's


def _package_tree() -> tuple[str, Path]:
    names = paths.read_list(paths.CONFIG / "dom0-packages.txt")
    lists = [paths.CONFIG / f"{name}-modules.txt"
             for name in ("dom0", "initramfs", "guest")]
    modules = [name for path in lists for name in paths.read_list(path)]
    here = Path(__file__).parent
    packages.sources()
    key = cache.key(packages.resolve(names), *lists, here / "packages.py",
                    here / "modules.py")

    def make(folder: Path) -> None:
        packages.unpack(names, folder)
        Modules(folder).keep_only(modules)
        packages.compile_python(folder)

    why = "unpack Debian's packages for dom0 (about 20 s, network)"
    return key, cache.get("packages", key, why, make)


def system() -> System:
    """The images of dom0 and of the small Linux guest."""
    package_key, tree = _package_tree()
    inputs = [paths.CONFIG / "initramfs-modules.txt",
              paths.CONFIG / "guest-modules.txt", paths.LAB / "dom0/initramfs",
              paths.LAB / "guest/init", Path(__file__)]
    inputs.append(Path(kernel.__file__))
    key = cache.key(package_key, *inputs)

    def make(folder: Path) -> None:
        modules = Modules(tree)
        _hypervisor(tree, folder / "xen")
        packed_kernel = tree / "boot" / f"vmlinuz-{modules.version}"
        shutil.copy(packed_kernel, folder / "vmlinuz")
        (folder / "vmlinux").write_bytes(kernel.unpack(packed_kernel))
        _ramdisk(tree, modules, "initramfs", paths.LAB / "dom0/initramfs",
                 folder / "initramfs")
        _ramdisk(tree, modules, "guest", paths.LAB / "guest/init",
                 folder / "guest-ramdisk")
        _root_disk(tree, folder / "root.ext4")

    folder = cache.get("system", key, "make dom0's disk and ramdisks", make)
    return System(folder / "xen", folder / "vmlinux", folder / "initramfs",
                  folder / "root.ext4", folder / "vmlinuz",
                  folder / "guest-ramdisk", tree)


def _hypervisor(tree: Path, target: Path) -> None:
    """Xen as an ELF file: QEMU's multiboot loader reads no gzip."""
    found = sorted((tree / "boot").glob("xen-4.17-amd64.gz"))
    if not found:
        raise LabError("the hypervisor's package has no xen-4.17-amd64.gz")
    with gzip.open(found[0]) as packed, target.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)


def _ramdisk(tree: Path, modules: Modules, name: str, init: Path,
             target: Path) -> None:
    """A compressed cpio archive with busybox, modules and an init script."""
    staging = target.with_suffix(".tree")
    for folder in ("bin", "dev", "proc", "sys", "newroot"):
        (staging / folder).mkdir(parents=True)
    shutil.copy(tree / "bin/busybox", staging / "bin")
    (staging / "bin/sh").symlink_to("busybox")
    names = paths.read_list(paths.CONFIG / f"{name}-modules.txt")
    order = modules.copy(names, staging / "modules")
    (staging / "modules/order").write_text("\n".join(order) + "\n")
    shutil.copy(init, staging / "init")
    (staging / "init").chmod(0o755)
    _pack(staging, target)
    shutil.rmtree(staging)


def _pack(staging: Path, target: Path) -> None:
    names = sorted(str(path.relative_to(staging))
                   for path in staging.rglob("*"))
    argv = [command.find("cpio", "cpio"), "--quiet", "--create",
            "--format=newc", "--owner=0:0"]
    done = subprocess.run(argv, input="\n".join(names).encode(), cwd=staging,
                          capture_output=True, check=False)
    if done.returncode:
        raise LabError(f"cpio failed: {done.stderr.decode().strip()}")
    target.write_bytes(gzip.compress(done.stdout, 1))


def _root_disk(tree: Path, target: Path) -> None:
    staging = target.with_suffix(".tree")
    # Hard links: the tree is only read, and stays as the packages made it.
    shutil.copytree(tree, staging, symlinks=True, copy_function=os.link,
                    ignore=lambda folder, _: _left_out(tree, folder))
    for folder in FOLDERS:
        (staging / folder).mkdir(exist_ok=True)
    _busybox_links(staging)
    _accounts(staging)
    _disk(staging, target)
    shutil.rmtree(staging)


def _left_out(tree: Path, folder: str) -> list[str]:
    """Boot files are not read from dom0's disk; /var is made at boot."""
    return ["boot", "var"] if Path(folder) == tree else []


def _busybox_links(root: Path) -> None:
    """Commands that no package here brings are busybox's."""
    listed = command.run([root / "bin/busybox", "--list"])
    for name in listed.split():
        places = [root / place / name
                  for place in ("bin", "sbin", "usr/bin", "usr/sbin")]
        if not any(os.path.lexists(place) for place in places):
            places[0].symlink_to("/bin/busybox")


def _accounts(root: Path) -> None:
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n"
                                     "nobody:x:65534:65534::/:/bin/false\n"
                                     + RESTRICTED_USERS)
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost dom0\n")


def _disk(staging: Path, target: Path) -> None:
    """An ext4 file system with the contents of a folder, without mounting."""
    used = sum(path.lstat().st_size + 4096 for path in staging.rglob("*"))
    blocks = (used + used // 10 + SLACK) // 4096
    command.run([command.find("mke2fs", "e2fsprogs"), "-q", "-F",
                 "-t", "ext4", "-b", "4096", "-m", "0",
                 "-O", "^has_journal,^metadata_csum",
                 "-E", "root_owner=0:0,lazy_itable_init=1",
                 "-d", staging, target, str(blocks)])


def tools() -> Path:
    """The folder with our small programs, compiled for dom0."""
    sources = sorted((paths.LAB / "tools").glob("*.c"))
    compiler = command.find("cc", "gcc")
    pkg_config = command.find("pkg-config", "pkgconf")
    libraries = ["xencontrol", "xenstore"]
    flags = command.run([pkg_config, "--cflags", "--libs",
                         *libraries]).split()
    versions = command.run([pkg_config, "--modversion", *libraries])
    key = cache.key(versions, Path(__file__), *sources)

    def make(folder: Path) -> None:
        for source in sources:
            command.run([compiler, "-std=gnu11", "-O2",
                         "-Wall", "-Wextra", "-Werror", "-o",
                         folder / source.stem, source, *flags])

    return cache.get("tools", key, "compile the tools for dom0", make)


def run_disk(built: System, programs: dict[str, Path],
             scenarios: dict[str, Path], files: list[Path],
             target: Path) -> None:
    """Make the disk with everything that changes from run to run.

    programs maps names in /lab/bin to files, scenarios maps names to scenario
    files; files go to /lab/files.
    """
    staging = target.with_suffix(".tree")
    for name in ("dom0", "lib"):
        shutil.copytree(paths.LAB / name, staging / name)
    for name, path in scenarios.items():
        copy = staging / f"{name}.sh"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    (staging / "bin").mkdir()
    for name, program in programs.items():
        _check_libraries(program, built.libraries)
        shutil.copy(_stripped(name, program), staging / "bin" / name)
    for path in tools().iterdir():
        shutil.copy(path, staging / "bin")
    shutil.copy(paths.PROJECT / "toolstack/qemu-restricted", staging / "bin")
    # The program that it expects beside it.
    (staging / "bin/qemu-system-i386").symlink_to("qemu")
    for name in ("qemu", "qemu-stock"):
        (staging / f"bin/lab-start-{name}").symlink_to("lab-start-time")
    (staging / "guest").mkdir()
    shutil.copy(built.guest_kernel, staging / "guest/vmlinuz")
    shutil.copy(built.guest_ramdisk, staging / "guest/ramdisk")
    # A number for SeaBIOS, little-endian.
    (staging / "guest/zero").write_bytes(bytes(8))
    (staging / "files").mkdir()
    for path in files:
        shutil.copy(path, staging / "files")
    _disk(staging, target)
    shutil.rmtree(staging)


def _check_libraries(program: Path, tree: Path) -> None:
    """Without this, a missing library would show as a guest that fails."""
    listed = command.run([command.find("readelf", "binutils"), "--dynamic",
                          "--wide", program])
    for library in re.findall(r"\(NEEDED\).*\[(.*)\]", listed):
        places = (tree / place / library for place in LIBRARY_FOLDERS)
        if not any(os.path.lexists(place) for place in places):
            raise LabError(
                f"{paths.shown(program)} needs {library}, which dom0 does not "
                "have: add its package to "
                f"{paths.shown(paths.CONFIG / 'dom0-packages.txt')}")


def _stripped(name: str, program: Path) -> Path:
    """A copy without debug information, which dom0 has no use for."""
    strip = command.find("strip", "binutils")
    key = cache.key(program)

    def make(folder: Path) -> None:
        command.run([strip, "-o", folder / "program", program])

    shelf = f"stripped/{name}"
    why = f"strip {paths.shown(program)}"
    return cache.get(shelf, key, why, make) / "program"
