# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel modules: which are needed, and with what they depend on."""

import lzma
from pathlib import Path

from . import command
from .errors import LabError


class Modules:
    """The modules of the one kernel below a root folder."""

    def __init__(self, root: Path):
        self.root = root
        # Debian 13's are below /usr, compressed.
        below = root / ("lib" if (root / "lib/modules").is_dir() else "usr/lib")
        versions = sorted(path.name
                          for path in (below / "modules").iterdir())
        if len(versions) != 1:
            raise LabError("expected one kernel's modules in the packages, "
                           f"found {len(versions)}: {' '.join(versions)}")
        self.version = versions[0]
        self._base = below.parent
        self.folder = below / "modules" / self.version
        # Debian makes the index of dependencies when it installs a kernel.
        self.index()
        self._needs = self._read_index()
        built_in = (self.folder / "modules.builtin").read_text().split()
        self._built_in = {_name(path) for path in built_in}

    def index(self) -> None:
        """Write modules.dep and its kin for the modules that are there."""
        command.run([command.find("depmod", "kmod"), "-b", self._base,
                     self.version])

    def _read_index(self) -> dict[str, list[str]]:
        needs = {}
        for line in (self.folder / "modules.dep").read_text().splitlines():
            path, _, others = line.partition(":")
            needs[_name(path)] = [path, *others.split()]
        return needs

    def closure(self, names: list[str]) -> list[str]:
        """Paths below the modules folder, in an order they can be loaded."""
        paths = []
        for name in (wanted.replace("-", "_") for wanted in names):
            if name in self._built_in:
                continue
            if name not in self._needs:
                raise LabError(f"kernel {self.version} has no module {name}")
            # A line of modules.dep names what is needed last first.
            for path in reversed(self._needs[name]):
                if path not in paths:
                    paths.append(path)
        return paths

    def keep_only(self, names: list[str]) -> None:
        """Remove all modules but the named ones and their dependencies."""
        kept = set(self.closure(names))
        for path in list(self.folder.rglob("*.ko*")):
            if str(path.relative_to(self.folder)) not in kept:
                path.unlink()
        self.index()

    def copy(self, names: list[str], folder: Path) -> list[str]:
        """Copy modules into one flat folder, uncompressed; file names in
        loading order."""
        folder.mkdir(parents=True)
        copied = []
        for path in self.closure(names):
            name = Path(path).name.removesuffix(".xz")
            data = (self.folder / path).read_bytes()
            if path.endswith(".xz"):
                data = lzma.decompress(data)
            (folder / name).write_bytes(data)
            copied.append(name)
        return copied


def _name(path: str) -> str:
    return Path(path).name.split(".ko")[0].replace("-", "_")
