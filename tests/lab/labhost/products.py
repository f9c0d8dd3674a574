# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs under test, which other parts of the build make."""

import os
from dataclasses import dataclass
from pathlib import Path

from .architectures import AMD64, ARM64, Architecture
from .paths import PROJECT, shown


@dataclass(frozen=True)
class Product:
    """A program that scenarios may need."""

    name: str  # in a scenario's "needs", and in /lab/bin
    default: str  # below the project's root
    target: str  # what builds it
    # In whose dom0 it runs; None if it is booted instead of Debian's Xen.
    architecture: Architecture | None = AMD64

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
    Product("lab-pv-iommu", "build/native/tests/lab/native/lab-pv-iommu",
            "all"),
    Product("qemu-arm64", "build/qemu-arm64/qemu-system-aarch64",
            "qemu-arm64", ARM64),
    Product("qemu-arm64-stock", "build/stock-arm64/qemu-system-aarch64",
            "stock-arm64", ARM64),
    Product("xen-arm64", "build/xen-arm64/xen", "xen-arm64", None),
)}
