# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's agent in dom0: runs scenarios as the host tells it.

It talks to the host over a virtio-serial port, one JSON object a line.  The
host sends {"run": name, "timeout": seconds}; the agent sends events:

ready     the toolstack is up
alive     every few seconds, so that the host notices a dom0 that hangs
output    a line that the running scenario printed
file      a part of a log file that is worth keeping (base64)
end       the scenario is over: status, problems, whether dom0 is clean
"""

import base64
import json
import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path

import clean

PORT_NAME = "org.xendm.lab"
ALIVE_EVERY = 2  # seconds
STATE = Path("/run/lab")
HYPERVISOR_LOG = Path("/var/log/xen/console/hypervisor.log")
LOG_FOLDER = Path("/var/log/xen")
CHUNK = 48 << 10  # bytes of a file in one event
LARGEST_LOG = 4 << 20  # bytes; of longer ones the end is kept
# A killed scenario's output has ended unless a child of it holds the pipe.
OUTPUT_GRACE = 2  # seconds


class Port:
    """The line to the host."""

    def __init__(self):
        self._file = open(self._device(), "r+b", buffering=0)
        self._lock = threading.Lock()

    @staticmethod
    def _device() -> str:
        for name in Path("/sys/class/virtio-ports").glob("*/name"):
            if name.read_text().strip() == PORT_NAME:
                return f"/dev/{name.parent.name}"
        raise SystemExit(f"lab: there is no port {PORT_NAME}")

    def send(self, event: str, **values) -> None:
        line = json.dumps({"event": event, **values}) + "\n"
        data = memoryview(line.encode())
        with self._lock:
            while data:
                data = data[self._file.write(data):]

    def commands(self):
        """The host's commands, for ever."""
        pending = b""
        while True:
            data = self._file.read(4096)
            if not data:
                time.sleep(0.1)  # the host has not connected yet
                continue
            *lines, pending = (pending + data).split(b"\n")
            yield from (json.loads(line) for line in lines)

    def send_file(self, name: str, data: bytes) -> None:
        data = data[-LARGEST_LOG:]
        for start in range(0, max(len(data), 1), CHUNK):
            part = base64.b64encode(data[start:start + CHUNK]).decode()
            self.send("file", name=name, data=part)


class Scenario:
    """One run of one scenario file."""

    def __init__(self, port: Port, name: str, timeout: float):
        self.port = port
        self.name = name
        self.timeout = timeout
        self.log_start = _size(HYPERVISOR_LOG)

    def run(self) -> None:
        """Run it, clean up and report."""
        started = time.monotonic()
        status, problems = self._execute()
        seconds = time.monotonic() - started
        # libxl tears a domain down for a moment after "xl destroy" returns.
        leftovers = clean.leftovers(patience=5)
        problems += [f"left behind: {item}" for item in leftovers]
        if status or problems:
            self._send_logs()
        remaining = clean.by_force(leftovers)
        clean.reset_logs()
        self.port.send("end", status=status, problems=problems,
                       seconds=seconds, clean=not remaining)

    def _execute(self) -> tuple[int, list[str]]:
        folder = STATE / "scenario"
        subprocess.run(["rm", "-rf", str(folder)], check=False)
        folder.mkdir(parents=True)
        environment = dict(os.environ, LAB_STATE=str(folder),
                           LAB_SCENARIO=self.name,
                           LAB_HYPERVISOR_LOG=str(HYPERVISOR_LOG),
                           LAB_HYPERVISOR_LOG_START=str(self.log_start))
        process = subprocess.Popen(
            ["/bin/sh", "/lab/dom0/scenario", f"/lab/{self.name}.sh"],
            env=environment, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        reader = threading.Thread(target=self._forward, daemon=True,
                                  args=(process.stdout,))
        reader.start()
        problems = []
        try:
            status = process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            problems.append(f"did not finish within {self.timeout:g} s")
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        reader.join(OUTPUT_GRACE)
        return status, problems

    def _forward(self, stream) -> None:
        for line in stream:
            text = line.decode(errors="replace").rstrip("\n")
            self.port.send("output", line=text)

    def _send_logs(self) -> None:
        for path in sorted(LOG_FOLDER.glob("*.log")):
            self.port.send_file(path.name, path.read_bytes())
        with HYPERVISOR_LOG.open("rb") as log:
            log.seek(self.log_start)
            self.port.send_file("hypervisor.log", log.read())
        for path in sorted((STATE / "scenario").rglob("*")):
            if path.is_file():
                name = str(path.relative_to(STATE)).replace("/", "-")
                self.port.send_file(name, path.read_bytes())
        for name, argv in (("xenstore.txt", ["xenstore-ls", "-fp"]),
                           ("processes.txt", ["ps", "-o", "pid,ppid,args"]),
                           ("domains.txt", ["xl", "list", "-v"])):
            self.port.send_file(name, _output(argv))


def _output(argv: list[str]) -> bytes:
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=10,
                              stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired:
        return b"(no answer within 10 s)\n"
    return done.stdout


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _beat(port: Port) -> None:
    while True:
        port.send("alive")
        time.sleep(ALIVE_EVERY)


def _read_commands(port: Port, commands: queue.Queue) -> None:
    for command in port.commands():
        commands.put(command)


def main() -> None:
    port = Port()
    clean.remember()
    port.send("ready")
    commands: queue.Queue = queue.Queue()
    for target, arguments in ((_beat, (port,)),
                              (_read_commands, (port, commands))):
        threading.Thread(target=target, args=arguments, daemon=True).start()
    while True:
        command = commands.get()
        Scenario(port, command["run"], command["timeout"]).run()


main()
