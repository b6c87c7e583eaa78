"""A connection held by a command, because no worker holds it: claimed, renewed, given back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.away import LEDGER_AWAY
from ledger.leases import LeaseTerms, claim_one, release, renew
from ledger.pace import Used, remember_pace
from ledger.rows import Lease

log = structlog.get_logger(__name__)

Connect = Callable[[], psycopg.Connection[TupleRow]]


class OwnLease:
    """One lease of this process; `lost` when it could not be kept."""

    def __init__(self, connect: Connect, owner: str, terms: LeaseTerms, lease: Lease) -> None:
        self._connect = connect
        self._owner = owner
        self._terms = terms
        self.lease = lease
        self.lost = False

    async def keep(self, used: Callable[[], Sequence[Used]]) -> None:
        """Renew until cancelled."""
        interval = max(0.2, (self._terms.length - self._terms.call_timeout).total_seconds() / 3)
        while not self.lost:
            await asyncio.sleep(interval)
            try:
                self.lost = not await asyncio.to_thread(self._renew, list(used()), time.monotonic())
            except LEDGER_AWAY as error:
                # Until the lease ends it is ours; what is read after that is not stored (`fence`).
                log.warning("reconciliation.renewal_failed", error=str(error).strip())

    def _renew(self, used: Sequence[Used], asked_at: float) -> bool:
        with self._connect() as session, session.transaction(), session.cursor() as cursor:
            if used:
                remember_pace(cursor, {self.lease: used})
            kept = renew(cursor, self._owner, [self.lease], self._terms, asked_at)
        if kept:
            self.lease = kept[0]
        return bool(kept)

    def give_back(self, used: Sequence[Used]) -> None:
        """Let the next holder have it, with what was used of its budgets."""
        with self._connect() as session, session.transaction(), session.cursor() as cursor:
            if used:
                remember_pace(cursor, {self.lease: used})
            release(cursor, [self.lease])


@asynccontextmanager
async def own_lease(
    connect: Connect,
    owner: str,
    connection: str,
    terms: LeaseTerms,
    used: Callable[[], Sequence[Used]],
) -> AsyncIterator[OwnLease | None]:
    """Hold a connection for the block; None when another process holds it."""

    def take() -> Lease | None:
        asked_at = time.monotonic()
        with connect() as session, session.transaction(), session.cursor() as cursor:
            return claim_one(cursor, owner, connection, terms, asked_at)

    lease = await asyncio.to_thread(take)
    if lease is None:
        yield None
        return
    mine = OwnLease(connect, owner, terms, lease)
    keeping = asyncio.create_task(mine.keep(used))
    try:
        yield mine
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(mine.give_back, list(used()))
