"""A post of King's journal, before any XML: sides, amounts, and what may be written as it is."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from schemas.invoice import Direction, Invoice
from schemas.outcome import Code, Package
from sinks.king_rules import CENT, LARGEST
from sinks.shortening import fits, shorten
from vendors.failure import Refused

ZERO = Decimal(0)
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
        raise wrong(
            Code.TOO_LONG,
            path,
            f"het bedrag {amount:.2f} is groter dan King kan boeken",
            f"the amount {amount:.2f} is more than King can book",
        )
    positive = (amount or like or ZERO) >= 0
    debit = positive is (invoice.direction is Direction.PURCHASE)
    return Booked(Side.DEBIT if debit else Side.CREDIT, abs(amount).quantize(CENT))


def identifier(value: str, limit: int, path: str) -> str:
    """A number or code as it is: never shortened, never changed."""
    if not value.strip():
        raise wrong(
            Code.REQUIRED_FIELD, path, "zonder dit kan King niet boeken", "King cannot book without it"
        )
    if not fits(value, limit):
        given = shorten(value, 60)
        raise wrong(
            Code.TOO_LONG,
            path,
            f"{given} is langer dan de {limit} tekens van King",
            f"{given} is longer than King's {limit} characters",
        )
    if any(unicodedata.category(character) in _UNREADABLE for character in value):
        raise wrong(
            Code.BAD_FORMAT,
            path,
            "er staan tekens in die King niet kan lezen",
            "it has characters that King cannot read",
        )
    return value


def wrong(code: Code, field: str, nl: str, en: str) -> Refused:
    """The refusal of something that King cannot hold, with what is wrong in both languages."""
    return Refused(code, field=field, package=Package.KING, problem_nl=nl, problem_en=en)
