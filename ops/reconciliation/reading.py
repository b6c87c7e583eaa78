"""ENK's side: the ledger's revisions of a month put together into documents, with rejected input."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import groupby

import psycopg
from psycopg.rows import TupleRow
from pydantic import ValidationError

from ledger.reconciliation_documents import (
    LinkedPosting,
    RejectedInvoice,
    RelationLink,
    Revision,
    linked_postings,
    rejected_invoices,
    relation_links,
    revisions,
    unreadable_records,
)
from ledger.rows import LaneKey
from ops.reconciliation.documents import Booking, Ours, Pending
from ops.reconciliation.vat_totals import VatTally
from schemas.invoice import Direction, Invoice
from schemas.outcome import Outcome
from schemas.relation import Role
from sinks.contract import Period

_ENDED = frozenset({Outcome.SUPERSEDED, Outcome.DISCARDED})
_DIRECTIONS = {"sales_invoice": Direction.SALES, "purchase_invoice": Direction.PURCHASE}
_ROLES = {Direction.SALES: Role.DEBTOR, Direction.PURCHASE: Role.CREDITOR}

Links = Mapping[tuple[str, str], RelationLink]
"""Relations as the package knows them, by role and ENK's id."""


@dataclass(frozen=True)
class Read:
    """The ledger's side of a month.

    `linked` is whose each of the package's bookings is; `unreadable` counts records of the administration of
    which not even a document could be recognised.
    """

    ours: tuple[Ours, ...]
    tally: VatTally
    linked: Mapping[str, LinkedPosting]
    links: Links
    unreadable: int


def read_month(
    connection: psycopg.Connection[TupleRow], key: LaneKey, month: Period, package_ids: Iterable[str]
) -> Read:
    """What the ledger has of a month now; `package_ids` are the bookings that the package has shown."""
    links = relation_links(connection, key)
    tally = VatTally()
    documents: dict[tuple[Direction, str], Ours] = {}
    newest: dict[tuple[Direction, str], int] = {}
    rows = revisions(connection, key, month.first, month.last)
    for document, last in put_together(rows, links, tally, month):
        documents[document.direction, document.document_id] = document
        newest[document.direction, document.document_id] = last
    for rejected in rejected_invoices(connection, key):
        _add_rejected(documents, newest, rejected, month, tally)
    return Read(
        ours=tuple(documents.values()),
        tally=tally,
        linked=linked_postings(connection, key, list(package_ids)),
        links=links,
        unreadable=unreadable_records(connection, key.administration),
    )


def put_together(
    rows: Iterable[Revision], links: Links, tally: VatTally, month: Period
) -> Iterator[tuple[Ours, int]]:
    """Documents of the month with their newest revision, from rows that stand together by document."""
    for _, group in groupby(rows, key=lambda row: (row.kind, row.document_id)):
        same = list(group)
        document = _document(same, links)
        if document.issue_date is None or not month.first <= document.issue_date <= month.last:
            continue
        tally.add(_invoice(same[-1].payload))
        yield document, same[-1].revision


def _document(same: list[Revision], links: Links) -> Ours:
    newest = same[-1]
    direction = _DIRECTIONS[newest.kind]
    good = [row for row in same if Outcome(row.state).is_good]
    # What is identical to a booked revision is booked by that one.
    booked = max(good, key=lambda row: (row.state != Outcome.ALREADY_BOOKED, row.revision), default=None)
    state = Outcome(newest.state)
    of = booked or newest
    link = links.get((str(_ROLES[direction]), of.relation_id))
    return Ours(
        direction=direction,
        document_id=newest.document_id,
        number=_number(newest, direction),
        relation=newest.relation_id,
        gross=newest.gross,
        issue_date=of.issue_date,
        package_relation=link.id if link else None,
        relation_code=link.code if link else None,
        booked=_booking(booked) if booked else None,
        pending=None if state.is_good or state in _ENDED else _pending(newest),
    )


def _number(row: Revision, direction: Direction) -> str:
    """As the package is given it."""
    if direction is Direction.SALES:
        return row.number
    invoice = _invoice(row.payload)
    supplier = invoice.supplier_invoice_number if invoice else None
    return supplier or row.package_number or row.match_key.partition("|")[2]


def _booking(row: Revision) -> Booking:
    return Booking(
        posting=str(row.id),
        gross=row.gross,
        package_id=row.package_id,
        package_number=row.package_number,
        file_id=row.file_id,
        adopted=row.state == Outcome.ADOPTED,
    )


def _pending(row: Revision) -> Pending:
    return Pending(
        posting=str(row.id),
        state=row.state,
        in_doubt=row.in_doubt,
        needs_somebody=row.needs_somebody,
        code=row.code,
        who_acts=row.who_acts if row.code else None,
        nl=row.message_nl,
        en=row.message_en,
    )


def _invoice(payload: bytes | None) -> Invoice | None:
    if not payload:
        return None
    try:
        return Invoice.model_validate_json(payload)
    except ValidationError:
        return None


def _add_rejected(
    documents: dict[tuple[Direction, str], Ours],
    newest: dict[tuple[Direction, str], int],
    rejected: RejectedInvoice,
    month: Period,
    tally: VatTally,
) -> None:
    """Rejected input is a document of ENK that is not booked, unless a later revision could be read."""
    direction = _DIRECTIONS[rejected.kind]
    seen = glimpse(rejected.value)
    key = (direction, rejected.document_id or f"R{rejected.id}")
    pending = Pending(
        posting=f"R{rejected.id}",
        state=rejected.state,
        needs_somebody=True,
        code=rejected.code,
        who_acts=rejected.who_acts,
        nl=rejected.message_nl,
        en=rejected.message_en,
    )
    known = documents.get(key)
    if known is not None:
        if (rejected.revision or 0) > newest.get(key, 0):
            documents[key] = replace(
                known, pending=pending, gross=known.gross if seen.gross is None else seen.gross
            )
            newest[key] = rejected.revision or 0
        return
    day = seen.issue_date or rejected.received_at.date()
    if not month.first <= day <= month.last:
        return
    tally.add(None)
    newest[key] = rejected.revision or 0
    documents[key] = Ours(
        direction=direction,
        document_id=key[1],
        number=seen.number or rejected.number or "?",
        relation=seen.relation or "?",
        gross=seen.gross,
        issue_date=day,
        pending=pending,
    )


@dataclass(frozen=True)
class Glimpse:
    """What can be made out of bytes that are no valid invoice."""

    number: str | None = None
    relation: str | None = None
    issue_date: date | None = None
    gross: Decimal | None = None


def glimpse(value: bytes | None) -> Glimpse:
    """Whatever is recognisable; never raises."""
    try:
        found = json.loads(value or b"null")
    except (ValueError, RecursionError):
        return Glimpse()
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    if not isinstance(found, dict):
        return Glimpse()
    name = "supplier_invoice_number" if found.get("direction") == "purchase" else "number"
    totals = found.get("totals")
    return Glimpse(
        number=_text(found.get(name)),
        relation=_text(found.get("relation_id")),
        issue_date=_day(found.get("issue_date")),
        gross=_money(totals.get("gross")) if isinstance(totals, dict) else None,
    )


def _text(value: object) -> str | None:
    return value.replace("\0", "")[:100] or None if isinstance(value, str) else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _money(value: object) -> Decimal | None:
    try:
        amount = Decimal(str(value)) if isinstance(value, str | int | float) else None
        return amount.quantize(Decimal("0.01")) if amount is not None and abs(amount) < 10**11 else None
    except InvalidOperation:
        return None
