"""Replays: starting one, cancelling it, letting it go on, and what became of it.

A replay is a row and its items; whoever does its work (`ledger.replay_steps`) keeps nothing of its own, so
that it survives any process, and can be cancelled from anywhere. The caller audits what a person does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, dict_row
from psycopg.types.json import Jsonb

from ledger.overview import PostingFilter
from ledger.replay_rows import (
    LEFT_OUT,
    Decision,
    Preview,
    Replay,
    ReplayId,
    ReplayItem,
    ReplayState,
    filter_json,
)
from ledger.replay_selection import Unasked, store_items
from ledger.resend import Refused


def start(
    cursor: Cursor[TupleRow],
    wanted: PostingFilter,
    seen: Preview,
    who: str,
    *,
    why: str | None = None,
    rate: float = 5.0,
    stop_after: int = 10,
    unasked: Unasked = (),
) -> ReplayId | Refused:
    """Start a replay of what matches; workers carry it out.

    Args:
        cursor: of a transaction.
        wanted: which postings; the empty filter is refused.
        seen: the dry run that the person agreed to; what it leaves out is kept with the replay.
        who: who asks for it.
        why: their reason, if they give one.
        rate: items a second.
        stop_after: stop when so many in a row end rejected, held or uncertain again.
        unasked: what is sent without looking it up first.
    """
    if wanted == PostingFilter():
        return Refused("a replay of everything is not made: give at least one filter")
    if rate <= 0 or stop_after < 1:
        return Refused("the rate and the number of failures to stop after must be above 0")
    cursor.execute(
        """
        INSERT INTO replay (asked_by, why, filter, rate, stop_after, left_out)
        VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
        """,
        (
            who,
            why,
            Jsonb(filter_json(wanted)),
            rate,
            stop_after,
            Jsonb({str(decision): count for decision, count in seen.left_out.items()}),
        ),
    )
    row = cursor.fetchone()
    assert row is not None
    run = ReplayId(row[0])
    total = store_items(cursor, run, wanted, unasked)
    cursor.execute("UPDATE replay SET total = %s WHERE id = %s", (total, run))
    return run


def cancel(cursor: Cursor[TupleRow], run: ReplayId, who: str) -> Refused | None:
    """Take nothing more; what is under way ends as it does. None when done."""
    cursor.execute(
        """
        UPDATE replay SET state = 'cancelled', ended_at = clock_timestamp(), ended_by = %s
         WHERE id = %s AND state = 'running'
        """,
        (who, run),
    )
    return None if cursor.rowcount else _not(cursor, run, "running")


def resume(cursor: Cursor[TupleRow], run: ReplayId) -> Refused | None:
    """Let a replay that stopped, or was cancelled, go on with what it has not taken; None when done."""
    cursor.execute(
        """
        UPDATE replay
           SET state = 'running', failures = 0, next_at = clock_timestamp(), ended_at = NULL,
               ended_by = NULL, ended_why = NULL, finished_at = NULL
         WHERE id = %s AND state IN ('stopped', 'cancelled') AND taken < total
        """,
        (run,),
    )
    return None if cursor.rowcount else _not(cursor, run, "stopped or cancelled with anything left to do")


def _not(cursor: Cursor[TupleRow], run: ReplayId, what: str) -> Refused:
    cursor.execute("SELECT state FROM replay WHERE id = %s", (run,))
    row = cursor.fetchone()
    if row is None:
        return Refused(f"there is no replay {run}")
    return Refused(f"replay {run} is {row[0]}, not {what}")


def replays(connection: psycopg.Connection[TupleRow], limit: int = 20) -> list[Replay]:
    """The last replays, newest first."""
    return _read(connection, "ORDER BY r.id DESC LIMIT %s", (limit,))


def replay(connection: psycopg.Connection[TupleRow], run: ReplayId) -> Replay | None:
    """One replay and how far it is; None when there is none."""
    found = _read(connection, "WHERE r.id = %s", (run,))
    return found[0] if found else None


def items(
    connection: psycopg.Connection[TupleRow],
    run: ReplayId,
    outcomes: Sequence[str] = (),
    limit: int | None = None,
) -> list[ReplayItem]:
    """Its items in their order; `outcomes` (or `left_out`) keeps only those."""
    cursor = connection.execute(
        """
        SELECT position, COALESCE(posting_id::text, 'R' || rejected_id), planned, sent_at, outcome, code,
               ended_at
          FROM replay_item
         WHERE replay_id = %s AND (%s::text[] = '{}' OR outcome = ANY(%s)) ORDER BY position LIMIT %s
        """,
        (run, list(outcomes), list(outcomes), limit),
    )
    return [
        ReplayItem(position, posting, Decision(planned), sent_at, outcome, code, ended_at)
        for position, posting, planned, sent_at, outcome, code, ended_at in cursor.fetchall()
    ]


_COLUMNS = """r.id, r.asked_by, r.asked_at, r.why, r.filter, r.rate, r.stop_after, r.total, r.left_out,
       r.state, r.taken, r.failures, r.ended_at, r.ended_by, r.ended_why, r.finished_at"""


def _read(connection: psycopg.Connection[TupleRow], which: str, values: Sequence[object]) -> list[Replay]:
    with connection.cursor(row_factory=dict_row) as named:
        rows = named.execute(f"SELECT {_COLUMNS} FROM replay r {which}".encode(), values).fetchall()
    counted = connection.execute(
        """
        SELECT replay_id, outcome, CASE WHEN outcome = 'left_out' THEN code END, count(*)
          FROM replay_item WHERE replay_id = ANY(%s) AND (outcome IS NOT NULL OR sent_at IS NOT NULL)
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        ([row["id"] for row in rows],),
    ).fetchall()
    return [_replay(row, [tuple(rest) for run, *rest in counted if run == row["id"]]) for row in rows]


def _replay(row: dict[str, Any], counted: Sequence[tuple[Any, ...]]) -> Replay:
    outcomes: dict[str, int] = {}
    skipped: dict[str, int] = {}
    under_way = 0
    for outcome, why, count in counted:
        if outcome is None:
            under_way = count
            continue
        outcomes[outcome] = outcomes.get(outcome, 0) + count
        if outcome == LEFT_OUT:
            skipped[why] = count
    return Replay(
        **{**row, "id": ReplayId(row["id"]), "state": ReplayState(row["state"])},
        under_way=under_way,
        outcomes=outcomes,
        skipped=skipped,
    )
