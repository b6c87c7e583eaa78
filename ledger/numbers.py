"""Numbers that a package needs and that ENK does not give: debtor codes, entry numbers, file numbers.

A number is allotted once per (administration, space, entity), in the transaction of the caller, and never
freed. The row of the space is locked until commit, so two transactions never give the same number out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import Cursor
from psycopg.rows import TupleRow

from schemas.outcome import Code

ALARM_SHARE = 0.8
"""From this share of a range on, somebody must be told to widen it."""


@dataclass(frozen=True)
class Range:
    """A number space of an administration: its name, first and last number (both included)."""

    space: str
    first: int
    last: int


class NumberSpaceFull(Exception):
    """Every number of the range is given out; code `number_range_full`."""

    code = Code.NUMBER_RANGE_FULL

    def __init__(self, numbers: Range) -> None:
        super().__init__(f"number space {numbers.space} ({numbers.first}-{numbers.last}) is full")
        self.numbers = numbers


@dataclass(frozen=True)
class Usage:
    """How far a range is used up; `alarm` from 80 % on."""

    used: int
    size: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.used / self.size

    @property
    def alarm(self) -> bool:
        """Whether somebody must widen the range."""
        return self.share >= ALARM_SHARE


def allot(cursor: Cursor[TupleRow], administration: str, numbers: Range, entity: str) -> int:
    """The entity's number: the one it has, else the next one. Raises `NumberSpaceFull`."""
    known = allotted(cursor, administration, numbers.space, [entity])
    if entity in known:
        return known[entity]
    following = _lock(cursor, administration, numbers)
    known = allotted(cursor, administration, numbers.space, [entity])
    if entity in known:
        return known[entity]
    if not numbers.first <= following <= numbers.last:
        raise NumberSpaceFull(numbers)
    cursor.execute(
        """
        INSERT INTO number_allotment (administration_id, space, entity, number) VALUES (%s, %s, %s, %s)
        """,
        (administration, numbers.space, entity, following),
    )
    cursor.execute(
        """
        UPDATE number_space SET next_number = %s, first_number = %s, last_number = %s
         WHERE administration_id = %s AND space = %s
        """,
        (following + 1, numbers.first, numbers.last, administration, numbers.space),
    )
    return following


def allotted(
    cursor: Cursor[TupleRow], administration: str, space: str, entities: Sequence[str]
) -> Mapping[str, int]:
    """The numbers that these entities have; those without one are missing."""
    cursor.execute(
        """
        SELECT entity, number FROM number_allotment
         WHERE administration_id = %s AND space = %s AND entity = ANY(%s)
        """,
        (administration, space, list(entities)),
    )
    return {entity: int(number) for entity, number in cursor.fetchall()}


def usage(cursor: Cursor[TupleRow], administration: str, numbers: Range) -> Usage:
    """How far the range is used up."""
    cursor.execute(
        "SELECT next_number FROM number_space WHERE administration_id = %s AND space = %s",
        (administration, numbers.space),
    )
    row = cursor.fetchone()
    size = numbers.last - numbers.first + 1
    if row is None:
        return Usage(0, size)
    following = _within(cursor, administration, numbers, int(row[0]))
    return Usage(following - numbers.first, size)


def forget_ranges(cursor: Cursor[TupleRow], administration: str) -> None:
    """The mapping was changed: how far a range is used up is known again with its next number."""
    cursor.execute(
        "UPDATE number_space SET first_number = NULL, last_number = NULL WHERE administration_id = %s",
        (administration,),
    )


def advance_past(cursor: Cursor[TupleRow], administration: str, space: str, number: int) -> None:
    """Recovery: the number was published before the ledger went back in time, so it is never given out again.

    It is kept as an allotment too, so that it stays taken when the range is moved and moved back.
    """
    cursor.execute(
        """
        INSERT INTO number_space AS s (administration_id, space, next_number) VALUES (%s, %s, %s)
        ON CONFLICT (administration_id, space) DO UPDATE
           SET next_number = GREATEST(s.next_number, EXCLUDED.next_number)
        """,
        (administration, space, number + 1),
    )
    cursor.execute(
        """
        INSERT INTO number_allotment (administration_id, space, entity, number) VALUES (%s, %s, %s, %s)
        ON CONFLICT DO NOTHING
        """,
        (administration, space, f"published:{number}", number),
    )


def _lock(cursor: Cursor[TupleRow], administration: str, numbers: Range) -> int:
    """Lock the space until commit; the number that follows in the range."""
    cursor.execute(
        """
        INSERT INTO number_space (administration_id, space, next_number) VALUES (%s, %s, %s)
        ON CONFLICT DO NOTHING
        """,
        (administration, numbers.space, numbers.first),
    )
    cursor.execute(
        "SELECT next_number FROM number_space WHERE administration_id = %s AND space = %s FOR UPDATE",
        (administration, numbers.space),
    )
    row = cursor.fetchone()
    assert row is not None
    return _within(cursor, administration, numbers, int(row[0]))


def _within(cursor: Cursor[TupleRow], administration: str, numbers: Range, following: int) -> int:
    """`following` when it lies in the range (or just behind it), else where the range was left.

    The range was changed when it does not: what was given out in it before stays taken.
    """
    if numbers.first <= following <= numbers.last + 1:
        return following
    cursor.execute(
        """
        SELECT max(number) FROM number_allotment
         WHERE administration_id = %s AND space = %s AND number BETWEEN %s AND %s
        """,
        (administration, numbers.space, numbers.first, numbers.last),
    )
    row = cursor.fetchone()
    return numbers.first if row is None or row[0] is None else int(row[0]) + 1
