"""Asking for reconciliations and waiting for them: a worker makes them, or we do when none holds the lease.

The comparison must never run beside the administration's own calls in another process. So a request is a
row of the ledger: the worker that holds the administration's connection makes it. When nobody holds the
connection and nobody comes for it, this process takes the lease itself, like a worker, and makes it. Packages
that read files need no lease: nothing is asked of them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.credentials import CredentialVault
from ledger.leases import LeaseTerms
from ledger.reconciliation_requests import (
    Request,
    ask,
    is_worker_there,
    requests,
    touched_months,
    withdraw,
)
from ledger.reconciliation_results import find_runs
from ledger.reconciliation_rows import Run, RunId
from ledger.rows import LaneKey
from ledger.work import lane as read_lane
from ops.packages import PACKAGES, Apps, FilePackage
from ops.reconciliation.opening import open_sink
from ops.reconciliation.own_lease import Connect, own_lease
from ops.reconciliation.run import Reconciler
from ops.sessions import Sessions
from sinks.contract import DirectSink

T = TypeVar("T")

TOUCHED_WITHIN = timedelta(days=35)
"""Unless months are named, those of which a document was changed in this time are compared."""

LOOK_SECONDS = 0.2
COME_SECONDS = 3.0
"""A worker that is there comes for a request at once; after this long it is taken to be of other packages."""


class NotFinished(Exception):
    """The time is up; what was asked for is made all the same as soon as a worker can."""


class OneSession:
    """The ledger over one connection, a statement at a time."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    async def read(self, query: Callable[[psycopg.Connection[TupleRow]], T]) -> T:
        """Run a read in a thread."""
        async with self._turn:
            return await asyncio.to_thread(query, self._connection)

    async def write(self, run: Callable[[Cursor[TupleRow]], T]) -> T:
        """Run in one transaction, in a thread."""

        def transaction(connection: psycopg.Connection[TupleRow]) -> T:
            with connection.transaction(), connection.cursor() as cursor:
                return run(cursor)

        return await self.read(transaction)


@dataclass(frozen=True)
class Means:
    """What it takes to open packages ourselves; `connect` opens a ledger connection in autocommit mode."""

    connect: Connect
    vault: CredentialVault
    apps: Apps
    terms: LeaseTerms


class Desk:
    """Asks in somebody's name (`who`), waits, and makes what nobody else makes."""

    def __init__(
        self,
        means: Means,
        who: str,
        *,
        come_seconds: float = COME_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._means = means
        self._who = who
        self._come_seconds = come_seconds
        self._monotonic = monotonic
        self._owner = f"reconcile-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def ask(self, wanted: Sequence[tuple[LaneKey, date]]) -> list[RunId]:
        """Ask for these months."""
        with self._means.connect() as connection, connection.transaction(), connection.cursor() as cursor:
            return [ask(cursor, key, month, self._who) for key, month in wanted]

    def withdraw(self, runs: Sequence[RunId]) -> None:
        """Nobody waits any more: what has not begun is not made."""
        with self._means.connect() as connection, connection.transaction(), connection.cursor() as cursor:
            for run in runs:
                withdraw(cursor, run)

    async def finish(
        self,
        runs: Sequence[RunId],
        timeout: float,
        on_progress: Callable[[int], None] = lambda finished: None,
    ) -> list[Run]:
        """Wait until these are done or have failed; `on_progress` is told how many are.

        Raises:
            NotFinished: not within `timeout` seconds.
        """
        begun = self._monotonic()
        with self._means.connect() as connection:
            ledger = OneSession(connection)
            while True:
                open_ones = await ledger.read(lambda c: requests(c, runs))
                on_progress(len(runs) - len(open_ones))
                if not open_ones:
                    return await ledger.read(lambda c: find_runs(c, runs))
                waited = self._monotonic() - begun
                if waited > timeout:
                    raise NotFinished
                alone = waited >= self._come_seconds or not await ledger.read(is_worker_there)
                mine = next((one for one in open_ones if _is_for_us(one, alone=alone)), None)
                if mine is None or not await self._make(ledger, mine):
                    await asyncio.sleep(LOOK_SECONDS)

    async def _make(self, ledger: OneSession, request: Request) -> bool:
        """Make what is due for one administration; False when another process has taken it meanwhile."""
        key, means = request.key, self._means
        if request.connection is None or _reads_files(key):
            await Reconciler(ledger, lambda: _nothing_to_open(), key, lambda: None).run_due()
            return True
        connection = request.connection
        sessions = Sessions(
            ledger, means.vault, means.apps, lambda _: _refuse_writes, means.terms.call_timeout
        )

        async def opened() -> DirectSink | None:
            return await open_sink(sessions, await ledger.read(lambda c: read_lane(c, key)))

        try:
            async with own_lease(
                means.connect, self._owner, connection, means.terms, lambda: sessions.used(connection)
            ) as held:
                if held is None:
                    return False
                await Reconciler(ledger, opened, key, lambda: held.lease, lambda: held.lost).run_due()
        finally:
            await sessions.close(connection)
        return True


def default_months(
    connection: psycopg.Connection[TupleRow], key: LaneKey, always: Sequence[date]
) -> list[date]:
    """The months to compare when none is named: `always`, and those that were touched lately."""
    return sorted({*always, *touched_months(connection, key, TOUCHED_WITHIN)})


def _is_for_us(request: Request, *, alone: bool) -> bool:
    if _reads_files(request.key):
        return True
    return alone and not request.is_held


def _reads_files(key: LaneKey) -> bool:
    return isinstance(PACKAGES.get(key.package), FilePackage)


async def _nothing_to_open() -> None:
    return None


def _refuse_writes() -> None:
    raise AssertionError("a reconciliation writes nothing")
