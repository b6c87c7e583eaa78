"""Whatever the books hold: everything is accounted for, and what was done to them is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ledger.reconciliation_rows import DifferenceKind
from ops.reconciliation.compare import compare
from ops.reconciliation.documents import Ours
from ops.reconciliation.doubles import identity
from schemas.invoice import Direction
from sinks.contract import HeldDocument
from tests.ops.reconciliation.months import held_as, ours, pending, shelf

GROSS = st.decimals("-999999.99", "999999.99", places=2).filter(bool)
NUMBERS = st.text(st.characters(codec="ascii", categories=("Lu", "Nd")), min_size=1, max_size=4)


@st.composite
def documents(draw: st.DrawFn) -> list[Ours]:
    """Booked documents, each number once (purchases: once per creditor)."""
    made: dict[tuple[str, ...], Ours] = {}
    for _ in range(draw(st.integers(0, 12))):
        direction = draw(st.sampled_from(Direction))
        relation = draw(st.sampled_from(["rel-1", "rel-2", "rel-3"]))
        number = draw(NUMBERS)
        key = (direction, number, relation if direction is Direction.PURCHASE else "")
        made.setdefault(key, ours(direction, number, str(draw(GROSS)), relation, draw(st.integers(1, 31))))
    return list(made.values())


@dataclass(frozen=True)
class Damage:
    """Books of which some bookings were deleted, doubled or changed, by document id."""

    ours: list[Ours]
    held: list[HeldDocument]
    deleted: set[str]
    doubled: set[str]
    amounts: set[str]
    relations: set[str]


@st.composite
def damaged(draw: st.DrawFn) -> Damage:
    booked = draw(documents())
    held: list[HeldDocument] = []
    done: dict[str, set[str]] = {what: set() for what in ("delete", "double", "amount", "relation", "leave")}
    for document in booked:
        what = draw(st.sampled_from(sorted(done)))
        done[what].add(document.document_id)
        assert document.gross is not None
        if what == "amount":
            held.append(held_as(document, gross=document.gross + Decimal("0.01")))
        elif what == "relation":
            held.append(held_as(document, relation_id=f"p-not-{document.document_id}"))
        elif what != "delete":
            held.append(held_as(document))
        if what == "double":
            held.append(held_as(document, id=f"again-{document.document_id}"))
    return Damage(
        draw(st.permutations(booked)),
        draw(st.permutations(held)),
        done["delete"],
        done["double"],
        done["amount"],
        done["relation"],
    )


@given(damaged())
def test_exactly_what_was_done_to_the_books_is_named(damage: Damage) -> None:
    comparison = compare(damage.ours, shelf(*damage.held))
    found: dict[DifferenceKind, set[str | None]] = {}
    for one in comparison.differences:
        found.setdefault(one.kind, set()).add(one.document_id)
    expected = {
        DifferenceKind.MISSING: damage.deleted,
        DifferenceKind.DOUBLE: damage.doubled,
        DifferenceKind.AMOUNT: damage.amounts,
        DifferenceKind.RELATION: damage.relations,
    }
    assert found == {kind: ids for kind, ids in expected.items() if ids}
    assert {document.document_id for document in comparison.absent} == damage.deleted
    for double in comparison.differences:
        if double.kind is DifferenceKind.DOUBLE:
            assert len(double.package_ids) == 2


HELD = st.builds(
    lambda direction, number, gross, relation, day, i: held_as(
        ours(direction, number, gross, relation, day), id=i
    ),
    st.sampled_from(Direction),
    NUMBERS,
    GROSS.map(str),
    st.sampled_from(["rel-1", "rel-2"]),
    st.integers(1, 31),
    st.uuids().map(str),
)
MIXED = st.lists(
    st.tuples(st.sampled_from(["booked", "pending", "ended"]), HELD),
    max_size=8,
    unique_by=lambda pair: (pair[1].direction, pair[1].document.number, pair[1].relation_id),
)


def as_ours(standing: str, held: HeldDocument) -> Ours:
    relation = (held.relation_id or "").removeprefix("p-")
    document = ours(held.direction, held.document.number, str(held.gross), relation, 15)
    if standing == "booked":
        return document
    return pending(document, needs_somebody=False) if standing == "pending" else _ended(document)


def _ended(document: Ours) -> Ours:
    made = pending(document)
    return Ours(made.direction, made.document_id, made.number, made.relation, made.gross, made.issue_date)


@given(MIXED, st.lists(HELD, max_size=8), st.randoms(use_true_random=False))
def test_every_booking_and_every_document_is_accounted_for_once(
    mixed: list[tuple[str, HeldDocument]], foreign: list[HeldDocument], random: object
) -> None:
    mine = [as_ours(standing, held) for standing, held in mixed]
    listed = [held for _, held in mixed] + foreign
    comparison = compare(mine, shelf(*listed))
    totals = comparison.directions
    assert sum(one.enk.documents for one in totals) == len(mine)
    for one in totals:
        assert one.enk.documents == one.booked.documents + one.open.documents + one.ended.documents
        in_package = [held for held in listed if str(held.direction) == one.direction]
        assert one.ours.documents + one.others.documents + one.elsewhere.documents == len(in_package)
        assert one.ours.gross + one.others.gross == sum((held.gross for held in in_package), Decimal(0))
    named = Counter(
        name
        for one in comparison.differences
        if one.kind in (DifferenceKind.FOREIGN, DifferenceKind.DOUBLE)
        for name in one.package_ids
    )
    assert not [name for name, times in named.items() if times > 1]
    silent = {identity(held) for held in listed} - {
        name for one in comparison.differences for name in one.package_ids
    }
    # What no difference names is booked by us, to the cent.
    assert len(silent) <= sum(one.booked.documents for one in totals)
    mirrored = compare(mine[::-1], shelf(*listed[::-1]))
    assert mirrored.directions[0].enk == totals[0].enk
