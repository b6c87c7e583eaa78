"""Wakes the holder when a receiver, here or in another process, says that something became due."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg.rows import TupleRow

from ops.worker_thread import WorkerThread

LISTEN_SECONDS = 1.0
"""One turn; also the pause after the ledger was away."""


class Listener(WorkerThread):
    """Listens on one session, which it keeps as long as it can."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection[TupleRow]], wake: Callable[[], object]
    ) -> None:
        """`wake` is called in the listener's thread."""
        super().__init__("listener", LISTEN_SECONDS, first_after=0)
        self._connect = connect
        self._wake = wake
        self._session: psycopg.Connection[TupleRow] | None = None

    def _turn(self) -> float:
        if self._session is None:
            self._session = self._connect()
            self._session.execute("LISTEN koppeling_due")
        for _ in self._session.notifies(timeout=LISTEN_SECONDS, stop_after=1):
            self._wake()
        return 0

    def _let_go(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
