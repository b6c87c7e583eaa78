"""The part of a worker that looks, again and again, for what needs somebody (`ledger.attention`).

A thread with a ledger connection of its own. Of several workers one tells at a time; a ledger that is away
only postpones it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.attention import tell
from ledger.attention_cases import AttentionTerms
from ops.worker_thread import WorkerThread

log = structlog.get_logger(__name__)


class Attention(WorkerThread):
    """Tells what opened, grew and resolved since the last turn."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        terms: AttentionTerms,
        *,
        every: timedelta = timedelta(seconds=30),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """`connect` opens a connection in autocommit mode; `clock` is the database's by default."""
        super().__init__("attention", every.total_seconds())
        self._connect = connect
        self._terms = terms
        self._clock = clock

    def _turn(self) -> None:
        with self._connect() as connection:
            told = tell(connection, self._terms, self._clock() if self._clock else None)
        if told is not None and told.total:
            log.info("attention.told", opened=told.opened, grown=told.grown, resolved=told.resolved)
