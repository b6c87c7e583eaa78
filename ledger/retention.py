"""What is kept how long, and letting go of the rest: in small batches, by one process at a time.

| what | goes | what stays |
|---|---|---|
| a finished invoice | to the archive after `finished`, without payload | `ledger.archive` says what |
| which input record became what | after `input`; records that were rejected stay | offsets and identities |
| original bytes of rejected input that was replayed or discarded | after `finished` | code, field, document |
| bytes of an import file that was delivered or is void | after `file_years` whole calendar years | its hash |

A record that is read again after its row has gone has no effect either: its document's identity is known,
a relation's revision is known, an administration's offset is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import psycopg
from psycopg.rows import TupleRow

from ledger.archive import ensure_year, look, move

_LOCK = 764_106
"""Of the process that tidies; another one does nothing meanwhile."""


@dataclass(frozen=True)
class Retention:
    """How long what is kept.

    Attributes:
        finished: a finished document and its payload, before it is archived.
        input: which input record became what; at least as long as any topic of ours or ENK's keeps records.
        file_years: bytes of import files, in whole calendar years: they belong to the books.
        archive_years: a year of the archive is not dropped before so many calendar years have passed.
    """

    finished: timedelta = timedelta(days=400)
    input: timedelta = timedelta(days=90)
    file_years: int = 7
    archive_years: int = 7

    def file_cutoff(self, now: datetime) -> date:
        """Bytes of files that were cut before this day may go."""
        return date(now.year - self.file_years, 1, 1)

    def newest_droppable(self, now: datetime) -> int:
        """The last year of the archive that may be dropped."""
        return now.year - self.archive_years - 1


@dataclass(frozen=True)
class Tidied:
    """How much was let go of."""

    archived: int = 0
    input_records: int = 0
    rejected_inputs: int = 0
    files: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.archived + self.input_records + self.rejected_inputs + self.files


def tidy(
    connection: psycopg.Connection[TupleRow],
    retention: Retention,
    now: datetime | None = None,
    *,
    batch: int = 1000,
    stopping: Callable[[], bool] = lambda: False,
) -> Tidied | None:
    """Let go of everything past its retention; None when another process is at it.

    The connection is in autocommit mode: each batch is a transaction of its own. `stopping` is asked between
    batches; what is left goes next time. `now` is the database's clock, so that a process whose own is wrong
    throws nothing away.
    """
    now = now or ledger_now(connection)
    with _alone(connection) as mine:
        if not mine:
            return None
        return Tidied(
            archived=_archive(connection, now - retention.finished, batch, stopping),
            input_records=_trim_input(connection, now - retention.input, batch, stopping),
            rejected_inputs=_empty_rejected(connection, now - retention.finished, batch, stopping),
            files=_empty_files(connection, retention.file_cutoff(now), stopping),
        )


def ledger_now(connection: psycopg.Connection[TupleRow]) -> datetime:
    """The database's clock."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


@contextmanager
def _alone(connection: psycopg.Connection[TupleRow]) -> Iterator[bool]:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    mine = bool(row and row[0])
    try:
        yield mine
    finally:
        if mine and not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def _archive(
    connection: psycopg.Connection[TupleRow], before: datetime, batch: int, stopping: Callable[[], bool]
) -> int:
    moved, after, more = 0, 0, True
    while more and not stopping():
        window = look(connection, before, after, batch)
        for year in window.years:
            ensure_year(connection, year)
        if window.ids:
            with connection.transaction(), connection.cursor() as cursor:
                moved += move(cursor, window.ids)
        after, more = window.last, window.more
    return moved


def _trim_input(
    connection: psycopg.Connection[TupleRow], before: datetime, batch: int, stopping: Callable[[], bool]
) -> int:
    places = connection.execute(
        """
        WITH RECURSIVE place AS (
            (SELECT topic, partition FROM input_record ORDER BY topic, partition LIMIT 1)
            UNION ALL
            SELECT n.topic, n.partition FROM place,
                   LATERAL (SELECT i.topic, i.partition FROM input_record i
                             WHERE (i.topic, i.partition) > (place.topic, place.partition)
                             ORDER BY i.topic, i.partition LIMIT 1) n
        ) SELECT topic, partition FROM place
        """
    ).fetchall()
    return sum(_trim_place(connection, place, before, batch, stopping) for place in places)


def _trim_place(
    connection: psycopg.Connection[TupleRow],
    place: tuple[str, int],
    before: datetime,
    batch: int,
    stopping: Callable[[], bool],
) -> int:
    """Oldest first; offsets rise with the time of arrival."""
    removed, after = 0, -1
    while not stopping():
        rows = connection.execute(
            """
            SELECT i."offset", i.received_at < %s,
                   i.received_at < %s AND i.rejected_id IS NULL AND NOT EXISTS (
                       SELECT 1 FROM rejected_input r WHERE r.topic = i.topic AND r.partition = i.partition
                                                        AND r."offset" = i."offset")
              FROM input_record i WHERE i.topic = %s AND i.partition = %s AND i."offset" > %s
             ORDER BY i."offset" LIMIT %s
            """,
            (before, before, *place, after, batch),
        ).fetchall()
        going = [offset for offset, _, may_go in rows if may_go]
        if going:
            removed += connection.execute(
                'DELETE FROM input_record WHERE topic = %s AND partition = %s AND "offset" = ANY(%s)',
                (*place, going),
            ).rowcount
        if len(rows) < batch or not any(is_older for _, is_older, _ in rows):
            break
        after = rows[-1][0]
    return removed


REMOVED_NL, REMOVED_EN = "De inhoud is gewist.", "The content was removed."
"""What stands in the place of a sentence that quoted what is gone."""

EMPTIED = f"""value = NULL, key = NULL, headers = '[]',
    message_nl = '{REMOVED_NL}', message_en = '{REMOVED_EN}'"""
"""What is left of rejected input whose bytes are gone: where it was, which document, and the code."""


def _empty_rejected(
    connection: psycopg.Connection[TupleRow], before: datetime, batch: int, stopping: Callable[[], bool]
) -> int:
    emptied = 0
    while not stopping():
        count = connection.execute(
            f"""
            UPDATE rejected_input SET {EMPTIED}
             WHERE id IN (SELECT id FROM rejected_input
                           WHERE state IN ('replayed', 'discarded') AND received_at < %s
                             AND message_en <> '{REMOVED_EN}' LIMIT %s)
            """.encode(),
            (before, batch),
        ).rowcount
        emptied += count
        if count < batch:
            break
    return emptied


def _empty_files(connection: psycopg.Connection[TupleRow], before: date, stopping: Callable[[], bool]) -> int:
    """A file a time: its bytes may be many rows."""
    files = connection.execute(
        """
        SELECT f.id FROM file f
         WHERE f.state IN ('delivered', 'void') AND f.cut_at < %s
           AND EXISTS (SELECT 1 FROM file_chunk c WHERE c.file_id = f.id)
         ORDER BY f.id
        """,
        (before,),
    ).fetchall()
    emptied = 0
    for (file,) in files:
        if stopping():
            break
        connection.execute("DELETE FROM file_chunk WHERE file_id = %s", (file,))
        emptied += 1
    return emptied
