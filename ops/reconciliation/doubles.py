"""What a package holds twice: the same number twice (purchases: of one creditor), whoever booked it. Pure.

A booking and its reversal (same number, opposite amount) are no double: they cancel out, and so does a double
of which one was reversed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ledger.admission import comparable_number
from schemas.invoice import Direction
from sinks.contract import HeldDocument


@dataclass(frozen=True)
class Double:
    """Bookings under one number; `exact` when two of them have the same relation and gross."""

    held: tuple[HeldDocument, ...]
    exact: bool

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids in the package."""
        return tuple(identity(one) for one in self.held)


def identity(held: HeldDocument) -> str:
    """The package's id of a booking; for one without, what people find it by."""
    return held.document.id or f"no id, number {held.document.number}"


def find_doubles(held: Iterable[HeldDocument]) -> list[Double]:
    """Every number that stands more than once."""
    groups: dict[tuple[str, ...], list[HeldDocument]] = defaultdict(list)
    for one in held:
        number = comparable_number(one.document.number)
        if number:
            # A supplier's number says nothing about another supplier's.
            creditor = one.relation_id or "" if one.direction is Direction.PURCHASE else ""
            groups[one.direction, number, creditor].append(one)
    found = []
    for group in groups.values():
        standing = _standing(group)
        if len(standing) > 1:
            pairs = {(one.relation_id, one.gross) for one in standing}
            found.append(Double(tuple(standing), exact=len(pairs) < len(standing)))
    return found


def _standing(group: Sequence[HeldDocument]) -> list[HeldDocument]:
    """What is left when bookings and their reversals are taken away; the first booked ones stay."""
    left: dict[tuple[str | None, Decimal], list[HeldDocument]] = defaultdict(list)
    for one in group:
        opposite = left[one.relation_id, -one.gross]
        if opposite and one.gross:
            opposite.pop()
        else:
            left[one.relation_id, one.gross].append(one)
    remaining = {id(one) for several in left.values() for one in several}
    return [one for one in group if id(one) in remaining]
