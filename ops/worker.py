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
from typing import Any

import httpx
import psycopg
import structlog
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool
from pydantic import ValidationError
from structlog.contextvars import bound_contextvars

from ledger.administrations import hold_lane, hold_postings, release_lane, settle_holds
from ledger.attention_cases import AttentionTerms
from ledger.away import LEDGER_AWAY
from ledger.credentials import CredentialVault
from ledger.leases import LeaseTerms
from ledger.pauses import pause
from ledger.place_in_time import PlaceInTime, place_in_time, went_back
from ledger.reconciliation_requests import plan_night
from ledger.repair import reread_ahead
from ledger.retention import Retention
from ledger.rows import Lane, LaneKey
from ledger.schema import WORKER_SESSIONS
from ledger.work import due_version, settle_due
from ledger.work import lane as read_lane
from ledger.writer import Fenced, LedgerWriter
from ops.attention import Attention
from ops.holder import Held, Holder
from ops.lag import consumer_groups
from ops.moves import Moves
from ops.packages import PACKAGES, Apps, DirectPackage, FilePackage, FolderTarget
from ops.reconciliation.night import NightTerms, night_of, nightly_months
from ops.reconciliation.opening import open_sink
from ops.reconciliation.run import Reconciler
from ops.replay.look_ups import unasked
from ops.replay.runner import ReplayRunner
from ops.sessions import Sessions
from ops.upkeep import Upkeep
from ops.watchman import Watchman
from ops.worker_thread import WorkerThread
from schemas.outcome import Code, Package, reason
from sinks.attachments import AttachmentRules, AttachmentStep
from sinks.books import Books
from sinks.contract import DirectSink
from sinks.failures import NEEDS_PERSON, reason_of
from sinks.filing import FileLane
from sinks.history import check_history
from sinks.lane import DirectLane, LaneStopped
from sinks.publisher import Publisher
from sinks.receiver import Receiver
from sinks.terms import DeliveryTerms
from sources.contract import Source
from sources.readback import Readback, ReadbackTerms
from telemetry import metrics
from telemetry.progress import Progress
from vendors.failure import Failure, Refused, Scope

log = structlog.get_logger(__name__)

BUDGET_ROUNDS = 10
"""Budgets are looked at once in so many rounds of the supervisor, which are half a second."""

RECONCILED_AT_ONCE = 4
"""Administrations that one process compares side by side: there is no hurry."""


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


class WentBack(Exception):
    """The database is not what it was when this process last looked: a restore, or a fail-over.

    Attributes:
        since: when that was, on the database's clock.
    """

    def __init__(self, cause: str, since: datetime) -> None:
        super().__init__(cause)
        self.since = since


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
        self._seen_at: PlaceInTime | None = None
        self.went_back: WentBack | None = None
        self._watchman: Watchman | None = None
        self._reconciling = asyncio.Semaphore(RECONCILED_AT_ONCE)
        self._moves = Moves(progress or Progress(), config.stuck_after, self._call_timeout)
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    @property
    def looking(self) -> bool:
        """Whether this process is the one that publishes the gauges of the whole installation."""
        return self._watchman is not None and self._watchman.looking

    def connect(self) -> psycopg.Connection[TupleRow]:
        """A ledger connection in autocommit mode with a statement time-out.

        A database that went back in time since the last one is as good as away, until the process has ended.
        """
        # Taken before the question, so that what another thread sees meanwhile is no step back.
        before = self._seen_at
        connection = psycopg.connect(self._config.database_url, **self._session)
        try:
            now = place_in_time(connection)
            cause = went_back(before, now) if before is not None else None
            if before is not None and cause is not None:
                self.went_back = WentBack(cause, before.at)
                raise psycopg.OperationalError(cause)
        except BaseException:
            connection.close()
            raise
        self._seen_at = now
        return connection

    @property
    def _session(self) -> dict[str, Any]:
        """How sessions are opened: a process that is stopped in a transaction must not keep its locks."""
        statement = int(self._config.statement_timeout.total_seconds() * 1000)
        idle = int(self._config.idle_transaction_timeout.total_seconds() * 1000)
        return {
            "autocommit": True,
            "connect_timeout": max(1, int(self._config.connect_timeout.total_seconds())),
            "application_name": WORKER_SESSIONS,
            "options": f"-c statement_timeout={statement} -c lock_timeout={statement}"
            f" -c idle_in_transaction_session_timeout={idle}",
        }

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
            kwargs=self._session,
        ) as pool:
            moves = self._moves
            metrics.begin(config.packages)
            writer = LedgerWriter(
                self.connect,
                loop,
                gather_seconds=config.writer_interval.total_seconds(),
                checkpoint=self._thread_checkpoint,
                pulse=moves.loop("writer"),
            )
            writer.start()
            self._books = Books(pool, writer, config.pool_size)
            self._holder = Holder(
                self.connect,
                self.owner,
                config.packages,
                self._lease_terms,
                self._run_lane,
                self._run_readback,
                self._close_connection,
                lambda connection: self._sessions.used(connection),
                max_connections=config.max_connections,
                safety_seconds=config.terms.safety.total_seconds(),
                on_tick=moves.looked_for_work(),
                on_keep=moves.loop("leases").beat,
                run_reconciliation=self._run_reconciliation,
                plan=self._plan_night,
                checkpoint=self._thread_checkpoint,
            )
            self._sessions = Sessions(
                self._books,
                config.vault,
                config.apps,
                self._holder.guard,
                self._call_timeout,
                send_traceparent=config.send_traceparent,
            )
            self._attachments = AttachmentStep(config.attachments, config.terms, _pdf_client)
            receiver = Receiver(
                config.kafka,
                self.connect,
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
                self.connect,
                stuck_after=config.publisher_stuck_after,
                checkpoint=self._thread_checkpoint,
                beat=moves.loop("publisher").beat,
            )
            self._watchman = watchman = Watchman(
                self.connect,
                config.kafka,
                consumer_groups(config.intake_group, config.group),
                every=config.look_every,
                beat=moves.loop("watchman").beat,
            )
            upkeep = Upkeep(self.connect, config.retention, every=config.tidy_every)
            attention = Attention(self.connect, config.attention, every=config.attention_every)
            replays = ReplayRunner(self.connect, self._clock, unasked(), checkpoint=self._thread_checkpoint)
            threads: tuple[Publisher | WorkerThread, ...] = (publisher, upkeep, attention, replays, watchman)
            receiver.start()
            for thread in threads:
                thread.start()
            keeping = asyncio.create_task(self._holder.keep())
            working = asyncio.create_task(self._holder.work())
            listening = asyncio.create_task(asyncio.to_thread(self._listen, loop))
            self._stop_listening = False
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
                self._stop_listening = True
                for thread in threads:
                    await asyncio.to_thread(thread.stop, 10)
                await writer.close(5)
                await listening
                self._books.close()
                if self.went_back is not None:
                    await asyncio.to_thread(self._begin_recovery, self.went_back)

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
                if self.went_back is not None:
                    raise self.went_back
        finally:
            stopping.cancel()

    def _look_back(self) -> None:
        """Before any work: did the ledger go back in time, and can this release read what was too new?"""
        with self.connect() as connection:
            check_history(connection, self._config.kafka, self._config.group)
            with connection.transaction(), connection.cursor() as cursor:
                reread_ahead(cursor, self._clock())

    def _begin_recovery(self, cause: WentBack) -> None:
        """Put the lanes in recovery, unless another worker has done so; the next start looks once more."""
        try:
            with psycopg.connect(self._config.database_url, **self._session) as connection:
                check_history(
                    connection, self._config.kafka, self._config.group, told=str(cause), since=cause.since
                )
        except LEDGER_AWAY as error:
            log.warning("worker.recovery_not_begun", cause=str(cause), error=str(error).strip())

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the holder when a receiver says that something became due."""
        while not self._stop_listening:
            try:
                with self.connect() as connection:
                    connection.execute("LISTEN koppeling_due")
                    while not self._stop_listening:
                        for _ in connection.notifies(timeout=1.0, stop_after=1):
                            loop.call_soon_threadsafe(self._holder.wake)
            except LEDGER_AWAY as error:
                log.info("worker.listen_interrupted", error=str(error).strip())
                self._thread_pause()

    def _thread_pause(self) -> None:
        import threading

        threading.Event().wait(1.0)

    # --- lanes ---------------------------------------------------------------------------------------

    async def _run_lane(self, held: Held, key: LaneKey) -> None:
        """One turn of a lane; whatever interrupts it, what is due stays due."""
        with (
            self._moves.lanes.doing(f"{key.package} {key.administration}"),
            metrics.LANES_RUNNING.labels(key.package).track_inprogress(),
            bound_contextvars(administration=key.administration, package=str(key.package)),
        ):
            await self._turn_or_hold(held, key)

    async def _turn_or_hold(self, held: Held, key: LaneKey) -> None:
        try:
            seen = await self._books.read(lambda c: due_version(c.cursor(), key))
            lane = await self._books.read(lambda c: read_lane(c, key))
            if lane is not None:
                await self._turn(held, lane)
            await self._books.write(lambda cursor: settle_due(cursor, key, seen))
        except LaneStopped:
            await self._settle_quietly(key)
        except Fenced:
            log.warning("lane.fenced", administration=key.administration)
        except LEDGER_AWAY as error:
            log.warning("lane.ledger_away", administration=key.administration, error=str(error).strip())
        except Exception as error:
            # Our own bug, outside any document. The administration is held, so that it is seen and named.
            log.exception("lane.bug", administration=key.administration)
            why = reason(Code.INTERNAL, vendor_message=f"{type(error).__name__}: {error}")
            await self._books.write(lambda cursor: hold_lane(cursor, key, why, timedelta(minutes=1)))

    async def _settle_quietly(self, key: LaneKey) -> None:
        try:
            seen = await self._books.read(lambda c: due_version(c.cursor(), key))
            await self._books.write(lambda cursor: settle_due(cursor, key, seen))
        except LEDGER_AWAY as error:
            log.warning("lane.ledger_away", administration=key.administration, error=str(error).strip())

    async def _turn(self, held: Held, lane: Lane) -> None:
        key = lane.key
        package = PACKAGES.get(key.package)
        if package is None:
            why = reason(Code.UNSUPPORTED_BY_PACKAGE, package=key.package.label)
            await self._books.write(lambda cursor: hold_lane(cursor, key, why, None))
            return
        if not lane.active:
            await self._books.write(lambda cursor: settle_holds(cursor, key))
            return
        if lane.paused:
            return
        try:
            if lane.hold is not None and not await self._probe(lane, package):
                return
            if isinstance(package, DirectPackage):
                await self._direct(held, lane, package)
            else:
                await self._files(held, lane, package)
        except Failure as failure:
            await self._hold(lane, failure)
        except ValidationError as invalid:
            problem = invalid.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, problem["loc"]))
            await self._hold(
                lane, Refused(Code.MAPPING_MISSING, f"{where}: {problem['msg']}", scope=Scope.ADMINISTRATION)
            )

    async def _direct(self, held: Held, lane: Lane, package: DirectPackage) -> None:
        session = await self._sessions.direct(lane, package)
        await DirectLane(
            lane,
            session.mapping,
            session.opened.sink,
            self._books,
            self._config.terms,
            lambda: held.lease,
            lambda: self._holder.stopping or held.lost,
            self._attachments,
            self._checkpoint,
        ).run()

    async def _files(self, held: Held, lane: Lane, package: FilePackage) -> None:
        target, _ = await self._sessions.credentials(lane, package.credentials)
        assert isinstance(target, FolderTarget)
        await FileLane(
            lane,
            package.mapping.model_validate(dict(lane.mapping)),
            package.sink,
            self._books,
            self._config.terms,
            lambda: held.lease,
            lambda: self._holder.stopping or held.lost,
            target,
            self._checkpoint,
            guard=self._holder.guard(held.lease.connection),
        ).run()

    async def _probe(self, lane: Lane, package: DirectPackage | FilePackage) -> bool:
        """A held administration's turn: True when it may work again."""
        key, hold = lane.key, lane.hold
        assert hold is not None
        now = await self._books.read(lambda c: c.execute("SELECT clock_timestamp()").fetchone())
        if hold.probe_at is None or now is None or hold.probe_at > now[0]:
            await self._books.write(lambda cursor: hold_postings(cursor, key, hold.reason))
            return False
        if isinstance(package, DirectPackage):
            await self._sessions.probe(lane, package)
        await self._books.write(lambda cursor: release_lane(cursor, key))
        return True

    async def _hold(self, lane: Lane, failure: Failure) -> None:
        """Opening or probing failed: the administration is held, and tried again by itself later."""
        why = reason_of(failure, "", lane.key.package)
        probes = lane.hold.probes + 1 if lane.hold else 0
        wait = failure.retry_after or pause(self._config.terms.probe_wait, probes + 1)
        if failure.code in NEEDS_PERSON:
            wait = max(wait, timedelta(minutes=5))
        key, again = lane.key, lane.hold is not None
        log.warning("lane.held", administration=key.administration, code=str(failure.code))
        await self._books.write(lambda cursor: hold_lane(cursor, key, why, wait, again=again))

    # --- readback ------------------------------------------------------------------------------------

    async def _run_readback(self, held: Held, key: LaneKey) -> None:
        """One run of a readback; whatever interrupts it, the next run reads again."""

        async def open_source() -> Source | None:
            lane = await self._books.read(lambda c: read_lane(c, key))
            package = PACKAGES.get(key.package)
            if lane is None or not isinstance(package, DirectPackage):
                return None
            return (await self._sessions.direct(lane, package)).opened.source

        readback = Readback(
            open_source,
            self._books,
            key,
            self._config.readback,
            lambda: held.lease,
            lambda: self._holder.stopping or held.lost,
        )
        try:
            with self._moves.readbacks.doing(f"{key.package} {key.administration}"):
                await readback.run()
        except Fenced:
            log.warning("readback.fenced", administration=key.administration)
        except LEDGER_AWAY as error:
            log.warning("readback.ledger_away", administration=key.administration, error=str(error).strip())

    # --- reconciliation ------------------------------------------------------------------------------

    async def _run_reconciliation(self, held: Held, key: LaneKey) -> None:
        """Compare the months that are due; whatever interrupts it, what is due stays due."""

        async def opened() -> DirectSink | None:
            lane = await self._books.read(lambda c: read_lane(c, key))
            return await open_sink(self._sessions, lane)

        def stopping() -> bool:
            return self._holder.stopping or held.lost

        reconciler = Reconciler(self._books, opened, key, lambda: held.lease, stopping)
        try:
            async with self._reconciling:
                with self._moves.readbacks.doing(f"reconciliation {key.package} {key.administration}"):
                    await reconciler.run_due()
        except Fenced:
            log.warning("reconciliation.fenced", administration=key.administration)
        except LEDGER_AWAY as error:
            log.warning(
                "reconciliation.ledger_away", administration=key.administration, error=str(error).strip()
            )

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
