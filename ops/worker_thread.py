"""A part of a worker that does one turn after another in a thread of its own.

Every such part has the same manners: it ends when it is told to, a ledger that is away only postpones its
next turn, and what no next turn could get past is handed to the process, which stops with it.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

import structlog

from ledger.away import LEDGER_AWAY

log = structlog.get_logger(__name__)


class WorkerThread(ABC):
    """Takes turns until stopped; `failure` is set when it met something that a next turn would meet too."""

    def __init__(self, name: str, every: float, *, first_after: float | None = None) -> None:
        """`every` is how many seconds lie between turns, `first_after` before the first (as long)."""
        self._name = name
        self._every = every
        self._first_after = every if first_after is None else first_after
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End the turn in hand and stop; wait for it at most `patience` seconds."""
        self._stopping.set()
        self._thread.join(patience)

    @abstractmethod
    def _turn(self) -> float | None:
        """Do what is due; seconds until the next turn where that is not `every`."""

    def _let_go(self) -> None:  # noqa: B027 - most parts keep nothing between turns
        """Give back what was kept for the next turn: the ledger is away, or this was the last."""

    def _run(self) -> None:
        pause = self._first_after
        try:
            while not self._stopping.wait(pause):
                pause = self._every
                try:
                    asked = self._turn()
                    pause = self._every if asked is None else asked
                except LEDGER_AWAY as error:
                    log.info("worker_thread.ledger_away", thread=self._name, error=str(error).strip())
                    self._let_go()
        except BaseException as error:  # noqa: BLE001 - handed to the process, which stops with it
            self.failure = error
            log.error("worker_thread.failed", thread=self._name, error=repr(error))
        finally:
            self._let_go()
