"""Which of the package's bookings is which of our documents. Pure.

By the id that the ledger is linked to; else by number (purchases: of the same creditor), because a person may
have removed a booking and typed it in again, or may have booked what we could not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ledger.admission import comparable_number
from ops.reconciliation.documents import Ours, Shelf
from schemas.invoice import Direction
from sinks.contract import HeldDocument


@dataclass
class Entry:
    """One booking in the package: whether it is dated in the month, and whose it turned out to be."""

    held: HeldDocument
    in_month: bool
    ours: Ours | None = None


@dataclass
class Matched:
    """Every booking, and by document of ours the one that it was found to be."""

    entries: list[Entry] = field(default_factory=list)
    booked: dict[int, Entry] = field(default_factory=dict)
    pending: dict[int, Entry] = field(default_factory=dict)
    ended: dict[int, Entry] = field(default_factory=dict)


def match(ours: Sequence[Ours], shelf: Shelf) -> Matched:
    """Match documents (by their index in `ours`) with bookings; each booking is used at most once."""
    result = Matched(_entries(shelf))
    by_id: dict[tuple[Direction, str], Entry] = {}
    by_number: dict[tuple[Direction, str], list[Entry]] = defaultdict(list)
    for entry in result.entries:
        held = entry.held
        if held.document.id is not None:
            by_id.setdefault((held.direction, held.document.id), entry)
        by_number[held.direction, comparable_number(held.document.number)].append(entry)

    def free(number: str, document: Ours) -> list[Entry]:
        found = by_number.get((document.direction, comparable_number(number)), [])
        return [entry for entry in found if entry.ours is None and not _of_another(entry, document, shelf)]

    for index, document in enumerate(ours):
        if document.booked is None or document.booked.package_id is None:
            continue
        same = by_id.get((document.direction, document.booked.package_id))
        if same is not None and same.ours is None:
            _take(result.booked, index, document, same)
    for index, document in enumerate(ours):
        if document.booked is not None and index not in result.booked:
            _take_best(result.booked, index, document, _could_be(document, free(_number(document), document)))
    for index, document in enumerate(ours):
        if document.booked is None and document.pending is not None:
            _take_best(result.pending, index, document, _could_be(document, free(document.number, document)))
    for index, document in enumerate(ours):
        if document.booked is None and document.pending is None:
            _take_best(result.ended, index, document, _could_be(document, free(document.number, document)))
    return result


def _entries(shelf: Shelf) -> list[Entry]:
    """Every booking once; what was looked up is dated elsewhere, or the list would have shown it."""
    first, last = shelf.month.first, shelf.month.last
    entries = [
        Entry(held, held.issue_date is None or first <= held.issue_date <= last) for held in shelf.listed
    ]
    known = {(held.direction, held.document.id) for held in shelf.listed}
    for held in shelf.looked_up:
        if held.document.id is None or (held.direction, held.document.id) not in known:
            known.add((held.direction, held.document.id))
            entries.append(Entry(held, False))
    return entries


def _of_another(entry: Entry, document: Ours, shelf: Shelf) -> bool:
    """Whether the ledger has it linked to another document than this one."""
    linked = shelf.linked.get(entry.held.document.id or "")
    return linked is not None and linked.document_id != document.document_id


def _number(document: Ours) -> str:
    booked = document.booked
    return (booked.package_number if booked else None) or document.number


def _could_be(document: Ours, entries: Iterable[Entry]) -> list[Entry]:
    if document.direction is Direction.SALES:
        return list(entries)
    relation = document.package_relation
    if relation is not None:
        return [entry for entry in entries if entry.held.relation_id in (relation, None)]
    return [entry for entry in entries if entry.held.gross == expected_gross(document)]


def _take_best(into: dict[int, Entry], index: int, document: Ours, entries: Sequence[Entry]) -> None:
    if entries:
        _take(into, index, document, min(entries, key=lambda entry: _distance(document, entry)))


def _distance(document: Ours, entry: Entry) -> tuple[bool, bool, bool, str]:
    held = entry.held
    return (
        held.gross != expected_gross(document),
        held.relation_id != document.package_relation,
        not entry.in_month,
        held.document.id or "",
    )


def _take(into: dict[int, Entry], index: int, document: Ours, entry: Entry) -> None:
    entry.ours = document
    into[index] = entry


def expected_gross(document: Ours) -> Decimal | None:
    """What the package should have: what was booked, else what ENK published; None when nobody knows."""
    booked = document.booked
    return document.gross if booked is None or booked.gross is None else booked.gross
