"""Administrations that ENK has announced and nobody has connected, and what waits in them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg.rows import TupleRow

from ledger.rows import LaneKey
from schemas.outcome import Package


@dataclass(frozen=True)
class Unconnected:
    """One of them.

    Attributes:
        name: what people call it.
        go_live_date: ENK's; None when ENK has not said.
        documents: how many postings wait, relations included.
        invoices: how many of those are invoices.
    """

    key: LaneKey
    name: str
    go_live_date: date | None
    documents: int
    invoices: int


def unconnected(connection: psycopg.Connection[TupleRow], packages: Sequence[Package]) -> list[Unconnected]:
    """In these packages, in the order in which they were announced; not those held by an operator."""
    rows = connection.execute(
        """
        SELECT l.administration_id, l.package, a.name, a.go_live_date, count(p.id),
               count(p.id) FILTER (WHERE p.kind <> 'relation')
          FROM lane l
          JOIN administration a ON a.id = l.administration_id AND a.package = l.package
          LEFT JOIN posting p ON p.administration_id = l.administration_id AND p.package = l.package
         WHERE l.connection_id IS NULL AND l.package = ANY(%s)
           AND l.held_code IS DISTINCT FROM 'held_by_operator'
         GROUP BY 1, 2, 3, 4, a.source_offset ORDER BY a.source_offset, 1
        """,
        ([str(package) for package in packages],),
    ).fetchall()
    return [Unconnected(LaneKey(row[0], Package(row[1])), *row[2:]) for row in rows]


def connected(connection: psycopg.Connection[TupleRow]) -> dict[LaneKey, str]:
    """Every lane with a connection, and the id of the company that it is pinned to (empty when unknown)."""
    rows = connection.execute(
        "SELECT administration_id, package, COALESCE(identity ->> 'id', '') FROM lane"
        " WHERE connection_id IS NOT NULL"
    ).fetchall()
    return {LaneKey(row[0], Package(row[1])): row[2] for row in rows}


def invoices_after(
    connection: psycopg.Connection[TupleRow], packages: Sequence[Package], after: int, limit: int = 5000
) -> list[tuple[int, LaneKey, bytes]]:
    """Invoices of connected lanes from a posting id on: posting id, lane and ENK's data, by id."""
    rows = connection.execute(
        """
        SELECT p.id, p.administration_id, p.package, p.payload
          FROM posting p JOIN lane l USING (administration_id, package)
         WHERE p.id > %s AND p.kind <> 'relation' AND l.connection_id IS NOT NULL
           AND p.package = ANY(%s)
         ORDER BY p.id LIMIT %s
        """,
        (after, [str(package) for package in packages], limit),
    ).fetchall()
    return [(row[0], LaneKey(row[1], Package(row[2])), bytes(row[3])) for row in rows]
