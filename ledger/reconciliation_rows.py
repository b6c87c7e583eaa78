"""What a reconciliation says of one month of an administration: totals, and what differs by document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from ledger.rows import LaneKey

RunId = NewType("RunId", int)


class DifferenceKind(StrEnum):
    """How ENK, the ledger and the package differ about a document; the order is that of urgency."""

    DOUBLE = "double"
    MISSING = "missing"
    AMOUNT = "amount"
    RELATION = "relation"
    NUMBER = "number"
    REPLACED = "replaced"
    UNLINKED = "unlinked"
    OPEN = "open"
    UNCONFIRMED = "unconfirmed"
    MOVED = "moved"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Said:
    """One sentence in two languages."""

    nl: str
    en: str


@dataclass(frozen=True)
class Difference:
    """One document about which not all agree.

    Attributes:
        number: the document's number, of a purchase the supplier's.
        relation: ENK's id of the relation where we know it, else the package's.
        document_id: ENK's id; None for what ENK does not know.
        posting: as `koppeling postings list` shows it; None for what the ledger does not know.
        our_gross, package_gross: in EUR, negative for a credit.
        package_ids: every booking in the package that it is about.
        state, code: of the posting, when it is not booked.
        needs_somebody: nothing changes until somebody (`who_acts`) does something.
    """

    kind: DifferenceKind
    direction: str
    number: str
    relation: str | None
    document_id: str | None
    posting: str | None
    our_gross: Decimal | None
    package_gross: Decimal | None
    package_ids: tuple[str, ...]
    state: str | None
    code: str | None
    who_acts: str | None
    said: Said
    needs_somebody: bool


@dataclass(frozen=True)
class Sum:
    """So many documents, and their gross together."""

    documents: int = 0
    gross: Decimal = Decimal(0)

    def plus(self, gross: Decimal | None) -> Sum:
        """One document more; without a gross that could be read it only counts."""
        return Sum(self.documents + 1, self.gross + (gross or Decimal(0)))


@dataclass(frozen=True)
class DirectionTotals:
    """The month of one direction.

    Attributes:
        enk: what ENK published, by its newest revision; always `booked` + `open` + `ended` documents.
        booked: what the ledger has as booked, with the gross that was booked.
        open: what is not booked yet.
        ended: what never will be: superseded, discarded, before the go-live date.
        ours: what the package holds of `booked`.
        others: what the package holds in the month that we did not book.
        elsewhere: what the package dates in the month and ENK in another one.
    """

    direction: str
    enk: Sum = Sum()
    booked: Sum = Sum()
    open: Sum = Sum()
    ended: Sum = Sum()
    ours: Sum = Sum()
    others: Sum = Sum()
    elsewhere: Sum = Sum()


@dataclass(frozen=True)
class VatTotal:
    """What ENK published in one VAT kind and rate."""

    direction: str
    kind: str
    rate: Decimal
    net: Decimal
    vat: Decimal


@dataclass(frozen=True)
class PackageVatTotal:
    """The VAT that the package lists under one of its codes: of what we booked, and of all of the month."""

    direction: str
    code: str
    ours: Decimal
    all: Decimal


@dataclass(frozen=True)
class JournalTotal:
    """One journal of the package: what we booked in it, and all that it holds of the month."""

    direction: str
    journal: str
    ours: Sum
    all: Sum


@dataclass(frozen=True)
class Totals:
    """The month in figures; `not_compared` says what could not be held against each other, and why."""

    directions: tuple[DirectionTotals, ...]
    vat: tuple[VatTotal, ...] = ()
    package_vat: tuple[PackageVatTotal, ...] = ()
    journals: tuple[JournalTotal, ...] = ()
    not_compared: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a reconciliation found; `left_out` documents of others are counted and not listed."""

    totals: Totals
    differences: tuple[Difference, ...]
    left_out: int = 0

    @property
    def needs_somebody(self) -> bool:
        """Whether something differs that does not pass by itself."""
        return any(difference.needs_somebody for difference in self.differences)


class RunState(StrEnum):
    """How far a reconciliation is."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Run:
    """A reconciliation that was asked for, and what came of it.

    Attributes:
        month: its first day.
        code, said, who_acts: why it failed, or why it has not succeeded yet.
        result: None while it is not done.
    """

    id: RunId
    key: LaneKey
    month: date
    state: RunState
    asked_by: str
    asked_at: datetime
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    attempts_left: int
    code: str | None
    said: Said | None
    who_acts: str | None
    result: Result | None
