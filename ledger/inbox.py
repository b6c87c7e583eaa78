"""Receiving: a batch of records becomes ledger rows, with the input offsets, in one transaction.

`receive` is idempotent: a record that is read again has no effect. What decides is identity
(administration, direction, document, revision) and content, never the event id alone.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.administrations import LaneState, administration_changed, lock_lanes, tombstone
from ledger.admission import (
    Admission,
    Command,
    KafkaRecord,
    Known,
    Refusal,
    SourceRecord,
    admit_invoice,
    admit_relation,
    credits_key,
    kind_of,
    match_key,
    read_command,
)
from ledger.events import EventRow, posting_announcement, rejection_announcement
from ledger.outbox import Announcement, announce
from ledger.postings import wake
from ledger.rows import LaneKey, PostingId, relation_key
from ledger.work import make_due
from schemas import posting as events
from schemas.administration import Administration
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome, Reason, reason
from schemas.reading import ReadEvent, Tombstone
from schemas.relation import Relation


class OffsetConflict(Exception):
    """Another receiver has moved this partition on; seek to the ledger's offset and go on from there."""


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
class _Batch:
    """What a transaction has decided so far and not yet written."""

    postings: list[NewPosting] = field(default_factory=list)
    relations: dict[tuple[str, str], tuple[int, str, bytes, bytes]] = field(default_factory=dict)
    inputs: list[tuple[object, ...]] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    wakes: list[tuple[str, str]] = field(default_factory=list)
    due: set[LaneKey] = field(default_factory=set)


def next_offsets(
    cursor: Cursor[TupleRow], partitions: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Where to read on, per partition that has been read before."""
    wanted = list(partitions)
    cursor.execute(
        """
        SELECT o.topic, o.partition, o.next_offset FROM input_offset o
          JOIN unnest(%s::text[], %s::integer[]) AS v (topic, partition) USING (topic, partition)
        """,
        ([topic for topic, _ in wanted], [partition for _, partition in wanted]),
    )
    return {(topic, partition): offset for topic, partition, offset in cursor.fetchall()}


def advance_offsets(cursor: Cursor[TupleRow], moves: Sequence[tuple[str, int, int, int]]) -> None:
    """Move (topic, partition, from, to); raises `OffsetConflict` when another receiver has moved on."""
    cursor.execute(
        """
        INSERT INTO input_offset AS o (topic, partition, next_offset)
        SELECT v.topic, v.partition, v.upto
          FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[])
               AS v (topic, partition, start, upto)
         ORDER BY 1, 2
        ON CONFLICT (topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset
         WHERE o.next_offset <= (
               SELECT v.start
                 FROM unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, start)
                WHERE v.topic = o.topic AND v.partition = o.partition)
        RETURNING o.topic
        """,
        (
            [move[0] for move in moves],
            [move[1] for move in moves],
            [move[2] for move in moves],
            [move[3] for move in moves],
            [move[0] for move in moves],
            [move[1] for move in moves],
            [move[2] for move in moves],
        ),
    )
    if len(cursor.fetchall()) != len(moves):
        raise OffsetConflict


def receive(cursor: Cursor[TupleRow], records: Sequence[KafkaRecord], now: datetime) -> int:
    """Take in records of sink, holding and dead-letter topics, in order; returns how many were new.

    Must run inside a transaction; `now` stamps what is announced. Raises what the database raises.
    """
    return receive_commands(cursor, [read_command(record) for record in records], now)


def receive_commands(cursor: Cursor[TupleRow], commands: Sequence[Command], now: datetime) -> int:
    """The same for commands that have been read already."""
    seen = _known_sources(cursor, [command.source for command in commands])
    fresh = []
    for command in commands:
        if command.source not in seen:
            seen.add(command.source)
            fresh.append(command)
    start = 0
    for position, command in enumerate(fresh):
        if _concerns_administration(command):
            _receive_documents(cursor, fresh[start:position], now)
            _receive_administration(cursor, command, now)
            start = position + 1
    _receive_documents(cursor, fresh[start:], now)
    return len(fresh)


def _concerns_administration(command: Command) -> bool:
    content = command.content
    return isinstance(content, Tombstone) or (
        isinstance(content, ReadEvent) and isinstance(content.data, Administration)
    )


def _known_sources(cursor: Cursor[TupleRow], sources: Sequence[SourceRecord]) -> set[SourceRecord]:
    cursor.execute(
        """
        SELECT i.topic, i.partition, i."offset" FROM input_record i
          JOIN unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, o)
            ON i.topic = v.topic AND i.partition = v.partition AND i."offset" = v.o
        """,
        (
            [source.topic for source in sources],
            [source.partition for source in sources],
            [source.offset for source in sources],
        ),
    )
    return {SourceRecord(*row) for row in cursor.fetchall()}


def _receive_administration(cursor: Cursor[TupleRow], command: Command, now: datetime) -> None:
    content = command.content
    batch = _Batch()
    if isinstance(content, Tombstone):
        tombstone(cursor, content.administration, command.source.partition, command.source.offset)
        _note(batch, command, "administration", event=None)
    else:
        assert isinstance(content, ReadEvent)
        assert isinstance(content.data, Administration)
        administration_changed(cursor, content.data, command.source.partition, command.source.offset)
        _note(batch, command, "administration", event=content)
    _write(cursor, batch)


def _receive_documents(cursor: Cursor[TupleRow], commands: Sequence[Command], now: datetime) -> None:
    if not commands:
        return
    events_ = [command.content for command in commands if isinstance(command.content, ReadEvent)]
    lanes = lock_lanes(cursor, {event.envelope.partition_key for event in events_})
    batch = _Batch()
    decide = _Decisions(cursor, commands, lanes, batch, now)
    for command in commands:
        decide.one(command)
    _write(cursor, batch)


class _Decisions:
    """Decides record after record against what the ledger and the batch already hold."""

    def __init__(
        self,
        cursor: Cursor[TupleRow],
        commands: Sequence[Command],
        lanes: dict[str, LaneState],
        batch: _Batch,
        now: datetime,
    ) -> None:
        self._lanes = lanes
        self._batch = batch
        self._now = now
        events_ = [command.content for command in commands if isinstance(command.content, ReadEvent)]
        invoices = [event for event in events_ if isinstance(event.data, Invoice)]
        relations = [event for event in events_ if isinstance(event.data, Relation)]
        self._cursor = cursor
        self._revisions = _known_revisions(cursor, invoices)
        self._relations = _known_relations(cursor, relations)
        self._relation_postings = _relation_postings(cursor, relations)
        self._event_hashes = _known_events(cursor, events_)
        self._ids = _new_ids(cursor, len(events_))

    def one(self, command: Command) -> None:
        """Decide one record."""
        content = command.content
        if isinstance(content, Refusal):
            self._reject(command, content)
            return
        assert isinstance(content, ReadEvent)
        known_hash = self._event_hashes.setdefault(
            (content.envelope.source, content.envelope.id), content.content_hash
        )
        if known_hash != content.content_hash:
            self._contradiction(
                command, content, f"gebeurtenis {content.envelope.id}", f"event {content.envelope.id}"
            )
        elif isinstance(content.data, Invoice):
            self._invoice(command, content, content.data)
        elif isinstance(content.data, Relation):
            self._relation(command, content, content.data)

    def _invoice(self, command: Command, event: ReadEvent, invoice: Invoice) -> None:
        kind = kind_of(event)
        known = self._revisions[invoice.administration, kind, invoice.id]
        admission = admit_invoice(invoice.revision, event.content_hash, [entry for entry, _ in known])
        if admission is Admission.CONTRADICTS:
            self._contradiction(
                command,
                event,
                f"factuur {invoice.number} revisie {invoice.revision}",
                f"invoice {invoice.number} revision {invoice.revision}",
            )
            return
        if admission is Admission.REPEATED:
            posting_id = next(i for entry, i in known if entry.revision == invoice.revision)
            _note(self._batch, command, "repeated", event=event, posting_id=posting_id)
            return
        posting = self._new(
            command,
            event,
            kind,
            invoice.id,
            invoice.revision,
            invoice.number,
            match=match_key(invoice),
            credits=credits_key(invoice),
            relation_id=invoice.relation_id,
            issue_date=invoice.issue_date,
            gross=invoice.totals.gross,
            superseded=admission is Admission.SUPERSEDED,
        )
        known.append((Known(invoice.revision, event.content_hash), posting.id))

    def _relation(self, command: Command, event: ReadEvent, relation: Relation) -> None:
        key = (relation.administration, relation.id)
        known = self._relations.get(key)
        admission = admit_relation(relation.revision, event.content_hash, known)
        if admission is Admission.CONTRADICTS:
            self._contradiction(
                command,
                event,
                f"relatie {relation.number} revisie {relation.revision}",
                f"relation {relation.number} revision {relation.revision}",
            )
            return
        posting_id = self._relation_postings.get(key)
        if admission in (Admission.UNCHANGED, Admission.SUPERSEDED):
            _note(self._batch, command, str(admission), event=event, posting_id=posting_id)
            return
        self._relations[key] = Known(relation.revision, event.content_hash)
        self._batch.relations[key] = (
            relation.revision,
            relation.number,
            event.data_bytes,
            event.content_hash,
        )
        self._batch.wakes.append((relation.administration, relation_key(relation.id)))
        if posting_id is None:
            posting = self._new(
                command,
                event,
                "relation",
                relation.id,
                relation.revision,
                relation.number,
                match=relation.number,
                relation_id=relation.id,
            )
            self._relation_postings[key] = posting.id
        else:
            self._renew_relation(command, event, relation, posting_id)

    def _renew_relation(
        self, command: Command, event: ReadEvent, relation: Relation, posting_id: int
    ) -> None:
        """The relation's one posting takes the newest revision; one in flight goes again afterwards."""
        for posting in self._batch.postings:
            if posting.id == posting_id:
                posting.revision, posting.payload = relation.revision, event.data_bytes
                posting.content_hash, posting.number = event.content_hash, relation.number
                posting.event_id = event.envelope.id
                _note(self._batch, command, "posting", event=event, posting_id=posting_id)
                return
        _renew_relation_posting(self._cursor, posting_id, event, relation, command.source)
        lane = self._lanes.get(relation.administration)
        if lane is not None:
            self._batch.due.add(lane.key)
        _note(self._batch, command, "posting", event=event, posting_id=posting_id)

    def _new(
        self,
        command: Command,
        event: ReadEvent,
        kind: str,
        document_id: str,
        revision: int,
        number: str,
        *,
        match: str,
        relation_id: str,
        credits: str | None = None,
        issue_date: date | None = None,
        gross: Decimal | None = None,
        superseded: bool = False,
    ) -> NewPosting:
        administration = (
            event.data.administration if not isinstance(event.data, Administration) else event.data.id
        )
        lane = self._lanes.get(administration)
        posting = NewPosting(
            id=PostingId(next(self._ids)),
            administration_id=administration,
            package=str(lane.key.package) if lane else None,
            kind=kind,
            document_id=document_id,
            revision=revision,
            number=number,
            match_key=match,
            relation_id=relation_id,
            credits_key=credits,
            issue_date=issue_date,
            gross=gross,
            payload=event.data_bytes,
            content_hash=event.content_hash,
            event_id=event.envelope.id,
            event_source=event.envelope.source,
            event_time=event.envelope.time,
            correlation_id=event.envelope.correlation_id,
            traceparent=event.envelope.traceparent,
            source_topic=command.source.topic,
            source_partition=command.source.partition,
            source_offset=command.source.offset,
            state=str(Outcome.RECEIVED),
            changed_at=self._now,
            code=None,
            field=None,
            message_nl=None,
            message_en=None,
            vendor_message=None,
            who_acts=None,
            due_at=None,
            attempt=0,
            package_number=None,
            package_id=None,
            package_journal=None,
            package_year=None,
            package_period=None,
            package_url=None,
            file_sequence=None,
            file_name=None,
        )
        if superseded:
            posting.state = str(Outcome.SUPERSEDED)
        elif lane is None:
            _hold(posting, reason(Code.UNKNOWN_ADMINISTRATION, administration=administration))
        elif lane.hold is not None:
            _hold(posting, lane.hold)
        else:
            posting.due_at = self._now
            self._batch.due.add(lane.key)
        if posting.state != Outcome.RECEIVED:
            self._batch.announcements.append(posting_announcement(posting))
        self._batch.postings.append(posting)
        _note(self._batch, command, "posting", event=event, posting_id=posting.id)
        return posting

    def _contradiction(self, command: Command, event: ReadEvent, what_nl: str, what_en: str) -> None:
        why = reason(Code.INVALID_EVENT, field="headers.ce_id", value=event.envelope.id)
        why = Reason(
            code=why.code,
            field=why.field,
            nl=f"ENK stuurde {what_nl} eerder met een andere inhoud; dezelfde revisie mag niet veranderen. "
            "Stuur een hogere revisie.",
            en=f"ENK sent {what_en} before with other content; a revision never changes. "
            "Send a higher revision.",
            who_acts=why.who_acts,
        )
        data = event.data
        self._reject(
            command,
            Refusal(
                why,
                False,
                event.envelope.partition_key,
                kind_of(event),
                data.id,
                getattr(data, "number", None),
                getattr(data, "revision", None),
                event.envelope.id,
            ),
        )

    def _reject(self, command: Command, refusal: Refusal) -> None:
        lane = self._lanes.get(refusal.administration or "")
        rejected_id = _store_rejected(self._cursor, command, refusal)
        outcome = Outcome.HELD if refusal.ahead else Outcome.REJECTED
        why = refusal.reason
        self._batch.announcements.append(
            rejection_announcement(
                administration=refusal.administration,
                package=str(lane.key.package) if lane else None,
                kind=refusal.kind,
                document_id=refusal.document_id,
                number=refusal.number,
                revision=refusal.revision,
                source=events.SourceRecord(
                    topic=command.source.topic,
                    partition=command.source.partition,
                    offset=command.source.offset,
                    event_id=refusal.event_id,
                ),
                outcome=outcome,
                error=events.PostingError(
                    code=why.code,
                    field=why.field,
                    message=events.Message(nl=why.nl, en=why.en),
                    vendor_message=why.vendor_message,
                    who_acts=why.who_acts,
                    next_attempt_at=None,
                ),
                occurred_at=self._now,
                key=command.key,
            )
        )
        _note(self._batch, command, str(outcome), event=None, rejected_id=rejected_id)


def _hold(posting: NewPosting, why: Reason) -> None:
    posting.state, posting.scope = str(Outcome.HELD), "administration"
    posting.code, posting.field = str(why.code), why.field
    posting.message_nl, posting.message_en = why.nl, why.en
    posting.who_acts, posting.vendor_message = str(why.who_acts), why.vendor_message


def _note(
    batch: _Batch,
    command: Command,
    became: str,
    *,
    event: ReadEvent | None,
    posting_id: int | None = None,
    rejected_id: int | None = None,
) -> None:
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


def _known_revisions(
    cursor: Cursor[TupleRow], invoices: Sequence[ReadEvent]
) -> defaultdict[tuple[str, str, str], list[tuple[Known, int]]]:
    found: defaultdict[tuple[str, str, str], list[tuple[Known, int]]] = defaultdict(list)
    if invoices:
        cursor.execute(
            """
            SELECT p.administration_id, p.kind, p.document_id, p.revision, p.content_hash, p.id FROM posting p
              JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[], %s::text[])
                                           AS u (administration, kind, document)) v
                ON p.administration_id = v.administration AND p.kind = v.kind AND p.document_id = v.document
            """,
            (
                [event.envelope.partition_key for event in invoices],
                [kind_of(event) for event in invoices],
                [event.data.id for event in invoices],
            ),
        )
        for administration, kind, document, revision, content_hash, number in cursor.fetchall():
            found[administration, kind, document].append((Known(revision, bytes(content_hash)), number))
    return found


def _known_relations(
    cursor: Cursor[TupleRow], relations: Sequence[ReadEvent]
) -> dict[tuple[str, str], Known]:
    if not relations:
        return {}
    cursor.execute(
        """
        SELECT r.administration_id, r.relation_id, r.revision, r.content_hash FROM relation r
          JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS u (administration, relation)) v
            ON r.administration_id = v.administration AND r.relation_id = v.relation
           FOR UPDATE OF r
        """,
        ([event.envelope.partition_key for event in relations], [event.data.id for event in relations]),
    )
    return {
        (a, r): Known(revision, bytes(content_hash)) for a, r, revision, content_hash in cursor.fetchall()
    }


def _relation_postings(
    cursor: Cursor[TupleRow], relations: Sequence[ReadEvent]
) -> dict[tuple[str, str], int]:
    if not relations:
        return {}
    cursor.execute(
        """
        SELECT p.administration_id, p.document_id, p.id FROM posting p
          JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS u (administration, relation)) v
            ON p.administration_id = v.administration AND p.kind = 'relation' AND p.document_id = v.relation
        """,
        ([event.envelope.partition_key for event in relations], [event.data.id for event in relations]),
    )
    return {(administration, relation): number for administration, relation, number in cursor.fetchall()}


def _known_events(cursor: Cursor[TupleRow], events_: Sequence[ReadEvent]) -> dict[tuple[str, str], bytes]:
    if not events_:
        return {}
    cursor.execute(
        """
        SELECT i.event_source, i.event_id, i.content_hash FROM input_record i
          JOIN unnest(%s::text[], %s::text[]) AS v (source, id)
            ON i.event_source = v.source AND i.event_id = v.id
         WHERE i.content_hash IS NOT NULL
        """,
        ([event.envelope.source for event in events_], [event.envelope.id for event in events_]),
    )
    return {(source, number): bytes(content_hash) for source, number, content_hash in cursor.fetchall()}


def _new_ids(cursor: Cursor[TupleRow], count: int) -> Iterator[int]:
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('posting', 'id')) FROM generate_series(1, %s)", (count,)
    )
    return iter(sorted(row[0] for row in cursor.fetchall()))


def _renew_relation_posting(
    cursor: Cursor[TupleRow], posting_id: int, event: ReadEvent, relation: Relation, source: SourceRecord
) -> None:
    cursor.execute(
        """
        UPDATE posting
           SET revision = %s, payload = %s, content_hash = %s, number = %s, match_key = %s,
               event_id = %s, event_source = %s, event_time = %s, correlation_id = %s, traceparent = %s,
               source_topic = %s, source_partition = %s, source_offset = %s,
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


def _store_rejected(cursor: Cursor[TupleRow], command: Command, refusal: Refusal) -> int:
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
      FROM unnest({", ".join(f"%s::{kind}[]" for _, kind in _POSTING_COLUMNS)})
           AS v ({", ".join(name for name, _ in _POSTING_COLUMNS)})
"""
"""Due times are the database's clock; ours only says that the posting is due."""


def _write(cursor: Cursor[TupleRow], batch: _Batch) -> None:
    if batch.relations:
        cursor.execute(
            """
            INSERT INTO relation AS r
                   (administration_id, relation_id, revision, number, payload, content_hash)
            SELECT * FROM unnest(%s::text[], %s::text[], %s::integer[], %s::text[], %s::bytea[], %s::bytea[])
            ON CONFLICT (administration_id, relation_id) DO UPDATE
               SET revision = EXCLUDED.revision, number = EXCLUDED.number, payload = EXCLUDED.payload,
                   content_hash = EXCLUDED.content_hash, received_at = now()
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
            SELECT * FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::text[], %s::text[], %s::bytea[],
                                 %s::bigint[], %s::bigint[], %s::text[])
            ON CONFLICT (topic, partition, "offset") DO UPDATE
               SET event_source = EXCLUDED.event_source, event_id = EXCLUDED.event_id,
                   content_hash = EXCLUDED.content_hash, posting_id = EXCLUDED.posting_id,
                   rejected_id = EXCLUDED.rejected_id, became = EXCLUDED.became
            """,
            [list(column) for column in zip(*batch.inputs, strict=True)],
        )
    announce(cursor, batch.announcements)
    wake(cursor, batch.wakes)
    if batch.due:
        make_due(cursor, list(batch.due))
        cursor.execute("SELECT pg_notify('koppeling_due', '')")
