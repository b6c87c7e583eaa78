"""What an edit leaves behind: its row, and a posting that goes out with it."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.admission import Refusal
from ledger.events import EVENT_COLUMNS, EventRow, posting_announcement
from ledger.outbox import announce
from ledger.postings import remember
from ledger.resend import Locked, wake_lane
from ledger.rows import PostingId
from schemas.outcome import Code, Reason, reason


@dataclass(frozen=True)
class Editor:
    """Who edits, and why as far as they say so."""

    who: str
    why: str | None = None


@dataclass(frozen=True)
class Edited:
    """What an edit came to; `posting` is None for an administration, which has none."""

    posting: PostingId | None
    n: int


@dataclass(frozen=True)
class Invalid:
    """The edited document is wrong; it can be edited further."""

    reason: Reason


def why_no_event(read: object) -> Reason:
    """Why this content is no event."""
    if isinstance(read, Refusal):
        return read.reason
    return reason(
        Code.INVALID_EVENT,
        field="value",
        problem_nl="het document is leeg (null)",
        problem_en="the document is empty (null)",
    )


def note_edit(
    cursor: Cursor[TupleRow], posting: PostingId, by: Editor, *, previous: bytes | None, payload: bytes
) -> int:
    """Keep what was there and what took its place; returns which edit of the posting it is."""
    cursor.execute(
        """
        INSERT INTO posting_edit (posting_id, n, who, why, previous, payload)
        SELECT %s, COALESCE(max(n), 0) + 1, %s, %s, %s, %s FROM posting_edit WHERE posting_id = %s
        RETURNING n
        """,
        (posting, by.who, by.why, previous, payload, posting),
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def send_edited(cursor: Cursor[TupleRow], posting: Locked, by: Editor, n: int) -> None:
    """Send it, unless its administration or package is held; ENK is told that it was edited."""
    with cursor.connection.cursor(row_factory=class_row(EventRow)) as named:
        named.execute(
            f"""
            UPDATE posting p
               SET version = p.version + 1, changed_at = clock_timestamp(),
                   state = v.state, scope = CASE WHEN v.stays THEN p.scope END,
                   code = CASE WHEN v.stays THEN p.code END, field = CASE WHEN v.stays THEN p.field END,
                   message_nl = CASE WHEN v.stays THEN p.message_nl END,
                   message_en = CASE WHEN v.stays THEN p.message_en END,
                   vendor_message = CASE WHEN v.stays THEN p.vendor_message END,
                   who_acts = CASE WHEN v.stays THEN p.who_acts END,
                   waiting_key = NULL, waiting_until = NULL, transient = 0,
                   due_at = CASE WHEN NOT v.stays THEN clock_timestamp() END
              FROM (SELECT o.id, o.stays, CASE WHEN o.stays THEN o.state ELSE 'received' END AS state
                      FROM (SELECT id, state, state = 'held'
                                   AND COALESCE(scope IN ('administration', 'package'), false) AS stays
                              FROM posting WHERE id = %s) o) v
             WHERE p.id = v.id
            RETURNING {EVENT_COLUMNS}
            """.encode(),
            (posting.id,),
        )
        rows = named.fetchall()
    announce(cursor, [posting_announcement(row) for row in rows])
    said = f": {by.why}" if by.why else ""
    remember(cursor, rows, f"Edit {n} by {by.who}{said}")
    wake_lane(cursor, posting)
