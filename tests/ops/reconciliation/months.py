"""Months for tests: documents of ENK that are booked, and a package that holds exactly those."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.reconciliation_documents import LinkedPosting
from ops.reconciliation.documents import Booking, Ours, Pending, Shelf, month_of
from schemas.invoice import Direction
from schemas.posting import PackageDocument
from sinks.contract import HeldDocument

MARCH = month_of(date(2026, 3, 1))


def sale(number: str, gross: str = "121.00", *, relation: str = "rel-1", day: int = 15) -> Ours:
    """Booked, and linked to a booking of its own."""
    return ours(Direction.SALES, number, gross, relation, day)


def purchase(number: str, gross: str = "121.00", *, relation: str = "rel-1", day: int = 15) -> Ours:
    return ours(Direction.PURCHASE, number, gross, relation, day)


def ours(direction: Direction, number: str, gross: str, relation: str, day: int) -> Ours:
    key = f"{direction}-{relation}-{number}"
    return Ours(
        direction=direction,
        document_id=f"doc-{key}",
        number=number,
        relation=relation,
        gross=Decimal(gross),
        issue_date=date(2026, 3, day),
        package_relation=f"p-{relation}",
        booked=Booking(posting=f"post-{key}", gross=Decimal(gross), package_id=f"id-{key}"),
    )


def held_as(document: Ours, **changes: Any) -> HeldDocument:
    """What the package holds of a booked document."""
    assert document.booked is not None
    values: dict[str, Any] = {
        "direction": document.direction,
        "number": document.number,
        "id": document.booked.package_id,
        "relation_id": document.package_relation,
        "gross": document.gross,
        "issue_date": document.issue_date,
        **changes,
    }
    number, identity = values.pop("number"), values.pop("id")
    document_ = PackageDocument.model_validate({"number": number, "id": identity})
    return HeldDocument(document=document_, **values)


def pending(document: Ours, state: str = "rejected", **changes: object) -> Ours:
    """The same, not booked."""
    values: dict[str, object] = {
        "needs_somebody": True,
        "code": "too_long",
        "who_acts": "enk_user",
        **changes,
    }
    return Ours(
        direction=document.direction,
        document_id=document.document_id,
        number=document.number,
        relation=document.relation,
        gross=document.gross,
        issue_date=document.issue_date,
        package_relation=document.package_relation,
        pending=Pending(posting="4711", state=state, **values),  # type: ignore[arg-type]
    )


def shelf(
    *listed: HeldDocument, looked_up: Sequence[HeldDocument] = (), other_months: Sequence[str] = ()
) -> Shelf:
    """The package in March; `other_months` are ids of bookings of ours that ENK issued in other months."""
    linked = {identity: LinkedPosting(99, f"other-{identity}") for identity in other_months}
    return Shelf(MARCH, tuple(listed), tuple(looked_up), linked)
