"""Import files: what a cut stores, and reading it back.

A cut is one transaction: its number, its bytes (rows of at most 1 MiB), their sha256, its members, and the
postings that become `filed` by it. Bytes are stored once and never rendered again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.postings import write_changes
from ledger.references import save_reference
from ledger.rows import Change, LaneKey, Lease, PostingId, StoredReference
from ledger.work import make_due
from ledger.writer import Fenced

FileId = NewType("FileId", int)

CHUNK = 1024 * 1024
"""Bytes are written and read in rows of at most this size."""

_MAY_BE_FILED = """(p.intent_step IS NULL
    AND (p.state IN ('received', 'posting', 'retry', 'waiting', 'rejected')
         OR (p.state = 'held' AND p.scope = 'document')))"""
"""A relation may go along with its first invoice from any state that proves it is in no file."""


class CutOutdated(Exception):
    """A posting was changed since the file was rendered: nothing was stored, the cut must be made anew."""


@dataclass(frozen=True)
class NewPart:
    """One file of a cut: its final name without folder, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class NewMember:
    """A posting in a cut.

    Attributes:
        content_hash: what was rendered; the cut is outdated when the posting has other content by now.
        change: the posting's `filed`, or None when it only goes along (a relation that is filed already and
            is written in one more role).
    """

    posting: PostingId
    content_hash: bytes
    change: Change | None


@dataclass(frozen=True)
class NewReference:
    """A relation that the package knows from this cut on."""

    relation_id: str
    role: str
    reference: StoredReference


@dataclass(frozen=True)
class NewFile:
    """A cut, rendered and ready to be stored; parts in the order in which the package reads them."""

    sequence: int
    cut_at: datetime
    parts: Sequence[NewPart]
    members: Sequence[NewMember]
    references: Sequence[NewReference]


@dataclass(frozen=True)
class StagedCount:
    """How many postings are ready for the next file, and whether the planned time of a cut has come."""

    documents: int
    due: bool


@dataclass(frozen=True)
class RelationPosting:
    """A relation's own posting in a package: whether it may become a member of a cut, and with what content.

    `open` is True while it is not filed and not in doubt.
    """

    posting: PostingId
    payload: bytes
    content_hash: bytes
    open: bool


def staged_count(connection: psycopg.Connection[TupleRow], key: LaneKey) -> StagedCount:
    """What waits for the next cut."""
    row = connection.execute(
        """
        SELECT count(*), COALESCE(bool_or(due_at <= clock_timestamp()), false) FROM posting
         WHERE administration_id = %s AND package = %s AND state = 'posting' AND intent_step IS NULL
        """,
        (key.administration, str(key.package)),
    ).fetchone()
    assert row is not None
    return StagedCount(int(row[0]), bool(row[1]))


def keep_quiet(cursor: Cursor[TupleRow], key: LaneKey, quiet: timedelta) -> None:
    """A document was staged: the planned cut moves on for all that waits for it and is not due yet."""
    cursor.execute(
        """
        UPDATE posting SET due_at = now() + %s::interval
         WHERE administration_id = %s AND package = %s AND state = 'posting' AND intent_step IS NULL
           AND due_at > clock_timestamp()
        """,
        (quiet, key.administration, str(key.package)),
    )


def cut_now(cursor: Cursor[TupleRow], key: LaneKey) -> int:
    """A person asks for a file now: what is staged is due; returns how many postings that are."""
    cursor.execute(
        """
        UPDATE posting SET due_at = clock_timestamp()
         WHERE administration_id = %s AND package = %s AND state = 'posting' AND intent_step IS NULL
        """,
        (key.administration, str(key.package)),
    )
    count = cursor.rowcount
    if count:
        make_due(cursor, [key])
        cursor.execute("SELECT pg_notify('koppeling_due', '')")
    return count


def relation_postings(
    connection: psycopg.Connection[TupleRow], key: LaneKey, relations: Sequence[str]
) -> Mapping[str, RelationPosting]:
    """The relations' own postings in the lane's package, by relation."""
    rows = connection.execute(
        f"""
        SELECT p.document_id, p.id, p.payload, p.content_hash, {_MAY_BE_FILED}
          FROM posting p
         WHERE p.administration_id = %s AND p.package = %s AND p.kind = 'relation'
           AND p.document_id = ANY(%s)
        """.encode(),
        (key.administration, str(key.package), list(relations)),
    ).fetchall()
    return {
        relation: RelationPosting(PostingId(posting), bytes(payload), bytes(content_hash), is_open)
        for relation, posting, payload, content_hash, is_open in rows
    }


def next_sequence(connection: psycopg.Connection[TupleRow], key: LaneKey) -> int:
    """The number of the lane's next file; counts from 1, never given twice."""
    row = connection.execute(
        """
        SELECT GREATEST(
            COALESCE((SELECT max(sequence) + 1 FROM file WHERE administration_id = %(administration)s
                         AND package = %(package)s), 1),
            COALESCE((SELECT next_number FROM number_space WHERE administration_id = %(administration)s
                         AND space = 'file:' || %(package)s), 1))
        """,
        {"administration": key.administration, "package": str(key.package)},
    ).fetchone()
    assert row is not None
    return int(row[0])


def sequence_space(key: LaneKey) -> str:
    """The number space of the lane's files: `ledger.numbers.advance_past` moves it on after a recovery."""
    return f"file:{key.package}"


def require_lease(cursor: Cursor[TupleRow], lease: Lease) -> None:
    """Keep the connection from being claimed until commit; raises `Fenced` when it already was."""
    cursor.execute(
        "SELECT 1 FROM connection WHERE id = %s AND lease_epoch = %s FOR SHARE",
        (lease.connection, lease.epoch),
    )
    if cursor.fetchone() is None:
        raise Fenced


def store_cut(cursor: Cursor[TupleRow], lease: Lease, key: LaneKey, file: NewFile) -> FileId:
    """Store a cut whole, and make its postings `filed`; ENK is told and what waited for them is woken.

    Must run inside a transaction. Raises `Fenced` when the lease moved on, `CutOutdated` when a posting
    changed since it was rendered (also when this very cut was stored before).
    """
    require_lease(cursor, lease)
    changing = [member for member in file.members if member.change is not None]
    cursor.execute(
        f"""
        SELECT p.id FROM posting p
          JOIN unnest(%s::bigint[], %s::bytea[]) AS v (id, content_hash)
            ON p.id = v.id AND p.content_hash = v.content_hash
         WHERE p.administration_id = %s AND p.package = %s AND {_MAY_BE_FILED}
         ORDER BY p.id FOR UPDATE OF p
        """.encode(),
        (
            [member.posting for member in changing],
            [member.content_hash for member in changing],
            key.administration,
            str(key.package),
        ),
    )
    if len(cursor.fetchall()) != len(changing):
        raise CutOutdated
    file_id = _insert_file(cursor, key, file)
    for position, part in enumerate(file.parts, start=1):
        _insert_part(cursor, file_id, position, part)
    cursor.executemany(
        "INSERT INTO file_member (file_id, posting_id, position) VALUES (%s, %s, %s)",
        [(file_id, member.posting, position) for position, member in enumerate(file.members, start=1)],
    )
    for new in file.references:
        save_reference(cursor, key, new.role, new.relation_id, new.reference)
    cursor.execute(
        """
        UPDATE reference SET file_id = %s
         WHERE administration_id = %s AND package = %s
           AND (relation_id, role) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
        """,
        (
            file_id,
            key.administration,
            str(key.package),
            [new.relation_id for new in file.references],
            [new.role for new in file.references],
        ),
    )
    cursor.execute(
        "UPDATE posting SET file_id = %s, attempt = attempt + 1 WHERE id = ANY(%s)",
        (file_id, [member.posting for member in changing]),
    )
    changes = [(lease, member.change) for member in changing if member.change is not None]
    if len(write_changes(cursor, changes)) != len(changes):
        raise Fenced
    return file_id


def read_part(connection: psycopg.Connection[TupleRow], file: FileId, position: int) -> Iterator[bytes]:
    """A part's bytes, a row at a time: never more than 1 MiB in memory."""
    number = 0
    while (content := read_chunk(connection, file, position, number)) is not None:
        yield content
        number += 1


def read_chunk(
    connection: psycopg.Connection[TupleRow], file: FileId, position: int, number: int
) -> bytes | None:
    """One row of a part's bytes, counted from 0; None behind the last one."""
    row = connection.execute(
        "SELECT content FROM file_chunk WHERE file_id = %s AND position = %s AND chunk = %s",
        (file, position, number),
        binary=True,
    ).fetchone()
    return None if row is None else bytes(row[0])


def has_bytes(connection: psycopg.Connection[TupleRow], file: FileId) -> bool:
    """Whether a file's bytes are still there: they go after the legal retention."""
    row = connection.execute(
        """
        SELECT EXISTS (SELECT 1 FROM file_chunk WHERE file_id = %(file)s)
            OR NOT EXISTS (SELECT 1 FROM file_part WHERE file_id = %(file)s AND size > 0)
        """,
        {"file": file},
    ).fetchone()
    return bool(row and row[0])


def _insert_file(cursor: Cursor[TupleRow], key: LaneKey, file: NewFile) -> FileId:
    """The row of the cut; it is due for delivery at once unless an earlier file has not been delivered."""
    cursor.execute(
        """
        INSERT INTO file (administration_id, package, sequence, cut_at, state, due_at)
        SELECT %(administration)s, %(package)s, %(sequence)s, %(cut_at)s, 'cut',
               CASE WHEN NOT EXISTS (SELECT 1 FROM file f
                                      WHERE f.administration_id = %(administration)s
                                        AND f.package = %(package)s
                                        AND f.state NOT IN ('delivered', 'void'))
                    THEN clock_timestamp() END
        RETURNING id
        """,
        {
            "administration": key.administration,
            "package": str(key.package),
            "sequence": file.sequence,
            "cut_at": file.cut_at,
        },
    )
    row = cursor.fetchone()
    assert row is not None
    return FileId(row[0])


def _insert_part(cursor: Cursor[TupleRow], file: FileId, position: int, part: NewPart) -> None:
    content = memoryview(part.content)
    cursor.execute(
        "INSERT INTO file_part (file_id, position, name, sha256, size) VALUES (%s, %s, %s, %s, %s)",
        (file, position, part.name, hashlib.sha256(content).digest(), len(content)),
    )
    for number, start in enumerate(range(0, len(content), CHUNK)):
        cursor.execute(
            "INSERT INTO file_chunk (file_id, position, chunk, content) VALUES (%s, %s, %s, %b)",
            (file, position, number, bytes(content[start : start + CHUNK])),
        )
