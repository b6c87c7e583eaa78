"""Twinfield's records, as far as we read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from vendors.twinfield.wire import Element, day, decimal, text_at


class DimensionType(StrEnum):
    """Kinds of dimension: accounts of balance and result, relations, cost centres, projects."""

    BALANCE = "BAS"
    RESULT = "PNL"
    DEBTOR = "DEB"
    CREDITOR = "CRD"
    COST_CENTRE = "KPL"
    PROJECT = "PRJ"


class Side(StrEnum):
    """What a daybook or a VAT code is for."""

    SALES = "sales"
    PURCHASE = "purchase"


class Lines(StrEnum):
    """Browse definitions with one row per line on a relation's account."""

    DEBTORS = "100"
    CREDITORS = "200"


@dataclass(frozen=True)
class Named:
    """A code and its name."""

    code: str
    name: str


@dataclass(frozen=True)
class VatCode:
    """A VAT code with its dated percentages, oldest first."""

    code: str
    name: str
    side: str
    percentages: tuple[tuple[date | None, Decimal], ...]

    def on(self, when: date) -> Decimal | None:
        """Its percentage on a day."""
        valid = [rate for since, rate in self.percentages if since is None or since <= when]
        return valid[-1] if valid else None


@dataclass(frozen=True)
class Dimension:
    """A relation, as Twinfield wrote it: `body` is the whole record, to be changed and written back."""

    code: str
    name: str
    status: str
    reference: str
    vat_number: str
    kvk_number: str
    body: Element = field(repr=False, compare=False)

    @property
    def is_active(self) -> bool:
        """Can be booked on."""
        return self.status in ("", "active")

    @classmethod
    def of(cls, body: Element) -> Dimension:
        """Read a record; VAT id and KVK number are the fourth and fifth field of an address."""
        return cls(
            code=text_at(body, "code"),
            name=text_at(body, "name"),
            status=(body.get("status") or "").strip(),
            reference=text_at(body, "financials/relationsreference"),
            vat_number=_first(body, "addresses/address/field4"),
            kvk_number=_first(body, "addresses/address/field5"),
            body=body,
        )


@dataclass(frozen=True)
class BookingKey:
    """What a transaction is found by, within its office."""

    journal: str
    number: str

    def __str__(self) -> str:
        return f"{self.journal}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> BookingKey:
        """The key in its written form.

        Raises:
            ValueError: it is not one.
        """
        journal, slash, number = text.rpartition("/")
        if not slash or not journal or not number:
            raise ValueError(f"{text!r} is no booking of Twinfield")
        return cls(journal, number)


@dataclass(frozen=True)
class Booked:
    """What a saved transaction got; `period` is `YYYY/PP`."""

    key: BookingKey
    period: str
    is_final: bool


@dataclass(frozen=True)
class Transaction:
    """A transaction's lines on its relation's account, taken together; amounts in EUR, debit positive."""

    key: BookingKey
    invoice_number: str
    relation: str
    issued: date | None
    value: Decimal
    open: Decimal
    match_status: str
    match_date: date | None
    period: str = ""

    @classmethod
    def of(cls, root: Element) -> Transaction:
        """Read a transaction.

        Raises:
            ValueError: it has no total line, or something in it cannot be.
        """
        lines = root.findall("lines/line")
        total = next((line for line in lines if line.get("type") == "total"), None)
        if total is None:
            raise ValueError("no total line")
        account = (text_at(total, "dim1"), text_at(total, "dim2"))
        # a bookkeeper may have split what is owed over more lines on the same account
        owed = [total, *(line for line in lines if line is not total and _is_on(line, account))]
        dates = [when for line in owed if (when := day(text_at(line, "matchdate"))) is not None]
        return cls(
            key=BookingKey(text_at(root, "header/code"), text_at(root, "header/number")),
            invoice_number=text_at(root, "header/invoicenumber"),
            relation=account[1],
            issued=day(text_at(root, "header/date")),
            value=sum((_signed(line, _VALUE) for line in owed), Decimal(0)),
            open=sum((_signed(line, (*_OPEN, *_VALUE)) for line in owed), Decimal(0)),
            match_status=text_at(total, "matchstatus"),
            match_date=max(dates, default=None),
            period=text_at(root, "header/period"),
        )


_VALUE = ("basevalue", "value")
_OPEN = ("basevalueopen", "openbasevalue", "valueopen", "openvalue")
"""An answer to a booking and one to a reading name it differently; without any, all of it is open."""


def _is_on(line: Element, account: tuple[str, str]) -> bool:
    return all(account) and (text_at(line, "dim1"), text_at(line, "dim2")) == account


def _signed(line: Element, names: tuple[str, ...]) -> Decimal:
    """The first of these amounts that the line has, debit positive."""
    found = next((text for name in names if (text := text_at(line, name))), "")
    value = decimal(found)
    return -value if text_at(line, "debitcredit") == "credit" else value


@dataclass(frozen=True)
class BrowseRow:
    """One row of a browse: the key of its line, and the values by field."""

    key: BookingKey
    line: str
    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


def _first(body: Element, path: str) -> str:
    return next((text for node in body.findall(path) if (text := (node.text or "").strip())), "")
