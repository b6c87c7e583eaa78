"""A process of ours below a guardian: it ends with us, however we end, and says when it works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ops.embedded import guardian
from ops.embedded.failures import StartFailed

_MOST_LOG = 20 * 1024 * 1024
READY = "ready"
URL = "http "


class Child:
    """One process, started as often as is asked.

    Its environment goes to the guardian as an environment, never as an argument: it may hold passwords.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        works: Callable[[], bool] | None = None,
        keep_open: Sequence[int] = (),
        grace: float = 35.0,
    ) -> None:
        """`works` says whether it is ready; default: it has printed the line `ready`.

        `keep_open` are locks that it inherits, `grace` the seconds after SIGTERM before SIGKILL.
        """
        self._arguments = tuple(arguments)
        self._environment = dict(environment)
        self._works = works
        self._keep_open = tuple(keep_open)
        self._grace = grace
        self._guardian: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._log_start = 0
        self._seen_ready = False
        self._lock = threading.RLock()
        self.log = log

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        return self._pid if self.running else None

    @property
    def running(self) -> bool:
        """It has not ended."""
        started = self._guardian
        return started is not None and started.poll() is None

    @property
    def ready(self) -> bool:
        """It works."""
        if not self._seen_ready and self.running:
            self._seen_ready = self._works() if self._works else self._has_said_ready()
        return self._seen_ready and self.running

    def restart(self) -> None:
        """Start it; one that still runs is stopped first.

        Raises:
            StartFailed: the program cannot be started.
        """
        with self._lock:
            self._restart()

    def _restart(self) -> None:
        self.stop()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _MOST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        self._seen_ready = False
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, json.dumps(self._order())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                pass_fds=self._keep_open,
                start_new_session=True,
                bufsize=0,
            )
        line = self._guardian.stdout.readline() if self._guardian.stdout else b""
        if not line:
            self.stop()
            raise StartFailed(f"{self._arguments[0]} could not be started.\n{self.last_words()}")
        self._pid = int(line)

    def stop(self) -> None:
        """SIGTERM, and wait until it has ended; after the grace time SIGKILL."""
        with self._lock:
            if self._guardian is None:
                return
            if self._guardian.stdin is not None:
                self._guardian.stdin.close()
            self._guardian.wait()
            if self._guardian.stdout is not None:
                self._guardian.stdout.close()
            self._guardian = None

    @property
    def url(self) -> str | None:
        """Where it serves its status, as it has said since this start."""
        said = [line.removeprefix(URL) for line in self._output() if line.startswith(URL)]
        return said[-1] if said and self.running else None

    def last_words(self, lines: int = 12) -> str:
        """The last lines that it wrote since this start."""
        return "\n".join(self._output()[-lines:])

    def _has_said_ready(self) -> bool:
        return READY in self._output()

    def _output(self) -> list[str]:
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_start)
                return log.read().decode(errors="replace").splitlines()
        except OSError:
            return []

    def _order(self) -> dict[str, object]:
        return {
            "command": self._arguments,
            "folder": str(Path.cwd()),
            "log": str(self.log),
            # None: the guardian's own, which is what we gave it
            "environment": None,
            "user": None,
            "group": None,
            "capabilities": [],
            "keep_open": self._keep_open,
            "stop_signal": int(signal.SIGTERM),
            "grace": self._grace,
            "parent": os.getpid(),
        }
