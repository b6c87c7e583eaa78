"""When an administration is read back, and where the last pull left off (table `readback`).

A readback without due times is stopped; its cursor stays. Times are those of the database, so that a
process that takes over with another clock neither reads too late nor drops what it read. What a run writes
is fenced by its lease (`fence`), and a run that began before the last one that was written changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.rows import LaneKey, Lease
from ledger.writer import Fenced
from schemas.outcome import Code, Reason


@dataclass(frozen=True)
class ReadbackState:
    """What a run starts from.

    Attributes:
        now: the database's clock, read before anything is asked of the package.
        cursor: the package's values of the last pull; None before the first.
        pull_due: whether a pull is due.
        sweep_due: whether a sweep is due.
        failures: runs that failed since the last good one.
        held_code: why the administration is held, if it is; `held_nl` says it in Dutch.
        has_left: the administration uses another package by now.
    """

    now: datetime
    cursor: Mapping[str, str] | None
    pull_due: bool
    sweep_due: bool
    failures: int
    held_code: Code | None
    held_nl: str | None
    has_left: bool


@dataclass(frozen=True)
class ReadbackFailure:
    """A readback that does not get through, for people."""

    key: LaneKey
    code: Code
    message_nl: str
    failures: int
    next_at: datetime | None


def ensure_readback(cursor: Cursor[TupleRow], key: LaneKey, pull_in: timedelta) -> None:
    """Start the readback, or start it again: everything is read after `pull_in` (called on connect).

    An inactive administration gets its row, and starts when ENK makes it active.
    """
    cursor.execute(
        """
        INSERT INTO readback AS r (administration_id, package, pull_due_at, sweep_due_at)
        SELECT v.administration, v.package, v.at, v.at
          FROM (SELECT %s::text AS administration, %s::text AS package,
                       CASE WHEN EXISTS (SELECT 1 FROM administration a WHERE a.id = %s AND NOT a.active)
                            THEN NULL ELSE clock_timestamp() + %s::interval END AS at) v
        ON CONFLICT (administration_id, package) DO UPDATE
           SET pull_due_at = EXCLUDED.pull_due_at, sweep_due_at = EXCLUDED.sweep_due_at, cursor = NULL,
               failures = 0, code = NULL, message_nl = NULL
        """,
        (key.administration, str(key.package), key.administration, pull_in),
    )
    _wake(cursor)


def stop_readback(cursor: Cursor[TupleRow], key: LaneKey) -> None:
    """Read no more until `ensure_readback` (called on disconnect)."""
    cursor.execute(
        """
        UPDATE readback SET pull_due_at = NULL, sweep_due_at = NULL, failures = 0, code = NULL,
               message_nl = NULL
         WHERE administration_id = %s AND package = %s
        """,
        (key.administration, str(key.package)),
    )


def follow_activity(cursor: Cursor[TupleRow], administration: str, *, active: bool) -> None:
    """ENK made the administration inactive: all its readbacks stop; active again: those connected go on."""
    if not active:
        cursor.execute(
            "UPDATE readback SET pull_due_at = NULL, sweep_due_at = NULL WHERE administration_id = %s",
            (administration,),
        )
        return
    cursor.execute(
        """
        UPDATE readback r SET pull_due_at = clock_timestamp(), sweep_due_at = clock_timestamp()
          FROM lane l
         WHERE r.administration_id = %s AND r.pull_due_at IS NULL AND l.connection_id IS NOT NULL
           AND l.administration_id = r.administration_id AND l.package = r.package
        """,
        (administration,),
    )
    _wake(cursor)


def run_soon(cursor: Cursor[TupleRow], key: LaneKey, *, sweep: bool = False) -> bool:
    """Pull now, or sweep now; False when the readback does not run."""
    cursor.execute(
        """
        UPDATE readback SET pull_due_at = clock_timestamp(),
               sweep_due_at = CASE WHEN %s THEN clock_timestamp() ELSE sweep_due_at END
         WHERE administration_id = %s AND package = %s AND pull_due_at IS NOT NULL
        """,
        (sweep, key.administration, str(key.package)),
    )
    found = cursor.rowcount > 0
    _wake(cursor)
    return found


def readback_state(connection: psycopg.Connection[TupleRow], key: LaneKey) -> ReadbackState | None:
    """Where the readback stands now; None when there is none."""
    row = connection.execute(
        """
        WITH t AS MATERIALIZED (SELECT clock_timestamp() AS now)
        SELECT t.now, r.cursor, COALESCE(r.pull_due_at <= t.now, false),
               COALESCE(r.sweep_due_at <= t.now, false), r.failures, l.held_code, l.held_nl,
               COALESCE(a.package <> r.package, false)
          FROM t CROSS JOIN readback r
          LEFT JOIN lane l ON l.administration_id = r.administration_id AND l.package = r.package
          LEFT JOIN administration a ON a.id = r.administration_id
         WHERE r.administration_id = %s AND r.package = %s
        """,
        (key.administration, str(key.package)),
    ).fetchone()
    if row is None:
        return None
    now, cursor, pull_due, sweep_due, failures, held_code, held_nl, has_left = row
    return ReadbackState(
        now=now,
        cursor=cursor,
        pull_due=pull_due,
        sweep_due=sweep_due,
        failures=failures,
        held_code=Code(held_code) if held_code else None,
        held_nl=held_nl,
        has_left=has_left,
    )


def fence(cursor: Cursor[TupleRow], lease: Lease) -> None:
    """Raise `ledger.writer.Fenced` when another process holds the connection by now."""
    cursor.execute(
        "SELECT 1 FROM connection WHERE id = %s AND lease_epoch = %s", (lease.connection, lease.epoch)
    )
    if cursor.fetchone() is None:
        raise Fenced


def advance(
    cursor: Cursor[TupleRow], key: LaneKey, requested_at: datetime, position: Mapping[str, str] | None
) -> None:
    """Move the cursor to the package's `position` (None leaves it), unless a later run has moved it.

    Must run in the transaction that stores the last of the run's observations.
    """
    cursor.execute(
        """
        UPDATE readback SET pulled_at = %s, cursor = COALESCE(%s::jsonb, cursor)
         WHERE administration_id = %s AND package = %s AND (pulled_at IS NULL OR pulled_at <= %s)
        """,
        (
            requested_at,
            None if position is None else json.dumps(dict(position)),
            key.administration,
            str(key.package),
            requested_at,
        ),
    )


def run_ended(
    cursor: Cursor[TupleRow],
    key: LaneKey,
    requested_at: datetime,
    *,
    pull_in: timedelta,
    sweep_in: timedelta | None,
) -> None:
    """A run got through: set when the next is due; `sweep_in` is None when it was not complete.

    A readback that was stopped meanwhile stays stopped, one that was asked for meanwhile stays due.
    """
    cursor.execute(
        """
        UPDATE readback
           SET pull_due_at = CASE WHEN pull_due_at > %(requested_at)s AND pull_due_at <= clock_timestamp()
                                  THEN pull_due_at ELSE clock_timestamp() + %(pull_in)s::interval END,
               sweep_due_at = CASE WHEN %(sweep_in)s::interval IS NULL THEN sweep_due_at
                                   WHEN sweep_due_at > %(requested_at)s AND sweep_due_at <= clock_timestamp()
                                   THEN sweep_due_at
                                   ELSE clock_timestamp() + %(sweep_in)s::interval END,
               swept_at = CASE WHEN %(sweep_in)s::interval IS NULL THEN swept_at ELSE %(requested_at)s END,
               failures = 0, code = NULL, message_nl = NULL
         WHERE administration_id = %(administration)s AND package = %(package)s AND pull_due_at IS NOT NULL
        """,
        {
            "requested_at": requested_at,
            "pull_in": pull_in,
            "sweep_in": sweep_in,
            "administration": key.administration,
            "package": str(key.package),
        },
    )


def run_failed(cursor: Cursor[TupleRow], key: LaneKey, why: Reason, wait: timedelta) -> None:
    """A run failed: neither pull nor sweep is tried again before `wait` has passed."""
    _postpone(cursor, key, why.code, why.nl, wait, 1)


def postpone(
    cursor: Cursor[TupleRow], key: LaneKey, code: Code, message_nl: str | None, wait: timedelta
) -> None:
    """The administration is held: nothing is asked of the package for so long."""
    _postpone(cursor, key, code, message_nl, wait, 0)


def _postpone(
    cursor: Cursor[TupleRow],
    key: LaneKey,
    code: Code,
    message_nl: str | None,
    wait: timedelta,
    failures: int,
) -> None:
    cursor.execute(
        """
        UPDATE readback
           SET pull_due_at = clock_timestamp() + %(wait)s::interval,
               sweep_due_at = GREATEST(sweep_due_at, clock_timestamp() + %(wait)s::interval),
               failures = failures + %(failures)s, code = %(code)s, message_nl = %(message)s
         WHERE administration_id = %(administration)s AND package = %(package)s AND pull_due_at IS NOT NULL
        """,
        {
            "wait": wait,
            "failures": failures,
            "code": str(code),
            "message": message_nl,
            "administration": key.administration,
            "package": str(key.package),
        },
    )


def failing(cursor: Cursor[TupleRow]) -> list[ReadbackFailure]:
    """Readbacks that do not get through now, for `koppeling status`."""
    cursor.execute(
        """
        SELECT administration_id, package, code, COALESCE(message_nl, ''), failures,
               LEAST(pull_due_at, sweep_due_at)
          FROM readback WHERE code IS NOT NULL ORDER BY administration_id, package
        """
    )
    return [
        ReadbackFailure(LaneKey(administration, package), Code(code), message, failures, next_at)
        for administration, package, code, message, failures, next_at in cursor.fetchall()
    ]


def _wake(cursor: Cursor[TupleRow]) -> None:
    cursor.execute("SELECT pg_notify('koppeling_due', '')")
