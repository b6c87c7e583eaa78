"""The intake as it runs in production: a process of its own, told what to do by signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]


class IntakeProcess:
    """One `python -m streams`; its log is kept for when a test fails."""

    def __init__(
        self, bootstrap: str, data_dir: Path, *, module: str = "streams", **settings: object
    ) -> None:
        self._module = module
        self._config = {"bootstrap_servers": [bootstrap], "data_dir": str(data_dir), **settings}
        self._log = data_dir / "intake.log"
        self._ready = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> IntakeProcess:
        self._ready.clear()
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                text=True,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._config))
        self._process.stdin.close()
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return self

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if line.strip() == "ready":
                    self._ready.set()

    def wait_ready(self) -> IntakeProcess:
        assert self._ready.wait(120), self.log
        return self

    def kill(self) -> None:
        """As the kernel, or a power cut, would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As a supervisor would; the exit status."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Until it ends by itself; the exit status."""
        assert self._process is not None
        return self._process.wait(60)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(60)

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""
