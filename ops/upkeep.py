"""What a worker does beside the work: letting go of history, and noticing that its release is too old.

A thread with a ledger connection of its own. What it does is in small batches, one process at a time
(`ledger.retention.tidy`); a ledger that is away only postpones it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.retention import Retention, tidy
from ledger.schema import program_revision, require_fit
from ops.worker_thread import WorkerThread

log = structlog.get_logger(__name__)


class Upkeep(WorkerThread):
    """Lets go of history; `failure` is also set when the ledger was upgraded beyond this program."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        retention: Retention,
        *,
        every: timedelta = timedelta(hours=1),
        check_every: timedelta = timedelta(seconds=10),
        program: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`connect` opens a connection in autocommit mode; `program` is this program's revision."""
        super().__init__("upkeep", check_every.total_seconds())
        self._connect = connect
        self._retention = retention
        self._tidy_every = every.total_seconds()
        self._tidied_at: float | None = None
        self._monotonic = monotonic
        self._program = program or program_revision()

    def _turn(self) -> None:
        with self._connect() as connection:
            require_fit(connection, self._program)
            now = self._monotonic()
            if self._tidied_at is None or now - self._tidied_at >= self._tidy_every:
                self._tidy(connection)
                self._tidied_at = now

    def _tidy(self, connection: psycopg.Connection[TupleRow]) -> None:
        done = tidy(connection, self._retention, stopping=self._stopping.is_set)
        if done is not None and done.total:
            log.info(
                "upkeep.tidied",
                archived=done.archived,
                input_records=done.input_records,
                rejected_inputs=done.rejected_inputs,
                files=done.files,
            )
