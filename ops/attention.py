"""The part of a worker that looks, again and again, for what needs somebody (`ledger.attention`).

A thread with a ledger connection of its own. Of several workers one tells at a time; a ledger that is away
only postpones it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.attention import tell
from ledger.attention_cases import AttentionTerms
from ledger.away import LEDGER_AWAY

log = structlog.get_logger(__name__)


class Attention:
    """Runs until stopped; `failure` is set when it met something that a next pass would meet too."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        terms: AttentionTerms,
        *,
        every: timedelta = timedelta(seconds=30),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """`connect` opens a connection in autocommit mode; `clock` is the database's by default."""
        self._connect = connect
        self._terms = terms
        self._every = every
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attention", daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End the pass in hand and stop."""
        self._stopping.set()
        self._thread.join(patience)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._every.total_seconds()):
                try:
                    with self._connect() as connection:
                        self._tell(connection)
                except LEDGER_AWAY as error:
                    log.info("attention.ledger_away", error=str(error).strip())
        except BaseException as error:  # noqa: BLE001 - handed to the process, which stops with it
            self.failure = error
            log.error("attention.failed", error=repr(error))

    def _tell(self, connection: psycopg.Connection[TupleRow]) -> None:
        told = tell(connection, self._terms, self._clock() if self._clock else None)
        if told is not None and told.total:
            log.info("attention.told", opened=told.opened, grown=told.grown, resolved=told.resolved)
