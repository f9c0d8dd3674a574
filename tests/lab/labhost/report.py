# SPDX-License-Identifier: GPL-2.0-or-later
"""What the person (or program) in front of the lab gets to see."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from .paths import shown
from .scenarios import Scenario


@dataclass
class Result:
    """What became of one scenario; without problems it is a good one."""

    scenario: Scenario
    problems: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    seconds: float = 0.0
    folder: Path | None = None


class Report:
    """Counts results and shows nothing; machines may share one."""

    def __init__(self):
        self.results: list[Result] = []
        self._lock = threading.Lock()

    @property
    def failed(self) -> int:
        return sum(bool(result.problems) for result in self.results)

    @property
    def passed(self) -> int:
        return len(self.results) - self.failed

    def remark(self, text: str) -> None:
        """Something about the lab itself."""

    def line(self, text: str) -> None:
        """A line that a running scenario printed."""

    def result(self, result: Result) -> None:
        """A scenario is over."""
        with self._lock:
            self.results.append(result)


class TapReport(Report):
    """TAP; what a scenario says to people passes as a comment."""

    def __init__(self, count: int):
        super().__init__()
        print("TAP version 13", f"1..{count}", sep="\n", flush=True)

    def remark(self, text: str) -> None:
        with self._lock:
            print(f"# {text}", flush=True)

    def line(self, text: str) -> None:
        if text.startswith("# "):
            self.remark(text[2:])
        elif text.startswith("bench: "):
            self.remark(text)

    def result(self, result: Result) -> None:
        super().result(result)
        with self._lock:
            word = "not ok" if result.problems else "ok"
            print(f"{word} {len(self.results)} - {result.scenario.name} "
                  f"({result.seconds:.1f} s): {result.scenario.title}")
            if result.problems:
                _explain(result, "# ")
            print(end="", flush=True)


class PlainReport(Report):
    """Only what scenarios say to people, and why one failed."""

    def line(self, text: str) -> None:
        if text.startswith(("# ", "bench: ")):
            with self._lock:
                print(text.removeprefix("# "), flush=True)

    def result(self, result: Result) -> None:
        super().result(result)
        if result.problems:
            with self._lock:
                print(f"FAILED: {result.scenario.name}")
                _explain(result, "  ")


def _explain(result: Result, prefix: str) -> None:
    for line in result.output:
        print(f"{prefix}  | {line}")
    for problem in result.problems:
        for line in problem.splitlines():
            print(f"{prefix}{line}")
    if result.folder:
        print(f"{prefix}logs: {shown(result.folder)}/")
