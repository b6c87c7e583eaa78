"""The part of a worker that carries out replays (`ledger.replay_steps`).

A thread with a ledger connection of its own. It keeps nothing: every worker looks for replays that are not
finished and takes the next step of one that nobody else is at, so that a replay goes on whoever is killed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.away import LEDGER_AWAY
from ledger.replay_rows import ReplayId
from ledger.replay_selection import Unasked
from ledger.replay_steps import step, unfinished

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.1
STEPS_AT_ONCE = 100
"""Of one replay, before another has its turn."""


class ReplayRunner:
    """Runs until stopped; `failure` is set when it met something that a next pass would meet too."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        clock: Callable[[], datetime],
        unasked: Unasked,
        *,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        """`connect` opens a connection in autocommit mode; `checkpoint` is for tests that kill here."""
        self._connect = connect
        self._clock = clock
        self._unasked = unasked
        self._checkpoint = checkpoint
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replays", daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End the step in hand and stop."""
        self._stopping.set()
        self._thread.join(patience)

    def _run(self) -> None:
        pause = IDLE_SECONDS
        try:
            while not self._stopping.wait(pause):
                try:
                    pause = BUSY_SECONDS if self._look() else IDLE_SECONDS
                except LEDGER_AWAY as error:
                    log.info("replays.ledger_away", error=str(error).strip())
                    self._drop_connection()
                    pause = IDLE_SECONDS
        except BaseException as error:  # noqa: BLE001 - handed to the process, which stops with it
            self.failure = error
            log.error("replays.failed", error=repr(error))
        finally:
            self._drop_connection()

    def _look(self) -> bool:
        """Take what steps are due; True when a replay is not finished."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        runs = unfinished(self._connection)
        for run in runs:
            self._steps(self._connection, run)
        return bool(runs)

    def _steps(self, connection: psycopg.Connection[TupleRow], run: ReplayId) -> None:
        for _ in range(STEPS_AT_ONCE):
            took = step(connection, run, self._clock(), self._unasked, lambda: self._checkpoint("replaying"))
            if not took or self._stopping.is_set():
                return
            self._checkpoint("replayed")

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
