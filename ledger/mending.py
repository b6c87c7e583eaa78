"""Mending rejected input: its record, edited, becomes the posting that it should have been.

The original bytes stay in `rejected_input`. ENK has never sent this content: its own takes its place when it
comes.
"""

from __future__ import annotations

from datetime import datetime

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.admission import Command, Headers, read_content
from ledger.edit_identity import other_than_recognised
from ledger.edit_rows import Edited, Editor, Invalid, note_edit, send_edited, why_no_event
from ledger.inbox import receive_commands
from ledger.rejected_input import RejectedInput, locked_rejected, rejected_id, take_out
from ledger.resend import Refused, locked
from ledger.rows import PostingId
from schemas.attributes import CONTENT_TYPE
from schemas.envelope import STRUCTURED_CONTENT
from schemas.json_value import parse_json
from schemas.reading import ReadEvent
from schemas.refusal import Refusal
from schemas.relation import Relation


def mend(
    cursor: Cursor[TupleRow], identifier: str, content: bytes, by: Editor, now: datetime
) -> Edited | Invalid | Refused:
    """As `ledger.edits.edit`, for the id of rejected input."""
    number = rejected_id(identifier)
    row = None if number is None else locked_rejected(cursor, number)
    if row is None:
        return Refused(f"{identifier} is not open")
    key, headers = _around(row, content)
    read = read_content(row.source.topic, key, headers, content)
    if not isinstance(read, ReadEvent):
        return Invalid(why_no_event(read))
    for wrong in other_than_recognised(row, read):
        return Invalid(wrong)
    result: Edited | Refused = Refused(f"{identifier} is still refused")
    with cursor.connection.transaction() as attempt:
        take_out(cursor, row)
        receive_commands(cursor, [Command(row.source, key, headers, content, read)], now)
        result = _became(cursor, row, read, by)
        if isinstance(result, Refused):
            raise psycopg.Rollback(attempt)
    return result


def _around(row: RejectedInput, content: bytes) -> tuple[bytes | None, Headers]:
    """Key and headers for the edited value: the record's own, unless a whole CloudEvent is given."""
    try:
        parsed = parse_json(content)
    except Refusal:
        return row.key, row.headers
    if not isinstance(parsed, dict) or "specversion" not in parsed or "data" not in parsed:
        return row.key, row.headers
    key = parsed.get("partitionkey")
    return (
        key.encode("utf-8", "surrogatepass") if isinstance(key, str) else row.key,
        [(CONTENT_TYPE, STRUCTURED_CONTENT.encode())],
    )


def _became(cursor: Cursor[TupleRow], row: RejectedInput, read: ReadEvent, by: Editor) -> Edited | Refused:
    """What the edited record became, with its edit noted."""
    place = (row.source.topic, row.source.partition, row.source.offset)
    cursor.execute(
        """
        UPDATE input_record SET event_source = NULL, event_id = NULL, content_hash = NULL
         WHERE topic = %s AND partition = %s AND "offset" = %s RETURNING became, posting_id
        """,
        place,
    )
    found = cursor.fetchone()
    assert found is not None
    became, posting = found
    if became in ("rejected", "held"):
        cursor.execute("SELECT message_en FROM rejected_input WHERE id = %s", (row.id,))
        message = cursor.fetchone()
        return Refused(f"R{row.id} is refused: {message[0] if message else became}")
    if became != "posting":
        return Edited(None if posting is None else PostingId(posting), 0)
    n = note_edit(cursor, PostingId(posting), by, previous=row.value, payload=read.data_bytes)
    cursor.execute(
        "UPDATE posting SET edit = %s, original_hash = '', original_payload = NULL WHERE id = %s",
        (n, posting),
    )
    if isinstance(read.data, Relation):
        cursor.execute(
            "UPDATE relation SET original_hash = '' WHERE administration_id = %s AND relation_id = %s",
            (read.administration, read.data.id),
        )
    row_now = locked(cursor, str(posting))
    # A relation that is being written right now goes again afterwards, by itself.
    if row_now is not None and row_now.unsent:
        send_edited(cursor, row_now, by, n)
    return Edited(PostingId(posting), n)
