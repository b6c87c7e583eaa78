"""Documents as a file package wants them: with the codes and numbers that it needs, and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

import structlog

from ledger.numbers import NumberSpaceFull, Range, allot, usage
from ledger.rows import LaneKey, StoredReference
from schemas.invoice import Invoice
from schemas.outcome import Code
from schemas.relation import Relation, Role
from sinks.books import Books
from sinks.contract import Cut, FileInvoice, FileRelation, FileSink, NumberNeed
from sinks.mapping import AdministrationMapping
from vendors.failure import Failure, Refused

log = structlog.get_logger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RelationRefused(Exception):
    """An invoice cannot be filed because its relation cannot."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class FileDocuments:
    """Makes one administration's documents ready for its files."""

    def __init__(self, key: LaneKey, mapping: AdministrationMapping, sink: FileSink, books: Books) -> None:
        self._key = key
        self._mapping = mapping
        self._sink = sink
        self._books = books
        self._numbers: dict[tuple[str, str], int] = {}

    async def relation(self, relation: Relation, role: Role, known: StoredReference | None) -> FileRelation:
        """The relation in a role, under the code that the package knows it by, or a new one.

        Raises `Refused` when it cannot be put in a file.
        """
        code = known.code if known is not None else None
        if code is None:
            wanted = self._sink.relation_code(relation, role, self._mapping)
            code = str(await self.number(wanted)) if isinstance(wanted, NumberNeed) else wanted
        document = FileRelation(relation, role, code)
        self._sink.check_relation(document, self._mapping)
        return document

    async def code_for(self, relation: Relation, role: Role, known: StoredReference | None) -> str:
        """The code under which an invoice names its relation.

        Raises `RelationRefused` when the package does not know the relation and it cannot be filed.
        """
        if known is not None and known.code is not None:
            return known.code
        try:
            return (await self.relation(relation, role, known)).code
        except Failure as failure:
            raise RelationRefused(failure) from failure

    async def invoice(self, invoice: Invoice, relation: Relation, relation_code: str) -> FileInvoice:
        """The invoice with its numbers. Raises `Refused` when it cannot be put in a file."""
        numbers = {
            need.space.name: await self.number(need)
            for need in self._sink.number_needs(invoice, self._mapping)
        }
        document = FileInvoice(invoice, relation, relation_code, numbers)
        self._sink.check_invoice(document, self._mapping)
        return document

    def fingerprint(self, relation: FileRelation) -> bytes:
        """Hash of what a file would say of the relation; equal means that there is nothing to file."""
        alone = Cut(self._key.administration, 1, _EPOCH, (relation,), ())
        digest = hashlib.sha256(relation.code.encode())
        for part in self._sink.render(alone, self._mapping):
            digest.update(part.content)
        return digest.digest()

    async def number(self, need: NumberNeed) -> int:
        """The number of an entity, allotted at the first question.

        Raises `Refused` with `number_range_full` when the range has none left.
        """
        known = self._numbers.get((need.space.name, need.entity))
        if known is not None:
            return known
        numbers = Range(need.space.name, need.space.first, need.space.last)
        administration = self._key.administration
        try:
            number, used = await self._books.write(
                lambda cursor: (
                    allot(cursor, administration, numbers, need.entity),
                    usage(cursor, administration, numbers),
                )
            )
        except NumberSpaceFull as full:
            raise Refused(
                Code.NUMBER_RANGE_FULL, space=numbers.space, first=numbers.first, last=numbers.last
            ) from full
        if used.alarm:
            log.warning(
                "numbers.nearly_used_up",
                administration=administration,
                space=numbers.space,
                used=used.used,
                size=used.size,
            )
        self._numbers[need.space.name, need.entity] = number
        return number


def roles_of(relation: Relation, also: Iterable[Role] = ()) -> tuple[Role, ...]:
    """Each role once, in order."""
    return tuple(dict.fromkeys((*relation.roles, *also)))
