"""A service's process, started through a guardian that outlives us just long enough to stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ops.embedded import guardian
from ops.embedded.failures import NotRunning, StartFailed

_MAX_LOG_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Command:
    """A program to run.

    Attributes:
        arguments: program and arguments.
        folder: where it runs.
        log: file that its output is appended to.
        environment: its whole environment.
        user: user and group id to run as; None is ourselves.
        capabilities: Linux capability numbers that survive the change of user.
        keep_open: file descriptors that it inherits (locks).
        stop_signal: asks it to end.
        grace: seconds after which it is killed.
    """

    arguments: tuple[str, ...]
    folder: Path
    log: Path
    environment: dict[str, str]
    user: tuple[int, int] | None = None
    capabilities: tuple[int, ...] = ()
    keep_open: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0
    order: dict[str, object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "order",
            {
                "command": self.arguments,
                "folder": str(self.folder),
                "log": str(self.log),
                "environment": self.environment,
                "user": self.user[0] if self.user else None,
                "group": self.user[1] if self.user else None,
                "capabilities": self.capabilities,
                "keep_open": self.keep_open,
                "stop_signal": int(self.stop_signal),
                "grace": self.grace,
                "parent": os.getpid(),
            },
        )


class GuardedProcess:
    """A running command. It ends with us, however we end."""

    def __init__(self, command: Command) -> None:
        """Start it; returns when the process exists.

        Raises:
            StartFailed: the program cannot be started.
        """
        self.log = command.log
        command.log.parent.mkdir(parents=True, exist_ok=True)
        if command.log.exists() and command.log.stat().st_size > _MAX_LOG_BYTES:
            command.log.replace(command.log.with_suffix(".old.log"))
        self._log_start = command.log.stat().st_size if command.log.exists() else 0
        with command.log.open("ab") as log:
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, json.dumps(command.order)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=command.keep_open,
                start_new_session=True,
                bufsize=0,
            )
        self.pid = self._first_line()

    def _first_line(self) -> int:
        line = self._answer()
        if not line:
            self._guardian.wait()
            self._close()
            raise StartFailed(f"The process could not be started.\n{self.output()}")
        return int(line)

    @property
    def running(self) -> bool:
        """The command has not ended."""
        return self._guardian.poll() is None

    def output(self, lines: int = 15) -> str:
        """The last lines that it wrote since this start."""
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_start)
                text = log.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit status (128 + n after signal n)."""
        status = self._guardian.wait(timeout)
        self._close()
        return status

    def stop(self) -> int:
        """Ask it to end, and wait until it has."""
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        return self.wait()

    def kill(self) -> None:
        """SIGKILL, for it and for all that it started."""
        if self.running:
            self._say("kill")
        self.wait()

    def pause(self) -> None:
        """SIGSTOP: it exists and does not answer."""
        self._say("pause")

    def resume(self) -> None:
        """SIGCONT."""
        self._say("resume")

    def _say(self, word: str) -> None:
        stdin = self._guardian.stdin
        if stdin is None or stdin.closed or not self.running:
            raise NotRunning(f"Cannot {word}: the process has ended.")
        try:
            stdin.write(f"{word}\n".encode())
        except BrokenPipeError as error:
            raise NotRunning(f"Cannot {word}: the process has ended.") from error
        self._answer()

    def _answer(self) -> str:
        stdout = self._guardian.stdout
        if stdout is None:
            return ""
        return stdout.readline().decode().strip()

    def _close(self) -> None:
        for pipe in (self._guardian.stdin, self._guardian.stdout):
            if pipe is not None:
                pipe.close()
