"""Putting cut files in their folder: each part once, in order, never over anything else.

Per part: look → intent → temporary file, verified → intent → final name → delivered. What is found after an
attempt that was stopped decides: our bytes are there = delivered; nothing is there = once more, unless a
program empties the folder (then a person says); something else = a person looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.file_deliveries import (
    Delivery,
    DeliveryPart,
    begin_part,
    begin_renaming,
    file_delivered,
    next_delivery,
    not_delivered,
    not_renamed,
    part_delivered,
)
from ledger.files import FileId, read_chunk
from ledger.pauses import pause
from ledger.rows import LaneKey, Lease
from schemas.outcome import Code, Reason, WhoActs
from sinks.books import Books
from sinks.failures import LeaseEnding
from sinks.folder import THREADS, Folder, FolderProblem, FolderTarget, NameTaken
from sinks.lane import LaneStopped
from sinks.terms import DeliveryTerms
from telemetry import metrics, progress

log = structlog.get_logger(__name__)

T = TypeVar("T")


class _NotInPlace(Exception):
    """The file stays undelivered for now; `state` None = by what its parts prove, not `again` = a person."""

    def __init__(self, why: Reason, *, state: str | None = None, again: bool = True) -> None:
        super().__init__(why.en)
        self.why = why
        self.state = state
        self.again = again


class FileDelivery:
    """Delivers one administration's files in their order."""

    def __init__(
        self,
        key: LaneKey,
        books: Books,
        terms: DeliveryTerms,
        lease: Callable[[], Lease],
        stopping: Callable[[], bool],
        target: FolderTarget,
        checkpoint: Callable[[str], Awaitable[None]],
        guard: Callable[[], None],
    ) -> None:
        self._key = key
        self._books = books
        self._terms = terms
        self._lease = lease
        self._stopping = stopping
        self._target = target
        self._checkpoint = checkpoint
        self._guard = guard

    async def run(self) -> None:
        """Deliver until no file is due. Raises `LaneStopped`, `Fenced`, `psycopg.OperationalError`."""
        while True:
            if self._stopping():
                raise LaneStopped
            delivery = await self._books.read(lambda c: next_delivery(c, self._key))
            if delivery is None:
                return
            await self._deliver(delivery)

    async def _deliver(self, delivery: Delivery) -> None:
        log_ = log.bind(
            administration=self._key.administration, file=delivery.file, sequence=delivery.sequence
        )
        lease = self._lease()
        folder = Folder(self._target.folder, lease.epoch)
        try:
            for part in delivery.parts:
                if not await self._put(folder, lease, delivery, part):
                    return
        except _NotInPlace as stop:
            why, state = stop.why, stop.state
            wait = pause(self._terms.retry_wait, delivery.attempt + 1) if stop.again else None
            log_.warning("file.not_delivered", reason=why.en, state=state)
            await self._books.write(
                lambda c: not_delivered(c, lease, delivery.file, why, state=state, due_in=wait)
            )
            return
        await self._books.write(lambda c: file_delivered(c, lease, self._key, delivery.file))
        metrics.FILES.labels(self._key.package, "delivered").inc()
        log_.info("file.delivered")
        await self._checkpoint("file_delivered")

    async def _put(self, folder: Folder, lease: Lease, delivery: Delivery, part: DeliveryPart) -> bool:
        """Bring one part to its place; False when the file is not to be delivered any more."""
        file, position = delivery.file, part.position
        try:
            found = await self._disk(partial(folder.look, part.name))
            if found is None and part.in_doubt and self._target.emptied_by_program:
                raise _NotInPlace(_gone(part.name), state="uncertain", again=False)
            if found is not None and not _is_ours(found, part):
                raise _in_the_way(part, found)
            if found is None:
                if not await self._books.write(lambda c: begin_part(c, lease, file, position)):
                    return False
                await self._checkpoint("file_intent")
                await self._write(folder, lease, delivery, part)
            await self._books.write(lambda c: part_delivered(c, lease, file, position))
            await self._disk(partial(folder.tidy, part.name))
            progress.step()
        except NameTaken:
            await self._books.write(lambda c: not_renamed(c, lease, file, position))
            raise _NotInPlace(_taken(part.name), state="held") from None
        except FolderProblem as problem:
            raise _NotInPlace(problem.why) from problem
        return True

    async def _write(self, folder: Folder, lease: Lease, delivery: Delivery, part: DeliveryPart) -> None:
        file, position = delivery.file, part.position
        writing = await self._disk(partial(folder.begin, part.name))
        try:
            number = 0
            while content := await self._books.read(partial(_chunk, file, position, number)):
                await self._disk(partial(writing.write, content))
                number += 1
            await self._disk(partial(writing.finish, part.sha256))
        except FolderProblem:
            await self._disk(writing.discard)
            raise
        await self._checkpoint("file_written")
        await self._books.write(lambda c: begin_renaming(c, lease, file, position))
        await self._checkpoint("file_renaming")
        try:
            self._guard()
            await self._disk(partial(folder.publish, writing, part.name))
        except LeaseEnding:
            await self._books.write(lambda c: not_renamed(c, lease, file, position))
            raise LaneStopped from None
        except FolderProblem as problem:
            if not problem.in_doubt:
                await self._books.write(lambda c: not_renamed(c, lease, file, position))
            raise
        await self._checkpoint("file_renamed")

    async def _disk(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(THREADS, call)


def _is_ours(found: bytes, part: DeliveryPart) -> bool:
    """Our bytes; not when an earlier file of the same name and bytes may still lie there unread."""
    return found == part.sha256 and (part.in_doubt or found not in part.earlier)


def _in_the_way(part: DeliveryPart, found: bytes) -> _NotInPlace:
    """An earlier file of ours is waited for; anything else is for a person, and looked at again."""
    if found in part.earlier:
        return _NotInPlace(_not_read_yet(part.name))
    return _NotInPlace(_taken(part.name), state="held")


def _not_read_yet(name: str) -> Reason:
    return _reason(
        Code.UNAVAILABLE,
        WhoActs.BOOKKEEPER,
        f"Het vorige bestand {name} staat nog in de map: het pakket heeft het nog niet ingelezen. Dit "
        "bestand volgt vanzelf zodra het weg is.",
        f"The former file {name} is still in the folder: the package has not read it yet. This file follows "
        "by itself once it is gone.",
    )


def _taken(name: str) -> Reason:
    return _reason(
        Code.DUPLICATE_NUMBER,
        WhoActs.BOOKKEEPER,
        f"In de map staat al een ander bestand met de naam {name}. Het wordt niet overschreven: haal het "
        "weg, dan volgt dit bestand vanzelf.",
        f"Another file named {name} is in the folder already. It is not overwritten: take it away, and this "
        "file follows by itself.",
    )


def _gone(name: str) -> Reason:
    return _reason(
        Code.TIMEOUT_UNCERTAIN,
        WhoActs.BOOKKEEPER,
        f"Het afleveren van {name} werd onderbroken en het bestand staat niet in de map: het kan al zijn "
        "ingelezen. Kijk in het pakket en meld het met `koppeling files resolve`.",
        f"Delivering {name} was interrupted and it is not in the folder: it may have been read already. Look "
        "in the package and report it with `koppeling files resolve`.",
    )


def _reason(code: Code, who: WhoActs, nl: str, en: str) -> Reason:
    return Reason(code=code, field=None, nl=nl, en=en, who_acts=who)


def _chunk(
    file: FileId, position: int, number: int, connection: psycopg.Connection[TupleRow]
) -> bytes | None:
    return read_chunk(connection, file, position, number)
