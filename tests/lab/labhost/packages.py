# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages, unpacked into a folder without running their scripts.

The packages come through the mirror that apt on this machine is configured
for.  Nothing is installed on this machine and no privilege is needed.
"""

import os
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from . import command
from .architectures import Architecture
from .errors import LabError

# Xen 4.17 is what Debian 12 has.
CODENAME = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

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
           "./usr/lib/x86_64-linux-gnu/perl",
           "./usr/lib/aarch64-linux-gnu/perl")


def _indexes() -> list[tuple[str, str]]:
    """The Debian mirror that apt here uses: sources.list lines, and the index
    of each on disk."""
    fields = ("$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|"
              "$(FILENAME)")
    listed = command.run([command.find("apt-get", "apt"), "indextargets",
                          "--format", fields, "Created-By: Packages"])
    found = set()
    for line in listed.splitlines():
        origin, codename, uri, release, component, file = line.split("|")
        if origin == "Debian" and codename.split("-")[0] == CODENAME:
            found.add((f"deb {uri} {release} {component}", file))
    return sorted(found)


def sources() -> list[str]:
    """The sources.list lines of the configured Debian mirror."""
    lines = sorted({line for line, _ in _indexes()})
    if not any(line.split()[2] == CODENAME for line in lines):
        raise LabError(
            f"apt knows no Debian {CODENAME} packages on this machine: the "
            "lab needs Debian 12's; run 'apt-get update'")
    return lines


def sources_of(codename: str) -> list[str]:
    """The same for another Debian release, from the same mirror."""
    lines = []
    for line in sources():
        _, uri, release, component = line.split()
        if component == "main" and release in (CODENAME,
                                               f"{CODENAME}-security"):
            release = release.replace(CODENAME, codename)
            lines.append(f"deb [signed-by={KEYRING}] {uri} {release} main")
    return lines


def resolve(names: list[str], architecture: Architecture) -> str:
    """Changes when what apt would fetch may have changed."""
    if architecture.native:
        return _resolve_exactly(names)
    # There are no lists for it on disk: when this machine's change, look.
    stamps = [f"{line} {os.stat(file).st_mtime_ns}"
              for line, file in _indexes() if os.path.exists(file)]
    return "\n".join([*names, architecture.name, *stamps])


def _resolve_exactly(names: list[str]) -> str:
    """What apt would fetch: a line with name, size and hash per package.

    Asked as if nothing were installed here, from the lists apt has on disk.
    """
    argv = [command.find("apt-get", "apt"), "-qq", "--print-uris", "--yes",
            "--no-install-recommends", "-o", "Dir::State::status=/dev/null",
            "-o", "Debug::NoLocking=true", "install", *names]
    lines = command.run(argv).splitlines()
    return "\n".join(sorted(" ".join(line.split()[1:]) for line in lines))


def unpack(names: list[str], architecture: Architecture,
           folder: Path) -> None:
    """Fetch the packages with all they depend on and unpack them."""
    argv = [command.find("mmdebstrap", "mmdebstrap"), "--quiet",
            f"--mode={MODE}", "--variant=extract", "--format=tar",
            f"--architectures={architecture.name}",
            f"--include={','.join(names)}",
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


def unpack_kernel(architecture: Architecture, codename: str,
                  folder: Path) -> None:
    """Fetch the kernel of another Debian release, without dependencies."""
    with tempfile.TemporaryDirectory() as name:
        apt = Path(name)
        # apt's downloads run as a user of its own.
        apt.chmod(0o755)
        configuration = _private_apt(apt, architecture, sources_of(codename))
        get = [command.find("apt-get", "apt"), "-c", configuration, "-qq"]
        command.run([*get, "update"])
        meta = f"linux-image-{architecture.name}"
        shown = command.run([command.find("apt-cache", "apt"), "-c",
                             configuration, "show", "--no-all-versions", meta])
        match = re.search(r"^Depends: (linux-image-\S+)", shown, re.MULTILINE)
        if not match:
            raise LabError(f"{meta} of {codename} names no kernel")
        command.run([*get, "download", match[1]], cwd=apt)
        deb, = apt.glob("linux-image-*.deb")
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb],
                              stdout=subprocess.PIPE) as process:
            problem = _extract(process.stdout, folder)
        if problem or process.returncode:
            raise LabError(f"{deb.name} cannot be unpacked: {problem}")


def _private_apt(folder: Path, architecture: Architecture,
                 lines: list[str]) -> Path:
    """A configuration of apt that leaves this machine's alone."""
    for place in ("state/lists/partial", "cache/archives/partial"):
        (folder / place).mkdir(parents=True)
    (folder / "sources.list").write_text("\n".join(lines) + "\n")
    (folder / "status").touch()
    configuration = folder / "apt.conf"
    configuration.write_text(f"""\
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture "{architecture.name}";
APT::Architectures {{ "{architecture.name}"; }};
Acquire::Languages "none";
""")
    return configuration


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


def compile_python(tree: Path, architecture: Architecture) -> None:
    """Byte code for Python's library, as installing the package would make.

    Without it the agent would take seconds to start.  Only the same version
    of Python makes byte code for it: the tree's own, with the tree's
    libraries, or this machine's if the tree is for another architecture.
    """
    found = sorted((tree / "usr/bin").glob("python3.*[0-9]"))
    if not found:
        raise LabError("the packages for dom0 brought no Python")
    python = found[0].name
    if architecture.native:
        libraries = ":".join(str(tree / place)
                             for place in architecture.library_folders)
        program = [tree / architecture.linker, "--library-path", libraries,
                   found[0]]
        environment = {"PYTHONHOME": str(tree / "usr")}
    else:
        program = [command.find(python, python)]
        environment = {}
    command.run([*program, "-m", "compileall", "-q",
                 "--invalidation-mode", "unchecked-hash",
                 "-s", tree, "-p", "/", tree / "usr/lib" / python],
                env=environment)
