"""Where in its history the database is, so that a process that runs sees it go back.

At a start `sinks.history` compares the ledger with what we left in Kafka. Between two sessions of one process
the database itself tells: another system id or timeline (a restore, a promoted standby), or a write-ahead log
that ends before where it ended when we last looked (a copy that was put back).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

ENDS_EARLIER_AFTER_A_CRASH = 64 * 1024
"""So many bytes of what was flushed may not count after a crash: a record that was not finished."""


@dataclass(frozen=True)
class PlaceInTime:
    """`at` is the database's clock; `log_end` counts bytes.

    `system` and `timeline` are None for a role that may not ask.
    """

    at: datetime
    system: str | None
    timeline: int | None
    log_end: int


def place_in_time(connection: Connection[TupleRow]) -> PlaceInTime:
    """Where it is now; the connection is in autocommit mode.

    Raises `psycopg.OperationalError` for a standby, on which nothing can be written.
    """
    row = connection.execute(
        "SELECT clock_timestamp(), CASE WHEN pg_is_in_recovery() THEN NULL"
        " ELSE pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint END"
    ).fetchone()
    if row is None or row[1] is None:
        raise psycopg.OperationalError("this is a standby, not the primary")
    system, timeline = system_and_timeline(connection)
    return PlaceInTime(row[0], system, timeline, int(row[1]))


def system_and_timeline(connection: Connection[TupleRow]) -> tuple[str | None, int | None]:
    """The database's own identity; (None, None) for a role that may not ask (`pg_control_system` revoked)."""
    try:
        with connection.transaction():
            row = connection.execute(
                "SELECT s.system_identifier::text, c.timeline_id"
                " FROM pg_control_system() s, pg_control_checkpoint() c"
            ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None, None
    assert row is not None
    return row[0], row[1]


def went_back(before: PlaceInTime, now: PlaceInTime) -> str | None:
    """Why the database is not the one that it was, in English; None when it is.

    `now` was asked for after `before` was answered.
    """
    if (before.system, before.timeline) != (now.system, now.timeline):
        return (
            f"system {before.system} timeline {before.timeline} became "
            f"system {now.system} timeline {now.timeline}"
        )
    if now.log_end + ENDS_EARLIER_AFTER_A_CRASH < before.log_end:
        return "the database's log ends before where it was: an earlier copy was put back"
    return None
