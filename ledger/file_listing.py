"""Import files as people see them: the list, one file whole, and how often it was downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, namedtuple_row

from ledger.files import FileId
from ledger.rows import LaneKey, PostingId
from schemas.outcome import Package


@dataclass(frozen=True)
class FileSummary:
    """One cut.

    Attributes:
        state: cut, delivering, delivered, uncertain, held or void.
        documents, confirmed, released: how many members it has, and what was said of them.
        code, message_nl, message_en: why it is not delivered yet; `due_at` when it is tried again.
    """

    id: FileId
    administration: str
    package: Package
    sequence: int
    cut_at: datetime
    state: str
    delivered_at: datetime | None
    due_at: datetime | None
    attempt: int
    code: str | None
    message_nl: str | None
    message_en: str | None
    downloads: int
    names: tuple[str, ...]
    size: int
    documents: int
    confirmed: int
    released: int


@dataclass(frozen=True)
class FilePart:
    """One file of a cut; `position` counts from 1 in the order of reading."""

    position: int
    name: str
    sha256: str
    size: int
    state: str


@dataclass(frozen=True)
class FileMember:
    """A document in a cut; `state` is filed, confirmed or released (with a reason)."""

    posting: PostingId
    kind: str
    document_id: str
    number: str
    revision: int
    gross: Decimal | None
    state: str
    reason: str | None


@dataclass(frozen=True)
class FileDetail:
    """A cut with its parts and members, in order."""

    summary: FileSummary
    parts: tuple[FilePart, ...]
    members: tuple[FileMember, ...]


def find_file(connection: psycopg.Connection[TupleRow], key: LaneKey, sequence: int) -> FileId | None:
    """A file by the number that people know it by."""
    row = connection.execute(
        "SELECT id FROM file WHERE administration_id = %s AND package = %s AND sequence = %s",
        (key.administration, str(key.package), sequence),
    ).fetchone()
    return None if row is None else FileId(row[0])


def list_files(
    connection: psycopg.Connection[TupleRow],
    *,
    administration: str | None = None,
    state: str | None = None,
    limit: int = 200,
) -> list[FileSummary]:
    """The newest files first."""
    return _summaries(
        connection,
        "(%(administration)s::text IS NULL OR f.administration_id = %(administration)s)"
        " AND (%(state)s::text IS NULL OR f.state = %(state)s)",
        {"administration": administration, "state": state, "limit": limit},
    )


def show_file(connection: psycopg.Connection[TupleRow], file: FileId) -> FileDetail | None:
    """One file whole."""
    found = _summaries(connection, "f.id = %(file)s", {"file": file, "limit": 1})
    if not found:
        return None
    parts = connection.execute(
        "SELECT position, name, encode(sha256, 'hex'), size, state FROM file_part WHERE file_id = %s"
        " ORDER BY position",
        (file,),
    ).fetchall()
    members = connection.execute(
        """
        SELECT m.posting_id, p.kind, p.document_id, p.number, p.revision, p.gross, m.state, m.reason
          FROM file_member m JOIN posting_all p ON p.id = m.posting_id
         WHERE m.file_id = %s ORDER BY m.position
        """,
        (file,),
    ).fetchall()
    return FileDetail(
        found[0],
        tuple(FilePart(*row) for row in parts),
        tuple(FileMember(PostingId(row[0]), *row[1:]) for row in members),
    )


def count_download(cursor: Cursor[TupleRow], file: FileId) -> int:
    """Somebody downloads the file; returns how many times that was done before."""
    cursor.execute("UPDATE file SET downloads = downloads + 1 WHERE id = %s RETURNING downloads - 1", (file,))
    row = cursor.fetchone()
    return 0 if row is None else int(row[0])


def _summaries(
    connection: psycopg.Connection[TupleRow], condition: str, values: dict[str, object]
) -> list[FileSummary]:
    query = f"""
        SELECT f.id, f.administration_id, f.package, f.sequence, f.cut_at, f.state, f.delivered_at, f.due_at,
               f.attempt, f.code, f.message_nl, f.message_en, f.downloads, t.names, t.size,
               m.documents, m.confirmed, m.released
          FROM file f
          CROSS JOIN LATERAL (SELECT COALESCE(array_agg(name ORDER BY position), '{{}}') AS names,
                                     COALESCE(sum(size), 0) AS size
                                FROM file_part WHERE file_id = f.id) t
          CROSS JOIN LATERAL (SELECT count(*) AS documents,
                                     count(*) FILTER (WHERE state = 'confirmed') AS confirmed,
                                     count(*) FILTER (WHERE state = 'released') AS released
                                FROM file_member WHERE file_id = f.id) m
         WHERE {condition} ORDER BY f.id DESC LIMIT %(limit)s
    """
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        cursor.execute(query.encode(), values)
        rows: list[Any] = cursor.fetchall()
    return [
        FileSummary(
            id=FileId(row.id),
            administration=row.administration_id,
            package=Package(row.package),
            sequence=row.sequence,
            cut_at=row.cut_at,
            state=row.state,
            delivered_at=row.delivered_at,
            due_at=row.due_at,
            attempt=row.attempt,
            code=row.code,
            message_nl=row.message_nl,
            message_en=row.message_en,
            downloads=row.downloads,
            names=tuple(row.names),
            size=int(row.size),
            documents=row.documents,
            confirmed=row.confirmed,
            released=row.released,
        )
        for row in rows
    ]
