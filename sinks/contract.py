"""What a package implements to be booked in: the contract between the delivery engine and its sinks.

A sink knows its package and nothing else: no Kafka, no SQL, no sleep, no retry. Every method either
returns or raises one of the three failures of `vendors.failure` (`NotSent`, `Refused`, `Uncertain`);
the engine owns order, leases, intents, retries, breakers, pacing and outcomes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from schemas.invoice import Direction, Invoice
from schemas.outcome import Package
from schemas.posting import PackageDocument
from schemas.relation import Relation, Role
from sinks.mapping import AdministrationMapping


@dataclass(frozen=True)
class Traits:
    """How a package behaves, as far as the engine must know.

    Attributes:
        call_timeout: the longest a single call may take; the lease is sized by it.
        settle_time: how long after a doubtful call a look-up can be believed.
        guarded: directions in which the package itself proves to refuse a repeated number. In the
            others every document is looked up before its first send as well.
        attachments: whether a PDF can be added to a booking.
    """

    call_timeout: timedelta
    settle_time: timedelta
    guarded: frozenset[Direction]
    attachments: bool


@dataclass(frozen=True)
class Identity:
    """Which company the credentials open; pinned when connected, compared at every new session."""

    id: str
    name: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RelationReference:
    """A relation as the package knows it: its own id, and the code that people see."""

    id: str
    code: str | None = None


@dataclass(frozen=True)
class WrittenRelation:
    """What became of a relation.

    Attributes:
        reference: id and code in the package.
        adopted: True when it was already there and only linked.
        dropped: optional fields that the package refused and that were left out, as JSON paths.
    """

    reference: RelationReference
    adopted: bool = False
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundInvoice:
    """An invoice that the package holds under the number that was looked for.

    `relation_id` is the package's relation id; `gross` in EUR, negative for a credit.
    """

    document: PackageDocument
    relation_id: str | None
    gross: Decimal


@dataclass(frozen=True)
class HeldDocument:
    """One invoice in the package's books, for reconciliation; `vat` by VAT code where listed."""

    direction: Direction
    document: PackageDocument
    relation_id: str | None
    gross: Decimal
    issue_date: date | None = None
    vat: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Period:
    """Both ends included."""

    first: date
    last: date


@dataclass(frozen=True)
class Option:
    """A thing of the package that a mapping can point at."""

    code: str
    name: str
    usable: bool = True
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """The package's own lists, against which the mapping check compares."""

    ledger_accounts: tuple[Option, ...] = ()
    journals: tuple[Option, ...] = ()
    vat_codes: tuple[Option, ...] = ()
    cost_centres: tuple[Option, ...] = ()


@dataclass(frozen=True)
class AttachmentFile:
    """A PDF, fetched and verified by the engine."""

    file_name: str
    media_type: str
    content: bytes


class DirectSink(Protocol):
    """A package that is booked in directly, opened for one administration."""

    package: Package
    traits: Traits

    async def probe(self) -> Identity:
        """Which company is this? Reads only."""

    def relation_fingerprint(self, relation: Relation, role: Role) -> bytes:
        """Hash of what would be written; equal means that there is nothing to send. Pure."""

    async def find_relation(self, relation: Relation, role: Role) -> RelationReference | None:
        """Look a relation up by our code. A hit on KVK, VAT id or name alone is not a hit."""

    async def upsert_relation(
        self, relation: Relation, role: Role, known: RelationReference | None
    ) -> WrittenRelation:
        """Create or update; never blanks what ENK leaves empty."""

    def check_invoice(self, invoice: Invoice, relation: Relation) -> None:
        """Everything that can be known without a call: mapping, lengths, sums. Pure; raises `Refused`."""

    async def find_invoice(self, invoice: Invoice, reference: RelationReference) -> Sequence[FoundInvoice]:
        """What the package holds under the invoice's number in its direction; empty when nothing."""

    async def book(
        self, invoice: Invoice, relation: Relation, reference: RelationReference
    ) -> PackageDocument:
        """Book one invoice. One write call, never repeated in here."""

    async def attach(self, document: PackageDocument, invoice: Invoice, file: AttachmentFile) -> None:
        """Add the PDF to what `book` returned."""

    def documents(self, period: Period) -> AsyncIterator[HeldDocument]:
        """Everything the package holds with an issue date in the period, both directions."""

    async def options(self) -> Options:
        """The package's own lists."""

    async def close(self) -> None:
        """Give back what the sink holds."""


@dataclass(frozen=True)
class NumberSpace:
    """A range of numbers that a package needs and that the ledger allots from; both ends included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class NumberNeed:
    """One number for one entity: the same (space, entity) always gets the same number."""

    space: NumberSpace
    entity: str


@dataclass(frozen=True)
class FileRelation:
    """A relation to be put in a file, in one role, under its code in the package."""

    relation: Relation
    role: Role
    code: str


@dataclass(frozen=True)
class FileInvoice:
    """An invoice to be put in a file, with its relation's code and the numbers allotted to it.

    `numbers` maps the name of a `NumberSpace` to the number.
    """

    invoice: Invoice
    relation: Relation
    relation_code: str
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """What goes into one ordered set of files, in order of arrival.

    `sequence` counts the cuts of one administration from 1; `cut_at` is the time of the cut.
    """

    administration: str
    sequence: int
    cut_at: datetime
    relations: tuple[FileRelation, ...]
    invoices: tuple[FileInvoice, ...]


@dataclass(frozen=True)
class RenderedFile:
    """One file of a cut: a proposed name without folder, and its bytes."""

    name: str
    content: bytes


class FileSink(Protocol):
    """A package that reads import files. All methods are pure and deterministic."""

    package: Package

    def relation_code(
        self, relation: Relation, role: Role, mapping: AdministrationMapping
    ) -> str | NumberNeed:
        """The relation's code in the package, or the number that must be allotted for it."""

    def number_needs(self, invoice: Invoice, mapping: AdministrationMapping) -> tuple[NumberNeed, ...]:
        """Numbers the package needs for the invoice beyond ENK's own."""

    def check_relation(self, relation: FileRelation, mapping: AdministrationMapping) -> None:
        """Raises `Refused` with code and field when it cannot be put in a file."""

    def check_invoice(self, invoice: FileInvoice, mapping: AdministrationMapping) -> None:
        """Raises `Refused` with code and field when it cannot be put in a file."""

    def render(self, cut: Cut, mapping: AdministrationMapping) -> tuple[RenderedFile, ...]:
        """The files in the order in which the package must read them."""
