"""The rows that a received batch writes: postings, relations, rejected input, input records."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.admission import Command, Refusal, SourceRecord, credits_key, match_key
from ledger.events import EventRow
from ledger.outbox import Announcement, OutboundRecord, announce, store
from ledger.postings import wake
from ledger.put_back import EarlierRejection, Replay, close_rejections, replay
from ledger.rows import LaneKey
from ledger.work import make_due
from schemas.invoice import Invoice
from schemas.outcome import Outcome
from schemas.reading import ReadEvent
from schemas.relation import Relation


@dataclass(kw_only=True)
class NewPosting(EventRow):
    """A posting about to be inserted: what an event is made of, and the rest of the row."""

    match_key: str
    relation_id: str
    credits_key: str | None
    issue_date: date | None
    gross: Decimal | None
    payload: bytes
    content_hash: bytes
    event_source: str
    event_time: datetime
    scope: str | None = None


@dataclass
class Batch:
    """What a transaction has decided so far and not yet written."""

    postings: list[NewPosting] = field(default_factory=list)
    relations: dict[tuple[str, str], tuple[int, str, bytes, bytes]] = field(default_factory=dict)
    inputs: list[tuple[object, ...]] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    wakes: list[tuple[str, str]] = field(default_factory=list)
    due: set[LaneKey] = field(default_factory=set)
    replays: list[Replay] = field(default_factory=list)
    closed: list[tuple[EarlierRejection, int]] = field(default_factory=list)
    dead: list[OutboundRecord] = field(default_factory=list)


def note(
    batch: Batch,
    command: Command,
    became: str,
    *,
    event: ReadEvent | None,
    posting_id: int | None = None,
    rejected_id: int | None = None,
) -> None:
    """Note what a record became; every record of an input topic is noted."""
    source = command.source
    batch.inputs.append(
        (
            source.topic,
            source.partition,
            source.offset,
            event.envelope.source if event else None,
            event.envelope.id if event else None,
            event.content_hash if event else None,
            posting_id,
            rejected_id,
            became,
        )
    )


def renew_relation_posting(
    cursor: Cursor[TupleRow], posting_id: int, event: ReadEvent, relation: Relation, source: SourceRecord
) -> None:
    """The relation's posting takes the newest revision; one in flight goes again afterwards."""
    cursor.execute(
        """
        UPDATE posting
           SET revision = %s, payload = %s, content_hash = %s, number = %s, match_key = %s,
               event_id = %s, event_source = %s, event_time = %s, correlation_id = %s, traceparent = %s,
               source_topic = %s, source_partition = %s, source_offset = %s,
               edit = 0, original_payload = NULL, original_hash = NULL,
               version = version + CASE WHEN intent_step IS NULL THEN 1 ELSE 0 END,
               again = intent_step IS NOT NULL,
               state = CASE WHEN intent_step IS NOT NULL OR (state = 'held' AND scope = 'administration')
                            THEN state ELSE 'received' END,
               due_at = CASE WHEN intent_step IS NOT NULL THEN due_at
                             WHEN state = 'held' AND scope = 'administration' THEN NULL
                             ELSE clock_timestamp() END,
               changed_at = clock_timestamp()
         WHERE id = %s
        """,
        (
            relation.revision,
            event.data_bytes,
            event.content_hash,
            relation.number,
            relation.number,
            event.envelope.id,
            event.envelope.source,
            event.envelope.time,
            event.envelope.correlation_id,
            event.envelope.traceparent,
            source.topic,
            source.partition,
            source.offset,
            posting_id,
        ),
    )


def renew_invoice_posting(
    cursor: Cursor[TupleRow], posting_id: int, event: ReadEvent, invoice: Invoice, source: SourceRecord
) -> bool:
    """What a person had to mend is replaced by what ENK sends now; False when it is on its way or booked."""
    cursor.execute(
        """
        UPDATE posting
           SET payload = %s, content_hash = %s, number = %s, match_key = %s, relation_id = %s,
               credits_key = %s, issue_date = %s, gross = %s, event_id = %s, event_source = %s,
               event_time = %s, correlation_id = %s, traceparent = %s, source_topic = %s,
               source_partition = %s, source_offset = %s,
               edit = 0, original_payload = NULL, original_hash = NULL, version = version + 1,
               state = CASE WHEN state = 'held' AND scope = 'administration' THEN state ELSE 'received' END,
               due_at = CASE WHEN state = 'held' AND scope = 'administration' THEN NULL
                             ELSE clock_timestamp() END,
               changed_at = clock_timestamp()
         WHERE id = %s AND intent_step IS NULL
           AND state IN ('received', 'posting', 'retry', 'waiting', 'held', 'rejected')
        """,
        (
            event.data_bytes,
            event.content_hash,
            invoice.number,
            match_key(invoice),
            invoice.relation_id,
            credits_key(invoice),
            invoice.issue_date,
            invoice.totals.gross,
            event.envelope.id,
            event.envelope.source,
            event.envelope.time,
            event.envelope.correlation_id,
            event.envelope.traceparent,
            source.topic,
            source.partition,
            source.offset,
            posting_id,
        ),
    )
    return cursor.rowcount > 0


def store_rejected(cursor: Cursor[TupleRow], command: Command, refusal: Refusal) -> int:
    """Keep input that cannot become a posting, with its original bytes; returns its id."""
    why = refusal.reason
    headers = json.dumps([(name, b64encode(value or b"").decode()) for name, value in command.headers])
    cursor.execute(
        """
        INSERT INTO rejected_input (topic, partition, "offset", key, headers, value, administration_id, kind,
            document_id, number, revision, event_id, code, field, message_nl, message_en, who_acts, state)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (topic, partition, "offset") DO UPDATE
           SET code = EXCLUDED.code, field = EXCLUDED.field, message_nl = EXCLUDED.message_nl,
               message_en = EXCLUDED.message_en, who_acts = EXCLUDED.who_acts, state = EXCLUDED.state
        RETURNING id
        """,
        (
            command.source.topic,
            command.source.partition,
            command.source.offset,
            command.key,
            headers,
            command.value,
            refusal.administration,
            refusal.kind,
            refusal.document_id,
            refusal.number,
            refusal.revision,
            refusal.event_id,
            str(why.code),
            why.field,
            why.nl,
            why.en,
            str(why.who_acts),
            str(Outcome.HELD if refusal.ahead else Outcome.REJECTED),
        ),
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


_POSTING_COLUMNS: tuple[tuple[str, str], ...] = (
    ("id", "bigint"),
    ("administration_id", "text"),
    ("package", "text"),
    ("kind", "text"),
    ("document_id", "text"),
    ("revision", "integer"),
    ("number", "text"),
    ("match_key", "text"),
    ("relation_id", "text"),
    ("credits_key", "text"),
    ("issue_date", "date"),
    ("gross", "numeric"),
    ("payload", "bytea"),
    ("content_hash", "bytea"),
    ("event_id", "text"),
    ("event_source", "text"),
    ("event_time", "timestamptz"),
    ("correlation_id", "text"),
    ("traceparent", "text"),
    ("source_topic", "text"),
    ("source_partition", "integer"),
    ("source_offset", "bigint"),
    ("state", "text"),
    ("code", "text"),
    ("field", "text"),
    ("message_nl", "text"),
    ("message_en", "text"),
    ("vendor_message", "text"),
    ("who_acts", "text"),
    ("scope", "text"),
    ("due_at", "timestamptz"),
)

_INSERT_POSTINGS = f"""
    INSERT INTO posting ({", ".join(name for name, _ in _POSTING_COLUMNS)}) OVERRIDING SYSTEM VALUE
    SELECT {", ".join(f"v.{name}" for name, _ in _POSTING_COLUMNS[:-1])},
           CASE WHEN v.due_at IS NOT NULL THEN clock_timestamp() END
      FROM unnest({", ".join(f"%b::{kind}[]" for _, kind in _POSTING_COLUMNS)})
           AS v ({", ".join(name for name, _ in _POSTING_COLUMNS)})
"""
"""Due times are the database's clock; ours only says that the posting is due.

`%b`, arrays in binary form: as text every payload in them would be escaped byte by byte.
"""


def write_batch(cursor: Cursor[TupleRow], batch: Batch) -> None:
    """Write what was decided; must run inside the transaction that moves the offsets."""
    if batch.relations:
        cursor.execute(
            """
            INSERT INTO relation AS r
                   (administration_id, relation_id, revision, number, payload, content_hash)
            SELECT * FROM unnest(%b::text[], %b::text[], %b::integer[], %b::text[], %b::bytea[], %b::bytea[])
            ON CONFLICT (administration_id, relation_id) DO UPDATE
               SET revision = EXCLUDED.revision, number = EXCLUDED.number, payload = EXCLUDED.payload,
                   content_hash = EXCLUDED.content_hash, original_hash = NULL, received_at = now()
            """,
            (
                [key[0] for key in batch.relations],
                [key[1] for key in batch.relations],
                *[list(column) for column in zip(*batch.relations.values(), strict=True)],
            ),
        )
    if batch.postings:
        cursor.execute(
            _INSERT_POSTINGS.encode(),
            [[getattr(posting, name) for posting in batch.postings] for name, _ in _POSTING_COLUMNS],
        )
    if batch.inputs:
        cursor.execute(
            """
            INSERT INTO input_record (topic, partition, "offset", event_source, event_id, content_hash,
                                      posting_id, rejected_id, became)
            SELECT * FROM unnest(%b::text[], %b::integer[], %b::bigint[], %b::text[], %b::text[], %b::bytea[],
                                 %b::bigint[], %b::bigint[], %b::text[])
            ON CONFLICT (topic, partition, "offset") DO UPDATE
               SET event_source = EXCLUDED.event_source, event_id = EXCLUDED.event_id,
                   content_hash = EXCLUDED.content_hash, posting_id = EXCLUDED.posting_id,
                   rejected_id = EXCLUDED.rejected_id, became = EXCLUDED.became
            """,
            [list(column) for column in zip(*batch.inputs, strict=True)],
        )
    close_rejections(cursor, batch.closed)
    announce(cursor, batch.announcements)
    store(cursor, batch.dead)
    replay(cursor, batch.replays)
    wake(cursor, batch.wakes)
    if batch.due:
        make_due(cursor, list(batch.due))
        cursor.execute("SELECT pg_notify('koppeling_due', '')")
