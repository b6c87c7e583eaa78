"""A month of a package that reads files: ENK and the ledger against what is in files and was not released.

What the package itself holds cannot be read; a file counts until somebody says that it was not accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

import psycopg
from psycopg.rows import TupleRow

from ledger.reconciliation_documents import FiledInvoice, filed_invoices, recovered_filings
from ledger.reconciliation_rows import Difference, DifferenceKind, Result, Said, Totals
from ledger.rows import LaneKey
from ops.reconciliation import sentences
from ops.reconciliation.compare import compare
from ops.reconciliation.direct import about_input, result_of
from ops.reconciliation.documents import Ours, Shelf, month_of
from ops.reconciliation.reading import Links, read_month
from schemas.invoice import Direction
from schemas.posting import PackageDocument
from schemas.relation import Role
from sinks.contract import HeldDocument

CONFIRM_WITHIN = timedelta(days=3)
"""After so long somebody should have said whether the package took a file."""

_DIRECTIONS = {"sales_invoice": Direction.SALES, "purchase_invoice": Direction.PURCHASE}
_KINDS = {direction: kind for kind, direction in _DIRECTIONS.items()}


def reconcile_files(
    connection: psycopg.Connection[TupleRow], key: LaneKey, first: date, now: datetime
) -> Result:
    """Compare the month that begins on `first`; writes nothing, and asks nothing of anybody."""
    month = month_of(first)
    read = read_month(connection, key, month, ())
    filed = filed_invoices(connection, key, month.first, month.last)
    recovered = recovered_filings(connection, key)
    place = {(one.posting, one.file_id): _identity(one) for one in filed}
    held = [_held(one, read.links) for one in filed]
    ours = []
    for document in read.ours:
        elsewhere = _elsewhere(document, recovered)
        ours.append(_linked(document, place, elsewhere))
        booked = ours[-1].booked
        if booked is not None and elsewhere is not None and booked.package_id == elsewhere:
            held.append(_known(document, elsewhere))
    comparison = compare(ours, Shelf(month, tuple(held)))
    comparison = replace(
        comparison,
        differences=tuple(
            replace(one, said=sentences.not_filed()) if one.kind is DifferenceKind.MISSING else one
            for one in comparison.differences
        ),
    )
    totals = Totals(
        directions=comparison.directions,
        vat=read.tally.totals(),
        not_compared=(_package_is_blind(key), *about_input(read)),
    )
    return result_of(comparison, totals, _unconfirmed(filed, now))


def _identity(one: FiledInvoice) -> str:
    """File number and place in it."""
    return f"{one.sequence}/{one.position}"


def _linked(document: Ours, place: Mapping[tuple[int, int], str], elsewhere: str | None) -> Ours:
    """The document with what stands for its id in the package: its place in a file."""
    booked = document.booked
    if booked is None:
        return document
    found = place.get((int(booked.posting), booked.file_id or 0), elsewhere)
    # A file has ENK's own number; what was allotted beside it does not tell documents apart.
    return replace(document, booked=replace(booked, package_id=found, package_number=None))


def _elsewhere(document: Ours, recovered: Mapping[tuple[str, str], str]) -> str | None:
    """How a document is known to be in the package of which the ledger has no file."""
    booked = document.booked
    if booked is None:
        return None
    if booked.adopted:
        return f"resolved as {booked.package_number or document.number}"
    return recovered.get((_KINDS[document.direction], document.document_id))


def _known(document: Ours, identity: str) -> HeldDocument:
    booked = document.booked
    assert booked is not None
    return HeldDocument(
        direction=document.direction,
        document=PackageDocument(number=document.number, id=identity),
        relation_id=document.package_relation,
        gross=booked.gross or Decimal(0),
        issue_date=document.issue_date,
    )


def _held(one: FiledInvoice, links: Links) -> HeldDocument:
    direction = _DIRECTIONS[one.kind]
    number = one.number if direction is Direction.SALES else one.match_key.partition("|")[2]
    role = Role.DEBTOR if direction is Direction.SALES else Role.CREDITOR
    link = links.get((str(role), one.relation_id))
    return HeldDocument(
        direction=direction,
        document=PackageDocument(number=number, id=_identity(one)),
        relation_id=link.id if link else None,
        gross=one.gross or Decimal(0),
        issue_date=one.issue_date,
    )


def _unconfirmed(filed: Sequence[FiledInvoice], now: datetime) -> Iterator[Difference]:
    """One difference per file and direction: a person answers for a file as a whole."""
    waiting = [one for one in filed if one.state == "filed"]
    for (sequence, kind), group in groupby(
        sorted(waiting, key=lambda one: (one.sequence, one.kind, one.position)),
        key=lambda one: (one.sequence, one.kind),
    ):
        members = list(group)
        first = members[0]
        age = timedelta() if first.delivered_at is None else now - first.delivered_at
        is_late = age >= CONFIRM_WITHIN or first.file_state in ("held", "uncertain")
        if not is_late:
            continue
        name = first.file_name or str(sequence)
        yield Difference(
            kind=DifferenceKind.UNCONFIRMED,
            direction=str(_DIRECTIONS[kind]),
            number=name,
            relation=None,
            document_id=None,
            posting=None,
            our_gross=sum((one.gross or Decimal(0) for one in members), Decimal(0)),
            package_gross=None,
            package_ids=tuple(_identity(one) for one in members),
            state=first.file_state,
            code=None,
            who_acts=str(sentences.WHO_ACTS[DifferenceKind.UNCONFIRMED]),
            said=sentences.unconfirmed(len(members), age.days if first.delivered_at else None),
            needs_somebody=True,
        )


def _package_is_blind(key: LaneKey) -> Said:
    name = key.package.label
    return Said(
        f"Wat {name} zelf bevat is niet te lezen: vergeleken is met de bestanden die niet zijn teruggehaald.",
        f"What {name} itself holds cannot be read: compared with the files that were not released.",
    )
