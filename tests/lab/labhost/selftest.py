# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the lab report what goes wrong as a failure, and for the right reason?

Each scenario in selftest/ says in its head what problem is expected.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from . import scenarios
from .images import System
from .report import Report, Result

FOLDER = "selftest"


def _complaint(result: Result, expected: str) -> str | None:
    """What is wrong with a result, or None."""
    if not expected:
        problems = "; ".join(result.problems)
        return f"failed, but is a good scenario: {problems}" if (
            problems) else None
    if any(expected in problem for problem in result.problems):
        return None
    return (f"expected a problem with '{expected}', the lab reported: "
            f"{'; '.join(result.problems) or 'success'}")


def _report(number: int, what: str, complaint: str | None) -> bool:
    print(f"{'not ok' if complaint else 'ok'} {number} - {what}", flush=True)
    if complaint:
        print(f"# {complaint}")
    return not complaint


def main(run: Callable[..., None], unbootable: Callable[[System], System],
         ) -> int:
    """Run the self-test; the exit status."""
    wanted = scenarios.in_folder(FOLDER)
    report = Report()
    run(wanted, report)
    no_boot = Report()
    run(wanted[:1], no_boot, change=unbootable)
    good = [_report(number, f"{result.scenario.name}: "
                            f"{result.scenario.title}",
                    _complaint(result, result.scenario.expect))
            for number, result in enumerate(report.results, 1)]
    good.append(_report(len(good) + 1, "a machine that does not boot",
                        _complaint(no_boot.results[0], "the boot failed")))
    if len(report.results) != len(wanted):
        good.append(_report(len(good) + 1, "a result for each scenario",
                            f"{len(report.results)} of {len(wanted)}"))
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


def without_initramfs(built: System) -> System:
    """A system whose kernel finds nothing to run, and panics."""
    return dataclasses.replace(built, initramfs=Path("/dev/null"))
