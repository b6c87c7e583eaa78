"""Invoices that we booked and that a complete reading of the package does not show: a signal for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.receivables import GOOD_STATES
from ledger.rows import LaneKey
from schemas.outcome import Package


@dataclass(frozen=True)
class Unseen:
    """A booked invoice that a complete reading did not show."""

    invoice_id: str
    package_id: str
    number: str


@dataclass(frozen=True)
class Missing:
    """A booked invoice that the package does not hold any more, as far as we can tell."""

    key: LaneKey
    invoice_id: str
    package_id: str
    number: str
    missing_since: datetime


def unseen(
    connection: psycopg.Connection[TupleRow], key: LaneKey, since: datetime, limit: int
) -> list[Unseen]:
    """Invoices booked before `since` that no request begun at `since` or later has shown.

    Those known to be missing are left out; whoever reads everything sees them when they are back.
    """
    rows = connection.execute(
        """
        SELECT DISTINCT p.document_id, p.package_id, p.number
          FROM posting_all p
          LEFT JOIN receivable r
            ON r.administration_id = p.administration_id AND r.invoice_id = p.document_id
         WHERE p.administration_id = %s AND p.package = %s AND p.package_id IS NOT NULL
           AND p.kind = 'sales_invoice' AND p.state = ANY(%s) AND p.changed_at < %s
           AND (r.requested_at IS NULL OR r.requested_at < %s) AND r.missing_since IS NULL
         ORDER BY p.document_id LIMIT %s
        """,
        (key.administration, str(key.package), GOOD_STATES, since, since, limit),
    ).fetchall()
    return [Unseen(*row) for row in rows]


def mark_missing(
    cursor: Cursor[TupleRow], key: LaneKey, invoices: Sequence[Unseen], requested_at: datetime
) -> None:
    """The package does not hold these any more: never a payment event. Cleared when one is seen again."""
    cursor.execute(
        """
        INSERT INTO receivable AS r
               (administration_id, package, invoice_id, number, package_id, gross, missing_since)
        SELECT DISTINCT ON (p.document_id)
               p.administration_id, p.package, p.document_id, p.number, p.package_id, p.gross,
               %(at)s::timestamptz
          FROM posting_all p
         WHERE p.administration_id = %(administration)s AND p.package = %(package)s
           AND p.kind = 'sales_invoice' AND p.document_id = ANY(%(invoices)s)
           AND p.package_id = ANY(%(ids)s) AND p.state = ANY(%(good)s)
         ORDER BY p.document_id, p.revision DESC
        ON CONFLICT (administration_id, invoice_id) DO UPDATE
           SET missing_since = COALESCE(r.missing_since, EXCLUDED.missing_since)
         WHERE r.requested_at IS NULL OR r.requested_at <= EXCLUDED.missing_since
        """,
        {
            "at": requested_at,
            "administration": key.administration,
            "package": str(key.package),
            "invoices": [invoice.invoice_id for invoice in invoices],
            "ids": [invoice.package_id for invoice in invoices],
            "good": GOOD_STATES,
        },
    )


def missing(cursor: Cursor[TupleRow], administration: str | None = None) -> list[Missing]:
    """Every booked invoice that its package does not hold any more, longest missing first."""
    cursor.execute(
        """
        SELECT administration_id, package, invoice_id, package_id, number, missing_since
          FROM receivable
         WHERE missing_since IS NOT NULL AND (%s::text IS NULL OR administration_id = %s)
         ORDER BY missing_since, administration_id, invoice_id
        """,
        (administration, administration),
    )
    return [
        Missing(LaneKey(name, Package(package)), invoice_id, package_id, number, since)
        for name, package, invoice_id, package_id, number, since in cursor.fetchall()
    ]


def all_settled(cursor: Cursor[TupleRow], key: LaneKey) -> bool:
    """Whether nothing is left to be read back: all booked invoices settled or gone, none in doubt."""
    cursor.execute(
        """
        SELECT NOT EXISTS (
               SELECT 1 FROM posting_all p
                 LEFT JOIN receivable r
                   ON r.administration_id = p.administration_id AND r.invoice_id = p.document_id
                WHERE p.administration_id = %s AND p.package = %s AND p.kind = 'sales_invoice'
                  AND (p.intent_step IS NOT NULL
                       OR (p.state = ANY(%s) AND p.package_id IS NOT NULL AND r.missing_since IS NULL
                           AND r.open IS DISTINCT FROM 0)))
        """,
        (key.administration, str(key.package), GOOD_STATES),
    )
    row = cursor.fetchone()
    return bool(row and row[0])
