"""Asking for reconciliations, and which of them are due: rows of `reconciliation_run` that have a due time.

Whoever holds the lease of an administration's connection makes the comparison, so that it never runs beside
the administration's own calls in another process. A row stays due until its outcome is written; a process
that dies in between leaves it to the next holder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.reconciliation_rows import RunId
from ledger.rows import LaneKey
from ledger.schema import WORKER_SESSIONS
from schemas.outcome import Code, Package, Reason

KEPT = timedelta(days=400)

READABLE_WHILE_HELD = (Code.MAPPING_MISSING, Code.RECOVERY, Code.HELD_BY_OPERATOR)
"""Holds that do not say that the package lets nobody in."""

_MONTH = "date_trunc('month', p.issue_date)::date"
_TOUCHED = "p.issue_date IS NOT NULL AND p.changed_at > clock_timestamp() - %(within)s::interval"


def ask(cursor: Cursor[TupleRow], key: LaneKey, month: date, who: str, *, attempts: int = 1) -> RunId:
    """Ask for a month (its first day), to be made as soon as a worker can."""
    cursor.execute(
        """
        INSERT INTO reconciliation_run (administration_id, package, month, asked_by, due_at, attempts_left)
        VALUES (%s, %s, %s, %s, clock_timestamp(), %s) RETURNING id
        """,
        (key.administration, str(key.package), month, who, attempts),
    )
    row = cursor.fetchone()
    assert row is not None
    cursor.execute("SELECT pg_notify('koppeling_due', '')")
    return RunId(row[0])


def plan_night(
    cursor: Cursor[TupleRow],
    day: date,
    months: Sequence[date],
    spread: timedelta,
    *,
    who: str = "nightly",
    attempts: int = 3,
    touched_within: timedelta = timedelta(days=3),
) -> int:
    """Ask, once per `day`, for every connected, active administration that can be read; how many months.

    Asked for are `months`, those of which a document was changed lately, and those of which the newest result
    needs somebody: it stands until it is mended. Due times are spread over `spread` by a hash of the
    administration: the same one has its turn at the same time every night. Results are kept for `KEPT`.
    """
    cursor.execute("INSERT INTO reconciliation_night (day) VALUES (%s) ON CONFLICT DO NOTHING", (day,))
    if not cursor.rowcount:
        return 0
    cursor.execute("DELETE FROM reconciliation_night WHERE day < %s", (day - timedelta(days=30),))
    cursor.execute("DELETE FROM reconciliation_run WHERE finished_at < clock_timestamp() - %s", (KEPT,))
    cursor.execute(
        f"""
        INSERT INTO reconciliation_run (administration_id, package, month, asked_by, due_at, attempts_left)
        SELECT l.administration_id, l.package, m.month, %(who)s,
               clock_timestamp() + %(spread)s::interval * (('x' || substr(md5(l.administration_id), 1, 8))
                                                   ::bit(32)::bigint / 4294967296.0::double precision),
               %(attempts)s
          FROM lane l JOIN administration a ON a.id = l.administration_id AND a.package = l.package
          JOIN (SELECT o.administration_id, o.package, n.month
                  FROM lane o CROSS JOIN unnest(%(months)s::date[]) AS n (month)
                UNION
                SELECT p.administration_id, p.package, {_MONTH} FROM posting p WHERE {_TOUCHED}
                UNION
                SELECT f.administration_id, f.package, f.month
                  FROM reconciliation_run f JOIN reconciliation_difference d ON d.run_id = f.id
                 WHERE d.needs_somebody AND f.state = 'done') m
            ON m.administration_id = l.administration_id AND m.package = l.package
         WHERE a.active AND l.connection_id IS NOT NULL
           AND (l.held_code IS NULL OR l.held_code = ANY(%(readable)s))
           AND NOT EXISTS (SELECT 1 FROM reconciliation_run r
                            WHERE r.administration_id = l.administration_id AND r.package = l.package
                              AND r.month = m.month AND r.due_at IS NOT NULL)
         ORDER BY l.administration_id, m.month
        """.encode(),
        {
            "who": who,
            "spread": spread,
            "months": list(months),
            "attempts": attempts,
            "within": touched_within,
            "readable": [str(code) for code in READABLE_WHILE_HELD],
        },
    )
    return cursor.rowcount


def touched_months(connection: psycopg.Connection[TupleRow], key: LaneKey, within: timedelta) -> list[date]:
    """The months of the administration's documents that were changed within that time, oldest first."""
    rows = connection.execute(
        f"""
        SELECT DISTINCT {_MONTH} FROM posting p
         WHERE p.administration_id = %(administration)s AND p.package = %(package)s AND {_TOUCHED} ORDER BY 1
        """.encode(),
        {"administration": key.administration, "package": str(key.package), "within": within},
    ).fetchall()
    return [month for (month,) in rows]


@dataclass(frozen=True)
class Request:
    """A reconciliation that is not over yet; `is_held`: a process holds the administration's connection."""

    run: RunId
    key: LaneKey
    connection: str | None
    is_held: bool


def requests(connection: psycopg.Connection[TupleRow], runs: Sequence[RunId]) -> list[Request]:
    """Those of these that are not over yet."""
    rows = connection.execute(
        """
        SELECT r.id, r.administration_id, r.package, l.connection_id,
               COALESCE(c.lease_owner IS NOT NULL AND c.lease_until >= clock_timestamp(), false)
          FROM reconciliation_run r LEFT JOIN lane l USING (administration_id, package)
          LEFT JOIN connection c ON c.id = l.connection_id
         WHERE r.id = ANY(%s) AND r.due_at IS NOT NULL ORDER BY r.id
        """,
        (list(runs),),
    ).fetchall()
    return [
        Request(RunId(run), LaneKey(administration, Package(package)), held_by, is_held)
        for run, administration, package, held_by, is_held in rows
    ]


def is_worker_there(connection: psycopg.Connection[TupleRow]) -> bool:
    """Whether any worker is connected to this ledger."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = %s)",
        (WORKER_SESSIONS,),
    ).fetchone()
    return row is not None and bool(row[0])


def due_reconciliations(cursor: Cursor[TupleRow], connections: Sequence[str]) -> list[tuple[str, LaneKey]]:
    """Administrations on these connections for which a reconciliation is due, longest due first."""
    cursor.execute(
        """
        SELECT l.connection_id, l.administration_id, l.package
          FROM reconciliation_run r JOIN lane l USING (administration_id, package)
         WHERE l.connection_id = ANY(%s) AND r.due_at <= clock_timestamp()
         GROUP BY 1, 2, 3 ORDER BY min(r.due_at)
        """,
        (list(connections),),
    )
    return [
        (connection, LaneKey(number, Package(package))) for connection, number, package in cursor.fetchall()
    ]


def due_months(connection: psycopg.Connection[TupleRow], key: LaneKey) -> list[tuple[RunId, date]]:
    """What is due for one administration, in the order in which it was asked for."""
    rows = connection.execute(
        """
        SELECT id, month FROM reconciliation_run
         WHERE administration_id = %s AND package = %s AND due_at <= clock_timestamp() ORDER BY id
        """,
        (key.administration, str(key.package)),
    ).fetchall()
    return [(RunId(run), month) for run, month in rows]


def started(cursor: Cursor[TupleRow], run: RunId) -> None:
    """Somebody works on it."""
    cursor.execute("UPDATE reconciliation_run SET started_at = clock_timestamp() WHERE id = %s", (run,))


def failed(cursor: Cursor[TupleRow], run: RunId, why: Reason, wait: timedelta) -> bool:
    """It could not be made: tried again after `wait` as long as attempts are left; True when none are.

    An older failure of the month is forgotten, the last result that was had is not.
    """
    cursor.execute(
        """
        UPDATE reconciliation_run
           SET attempts_left = attempts_left - 1, code = %(code)s, message_nl = %(nl)s, message_en = %(en)s,
               who_acts = %(who)s,
               state = CASE WHEN attempts_left > 1 THEN 'asked' ELSE 'failed' END,
               due_at = CASE WHEN attempts_left > 1 THEN clock_timestamp() + %(wait)s::interval END,
               finished_at = CASE WHEN attempts_left > 1 THEN NULL ELSE clock_timestamp() END
         WHERE id = %(run)s AND due_at IS NOT NULL RETURNING state = 'failed'
        """,
        {
            "code": str(why.code),
            "nl": why.nl,
            "en": why.en,
            "who": str(why.who_acts),
            "wait": wait,
            "run": run,
        },
    )
    row = cursor.fetchone()
    is_over = row is not None and bool(row[0])
    if is_over:
        cursor.execute(
            """
            DELETE FROM reconciliation_run o USING reconciliation_run r
             WHERE r.id = %s AND o.id < r.id AND o.state = 'failed' AND o.month = r.month
               AND o.administration_id = r.administration_id AND o.package = r.package
            """,
            (run,),
        )
    return is_over


def withdraw(cursor: Cursor[TupleRow], run: RunId) -> None:
    """Nobody waits for it any more: it is not made, unless somebody has begun."""
    cursor.execute(
        "DELETE FROM reconciliation_run WHERE id = %s AND state = 'asked' AND started_at IS NULL", (run,)
    )
