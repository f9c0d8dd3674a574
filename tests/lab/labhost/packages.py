# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages, unpacked into a folder without running their scripts.

The packages come through the mirror that apt on this machine is configured
for.  Nothing is installed on this machine and no privilege is needed.
"""

import os
import subprocess
import tarfile
from pathlib import Path

from . import command
from .errors import LabError

# Xen 4.17 is what Debian 12 has.
CODENAME = "bookworm"
ARCHITECTURE = "amd64"

# mmdebstrap's own user name space and mount tricks are not needed to unpack,
# and this mode is allowed everywhere.
MODE = os.environ.get("XENDM_LAB_MMDEBSTRAP_MODE", "chrootless")

# Left out: what no program in dom0 reads.
SKIPPED = ("./dev/", "./usr/share/doc/", "./usr/share/man/",
           "./usr/share/locale/", "./usr/share/info/", "./usr/share/lintian/",
           "./usr/share/bug/", "./usr/share/icons/", "./usr/share/perl5/",
           "./usr/share/bash-completion/", "./usr/share/initramfs-tools/",
           "./usr/lib/klibc/", "./usr/lib/perl", "./lib/udev/",
           "./lib/systemd/", "./var/cache/", "./var/lib/apt/",
           "./usr/lib/debug/", "./boot/System.map", "./usr/share/perl/",
           "./usr/lib/x86_64-linux-gnu/perl")


def sources() -> list[str]:
    """The sources.list lines of the configured Debian mirror."""
    fields = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    listed = command.run([command.find("apt-get", "apt"), "indextargets",
                          "--format", fields, "Created-By: Packages",
                          f"Architecture: {ARCHITECTURE}"])
    lines = set()
    for line in listed.splitlines():
        origin, codename, uri, release, component = line.split("|")
        if origin == "Debian" and codename.split("-")[0] == CODENAME:
            lines.add(f"deb {uri} {release} {component}")
    if not any(line.split()[2] == CODENAME for line in lines):
        raise LabError(
            f"apt knows no Debian {CODENAME} packages for {ARCHITECTURE} on "
            "this machine: the lab needs Debian 12's; run 'apt-get update'")
    return sorted(lines)


def resolve(names: list[str]) -> str:
    """What apt would fetch: a line with name, size and hash per package.

    Asked as if nothing were installed here, from the lists apt has on disk.
    """
    argv = [command.find("apt-get", "apt"), "-qq", "--print-uris", "--yes",
            "--no-install-recommends", "-o", "Dir::State::status=/dev/null",
            "-o", "Debug::NoLocking=true", "install", *names]
    lines = command.run(argv).splitlines()
    return "\n".join(sorted(" ".join(line.split()[1:]) for line in lines))


def unpack(names: list[str], folder: Path) -> None:
    """Fetch the packages with all they depend on and unpack them."""
    argv = [command.find("mmdebstrap", "mmdebstrap"), "--quiet",
            f"--mode={MODE}", "--variant=extract", "--format=tar",
            f"--architectures={ARCHITECTURE}", f"--include={','.join(names)}",
            CODENAME, "-", "-"]
    lines = "\n".join(sources()) + "\n"
    # A group of its own: when it fails, mmdebstrap hangs up on all its group.
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE,
                          process_group=0) as process:
        process.stdin.write(lines.encode())
        process.stdin.close()
        problem = _extract(process.stdout, folder)
        complaint = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise LabError(
            f"mmdebstrap --mode={MODE} failed with status "
            f"{process.returncode}; another mode can be chosen with "
            f"XENDM_LAB_MMDEBSTRAP_MODE (see mmdebstrap(1), MODES)\n"
            f"{complaint}")
    if problem:
        raise LabError(f"what mmdebstrap made cannot be unpacked: {problem}")


def _extract(stream, folder: Path) -> str | None:
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            # Debian's packages are trusted; Python 3.14 would not trust them.
            archive.extraction_filter = lambda member, _: member
            for member in archive:
                if member.name.startswith(SKIPPED) or member.isdev():
                    continue
                if member.isdir():
                    # The owner of the folder has to fill it, whoever that is.
                    member.mode |= 0o700
                archive.extract(member, folder)
    except (tarfile.TarError, OSError) as error:
        return str(error)
    return None


def compile_python(tree: Path) -> None:
    """Byte code for Python's library, as installing the package would make.

    Without it the agent would take seconds to start.  The tree's own Python
    runs, with the tree's libraries: no other version makes byte code for it.
    """
    libraries = ":".join(str(tree / place) for place in (
        "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"))
    python = sorted((tree / "usr/bin").glob("python3.*[0-9]"))
    if not python:
        raise LabError("the packages for dom0 brought no Python")
    command.run([tree / "lib64/ld-linux-x86-64.so.2", "--library-path",
                 libraries, python[0], "-m", "compileall", "-q",
                 "--invalidation-mode", "unchecked-hash",
                 "-s", tree, "-p", "/", tree / "usr/lib" / python[0].name],
                env={"PYTHONHOME": str(tree / "usr")})
