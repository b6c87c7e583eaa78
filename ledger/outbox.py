"""What we tell the world, stored in the transaction that makes it true and published afterwards.

`announce` gives every event its document's next sequence. The upsert on `document_sequence` locks the
document until commit, so the order of sequences is the order of commits per document. Rows are read in
order and deleted after the broker's acknowledgement, under an advisory lock (one publisher at a time).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

PUBLISHER_LOCK = 764102

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class OutboundRecord:
    """A Kafka record to be published; headers in order."""

    topic: str
    key: bytes
    headers: Headers
    value: bytes


@dataclass(frozen=True)
class Announcement:
    """An event that needs its document's next sequence.

    `document` names the document among all administrations; `build` makes the record from the sequence.
    """

    document: str
    build: Callable[[int], OutboundRecord]


def announce(cursor: Cursor[TupleRow], announcements: Sequence[Announcement]) -> None:
    """Number the announcements per document and store them; must run inside a transaction."""
    sequences = next_sequences(cursor, [item.document for item in announcements])
    store(cursor, [item.build(sequence) for item, sequence in zip(announcements, sequences, strict=True)])


def next_sequences(cursor: Cursor[TupleRow], documents: Sequence[str]) -> list[int]:
    """The next sequence for each entry, rising per document; must run inside a transaction.

    The high part of a sequence is the ledger's epoch, so a restored ledger never gives one out twice.
    """
    if not documents:
        return []
    counts = Counter(documents)
    names = sorted(counts)
    cursor.execute(
        """
        INSERT INTO document_sequence AS d (document, sequence)
        SELECT v.document, (s.epoch::bigint << 32) + v.n
          FROM unnest(%s::text[], %s::bigint[]) AS v (document, n), ledger_state s
         ORDER BY v.document
        ON CONFLICT (document) DO UPDATE
           SET sequence = GREATEST(d.sequence, EXCLUDED.sequence >> 32 << 32)
                        + (EXCLUDED.sequence & 4294967295)
        RETURNING document, sequence
        """,
        (names, [counts[name] for name in names]),
    )
    following = {name: last - counts[name] + 1 for name, last in cursor.fetchall()}
    sequences = []
    for document in documents:
        sequences.append(following[document])
        following[document] += 1
    return sequences


def store(cursor: Cursor[TupleRow], records: Sequence[OutboundRecord]) -> None:
    """Put records in the outbox; must run inside a transaction.

    `%b`, arrays in binary form: as text every quote in them would be escaped, ten times the work.
    """
    if not records:
        return
    cursor.execute(
        """
        INSERT INTO outbox (topic, key, headers, value)
        SELECT v.topic, v.key, v.headers::jsonb, v.value
          FROM unnest(%b::text[], %b::bytea[], %b::text[], %b::bytea[]) AS v (topic, key, headers, value)
        """,
        (
            [record.topic for record in records],
            [record.key for record in records],
            [json.dumps([(name, value.decode()) for name, value in record.headers]) for record in records],
            [record.value for record in records],
        ),
    )


def lock_for_publishing(connection: psycopg.Connection[TupleRow]) -> bool:
    """Take the publisher's lock for this session; False when another process has it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (PUBLISHER_LOCK,)).fetchone()
    connection.commit()
    return bool(row and row[0])


def take_over_publishing(connection: psycopg.Connection[TupleRow], stuck_after: timedelta) -> bool:
    """End the session of a publisher that holds the lock and does not publish; True when one was ended.

    What it had in hand may be published again, with the same ids and sequences.
    """
    row = connection.execute(
        """
        SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l
         WHERE l.locktype = 'advisory' AND l.objid = %s AND l.granted AND l.pid <> pg_backend_pid()
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (SELECT min(at) FROM outbox) < clock_timestamp() - %s::interval
        """,
        (PUBLISHER_LOCK, stuck_after),
    ).fetchone()
    connection.commit()
    return bool(row and row[0])


def pending(connection: psycopg.Connection[TupleRow], limit: int) -> list[tuple[int, OutboundRecord]]:
    """The oldest unpublished records, in order."""
    rows = connection.execute(
        "SELECT id, topic, key, headers, value FROM outbox ORDER BY id LIMIT %s", (limit,)
    ).fetchall()
    connection.commit()
    return [
        (
            number,
            OutboundRecord(
                topic, bytes(key), [(name, text.encode()) for name, text in headers], bytes(value)
            ),
        )
        for number, topic, key, headers, value in rows
    ]


def published(connection: psycopg.Connection[TupleRow], ids: Iterable[int]) -> None:
    """Delete what the broker has acknowledged."""
    connection.execute("DELETE FROM outbox WHERE id = ANY(%s)", (list(ids),))
    connection.commit()


def size(connection: psycopg.Connection[TupleRow]) -> int:
    """How many records wait to be published."""
    row = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(row[0]) if row else 0
