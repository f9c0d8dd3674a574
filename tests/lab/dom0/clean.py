# SPDX-License-Identifier: GPL-2.0-or-later
"""Is dom0 as it was when it came up?  If not: make it so.

Three things are looked at: domains, processes, and nodes in xenstore.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

LOG_FOLDER = Path("/var/log/xen")
# Folders in xenstore that libxl makes with the first guest and keeps.
KEPT_FOLDERS = ("/local/domain/0/backend", "/local/domain/0/device-model",
                "/libxl", "/vm", "/tool")

_first_nodes: set[str] = set()
_first_processes: set[int] = set()


def remember() -> None:
    """Take the present state for the clean one."""
    _first_nodes.update(_nodes())
    _first_processes.update(_processes())


def leftovers(patience: float) -> list[str]:
    """What is there that was not, after some seconds of patience."""
    deadline = time.monotonic() + patience
    while True:
        found = (_extra_domains() + _extra_processes() + _extra_nodes())
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def by_force(found: list[str]) -> list[str]:
    """Remove what leftovers() found; what could not be removed."""
    if not found:
        return []
    for item in _extra_domains():
        _run("xl", "destroy", item.split()[1])
    for pid in _processes() - _first_processes:
        _kill(pid)
    for node in sorted(_changed_nodes(), key=len):
        _run("xenstore-rm", node)
    return leftovers(patience=5)


def reset_logs() -> None:
    """Remove the log files that guests have left."""
    for path in LOG_FOLDER.glob("*.log*"):
        path.unlink()


def _run(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True,
                              check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _extra_domains() -> list[str]:
    """Asked from Xen: a domain that is only half destroyed counts."""
    lines = _run("lab-domain", "list").splitlines()
    return [f"domain {line}" for line in lines
            if line.split()[0] != "0"]


def _processes() -> set[int]:
    """Processes with a program of their own: no kernel threads."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "exe"):
                found.add(int(folder.name))
        except OSError:
            continue
    found.discard(os.getpid())
    return found


def _extra_processes() -> list[str]:
    items = []
    for pid in sorted(_processes() - _first_processes):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        line = b" ".join(words).decode(errors="replace").strip()
        if line:
            items.append(f"process {pid} {line}")
    return items


def _nodes() -> set[str]:
    lines = _run("xenstore-ls", "-f").splitlines()
    return {line.split(" = ")[0] for line in lines if line.startswith("/")}


def _changed_nodes() -> set[str]:
    return _nodes() - _first_nodes


def _extra_nodes() -> list[str]:
    extra = {node for node in _changed_nodes() if not _is_kept(node)}
    # What is below a node that is extra itself says nothing more.
    return [f"xenstore node {node}" for node in sorted(extra)
            if node.rpartition("/")[0] not in extra]


def _is_kept(node: str) -> bool:
    parent = node.rpartition("/")[0]
    return (node in KEPT_FOLDERS
            or parent == "/local/domain/0/backend")
