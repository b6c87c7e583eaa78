"""Invoices of an administration that are not in its package yet, for the mapping check. Reads only."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from ledger.rows import LaneKey


def open_documents(
    connection: psycopg.Connection[TupleRow], key: LaneKey, limit: int = 2000
) -> list[tuple[bytes, bytes | None]]:
    """ENK's data of each and of its relation (None when that is not known), newest first."""
    rows = connection.execute(
        """
        SELECT p.payload, r.payload FROM posting p
          LEFT JOIN relation r
            ON r.administration_id = p.administration_id AND r.relation_id = p.relation_id
         WHERE p.administration_id = %s AND p.package = %s AND p.kind <> 'relation'
           AND p.state NOT IN ('booked', 'already_booked', 'adopted', 'filed', 'superseded', 'discarded')
         ORDER BY p.id DESC LIMIT %s
        """,
        (key.administration, str(key.package), limit),
    ).fetchall()
    return [(bytes(invoice), None if relation is None else bytes(relation)) for invoice, relation in rows]
