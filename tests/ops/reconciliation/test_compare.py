"""The comparison, document by document: what agrees, what differs, and how it is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ledger.reconciliation_rows import Difference, DifferenceKind, Sum
from ops.reconciliation.compare import Comparison, compare
from ops.reconciliation.documents import month_of, window_around
from schemas.invoice import Direction
from sinks.contract import Period
from tests.ops.reconciliation.months import MARCH, held_as, pending, purchase, sale, shelf


def kinds(comparison: Comparison) -> list[tuple[str, str]]:
    return [(str(one.kind), one.number) for one in comparison.differences]


def only(comparison: Comparison) -> Difference:
    (difference,) = comparison.differences
    return difference


def test_what_is_the_same_on_both_sides_is_no_difference() -> None:
    documents = [sale("1"), sale("2", "-60.50"), purchase("A-1"), purchase("A-1", relation="rel-2")]
    comparison = compare(documents, shelf(*map(held_as, documents)))
    assert comparison.differences == ()
    assert comparison.absent == ()
    sales, purchases = comparison.directions
    assert sales.enk == sales.booked == sales.ours == Sum(2, Decimal("60.50"))
    assert purchases.ours == Sum(2, Decimal("242.00"))
    assert sales.others == sales.elsewhere == sales.open == sales.ended == Sum()


def test_what_the_package_does_not_hold_any_more_is_missing() -> None:
    comparison = compare([sale("1"), sale("2")], shelf(held_as(sale("2"))))
    assert only(comparison).kind is DifferenceKind.MISSING
    assert (only(comparison).posting, only(comparison).who_acts) == ("post-sales-rel-1-1", "bookkeeper")
    assert [document.number for document in comparison.absent] == ["1"]


def test_what_is_found_by_its_number_after_all_is_not_missing() -> None:
    moved = held_as(sale("1"), issue_date=None)
    comparison = compare([sale("1")], shelf(looked_up=[moved]))
    assert only(comparison).kind is DifferenceKind.MOVED
    assert not only(comparison).needs_somebody
    assert comparison.directions[0].ours == Sum(1, Decimal("121.00"))


def test_a_document_that_the_package_dates_in_another_month_is_there() -> None:
    comparison = compare([sale("1")], shelf(held_as(sale("1"), issue_date=date(2026, 4, 2))))
    assert kinds(comparison) == [("moved", "1")]
    assert "02-04-2026" in only(comparison).said.nl
    assert comparison.directions[0].others == Sum()


def test_our_document_of_another_month_is_not_foreign_in_this_one() -> None:
    other = held_as(sale("9"), id="id-of-april")
    comparison = compare([], shelf(other, other_months=["id-of-april"]))
    assert comparison.differences == ()
    assert comparison.directions[0].elsewhere == Sum(1, Decimal("121.00"))


def test_what_others_booked_is_counted_apart_and_needs_nobody() -> None:
    comparison = compare([sale("1")], shelf(held_as(sale("1")), held_as(sale("77", "10.00"))))
    assert kinds(comparison) == [("foreign", "77")]
    assert not only(comparison).needs_somebody
    assert comparison.directions[0].others == Sum(1, Decimal("10.00"))
    assert comparison.directions[0].ours == Sum(1, Decimal("121.00"))


def test_what_others_booked_in_another_month_is_of_no_concern() -> None:
    assert compare([], shelf(held_as(sale("77"), issue_date=date(2026, 2, 28)))).differences == ()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"gross": Decimal("120.99")}, "amount"),
        ({"relation_id": "p-rel-9"}, "relation"),
        ({"number": "1-gewijzigd"}, "number"),
        ({"id": "typed-again"}, "replaced"),
    ],
)
def test_what_a_person_changed_in_the_package_is_named(change: dict[str, object], kind: str) -> None:
    comparison = compare([sale("1")], shelf(held_as(sale("1"), **change)))
    assert str(only(comparison).kind) == kind
    assert only(comparison).needs_somebody
    assert comparison.absent == ()


def test_numbers_are_compared_as_people_do() -> None:
    document = purchase("F-55 a")
    assert compare([document], shelf(held_as(document, number=" f-55  A "))).differences == ()


def test_a_sale_under_the_same_number_twice_is_double_whoever_booked_it() -> None:
    comparison = compare([sale("1")], shelf(held_as(sale("1")), held_as(sale("1"), id="second")))
    double = only(comparison)
    assert double.kind is DifferenceKind.DOUBLE
    assert double.package_ids == ("id-sales-rel-1-1", "second")
    assert (double.posting, double.relation) == ("post-sales-rel-1-1", "rel-1")
    assert all(identity in double.said.nl for identity in double.package_ids)
    assert comparison.directions[0].others == Sum(1, Decimal("121.00"))


def test_a_double_of_others_is_named_too() -> None:
    comparison = compare(
        [], shelf(held_as(sale("5"), id="a"), held_as(sale("5"), id="b", gross=Decimal("1")))
    )
    assert (only(comparison).kind, only(comparison).posting) == (DifferenceKind.DOUBLE, None)
    assert "verschillende bedragen" in only(comparison).said.nl


def test_a_double_that_is_dated_in_the_next_month_is_found() -> None:
    second = held_as(sale("1"), id="second", issue_date=date(2026, 4, 1))
    assert kinds(compare([sale("1")], shelf(held_as(sale("1")), second))) == [("double", "1")]


def test_the_same_number_of_two_suppliers_is_no_double() -> None:
    documents = [purchase("1", relation="rel-1"), purchase("1", relation="rel-2")]
    assert compare(documents, shelf(*map(held_as, documents))).differences == ()


def test_a_purchase_that_was_reversed_in_the_package_is_no_double() -> None:
    document = purchase("1")
    back = held_as(document, id="back", gross=Decimal("-121.00"))
    again = held_as(document, id="again")
    assert kinds(compare([document], shelf(held_as(document), back))) == [("foreign", "1")]
    assert [kind for kind, _ in kinds(compare([document], shelf(held_as(document), again, back)))] == [
        "foreign",
        "foreign",
    ]
    twice = compare([document], shelf(held_as(document), again))
    assert [kind for kind, _ in kinds(twice)] == ["double"]


def test_what_is_open_says_why_and_who_acts() -> None:
    document = pending(sale("1"), nl="Het nummer is te lang.", en="The number is too long.")
    comparison = compare([document], shelf())
    assert (only(comparison).kind, only(comparison).code) == (DifferenceKind.OPEN, "too_long")
    assert (only(comparison).who_acts, only(comparison).posting) == ("enk_user", "4711")
    assert only(comparison).said.nl == "Het nummer is te lang."
    assert comparison.directions[0].open == Sum(1, Decimal("121.00"))


def test_what_is_on_its_way_needs_nobody() -> None:
    document = pending(sale("1"), "received", needs_somebody=False, code=None, who_acts=None)
    assert not only(compare([document], shelf())).needs_somebody


def test_what_we_could_not_book_and_somebody_typed_in_can_be_linked() -> None:
    comparison = compare([pending(sale("1"))], shelf(held_as(sale("1"), id="by-hand")))
    assert only(comparison).kind is DifferenceKind.UNLINKED
    assert only(comparison).package_ids == ("by-hand",)
    assert "koppeling postings resolve 4711 --booked-as 1" in only(comparison).said.nl
    assert comparison.directions[0].others == Sum(1, Decimal("121.00"))


def test_what_is_in_doubt_is_left_to_its_look_up() -> None:
    document = pending(sale("1"), "uncertain", in_doubt=True, needs_somebody=False)
    assert only(compare([document], shelf(held_as(sale("1"))))).kind is DifferenceKind.OPEN


def test_a_revision_that_came_after_the_booking_is_open_beside_it() -> None:
    document = replace(sale("1"), gross=Decimal("200.00"), pending=pending(sale("1")).pending)
    comparison = compare([document], shelf(held_as(sale("1"))))
    assert only(comparison).kind is DifferenceKind.OPEN
    sales = comparison.directions[0]
    assert (sales.enk.gross, sales.booked.gross) == (Decimal("200.00"), Decimal("121.00"))


def test_what_ended_without_a_booking_and_is_there_all_the_same_was_typed_in() -> None:
    document = replace(sale("1"), booked=None)
    comparison = compare([document], shelf(held_as(sale("1"))))
    assert (only(comparison).kind, only(comparison).document_id) == (
        DifferenceKind.FOREIGN,
        document.document_id,
    )
    assert comparison.directions[0].ended == comparison.directions[0].others == Sum(1, Decimal("121.00"))


def test_what_was_resolved_by_number_is_found_by_that_number() -> None:
    booked = sale("1").booked
    assert booked is not None
    document = replace(sale("1"), booked=replace(booked, package_id=None, package_number="V-77"))
    assert compare([document], shelf(held_as(sale("1"), number="V-77", id="x"))).differences == ()


def test_months_and_what_is_read_around_them() -> None:
    assert Period(date(2026, 3, 1), date(2026, 3, 31)) == MARCH
    assert window_around(MARCH) == Period(date(2026, 2, 1), date(2026, 4, 30))
    assert window_around(month_of(date(2026, 12, 1))) == Period(date(2026, 11, 1), date(2027, 1, 31))
    assert month_of(date(2028, 2, 1)).last == date(2028, 2, 29)
    assert {str(direction) for direction in Direction} == {"sales", "purchase"}
