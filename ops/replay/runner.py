"""The part of a worker that carries out replays (`ledger.replay_steps`).

A thread with a ledger connection of its own. It keeps nothing: every worker looks for replays that are not
finished and takes the next step of one that nobody else is at, so that a replay goes on whoever is killed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import psycopg
from psycopg.rows import TupleRow

from ledger.replay_rows import ReplayId
from ledger.replay_selection import Unasked
from ledger.replay_steps import step, unfinished
from ops.worker_thread import WorkerThread

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.1
STEPS_AT_ONCE = 100
"""Of one replay, before another has its turn."""


class ReplayRunner(WorkerThread):
    """Takes the next steps of every replay that is not finished."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        clock: Callable[[], datetime],
        unasked: Unasked,
        *,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        """`connect` opens a connection in autocommit mode; `checkpoint` is for tests that kill here."""
        super().__init__("replays", IDLE_SECONDS)
        self._connect = connect
        self._clock = clock
        self._unasked = unasked
        self._checkpoint = checkpoint
        self._connection: psycopg.Connection[TupleRow] | None = None

    def _turn(self) -> float:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        runs = unfinished(self._connection)
        for run in runs:
            self._steps(self._connection, run)
        return BUSY_SECONDS if runs else IDLE_SECONDS

    def _steps(self, connection: psycopg.Connection[TupleRow], run: ReplayId) -> None:
        for _ in range(STEPS_AT_ONCE):
            took = step(connection, run, self._clock(), self._unasked, lambda: self._checkpoint("replaying"))
            if not took or self._stopping.is_set():
                return
            self._checkpoint("replayed")

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
