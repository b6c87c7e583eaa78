"""What a person does about replays, each with its audit row in the same transaction."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from ledger import replays
from ledger.audit import record_action
from ledger.overview import PostingFilter
from ledger.replay_rows import Preview, ReplayId, filter_json
from ledger.replay_selection import preview
from ledger.resend import Refused
from ops.replay.look_ups import unasked


def dry_run(connection: psycopg.Connection[TupleRow], wanted: PostingFilter) -> Preview:
    """What a replay of these would do."""
    return preview(connection, wanted, unasked())


def start(
    connection: psycopg.Connection[TupleRow],
    wanted: PostingFilter,
    seen: Preview,
    who: str,
    *,
    why: str | None = None,
    rate: float = 5.0,
    stop_after: int = 10,
) -> ReplayId | Refused:
    """Start a replay after its dry run; the workers carry it out."""
    with connection.transaction(), connection.cursor() as cursor:
        run = replays.start(
            cursor, wanted, seen, who, why=why, rate=rate, stop_after=stop_after, unasked=unasked()
        )
        if not isinstance(run, Refused):
            cursor.execute("SELECT total FROM replay WHERE id = %s", (run,))
            (total,) = cursor.fetchone() or (0,)
            detail = {
                "filter": filter_json(wanted),
                "count": total,
                "rate": rate,
                "stop_after": stop_after,
                "reason": why,
            }
            record_action(cursor, who, "replay.start", str(run), detail)
    return run


def cancel(
    connection: psycopg.Connection[TupleRow], run: ReplayId, who: str, why: str | None = None
) -> Refused | None:
    """Take nothing more of it; None when done."""
    with connection.transaction(), connection.cursor() as cursor:
        refused = replays.cancel(cursor, run, who)
        if refused is None:
            record_action(cursor, who, "replay.cancel", str(run), {"reason": why})
    return refused


def resume(
    connection: psycopg.Connection[TupleRow], run: ReplayId, who: str, why: str | None = None
) -> Refused | None:
    """Let it go on with what it has not taken; None when done."""
    with connection.transaction(), connection.cursor() as cursor:
        refused = replays.resume(cursor, run)
        if refused is None:
            record_action(cursor, who, "replay.resume", str(run), {"reason": why})
    return refused
