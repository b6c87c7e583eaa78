"""The worker process: receiver, delivery, readback and publisher over one ledger.

It stops by itself only when it is useless (a thread died of a bug): then it exits with an error and its
supervisor starts it again. On a stop signal it takes no new work, lets calls in flight end for a bounded
time, writes what it knows, and gives its leases back.
"""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import structlog
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from ledger.attention_cases import AttentionTerms
from ledger.away import LEDGER_AWAY
from ledger.credentials import CredentialVault
from ledger.leases import LeaseTerms
from ledger.reconciliation_requests import plan_night
from ledger.repair import reread_ahead
from ledger.retention import Retention
from ledger.writer import LedgerWriter
from ops.attention import Attention
from ops.holder import Holder
from ops.lag import consumer_groups
from ops.ledger_connections import LedgerConnections, SessionTerms, WentBack
from ops.listener import Listener
from ops.moves import Moves
from ops.packages import PACKAGES, Apps
from ops.reconciliation.night import NightTerms, night_of, nightly_months
from ops.replay.look_ups import unasked
from ops.replay.runner import ReplayRunner
from ops.sessions import Sessions
from ops.turns import Turns, TurnTerms
from ops.upkeep import Upkeep
from ops.watchman import Watchman
from ops.worker_thread import WorkerThread
from schemas.outcome import Package
from sinks.attachments import AttachmentRules, AttachmentStep
from sinks.books import Books
from sinks.history import check_history
from sinks.publisher import Publisher
from sinks.receiver import Receiver
from sinks.terms import DeliveryTerms
from sources.readback import ReadbackTerms
from telemetry import metrics
from telemetry.progress import Progress

log = structlog.get_logger(__name__)

BUDGET_ROUNDS = 10
"""Budgets are looked at once in so many rounds of the supervisor, which are half a second."""


@dataclass(frozen=True)
class WorkerConfig:
    """Everything a worker needs; made from the settings, or by a test."""

    database_url: str
    kafka: Mapping[str, object]
    vault: CredentialVault
    apps: Apps
    packages: Sequence[Package] = tuple(PACKAGES)
    terms: DeliveryTerms = field(default_factory=DeliveryTerms)
    attachments: AttachmentRules = field(default_factory=AttachmentRules)
    readback: ReadbackTerms = field(default_factory=ReadbackTerms)
    pool_size: int = 6
    writer_interval: timedelta = timedelta(milliseconds=1)
    max_connections: int = 500
    statement_timeout: timedelta = timedelta(seconds=30)
    idle_transaction_timeout: timedelta = timedelta(seconds=10)
    group: str = "koppeling.receiver"
    session_timeout: timedelta = timedelta(seconds=10)
    publisher_stuck_after: timedelta = timedelta(seconds=30)
    connect_timeout: timedelta = timedelta(seconds=5)
    retention: Retention = field(default_factory=Retention)
    tidy_every: timedelta = timedelta(hours=1)
    attention: AttentionTerms = field(default_factory=AttentionTerms)
    attention_every: timedelta = timedelta(seconds=30)
    intake_group: str = "koppeling.intake"
    send_traceparent: bool = True
    look_every: timedelta = timedelta(seconds=15)
    stuck_after: timedelta = timedelta(minutes=2)
    night: NightTerms = field(default_factory=lambda: NightTerms(hour=None))


async def _pass(_: str) -> None:
    """No checkpoint."""


class Worker:
    """One worker process."""

    def __init__(
        self,
        config: WorkerConfig,
        *,
        checkpoint: Callable[[str], Awaitable[None]] = _pass,
        thread_checkpoint: Callable[[str], None] = lambda name: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Progress | None = None,
    ) -> None:
        """The checkpoints are called at every named step, for tests that kill the process there.

        `progress` is told how every part gets on, for whoever asks this process whether it is well.
        """
        self._config = config
        self._checkpoint = checkpoint
        self._thread_checkpoint = thread_checkpoint
        self._clock = clock
        terms = config.terms
        self._call_timeout = terms.call_timeout or timedelta(seconds=30)
        self._lease_terms = LeaseTerms(
            length=self._call_timeout + terms.margin,
            call_timeout=self._call_timeout,
            settle=terms.settle or timedelta(seconds=60),
        )
        self._ledger = LedgerConnections(
            config.database_url,
            SessionTerms(config.connect_timeout, config.statement_timeout, config.idle_transaction_timeout),
        )
        self._watchman: Watchman | None = None
        self._moves = Moves(progress or Progress(), config.stuck_after, self._call_timeout)
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    @property
    def looking(self) -> bool:
        """Whether this process is the one that publishes the gauges of the whole installation."""
        return self._watchman is not None and self._watchman.looking

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Raises what made the process useless."""
        config = self._config
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._look_back)
        with ConnectionPool(
            config.database_url,
            min_size=1,
            max_size=config.pool_size,
            timeout=10,
            kwargs=self._ledger.terms.arguments,
        ) as pool:
            moves = self._moves
            metrics.begin(config.packages)
            writer = LedgerWriter(
                self._ledger.connect,
                loop,
                gather_seconds=config.writer_interval.total_seconds(),
                checkpoint=self._thread_checkpoint,
                pulse=moves.loop("writer"),
            )
            writer.start()
            books = Books(pool, writer, config.pool_size)
            self._holder = Holder(
                self._ledger.connect,
                self.owner,
                config.packages,
                self._lease_terms,
                lambda held, key: turns.lane(held, key),
                lambda held, key: turns.readback(held, key),
                self._close_connection,
                lambda connection: self._sessions.used(connection),
                max_connections=config.max_connections,
                safety_seconds=config.terms.safety.total_seconds(),
                on_tick=moves.looked_for_work(),
                on_keep=moves.loop("leases").beat,
                run_reconciliation=lambda held, key: turns.reconciliation(held, key),
                plan=self._plan_night,
                checkpoint=self._thread_checkpoint,
            )
            self._sessions = Sessions(
                books,
                config.vault,
                config.apps,
                self._holder.guard,
                self._call_timeout,
                send_traceparent=config.send_traceparent,
            )
            turns = Turns(
                books,
                self._sessions,
                AttachmentStep(config.attachments, config.terms, _pdf_client),
                TurnTerms(config.terms, config.readback),
                moves,
                guard=self._holder.guard,
                stopping=lambda: self._holder.stopping,
                checkpoint=self._checkpoint,
            )
            receiver = Receiver(
                config.kafka,
                self._ledger.connect,
                config.packages,
                self._clock,
                group=config.group,
                session_timeout=config.session_timeout,
                checkpoint=self._thread_checkpoint,
                beat=moves.loop("receiver").beat,
                on_assigned=moves.kafka.met,
            )
            publisher = Publisher(
                config.kafka,
                self._ledger.connect,
                stuck_after=config.publisher_stuck_after,
                checkpoint=self._thread_checkpoint,
                beat=moves.loop("publisher").beat,
            )
            self._watchman = watchman = Watchman(
                self._ledger.connect,
                config.kafka,
                consumer_groups(config.intake_group, config.group),
                every=config.look_every,
                beat=moves.loop("watchman").beat,
            )
            upkeep = Upkeep(self._ledger.connect, config.retention, every=config.tidy_every)
            attention = Attention(self._ledger.connect, config.attention, every=config.attention_every)
            replays = ReplayRunner(
                self._ledger.connect, self._clock, unasked(), checkpoint=self._thread_checkpoint
            )
            listener = Listener(self._ledger.connect, lambda: loop.call_soon_threadsafe(self._holder.wake))
            threads: tuple[Publisher | WorkerThread, ...] = (
                publisher,
                listener,
                upkeep,
                attention,
                replays,
                watchman,
            )
            receiver.start()
            for thread in threads:
                thread.start()
            keeping = asyncio.create_task(self._holder.keep())
            working = asyncio.create_task(self._holder.work())
            try:
                await self._supervise(stop, (receiver, *threads), [keeping, working])
            finally:
                moves.stopping()
                self._holder.stopping = True
                receiving = asyncio.create_task(asyncio.to_thread(receiver.stop, 10))
                self._holder.wake()
                await asyncio.wait([working])
                await self._holder.drain(config.terms.drain.total_seconds())
                keeping.cancel()
                await receiving
                for thread in threads:
                    await asyncio.to_thread(thread.stop, 10)
                await writer.close(5)
                books.close()
                if self._ledger.went_back is not None:
                    await asyncio.to_thread(self._begin_recovery, self._ledger.went_back)

    async def _supervise(
        self,
        stop: asyncio.Event,
        threads: Sequence[Receiver | Publisher | WorkerThread],
        tasks: list[asyncio.Task[None]],
    ) -> None:
        stopping = asyncio.create_task(stop.wait())
        pulse = self._moves.loop("event loop")
        rounds = 0
        try:
            while not stop.is_set():
                pulse.beat()
                if rounds % BUDGET_ROUNDS == 0:
                    metrics.show_budgets(self._sessions.budget_left())
                rounds += 1
                await asyncio.wait([stopping, *tasks], timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done() and not stop.is_set():
                        task.result()
                        raise RuntimeError("a worker task ended by itself")
                for thread in threads:
                    if thread.failure is not None:
                        raise thread.failure
                if self._ledger.went_back is not None:
                    raise self._ledger.went_back
        finally:
            stopping.cancel()

    def _look_back(self) -> None:
        """Before any work: did the ledger go back in time, and can this release read what was too new?"""
        with self._ledger.connect() as connection:
            check_history(connection, self._config.kafka, self._config.group)
            with connection.transaction(), connection.cursor() as cursor:
                reread_ahead(cursor, self._clock())

    def _begin_recovery(self, cause: WentBack) -> None:
        """Put the lanes in recovery, unless another worker has done so; the next start looks once more."""
        try:
            with self._ledger.connect_unseen() as connection:
                check_history(
                    connection, self._config.kafka, self._config.group, told=str(cause), since=cause.since
                )
        except LEDGER_AWAY as error:
            log.warning("worker.recovery_not_begun", cause=str(cause), error=str(error).strip())

    def _plan_night(self, cursor: psycopg.Cursor[TupleRow]) -> None:
        now = self._clock()
        night = night_of(now, self._config.night)
        if night is None:
            return
        asked = plan_night(cursor, night, nightly_months(now), self._config.night.spread)
        if asked:
            log.info("reconciliation.night", asked=asked)

    async def _close_connection(self, connection: str) -> None:
        await self._sessions.close(connection)


def _pdf_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(follow_redirects=False, trust_env=False)
