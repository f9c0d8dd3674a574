# SPDX-License-Identifier: GPL-2.0-or-later
"""toolstack/qemu-restricted makes of libxl's options what QEMU takes."""

import resource
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "toolstack/qemu-restricted"
# Says what it was started with: a line for each argument, its limit last.
FAKE = """#!/bin/sh
printf '<%s>\\n' "$@"
ulimit -f
"""
LIBXL_LIMIT = 256 << 10  # bytes
BLOCKS = 131072  # of 512 bytes


def lower_limit() -> None:
    """What libxl does for dm_restrict; here, for root and for users."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIBXL_LIMIT, hard))


class QemuRestricted(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.script = self.folder / SCRIPT.name
        shutil.copy(SCRIPT, self.script)
        self.fake = self.folder / "qemu-system-i386"
        self.fake.write_text(FAKE)
        self.fake.chmod(0o755)

    def run_it(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.script, *arguments], text=True,
                              capture_output=True, check=False,
                              preexec_fn=lower_limit)

    def passed_on(self, *arguments: str) -> tuple[list[str], str]:
        done = self.run_it(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        *lines, limit = done.stdout.splitlines()
        return [line[1:-1] for line in lines], limit

    def test_options_of_libxl(self) -> None:
        passed, limit = self.passed_on(
            "-xen-domid", "5", "-chroot", "/run/xen/qemu-root-5",
            "-name", "a guest, *", "-runas", "131077:65534", "-S")
        self.assertEqual(passed, [
            "-xen-domid", "5", "-name", "a guest, *", "-S", "-run-with",
            "chroot=/run/xen/qemu-root-5,user=131077:65534"])
        self.assertEqual(limit, str(BLOCKS))

    def test_one_of_the_two(self) -> None:
        self.assertEqual(self.passed_on("-runas", "x", "-S")[0],
                         ["-S", "-run-with", "user=x"])

    def test_others_are_left_alone(self) -> None:
        passed, limit = self.passed_on("-xen-domid", "5", "", "$x `y`")
        self.assertEqual(passed, ["-xen-domid", "5", "", "$x `y`"])
        self.assertEqual(limit, str(LIBXL_LIMIT // 512))

    def refused(self, text: str, *arguments: str) -> None:
        done = self.run_it(*arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(text, done.stderr)

    def test_no_value(self) -> None:
        self.refused("-chroot has no value", "-S", "-chroot")

    def test_values_that_would_be_more_settings(self) -> None:
        self.refused("chroot is '/a,user=root'; allowed is text without a "
                     "comma", "-chroot", "/a,user=root")
        self.refused("user is ''", "-runas", "")

    def test_no_program(self) -> None:
        self.fake.unlink()
        self.refused("qemu-system-i386 is not there", "-S")


if __name__ == "__main__":
    unittest.main()
