"""The proof of the demo: it holds only when the books have exactly what was sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ops.demo.scenario import MONTH
from ops.proof import (
    Booked,
    Expected,
    PackageProof,
    Place,
    Proof,
    Sent,
    booked_documents,
    prove,
    sent_documents,
)
from ops.sample_month import bad_extras, sample_month
from schemas.outcome import Code, Package
from tests.schemas import builders
from tests.schemas.builders import Json
from vendors.simulation.contract import CompanyBooks

SALE = Place("adm", "sales", "2026001")
PURCHASE = Place("adm", "purchase", "l-77")
SENT = [
    Sent(SALE, "s1", 1, Decimal("121.00"), Decimal("100.00")),
    Sent(PURCHASE, "p1", 1, Decimal("-60.50"), Decimal("-50.00")),
]
BOOKS = [
    Booked(SALE, Decimal("121.00"), Decimal("100.00")),
    Booked(PURCHASE, Decimal("-60.50"), Decimal("-50.00")),
]


def proof(*booked: Booked, expected: tuple[Expected, ...] = (), refused: Code | None = None) -> PackageProof:
    return prove(Package.KING, SENT, booked, expected, {} if refused is None else {SALE: refused})


def test_it_holds_when_the_books_have_what_was_sent() -> None:
    found = proof(*BOOKS)

    assert found.holds
    assert (found.sent, found.booked, found.double, found.missing, found.cents) == (2, 2, 0, 0, 0)


def test_a_document_that_is_there_twice_is_double() -> None:
    found = proof(*BOOKS, BOOKS[0])

    assert not found.holds
    assert (found.double, found.missing, found.cents) == (1, 0, 0)
    assert "2026001" in found.problems[0]


def test_a_document_that_is_not_there_is_missing() -> None:
    found = proof(BOOKS[0])

    assert not found.holds
    assert (found.double, found.missing) == (0, 1)
    assert "l-77" in found.problems[0]


def test_a_document_that_nobody_sent_is_double() -> None:
    found = proof(*BOOKS, Booked(Place("adm", "sales", "9"), Decimal(1), Decimal(1)))

    assert not found.holds
    assert found.double == 1


@pytest.mark.parametrize(
    ("gross", "net", "cents"),
    [("121.01", "100.00", 1), ("121.00", "99.99", 1), ("-121.00", "-100.00", 44_200)],
    ids=["a cent of gross", "a cent of net", "the sign"],
)
def test_a_cent_is_a_difference(gross: str, net: str, cents: int) -> None:
    found = proof(Booked(SALE, Decimal(gross), Decimal(net)), BOOKS[1])

    assert not found.holds
    assert (found.double, found.missing, found.cents) == (0, 0, cents)


def test_differences_do_not_cancel_out() -> None:
    found = proof(
        Booked(SALE, Decimal("121.01"), Decimal("100.00")),
        Booked(PURCHASE, Decimal("-60.51"), Decimal("-50.00")),
    )

    assert found.cents == 2


def test_two_creditors_may_use_one_number() -> None:
    other = Sent(PURCHASE, "p2", 1, Decimal("12.10"), Decimal("10.00"))
    books = [Booked(PURCHASE, Decimal("12.10"), Decimal("10.00")), *BOOKS]

    assert prove(Package.KING, [*SENT, other], books).holds
    assert not prove(Package.KING, [*SENT, other], [*BOOKS, BOOKS[1]]).holds


def test_what_was_refused_for_the_expected_reason_is_not_missing() -> None:
    expected = (Expected(SALE, Code.NOT_FOUND_LEDGER_ACCOUNT),)

    found = proof(BOOKS[1], expected=expected, refused=Code.NOT_FOUND_LEDGER_ACCOUNT)

    assert found.holds
    assert (found.sent, found.refused) == (1, 1)


def test_another_reason_is_a_problem() -> None:
    expected = (Expected(SALE, Code.NOT_FOUND_LEDGER_ACCOUNT),)

    assert not proof(BOOKS[1], expected=expected, refused=Code.PERIOD_CLOSED).holds
    assert not proof(BOOKS[1], expected=expected).holds


def test_what_should_have_been_refused_and_is_booked_is_a_problem() -> None:
    expected = (Expected(SALE, Code.NOT_FOUND_LEDGER_ACCOUNT),)

    assert not proof(*BOOKS, expected=expected, refused=Code.NOT_FOUND_LEDGER_ACCOUNT).holds


def test_a_proof_of_nothing_does_not_hold() -> None:
    assert not Proof(()).holds
    assert not Proof((prove(Package.KING, [], []),)).holds
    assert Proof((proof(*BOOKS),)).holds
    assert not Proof((proof(*BOOKS), prove(Package.SNELSTART, SENT, BOOKS[:1]))).holds


def test_the_line_adds_the_packages_up() -> None:
    both = Proof((proof(*BOOKS), prove(Package.SNELSTART, SENT, [BOOKS[0], BOOKS[0]])))

    assert str(both) == "documents sent 4, booked 4, double 1, missing 1, cents different 0"


def cloud_event(**changes: Any) -> Json:
    return builders.cloud_event(builders.invoice(**changes))


def test_the_latest_revision_is_what_was_sent() -> None:
    first = cloud_event(id="i1", number="A1")
    second = cloud_event(id="i1", number="A1", revision=2, lines=[builders.line("250.00")])

    for events in ([first, second], [second, first]):
        (sent,) = sent_documents(events)
        assert (sent.revision, sent.net, sent.gross) == (2, Decimal("250.00"), Decimal("302.50"))


def test_what_cannot_be_read_is_no_document() -> None:
    extras = bad_extras("adm-1", Package.SNELSTART, 1, MONTH)
    wrong = cloud_event(totals={"net": "1.00", "vat": "0.00", "gross": "2.00"})

    assert sent_documents([*extras["unreadable_record"], wrong]) == []
    assert len(sent_documents(sample_month("adm-1", Package.SNELSTART, 1, MONTH))) == 40


def test_the_books_of_a_document_are_its_gross_and_its_lines() -> None:
    books = CompanyBooks.model_validate(
        {
            "company": "c",
            "package": "snelstart",
            "name": "C",
            "debtors": [],
            "creditors": [],
            "sales": [document("sales", " 2026001 ", "121.00", ["60.00", "40.00"])],
            "purchases": [document("purchase", "L-77", "-60.50", ["-50.00"])],
            "doubles": [],
            "arrivals": [],
            "overlapping_writes": {"count": 0, "list": []},
        }
    )

    assert booked_documents(books, "adm") == BOOKS


def document(direction: str, number: str, gross: str, nets: list[str]) -> Json:
    return {
        "id": number,
        "direction": direction,
        "number": number,
        "relation": {"id": "r", "code": "1", "name": "R"},
        "gross": gross,
        "vat": [],
        "lines": [{"account": "8000", "net": net} for net in nets],
        "date": "2026-03-01",
        "created_at": "2026-03-01T00:00:00Z",
    }
