# SPDX-License-Identifier: GPL-2.0-or-later
"""debian-source.sh and deps.sh against an apt that is made up.

The programs that they call are replaced by short scripts, so that mirrors
can be absent, stale or inconsistent.
"""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# What "apt-get update --print-uris" prints on a machine without any lists.
URIS = """\
'http://mirror/debian/dists/CODENAME/InRelease' mirror_InRelease 0
'http://mirror/debian/dists/CODENAME-updates/InRelease' mirror_InRelease 0
"""

APT_GET = """#!/bin/sh
echo "apt-get $*" >> "$CALLS"
case "$*" in
indextargets*) cat "$STATE/targets" ;;
*--print-uris*) cat "$STATE/uris" ;;
*update*)
    for suite in $(cat "$STATE/suites"); do
        case "$*" in *"/$suite.sources"*) exit 0 ;; esac
    done
    echo "E: does not have a Release file" >&2
    exit 100 ;;
*source*)
    for version in $(cat "$STATE/gone"); do
        case "$*" in *"=$version") echo "E: 404 Not Found" >&2; exit 100 ;;
        esac
    done
    : > fetched.dsc ;;
*install*)
    [ -e "$STATE/can-install" ] || { echo "E: no such package" >&2; exit 1; }
    cat "$STATE/can-install" > "$STATE/installed" ;;
esac
"""

APT_CACHE = """#!/bin/sh
for version in $(cat "$STATE/versions"); do
    echo "Package: qemu"
    echo "Version: $version"
done
"""

DPKG_SOURCE = """#!/bin/sh
for folder; do :; done
mkdir "$folder"
echo 10.0.0 > "$folder/VERSION"
"""

DPKG_QUERY = """#!/bin/sh
cat "$STATE/installed"
"""

ID = """#!/bin/sh
cat "$STATE/uid"
"""


def codename() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=")[1].strip('"')
    raise AssertionError("no VERSION_CODENAME")


class StubCase(unittest.TestCase):

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        for name, text in {"apt-get": APT_GET, "apt-cache": APT_CACHE,
                           "dpkg-source": DPKG_SOURCE,
                           "dpkg-query": DPKG_QUERY, "id": ID}.items():
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        for name in ("targets", "gone", "versions", "installed"):
            self.state(name, "")
        self.state("uris", URIS.replace("CODENAME", codename()))
        self.state("suites", "trixie trixie-updates")
        self.state("uid", "0\n")

    def state(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def calls(self) -> str:
        path = self.folder / "calls"
        return path.read_text() if path.exists() else ""

    def script(self, *command: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.run(
            command, capture_output=True, text=True, check=False,
            env={"PATH": path, "STATE": str(self.folder),
                 "CALLS": str(self.folder / "calls")})


class SourceTest(StubCase):

    def fetch(self, *suites: str) -> subprocess.CompletedProcess[str]:
        return self.script(str(REPOSITORY / "scripts/debian-source.sh"),
                           "qemu", "10.0", str(self.folder / "source"),
                           *(suites or ("trixie", "trixie-security")))

    def fetched(self, *suites: str) -> str:
        result = self.fetch(*suites)
        self.assertEqual(result.returncode, 0, result.stderr)
        tree = Path(result.stdout.strip())
        self.assertTrue((tree / "VERSION").is_file())
        return tree.name

    def test_newest_of_the_series(self) -> None:
        self.state("versions", "1:10.0.9+ds-1 1:10.0.13+ds-0+deb13u1 "
                   "1:10.0.2+ds-2 1:9.2.0+ds-5 1:10.2.1+ds-1 "
                   "1:10.0.99~rc1+ds-1 1:110.0.1-1")
        self.assertEqual(self.fetched(), "qemu-10.0.13+ds-0+deb13u1")

    def test_listed_but_gone_takes_the_next_older(self) -> None:
        self.state("versions", "1:10.0.9-1 1:10.0.13-1 1:10.0.11-1")
        self.state("gone", "1:10.0.13-1 1:10.0.11-1")
        result = self.fetch()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.strip().endswith("qemu-10.0.9-1"))
        self.assertIn("1:10.0.13-1 is listed but cannot be had",
                      result.stderr)

    def test_all_gone(self) -> None:
        self.state("versions", "1:10.0.13-1")
        self.state("gone", "1:10.0.13-1")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout, "")
        self.assertIn("404 Not Found", result.stderr)
        self.assertIn("no qemu 10.0.x could be downloaded", result.stderr)

    def test_nothing_on_offer(self) -> None:
        self.state("versions", "1:9.2.0-1")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("no qemu 10.0.x in: trixie", result.stderr)

    def test_absent_suite_is_said_and_left_out(self) -> None:
        self.state("versions", "1:10.0.13-1")
        result = self.fetch()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("goes on without suite trixie-security: the system's "
                      "apt has no mirror for it", result.stderr)

    def test_suite_that_the_mirror_lacks(self) -> None:
        self.state("versions", "1:10.0.13-1")
        result = self.fetch("trixie", "trixie-updates", "trixie-absent")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("goes on without suite trixie-absent: does not have a "
                      "Release file", result.stderr)

    def test_security_has_its_own_mirror(self) -> None:
        self.state("targets", f"http://mirror/debian/ {codename()}\n"
                   f"http://safe/debian-security/ {codename()}-security\n")
        self.state("suites", "trixie trixie-security")
        self.state("versions", "1:10.0.13-1")
        self.fetched()
        sources = self.folder / "source/apt/sources"
        security = (sources / "trixie-security.sources").read_text()
        self.assertIn("URIs: http://safe/debian-security/\n", security)
        self.assertIn("Signed-By: ", security)
        main = (sources / "trixie.sources").read_text()
        self.assertIn("URIs: http://mirror/debian/\n", main)

    def test_foreign_repository_of_the_same_codename_comes_last(self) -> None:
        self.state("targets", f"http://other/repository/ {codename()}\n"
                   f"http://mirror/debian/ {codename()}\n")
        self.state("versions", "1:10.0.13-1")
        self.fetched()
        main = self.folder / "source/apt/sources/trixie.sources"
        self.assertIn("http://mirror/debian/", main.read_text())

    def test_no_network(self) -> None:
        self.state("suites", "")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("no mirror could be read", result.stderr)

    def test_apt_without_any_mirror(self) -> None:
        self.state("uris", "")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("knows no Debian mirror", result.stderr)

    def test_files_are_read_only(self) -> None:
        self.state("versions", "1:10.0.13-1")
        name = self.fetched()
        mode = (self.folder / "source" / name / "VERSION").stat().st_mode
        self.assertEqual(mode & 0o222, 0)

    def test_what_is_there_is_not_fetched_again(self) -> None:
        self.state("versions", "1:10.0.13-1")
        self.fetched()
        first = self.calls().count("--download-only")
        self.fetched()
        self.assertEqual(self.calls().count("--download-only"), first)


class DepsTest(StubCase):

    def setUp(self) -> None:
        super().setUp()
        names = [re.sub("[#[].*", "", line).strip() for line in
                 (REPOSITORY / "scripts/debian-packages.txt").read_text()
                 .splitlines()]
        self.state("targets", "Debian\n")
        self.all = "".join(f"installed {name} \n" for name in names if name)
        self.without = self.all.replace("installed meson \n",
                                        "config-files meson \n")
        self.assertNotEqual(self.all, self.without)

    def deps(self) -> subprocess.CompletedProcess[str]:
        return self.script(str(REPOSITORY / "scripts/deps.sh"))

    def test_nothing_missing(self) -> None:
        self.state("installed", self.all)
        result = self.deps()
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (0, "", ""))
        self.assertNotIn("install", self.calls())
        self.assertNotIn("update", self.calls())

    def test_not_on_every_machine(self) -> None:
        self.state("installed",
                   self.all.replace("installed gcc-aarch64-linux-gnu \n", ""))
        for architecture, status in (("amd64", 1), ("arm64", 0)):
            program = self.programs / "dpkg"
            program.write_text(f"#!/bin/sh\necho {architecture}\n")
            program.chmod(0o755)
            self.assertEqual(self.deps().returncode, status)

    def test_lists_missing(self) -> None:
        self.state("installed", self.all)
        self.state("targets", "")
        self.assertEqual(self.deps().returncode, 0)
        self.assertIn("apt-get update", self.calls())

    def test_provided_by_another_package(self) -> None:
        self.state("installed", self.without +
                   "installed other meson (= 1.0), more\n")
        self.assertEqual(self.deps().returncode, 0)

    def test_root_installs(self) -> None:
        self.state("installed", self.without)
        self.state("can-install", self.all)
        result = self.deps()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("install --no-install-recommends -y meson",
                      self.calls())

    def test_others_are_told_how(self) -> None:
        self.state("installed", self.without)
        self.state("uid", "1000\n")
        result = self.deps()
        self.assertEqual(result.returncode, 1)
        self.assertIn("apt-get install --no-install-recommends -y meson",
                      result.stderr)
        self.assertEqual(self.calls(), "")

    def test_failure_shows_what_apt_said(self) -> None:
        self.state("installed", self.without)
        result = self.deps()
        self.assertEqual(result.returncode, 1)
        self.assertIn("E: no such package", result.stderr)
        self.assertIn("could not install: meson", result.stderr)
        self.assertIn("apt-get update", self.calls())

    def test_installed_but_still_missing(self) -> None:
        self.state("installed", self.without)
        self.state("can-install", self.without)
        result = self.deps()
        self.assertEqual(result.returncode, 1)
        self.assertIn("still missing after installation: meson",
                      result.stderr)
