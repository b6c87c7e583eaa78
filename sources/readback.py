"""Readback of one administration: asks its package what was paid, and stores what it says.

One run = a sweep when one is due, else a pull. Observations are stored in batches, the last of them in the
transaction that moves the cursor. After a complete reading, our invoices that it did not show are asked for
one by one; what the package does not hold any more is marked for people, and tells ENK nothing.

A package that does not answer as it should is left alone for growing times, one that waits for a person
(credentials, licence) for long ones; the reason stays on the readback until a run gets through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import psycopg
import structlog
from psycopg.rows import TupleRow
from tenacity import wait_exponential_jitter
from tenacity.wait import wait_base

from ledger.linking import Numbered, has_unlinked, link_by_number
from ledger.pauses import pause
from ledger.readbacks import (
    ReadbackState,
    advance,
    fence,
    postpone,
    readback_state,
    run_ended,
    run_failed,
    stop_readback,
)
from ledger.receivables import Observed, Sighting, observe
from ledger.rows import LaneKey, Lease
from ledger.unseen import Unseen, all_settled, mark_missing, unseen
from schemas.outcome import RULES, Code, RetryClass, reason
from sources.contract import InvoiceObservation, Pull, Source
from sources.status import settled_by, standing
from telemetry import metrics
from vendors.failure import Failure, Refused, Scope

log = structlog.get_logger(__name__)

T = TypeVar("T")
Query = Callable[[psycopg.Connection[TupleRow]], T]
Write = Callable[[psycopg.Cursor[TupleRow]], T]

READ_ALL_THE_SAME = frozenset({Code.MAPPING_MISSING, Code.RECOVERY})
"""Holds that concern what is sent: reading goes on."""


class Ledger(Protocol):
    """The ledger as readback uses it; `write` runs in one transaction, and may run it again."""

    async def read(self, query: Query[T]) -> T:
        """Run a read."""

    def write(self, run: Write[T]) -> Awaitable[T]:
        """Run a write."""


@dataclass(frozen=True)
class ReadbackTerms:
    """How readback behaves.

    Attributes:
        pull_every: how often is asked what changed.
        sweep_every: how often everything is read.
        failure_wait: between runs that fail.
        person_wait: the least wait after a refusal that only a person can mend.
        batch: observations in one transaction.
        most_asked: invoices asked for one by one in one run.
    """

    pull_every: timedelta = timedelta(minutes=15)
    sweep_every: timedelta = timedelta(hours=6)
    failure_wait: wait_base = field(
        default_factory=lambda: wait_exponential_jitter(multiplier=30, max=3600, jitter=30)
    )
    person_wait: timedelta = timedelta(minutes=30)
    batch: int = 500
    most_asked: int = 200


class _StoppedError(Exception):
    """The process stops: what was not stored is read again by the next run."""


class Readback:
    """One run of one administration's readback; the caller sees to it that there is one at a time."""

    def __init__(
        self,
        open_source: Callable[[], Awaitable[Source | None]],
        ledger: Ledger,
        key: LaneKey,
        terms: ReadbackTerms,
        lease: Callable[[], Lease],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """`open_source` is called when something is due; it may raise what a source raises.

        None from it means that the package cannot be read back: the readback stops. The source stays the
        opener's, and is not closed here.
        """
        self._open_source = open_source
        self._ledger = ledger
        self._key = key
        self._terms = terms
        self._lease = lease
        self._stopping = stopping
        self._log = log.bind(administration=key.administration, package=str(key.package))

    async def run(self) -> None:
        """Do what is due and set when the next is due.

        Raises:
            ledger.writer.Fenced: another process holds the connection; nothing more was written.
            psycopg.OperationalError, ledger.writer.WriterClosed: the ledger is away; all stays due.
        """
        state = await self._ledger.read(lambda connection: readback_state(connection, self._key))
        if state is None or not (state.pull_due or state.sweep_due):
            return
        if state.held_code is not None and state.held_code not in READ_ALL_THE_SAME:
            await self._postpone(state.held_code, state.held_nl)
            return
        try:
            await self._read_back(state)
        except _StoppedError:
            return
        except Failure as failure:
            await self._fail(failure, state.failures + 1)

    async def _read_back(self, state: ReadbackState) -> None:
        source = await _asked(self._open_source())
        if source is None:
            await self._ledger.write(lambda cursor: stop_readback(cursor, self._key))
            return
        if state.sweep_due:
            pull = await _asked(source.sweep())
        else:
            pull = await _asked(source.pull(state.cursor))
        await self._link(pull)
        await self._store(pull, state.now)
        asked = await self._ask_for_unseen(source, state.now) if pull.complete else ([], [])
        await self._end(pull, state, *asked)

    async def _link(self, pull: Pull) -> None:
        """Documents that a person typed in by hand are ours from here on, by the package's own id."""
        if not await self._ledger.read(lambda connection: has_unlinked(connection, self._key)):
            return
        shown = [Numbered(one.invoice_id, one.number, one.gross) for one in pull.observations]

        def write(cursor: psycopg.Cursor[TupleRow]) -> list[str]:
            fence(cursor, self._lease())
            return link_by_number(cursor, self._key, shown)

        for number in await self._ledger.write(write):
            self._log.info("readback.linked", number=number)

    async def _store(self, pull: Pull, requested_at: datetime) -> None:
        """Observations in batches; the cursor moves with the last, so nothing is skipped after a crash."""
        batches = _batches(pull.observations, self._terms.batch)
        for number, batch in enumerate(batches, start=1):
            self._check_stopping()
            sightings = [_sighting(observation) for observation in batch]
            is_last = number == len(batches)

            def write(
                cursor: psycopg.Cursor[TupleRow],
                sightings: list[Sighting] = sightings,
                is_last: bool = is_last,
            ) -> Observed:
                fence(cursor, self._lease())
                observed = observe(cursor, self._key, sightings, requested_at)
                if is_last:
                    advance(cursor, self._key, requested_at, pull.cursor)
                return observed

            self._count(len(batch), await self._ledger.write(write))

    async def _ask_for_unseen(
        self, source: Source, since: datetime
    ) -> tuple[list[InvoiceObservation], list[Unseen]]:
        """Which of our invoices a complete reading did not show: found by id after all, and not found."""
        most = self._terms.most_asked
        found: list[InvoiceObservation] = []
        gone: list[Unseen] = []
        for invoice in await self._ledger.read(lambda c: unseen(c, self._key, since, most)):
            self._check_stopping()
            try:
                observation = await _asked(source.invoice(invoice.package_id))
            except Refused as refusal:
                if refusal.scope is Scope.ADMINISTRATION or refusal.code is Code.INTERNAL:
                    raise
                self._log.warning("readback.not_answered", invoice=invoice.invoice_id, code=str(refusal.code))
                continue
            if observation is None:
                gone.append(invoice)
            else:
                found.append(observation)
        return found, gone

    async def _end(
        self,
        pull: Pull,
        state: ReadbackState,
        found: Sequence[InvoiceObservation],
        gone: Sequence[Unseen],
    ) -> None:
        terms, key = self._terms, self._key
        sightings = [_sighting(observation) for observation in found]

        def write(cursor: psycopg.Cursor[TupleRow]) -> tuple[Observed, bool]:
            fence(cursor, self._lease())
            observed = observe(cursor, key, sightings, state.now)
            mark_missing(cursor, key, gone, state.now)
            sweep_in = terms.sweep_every if pull.complete else None
            run_ended(cursor, key, state.now, pull_in=terms.pull_every, sweep_in=sweep_in)
            has_settled = state.has_left and pull.complete and all_settled(cursor, key)
            if has_settled:
                stop_readback(cursor, key)
            return observed, has_settled

        observed, has_settled = await self._ledger.write(write)
        self._count(len(found), observed)
        for invoice in gone:
            self._log.warning("readback.missing", invoice=invoice.invoice_id, number=invoice.number)
        if has_settled:
            self._log.info("readback.settled")

    async def _fail(self, failure: Failure, failures: int) -> None:
        values: dict[str, Any] = dict(failure.values)
        why = reason(failure.code, vendor_message=failure.vendor_message, **values)
        wait = max(failure.retry_after or timedelta(), pause(self._terms.failure_wait, failures))
        if RULES[failure.code].retry is not RetryClass.AUTOMATIC:
            wait = max(wait, self._terms.person_wait)
        self._log.warning("readback.failed", code=str(failure.code), failures=failures, cause=str(failure))

        def write(cursor: psycopg.Cursor[TupleRow]) -> None:
            fence(cursor, self._lease())
            run_failed(cursor, self._key, why, wait)

        await self._ledger.write(write)

    async def _postpone(self, code: Code, message_nl: str | None) -> None:
        def write(cursor: psycopg.Cursor[TupleRow]) -> None:
            fence(cursor, self._lease())
            postpone(cursor, self._key, code, message_nl, self._terms.pull_every)

        await self._ledger.write(write)

    def _count(self, shown: int, observed: Observed) -> None:
        package = str(self._key.package)
        metrics.OBSERVATIONS.labels(package).inc(shown)
        for status in observed.told:
            metrics.PAYMENTS_CHANGED.labels(package, str(status)).inc()

    def _check_stopping(self) -> None:
        if self._stopping():
            raise _StoppedError


async def _asked(call: Awaitable[T]) -> T:
    """What the package says; a bug in its source is a failure like any other, so that it cannot run wild."""
    try:
        return await call
    except (Failure, psycopg.Error):
        raise
    except Exception as error:
        log.exception("readback.source_broken")
        raise Refused(Code.INTERNAL, type(error).__name__, scope=Scope.ADMINISTRATION) from error


def _sighting(observation: InvoiceObservation) -> Sighting:
    found = standing(observation.gross, observation.open)
    return Sighting(
        package_id=observation.invoice_id,
        gross=found.gross,
        open=found.open,
        status=found.status,
        settled_by=settled_by(found.status, observation.settled_by),
        last_payment_date=observation.last_payment_date,
    )


def _batches(observations: Sequence[InvoiceObservation], size: int) -> list[Sequence[InvoiceObservation]]:
    """At least one batch, which may be empty."""
    return [observations[start : start + size] for start in range(0, max(len(observations), 1), size)]
