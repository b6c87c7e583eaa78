"""What a process does with the connections that it holds: lanes, readback, reconciliation.

Each of them is one turn. Whatever interrupts it, what is due stays due, here or in another process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pydantic import ValidationError
from structlog.contextvars import bound_contextvars

from ledger.administrations import hold_lane, hold_postings, release_lane, settle_holds
from ledger.away import LEDGER_AWAY
from ledger.pauses import pause
from ledger.rows import Lane, LaneKey
from ledger.work import due_version, settle_due
from ledger.work import lane as read_lane
from ledger.writer import Fenced
from ops.holder import Held
from ops.moves import Moves
from ops.packages import PACKAGES, DirectPackage, FilePackage, FolderTarget
from ops.reconciliation.opening import open_sink
from ops.reconciliation.run import Reconciler
from ops.sessions import Sessions
from schemas.outcome import Code, reason
from sinks.attachments import AttachmentStep
from sinks.books import Books
from sinks.contract import DirectSink
from sinks.failures import NEEDS_PERSON, reason_of
from sinks.filing import FileLane
from sinks.lane import DirectLane, LaneStopped
from sinks.terms import DeliveryTerms
from sources.contract import Source
from sources.readback import Readback, ReadbackTerms
from telemetry import metrics
from vendors.failure import Failure, Refused, Scope

log = structlog.get_logger(__name__)

RECONCILED_AT_ONCE = 4
"""Administrations that one process compares side by side: there is no hurry."""


@dataclass(frozen=True)
class TurnTerms:
    """How patient the turns are."""

    delivery: DeliveryTerms
    readback: ReadbackTerms


class Turns:
    """The turns of one process."""

    def __init__(
        self,
        books: Books,
        sessions: Sessions,
        attachments: AttachmentStep,
        terms: TurnTerms,
        moves: Moves,
        *,
        guard: Callable[[str], Callable[[], None]],
        stopping: Callable[[], bool],
        checkpoint: Callable[[str], Awaitable[None]],
    ) -> None:
        """`guard` is the check before a write of a connection; `stopping` whether this process is to end."""
        self._books = books
        self._sessions = sessions
        self._attachments = attachments
        self._terms = terms
        self._moves = moves
        self._guard = guard
        self._stopping = stopping
        self._checkpoint = checkpoint
        self._reconciling = asyncio.Semaphore(RECONCILED_AT_ONCE)

    async def lane(self, held: Held, key: LaneKey) -> None:
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
            self._terms.delivery,
            lambda: held.lease,
            lambda: self._stopping() or held.lost,
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
            self._terms.delivery,
            lambda: held.lease,
            lambda: self._stopping() or held.lost,
            target,
            self._checkpoint,
            guard=self._guard(held.lease.connection),
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
        wait = failure.retry_after or pause(self._terms.delivery.probe_wait, probes + 1)
        if failure.code in NEEDS_PERSON:
            wait = max(wait, timedelta(minutes=5))
        again = lane.hold is not None
        held = await self._books.write(
            lambda cursor: hold_lane(cursor, lane.key, why, wait, again=again, found_with=lane)
        )
        if held:
            log.warning("lane.held", administration=lane.key.administration, code=str(failure.code))

    async def readback(self, held: Held, key: LaneKey) -> None:
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
            self._terms.readback,
            lambda: held.lease,
            lambda: self._stopping() or held.lost,
        )
        try:
            with self._moves.readbacks.doing(f"{key.package} {key.administration}"):
                await readback.run()
        except Fenced:
            log.warning("readback.fenced", administration=key.administration)
        except LEDGER_AWAY as error:
            log.warning("readback.ledger_away", administration=key.administration, error=str(error).strip())

    async def reconciliation(self, held: Held, key: LaneKey) -> None:
        """Compare the months that are due; whatever interrupts it, what is due stays due."""

        async def opened() -> DirectSink | None:
            lane = await self._books.read(lambda c: read_lane(c, key))
            return await open_sink(self._sessions, lane)

        def stopping() -> bool:
            return self._stopping() or held.lost

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
