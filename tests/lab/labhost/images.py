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

from . import architectures, cache, command, kernel, packages, paths
from .architectures import Architecture, Kind
from .errors import LabError
from .modules import Modules
from .products import PRODUCTS

# Free space in an image of which little is written, bytes.
SLACK = 16 << 20

# Tools that guests have too, linked statically.
GUEST_TOOLS = ("lab-grant",)
TOOL_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")

# Releases whose kernels Arm guests may boot, too.  Debian 12's kernel cannot
# use extended regions, Debian 13's does.
MORE_KERNELS = {"arm64": ("trixie",)}

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

    machine: Kind
    hypervisor: Path
    kernel: Path
    initramfs: Path
    root_disk: Path
    guest: Path  # a folder with the guests' kernels and ramdisks
    libraries: Path  # a root folder with dom0's


def _module_lists() -> list[Path]:
    return [paths.CONFIG / f"{name}-modules.txt"
            for name in ("dom0", "initramfs", "guest")]


def _modules_for(architecture: Architecture) -> list[str]:
    return [name for path in _module_lists()
            for name in paths.read_list(path, architecture.name)]


def _unpackers() -> list[Path]:
    here = Path(__file__).parent
    return [*_module_lists(), here / "packages.py", here / "modules.py"]


def _package_tree(architecture: Architecture) -> tuple[str, Path]:
    names = paths.read_list(paths.CONFIG / "dom0-packages.txt",
                            architecture.name)
    packages.sources()
    key = cache.key(packages.resolve(names, architecture), *_unpackers())

    def make(folder: Path) -> None:
        packages.unpack(names, architecture, folder)
        Modules(folder).keep_only(_modules_for(architecture))
        packages.compile_python(folder, architecture)

    why = (f"unpack Debian's packages for dom0 ({architecture.name}; about "
           "20 s, network)")
    return key, cache.get(_shelf("packages", architecture), key, why, make)


def _kernel_tree(architecture: Architecture,
                 codename: str) -> tuple[str, Path]:
    """Another release's kernel and those of its modules that guests load."""
    resolved = packages.resolve([codename], architecture)
    key = cache.key(resolved, *_unpackers())

    def make(folder: Path) -> None:
        packages.unpack_kernel(architecture, codename, folder)
        Modules(folder).keep_only(paths.read_list(
            paths.CONFIG / "guest-modules.txt", architecture.name))

    why = f"unpack the kernel of Debian's {codename} (10 s, network)"
    return key, cache.get(_shelf(f"kernel-{codename}", architecture), key,
                          why, make)


def _shelf(name: str, architecture: Architecture) -> str:
    """A shelf of its own for each, as a shelf keeps only the last few."""
    return f"{name}-{architecture.name}"


def system(machine: Kind) -> System:
    """The images of dom0 and of the small Linux guest."""
    architecture = machine.architecture
    package_key, tree = _package_tree(architecture)
    more = {codename: _kernel_tree(architecture, codename)
            for codename in MORE_KERNELS.get(architecture.name, ())}
    tool_key, guest_tools = _guest_tools(architecture)
    key = cache.key(package_key, tool_key,
                    *(key for key, _ in more.values()),
                    *_module_lists(), paths.LAB / "dom0/initramfs",
                    paths.LAB / "guest/init", Path(__file__),
                    Path(kernel.__file__))

    def make(folder: Path) -> None:
        modules = Modules(tree)
        _boot_files(tree, modules, architecture, folder)
        _ramdisk([tree / "bin/busybox"], modules, "initramfs", architecture,
                 paths.LAB / "dom0/initramfs", folder / "initramfs")
        (folder / "guest").mkdir()
        programs = [tree / "bin/busybox", *sorted(guest_tools.iterdir())]
        _guest(programs, tree, architecture, folder / "guest", "")
        for codename, (_, kernel_tree) in more.items():
            _guest(programs, kernel_tree, architecture, folder / "guest",
                   f"-{codename}")
        _root_disk(tree, folder / "root.ext4")

    folder = cache.get(_shelf("system", architecture), key,
                       f"make dom0's disk and ramdisks ({architecture.name})",
                       make)
    hypervisor = folder / "xen"
    if machine.hypervisor:
        hypervisor = PRODUCTS[machine.hypervisor].path
    return System(machine, hypervisor, folder / "vmlinux",
                  folder / "initramfs", folder / "root.ext4",
                  folder / "guest", tree)


def _boot_files(tree: Path, modules: Modules, architecture: Architecture,
                folder: Path) -> None:
    """The hypervisor and dom0's kernel, as QEMU and Xen want them."""
    packed_kernel = tree / "boot" / f"vmlinuz-{modules.version}"
    if architecture == architectures.ARM64:
        # Both are plain images already.
        _copy(tree / "boot/xen-4.17-arm64", folder / "xen")
        _copy(packed_kernel, folder / "vmlinux")
        return
    _hypervisor(tree, folder / "xen")
    (folder / "vmlinux").write_bytes(kernel.unpack(packed_kernel))


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise LabError(f"the packages for dom0 brought no {source.name}")
    shutil.copy(source, target)


def _hypervisor(tree: Path, target: Path) -> None:
    """Xen as an ELF file: QEMU's multiboot loader reads no gzip."""
    found = sorted((tree / "boot").glob("xen-4.17-amd64.gz"))
    if not found:
        raise LabError("the hypervisor's package has no xen-4.17-amd64.gz")
    with gzip.open(found[0]) as packed, target.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)


def _guest(programs: list[Path], kernel_tree: Path,
           architecture: Architecture, folder: Path, suffix: str) -> None:
    """The small Linux guest with one kernel: vmlinuz and ramdisk."""
    modules = Modules(kernel_tree)
    shutil.copy(kernel_tree / "boot" / f"vmlinuz-{modules.version}",
                folder / f"vmlinuz{suffix}")
    _ramdisk(programs, modules, "guest", architecture,
             paths.LAB / "guest/init", folder / f"ramdisk{suffix}")


def _ramdisk(programs: list[Path], modules: Modules, name: str,
             architecture: Architecture, init: Path, target: Path) -> None:
    """A compressed cpio archive with programs, modules and an init script.

    One of the programs is busybox.
    """
    staging = target.with_suffix(".tree")
    for folder in ("bin", "dev", "proc", "sys", "newroot"):
        (staging / folder).mkdir(parents=True)
    for program in programs:
        shutil.copy(program, staging / "bin")
    (staging / "bin/sh").symlink_to("busybox")
    names = paths.read_list(paths.CONFIG / f"{name}-modules.txt",
                            architecture.name)
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
    if not os.path.lexists(staging / "bin/sh"):
        (staging / "bin/sh").symlink_to("busybox")
    _accounts(staging)
    _disk(staging, target)
    shutil.rmtree(staging)


def _left_out(tree: Path, folder: str) -> list[str]:
    """Boot files are not read from dom0's disk; /var is made at boot."""
    return ["boot", "var"] if Path(folder) == tree else []


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


def tools(architecture: Architecture) -> Path:
    """The folder with our small programs, compiled for dom0."""
    sources = sorted((paths.LAB / "tools").glob("*.c"))
    chain = architectures.toolchain(architecture)
    libraries = ["xencontrol", "xenforeignmemory", "xenstore"]
    flags = command.run([chain.pkg_config, "--cflags", "--libs",
                         *libraries]).split()
    versions = command.run([chain.pkg_config, "--modversion", *libraries])
    key = cache.key(versions, chain.libraries, Path(__file__), *sources)

    def make(folder: Path) -> None:
        for source in sources:
            command.run([*chain.compiler, *TOOL_FLAGS, "-o",
                         folder / source.stem, source, *flags])

    return cache.get(_shelf("tools", architecture), key,
                     f"compile the tools for dom0 ({architecture.name})", make)


def _guest_tools(architecture: Architecture) -> tuple[str, Path]:
    """Tools for the guests: static, as they have no libraries."""
    sources = [paths.LAB / f"tools/{name}.c" for name in GUEST_TOOLS]
    chain = architectures.toolchain(architecture)
    key = cache.key(chain.libraries, Path(__file__), *sources)

    def make(folder: Path) -> None:
        for source in sources:
            command.run([*chain.compiler, *TOOL_FLAGS, "-static", "-s", "-o",
                         folder / source.stem, source])

    return key, cache.get(_shelf("guest-tools", architecture), key,
                          f"compile the guest's tools ({architecture.name})",
                          make)


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
    architecture = built.machine.architecture
    for name, program in programs.items():
        _check_libraries(program, built.libraries, architecture)
        shutil.copy(_stripped(name, program, architecture),
                    staging / "bin" / name)
    for path in tools(architecture).iterdir():
        shutil.copy(path, staging / "bin")
    for script in ("qemu-restricted", "xendm-empty-image"):
        shutil.copy(paths.PROJECT / "toolstack" / script, staging / "bin")
    # The program that it expects beside it.
    (staging / "bin/qemu-system-i386").symlink_to("qemu")
    for name in ("qemu", "qemu-stock"):
        (staging / f"bin/lab-start-{name}").symlink_to("lab-start-time")
    shutil.copytree(built.guest, staging / "guest")
    # A number for SeaBIOS, little-endian.
    (staging / "guest/zero").write_bytes(bytes(8))
    (staging / "files").mkdir()
    for path in files:
        shutil.copy(path, staging / "files")
    _disk(staging, target)
    shutil.rmtree(staging)


def _check_libraries(program: Path, tree: Path,
                     architecture: Architecture) -> None:
    """Without this, a missing library would show as a guest that fails."""
    listed = command.run([command.find("readelf", "binutils"), "--dynamic",
                          "--wide", program])
    for library in re.findall(r"\(NEEDED\).*\[(.*)\]", listed):
        places = (tree / place / library 
                  for place in architecture.library_folders)
        if not any(os.path.lexists(place) for place in places):
            raise LabError(
                f"{paths.shown(program)} needs {library}, which dom0 does not "
                "have: add its package to "
                f"{paths.shown(paths.CONFIG / 'dom0-packages.txt')}")


def _stripped(name: str, program: Path, architecture: Architecture) -> Path:
    """A copy without debug information, which dom0 has no use for."""
    strip = architectures.toolchain(architecture).strip
    key = cache.key(program)

    def make(folder: Path) -> None:
        command.run([strip, "-o", folder / "program", program])

    shelf = f"stripped/{name}"
    why = f"strip {paths.shown(program)}"
    return cache.get(shelf, key, why, make) / "program"
