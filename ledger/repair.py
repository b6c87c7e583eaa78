"""What a person does to a posting: send it again, discard it, say what became of a doubtful one.

Only a row whose last attempt is proven refused or never sent may be sent again or discarded; a doubtful
one is resolved by looking it up, or by a person who looked. Every action is told to ENK; the caller
audits it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.admission import Command, Refusal, SourceRecord, read_content
from ledger.events import EVENT_COLUMNS, EventRow, posting_announcement
from ledger.inbox import receive_commands
from ledger.outbox import announce
from ledger.postings import wake
from ledger.rows import LaneKey, document_key, number_key, relation_key
from ledger.work import make_due
from schemas.outcome import Code, Outcome, Package, reason

SENDABLE = (Outcome.RETRY, Outcome.WAITING, Outcome.HELD, Outcome.REJECTED, Outcome.RECEIVED)


@dataclass(frozen=True)
class Refused:
    """Why an action is not possible, in English; shown to the person."""

    why: str


def retry(cursor: Cursor[TupleRow], identifier: str, now: datetime) -> Refused | None:
    """Send a posting again, or read rejected input again; None when done.

    A doubtful posting is looked up now rather than sent.
    """
    if identifier.startswith("R"):
        number = _rejected_id(identifier)
        return (
            Refused(f"there is no rejected input {identifier}")
            if number is None
            else reread(cursor, number, now)
        )
    row = _locked(cursor, identifier)
    if row is None:
        return Refused(f"there is no posting {identifier}")
    if row["state"] == Outcome.UNCERTAIN:
        cursor.execute("UPDATE posting SET due_at = clock_timestamp() WHERE id = %s", (identifier,))
    elif row["state"] not in SENDABLE or row["intent_step"] is not None:
        return Refused(f"posting {identifier} is {row['state']}: there is nothing to send again")
    else:
        cursor.execute(
            """
            UPDATE posting SET state = 'received', scope = NULL, code = NULL, field = NULL, message_nl = NULL,
                   message_en = NULL, vendor_message = NULL, who_acts = NULL, waiting_key = NULL,
                   waiting_until = NULL, transient = 0, due_at = clock_timestamp()
             WHERE id = %s
            """,
            (identifier,),
        )
    _wake_lane(cursor, row)
    return None


def discard(cursor: Cursor[TupleRow], identifier: str, why: str) -> Refused | None:
    """End a posting that will never be booked, with a person's reason; None when done."""
    if identifier.startswith("R"):
        number = _rejected_id(identifier)
        if number is None:
            return Refused(f"there is no rejected input {identifier}")
        cursor.execute(
            "UPDATE rejected_input SET state = 'discarded' WHERE id = %s AND state IN ('rejected', 'held')"
            " RETURNING id",
            (number,),
        )
        return None if cursor.fetchone() else Refused(f"{identifier} is not open")
    row = _locked(cursor, identifier)
    if row is None:
        return Refused(f"there is no posting {identifier}")
    if row["state"] not in SENDABLE or row["intent_step"] is not None:
        return Refused(
            f"posting {identifier} is {row['state']}: only what was never sent, or was refused,"
            " can be discarded"
        )
    held = reason(Code.HELD_BY_OPERATOR, number=row["number"])
    _end(
        cursor,
        identifier,
        Outcome.DISCARDED,
        str(held.code),
        f"Vervallen verklaard: {why}",
        f"Discarded: {why}",
    )
    _wake_dependants(cursor, row)
    return None


def resolve(
    cursor: Cursor[TupleRow], identifier: str, *, booked_as: str | None, package_id: str | None = None
) -> Refused | None:
    """A person looked: it is booked under that number, or (None) it is not in the package; None when done.

    `booked_as` is also for rejected and held documents that somebody typed in by hand: they are linked for
    readback and never sent again.
    """
    row = _locked(cursor, identifier)
    if row is None:
        return Refused(f"there is no posting {identifier}")
    state = Outcome(row["state"])
    if booked_as is None:
        if state is not Outcome.UNCERTAIN:
            return Refused(f"posting {identifier} is {state}, not uncertain: use `postings retry`")
        cursor.execute(
            """
            UPDATE posting SET state = 'received', intent_step = NULL, look_up_first = true, transient = 0,
                   code = NULL, field = NULL, message_nl = NULL, message_en = NULL, vendor_message = NULL,
                   who_acts = NULL, due_at = clock_timestamp()
             WHERE id = %s
            """,
            (identifier,),
        )
        _wake_lane(cursor, row)
        return None
    if state not in (*SENDABLE, Outcome.UNCERTAIN):
        return Refused(f"posting {identifier} is {state}: there is nothing to resolve")
    cursor.execute(
        "UPDATE posting SET package_number = %s, package_id = COALESCE(%s, package_id) WHERE id = %s",
        (booked_as, package_id, identifier),
    )
    _end(cursor, identifier, Outcome.ADOPTED, None, None, None)
    _wake_dependants(cursor, row)
    return None


def reread(cursor: Cursor[TupleRow], rejected_id: int, now: datetime) -> Refused | None:
    """Read rejected or too new input again with this release; None when it became a posting."""
    cursor.execute(
        """
        SELECT topic, partition, "offset", key, headers, value FROM rejected_input
         WHERE id = %s AND state IN ('rejected', 'held') FOR UPDATE
        """,
        (rejected_id,),
    )
    row = cursor.fetchone()
    if row is None:
        return Refused(f"R{rejected_id} is not open")
    topic, partition, offset, key, headers, value = row
    original = [(name, b64decode(text)) for name, text in _pairs(headers)]
    key = bytes(key) if key is not None else None
    value = bytes(value) if value is not None else None
    content = read_content(topic, key, original, value)
    if isinstance(content, Refusal):
        return Refused(f"R{rejected_id} is still refused: {content.reason.en}")
    source = SourceRecord(topic, partition, offset)
    cursor.execute("UPDATE rejected_input SET state = 'replayed' WHERE id = %s", (rejected_id,))
    cursor.execute(
        'DELETE FROM input_record WHERE topic = %s AND partition = %s AND "offset" = %s',
        (topic, partition, offset),
    )
    receive_commands(cursor, [Command(source, key, original, value, content)], now)
    return None


def reread_ahead(cursor: Cursor[TupleRow], now: datetime) -> int:
    """Read everything again that was too new for an earlier release, in order; returns how much went out."""
    cursor.execute("SELECT id FROM rejected_input WHERE state = 'held' ORDER BY id FOR UPDATE SKIP LOCKED")
    return sum(reread(cursor, row[0], now) is None for row in cursor.fetchall())


def _rejected_id(identifier: str) -> int | None:
    digits = identifier[1:]
    return int(digits) if digits.isascii() and digits.isdecimal() else None


def _pairs(headers: object) -> list[tuple[str, str]]:
    values = json.loads(headers) if isinstance(headers, str) else headers
    assert isinstance(values, list)
    return [(str(name), str(text)) for name, text in values]


def _locked(cursor: Cursor[TupleRow], identifier: str) -> dict[str, Any] | None:
    if not identifier.isdecimal():
        return None
    cursor.execute(
        """
        SELECT administration_id, package, kind, document_id, number, match_key, relation_id, state,
               intent_step
          FROM posting WHERE id = %s FOR UPDATE
        """,
        (identifier,),
    )
    row = cursor.fetchone()
    if row is None:
        return None
    names = "administration_id package kind document_id number match_key relation_id state intent_step"
    return dict(zip(names.split(), row, strict=True))


def _end(
    cursor: Cursor[TupleRow],
    identifier: str,
    outcome: Outcome,
    code: str | None,
    nl: str | None,
    en: str | None,
) -> None:
    with cursor.connection.cursor(row_factory=class_row(EventRow)) as named:
        named.execute(
            f"""
            UPDATE posting p
               SET state = %s, code = %s, field = NULL, message_nl = %s, message_en = %s,
                   vendor_message = NULL, scope = NULL,
                   who_acts = CASE WHEN %s::text IS NULL THEN NULL ELSE 'support' END,
                   due_at = NULL, intent_step = NULL, waiting_key = NULL, waiting_until = NULL,
                   changed_at = clock_timestamp()
             WHERE id = %s RETURNING {EVENT_COLUMNS}
            """.encode(),
            (str(outcome), code, nl, en, code, identifier),
        )
        announce(cursor, [posting_announcement(row) for row in named.fetchall()])


def _wake_lane(cursor: Cursor[TupleRow], row: dict[str, Any]) -> None:
    if row["package"]:
        make_due(cursor, [LaneKey(row["administration_id"], Package(row["package"]))])
        cursor.execute("SELECT pg_notify('koppeling_due', '')")


def _wake_dependants(cursor: Cursor[TupleRow], row: dict[str, Any]) -> None:
    keys = [
        document_key(row["kind"], row["document_id"]),
        number_key(row["kind"], row["match_key"]),
        relation_key(row["relation_id"]),
    ]
    wake(cursor, [(row["administration_id"], key) for key in keys])
    _wake_lane(cursor, row)
