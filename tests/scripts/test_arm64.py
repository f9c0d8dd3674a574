# SPDX-License-Identifier: GPL-2.0-or-later
"""The arm64 build: the sysroot and how QEMU's configure is called."""

import subprocess
import unittest
from pathlib import Path

from test_configure import ConfigureTest
from test_fetch import APT_GET, REPOSITORY, StubCase, codename

# Downloads nothing: the package is there already.
DOWNLOAD = """
*--download-only*)
    [ -e "$STATE/packages" ] || { echo "E: 404 Not Found" >&2; exit 100; }
    for word; do
        case $word in */apt.conf) conf=$word ;; esac
    done
    cp "$STATE"/packages/*.deb "${conf%/*}/cache/archives/" ;;
*source*)"""

SYSROOT_STUB = """#!/bin/sh
mkdir -p "$1/sysroot"
echo made > "$1/made-of"
"""


class SysrootTest(StubCase):

    def setUp(self) -> None:
        super().setUp()
        (self.programs / "apt-get").write_text(
            APT_GET.replace("\n*source*)", DOWNLOAD, 1))
        self.state("suites", codename())
        self.made = self.folder / "arm64"

    def package(self) -> None:
        """A package with links such as libc6-dev and zlib1g-dev have."""
        tree = self.folder / "tree"
        libraries = tree / "usr/lib/aarch64-linux-gnu"
        libraries.mkdir(parents=True)
        (tree / "lib/aarch64-linux-gnu").mkdir(parents=True)
        (tree / "lib/aarch64-linux-gnu/libz.so.1").write_text("z")
        (libraries / "libz.so").symlink_to("/lib/aarch64-linux-gnu/libz.so.1")
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            "Package: made-up\nVersion: 1\nArchitecture: arm64\n"
            "Maintainer: nobody <nobody@invalid>\nDescription: made up\n")
        (self.folder / "packages").mkdir()
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree,
                        self.folder / "packages"], check=True,
                       capture_output=True)

    def make(self) -> subprocess.CompletedProcess[str]:
        return self.script(str(REPOSITORY / "scripts/arm64-sysroot.sh"),
                           str(self.made))

    def test_links_stay_inside(self) -> None:
        self.package()
        result = self.make()
        self.assertEqual(result.returncode, 0, result.stderr)
        link = self.made / "sysroot/usr/lib/aarch64-linux-gnu/libz.so"
        self.assertEqual(link.read_text(), "z")
        self.assertTrue(link.resolve().is_relative_to(self.made.resolve()))

    def test_asks_for_another_machine(self) -> None:
        self.package()
        self.make()
        configuration = (self.made / "apt/apt.conf").read_text()
        self.assertIn('APT::Architecture "arm64";', configuration)
        status = self.made / "apt/status"
        self.assertIn(f'Dir::State::status "{status}";', configuration)
        self.assertEqual(status.read_text(), "")

    def test_second_run_does_nothing(self) -> None:
        self.package()
        self.make()
        calls = self.calls()
        self.assertEqual(self.make().returncode, 0)
        self.assertEqual(self.calls(), calls)

    def test_failed_download_is_not_kept(self) -> None:
        result = self.make()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("404 Not Found", result.stderr)
        self.package()
        self.assertEqual(self.make().returncode, 0)

    def test_pkg_config_looks_nowhere_else(self) -> None:
        self.package()
        self.make()
        found = subprocess.run([self.made / "pkg-config", "--exists", "zlib"],
                               check=False)
        self.assertNotEqual(found.returncode, 0)


class BuildTest(ConfigureTest):
    """What comes after configure; its own tests run where they are."""

    def setUp(self) -> None:
        super().setUp()
        stub = self.root / "scripts/arm64-sysroot.sh"
        stub.write_text(SYSROOT_STUB)
        self.good_source()

    def qemu(self) -> None:
        done = subprocess.run(
            [self.root / "scripts/qemu.sh", "configure", "joined", "--arm64"],
            capture_output=True, text=True, check=False,
            env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_options(self) -> None:
        self.qemu()
        call = self.calls()[1]
        for word in (f"{self.root}/build/qemu-arm64 ", "--enable-xen",
                     "--target-list=aarch64-softmmu", "--disable-tcg"):
            self.assertIn(word, call)
        cross = f"--extra-ldflags=--sysroot={self.root}/build/arm64/sysroot"
        self.assertIn(cross, call)

    def test_on_arm64(self) -> None:
        """configure alone: nothing of x86, and nothing to cross."""
        self.machine("aarch64")
        self.good_source("--prefix=/opt/xen")
        call = self.calls()[-1]
        for word in (f"{self.root}/build/qemu-arm64 ", "--enable-xen",
                     "--target-list=aarch64-softmmu"):
            self.assertIn(word, call)
        for word in ("passthrough", "i386", "sysroot", "cross"):
            self.assertNotIn(word, call)
        self.qemu()
        self.assertEqual(self.calls()[-1], call)

    def test_second_run_does_nothing(self) -> None:
        self.qemu()
        self.qemu()
        self.assertEqual(len(self.calls()), 2)


def load_tests(loader: unittest.TestLoader, _, __) -> unittest.TestSuite:
    """All but the tests that BuildTest inherits."""
    suite = loader.loadTestsFromTestCase(SysrootTest)
    for name in ("test_options", "test_on_arm64",
                 "test_second_run_does_nothing"):
        suite.addTest(BuildTest(name))
    return suite
