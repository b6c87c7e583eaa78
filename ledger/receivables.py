"""What the packages show of our sales invoices, and the payment events that follow from it.

Only documents that we booked (or found booked) count, matched by the package's own id; an invoice that
somebody typed in the package is none of ours. Detecting a change, numbering it and storing its event happen
in the transaction that stores the observation, so an event is told once and in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.events import document_name, event_id
from ledger.outbox import OutboundRecord, next_sequences, store
from ledger.postings import GOOD
from ledger.rows import LaneKey
from schemas.payment import PaidInvoice, PaymentAmount, PaymentChanged, PaymentStatus, SettledBy
from schemas.publishing import payment_record

log = structlog.get_logger(__name__)

KIND = "payment"
"""Of the documents that payment events are numbered by (`ledger.events.document_name`)."""

GOOD_STATES = sorted(GOOD)
"""Outcomes of postings that are in the package."""

_OURS = """
    SELECT DISTINCT ON (p.document_id) p.administration_id, p.package, p.document_id, p.number, p.package_id,
           p.gross, p.correlation_id
      FROM posting_all p
     WHERE p.administration_id = %s AND p.package = %s AND p.package_id = ANY(%s)
       AND p.kind = 'sales_invoice' AND p.state = ANY(%s)
     ORDER BY p.document_id, p.revision DESC
"""


@dataclass(frozen=True)
class Sighting:
    """One sales invoice as the package showed it; gross = paid + open.

    Attributes:
        package_id: the package's id of the booking.
        gross, open: in EUR, negative for a credit.
        status: what gross and open amount to.
        settled_by: how it was settled, None while it is open.
        last_payment_date: where the package tells.
    """

    package_id: str
    gross: Decimal
    open: Decimal
    status: PaymentStatus
    settled_by: SettledBy | None
    last_payment_date: date | None


@dataclass(frozen=True)
class Observed:
    """What became of a batch of sightings: how many were ours, and the status of each event told."""

    ours: int
    told: tuple[PaymentStatus, ...]


@dataclass
class _Known:
    """One of our invoices as it was booked (`booked_gross`) and as it was last seen."""

    invoice_id: str
    number: str
    booked_gross: Decimal
    package_id: str
    gross: Decimal
    open: Decimal | None
    settled_by: str | None
    last_payment_date: date | None
    requested_at: datetime | None
    ordinal: int
    correlation_id: str | None


def observe(
    cursor: Cursor[TupleRow], key: LaneKey, sightings: Sequence[Sighting], requested_at: datetime
) -> Observed:
    """Store sightings of a request that began at `requested_at`, and tell ENK what changed.

    Must run inside a transaction; at most a few hundred sightings at once, each package id once. A sighting
    older than what is stored is dropped. The first sighting of an invoice that is fully open tells nothing.
    """
    seen = {sighting.package_id: sighting for sighting in sightings}
    known = _lock_ours(cursor, key, list(seen))
    fresh = [item for item in known if item.requested_at is None or item.requested_at <= requested_at]
    changed = [item for item in fresh if _tells(item, seen[item.package_id])]
    ordinals = next_sequences(
        cursor, [document_name(key.administration, KIND, item.invoice_id) for item in changed]
    )
    store(
        cursor,
        [
            _event(key, item, seen[item.package_id], ordinal, requested_at)
            for item, ordinal in zip(changed, ordinals, strict=True)
        ],
    )
    for item, ordinal in zip(changed, ordinals, strict=True):
        item.ordinal = ordinal
    for item in fresh:
        _watch_gross(key, item, seen[item.package_id])
    _save(cursor, key, [(item, seen[item.package_id]) for item in fresh], requested_at)
    return Observed(len(known), tuple(seen[item.package_id].status for item in changed))


def _lock_ours(cursor: Cursor[TupleRow], key: LaneKey, package_ids: list[str]) -> list[_Known]:
    """Our invoices among these, locked in one order; the first time with a row that was never seen."""
    which = (key.administration, str(key.package), package_ids, GOOD_STATES)
    cursor.execute(
        f"""
        INSERT INTO receivable (administration_id, package, invoice_id, number, package_id, gross)
        SELECT administration_id, package, document_id, number, package_id, gross FROM ({_OURS}) ours
        ON CONFLICT (administration_id, invoice_id) DO NOTHING
        """.encode(),
        which,
    )
    with cursor.connection.cursor(row_factory=class_row(_Known)) as named:
        named.execute(
            f"""
            SELECT r.invoice_id, ours.number, ours.gross AS booked_gross, ours.package_id, r.gross, r.open,
                   r.settled_by, r.last_payment_date, r.requested_at, r.ordinal, ours.correlation_id
              FROM ({_OURS}) ours
              JOIN receivable r
                ON r.administration_id = ours.administration_id AND r.invoice_id = ours.document_id
             ORDER BY r.invoice_id FOR UPDATE OF r
            """.encode(),
            which,
        )
        return named.fetchall()


def _tells(known: _Known, sighting: Sighting) -> bool:
    if known.open is None:
        return sighting.status is not PaymentStatus.OPEN or sighting.open != sighting.gross
    return (known.gross, known.open, known.settled_by, known.last_payment_date) != (
        sighting.gross,
        sighting.open,
        sighting.settled_by,
        sighting.last_payment_date,
    )


def _event(
    key: LaneKey, known: _Known, sighting: Sighting, ordinal: int, observed_at: datetime
) -> OutboundRecord:
    event = PaymentChanged(
        administration=key.administration,
        package=key.package,
        invoice=PaidInvoice(id=known.invoice_id, number=known.number),
        status=sighting.status,
        settled_by=sighting.settled_by,
        amount=PaymentAmount(gross=sighting.gross, paid=sighting.gross - sighting.open, open=sighting.open),
        last_payment_date=sighting.last_payment_date,
        sequence=ordinal,
        observed_at=observed_at,
    )
    administration = key.administration.encode()
    record = payment_record(
        event,
        event_id=event_id(key.administration, KIND, known.invoice_id, ordinal),
        correlation_id=known.correlation_id,
        key=administration,
    )
    return OutboundRecord(record.topic, administration, record.headers, record.value or b"")


def _watch_gross(key: LaneKey, known: _Known, sighting: Sighting) -> None:
    """Say once that the package's total is not the one that we booked."""
    said_before = known.open is not None and known.gross == sighting.gross
    if sighting.gross != known.booked_gross and not said_before:
        log.warning(
            "readback.gross_differs",
            administration=key.administration,
            package=str(key.package),
            invoice=known.invoice_id,
            number=known.number,
            booked=str(known.booked_gross),
            shown=str(sighting.gross),
        )


def _save(
    cursor: Cursor[TupleRow],
    key: LaneKey,
    pairs: Sequence[tuple[_Known, Sighting]],
    requested_at: datetime,
) -> None:
    cursor.execute(
        """
        UPDATE receivable r
           SET package = %s, number = v.number, package_id = v.package_id, gross = v.gross, open = v.open,
               status = v.status, settled_by = v.settled_by, last_payment_date = v.last_payment_date,
               ordinal = v.ordinal, requested_at = %s, missing_since = NULL
          FROM unnest(%s::text[], %s::text[], %s::text[], %s::numeric[], %s::numeric[], %s::text[],
                      %s::text[], %s::date[], %s::bigint[])
               AS v (invoice_id, number, package_id, gross, open, status, settled_by, last_payment_date,
                     ordinal)
         WHERE r.administration_id = %s AND r.invoice_id = v.invoice_id
        """,
        (
            str(key.package),
            requested_at,
            [known.invoice_id for known, _ in pairs],
            [known.number for known, _ in pairs],
            [known.package_id for known, _ in pairs],
            [sighting.gross for _, sighting in pairs],
            [sighting.open for _, sighting in pairs],
            [str(sighting.status) for _, sighting in pairs],
            [str(sighting.settled_by) if sighting.settled_by else None for _, sighting in pairs],
            [sighting.last_payment_date for _, sighting in pairs],
            [known.ordinal for known, _ in pairs],
            key.administration,
        ),
    )
