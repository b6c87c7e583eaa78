"""An invoice of ENK as a comparison sees it: what was published, what is booked, what is not booked yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ledger.reconciliation_documents import LinkedPosting
from schemas.invoice import Direction
from sinks.contract import HeldDocument, Period


@dataclass(frozen=True)
class Booking:
    """The revision that the ledger has as booked, and what it is linked to in the package.

    `adopted`: a look-up or a person found it there.
    """

    posting: str
    gross: Decimal | None
    package_id: str | None = None
    package_number: str | None = None
    file_id: int | None = None
    adopted: bool = False


@dataclass(frozen=True)
class Pending:
    """A revision that is not booked, and why.

    `in_doubt`: it may be in the package already, and will be looked up; `needs_somebody`: it does not go on
    by itself.
    """

    posting: str
    state: str
    in_doubt: bool = False
    needs_somebody: bool = False
    code: str | None = None
    who_acts: str | None = None
    nl: str | None = None
    en: str | None = None


@dataclass(frozen=True)
class Ours:
    """One invoice that ENK published, by its newest revision.

    Attributes:
        number: as the package is given it: ENK's on a sale, the supplier's on a purchase.
        relation: ENK's id; `package_relation` the package's and `relation_code` what people see there, None
            while the package does not know the relation.
        gross: of the newest revision; None when it could not be read.
        booked, pending: a document of which neither is there has ended without being booked.
    """

    direction: Direction
    document_id: str
    number: str
    relation: str
    gross: Decimal | None
    issue_date: date | None
    package_relation: str | None = None
    relation_code: str | None = None
    booked: Booking | None = None
    pending: Pending | None = None


@dataclass(frozen=True)
class Shelf:
    """What the package holds.

    Attributes:
        month: the month that is compared; only what the package dates in it can be foreign.
        listed: what its list shows of the month, and of some time before and after: a bookkeeper may have
            dated a document otherwise.
        looked_up: what it holds under the numbers of documents that its list did not show.
        linked: what is linked to which posting and document of ours, by package id, also of other months.
    """

    month: Period
    listed: tuple[HeldDocument, ...]
    looked_up: tuple[HeldDocument, ...] = ()
    linked: Mapping[str, LinkedPosting] = field(default_factory=dict)


def month_of(first: date) -> Period:
    """The calendar month that begins on that day."""
    return Period(first, _next(first).fromordinal(_next(first).toordinal() - 1))


def window_around(month: Period, months: int = 1) -> Period:
    """The month with whole months before and after it."""
    first, last = month.first, _next(month.first)
    for _ in range(months):
        first = _first_of(first.fromordinal(first.toordinal() - 1))
        last = _next(last)
    return Period(first, last.fromordinal(last.toordinal() - 1))


def _first_of(day: date) -> date:
    return day.replace(day=1)


def _next(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
