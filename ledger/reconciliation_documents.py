"""What the ledger has of a month: every revision of its invoices, rejected input, and what is in files.

Read as streams, because payloads of a month need not fit in memory. Archived documents come without payload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import psycopg
from psycopg.rows import TupleRow, class_row

from ledger.overview import NEEDS_SOMEBODY
from ledger.rows import LaneKey

_AT_ONCE = 500


@dataclass(frozen=True)
class Revision:
    """One revision of an invoice, as far as a comparison needs it.

    Attributes:
        in_doubt: a call about it may be under way, or its outcome is not known.
        needs_somebody: nothing happens to it until somebody acts.
        payload: ENK's data; None when it is archived or erased.
        file_id: of the import file it is in.
    """

    id: int
    kind: str
    document_id: str
    revision: int
    number: str
    match_key: str
    relation_id: str
    issue_date: date | None
    gross: Decimal | None
    state: str
    code: str | None
    message_nl: str | None
    message_en: str | None
    who_acts: str | None
    package_number: str | None
    package_id: str | None
    file_id: int | None
    in_doubt: bool
    needs_somebody: bool
    payload: bytes | None


@dataclass(frozen=True)
class RejectedInvoice:
    """Input that was an invoice and could not become a posting, with its original bytes."""

    id: int
    kind: str
    document_id: str | None
    number: str | None
    revision: int | None
    state: str
    code: str
    message_nl: str
    message_en: str
    who_acts: str
    received_at: datetime
    value: bytes | None


@dataclass(frozen=True)
class FiledInvoice:
    """An invoice in an import file that was not released from it.

    Attributes:
        state: filed or confirmed.
        position: its place in the file.
        file_state, delivered_at: of the file.
    """

    posting: int
    kind: str
    document_id: str
    number: str
    match_key: str
    relation_id: str
    issue_date: date | None
    gross: Decimal | None
    state: str
    sequence: int
    position: int
    file_id: int
    file_name: str | None
    file_state: str
    delivered_at: datetime | None


@dataclass(frozen=True)
class RelationLink:
    """A relation in the package: its id, and the code that people see."""

    id: str
    code: str | None


@dataclass(frozen=True)
class LinkedPosting:
    """A posting that a booking in the package is linked to."""

    posting: int
    document_id: str


def revisions(
    connection: psycopg.Connection[TupleRow], key: LaneKey, first: date, last: date
) -> Iterator[Revision]:
    """All revisions of every invoice of which one is issued in the period; by document, oldest first."""
    query = f"""
        SELECT x.id, x.kind, x.document_id, x.revision, x.number, x.match_key, x.relation_id, x.issue_date,
               x.gross, x.state, x.code, x.message_nl, x.message_en, x.who_acts, x.package_number,
               x.package_id, x.file_id,
               COALESCE(x.intent_step IS NOT NULL OR x.state = 'uncertain', false) AS in_doubt,
               {NEEDS_SOMEBODY} AS needs_somebody, NULLIF(w.payload, '') AS payload
          FROM posting_all x LEFT JOIN posting w ON w.id = x.id
         WHERE x.administration_id = %(administration)s
           AND (x.package = %(package)s OR x.package IS NULL)
           AND (x.kind, x.document_id) IN (
                 SELECT m.kind, m.document_id FROM posting_all m
                  WHERE m.administration_id = %(administration)s
                    AND m.kind IN ('sales_invoice', 'purchase_invoice')
                    AND m.issue_date BETWEEN %(first)s AND %(last)s)
         ORDER BY x.kind, x.document_id, x.revision
    """
    values = {"administration": key.administration, "package": str(key.package), "first": first, "last": last}
    with (
        connection.transaction(),
        connection.cursor("reconciled_revisions", row_factory=class_row(Revision)) as cursor,
    ):
        cursor.itersize = _AT_ONCE
        cursor.execute(query.encode(), values)
        yield from cursor


def rejected_invoices(connection: psycopg.Connection[TupleRow], key: LaneKey) -> Iterator[RejectedInvoice]:
    """Rejected input of the administration that was recognised as an invoice and is not ended or replayed.

    When it was issued is only in its bytes, if it can be found there at all.
    """
    with (
        connection.transaction(),
        connection.cursor("reconciled_rejections", row_factory=class_row(RejectedInvoice)) as cursor,
    ):
        cursor.itersize = _AT_ONCE
        cursor.execute(
            """
            SELECT r.id, r.kind, r.document_id, r.number, r.revision, r.state, r.code, r.message_nl,
                   r.message_en, r.who_acts, r.received_at, r.value
              FROM rejected_input r LEFT JOIN administration a ON a.id = r.administration_id
             WHERE r.administration_id = %s AND COALESCE(a.package, %s) = %s
               AND r.kind IN ('sales_invoice', 'purchase_invoice') AND r.state IN ('rejected', 'held')
             ORDER BY r.id
            """,
            (key.administration, str(key.package), str(key.package)),
        )
        yield from cursor


def unreadable_records(connection: psycopg.Connection[TupleRow], administration: str) -> int:
    """Records with the administration's key in which not even a document could be recognised."""
    row = connection.execute(
        "SELECT count(*) FROM rejected_input"
        " WHERE administration_id = %s AND kind = 'record' AND state IN ('rejected', 'held')",
        (administration,),
    ).fetchone()
    return 0 if row is None else int(row[0])


def filed_invoices(
    connection: psycopg.Connection[TupleRow], key: LaneKey, first: date, last: date
) -> list[FiledInvoice]:
    """Invoices issued in the period that are in a file, or in several; oldest file first."""
    with connection.cursor(row_factory=class_row(FiledInvoice)) as cursor:
        cursor.execute(
            """
            SELECT p.id AS posting, p.kind, p.document_id, p.number, p.match_key, p.relation_id,
                   p.issue_date, p.gross, m.state, f.sequence, m.position, f.id AS file_id,
                   (SELECT min(t.name) FROM file_part t WHERE t.file_id = f.id) AS file_name,
                   f.state AS file_state, f.delivered_at
              FROM file f JOIN file_member m ON m.file_id = f.id JOIN posting_all p ON p.id = m.posting_id
             WHERE f.administration_id = %s AND f.package = %s AND m.state IN ('filed', 'confirmed')
               AND p.kind IN ('sales_invoice', 'purchase_invoice') AND p.issue_date BETWEEN %s AND %s
             ORDER BY f.sequence, m.position
            """,
            (key.administration, str(key.package), first, last),
        )
        return cursor.fetchall()


def linked_postings(
    connection: psycopg.Connection[TupleRow], key: LaneKey, package_ids: Sequence[str]
) -> Mapping[str, LinkedPosting]:
    """Which of these bookings are ours, whatever month ENK issued them in."""
    rows = connection.execute(
        """
        SELECT p.package_id, p.id, p.document_id FROM posting_all p
         WHERE p.administration_id = %s AND p.package = %s AND p.package_id = ANY(%s)
           AND p.kind IN ('sales_invoice', 'purchase_invoice')
        """,
        (key.administration, str(key.package), list(package_ids)),
    ).fetchall()
    return {package_id: LinkedPosting(posting, document) for package_id, posting, document in rows}


def relation_links(
    connection: psycopg.Connection[TupleRow], key: LaneKey
) -> Mapping[tuple[str, str], RelationLink]:
    """Every relation as the package knows it, by role and ENK's id."""
    rows = connection.execute(
        "SELECT role, relation_id, package_id, code FROM reference"
        " WHERE administration_id = %s AND package = %s",
        (key.administration, str(key.package)),
    ).fetchall()
    return {(role, relation): RelationLink(package_id, code) for role, relation, package_id, code in rows}


def recovered_filings(
    connection: psycopg.Connection[TupleRow], key: LaneKey
) -> Mapping[tuple[str, str], str]:
    """Files of which the ledger has only our own events, by kind and document: it went back in time."""
    rows = connection.execute(
        "SELECT kind, document_id, file_name FROM recovered_filing"
        " WHERE administration_id = %s AND package = %s",
        (key.administration, str(key.package)),
    ).fetchall()
    return {(kind, document): name for kind, document, name in rows}
