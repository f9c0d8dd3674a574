# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's command line."""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import images, machine, paths, runner, scenarios, selftest
from .architectures import AMD64, ARM64, DEFAULT, KINDS
from .errors import LabError
from .products import PRODUCTS
from .report import PlainReport, Report, TapReport

# Logs of so many runs are kept.
KEPT_RUNS = 50


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab", description="Real Xen in a box: boots the hypervisor, "
        "dom0 and guests under emulation and runs scenarios in dom0.")
    for product in PRODUCTS.values():
        parser.add_argument(
            f"--{product.name}", metavar="FILE", help="use this file "
            f"(default: {product.default}, or ${product.variable})")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="make the images")
    run = commands.add_parser("run", help="run scenarios, report TAP")
    _add_run_options(run)
    shell = commands.add_parser("shell", help="dom0's shell; Ctrl-a x leaves")
    shell.add_argument("--machine", choices=KINDS, default=DEFAULT.name,
                       help="the kind of machine (default: %(default)s)")
    shell.add_argument("--file", action="append", default=[], type=Path,
                       help="bring a file to /lab/files in dom0")
    commands.add_parser("list", help="show the scenarios")
    commands.add_parser("demo", help="stock QEMU and ours side by side")
    commands.add_parser("bench", help="measure ours against stock")
    commands.add_parser("selftest",
                        help="check that the lab reports failures")
    return parser


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument("--jobs", type=_positive, default=_default_jobs(),
                     metavar="N", help="machines at once (default: as many as "
                     "processors and memory allow, here %(default)s)")
    run.add_argument("--file", action="append", default=[], type=Path,
                     help="bring a file to /lab/files in dom0")
    run.add_argument("scenario", nargs="+",
                     help="a scenario's name, a scenario file, a "
                     "folder's name, or all")


def _default_jobs() -> int:
    """A machine keeps one processor busy and has its memory for itself."""
    page = os.sysconf("SC_PAGE_SIZE")
    free = os.sysconf("SC_AVPHYS_PAGES") * page >> 20
    processors = len(os.sched_getaffinity(0))
    return max(1, min(processors, free // machine.MEMORY))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a whole number above 0")
    return int(text)


def _new_log_folder() -> Path:
    """build/lab/logs/<time>; "latest" points to it; old ones are removed."""
    old = sorted(path for path in paths.LOGS.glob("2*") if path.is_dir())
    for folder in old[:-KEPT_RUNS]:
        shutil.rmtree(folder, ignore_errors=True)
    name = time.strftime("%Y%m%d-%H%M%S") + f"-{os.getpid()}"
    folder = paths.LOGS / name
    folder.mkdir(parents=True)
    # Renamed into its place: two runs may begin at once.
    new = paths.LOGS / f".latest-{os.getpid()}"
    new.symlink_to(name)
    new.rename(paths.LOGS / "latest")
    return folder


def _run_disk(built: images.System, folder: Path,
              wanted: list[scenarios.Scenario], files: list[Path]) -> Path:
    programs = {name: product.path for name, product in PRODUCTS.items()
                if product.architecture == built.machine.architecture
                and not product.problem()}
    for path in files:
        if not path.is_file():
            raise LabError(f"--file {path}: there is no such file")
    target = folder / f"run-{built.machine.name}.ext4"
    scenario_files = {scenario.name: scenario.path for scenario in wanted}
    images.run_disk(built, programs, scenario_files, files, target)
    return target


def run(wanted: list[scenarios.Scenario], report: Report, jobs: int = 1,
        files: list[Path] | None = None,
        change: Callable[[images.System], images.System] | None = None,
        ) -> None:
    """Build what is needed and run scenarios, kind of machine by kind."""
    folder = _new_log_folder()
    for kind in KINDS.values():
        group = [one for one in wanted if one.machine == kind]
        if not group:
            continue
        built = images.system(kind)
        disk = _run_disk(built, folder, group, files or [])
        try:
            runner.run(change(built) if change else built, disk, folder,
                       group, jobs, report)
        finally:
            disk.unlink(missing_ok=True)


def _command_run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    wanted = scenarios.find(options.scenario)
    report = TapReport(len(wanted))
    run(wanted, report, options.jobs, options.file)
    report.remark(f"{time.monotonic() - started:.0f} s; logs: "
                  f"{paths.shown(paths.LOGS / 'latest')}/")
    print(f"{report.passed} passed, {report.failed} failed")
    return _status(report)


def _status(report: Report) -> int:
    return 0 if report.passed and not report.failed else 1


def _command_plain(folder: str) -> int:
    """Run a folder's scenarios for a person to read along."""
    started = time.monotonic()
    report = PlainReport()
    print("lab: boot Xen and dom0 (about 10 s)", flush=True)
    run(scenarios.in_folder(folder), report)
    outcome = "failed" if report.failed else "succeeded"
    print(f"\nlab: {outcome} after {time.monotonic() - started:.0f} s; logs: "
          f"{paths.shown(paths.LOGS / 'latest')}/")
    return _status(report)


def _command_shell(options: argparse.Namespace) -> int:
    kind = KINDS[options.machine]
    built = images.system(kind)
    folder = _new_log_folder()
    every = [scenario for name in scenarios.FOLDERS
             for scenario in scenarios.in_folder(name)
             if scenario.machine == kind]
    disk = _run_disk(built, folder, every, options.file)
    try:
        return machine.interactive(built, disk)
    finally:
        disk.unlink(missing_ok=True)


def _command_list() -> int:
    for folder in scenarios.FOLDERS:
        for scenario in scenarios.in_folder(folder):
            print(f"{scenario.name:42} {scenario.title}")
    return 0


def _dispatch(options: argparse.Namespace) -> int:
    for name, product in PRODUCTS.items():
        given = getattr(options, name.replace("-", "_"))
        if given:
            os.environ[product.variable] = str(Path(given).resolve())
    if options.command == "build":
        for architecture in (AMD64, ARM64):
            images.system(KINDS[architecture.name])
            images.tools(architecture)
        return 0
    if options.command == "run":
        return _command_run(options)
    if options.command == "shell":
        return _command_shell(options)
    if options.command == "list":
        return _command_list()
    if options.command in ("demo", "bench"):
        return _command_plain(options.command)
    return selftest.main(run, selftest.without_initramfs)


def _terminated(number: int, _) -> None:
    """Being told to end is an exit like others: temporary files go."""
    sys.exit(128 + number)


def main() -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _dispatch(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
