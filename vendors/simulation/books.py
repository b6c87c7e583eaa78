"""The books a simulator keeps, in one form for all packages, so that they can be compared with the events."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str)]
"""An amount in euros; a decimal string with two digits in JSON."""

Day = date
"""A date, under a name that a field called `date` does not hide."""

ZERO = Decimal("0.00")


class Direction(StrEnum):
    """Which side of the books a document is on."""

    SALES = "sales"
    PURCHASE = "purchase"


class Role(StrEnum):
    """What a relation is to the company."""

    DEBTOR = "debtor"
    CREDITOR = "creditor"


class SettledBy(StrEnum):
    """How an open amount was settled."""

    BANK = "bank"
    CREDIT = "credit"
    WRITE_OFF = "write_off"


class Entry(BaseModel):
    """Base of everything that is in the books; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class BookedRelation(Entry):
    """A debtor or creditor as the package holds it."""

    id: str
    code: str
    name: str
    vat_number: str | None = None
    kvk_number: str | None = None
    iban: str | None = None
    active: bool = True
    created_at: datetime
    modified_at: datetime


class RelationReference(Entry):
    """Whom a document is for."""

    id: str
    code: str
    name: str


class BookedVat(Entry):
    """VAT of one kind, in the package's own name for the kind."""

    kind: str
    amount: Money


class BookedLine(Entry):
    """One line of a document, without VAT."""

    account: str
    net: Money
    description: str = ""
    vat_kind: str | None = None
    cost_centre: str | None = None


class Payment(Entry):
    """Something that settled (part of) a document; negative when it took a payment back."""

    id: str
    amount: Money
    date: Day
    settled_by: SettledBy
    reverses: str | None = None
    created_at: datetime


class BookedDocument(Entry):
    """A sales or purchase invoice as the package holds it."""

    id: str
    direction: Direction
    number: str
    relation: RelationReference
    gross: Money
    vat: list[BookedVat]
    lines: list[BookedLine]
    date: Day
    due_date: Day | None = None
    journal: str | None = None
    provisional: bool = False
    file: str | None = None
    attachments: int = 0
    created_at: datetime
    arrival: int = 0
    payments: list[Payment] = Field(default_factory=list)
    paid: Money = ZERO
    open: Money = ZERO


class Arrival(Entry):
    """One write that the package carried out, in the order in which they came."""

    order: int
    operation: str
    id: str
    number: str | None = None
    at: datetime


class Double(Entry):
    """A number that is in the books more than once (for purchases: of one creditor)."""

    direction: Direction
    number: str
    relation: str | None = None
    ids: list[str]


class Books:
    """Relations, documents and payments of one company."""

    def __init__(self) -> None:
        self.relations: dict[Role, dict[str, BookedRelation]] = {role: {} for role in Role}
        self.documents: dict[str, BookedDocument] = {}
        self.arrivals: list[Arrival] = []
        self._by_number: defaultdict[tuple[Direction, str], list[BookedDocument]] = defaultdict(list)
        self._payments: dict[str, BookedDocument] = {}

    def arrived(self, operation: str, identifier: str, number: str | None, at: datetime) -> int:
        """Note a write that was carried out; returns its place in the order of arrival, from 1."""
        order = len(self.arrivals) + 1
        self.arrivals.append(
            Arrival.model_construct(order=order, operation=operation, id=identifier, number=number, at=at)
        )
        return order

    def add(self, document: BookedDocument) -> None:
        """Put a document in the books, wholly open."""
        document.open = document.gross - document.paid
        self.documents[document.id] = document
        self._by_number[document.direction, document.number].append(document)

    def remove(self, identifier: str) -> None:
        """Take a document out of the books."""
        document = self.documents.pop(identifier)
        self._by_number[document.direction, document.number].remove(document)

    def replace(self, document: BookedDocument) -> None:
        """Put a changed document in the place of the one with its id; payments stay."""
        before = self.documents[document.id]
        self._by_number[before.direction, before.number].remove(before)
        document.payments, document.paid = before.payments, before.paid
        document.arrival, document.created_at = before.arrival, before.created_at
        for payment in document.payments:
            self._payments[payment.id] = document
        self.add(document)

    def numbered(self, direction: Direction, number: str) -> list[BookedDocument]:
        """Every document with exactly this number."""
        return list(self._by_number.get((direction, number), ()))

    def pay(self, document: BookedDocument, payment: Payment) -> None:
        """Settle part of a document; more than is open is possible, as in any package."""
        document.payments.append(payment)
        document.paid += payment.amount
        document.open = document.gross - document.paid
        self._payments[payment.id] = document

    def payment(self, identifier: str) -> tuple[BookedDocument, Payment] | None:
        """A payment by its id, with the document it settled."""
        document = self._payments.get(identifier)
        if document is None:
            return None
        return document, next(payment for payment in document.payments if payment.id == identifier)

    def doubles(self) -> list[Double]:
        """Numbers that are in the books twice: sales by number, purchases by number and creditor."""
        found: list[Double] = []
        for (direction, number), documents in self._by_number.items():
            groups: defaultdict[str | None, list[str]] = defaultdict(list)
            for document in documents:
                code = document.relation.code if direction is Direction.PURCHASE else None
                groups[code].append(document.id)
            found.extend(
                Double(direction=direction, number=number, relation=code, ids=ids)
                for code, ids in groups.items()
                if len(ids) > 1
            )
        return found
