"""Dead letters: what is not booked until somebody acts, published for other systems.

They are a copy: the ledger keeps the posting. A record that another tool takes from the topic and puts back
on ENK's topic is recognised (`ledger.put_back`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.admission import Command, Refusal
from ledger.original_event import EVENT_OF_POSTING, OriginalEvent
from ledger.outbox import OutboundRecord, store
from ledger.rows import PostingId
from schemas.dead_letter import DeadLetter, Place, Stage, dead_letter_headers
from schemas.envelope import Header
from schemas.outcome import Code, Outcome, Reason, WhoActs
from schemas.posting import UNREADABLE_KEY
from schemas.topics import (
    EDIT_HEADER,
    OUTCOME_HEADER,
    PACKAGE_HEADER,
    POSTING_HEADER,
    POSTINGS_DLQ,
    VALUE_WAS_NULL_HEADER,
)

RECEIVING = "koppeling.ledger"
"""Who refused an event that the intake could read, under Kafka Connect's header names."""


def is_dead(state: str, scope: str | None, due_at: datetime | None) -> bool:
    """Whether nothing happens to a posting until somebody acts on it, and on it alone.

    What is held with its whole administration or package is not dead: it goes on with that. Nor is what waits
    for another document: it goes on when that arrives.
    """
    match Outcome(state):
        case Outcome.REJECTED:
            return True
        case Outcome.UNCERTAIN:
            return due_at is None
        case Outcome.HELD:
            return scope == "document" and due_at is None
        case _:
            return False


@dataclass
class _Dead(OriginalEvent):
    """A posting as its dead letter needs it."""

    id: PostingId
    package: str | None
    payload: bytes
    source_partition: int
    source_offset: int
    state: str
    code: str | None
    field: str | None
    message_nl: str | None
    message_en: str | None
    vendor_message: str | None
    who_acts: str | None
    attempt: int
    edit: int
    codes: list[str] | None


def publish_dead_letters(cursor: Cursor[TupleRow], postings: Sequence[PostingId]) -> None:
    """Put the dead letters of these postings in the outbox; must run in the transaction that ended them.

    The value is ENK's data in canonical form: the same content as the record at its origin.
    """
    if not postings:
        return
    with cursor.connection.cursor(row_factory=class_row(_Dead)) as named:
        named.execute(
            f"""
            SELECT {EVENT_OF_POSTING}, p.id, p.package, COALESCE(p.original_payload, p.payload) AS payload,
                   p.source_partition, p.source_offset, p.state, p.code, p.field, p.message_nl,
                   p.message_en, p.vendor_message, p.who_acts, p.attempt, p.edit,
                   (SELECT array_agg(h.code ORDER BY h.at) FROM posting_history h
                     WHERE h.posting_id = p.id AND h.code IS NOT NULL) AS codes
              FROM posting p WHERE p.id = ANY(%s) ORDER BY p.id
            """.encode(),
            (list(postings),),
        )
        store(cursor, [_of_posting(row) for row in named.fetchall()])


def dead_command(command: Command, refusal: Refusal) -> OutboundRecord:
    """The dead letter of a record that the ledger could not make a posting of: its original bytes."""
    source = Place(command.source.topic, command.source.partition, command.source.offset)
    letter = DeadLetter(
        origin=command.origin or source,
        source=source,
        reason=refusal.reason,
        stage=Stage.VALUE,
        component=RECEIVING,
        attempts=1,
        codes=(str(refusal.reason.code),),
    )
    outcome = Outcome.HELD if refusal.ahead else Outcome.REJECTED
    headers = [*_storable(command.headers), *dead_letter_headers(letter), (OUTCOME_HEADER, outcome.encode())]
    if command.value is None:
        headers.append((VALUE_WAS_NULL_HEADER, b"true"))
    key = UNREADABLE_KEY.encode() if command.key is None else command.key
    return OutboundRecord(POSTINGS_DLQ, key, headers, command.value or b"")


def _of_posting(row: _Dead) -> OutboundRecord:
    source = Place(row.source_topic, row.source_partition, row.source_offset)
    component = f"koppeling.sink.{row.package}" if row.package else RECEIVING
    letter = DeadLetter(
        origin=source,
        source=source,
        reason=_reason(row),
        stage=Stage.SINK,
        component=component,
        attempts=row.attempt,
        codes=tuple(_each_once(row.codes or [])),
    )
    values = {
        POSTING_HEADER: row.id,
        OUTCOME_HEADER: row.state,
        PACKAGE_HEADER: row.package,
        EDIT_HEADER: row.edit or None,
    }
    headers = [
        *row.headers,
        *dead_letter_headers(letter),
        *((name, str(value).encode()) for name, value in values.items() if value is not None),
    ]
    return OutboundRecord(POSTINGS_DLQ, row.key, headers, bytes(row.payload))


def _reason(row: _Dead) -> Reason:
    return Reason(
        code=Code(row.code or Code.INTERNAL),
        field=row.field,
        nl=row.message_nl or "",
        en=row.message_en or "",
        who_acts=WhoActs(row.who_acts or WhoActs.SUPPORT),
        vendor_message=row.vendor_message,
    )


def _each_once(codes: Sequence[str]) -> list[str]:
    """The codes without immediate repeats, oldest first."""
    return [code for code, before in zip(codes, [None, *codes], strict=False) if code != before]


def _storable(headers: Sequence[Header]) -> list[Header]:
    """Headers that are text; others stay in the source topic and in the ledger."""
    return [(name, value) for name, value in headers if _is_text(name.encode()) and _is_text(value)]


def _is_text(value: bytes) -> bool:
    try:
        return "\x00" not in value.decode()
    except UnicodeDecodeError:
        return False
