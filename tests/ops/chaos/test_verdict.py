"""The verdict of a chaos run can fail in every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ops.chaos.documents import Document, place_of
from ops.chaos.verdict import Facts, Stop, Verdict, judge
from schemas.codes import Package
from vendors.simulation.books import Arrival, BookedDocument, BookedLine, Direction, RelationReference
from vendors.simulation.contract import CompanyBooks, Overlap, OverlapsAnswer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GUARDED = frozenset({(Package.SNELSTART, "sales")})


def document(number: str, direction: str = "sales", credits_: str | None = None) -> Document:
    return Document(
        place_of("adm", direction, number),
        f"inv-{number}",
        Decimal("121.00"),
        Decimal("100.00"),
        place_of("adm", direction, credits_) if credits_ else None,
    )


def entry(
    number: str, arrival: int, direction: str = "sales", net: str = "100.00", at: datetime = NOON
) -> BookedDocument:
    amount = Decimal(net)
    return BookedDocument(
        id=f"id-{arrival}",
        direction=Direction(direction),
        number=number,
        relation=RelationReference(id="rel", code="1", name="R"),
        gross=amount + Decimal("21.00"),
        vat=[],
        lines=[BookedLine(account="8000", net=amount)],
        date=at.date(),
        created_at=at,
        arrival=arrival,
    )


def books(*entries: BookedDocument, relation_at: int = 1, overlaps: Sequence[Overlap] = ()) -> CompanyBooks:
    return CompanyBooks(
        company="adm",
        package="snelstart",
        name="adm",
        debtors=[],
        creditors=[],
        sales=[one for one in entries if one.direction is Direction.SALES],
        purchases=[one for one in entries if one.direction is Direction.PURCHASE],
        doubles=[],
        arrivals=[Arrival(order=relation_at, operation="relaties.POST", id="rel", at=NOON)],
        overlapping_writes=OverlapsAnswer(count=len(overlaps), list=list(overlaps)),
    )


DOCUMENTS = (document("1"), document("2", credits_="1"), document("L-1", "purchase"))
ENTRIES = (entry("1", 2), entry("2", 3), entry("l-1", 4, "purchase"))


def problems(found: Verdict) -> dict[str, int]:
    assert found.holds is not bool(found.problems)
    assert bool(found.findings) is bool(found.problems) or found.problems.keys() <= {"nobody", "untraced"}
    return found.problems


def test_books_that_are_right() -> None:
    found = judge(DOCUMENTS, [books(*ENTRIES)], Facts(guarded=GUARDED))
    assert found.holds
    assert (found.sent, found.booked, found.findings) == (3, 3, ())


def test_nothing_sent_proves_nothing() -> None:
    assert not judge([], [books()], Facts()).holds


def test_missing() -> None:
    assert problems(judge(DOCUMENTS, [books(*ENTRIES[:2])], Facts())) == {"missing": 1}


def test_missing_with_the_whole_administration() -> None:
    assert problems(judge(DOCUMENTS, [], Facts())) == {"missing": 3}


def test_nobody_sent_it() -> None:
    assert problems(judge(DOCUMENTS[:2], [books(*ENTRIES)], Facts())) == {"unknown": 1}


@pytest.mark.parametrize("twice", [entry("1", 5), entry("L-1", 5, "purchase")])
def test_double(twice: BookedDocument) -> None:
    assert problems(judge(DOCUMENTS, [books(*ENTRIES, twice)], Facts(guarded=GUARDED))) == {"double": 1}


def test_cents() -> None:
    wrong = replace_net(ENTRIES[0], "100.01")
    assert problems(judge(DOCUMENTS, [books(wrong, *ENTRIES[1:])], Facts())) == {"cents": 2}


def test_credit_before_its_invoice() -> None:
    turned = (entry("1", 3), entry("2", 2), ENTRIES[2])
    assert problems(judge(DOCUMENTS, [books(*turned)], Facts())) == {"order_breaks": 1}


def test_credit_that_was_published_first_may_come_first() -> None:
    free = (DOCUMENTS[0], replace(DOCUMENTS[1], credits=None), DOCUMENTS[2])
    assert judge(free, [books(entry("1", 3), entry("2", 2), ENTRIES[2])], Facts()).holds


def test_invoice_before_its_relation() -> None:
    assert problems(judge(DOCUMENTS, [books(*ENTRIES, relation_at=3)], Facts())) == {"order_breaks": 1}


def test_two_writes_at_once() -> None:
    overlap = Overlap(first="a", second="b", at=NOON)
    assert problems(judge(DOCUMENTS, [books(*ENTRIES, overlaps=[overlap])], Facts())) == {"overlaps": 1}


def test_rows_that_name_nobody_and_records_without_a_trace() -> None:
    found = judge(DOCUMENTS, [books(*ENTRIES)], Facts(nobody=1, untraced=2))
    assert problems(found) == {"nobody": 1, "untraced": 2}


def replace_net(one: BookedDocument, net: str) -> BookedDocument:
    return one.model_copy(
        update={
            "lines": [BookedLine(account="8000", net=Decimal(net))],
            "gross": Decimal(net) + Decimal("21.00"),
        }
    )


# --- a worker that was stopped between check and send -------------------------------------------------

STOPPED = Facts(guarded=GUARDED, stops=[Stop(NOON)], grace=timedelta(seconds=10))
PURCHASE = DOCUMENTS[2]
LATER = entry("L-1", 5, "purchase", at=NOON + timedelta(seconds=2))


def test_after_a_stop_counts_apart_but_must_be_named() -> None:
    doubled = books(*ENTRIES, LATER)
    unnamed = judge(DOCUMENTS, [doubled], replace(STOPPED, named=set()))
    assert (unnamed.double, unnamed.double_after_stop) == (0, 1)
    assert problems(unnamed) == {"unnamed": 1}
    named = judge(DOCUMENTS, [doubled], replace(STOPPED, named={PURCHASE.place}))
    assert named.holds
    assert named.double_after_stop == 1


def test_a_stop_excuses_nothing_where_the_package_has_a_guard() -> None:
    twice = entry("1", 5, at=NOON + timedelta(seconds=2))
    assert problems(judge(DOCUMENTS, [books(*ENTRIES, twice)], STOPPED)) == {"double": 1}


@pytest.mark.parametrize("seconds", [-1, 11])
def test_a_stop_excuses_nothing_at_another_moment(seconds: int) -> None:
    twice = entry("L-1", 5, "purchase", at=NOON + timedelta(seconds=seconds))
    first = ENTRIES[2].model_copy(update={"created_at": NOON - timedelta(seconds=30)})
    assert problems(judge(DOCUMENTS, [books(*ENTRIES[:2], first, twice)], STOPPED)) == {"double": 1}


def test_a_stop_excuses_one_copy_only() -> None:
    thrice = (LATER, LATER.model_copy(update={"id": "id-6", "arrival": 6}))
    assert problems(judge(DOCUMENTS, [books(*ENTRIES, *thrice)], STOPPED)) == {"double": 2}
