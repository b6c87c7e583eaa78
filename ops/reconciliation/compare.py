"""ENK's documents of a month against the ledger against what the package holds. Pure.

Every document of ours and every booking that the package dates in the month is accounted for: it agrees, or a
difference names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.admission import comparable_number
from ledger.reconciliation_rows import Difference, DifferenceKind, DirectionTotals, Said, Sum
from ops.reconciliation import sentences
from ops.reconciliation.documents import Ours, Shelf
from ops.reconciliation.doubles import Double, find_doubles, identity
from ops.reconciliation.matching import Entry, Matched, expected_gross, match
from schemas.invoice import Direction

_URGENCY = {kind: place for place, kind in enumerate(DifferenceKind)}
_FINE = frozenset({DifferenceKind.MOVED, DifferenceKind.FOREIGN})


@dataclass(frozen=True)
class Comparison:
    """What differs, most urgent first.

    Attributes:
        directions: both, sales first.
        absent: what we booked and the package did not show.
        booked_ids: the package's ids of what it did show of that.
    """

    differences: tuple[Difference, ...]
    directions: tuple[DirectionTotals, ...]
    absent: tuple[Ours, ...]
    booked_ids: frozenset[str]


def compare(ours: Sequence[Ours], shelf: Shelf) -> Comparison:
    """Compare a month; each document of ours at most once in `ours`."""
    matched = match(ours, shelf)
    doubles = _doubles(matched)
    named = {id(held) for double in doubles for held in double.held}
    differences = [_double(double, matched, shelf) for double in doubles]
    absent = []
    for index, document in enumerate(ours):
        if document.booked is not None:
            entry = matched.booked.get(index)
            if entry is None:
                absent.append(document)
            differences += _about_booked(document, entry)
        elif document.pending is not None:
            differences.append(_about_pending(document, matched.pending.get(index)))
    differences += _foreign(matched, shelf, named)
    differences.sort(key=lambda one: (_URGENCY[one.kind], one.direction, one.number, one.package_ids))
    return Comparison(
        differences=tuple(differences),
        directions=tuple(_totals(ours, matched, shelf)),
        absent=tuple(absent),
        booked_ids=frozenset(entry.held.document.id or "" for entry in matched.booked.values()),
    )


def _doubles(matched: Matched) -> list[Double]:
    """Those that have to do with the month."""
    near = {id(entry.held) for entry in matched.entries if entry.in_month or entry.ours is not None}
    found = find_doubles(entry.held for entry in matched.entries)
    return [double for double in found if any(id(held) in near for held in double.held)]


def _double(double: Double, matched: Matched, shelf: Shelf) -> Difference:
    document, linked = _owner(double, matched)
    posting = document.booked.posting if document and document.booked else None
    document_id = document.document_id if document else None
    elsewhere = next((one for one in double.ids if one in shelf.linked), None)
    if linked is None and elsewhere is not None:
        linked, other = elsewhere, shelf.linked[elsewhere]
        posting, document_id = str(other.posting), other.document_id
    first = double.held[0]
    return Difference(
        kind=DifferenceKind.DOUBLE,
        direction=str(first.direction),
        number=first.document.number,
        relation=document.relation if document else first.relation_id,
        document_id=document_id,
        posting=posting,
        our_gross=expected_gross(document) if document else None,
        package_gross=first.gross,
        package_ids=double.ids,
        state=None,
        code=None,
        who_acts=str(sentences.WHO_ACTS[DifferenceKind.DOUBLE]),
        said=sentences.double(double.ids, exact=double.exact, linked=linked),
        needs_somebody=True,
    )


def _owner(double: Double, matched: Matched) -> tuple[Ours | None, str | None]:
    """The document of ours that is booked by one of them, and by which."""
    members = {id(held) for held in double.held}
    for entry in matched.booked.values():
        if id(entry.held) in members:
            return entry.ours, identity(entry.held)
    return None, None


def _about_booked(document: Ours, entry: Entry | None) -> Iterator[Difference]:
    booked = document.booked
    assert booked is not None
    if entry is None:
        yield _difference(DifferenceKind.MISSING, document, None, sentences.missing(booked.package_id))
    else:
        yield from _about_held(document, entry)
    if document.pending is not None:
        yield _pending(document, entry)


def _about_held(document: Ours, entry: Entry) -> Iterator[Difference]:
    booked, held = document.booked, entry.held
    assert booked is not None
    expected = expected_gross(document)
    if booked.package_id is not None and held.document.id != booked.package_id:
        said = sentences.replaced(booked.package_id, held.document.id)
        yield _difference(DifferenceKind.REPLACED, document, entry, said)
    if expected is not None and held.gross != expected:
        said = sentences.amount(expected, held.gross)
        yield _difference(DifferenceKind.AMOUNT, document, entry, said)
    known = document.package_relation is not None and held.relation_id is not None
    if known and held.relation_id != document.package_relation:
        yield _difference(DifferenceKind.RELATION, document, entry, sentences.relation(held.relation_id))
    # The id says that it is the same booking, so the number was changed there.
    number, theirs = booked.package_number or document.number, comparable_number(held.document.number)
    if theirs and theirs != comparable_number(number):
        yield _difference(DifferenceKind.NUMBER, document, entry, sentences.number(held.document.number))
    if not entry.in_month:
        yield _difference(DifferenceKind.MOVED, document, entry, sentences.moved(held.issue_date))


def _about_pending(document: Ours, entry: Entry | None) -> Difference:
    pending = document.pending
    assert pending is not None
    if entry is None or pending.in_doubt:
        return _pending(document, entry)
    if entry.held.gross == document.gross:
        said = sentences.unlinked(pending.posting, entry.held.document.number, entry.held.document.id)
    else:
        said = sentences.unlinked_otherwise()
    return _difference(DifferenceKind.UNLINKED, document, entry, said)


def _pending(document: Ours, entry: Entry | None) -> Difference:
    pending = document.pending
    assert pending is not None
    said = sentences.pending(pending.state, pending.nl, pending.en)
    return _difference(DifferenceKind.OPEN, document, entry, said)


def _foreign(matched: Matched, shelf: Shelf, named: set[int]) -> Iterator[Difference]:
    ended = {id(entry) for entry in matched.ended.values()}
    for entry in matched.entries:
        if not _is_others(entry, shelf, ended) or id(entry.held) in named:
            continue
        held, document = entry.held, entry.ours
        yield Difference(
            kind=DifferenceKind.FOREIGN,
            direction=str(held.direction),
            number=held.document.number,
            relation=document.relation if document else held.relation_id,
            document_id=document.document_id if document else None,
            posting=None,
            our_gross=None,
            package_gross=held.gross,
            package_ids=(identity(held),),
            state=None,
            code=None,
            who_acts=None,
            said=sentences.foreign(document.document_id if document else None),
            needs_somebody=False,
        )


def _is_others(entry: Entry, shelf: Shelf, ended: set[int]) -> bool:
    """Dated in the month and not booked by us, in no month."""
    if not entry.in_month or (entry.held.document.id or "") in shelf.linked:
        return False
    return entry.ours is None or id(entry) in ended


def _totals(ours: Sequence[Ours], matched: Matched, shelf: Shelf) -> Iterator[DirectionTotals]:
    not_booked = {id(entry) for entry in (*matched.ended.values(), *matched.pending.values())}
    for direction in Direction:
        enk = booked = pending = ended = mine = others = elsewhere = Sum()
        for document in ours:
            if document.direction is not direction:
                continue
            enk = enk.plus(document.gross)
            if document.booked is not None:
                booked = booked.plus(expected_gross(document))
            elif document.pending is not None:
                pending = pending.plus(document.gross)
            else:
                ended = ended.plus(document.gross)
        for entry in matched.entries:
            if entry.held.direction is not direction:
                continue
            if entry.ours is not None and id(entry) not in not_booked:
                mine = mine.plus(entry.held.gross)
            elif not entry.in_month:
                continue
            elif (entry.held.document.id or "") in shelf.linked and entry.ours is None:
                elsewhere = elsewhere.plus(entry.held.gross)
            else:
                others = others.plus(entry.held.gross)
        yield DirectionTotals(str(direction), enk, booked, pending, ended, mine, others, elsewhere)


def _difference(kind: DifferenceKind, document: Ours, entry: Entry | None, said: Said) -> Difference:
    pending = document.pending if kind in (DifferenceKind.OPEN, DifferenceKind.UNLINKED) else None
    posting = pending.posting if pending else document.booked.posting if document.booked else None
    who = pending.who_acts if kind is DifferenceKind.OPEN and pending else sentences.WHO_ACTS.get(kind)
    needs = pending.needs_somebody if kind is DifferenceKind.OPEN and pending else kind not in _FINE
    return Difference(
        kind=kind,
        direction=str(document.direction),
        number=document.number,
        relation=document.relation,
        document_id=document.document_id,
        posting=posting,
        our_gross=document.gross if pending else expected_gross(document),
        package_gross=entry.held.gross if entry else None,
        package_ids=(identity(entry.held),) if entry else (),
        state=pending.state if pending else None,
        code=pending.code if pending else None,
        who_acts=str(who) if who else None,
        said=said,
        needs_somebody=needs,
    )
