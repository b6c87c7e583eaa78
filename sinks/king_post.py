"""A post of King's journal, before any XML: sides, amounts, and what may be written as it is."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from schemas.invoice import Direction, Invoice
from schemas.outcome import Code
from sinks.king_rules import CENT, LARGEST
from sinks.shortening import fits, shorten
from vendors.failure import Refused

ZERO = Decimal(0)
KING = "King"
_UNREADABLE = frozenset({"Cc", "Cn"})


class Side(StrEnum):
    """JR_BOEKZIJDE."""

    DEBIT = "DEB"
    CREDIT = "CRED"


@dataclass(frozen=True)
class Booked:
    """An amount on its side: what King calls BOEKZIJDE and VALUTABEDRAG."""

    side: Side
    amount: Decimal

    @property
    def signed(self) -> Decimal:
        """Debit positive, credit negative."""
        return self.amount if self.side is Side.DEBIT else -self.amount


@dataclass(frozen=True)
class HelpAccount:
    """The VAT that belongs to a line (HULPREKENING)."""

    vat_code: str
    booked: Booked


@dataclass(frozen=True)
class OpenItem:
    """What only the debtor's or creditor's line carries."""

    due: date
    payment_reference: str | None
    approved: bool


@dataclass(frozen=True)
class JournalLine:
    """One JOURNAALREGEL."""

    account: str
    booked: Booked
    description: str
    vat: HelpAccount | None = None
    open_item: OpenItem | None = None


@dataclass(frozen=True)
class Post:
    """One JOURNAALPOST: an invoice, its debtor's or creditor's line first."""

    journal: str
    issue_date: date
    stuknummer: str | None
    description: str
    invoice_number: str
    archive_id: str | None
    every_line_dated: bool
    lines: tuple[JournalLine, ...]


def booked(invoice: Invoice, amount: Decimal, path: str, like: Decimal | None = None) -> Booked:
    """An amount of the invoice on its side; a zero stands where `like`, else a positive one would."""
    if abs(amount) > LARGEST:
        raise Refused(
            Code.TOO_LONG, field=path, problem=f"het bedrag {amount:.2f} is groter dan King kan boeken"
        )
    positive = (amount or like or ZERO) >= 0
    debit = positive is (invoice.direction is Direction.PURCHASE)
    return Booked(Side.DEBIT if debit else Side.CREDIT, abs(amount).quantize(CENT))


def identifier(value: str, limit: int, path: str) -> str:
    """A number or code as it is: never shortened, never changed."""
    if not value.strip():
        raise Refused(Code.REQUIRED_FIELD, field=path, problem="zonder dit kan King niet boeken")
    if not fits(value, limit):
        raise Refused(
            Code.TOO_LONG,
            field=path,
            problem=f"{shorten(value, 60)} is langer dan de {limit} tekens van King",
        )
    if any(unicodedata.category(character) in _UNREADABLE for character in value):
        raise Refused(Code.BAD_FORMAT, field=path, problem="er staan tekens in die King niet kan lezen")
    return value
