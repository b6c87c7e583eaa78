"""Making a reconciliation that was asked for: compare, and keep what was found or why it could not be had."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

import psycopg
import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.away import LEDGER_AWAY
from ledger.readbacks import fence
from ledger.reconciliation_requests import due_months, failed, started
from ledger.reconciliation_results import store_result
from ledger.reconciliation_rows import Result, RunId
from ledger.rows import LaneKey, Lease
from ledger.writer import Fenced
from ops.reconciliation.direct import Ask, Stopped, reconcile_direct
from ops.reconciliation.files import reconcile_files
from ops.sessions import Reads
from schemas.outcome import Code, Reason, reason
from sinks.failures import reason_of
from vendors.failure import Failure

log = structlog.get_logger(__name__)

T = TypeVar("T")

TRY_AGAIN = timedelta(minutes=10)
"""A night's reconciliation that fails is tried again after this, or after what the package asks for."""


_LEFT_AS_IT_IS: tuple[type[Exception], ...] = (Fenced, Stopped, *LEDGER_AWAY)


class Ledger(Reads, Protocol):
    """The ledger as a run uses it."""

    def write(self, run: Callable[[Cursor[TupleRow]], T]) -> Awaitable[T]:
        """Run in one transaction."""


class Reconciler:
    """Makes what is due for one administration; the caller sees to it that there is one at a time."""

    def __init__(
        self,
        ledger: Ledger,
        open_sink: Ask,
        key: LaneKey,
        lease: Callable[[], Lease | None],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """`lease` is what the caller holds the connection by; None when there is nothing to hold (files)."""
        self._ledger = ledger
        self._open_sink = open_sink
        self._key = key
        self._lease = lease
        self._stopping = stopping
        self._log = log.bind(administration=key.administration, package=str(key.package))

    async def run_due(self) -> None:
        """Make everything that is due, in the order in which it was asked for.

        Raises:
            ledger.writer.Fenced: another process holds the connection; nothing was written.
            psycopg.OperationalError, ledger.writer.WriterClosed: the ledger is away; all stays due.
        """
        for run, month in await self._ledger.read(lambda connection: due_months(connection, self._key)):
            try:
                await self.run(run, month)
            except Stopped:
                return

    async def run(self, run: RunId, month: date) -> None:
        """Make one; raises as `run_due` does, and `Stopped`."""
        await self._ledger.write(lambda cursor: started(cursor, run))
        try:
            result = await self._compare(month)
        except _LEFT_AS_IT_IS:
            raise
        except Failure as failure:
            await self._fail(run, month, reason_of(failure, "", self._key.package), failure.retry_after)
        except Exception as error:  # noqa: BLE001 - our own bug, named on the run
            # A bug in ours or in a package's room: the run says so, and nothing runs wild.
            self._log.exception("reconciliation.bug", month=f"{month:%Y-%m}")
            why = reason(Code.INTERNAL, vendor_message=f"{type(error).__name__}: {error}")
            await self._fail(run, month, why, None)
        else:
            await self._keep(run, month, result)

    async def _compare(self, month: date) -> Result:
        sink = await self._open_sink()
        if sink is None:
            return await self._ledger.read(
                lambda connection: reconcile_files(connection, self._key, month, _now(connection))
            )
        return await reconcile_direct(self._ledger, sink, self._key, month, self._stopping)

    async def _keep(self, run: RunId, month: date, result: Result) -> None:
        def write(cursor: Cursor[TupleRow]) -> int:
            self._fence(cursor)
            return store_result(cursor, run, result)

        doubles = await self._ledger.write(write)
        needed = sum(one.needs_somebody for one in result.differences)
        self._log.info("reconciliation.done", month=f"{month:%Y-%m}", differences=needed, new_doubles=doubles)

    async def _fail(self, run: RunId, month: date, why: Reason, wait: timedelta | None) -> None:
        def write(cursor: Cursor[TupleRow]) -> None:
            self._fence(cursor)
            failed(cursor, run, why, max(TRY_AGAIN, wait or timedelta()))

        self._log.warning("reconciliation.failed", month=f"{month:%Y-%m}", code=str(why.code), why=why.en)
        await self._ledger.write(write)

    def _fence(self, cursor: Cursor[TupleRow]) -> None:
        lease = self._lease()
        if lease is not None:
            fence(cursor, lease)


def _now(connection: psycopg.Connection[TupleRow]) -> datetime:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now
