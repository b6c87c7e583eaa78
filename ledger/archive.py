"""Finished invoices past their retention: out of the way of the work, without what ENK told of them.

An archived document keeps what it takes never to book it again (identity, hash, number, gross) and what a
readback, a credit or a later revision needs (the package's number and id, the outcome). Its payload, the
sentences about it and what its package said are gone. The archive is partitioned by year; a year that is
dropped takes its documents' identities with it, and what was issued before is adopt-only from then on
(`dropped_before`). Relations are not archived: they are no documents, there is one row of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

FINISHED = """(p.due_at IS NULL AND p.intent_step IS NULL AND p.waiting_key IS NULL AND NOT p.again
    AND (p.state IN ('booked', 'already_booked', 'adopted', 'superseded', 'discarded')
         OR (p.state = 'filed' AND NOT EXISTS (SELECT 1 FROM file_member m
                                                WHERE m.posting_id = p.id AND m.state = 'filed'))))"""
"""Nothing happens to such a posting `p` any more; one in a file is finished once that was confirmed."""

_KEPT = """id, administration_id, package, kind, document_id, revision, number, match_key, relation_id,
    credits_key, issue_date, gross, content_hash, original_hash, edit, event_id, event_time,
    correlation_id, source_topic, source_partition, source_offset, received_at, state, code, field,
    who_acts, changed_at, attempt, attachment_state, package_number, package_id, package_journal,
    package_year, package_period, package_url,
    file_id"""

_FINISHED_ON = (
    "GREATEST((p.changed_at AT TIME ZONE 'UTC')::date, p.issue_date,"
    " (SELECT dropped_before FROM ledger_state))"
)
"""Never in a year that was dropped."""

_MOVE = f"""
    WITH gone AS (
        DELETE FROM posting p WHERE p.id = ANY(%(ids)s) AND p.kind <> 'relation' AND {FINISHED}
        RETURNING {", ".join(f"p.{name.strip()}" for name in _KEPT.split(","))}, {_FINISHED_ON} AS finished_on
    ), edits AS (
        DELETE FROM posting_edit e USING gone WHERE e.posting_id = gone.id
    ), past AS (
        DELETE FROM posting_history h USING gone WHERE h.posting_id = gone.id
        RETURNING h.posting_id, h.at, h.state, h.code, h.attempt
    )
    INSERT INTO posting_archive ({_KEPT}, finished_on, history)
    SELECT g.*, COALESCE((SELECT jsonb_agg(jsonb_build_array(h.at, h.state, h.code, h.attempt) ORDER BY h.at)
                            FROM past h WHERE h.posting_id = g.id), '[]')
      FROM gone g
"""


@dataclass(frozen=True)
class Window:
    """A stretch of postings by id: those in it that may go, where it ends, and whether older ones follow."""

    ids: tuple[int, ...]
    years: tuple[int, ...]
    last: int
    more: bool


def look(connection: psycopg.Connection[TupleRow], before: datetime, after: int, limit: int = 1000) -> Window:
    """The next `limit` postings behind id `after`: which of them were finished before that moment.

    Ids rise with the time of arrival, so a stretch in which everything arrived later is the last.
    """
    rows = connection.execute(
        f"""
        SELECT p.id, p.received_at < %s, p.kind <> 'relation' AND p.changed_at < %s AND {FINISHED},
               extract(year FROM {_FINISHED_ON})::integer
          FROM posting p WHERE p.id > %s ORDER BY p.id LIMIT %s
        """.encode(),
        (before, before, after, limit),
    ).fetchall()
    return Window(
        ids=tuple(number for number, _, may_go, _ in rows if may_go),
        years=tuple(sorted({year for _, _, may_go, year in rows if may_go})),
        last=rows[-1][0] if rows else after,
        more=len(rows) == limit and any(is_older for _, is_older, _, _ in rows),
    )


def move(cursor: Cursor[TupleRow], ids: Iterable[int]) -> int:
    """Move these to the archive, those that are still finished; returns how many went."""
    cursor.execute(_MOVE.encode(), {"ids": list(ids)})
    return cursor.rowcount


def ensure_year(connection: psycopg.Connection[TupleRow], year: int) -> None:
    """Make the partition of a year when it is missing; must run outside a transaction.

    It is made beside the archive and attached, which does not keep readers out.
    """
    name = partition(year)
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    if row is not None and row[0]:
        return
    with connection.transaction():
        table = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE posting_archive INCLUDING DEFAULTS)").format(table))
        connection.execute(
            sql.SQL("ALTER TABLE posting_archive ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                table, sql.Literal(date(year, 1, 1)), sql.Literal(date(year + 1, 1, 1))
            )
        )


def partition(year: int) -> str:
    """The table of one year of the archive."""
    return f"posting_archive_{year}"


@dataclass(frozen=True)
class ArchivedYear:
    """One year of the archive; `documents` is PostgreSQL's estimate, exact after it was analysed."""

    year: int
    documents: int
    bytes: int


def years(connection: psycopg.Connection[TupleRow]) -> list[ArchivedYear]:
    """The years of the archive, oldest first."""
    rows = connection.execute(
        """
        SELECT right(c.relname, 4)::integer, GREATEST(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'posting_archive'::regclass ORDER BY 1
        """
    ).fetchall()
    return [ArchivedYear(*row) for row in rows]


def count_year(connection: psycopg.Connection[TupleRow], year: int) -> int:
    """How many documents a year of the archive holds, counted."""
    row = connection.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(partition(year)))
    ).fetchone()
    return 0 if row is None else int(row[0])


def drop_year(connection: psycopg.Connection[TupleRow], year: int) -> None:
    """Drop a year with all its documents; must run outside a transaction.

    First it is remembered, for good, that what was issued up to then is never sent again: a document whose
    identity is gone is looked up and linked, like one from before the go-live date. Years go oldest first.
    """
    oldest = years(connection)[0].year
    if year != oldest:
        raise ValueError(f"{oldest} goes first")
    connection.execute(
        "UPDATE ledger_state SET dropped_before = GREATEST(dropped_before, %s)", (date(year + 1, 1, 1),)
    )
    name = sql.Identifier(partition(year))
    connection.execute(sql.SQL("ALTER TABLE posting_archive DETACH PARTITION {} CONCURRENTLY").format(name))
    connection.execute(sql.SQL("DROP TABLE {}").format(name))


def is_archived(cursor: Cursor[TupleRow], posting: int) -> bool:
    """Whether a posting is in the archive: it is finished, and nothing can be done to it any more."""
    cursor.execute("SELECT 1 FROM posting_archive WHERE id = %s", (posting,))
    return cursor.fetchone() is not None
