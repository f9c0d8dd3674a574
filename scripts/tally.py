#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the tiers of 'make check' and add up what they report.

  run TIER FORMAT COMMAND...  run one tier: pass its output on, count its
                              results, keep them in build/check/
  sum TIER...                 print what was kept; the last line is
                              "N passed, N failed"

FORMAT says where the results stand:

  unittest     the summary of Python's unittest
  tap          TAP, any number of streams one after the other
  lab          a last line "N passed, N failed"; TAP, if it is missing
  meson:DIR    the log of 'meson test' in the build folder DIR

A tier fails if a test failed, if the command failed without saying which
test, or if nothing was run at all.
"""

import argparse
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "build" / "check"


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def count_unittest(output: str) -> Tally:
    ran = re.findall(r"^Ran (\d+) tests? in", output, re.MULTILINE)
    ends = re.findall(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$", output,
                      re.MULTILINE)
    tally = Tally()
    for number, details in zip(ran, ends):
        counts = dict(part.split("=") for part in details.split(", ") if part)
        skipped = int(counts.get("skipped", 0))
        failed = sum(int(counts.get(kind, 0)) for kind in
                     ("failures", "errors", "unexpected successes"))
        tally.add(Tally(int(number) - failed - skipped, failed, skipped))
    return tally


def count_tap(output: str) -> Tally:
    """Count TAP; a test that was planned and is missing has failed."""
    tally = Tally()
    planned = seen = 0
    for line in output.splitlines():
        if match := re.match(r"1\.\.(\d+)", line):
            planned += int(match.group(1))
        elif match := re.match(r"(not )?ok\b([^#]*)(#\s*(\w+))?", line):
            seen += 1
            directive = (match.group(4) or "").lower()
            if directive == "skip" or (match.group(1)
                                       and directive == "todo"):
                tally.skipped += 1
            elif match.group(1):
                tally.failed += 1
            else:
                tally.passed += 1
        elif line.startswith("Bail out!"):
            tally.failed += 1
    tally.failed += max(0, planned - seen)
    return tally


def count_lab(output: str) -> Tally:
    lines = output.strip().splitlines()
    match = re.fullmatch(r"(\d+) passed, (\d+) failed",
                         lines[-1] if lines else "")
    if match is None:
        # It broke off: what it had reported, and the rest as one failure.
        tally = count_tap(output)
        tally.failed += 1
        return tally
    return Tally(int(match.group(1)), int(match.group(2)))


def count_meson_test(entry: dict[str, object]) -> Tally:
    """One program of 'meson test': its TAP, or else the program itself."""
    tally = count_tap(str(entry.get("stdout") or ""))
    if entry["result"] == "SKIP":
        return Tally(skipped=max(1, tally.skipped))
    good = entry["result"] in ("OK", "EXPECTEDFAIL")
    if good and not tally.passed:
        return Tally(passed=1)
    if not good and not tally.failed:
        tally.failed = 1
    return tally


def count_meson(folder: str) -> Tally:
    tally = Tally()
    log = Path(folder) / "meson-logs" / "testlog.json"
    with log.open(encoding="utf-8") as stream:
        for line in stream:
            tally.add(count_meson_test(json.loads(line)))
    return tally


def count(form: str, output: str) -> Tally:
    if form.startswith("meson:"):
        try:
            return count_meson(form.removeprefix("meson:"))
        except OSError as error:
            print(f"tally: {error}", file=sys.stderr)
            return Tally(failed=1)
    return {"unittest": count_unittest, "tap": count_tap,
            "lab": count_lab}[form](output)


def judge(tally: Tally, status: int) -> Tally:
    """Nothing run, or a failure that names no test, is a failure."""
    if not tally.failed and (status != 0 or not tally.passed):
        tally.failed = 1
    return tally


def pass_on(command: list[str], log: Path) -> tuple[int, str]:
    """Run command; show, log and return its output."""
    lines = []
    with log.open("w", encoding="utf-8") as stream, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            for target in (sys.stdout, stream):
                target.write(line)
                target.flush()
            lines.append(line)
    return process.returncode, "".join(lines)


def run(tier: str, form: str, command: list[str]) -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = RESULTS / f"{tier}.json"
    kept.unlink(missing_ok=True)
    if form.startswith("meson:"):
        # A log of an earlier run must not count.
        log = Path(form.removeprefix("meson:")) / "meson-logs/testlog.json"
        log.unlink(missing_ok=True)
    status, output = pass_on(command, RESULTS / f"{tier}.log")
    if status != 0:
        how = f"status {status}" if status > 0 else f"signal {-status}"
        print(f"{tier}: {command[0]} ended with {how}")
    tally = judge(count(form, output), status)
    kept.write_text(json.dumps(asdict(tally)), encoding="utf-8")
    print(f"{tier}: {tally}")
    return 1 if tally.failed else 0


def add_up(tiers: list[str]) -> int:
    total = Tally()
    for tier in tiers:
        try:
            text = (RESULTS / f"{tier}.json").read_text(encoding="utf-8")
            tally = Tally(**json.loads(text))
            print(f"{tier}: {tally}")
        except OSError:
            tally = Tally(failed=1)
            print(f"{tier}: did not run, counts as 1 failed")
        total.add(tally)
    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if total.passed and not total.failed else 1


def form(text: str) -> str:
    if text in ("unittest", "tap", "lab") or re.fullmatch("meson:.+", text):
        return text
    raise argparse.ArgumentTypeError(
        f"'{text}' must be unittest, tap, lab or meson:DIR")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="do", required=True)
    one = commands.add_parser("run")
    one.add_argument("tier")
    one.add_argument("format", type=form)
    one.add_argument("command", nargs=argparse.REMAINDER)
    total = commands.add_parser("sum")
    total.add_argument("tier", nargs="+")
    options = parser.parse_args(arguments)
    if options.do == "sum":
        return add_up(options.tier)
    if not options.command:
        parser.error("'run' needs a command")
    return run(options.tier, options.format, options.command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
