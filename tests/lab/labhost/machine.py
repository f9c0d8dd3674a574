# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine in the box: Debian's QEMU running Xen and dom0 without KVM."""

import json
import queue
import signal
import socket
import subprocess
import threading
from pathlib import Path

from . import command, settings
from .images import System

# "max" and Intel's or AMD's named models crash dom0's kernel early under
# TCG in QEMU 7.2; this one has all that HVM guests with HAP need.
CPU = "qemu64,+svm,+npt"
# One processor is faster than two: a guest's exits to its device model need no
# interrupt between processors, which under TCG waits for two host threads to
# be scheduled.  Use --jobs for more processors.
CPUS = int(settings.number("XENDM_LAB_CPUS", 1, 1))
MEMORY = 4096  # MiB
DOM0_MEMORY = 1536  # MiB
PORT_NAME = "org.xendm.lab"

# A large console ring: nothing that guests' firmware says may be lost before
# xenconsoled has read it.  No limit on how often the scheduler switches: a
# guest that waits for its device model would wait for the limit too.  No
# mitigations: the processor is not real, and they are expensive under TCG.
XEN_ARGUMENTS = ("console=com1 com1=115200 loglvl=all guest_loglvl=all "
                 f"dom0_mem={DOM0_MEMORY}M,max:{DOM0_MEMORY}M "
                 "conring_size=1m bootscrub=0 sched_ratelimit_us=0 "
                 "spec-ctrl=no xpti=no")
# rodata=off only spares a slow check of page tables.
KERNEL_ARGUMENTS = "console=hvc0 quiet panic=1 mitigations=off rodata=off"


class Machine:
    """A running machine.  The agent's events arrive in .events, None last."""

    def __init__(self, built: System, run_disk: Path, console: Path):
        self.events: queue.Queue = queue.Queue()
        self._line, theirs = socket.socketpair()
        argv = _arguments(built, run_disk)
        argv += ["-display", "none", "-monitor", "none", "-no-reboot",
                 "-serial", f"file:{console}",
                 "-chardev", f"socket,id=lab,fd={theirs.fileno()}",
                 "-device", "virtio-serial-pci",
                 "-device", f"virtserialport,chardev=lab,name={PORT_NAME}"]
        self._errors = console.with_name("qemu-stderr.txt")
        with theirs, self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                pass_fds=[theirs.fileno()])
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self._line.makefile("rb") as stream:
            try:
                for line in stream:
                    self.events.put(json.loads(line))
            except (OSError, ValueError):
                pass  # cut off in the middle: the same as the end
        self.events.put(None)

    def send(self, **values) -> None:
        try:
            self._line.sendall(json.dumps(values).encode() + b"\n")
        except OSError:
            pass  # the machine is gone, which .events reports

    def stop(self) -> None:
        """Pull the plug: nothing in there is worth saving."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._line.close()

    def complaint(self) -> str:
        """What the emulator itself had to say."""
        return self._errors.read_text(errors="replace").strip()


def _arguments(built: System, run_disk: Path, kernel: str = "") -> list[str]:
    # However the lab ends, its machines end with it.
    argv = [command.find("setpriv", "util-linux"), "--pdeathsig", "KILL",
            command.find("qemu-system-x86_64", "qemu-system-x86"),
            "-machine", "q35", "-accel", "tcg",
            "-cpu", CPU, "-smp", str(CPUS), "-m", str(MEMORY),
            "-nodefaults", "-kernel", str(built.hypervisor),
            "-append", XEN_ARGUMENTS,
            "-initrd", f"{built.kernel} {KERNEL_ARGUMENTS} {kernel},"
                       f"{built.initramfs}"]
    for name, disk in (("root", built.root_disk), ("run", run_disk)):
        argv += ["-drive", f"if=none,id={name},file={disk},format=raw,"
                           "readonly=on",
                 "-device", f"virtio-blk-pci,drive={name},serial=lab-{name}"]
    return argv


def interactive(built: System, run_disk: Path) -> int:
    """Run a machine whose console is this terminal."""
    argv = _arguments(built, run_disk, "lab.shell")
    argv += ["-display", "none", "-serial", "mon:stdio"]
    return subprocess.run(argv, check=False).returncode
