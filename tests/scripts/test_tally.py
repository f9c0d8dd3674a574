# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/tally.py counts what happened, failures above all."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import tally
from tally import Tally

UNITTEST_GOOD = "..\n---\nRan 12 tests in 0.1s\n\nOK (skipped=2)\n"
UNITTEST_BAD = ("Ran 12 tests in 0.1s\n\n"
                "FAILED (failures=1, errors=2, skipped=3)\n")
TAP = """TAP version 13
1..5
# Start of a tests
ok 1 /a/b
ok 2 /a/c # SKIP no Xen
not ok 3 /a/d
not ok 4 /a/e # TODO later
"""


class CountTest(unittest.TestCase):

    def test_unittest(self) -> None:
        self.assertEqual(tally.count_unittest(UNITTEST_GOOD), Tally(10, 0, 2))
        self.assertEqual(tally.count_unittest(UNITTEST_BAD), Tally(6, 3, 3))
        self.assertEqual(tally.count_unittest("Ran 1 test in 0.0s\n\nOK\n"),
                         Tally(1, 0, 0))

    def test_real_unittest_output(self) -> None:
        class Sample(unittest.TestCase):
            def test_good(self) -> None:
                pass

            def test_bad(self) -> None:
                self.fail()

            def test_error(self) -> None:
                raise ValueError

            @unittest.skip("a reason")
            def test_skipped(self) -> None:
                pass

        output = io.StringIO()
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(Sample)
        unittest.TextTestRunner(stream=output).run(suite)
        self.assertEqual(tally.count_unittest(output.getvalue()),
                         Tally(1, 2, 1))

    def test_tap_counts_what_is_missing(self) -> None:
        self.assertEqual(tally.count_tap(TAP), Tally(1, 2, 2))

    def test_tap_streams_add_up(self) -> None:
        both = "1..1\nok 1 a\n1..2\nok 1 b\nnot ok 2 c\n"
        self.assertEqual(tally.count_tap(both), Tally(2, 1, 0))

    def test_tap_bail_out(self) -> None:
        self.assertEqual(tally.count_tap("ok 1 a\nBail out! no\n"),
                         Tally(1, 1, 0))

    def test_tap_ignores_other_lines(self) -> None:
        self.assertEqual(tally.count_tap("okay\n# ok 1\n    ok 1 sub\n"),
                         Tally())

    def test_lab(self) -> None:
        self.assertEqual(tally.count_lab("ok 1\n\n7 passed, 2 failed\n"),
                         Tally(7, 2))
        for output in ("", "7 passed, 0 failed\nTraceback\n", "passed\n"):
            self.assertEqual(tally.count_lab(output), Tally(0, 1), output)

    def test_lab_that_broke_off_keeps_what_it_reported(self) -> None:
        output = "ok 1 - a\nnot ok 2 - b\n#   | why\nok 3 - c\n"
        self.assertEqual(tally.count_lab(output), Tally(2, 2))

    def test_meson(self) -> None:
        entries = [
            {"result": "OK", "stdout": "1..2\nok 1 a\nok 2 b\n"},
            {"result": "OK", "stdout": ""},
            {"result": "FAIL", "stdout": "1..2\nok 1 a\nnot ok 2 b\n"},
            {"result": "ERROR", "stdout": "ok 1 a\n"},
            {"result": "TIMEOUT"},
            {"result": "SKIP", "stdout": ""},
        ]
        with tempfile.TemporaryDirectory() as folder:
            logs = Path(folder) / "meson-logs"
            logs.mkdir()
            (logs / "testlog.json").write_text(
                "\n".join(json.dumps(entry) for entry in entries))
            self.assertEqual(tally.count("meson:" + folder, ""),
                             Tally(2 + 1 + 1 + 1, 1 + 1 + 1, 1))

    def test_meson_without_log(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(tally.count("meson:/absent", ""), Tally(0, 1))


class RunTest(unittest.TestCase):

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patch = mock.patch.object(tally, "RESULTS", Path(folder.name))
        patch.start()
        self.addCleanup(patch.stop)

    def tally(self, *arguments: str) -> tuple[int, str]:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = tally.main(list(arguments))
        return status, output.getvalue()

    def shell(self, tier: str, form: str, script: str) -> tuple[int, str]:
        return self.tally("run", tier, form, "sh", "-c", script)

    def test_good(self) -> None:
        status, output = self.shell("a", "tap", "echo ok 1; echo ok 2")
        self.assertEqual(status, 0)
        self.assertEqual(output, "ok 1\nok 2\na: 2 passed, 0 failed\n")

    def test_status_without_failure_is_a_failure(self) -> None:
        status, output = self.shell("a", "tap", "echo ok 1; exit 3")
        self.assertEqual(status, 1)
        self.assertIn("a: 1 passed, 1 failed", output)

    def test_how_the_command_ended_is_said(self) -> None:
        _, output = self.shell("a", "tap", "echo ok 1; exit 3")
        self.assertIn("a: sh ended with status 3", output)
        _, output = self.shell("a", "tap", "echo ok 1; kill -9 $$")
        self.assertIn("a: sh ended with signal 9", output)

    def test_nothing_run_is_a_failure(self) -> None:
        for form in ("tap", "unittest", "lab"):
            status, output = self.shell("a", form, "true")
            self.assertEqual(status, 1)
            self.assertIn("a: 0 passed, 1 failed", output)

    def test_everything_skipped_is_a_failure(self) -> None:
        status, _ = self.shell("a", "tap", "echo 'ok 1 # SKIP'")
        self.assertEqual(status, 1)

    def test_log_of_an_earlier_run_does_not_count(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "meson-logs" / "testlog.json"
            log.parent.mkdir()
            log.write_text('{"result": "OK"}\n')
            with contextlib.redirect_stderr(io.StringIO()):
                status, _ = self.shell("a", "meson:" + folder, "true")
            self.assertEqual(status, 1)

    def test_sum(self) -> None:
        self.shell("a", "tap", "echo ok 1; echo ok 2; echo ok 3 '# SKIP'")
        self.shell("b", "lab", "echo 3 passed, 0 failed")
        status, output = self.tally("sum", "a", "b")
        self.assertEqual(status, 0)
        self.assertEqual(output, "a: 2 passed, 0 failed, 1 skipped\n"
                         "b: 3 passed, 0 failed\n1 skipped\n"
                         "5 passed, 0 failed\n")

    def test_sum_with_a_failure(self) -> None:
        self.shell("a", "tap", "echo ok 1")
        self.shell("b", "tap", "echo not ok 1; exit 1")
        status, output = self.tally("sum", "a", "b")
        self.assertEqual(status, 1)
        self.assertEqual(output.splitlines()[-1], "1 passed, 1 failed")

    def test_a_tier_that_did_not_run_has_failed(self) -> None:
        self.shell("a", "tap", "echo ok 1")
        status, output = self.tally("sum", "a", "absent")
        self.assertEqual(status, 1)
        self.assertIn("absent: did not run", output)
        self.assertEqual(output.splitlines()[-1], "1 passed, 1 failed")
