"""A lane's way to the ledger: reads in a pool of threads, writes through the grouped writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from ledger.postings import Intent
from ledger.rows import Change, Lease, PostingId
from ledger.writer import LedgerWriter

T = TypeVar("T")


class Books:
    """The ledger as lanes use it."""

    def __init__(
        self, pool: ConnectionPool[psycopg.Connection[TupleRow]], writer: LedgerWriter, threads: int
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ledger-read")

    async def read(self, query: Callable[[psycopg.Connection[TupleRow]], T]) -> T:
        """Run a read in a thread with a connection of the pool.

        Raises `psycopg.OperationalError` (also for a pool time-out) when the database is away.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    def _run(self, query: Callable[[psycopg.Connection[TupleRow]], T]) -> T:
        with self._pool.connection() as connection:
            return query(connection)

    def intent(
        self, lease: Lease, posting: PostingId, step: str, version: int | None = None
    ) -> asyncio.Future[None]:
        """Resolves when the intent is committed; raises `ledger.writer.Fenced`.

        `version` is that of the row that is about to be sent: a row that was changed since is not sent.
        """
        return self._writer.intent(lease, Intent(posting, step, version))

    def change(self, lease: Lease, change: Change) -> asyncio.Future[None]:
        """Resolves when the change is committed; raises `ledger.writer.Fenced`."""
        return self._writer.change(lease, change)

    def write(self, run: Callable[[Cursor[TupleRow]], T]) -> asyncio.Future[T]:
        """Run in a transaction of its own, after everything handed in before."""
        return self._writer.transaction(run)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
