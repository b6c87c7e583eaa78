"""What Twinfield already holds: look-ups by number, the documents of a period, its lists, its identity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from schemas.invoice import Direction
from schemas.outcome import Code
from schemas.posting import PackageDocument
from sinks.contract import FoundInvoice, HeldDocument, Identity, Option, Options, Period
from sinks.twinfield_settings import TwinfieldMapping
from vendors.failure import Refused, Scope
from vendors.twinfield import browse
from vendors.twinfield.browse import Column, between, equal
from vendors.twinfield.client import TwinfieldClient
from vendors.twinfield.errors import unreadable
from vendors.twinfield.models import (
    Booked,
    BookingKey,
    BrowseRow,
    DimensionType,
    Lines,
    Named,
    Side,
    Transaction,
    VatCode,
)
from vendors.twinfield.wire import day, decimal

LINES = {Direction.SALES: Lines.DEBTORS, Direction.PURCHASE: Lines.CREDITORS}
SIDE = {Direction.SALES: Side.SALES, Direction.PURCHASE: Side.PURCHASE}
_MONTH = timedelta(days=31)
_HELD = (
    Column(browse.NUMBER),
    Column(browse.ISSUED),
    Column(browse.RELATION),
    Column(browse.VALUE),
    Column(browse.INVOICE_NUMBER),
)


class TwinfieldReader:
    """Reads one office; never writes."""

    def __init__(self, client: TwinfieldClient, mapping: TwinfieldMapping) -> None:
        self._client = client
        self._mapping = mapping
        self._journals: dict[Direction, frozenset[str]] = {}
        self._sign: dict[Direction, int] = {}

    async def identity(self) -> Identity:
        """Organisation and office; raises `Refused` when the user may not open the office."""
        organisation = await self._client.organisation()
        offices = await self._client.offices()
        office = next((one for one in offices if one.code == self._client.office), None)
        if office is None:
            raise Refused(
                Code.AUTH_REVOKED,
                f"administratie {self._client.office} staat niet in de lijst van {organisation.user}",
                scope=Scope.ADMINISTRATION,
            )
        return Identity(
            id=f"{organisation.code}/{office.code}",
            name=office.name or office.code,
            details={"organisation": organisation.code, "organisation_id": organisation.id},
        )

    async def find(self, direction: Direction, number: str, relation: str, year: int) -> list[FoundInvoice]:
        """Invoices with a number, provisional ones too: sales of the office, purchases of one creditor."""
        wanted = (
            between(browse.YEARPERIOD, f"{year - 1}/01", f"{year + 1}/12"),
            Column(browse.JOURNAL),
            equal(browse.STATUS, browse.PROVISIONAL_AND_FINAL),
            Column(browse.NUMBER),
            Column(browse.RELATION),
            equal(browse.INVOICE_NUMBER, number),
        )
        rows = await self._client.lines(LINES[direction], wanted)
        ours = [
            row
            for row in await self._invoices(direction, rows)
            if _same(row[browse.INVOICE_NUMBER], number)
            and (direction is Direction.SALES or row[browse.RELATION] == relation)
        ]
        found = []
        for key in dict.fromkeys(row.key for row in ours):
            # hits are rare, and only the booking itself tells debit from credit on both sides
            transaction = await self._client.transaction(key)
            if transaction is not None:
                found.append(_found(direction, transaction))
        return found

    async def documents(self, period: Period) -> AsyncIterator[HeldDocument]:
        """Everything with an invoice date in the period, sales first."""
        first, last = (period.first - _MONTH).year, (period.last + _MONTH).year
        if not self._mapping.calendar_years:
            first, last = first - 1, last + 1
        for direction in Direction:
            for year in range(first, last + 1):
                for held in await self._held(direction, year):
                    if held.issue_date is None or period.first <= held.issue_date <= period.last:
                        yield held

    async def _held(self, direction: Direction, year: int) -> list[HeldDocument]:
        wanted = (
            between(browse.YEARPERIOD, f"{year}/01", f"{year}/12"),
            Column(browse.JOURNAL),
            equal(browse.STATUS, browse.PROVISIONAL_AND_FINAL),
            *_HELD,
        )
        rows = await self._client.lines(LINES[direction], wanted, background=True)
        invoices = await self._invoices(direction, rows)
        sign = await self._sign_of(direction, invoices)
        try:
            return _documents(direction, invoices, sign)
        except ValueError as failure:
            raise unreadable(str(failure), write=False) from failure

    async def _sign_of(self, direction: Direction, rows: Iterable[BrowseRow]) -> int:
        """What a row's amount is multiplied by to be positive for an invoice.

        Which sign a purchase has in a browse is not documented; one booking, read whole, tells.
        """
        if direction is Direction.SALES:
            return 1
        if direction not in self._sign:
            for row in rows:
                shown = decimal(row[browse.VALUE] or "0")
                exact = await self._client.transaction(row.key, background=True) if shown else None
                if exact is not None and exact.value:
                    self._sign[direction] = 1 if gross(direction, exact.value) * shown > 0 else -1
                    break
        return self._sign.get(direction, 1)

    async def _invoices(self, direction: Direction, rows: Iterable[BrowseRow]) -> list[BrowseRow]:
        """Rows of invoices: receipts, payments and write-offs stand on the same accounts."""
        journals = await self.journals(direction)
        return [row for row in rows if row.key.journal in journals]

    async def journals(self, direction: Direction) -> frozenset[str]:
        """Codes of the daybooks of one direction, those of the mapping included."""
        if direction not in self._journals:
            listed = {row.code for row in await self._client.daybooks(SIDE[direction])}
            self._journals[direction] = self._mapping.journals_of(direction) | listed
        return self._journals[direction]

    async def options(self) -> Options:
        """Accounts, daybooks, VAT codes with the percentages of those that are mapped, cost centres."""
        accounts = [
            Option(row.code, row.name, details={"type": str(kind)})
            for kind in (DimensionType.BALANCE, DimensionType.RESULT)
            for row in await self._client.dimensions(kind)
        ]
        journals: list[Option] = []
        codes: list[Option] = []
        for side in Side:
            details = {"type": str(side)}
            journals += [
                Option(row.code, row.name, details=details) for row in await self._client.daybooks(side)
            ]
            codes += [await self._vat_option(row, side) for row in await self._client.vat_codes(side)]
        centres = await self._client.dimensions(DimensionType.COST_CENTRE)
        return Options(
            ledger_accounts=tuple(accounts),
            journals=tuple(journals),
            vat_codes=tuple(codes),
            cost_centres=tuple(Option(row.code, row.name) for row in centres),
        )

    async def _vat_option(self, row: Named, side: Side) -> Option:
        """A VAT code; its percentage costs a call, so only those of hoog and laag are asked for."""
        option = Option(row.code, row.name, details={"type": str(side)})
        rated = {
            code
            for name, code in self._mapping.vat_codes.items()
            if name.startswith((f"{side}:hoog", f"{side}:laag"))
        }
        if row.code not in rated:
            return option
        found = await self._client.vat_code(row.code)
        return option if found is None else replace(option, details={**option.details, **_percentage(found)})


def _percentage(code: VatCode) -> dict[str, str]:
    """The latest percentage and since when it holds."""
    if not code.percentages:
        return {}
    since, rate = code.percentages[-1]
    text = f"{rate:f}"
    shown = text.rstrip("0").rstrip(".") if "." in text else text
    return {"percentage": shown or "0", **({"from": since.isoformat()} if since else {})}


def gross(direction: Direction, value: Decimal) -> Decimal:
    """ENK's sign from debit-positive: what is owed to us on a sale, by us on a purchase."""
    return value if direction is Direction.SALES else -value


def document_of(number: str, key: BookingKey, period: str = "") -> PackageDocument:
    """A booking as it is told to ENK: people know it by the invoice number."""
    year, _, month = period.partition("/")
    return PackageDocument(
        number=number,
        id=str(key),
        journal=key.journal,
        year=int(year) if year.isdecimal() else None,
        period=int(month) if month.isdecimal() else None,
    )


def booked_document(number: str, booked: Booked) -> PackageDocument:
    """What a booking became."""
    return document_of(number, booked.key, booked.period)


def _found(direction: Direction, transaction: Transaction) -> FoundInvoice:
    document = document_of(transaction.invoice_number, transaction.key, transaction.period)
    return FoundInvoice(document, transaction.relation or None, gross(direction, transaction.value))


def _documents(direction: Direction, rows: Iterable[BrowseRow], sign: int) -> list[HeldDocument]:
    """One document a transaction, its lines on the relation's account taken together.

    Raises:
        ValueError: an amount or a date cannot be read.
    """
    held: dict[BookingKey, HeldDocument] = {}
    for row in rows:
        amount = sign * decimal(row[browse.VALUE] or "0")
        before = held.get(row.key)
        if before is not None:
            held[row.key] = replace(before, gross=before.gross + amount)
            continue
        held[row.key] = HeldDocument(
            direction=direction,
            document=document_of(row[browse.INVOICE_NUMBER], row.key),
            relation_id=row[browse.RELATION] or None,
            gross=amount,
            issue_date=day(row[browse.ISSUED]),
        )
    return list(held.values())


def _same(held: str, number: str) -> bool:
    return held.strip().casefold() == number.strip().casefold()
