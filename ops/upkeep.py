"""What a worker does beside the work: letting go of history, and noticing that its release is too old.

A thread with a ledger connection of its own. What it does is in small batches, one process at a time
(`ledger.retention.tidy`); a ledger that is away only postpones it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.away import LEDGER_AWAY
from ledger.retention import Retention, tidy
from ledger.schema import program_revision, require_fit

log = structlog.get_logger(__name__)


class Upkeep:
    """Runs until stopped; `failure` is set when the ledger was upgraded beyond this program."""

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
        self._connect = connect
        self._retention = retention
        self._every = every
        self._check_every = check_every
        self._monotonic = monotonic
        self._program = program or program_revision()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End the batch in hand and stop."""
        self._stopping.set()
        self._thread.join(patience)

    def _run(self) -> None:
        tidied_at: float | None = None
        try:
            while not self._stopping.wait(self._check_every.total_seconds()):
                try:
                    with self._connect() as connection:
                        require_fit(connection, self._program)
                        now = self._monotonic()
                        if tidied_at is None or now - tidied_at >= self._every.total_seconds():
                            self._tidy(connection)
                            tidied_at = now
                except LEDGER_AWAY as error:
                    log.info("upkeep.ledger_away", error=str(error).strip())
        except BaseException as error:  # noqa: BLE001 - handed to the process, which stops with it
            self.failure = error
            log.error("upkeep.failed", error=str(error))

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
