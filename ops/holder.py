"""What a process does with the connections it holds: leases in, lanes and readbacks run, leases out.

One `Holder` a process. A tick claims free connections with work due, starts a task per due lane and per
due readback (each at most once at a time), and gives back connections that have been idle. The keeper
renews leases on a ledger connection of its own, so a busy writer never costs a lease.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.away import LEDGER_AWAY
from ledger.due import due_lanes, due_readbacks, recompute_lanes
from ledger.leases import LeaseTerms, claim, release, renew
from ledger.pace import Used, remember_pace
from ledger.reconciliation_requests import due_reconciliations
from ledger.recovery import end_recovery
from ledger.rows import LaneKey, Lease
from schemas.outcome import Code, Package
from sinks.failures import LeaseEnding
from telemetry import metrics

log = structlog.get_logger(__name__)

_Due = list[tuple[str, LaneKey]]


@dataclass
class Held:
    """A connection that this process holds."""

    lease: Lease
    used_at: float
    lost: bool = False
    tasks: dict[tuple[str, LaneKey], asyncio.Task[None]] = field(default_factory=dict)


class Holder:
    """Claims, keeps and gives back leases, and starts what is due under them."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        owner: str,
        packages: Sequence[Package],
        terms: LeaseTerms,
        run_lane: Callable[[Held, LaneKey], Awaitable[None]],
        run_readback: Callable[[Held, LaneKey], Awaitable[None]],
        give_up: Callable[[str], Awaitable[None]],
        used: Callable[[str], Sequence[Used]] = lambda connection: (),
        *,
        max_connections: int = 500,
        idle_seconds: float = 15.0,
        safety_seconds: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
        on_tick: Callable[[str | None], None] = lambda trouble: None,
        on_keep: Callable[[], None] = lambda: None,
        run_reconciliation: Callable[[Held, LaneKey], Awaitable[None]] | None = None,
        plan: Callable[[Cursor[TupleRow]], None] = lambda cursor: None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        """`give_up` closes what was opened for a connection that is no longer held.

        `used` says what a connection has used of its budgets, for the process that holds it next. `on_tick`
        is called after each look for work, with why the ledger could not be asked; `on_keep` after each
        round of the keeper. `run_reconciliation` makes what is due of those; `plan` is called now and then
        to ask for what comes by itself.
        """
        self._connect = connect
        self._owner = owner
        self._packages = packages
        self._terms = terms
        self._run_lane = run_lane
        self._run_readback = run_readback
        self._give_up = give_up
        self._used = used
        self._max = max_connections
        self._idle = idle_seconds
        self._safety = safety_seconds
        self._monotonic = monotonic
        self._on_tick = on_tick
        self._on_keep = on_keep
        self._run_reconciliation = run_reconciliation
        self._plan = plan
        self._checkpoint = checkpoint
        self._held: dict[str, Held] = {}
        self._woken = asyncio.Event()
        self._sessions: dict[str, psycopg.Connection[TupleRow]] = {}
        self._recomputed = monotonic()
        self.stopping = False

    def wake(self) -> None:
        """Something became due."""
        self._woken.set()

    def guard(self, connection: str) -> Callable[[], None]:
        """The check before every write call of a connection: lease end − longest call − safety is ahead."""

        def check() -> None:
            held = self._held.get(connection)
            needed = self._terms.call_timeout.total_seconds() + self._safety
            if held is None or held.lost or self._monotonic() + needed > held.lease.deadline:
                raise LeaseEnding(Code.UNAVAILABLE, "the lease on this connection is about to end")
            # Whoever is stopped here for longer than the lease sends nevertheless: reconciliation finds it.
            self._checkpoint("checked")

        return check

    async def work(self) -> None:
        """Claim and start what is due until `stopping`."""
        while not self.stopping:
            try:
                await self._tick()
                self._on_tick(None)
            except LEDGER_AWAY as error:
                log.warning("holder.database_away", error=str(error).strip())
                self._forget_session("work")
                self._on_tick(str(error).strip())
            try:
                async with asyncio.timeout(0.25):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()

    async def keep(self) -> None:
        """Renew leases until cancelled."""
        margin = (self._terms.length - self._terms.call_timeout).total_seconds()
        interval = max(0.2, (margin - self._safety) / 3)
        while True:
            await asyncio.sleep(interval)
            self._on_keep()
            leases = [held.lease for held in self._held.values() if not held.lost]
            if not leases:
                continue
            asked_at = self._monotonic()
            try:
                renewed = await asyncio.to_thread(self._renew, leases, asked_at, self._budgets(leases))
            except LEDGER_AWAY as error:
                log.warning("holder.renewal_failed", error=str(error).strip())
                self._forget_session("keep")
                continue
            kept = {lease.connection: lease for lease in renewed}
            for lease in leases:
                held = self._held.get(lease.connection)
                if held is None or held.lease.epoch != lease.epoch:
                    continue
                if lease.connection in kept:
                    held.lease = kept[lease.connection]
                else:
                    held.lost = True
                    log.warning("lease.lost", connection=lease.connection)
                    metrics.LEASES_LOST.labels(lease.connection.partition(":")[0]).inc()

    async def drain(self, patience: float) -> None:
        """Let calls in flight end, for at most `patience` seconds, and give back what is quiet.

        A connection whose calls did not end keeps its lease until it expires, so that what they did is
        looked up and not repeated.
        """
        self.stopping = True
        tasks = [task for held in self._held.values() for task in held.tasks.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        quiet = [held for held in self._held.values() if all(task.done() for task in held.tasks.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if quiet:
            try:
                await self._hand_back([held.lease for held in quiet if not held.lost])
            except LEDGER_AWAY as error:
                log.warning("holder.release_failed", error=str(error).strip())
        for connection in list(self._held):
            await self._drop(connection)
        for session in self._sessions.values():
            session.close()

    async def _tick(self) -> None:
        free = self._max - len(self._held)
        known = [name for name, held in self._held.items() if not held.lost]
        claimed, lanes, readbacks, reconciliations = await asyncio.to_thread(self._look, free, known)
        for lease in claimed:
            self._held[lease.connection] = Held(lease, self._monotonic())
        for connection, key in lanes:
            self._start(connection, ("lane", key), self._run_lane)
        for connection, key in readbacks:
            self._start(connection, ("readback", key), self._run_readback)
        for connection, key in reconciliations:
            if self._run_reconciliation is not None:
                self._start(connection, ("reconciliation", key), self._run_reconciliation)
        await self._let_go()

    def _look(self, free: int, known: list[str]) -> tuple[list[Lease], _Due, _Due, _Due]:
        session = self._session("work")
        claimed: list[Lease] = []
        with session.transaction(), session.cursor() as cursor:
            if self._monotonic() - self._recomputed > 30:
                self._recomputed = self._monotonic()
                recompute_lanes(cursor, self._packages)
                end_recovery(cursor)
                self._plan(cursor)
            if free > 0:
                asked_at = self._monotonic()
                claimed = claim(cursor, self._owner, self._packages, self._terms, min(free, 50), asked_at)
            connections = [*known, *(lease.connection for lease in claimed)]
            return (
                claimed,
                due_lanes(cursor, connections),
                due_readbacks(cursor, connections),
                due_reconciliations(cursor, connections),
            )

    def _start(
        self,
        connection: str,
        name: tuple[str, LaneKey],
        run: Callable[[Held, LaneKey], Awaitable[None]],
    ) -> None:
        held = self._held.get(connection)
        if held is None or held.lost:
            return
        running = held.tasks.get(name)
        if running is not None and not running.done():
            return
        held.used_at = self._monotonic()
        held.tasks[name] = asyncio.ensure_future(self._run(held, name[1], run))

    async def _run(self, held: Held, key: LaneKey, run: Callable[[Held, LaneKey], Awaitable[None]]) -> None:
        try:
            await run(held, key)
        finally:
            held.used_at = self._monotonic()

    async def _let_go(self) -> None:
        """Give back idle connections; forget lost ones once their tasks have ended."""
        now = self._monotonic()
        idle = []
        for connection, held in list(self._held.items()):
            busy = any(not task.done() for task in held.tasks.values())
            if busy:
                continue
            if held.lost:
                await self._drop(connection)
            elif now - held.used_at > self._idle:
                idle.append(held)
        if idle:
            await self._hand_back([held.lease for held in idle])
            for held in idle:
                await self._drop(held.lease.connection)

    async def _drop(self, connection: str) -> None:
        self._held.pop(connection, None)
        await self._give_up(connection)

    def _renew(
        self, leases: list[Lease], asked_at: float, used: Mapping[Lease, Sequence[Used]]
    ) -> list[Lease]:
        session = self._session("keep")
        with session.transaction(), session.cursor() as cursor:
            remember_pace(cursor, used)
            return renew(cursor, self._owner, leases, self._terms, asked_at)

    async def _hand_back(self, leases: list[Lease]) -> None:
        await asyncio.to_thread(self._release, leases, self._budgets(leases))

    def _release(self, leases: list[Lease], used: Mapping[Lease, Sequence[Used]]) -> None:
        session = self._session("work")
        with session.transaction(), session.cursor() as cursor:
            remember_pace(cursor, used)
            release(cursor, leases)

    def _budgets(self, leases: Sequence[Lease]) -> dict[Lease, Sequence[Used]]:
        return {lease: used for lease in leases if (used := self._used(lease.connection))}

    def _session(self, name: str) -> psycopg.Connection[TupleRow]:
        session = self._sessions.get(name)
        if session is None or session.closed:
            session = self._sessions[name] = self._connect()
        return session

    def _forget_session(self, name: str) -> None:
        session = self._sessions.pop(name, None)
        if session is not None:
            session.close()
