"""A month of a package that is booked in directly: read its list, read the ledger, compare.

The package is read first: what is booked while we read is then in the ledger and not in the list, and is
looked up like all that the list does not show.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from functools import partial

from ledger.overview import posting_payload
from ledger.reconciliation_rows import Difference, DifferenceKind, Result, Said, Totals
from ledger.rows import LaneKey
from ops.reconciliation.compare import Comparison, compare
from ops.reconciliation.documents import Ours, Shelf, month_of, window_around
from ops.reconciliation.reading import Read, read_month
from ops.reconciliation.vat_totals import journals, not_compared, package_vat
from ops.sessions import Reads
from schemas.invoice import Invoice
from sinks.contract import DirectSink, HeldDocument, RelationReference

MOST_LOOKED_UP = 100
"""Documents that the list does not show are looked up one by one; so many at most."""

MOST_FOREIGN = 500
"""What others booked is counted in full and listed up to here."""


class Stopped(Exception):
    """The process stops: the reconciliation is left to the next one."""


async def reconcile_direct(
    ledger: Reads,
    sink: DirectSink,
    key: LaneKey,
    first: date,
    stopping: Callable[[], bool] = lambda: False,
) -> Result:
    """Compare the month that begins on `first`; writes nothing.

    Raises:
        vendors.failure.Failure: the package does not let itself be read.
        Stopped: `stopping` became true.
    """
    month = month_of(first)
    listed = []
    async for held in sink.documents(window_around(month)):
        if stopping():
            raise Stopped
        listed.append(held)
    ids = [held.document.id for held in listed if held.document.id is not None]
    read = await ledger.read(lambda connection: read_month(connection, key, month, ids))
    shelf = Shelf(month, tuple(listed), linked=read.linked)
    comparison = compare(read.ours, shelf)
    found, left = await _look_up(ledger, sink, comparison.absent, stopping)
    if found:
        comparison = compare(read.ours, Shelf(month, shelf.listed, tuple(found), read.linked))
    return result_of(
        comparison,
        Totals(
            directions=comparison.directions,
            vat=read.tally.totals(),
            package_vat=package_vat(listed, comparison.booked_ids, month),
            journals=journals(listed, comparison.booked_ids, month),
            not_compared=(*not_compared(key.package, listed, read.tally), *about_input(read), *_about(left)),
        ),
    )


def result_of(comparison: Comparison, totals: Totals, more: Iterable[Difference] = ()) -> Result:
    """A comparison as it is kept: of what others booked only the first are listed."""
    kept: list[Difference] = []
    foreign = 0
    for difference in (*comparison.differences, *more):
        foreign += difference.kind is DifferenceKind.FOREIGN
        if difference.kind is not DifferenceKind.FOREIGN or foreign <= MOST_FOREIGN:
            kept.append(difference)
    return Result(totals, tuple(kept), max(0, foreign - MOST_FOREIGN))


def about_input(read: Read) -> tuple[Said, ...]:
    """Records that say so little that they are in no month."""
    if not read.unreadable:
        return ()
    return (
        Said(
            f"{read.unreadable} records van deze administratie zijn onleesbaar en tellen in geen maand mee.",
            f"{read.unreadable} records of this administration cannot be read and count in no month.",
        ),
    )


async def _look_up(
    ledger: Reads, sink: DirectSink, absent: tuple[Ours, ...], stopping: Callable[[], bool]
) -> tuple[list[HeldDocument], int]:
    """What the package holds under the numbers of these all the same; and how many were not asked for."""
    found: list[HeldDocument] = []
    left = max(0, len(absent) - MOST_LOOKED_UP)
    for document in absent[:MOST_LOOKED_UP]:
        if stopping():
            raise Stopped
        assert document.booked is not None
        posting = document.booked.posting
        payload = await ledger.read(partial(posting_payload, identifier=posting))
        if payload is None or document.package_relation is None:
            left += 1
            continue
        reference = RelationReference(document.package_relation, document.relation_code)
        for invoice in await sink.find_invoice(Invoice.model_validate_json(payload), reference):
            found.append(
                HeldDocument(document.direction, invoice.document, invoice.relation_id, invoice.gross)
            )
    return found, left


def _about(left: int) -> tuple[Said, ...]:
    if not left:
        return ()
    return (
        Said(
            f"{left} documenten die de lijst niet toont, zijn niet ook nog op nummer opgezocht.",
            f"{left} documents that the list does not show were not looked up by number as well.",
        ),
    )


Ask = Callable[[], Awaitable[DirectSink | None]]
"""Opens the package; None when it reads files. May raise what a sink raises."""
