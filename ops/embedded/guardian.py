"""The small process between us and a service: whatever happens to us, the service is stopped.

Run as a script with one argument, a JSON object (see `ops.embedded.process.Command`). It starts the command,
prints its process id, and obeys one word a line on standard input: `pause`, `resume`, `kill`. When standard
input ends, or when the process that started it is gone (kill -9 included), the command gets its stop signal
and, after a grace time, SIGKILL. Should the guardian itself be killed, the kernel kills the command
(PR_SET_PDEATHSIG; tied to the parent thread, and this process has exactly one).

It imports nothing from the project: it starts in isolated mode, in a few milliseconds, and it is the only
place that changes user ids between fork and exec, where threads must not exist.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def before_exec(user: int | None, group: int | None, capabilities: list[int]) -> Callable[[], None] | None:
    """What the command's process does before it becomes the command: change user, tie its life to ours.

    `capabilities` are kept across the change of user. Without SECBIT_NO_SETUID_FIXUP the kernel would ignore
    them in access(2), which PostgreSQL uses to find its own binary.
    """
    if not sys.platform.startswith("linux"):
        if user is None or group is None:
            return None
        uid, gid = user, group
        return lambda: (os.setgroups([]), os.setgid(gid), os.setuid(uid), None)[-1]
    libc = ctypes.CDLL(None, use_errno=True)
    guardian = os.getpid()

    def prctl(option: int, *arguments: int) -> None:
        padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
        if libc.prctl(option, *padded) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {option}")

    def keep(wanted: list[int]) -> None:
        bits = sum(1 << capability for capability in wanted)
        data = (_Data * 2)(_Data(bits, bits, bits), _Data(0, 0, 0))
        if libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), ctypes.byref(data)) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        for capability in wanted:
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)

    def prepare() -> None:
        if user is not None and group is not None:
            if capabilities:
                prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
            if capabilities:
                keep(capabilities)
        # After the change of user, which would clear it.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian:
            os._exit(1)

    return prepare


def descendants(pid: int) -> list[int]:
    """Every process below `pid` (Linux; elsewhere none)."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(folder.name))
    found: list[int] = []
    wanted = [pid]
    while wanted:
        below = children.get(wanted.pop(), [])
        found += below
        wanted += below
    return found


def signal_all(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the command, then what it started."""
    if child.poll() is not None:
        return
    os.kill(child.pid, number)
    for pid in descendants(child.pid):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def stop(child: subprocess.Popen[bytes], number: signal.Signals, grace: float) -> None:
    """Ask, wait, insist."""
    if child.poll() is None:
        os.kill(child.pid, number)
        signal_all(child, signal.SIGCONT)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        signal_all(child, signal.SIGKILL)
        child.wait()


def guard(child: subprocess.Popen[bytes], parent: int, wakeup: int, stopping: list[bool]) -> bool:
    """Obey until the command ends (False) or must be stopped (True)."""
    words = b""
    while child.poll() is None:
        if stopping or os.getppid() != parent:
            return True
        readable, _, _ = select.select([0, wakeup], [], [], 1.0)
        if wakeup in readable:
            os.read(wakeup, 4096)
        if 0 in readable:
            more = os.read(0, 4096)
            if not more:
                return True
            *lines, words = (words + more).split(b"\n")
            for line in lines:
                obey(child, line.decode())
    return False


def obey(child: subprocess.Popen[bytes], word: str) -> None:
    """One word from the owner."""
    number = {"pause": signal.SIGSTOP, "resume": signal.SIGCONT, "kill": signal.SIGKILL}[word]
    signal_all(child, number)
    os.write(1, f"{word}\n".encode())


def main() -> int:
    """Start the command and guard it; the exit status is the command's (128 + n after signal n)."""
    order = json.loads(sys.argv[1])
    parent = order["parent"]
    stopping: list[bool] = []
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end)
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    # Handlers, not SIG_IGN: an ignored signal would stay ignored in the command.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    with Path(order["log"]).open("ab") as log:
        child = subprocess.Popen(
            order["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=order["folder"],
            env=order["environment"],
            pass_fds=order["keep_open"],
            preexec_fn=before_exec(order["user"], order["group"], order["capabilities"]),
        )
    os.write(1, f"{child.pid}\n".encode())
    if guard(child, parent, read_end, stopping):
        stop(child, signal.Signals(order["stop_signal"]), order["grace"])
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
