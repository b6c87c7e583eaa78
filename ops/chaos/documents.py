"""What ENK publishes in a chaos run: sample months, mixed over administrations, and put in disorder. Pure.

A stream: a month of all administrations is in memory at once, never the whole run. The same arguments give
the same events in the same order. What is done to them is what happens in practice: records delivered again,
published again under a new event id, an earlier revision that comes late, an invoice before its relation, a
credit before what it credits, and records that nobody can read.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ops.chaos.schedule import Company
from ops.proof import Place
from ops.sample_month import bad_extras, sample_month
from ops.sample_plan import PLANS
from schemas.event_kind import TYPE_OF_KIND, EventKind
from schemas.outcome import Package
from schemas.topics import ENK_INVOICES

Json = dict[str, Any]
FIRST_MONTH = date(2025, 1, 1)
LATER = (1, 9)
"""How many events of its administration something that comes late is behind."""


class Disorder(StrEnum):
    """What is done to the input."""

    DELIVERED_AGAIN = "delivered_again"
    PUBLISHED_AGAIN = "published_again"
    LATE_REVISION = "late_revision"
    INVOICE_BEFORE_RELATION = "invoice_before_relation"
    CREDIT_FIRST = "credit_first"
    POISON = "poison"


SHARES: Mapping[Disorder, float] = {
    Disorder.DELIVERED_AGAIN: 0.02,
    Disorder.PUBLISHED_AGAIN: 0.01,
    Disorder.LATE_REVISION: 0.02,
    Disorder.CREDIT_FIRST: 0.15,
}
"""Of the events (the last: of the credits)."""


@dataclass(frozen=True)
class Document:
    """A document that must be booked, to the cent.

    Attributes:
        place: where it is looked for.
        document_id: ENK's id.
        gross, net: of its latest revision.
        credits: the document that must be in the books before it; None when ENK published it later.
    """

    place: Place
    document_id: str
    gross: Decimal
    net: Decimal
    credits: Place | None = None


@dataclass(frozen=True)
class Issued:
    """One event to publish, the document that it demands (only when it is new), and what is odd about it."""

    administration: str
    event: Json
    document: Document | None = None
    disorder: Disorder | None = None


def setting_up(companies: Sequence[Company], seed: int) -> list[Issued]:
    """The administrations and their relations."""
    found = []
    for company in companies:
        for event in sample_month(company.administration, company.package, seed, FIRST_MONTH):
            if event["type"] != TYPE_OF_KIND[EventKind.INVOICE]:
                found.append(Issued(company.administration, event))
    return found


def first_invoices(company: Company, seed: int) -> list[Json]:
    """The data of a month's invoices: they tell what a company must have."""
    month = sample_month(company.administration, company.package, seed, FIRST_MONTH)
    extra = bad_extras(company.administration, company.package, seed, FIRST_MONTH)["invoice_before_relation"]
    return [
        dict(_data(event)) for event in (*month, *extra) if event["type"] == TYPE_OF_KIND[EventKind.INVOICE]
    ]


def documents(companies: Sequence[Company], count: int, seed: int) -> Iterator[Issued]:
    """At least `count` documents, in the order in which ENK publishes them."""
    per_company = -(-count // len(companies))
    draw = random.Random(f"chaos-documents/{seed}")
    known: set[Place] = set()
    month, left = FIRST_MONTH, per_company
    while left > 0:
        taken = min(left, len(PLANS))
        lanes = [
            _disordered(company, _month(company, month, seed, taken), month, seed, draw)
            for company in companies
        ]
        for issued in mixed(lanes, draw):
            yield _in_order(issued, known)
        left -= taken
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)


def mixed(lanes: Sequence[Sequence[Issued]], draw: random.Random) -> Iterator[Issued]:
    """All lanes among each other, each in its own order."""
    turns = [place for place, lane in enumerate(lanes) for _ in lane]
    draw.shuffle(turns)
    rows = [iter(lane) for lane in lanes]
    for turn in turns:
        yield next(rows[turn])


def _in_order(issued: Issued, known: set[Place]) -> Issued:
    """A credit demands its invoice only when that was published before it."""
    document = issued.document
    if document is None:
        return issued
    known.add(document.place)
    if document.credits is None or document.credits in known:
        return issued
    free = Document(document.place, document.document_id, document.gross, document.net)
    return Issued(issued.administration, issued.event, free, Disorder.CREDIT_FIRST)


def _month(company: Company, month: date, seed: int, taken: int) -> list[Json]:
    events = sample_month(company.administration, company.package, seed, month)
    invoices = [event for event in events if event["type"] == TYPE_OF_KIND[EventKind.INVOICE]]
    return [_of_its_month(event, month) for event in invoices[:taken]]


def _of_its_month(event: Mapping[str, object], month: date) -> Json:
    """The supplier's numbers of the sample come back every month; a real supplier's do not."""
    data = dict(_data(event))
    if data["direction"] == "purchase":
        data["supplier_invoice_number"] = f"{data['supplier_invoice_number']}-{month:%m}"
        if "credits_invoice_number" in data:
            data["credits_invoice_number"] = f"{data['credits_invoice_number']}-{month:%m}"
    return {**event, "data": data}


def _disordered(
    company: Company, events: Sequence[Json], month: date, seed: int, draw: random.Random
) -> list[Issued]:
    administration = company.administration
    rows: list[tuple[float, Issued]] = []
    for place, event in enumerate(events):
        at = float(place)
        later = place + draw.uniform(*LATER)
        is_credit = "credits_invoice_number" in event["data"]
        if is_credit and draw.random() < SHARES[Disorder.CREDIT_FIRST]:
            at = -1.0
        chance = draw.random()
        if chance < SHARES[Disorder.DELIVERED_AGAIN]:
            rows.append((later, Issued(administration, event, None, Disorder.DELIVERED_AGAIN)))
        elif (chance := chance - SHARES[Disorder.DELIVERED_AGAIN]) < SHARES[Disorder.PUBLISHED_AGAIN]:
            again = {**event, "id": f"{event['id']}-again"}
            rows.append((later, Issued(administration, again, None, Disorder.PUBLISHED_AGAIN)))
        elif chance - SHARES[Disorder.PUBLISHED_AGAIN] < SHARES[Disorder.LATE_REVISION]:
            late = {**event, "data": {**event["data"], "description": "Concept"}}
            rows.append((later, Issued(administration, late, None, Disorder.LATE_REVISION)))
            event = {**event, "id": f"{event['id']}-r2", "data": {**event["data"], "revision": 2}}
        rows.append((at, Issued(administration, event, document_of(event["data"]))))
    rows += _extras(company, len(events), month, seed, draw)
    return [issued for _, issued in sorted(rows, key=lambda row: row[0])]


def _extras(
    company: Company, length: int, month: date, seed: int, draw: random.Random
) -> list[tuple[float, Issued]]:
    administration = company.administration
    extra = bad_extras(administration, company.package, seed, month)["invoice_before_relation"]
    invoice, relation = _of_its_month(extra[0], month), dict(extra[1])
    at = draw.uniform(0, max(1, length - 4))
    before = Disorder.INVOICE_BEFORE_RELATION
    rows = [
        (at, Issued(administration, invoice, document_of(invoice["data"]), before)),
        (at + draw.uniform(1, 4), Issued(administration, relation, None, before)),
    ]
    poison = draw.choice(_POISONS)
    rows.append(
        (draw.uniform(0, length), Issued(administration, poison(administration), None, Disorder.POISON))
    )
    return rows


def document_of(data: Mapping[str, Any]) -> Document:
    """What an invoice's data demand of the books."""
    purchase = data["direction"] == "purchase"
    number = data["supplier_invoice_number"] if purchase else data["number"]
    credited = data.get("credits_invoice_number")
    place = place_of(data["administration"], data["direction"], number)
    return Document(
        place,
        data["id"],
        Decimal(data["totals"]["gross"]),
        Decimal(data["totals"]["net"]),
        place_of(place.administration, place.direction, credited) if credited else None,
    )


def place_of(administration: str, direction: str, number: str) -> Place:
    """Where a document is looked for; numbers are compared trimmed and without case."""
    return Place(administration, direction, number.strip().casefold())


# --- what nobody can read ----------------------------------------------------------------------------


def _raw(administration: str, value: bytes) -> Json:
    return {
        "raw": {
            "topic": ENK_INVOICES,
            "key": administration,
            "headers": {"content-type": "application/json"},
            "value_base64": base64.b64encode(value).decode(),
        }
    }


def _not_utf8(administration: str) -> Json:
    return _raw(administration, b'{"administration": "' + b"\xff\xfe")


def _null_character(administration: str) -> Json:
    """What a database cannot hold as text."""
    return _raw(administration, json.dumps({"administration": administration, "id": "a\x00b"}).encode())


def _nested(administration: str) -> Json:
    del administration
    return _raw("nested", b"[" * 5_000)


def _empty(administration: str) -> Json:
    return _raw(administration, b"")


_POISONS = (_not_utf8, _null_character, _nested, _empty)


def _data(event: Mapping[str, object]) -> Mapping[str, Any]:
    data = event["data"]
    assert isinstance(data, Mapping)
    return data


def companies_of(count: int) -> list[Company]:
    """So many administrations, two in three booked directly, the others by file."""
    packages = (Package.SNELSTART, Package.SNELSTART, Package.KING)
    return [Company(f"chaos-{number:03d}", packages[number % 3]) for number in range(count)]
