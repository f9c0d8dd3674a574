# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine in the box: Debian's QEMU running Xen and dom0 without KVM."""

import json
import queue
import signal
import socket
import subprocess
import threading
from pathlib import Path

from . import architectures, command, settings
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
# Arm's Xen takes dom0's memory in few pieces, which are not there for more.
ARM_DOM0_MEMORY = 1024  # MiB
PORT_NAME = "org.xendm.lab"

# Where the guest loader puts dom0's files: far from Xen, which QEMU puts at the
# start of RAM (0x40000000), and from each other.
ARM_KERNEL_ADDRESS = 0x49000000
ARM_INITRAMFS_ADDRESS = 0x50000000

# A large console ring: nothing that guests' firmware says may be lost before
# xenconsoled has read it.  No limit on how often the scheduler switches: a
# guest that waits for its device model would wait for the limit too.  No
# mitigations: the processor is not real, and they are expensive under TCG.
XEN_ARGUMENTS = ("loglvl=all guest_loglvl=all conring_size=1m bootscrub=0 "
                 "sched_ratelimit_us=0")
AMD64_XEN_ARGUMENTS = (f"{XEN_ARGUMENTS} console=com1 com1=115200 "
                       f"dom0_mem={DOM0_MEMORY}M,max:{DOM0_MEMORY}M "
                       "spec-ctrl=no xpti=no")
ARM64_XEN_ARGUMENTS = (f"{XEN_ARGUMENTS} console=dtuart "
                       "dtuart=/pl011@9000000 "
                       f"dom0_mem={ARM_DOM0_MEMORY}M")
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
                 "-device", f"virtio-serial-{_bus(built)}",
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


def _is_arm(built: System) -> bool:
    return built.machine.architecture == architectures.ARM64


def _bus(built: System) -> str:
    """The end of the names of virtio devices."""
    return "device" if _is_arm(built) else "pci"


def _amd64(built: System, kernel_arguments: str) -> list[str]:
    return [command.find("qemu-system-x86_64", "qemu-system-x86"),
            "-machine", "q35", "-cpu", CPU, "-append", AMD64_XEN_ARGUMENTS,
            "-initrd", f"{built.kernel} {kernel_arguments},{built.initramfs}"]


def _arm64(built: System, kernel_arguments: str) -> list[str]:
    return [command.find("qemu-system-aarch64", "qemu-system-arm"),
            "-machine", "virt,virtualization=on,gic-version=3",
            "-cpu", "cortex-a57", "-append", ARM64_XEN_ARGUMENTS,
            "-device", f"guest-loader,addr={ARM_KERNEL_ADDRESS:#x},"
                       f"kernel={built.kernel},bootargs={kernel_arguments}",
            "-device", f"guest-loader,addr={ARM_INITRAMFS_ADDRESS:#x},"
                       f"initrd={built.initramfs}"]


def _arguments(built: System, run_disk: Path, kernel: str = "") -> list[str]:
    # However the lab ends, its machines end with it.
    argv = [command.find("setpriv", "util-linux"), "--pdeathsig", "KILL"]
    argv += (_arm64 if _is_arm(built) else _amd64)(
        built, f"{KERNEL_ARGUMENTS} {kernel}".strip())
    argv += ["-accel", "tcg", "-smp", str(CPUS), "-m", str(MEMORY),
             "-nodefaults", "-kernel", str(built.hypervisor)]
    for name, disk in (("root", built.root_disk), ("run", run_disk)):
        argv += ["-drive", f"if=none,id={name},file={disk},format=raw,"
                           "readonly=on",
                 "-device", f"virtio-blk-{_bus(built)},drive={name},"
                            f"serial=lab-{name}"]
    return argv


def interactive(built: System, run_disk: Path) -> int:
    """Run a machine whose console is this terminal."""
    argv = _arguments(built, run_disk, "lab.shell")
    argv += ["-display", "none", "-serial", "mon:stdio"]
    return subprocess.run(argv, check=False).returncode
