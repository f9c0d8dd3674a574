# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs under test, which other parts of the build make."""

import os
from dataclasses import dataclass
from pathlib import Path

from .paths import PROJECT, shown


@dataclass(frozen=True)
class Product:
    """A program that scenarios may need."""

    name: str  # in a scenario's "needs", and in /lab/bin
    default: str  # below the project's root
    target: str  # what builds it

    @property
    def variable(self) -> str:
        return "XENDM_LAB_" + self.name.upper().replace("-", "_")

    @property
    def path(self) -> Path:
        return Path(os.environ.get(self.variable, PROJECT / self.default))

    def problem(self) -> str | None:
        """Why it cannot be used, or None."""
        if os.access(self.path, os.X_OK) and self.path.is_file():
            return None
        return (f"{shown(self.path)} is missing: "
                f"'make {self.target}' builds it")


PRODUCTS = {product.name: product for product in (
    Product("qemu", "build/qemu/qemu-system-i386", "all"),
    Product("qemu-stock", "build/stock/qemu-system-i386", "stock"),
    Product("xendm-memoryd", "build/native/toolstack/xendm-memoryd", "all"),
    Product("xendm-memory", "build/native/toolstack/xendm-memory", "all"),
)}
