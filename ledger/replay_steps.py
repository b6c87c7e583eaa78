"""Carrying out replays, step by step: each step is one transaction, and any process may take the next.

A step settles the items whose outcome is there and gives the next posting its turn, when its time has come.
Not more items are under way than may still fail before the replay has to stop, so that never more than
`stop_after` in a row fail. What a killed process was at is rolled back, and done by the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.away import LEDGER_AWAY
from ledger.repair import reread, retry
from ledger.replay_rows import FAILED, LEFT_OUT, SUCCEEDED, Decision, ReplayId, ReplayState
from ledger.replay_selection import Unasked, decision_now
from ledger.resend import locked
from schemas.outcome import Code, Outcome

MOST_UNDER_WAY = 200
"""At once, whatever `stop_after` is: a replay must not fill the lanes."""

PATIENCE = timedelta(minutes=10)
"""What has no outcome so long after it was sent is noted as it is: something else keeps it."""

BURST = timedelta(seconds=1)
"""A runner that comes late makes up for at most so much time."""


@dataclass
class _Run:
    """A replay, locked."""

    id: ReplayId
    state: str
    total: int
    taken: int
    failures: int
    stop_after: int
    is_due: bool


@dataclass(frozen=True)
class _Item:
    position: int
    posting: int | None
    rejected: int | None


@dataclass(frozen=True)
class _Ended:
    """How an item ended."""

    outcome: str
    code: str | None


def unfinished(connection: psycopg.Connection[TupleRow]) -> list[ReplayId]:
    """Replays that have something to do or to wait for, oldest first."""
    rows = connection.execute("SELECT id FROM replay WHERE finished_at IS NULL ORDER BY id").fetchall()
    return [ReplayId(row[0]) for row in rows]


def step(
    connection: psycopg.Connection[TupleRow],
    run: ReplayId,
    now: datetime,
    unasked: Unasked = (),
    before_commit: Callable[[], None] = lambda: None,
) -> bool:
    """Take the next step; True when an item had its turn, so that there may be another at once.

    Nothing happens while another process is at it. `now` stamps what rejected input that can be read becomes.
    """
    with connection.transaction(), connection.cursor() as cursor:
        row = _locked(cursor, run)
        if row is None:
            return False
        _settle(cursor, row)
        took = row.state == ReplayState.RUNNING and row.is_due and _take_next(cursor, row, now, unasked)
        _finish(cursor, row)
        before_commit()
    return took


def _locked(cursor: Cursor[TupleRow], run: ReplayId) -> _Run | None:
    with cursor.connection.cursor(row_factory=class_row(_Run)) as named:
        named.execute(
            """
            SELECT id, state, total, taken, failures, stop_after, next_at <= clock_timestamp() AS is_due
              FROM replay WHERE id = %s AND finished_at IS NULL FOR UPDATE SKIP LOCKED
            """,
            (run,),
        )
        return named.fetchone()


# A posting that is under way is due, is being sent, is between two of its steps, or is still to be looked up.
_STOPPED = "EXISTS (SELECT 1 FROM package_breaker b WHERE b.package = p.package)"
_UNDER_WAY = f"""COALESCE(
    (p.state = 'received' AND NOT {_STOPPED})
    OR (p.state = 'posting' AND (p.intent_step IS NOT NULL OR COALESCE(p.due_at <= clock_timestamp(), true)))
    OR (p.state = 'uncertain' AND p.due_at <= i.sent_at), false)"""


def _settle(cursor: Cursor[TupleRow], run: _Run) -> None:
    """Note what came of the items under way, in the order in which it came."""
    cursor.execute(
        f"""
        UPDATE replay_item i
           SET outcome = CASE WHEN p.state = 'received' AND {_STOPPED} THEN 'held' ELSE p.state END,
               code = p.code, ended_at = clock_timestamp()
          FROM posting_all p
         WHERE i.replay_id = %s AND i.sent_at IS NOT NULL AND i.outcome IS NULL AND p.id = i.posting_id
           AND (NOT {_UNDER_WAY} OR i.sent_at < clock_timestamp() - %s::interval)
        RETURNING p.changed_at, i.position, i.outcome, i.code
        """.encode(),
        (run.id, PATIENCE),
    )
    for _, _, outcome, code in sorted(cursor.fetchall()):
        _count(cursor, run, _Ended(outcome, code))
    cursor.execute(
        """
        UPDATE replay_item i SET outcome = %s, code = %s, ended_at = clock_timestamp()
         WHERE i.replay_id = %s AND i.sent_at < clock_timestamp() - %s::interval AND i.outcome IS NULL
        """,
        (LEFT_OUT, str(Decision.NOT_FOUND), run.id, PATIENCE),
    )


def _count(cursor: Cursor[TupleRow], run: _Run, ended: _Ended) -> None:
    """One more outcome: the replay stops at too many failures in a row."""
    is_stopped_package = (ended.outcome, ended.code) == (LEFT_OUT, str(Decision.PACKAGE_STOPPED))
    if ended.outcome in FAILED or is_stopped_package:
        run.failures += 1
    elif ended.outcome in SUCCEEDED:
        run.failures = 0
    cursor.execute("UPDATE replay SET failures = %s WHERE id = %s", (run.failures, run.id))
    if run.failures >= run.stop_after and run.state == ReplayState.RUNNING:
        run.state = ReplayState.STOPPED
        said = ended.outcome if ended.code is None else f"{ended.outcome} ({ended.code})"
        cursor.execute(
            """
            UPDATE replay SET state = 'stopped', ended_at = clock_timestamp(), ended_why = %s WHERE id = %s
            """,
            (f"{run.failures} in a row failed again, the last one: {said}", run.id),
        )


def _take_next(cursor: Cursor[TupleRow], run: _Run, now: datetime, unasked: Unasked) -> bool:
    if run.taken >= run.total:
        return False
    cursor.execute(
        "SELECT count(*) FROM replay_item WHERE replay_id = %s AND sent_at IS NOT NULL AND outcome IS NULL",
        (run.id,),
    )
    (under_way,) = cursor.fetchone() or (0,)
    if under_way >= min(run.stop_after - run.failures, MOST_UNDER_WAY):
        return False
    cursor.execute(
        "SELECT position, posting_id, rejected_id FROM replay_item WHERE replay_id = %s AND position = %s",
        (run.id, run.taken + 1),
    )
    found = cursor.fetchone()
    assert found is not None
    item = _Item(*found)
    ended = _turn(cursor, run, item, now, unasked)
    run.taken += 1
    # Only what was sent costs time; what is left out is passed over.
    left_out = ended is not None and ended.outcome == LEFT_OUT
    cursor.execute(
        """
        UPDATE replay
           SET taken = %s,
               next_at = CASE WHEN %s THEN next_at ELSE
                 GREATEST(next_at, clock_timestamp() - %s::interval) + interval '1 second' / rate END
         WHERE id = %s
        """,
        (run.taken, left_out, BURST, run.id),
    )
    if ended is not None:
        cursor.execute(
            """
            UPDATE replay_item SET outcome = %s, code = %s, ended_at = clock_timestamp()
             WHERE replay_id = %s AND position = %s
            """,
            (ended.outcome, ended.code, run.id, item.position),
        )
        _count(cursor, run, ended)
    return True


def _turn(cursor: Cursor[TupleRow], run: _Run, item: _Item, now: datetime, unasked: Unasked) -> _Ended | None:
    """Send one item; what it ended as, or None when it is under way now."""
    if item.rejected is not None:
        return _read_again(cursor, run, item, item.rejected, now)
    assert item.posting is not None
    if locked(cursor, str(item.posting)) is None:
        return _Ended(LEFT_OUT, str(Decision.NOT_FOUND))
    decision = decision_now(cursor, item.posting, unasked)
    if not decision.goes:
        return _Ended(LEFT_OUT, str(decision))
    if retry(cursor, str(item.posting), now) is not None:
        return _Ended(LEFT_OUT, str(Decision.IN_FLIGHT))
    _sent(cursor, run, item, item.posting)
    return None


def _sent(cursor: Cursor[TupleRow], run: _Run, item: _Item, posting: int) -> None:
    cursor.execute(
        """
        UPDATE replay_item SET sent_at = clock_timestamp(), posting_id = %s
         WHERE replay_id = %s AND position = %s
        """,
        (posting, run.id, item.position),
    )


def _read_again(
    cursor: Cursor[TupleRow], run: _Run, item: _Item, rejected: int, now: datetime
) -> _Ended | None:
    cursor.execute("SELECT state FROM rejected_input WHERE id = %s FOR UPDATE", (rejected,))
    row = cursor.fetchone()
    if row is None or row[0] not in (Outcome.REJECTED, Outcome.HELD):
        is_discarded = row is not None and row[0] == Outcome.DISCARDED
        return _Ended(LEFT_OUT, str(Decision.DISCARDED if is_discarded else Decision.ON_ITS_WAY))
    try:
        with cursor.connection.transaction():
            refused = reread(cursor, rejected, now)
    except LEDGER_AWAY:
        raise
    except psycopg.Error:
        # What the database itself refuses to store is refused again, and must not stop the others.
        return _Ended(str(Outcome.REJECTED), str(Code.INTERNAL))
    cursor.execute(
        """
        SELECT r.state, r.code, i.posting_id, i.became
          FROM rejected_input r
          LEFT JOIN input_record i
            ON i.topic = r.topic AND i.partition = r.partition AND i."offset" = r."offset"
         WHERE r.id = %s
        """,
        (rejected,),
    )
    state, code, posting, became = cursor.fetchone() or (str(Outcome.REJECTED), None, None, None)
    if refused is not None:
        return _Ended(state, code)
    if posting is None:
        return _Ended(became or str(Outcome.REJECTED), code if became == Outcome.REJECTED else None)
    _sent(cursor, run, item, posting)
    return None


def _finish(cursor: Cursor[TupleRow], run: _Run) -> None:
    """It is over when it takes nothing more and nothing is under way."""
    if run.state == ReplayState.RUNNING and run.taken < run.total:
        return
    cursor.execute(
        """
        UPDATE replay
           SET state = CASE WHEN state = 'running' THEN 'done' ELSE state END,
               ended_at = COALESCE(ended_at, clock_timestamp()), finished_at = clock_timestamp()
         WHERE id = %s
           AND NOT EXISTS (SELECT 1 FROM replay_item i
                            WHERE i.replay_id = replay.id AND i.sent_at IS NOT NULL AND i.outcome IS NULL)
        """,
        (run.id,),
    )
