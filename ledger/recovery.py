"""A ledger that went back in time (restore, fail-over) and what follows.

It is noticed because the ledger is behind its traces outside: offsets that we committed to Kafka, sequences
that we published; or because the database has another system id or timeline. Recovery raises the epoch that
is the high part of every sequence, and puts every lane in recovery: each document is looked up before its
first send, and file packages take what was filed from our own events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from ledger.files import sequence_space
from ledger.numbers import advance_past
from ledger.place_in_time import system_and_timeline
from ledger.rows import LaneKey
from schemas.outcome import Code, Package

log = structlog.get_logger(__name__)

SEQUENCE_BITS = 32


@dataclass(frozen=True)
class PublishedSequence:
    """The last sequence seen on an output topic for a document (`ledger.events.document_name`)."""

    document: str
    sequence: int


@dataclass(frozen=True)
class Filing:
    """A document that one of our events put in a file."""

    administration: str
    package: Package
    kind: str
    document_id: str
    revision: int
    file_sequence: int
    file_name: str


def behind_offsets(
    cursor: Cursor[TupleRow], committed: Mapping[tuple[str, int], int]
) -> tuple[str, int] | None:
    """A partition where Kafka has a committed offset beyond the ledger's; None when there is none."""
    cursor.execute("SELECT topic, partition, GREATEST(next_offset, forgiven) FROM input_offset")
    known: dict[tuple[str, int], int] = {
        (topic, partition): offset for topic, partition, offset in cursor.fetchall()
    }
    for place, offset in committed.items():
        if offset > known.get(place, 0):
            return place
    return None


def behind_sequences(cursor: Cursor[TupleRow], published: Sequence[PublishedSequence]) -> str | None:
    """A document for which a higher sequence was published than the ledger knows; None when there is none.

    What was published before the last recovery is lower by its epoch, and forgiven.
    """
    cursor.execute("SELECT epoch FROM ledger_state")
    row = cursor.fetchone()
    epoch = int(row[0]) if row else 0
    published = [item for item in published if item.sequence >> SEQUENCE_BITS >= epoch]
    cursor.execute(
        "SELECT document, sequence FROM document_sequence WHERE document = ANY(%s)",
        ([item.document for item in published],),
    )
    known: dict[str, int] = dict(cursor.fetchall())
    for item in published:
        if item.sequence > known.get(item.document, 0):
            return item.document
    return None


def other_database(cursor: Cursor[TupleRow]) -> str | None:
    """Whether this is another database or timeline than last time; remembers it either way.

    A role that may not ask gives None: the traces in Kafka remain.
    """
    found = system_and_timeline(cursor.connection)
    if found[0] is None:
        return None
    cursor.execute("SELECT system_identifier, timeline FROM ledger_state FOR UPDATE")
    stored = cursor.fetchone()
    cursor.execute("UPDATE ledger_state SET system_identifier = %s, timeline = %s", found)
    if stored is None or stored[0] is None or stored == found:
        return None
    return f"system {stored[0]} timeline {stored[1]} became system {found[0]} timeline {found[1]}"


def recovered_since(connection: Connection[TupleRow], moment: datetime) -> bool:
    """Whether recovery was begun after that moment."""
    row = connection.execute("SELECT recovered_at FROM ledger_state").fetchone()
    return row is not None and row[0] is not None and row[0] > moment


def enter_recovery(
    cursor: Cursor[TupleRow],
    cause: str,
    epoch_beyond: int = 0,
    committed: Mapping[tuple[str, int], int] | None = None,
    filings: Sequence[Filing] = (),
) -> int:
    """Raise the epoch beyond `epoch_beyond` and put every lane in recovery; returns the new epoch.

    `committed` is what Kafka has for our group, `filings` what our own events say of files: file numbers
    move past them, and documents that are read again are taken from them.
    """
    cursor.execute(
        """
        UPDATE ledger_state
           SET epoch = GREATEST(epoch, %s) + 1, recovered_at = clock_timestamp(), recovery_cause = %s
        RETURNING epoch
        """,
        (epoch_beyond, cause),
    )
    row = cursor.fetchone()
    assert row is not None
    places = list((committed or {}).items())
    cursor.execute(
        """
        INSERT INTO input_offset AS o (topic, partition, next_offset, forgiven)
        SELECT v.topic, v.partition, 0, v.committed
          FROM unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, committed)
        ON CONFLICT (topic, partition) DO UPDATE SET forgiven = EXCLUDED.forgiven
        """,
        ([p[0] for p, _ in places], [p[1] for p, _ in places], [offset for _, offset in places]),
    )
    for filing in filings:
        _remember_filing(cursor, filing)
    _ask_about_files(cursor)
    cursor.execute("UPDATE lane SET in_recovery = true")
    cursor.execute("UPDATE connection SET lease_epoch = lease_epoch + 1000000")
    log.error("ledger.recovery", cause=cause, epoch=row[0])
    return int(row[0])


def _ask_about_files(cursor: Cursor[TupleRow]) -> None:
    """What was on its way into a folder may have got there in the time that was lost.

    Staged documents go back to be judged one by one before they are cut; a file that was cut and not
    delivered is put to a person, who knows whether the package has it.
    """
    cursor.execute(
        """
        WITH back AS (
            UPDATE posting SET state = 'received', look_up_first = false, due_at = clock_timestamp()
             WHERE state = 'posting' AND intent_step IS NULL
            RETURNING administration_id, package
        )
        UPDATE lane l SET due_at = clock_timestamp(), due_version = due_version + 1
          FROM (SELECT DISTINCT administration_id, package FROM back) b
         WHERE l.administration_id = b.administration_id AND l.package = b.package
        """
    )
    cursor.execute(
        """
        UPDATE file_part t SET state = 'cut' FROM file f
         WHERE f.id = t.file_id AND f.state NOT IN ('delivered', 'void') AND t.state <> 'delivered'
        """
    )
    cursor.execute(
        """
        UPDATE file SET state = 'uncertain', due_at = NULL, code = %s, message_nl = %s, message_en = %s
         WHERE state NOT IN ('delivered', 'void')
        """,
        (
            str(Code.RECOVERY),
            "De database is teruggezet naar een moment waarop dit bestand nog niet was afgeleverd: het kan "
            "al zijn ingelezen. Kijk in het pakket en in de map en meld het met `koppeling files resolve`.",
            "The database was restored to a moment at which this file had not been delivered: it may have "
            "been read already. Look in the package and in the folder and report it with `koppeling files "
            "resolve`.",
        ),
    )


def _remember_filing(cursor: Cursor[TupleRow], filing: Filing) -> None:
    cursor.execute(
        """
        INSERT INTO recovered_filing (administration_id, package, kind, document_id, revision,
                                      file_sequence, file_name)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (administration_id, package, kind, document_id) DO UPDATE
           SET revision = EXCLUDED.revision, file_sequence = EXCLUDED.file_sequence,
               file_name = EXCLUDED.file_name
        """,
        (
            filing.administration,
            str(filing.package),
            filing.kind,
            filing.document_id,
            filing.revision,
            filing.file_sequence,
            filing.file_name,
        ),
    )
    space = sequence_space(LaneKey(filing.administration, filing.package))
    advance_past(cursor, filing.administration, space, filing.file_sequence)


def recovered_filing(
    cursor: Cursor[TupleRow], key: LaneKey, kind: str, document_id: str, revision: int
) -> tuple[int, str] | None:
    """Number and name of the file that this revision was put in before the ledger went back in time."""
    cursor.execute(
        """
        SELECT file_sequence, file_name FROM recovered_filing
         WHERE administration_id = %s AND package = %s AND kind = %s AND document_id = %s AND revision = %s
        """,
        (key.administration, str(key.package), kind, document_id, revision),
    )
    row = cursor.fetchone()
    return (int(row[0]), str(row[1])) if row else None


def end_recovery(cursor: Cursor[TupleRow]) -> int:
    """Let lanes leave recovery once nothing older than it is open; returns how many did.

    What arrives late and is older is looked up first all the same (`Lane.recovered_at`).
    """
    cursor.execute(
        """
        UPDATE lane l SET in_recovery = false
          FROM ledger_state s
         WHERE l.in_recovery AND s.recovered_at < clock_timestamp() - interval '10 minutes'
           AND NOT EXISTS (
               SELECT 1 FROM posting p
                WHERE p.administration_id = l.administration_id AND p.package = l.package
                  AND p.event_time <= s.recovered_at
                  AND p.state NOT IN
                      ('booked', 'already_booked', 'adopted', 'filed', 'superseded', 'discarded'))
        """
    )
    return cursor.rowcount
