# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs scenarios on machines.

Whatever does not end with a good result is a failure: there are no skips.  A
machine is used for as many scenarios as it survives; one that hangs or dies is
the failure of the scenario that ran, and the next one gets a new machine.
"""

import base64
import queue
import threading
import time
from pathlib import Path

from .images import System
from .machine import Machine
from .report import Report, Result
from .scenarios import SCALE, Scenario

BOOT_TIMEOUT = 120.0 * SCALE  # seconds until the agent is ready
SILENCE_TIMEOUT = 45.0 * SCALE  # seconds without a sign of life from dom0
# Beyond a scenario's own limit: killing it, looking for leftovers, logs.
END_GRACE = 60.0 * SCALE
# A boot that fails twice in a row will fail again.
BOOT_ATTEMPTS = 2


class Worker:
    """Takes scenarios from a queue and runs them on its own machine."""

    def __init__(self, built: System, run_disk: Path, logs: Path,
                 report: Report, number: int):
        self.built = built
        self.run_disk = run_disk
        self.logs = logs
        self.report = report
        self.number = number
        self.boots = 0
        self.failed_boots = 0
        self.machine: Machine | None = None
        self.console: Path | None = None

    def work(self, scenarios: queue.SimpleQueue) -> None:
        try:
            while True:
                try:
                    scenario = scenarios.get_nowait()
                except queue.Empty:
                    return
                self.report.result(self._one(scenario))
        finally:
            self._stop()

    def _one(self, scenario: Scenario) -> Result:
        result = Result(scenario)
        result.problems = scenario.problems()
        if result.problems:
            return result
        result.folder = self.logs / scenario.name.replace("/", "-")
        if self.machine is None:
            problem = self._boot()
            if problem:
                result.problems.append(problem)
                result.folder = self.console.parent if self.console else None
                return result
        result.folder.mkdir()
        started = time.monotonic()
        self.machine.send(run=scenario.name, timeout=scenario.timeout)
        self._collect(result, started + scenario.timeout + END_GRACE)
        result.seconds = result.seconds or time.monotonic() - started
        (result.folder / "output.txt").write_text(
            "".join(f"{line}\n" for line in result.output))
        return result

    def _boot(self) -> str | None:
        """Start a machine; what went wrong, or None."""
        if self.failed_boots >= BOOT_ATTEMPTS:
            return f"not tried: the last {self.failed_boots} boots failed"
        self.boots += 1
        folder = self.logs / (
            f"machine-{self.built.machine.name}-{self.number}-boot-"
            f"{self.boots}")
        folder.mkdir()
        self.console = folder / "console.txt"
        self.machine = Machine(self.built, self.run_disk, self.console)
        started = time.monotonic()
        event = self._event(started + BOOT_TIMEOUT, BOOT_TIMEOUT)
        if isinstance(event, dict) and event.get("event") == "ready":
            self.failed_boots = 0
            seconds = time.monotonic() - started
            self.report.remark(f"dom0 is up after {seconds:.1f} s")
            return None
        reason = event if isinstance(event, str) else f"unexpected {event}"
        complaint = self.machine.complaint()
        self.failed_boots += 1
        self._stop()
        return "\n".join(part for part in (f"the boot failed: {reason}",
                                           complaint, *self._tail()) if part)

    def _event(self, deadline: float, silence: float) -> dict | str:
        """The agent's next event, or the reason why there is none."""
        wait = min(deadline - time.monotonic(), silence)
        try:
            event = self.machine.events.get(timeout=max(wait, 0.01))
        except queue.Empty:
            if wait < silence:
                return "no result in time"
            return f"no sign of life from dom0 for {silence:g} s"
        return "dom0 went down" if event is None else event

    def _collect(self, result: Result, deadline: float) -> None:
        """Follow a running scenario until it ends, one way or another."""
        while True:
            event = self._event(deadline, SILENCE_TIMEOUT)
            if isinstance(event, str):
                result.problems.append(event)
                result.problems += self._tail()
                self._stop()
                return
            if event["event"] == "output":
                result.output.append(event["line"])
                self.report.line(event["line"])
            elif event["event"] == "file":
                name = event["name"].replace("/", "-").lstrip(".")
                with (result.folder / name).open("ab") as log:
                    log.write(base64.b64decode(event["data"]))
            elif event["event"] == "end":
                self._end(result, event)
                return

    def _end(self, result: Result, event: dict) -> None:
        result.seconds = event["seconds"]
        result.problems += event["problems"]
        if event["status"] and not result.problems:
            result.problems.append(f"ended with status {event['status']}")
        if not event["clean"]:
            # What force could not remove would spoil what comes next.
            self._stop()

    def _tail(self) -> list[str]:
        """The end of the console, which tells of panics."""
        text = self.console.read_text(errors="replace") if (
            self.console.exists()) else ""
        return ["the console's last lines:",
                *(f"  {line}" for line in text.splitlines()[-15:])]

    def _stop(self) -> None:
        if self.machine:
            self.machine.stop()
            self.machine = None


def run(built: System, run_disk: Path, logs: Path,
        scenarios: list[Scenario], jobs: int, report: Report) -> None:
    """Run scenarios on up to `jobs` machines at once."""
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    if jobs > 1:
        # Long ones first, so that no machine is alone with one in the end.
        scenarios = sorted(scenarios, key=lambda one: -one.timeout)
    for scenario in scenarios:
        waiting.put(scenario)
    workers = [Worker(built, run_disk, logs, report, number + 1)
               for number in range(min(jobs, len(scenarios)))]
    threads = [threading.Thread(target=worker.work, args=(waiting,),
                                daemon=True)
               for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
