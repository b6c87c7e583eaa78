"""Documents that a person typed in by hand: linked to what the package shows under their number.

Readback knows our invoices by the package's own id. Whoever says "it is booked under this number" rarely
knows that id, so the readback that sees the number fills it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.rows import LaneKey


@dataclass(frozen=True)
class Numbered:
    """A sales invoice as the package shows it: its own id, the number that people see, its gross in EUR."""

    package_id: str
    number: str
    gross: Decimal


def link_by_number(cursor: Cursor[TupleRow], key: LaneKey, shown: Sequence[Numbered]) -> list[str]:
    """Link adopted sales invoices that have no package id yet; returns the numbers that were linked.

    A number that is shown more than once is linked only to the one with the document's gross. What is linked
    to another document already is left alone.
    """
    if not shown:
        return []
    cursor.execute(
        """
        UPDATE posting p SET package_id = v.package_id
          FROM (SELECT s.package_id, s.number, s.gross, count(*) OVER (PARTITION BY s.number) AS times,
                       count(*) OVER (PARTITION BY s.number, s.gross) AS alike
                  FROM unnest(%s::text[], %s::text[], %s::numeric[]) AS s (package_id, number, gross)) v
         WHERE p.administration_id = %s AND p.package = %s AND p.kind = 'sales_invoice'
           AND p.state = 'adopted' AND p.package_id IS NULL AND p.package_number = v.number
           AND (v.times = 1 OR (v.alike = 1 AND v.gross = p.gross))
           AND NOT EXISTS (SELECT 1 FROM posting o
                            WHERE o.administration_id = p.administration_id AND o.package = p.package
                              AND o.package_id = v.package_id)
        RETURNING p.package_number
        """,
        (
            [one.package_id for one in shown],
            [one.number for one in shown],
            [one.gross for one in shown],
            key.administration,
            str(key.package),
        ),
    )
    return [row[0] for row in cursor.fetchall()]


def has_unlinked(connection: psycopg.Connection[TupleRow], key: LaneKey) -> bool:
    """Whether any document waits to be linked by its number."""
    row = connection.execute(
        """
        SELECT EXISTS (SELECT 1 FROM posting p
                        WHERE p.administration_id = %s AND p.package = %s AND p.kind = 'sales_invoice'
                          AND p.state = 'adopted' AND p.package_id IS NULL AND p.package_number IS NOT NULL)
        """,
        (key.administration, str(key.package)),
    ).fetchone()
    return bool(row and row[0])
