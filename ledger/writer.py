"""The grouped writer: one thread per process turns many small ledger writes into few transactions.

Lanes hand in intents and changes and get a future back; the thread collects what is there within a few
milliseconds and commits it at once. First in, first out: a lane's change n and its intent n+1 travel in
one transaction, and an intent's future resolves only after its commit, so a call starts after its intent
is durable. When the database is away the thread keeps what it has and tries again: an answer in hand is
written as long as the lease's epoch has not moved on.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow
from tenacity import wait_exponential
from tenacity.wait import wait_base

from ledger.away import LEDGER_AWAY, WriterClosed
from ledger.pauses import pause
from ledger.postings import Intent, write_changes, write_intents
from ledger.rows import Change, Lease, PostingId
from telemetry import metrics
from telemetry.progress import Pulse

T = TypeVar("T")


class Fenced(Exception):
    """The row was not written: another process holds the lane, or the row has moved on."""


@dataclass(frozen=True)
class _IntentJob:
    lease: Lease
    intent: Intent
    done: asyncio.Future[Any]

    @property
    def posting(self) -> PostingId:
        return self.intent.posting


@dataclass(frozen=True)
class _ChangeJob:
    lease: Lease
    change: Change
    done: asyncio.Future[Any]

    @property
    def posting(self) -> PostingId:
        return self.change.posting


@dataclass(frozen=True)
class _TransactionJob:
    run: Callable[[Cursor[TupleRow]], object]
    done: asyncio.Future[Any]


_Job = _IntentJob | _ChangeJob | _TransactionJob


class LedgerWriter:
    """Owns one connection and one thread; `intent`, `change` and `transaction` may be called by any lane."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        loop: asyncio.AbstractEventLoop,
        *,
        gather_seconds: float = 0.001,
        most: int = 200,
        wait_between_attempts: wait_base | None = None,
        checkpoint: Callable[[str], None] = lambda name: None,
        pulse: Pulse | None = None,
    ) -> None:
        """`connect` opens a connection in autocommit mode; called again after every loss.

        `pulse` shows whether the thread gets on while there is something to write.
        """
        self._checkpoint = checkpoint
        self._pulse = pulse or Pulse("writer", float("inf"))
        self._connect = connect
        self._loop = loop
        self._gather = gather_seconds
        self._most = most
        self._wait = wait_between_attempts or wait_exponential(multiplier=0.05, max=2)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self.transactions = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def intent(self, lease: Lease, intent: Intent) -> asyncio.Future[None]:
        """Resolves when the intent is committed; raises `Fenced` when it must not be acted upon."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put(_IntentJob(lease, intent, done))
        self._pulse.expect()
        return done

    def change(self, lease: Lease, change: Change) -> asyncio.Future[None]:
        """Resolves when the change is committed; raises `Fenced` when the epoch has moved on."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put(_ChangeJob(lease, change, done))
        self._pulse.expect()
        return done

    def transaction(self, run: Callable[[Cursor[TupleRow]], T]) -> asyncio.Future[T]:
        """Run `run` in a transaction of its own, after everything handed in before it.

        It may be run again when the connection was lost; what it raises itself reaches the caller.
        """
        done: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_TransactionJob(run, done))
        self._pulse.expect()
        return done

    async def close(self, patience: float) -> None:
        """Write what was handed in, for at most `patience` seconds, then let go."""
        self._stopping.set()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, patience)
        if self._thread.is_alive():
            self._abandoned.set()

    def _run(self) -> None:
        connection: psycopg.Connection[TupleRow] | None = None
        waiting: list[_Job] = []
        failures = 0
        while True:
            if not waiting:
                self._pulse.rest()
                waiting = self._collect()
                if not waiting:
                    break
            self._pulse.beat()
            try:
                if connection is None or connection.closed:
                    connection = self._connect()
                self._write(connection, waiting)
                waiting, failures = [], 0
            except LEDGER_AWAY:
                failures += 1
                if connection is not None:
                    connection.close()
                    connection = None
                if self._abandoned.wait(pause(self._wait, failures).total_seconds()):
                    break
        for job in waiting:
            self._answer(
                [(job.done, WriterClosed("the ledger did not answer before the process had to stop"))]
            )
        if connection is not None:
            connection.close()

    def _collect(self) -> list[_Job]:
        first = self._jobs.get()
        if first is None:
            return []
        jobs = [first]
        if isinstance(first, _TransactionJob):
            return jobs
        deadline = self._loop.time() + self._gather
        while len(jobs) < self._most:
            try:
                remaining = deadline - self._loop.time()
                job = self._jobs.get(timeout=remaining) if remaining > 0 else self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
            if isinstance(job, _TransactionJob):
                break
        return jobs

    def _write(self, connection: psycopg.Connection[TupleRow], jobs: list[_Job]) -> None:
        """Commit the changes and intents of a batch together, then a transaction job at its end alone."""
        batch = [job for job in jobs if isinstance(job, _IntentJob | _ChangeJob)]
        answers: list[tuple[asyncio.Future[Any], object]] = []
        if batch:
            answers = self._write_batch(connection, batch)
            if any(isinstance(job, _ChangeJob) for job in batch):
                self._checkpoint("outcome")
            jobs[:] = [job for job in jobs if isinstance(job, _TransactionJob)]
        self.transactions += 1
        self._answer(answers)
        for single in jobs:
            assert isinstance(single, _TransactionJob)
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    result: object = single.run(cursor)
            except LEDGER_AWAY:
                raise
            except Exception as error:  # noqa: BLE001 - it is the caller's, and is raised there
                result = error
            self._answer([(single.done, result)])

    def _write_batch(
        self, connection: psycopg.Connection[TupleRow], batch: list[_IntentJob | _ChangeJob]
    ) -> list[tuple[asyncio.Future[Any], object]]:
        """Commit a batch; one that cannot be written is bisected until the job to blame stands alone."""
        written: dict[int, bool] = {}
        try:
            with (
                metrics.LEDGER_WRITE_SECONDS.time(),
                connection.transaction(),
                connection.cursor() as cursor,
            ):
                for group in _without_repeats(batch):
                    changes = [(job.lease, job.change) for job in group if isinstance(job, _ChangeJob)]
                    intents = [(job.lease, job.intent) for job in group if isinstance(job, _IntentJob)]
                    changed = write_changes(cursor, changes)
                    intended = write_intents(cursor, intents)
                    for job in group:
                        done = changed if isinstance(job, _ChangeJob) else intended
                        written[id(job)] = job.posting in done
        except LEDGER_AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - it is the one job's, and is raised there
            if len(batch) == 1:
                return [(batch[0].done, error)]
            middle = len(batch) // 2
            first = self._write_batch(connection, batch[:middle])
            return [*first, *self._write_batch(connection, batch[middle:])]
        return [(job.done, None if written[id(job)] else Fenced()) for job in batch]

    def _answer(self, answers: list[tuple[asyncio.Future[Any], object]]) -> None:
        if answers and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_resolve, answers)


def _without_repeats(batch: list[_IntentJob | _ChangeJob]) -> list[list[_IntentJob | _ChangeJob]]:
    """Cut the batch, in order, so that no posting is in a group twice: one statement writes a row once.

    Within a group changes are written before intents, which concern other postings.
    """
    groups: list[list[_IntentJob | _ChangeJob]] = [[]]
    seen: set[PostingId] = set()
    for job in batch:
        if job.posting in seen:
            groups.append([])
            seen = set()
        seen.add(job.posting)
        groups[-1].append(job)
    return groups


def _resolve(answers: list[tuple[asyncio.Future[Any], object]]) -> None:
    for future, result in answers:
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
