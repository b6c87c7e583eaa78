"""What the Kafka node and the PostgreSQL node have in common: one folder, one owner, one process."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.embedded import node_state
from ops.embedded.failures import DataDirInUse, EmbeddedError, NotRunning, PortTaken, StartFailed
from ops.embedded.file_lock import FileLock
from ops.embedded.node_state import NodeState
from ops.embedded.process import Command, GuardedProcess

START_ATTEMPTS = 4
LEFTOVER_SECONDS = 40.0


class Node(ABC):
    """A service with its data in one folder.

    Two locks: `owner.lock` is ours while we use the folder; `running.lock` belongs to the service's
    processes, so that after a kill -9 of the owner the next one waits until the old service has really ended.
    """

    name: str
    """How sentences call it."""

    def __init__(self, folder: Path, *, start_timeout: float = 90.0) -> None:
        """`folder` holds everything of this node; it is created when missing."""
        self.folder = folder.absolute()
        self._start_timeout = start_timeout
        self._owner = FileLock(self.folder / "owner.lock")
        self._process: GuardedProcess | None = None
        self._state: NodeState | None = None
        self._abandoned = threading.Event()

    @property
    def running(self) -> bool:
        """Its process exists (it may be paused)."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """The service's process id."""
        return self._require().pid

    @property
    def log(self) -> Path:
        """Where the service writes what it has to say."""
        return self.folder / "service.log"

    def start(self) -> None:
        """Start on the data of this folder (created the first time); returns when it really answers.

        Raises:
            DataDirInUse: another process uses the folder.
            StartFailed: it ended or did not answer in time; the message has its last words.
        """
        if self.running:
            return
        self._abandoned.clear()
        self._own()
        try:
            self._start()
        except BaseException:
            self._discard_process()
            self._owner.release()
            raise

    def stop(self) -> None:
        """Stop cleanly and give the folder back; nothing happens when it is not running."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        self._owner.release()

    def abandon(self) -> None:
        """Let a `start` that waits in another thread fail soon."""
        self._abandoned.set()

    def tend(self) -> None:
        """Help along what does not help itself; called now and then while it runs."""
        return

    def kill(self) -> None:
        """SIGKILL; the folder stays ours, `start` continues on the same data."""
        self._require().kill()
        self._process = None

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._require().pause()

    def resume(self) -> None:
        """End of `pause`."""
        self._require().resume()

    def restart(self) -> None:
        """Stop cleanly and start on the same data and, unless somebody took it, the same port."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self, running: FileLock) -> NodeState:
        """Make the data directory if it is new; the state without fresh ports."""

    @abstractmethod
    def _ports(self, state: NodeState) -> dict[str, int]:
        """The ports for this start."""

    @abstractmethod
    def _command(self, state: NodeState, running: FileLock) -> Command:
        """The service's command line; writes its configuration."""

    @abstractmethod
    def _answers(self, state: NodeState) -> bool:
        """Whether it does real work now."""

    @abstractmethod
    def _lost_port(self, output: str) -> bool:
        """Whether its last words say that the port is taken."""

    def _own(self) -> None:
        if self._owner.held:
            return
        try:
            taken = not self._owner.try_acquire()
        except OSError as error:
            raise EmbeddedError(
                f"{self.name} cannot use {self.folder}: {error.strerror}. Choose another --data-dir, or make "
                "this one yours."
            ) from error
        if taken:
            note = self._owner.note()
            by = f" by process {note}" if note else ""
            raise DataDirInUse(
                f"{self.folder} is in use{by}. Stop that one first, or choose another --data-dir."
            )
        self._owner.write(str(os.getpid()))

    def _start(self) -> None:
        running = FileLock(self.folder / "running.lock")
        if not running.acquire(timeout=LEFTOVER_SECONDS):
            raise DataDirInUse(
                f"A {self.name} from an earlier run still works on {self.folder} and does not end. Stop it "
                "first, or choose another --data-dir."
            )
        try:
            stored = self._prepare(running)
            for attempt in range(1, START_ATTEMPTS + 1):
                state = NodeState(self._ports(stored), stored.password, stored.cluster_id)
                try:
                    self._launch(state, running)
                    break
                except PortTaken:
                    if attempt == START_ATTEMPTS:
                        raise
                    self._discard_process()
        finally:
            # The service's processes have inherited it.
            running.release()
        node_state.write(self.folder, state)
        self._state = state

    def _launch(self, state: NodeState, running: FileLock) -> None:
        process = self._process = GuardedProcess(self._command(state, running))
        deadline = time.monotonic() + self._start_timeout
        while not self._answers(state):
            if not process.running:
                output = process.output()
                kind = PortTaken if self._lost_port(output) else StartFailed
                raise kind(f"{self.name} ended while starting. Its last words ({process.log}):\n{output}")
            if self._abandoned.is_set():
                raise StartFailed(f"The start of {self.name} was given up.")
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.name} did not answer within {self._start_timeout:.0f} s. Its last words "
                    f"({process.log}):\n{process.output()}"
                )
            time.sleep(0.05)
        if not process.running:
            raise PortTaken(f"{self.name} ended, and somebody else answers on its port.")

    def _run_once(self, command: Command) -> None:
        """Run a preparing command to its end."""
        process = GuardedProcess(command)
        if process.wait() != 0:
            raise StartFailed(
                f"{self.name} could not prepare {self.folder}. Its last words:\n{process.output()}"
            )

    def _discard_process(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _require(self) -> GuardedProcess:
        if self._process is None:
            raise NotRunning(f"{self.name} is not running.")
        return self._process
