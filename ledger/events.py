"""Our own events about postings, made from ledger rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from ledger.outbox import Announcement, OutboundRecord
from ledger.rows import PostingId
from schemas.outcome import Code, Outcome, Package, WhoActs
from schemas.posting import (
    FileRef,
    Message,
    PackageDocument,
    PostingChanged,
    PostingError,
    SourceRecord,
    What,
    WhatKind,
)
from schemas.publishing import Record, posting_record

EVENT_COLUMNS = """p.id, p.administration_id, p.package, p.kind, p.document_id, p.revision, p.number,
    p.source_topic, p.source_partition, p.source_offset, p.event_id, p.correlation_id, p.traceparent,
    p.state, p.code, p.field, p.message_nl, p.message_en, p.vendor_message, p.who_acts, p.due_at, p.attempt,
    p.package_number, p.package_id, p.package_journal, p.package_year, p.package_period, p.package_url,
    p.changed_at, p.edit,
    (SELECT f.sequence FROM file f WHERE f.id = p.file_id AND p.state = 'filed') AS file_sequence,
    (SELECT t.name FROM file_part t WHERE t.file_id = p.file_id
      ORDER BY CASE WHEN p.kind = 'relation' THEN t.position ELSE -t.position END LIMIT 1) AS file_name"""
"""What an event is made of; `p` is the posting.

A package reads relations from the first part of a cut and invoices from the last.
"""


@dataclass
class EventRow:
    """A row with `EVENT_COLUMNS`."""

    id: PostingId
    administration_id: str
    package: str | None
    kind: str
    document_id: str
    revision: int
    number: str
    source_topic: str
    source_partition: int
    source_offset: int
    event_id: str
    correlation_id: str | None
    traceparent: str | None
    state: str
    code: str | None
    field: str | None
    message_nl: str | None
    message_en: str | None
    vendor_message: str | None
    who_acts: str | None
    due_at: datetime | None
    attempt: int
    package_number: str | None
    package_id: str | None
    package_journal: str | None
    package_year: int | None
    package_period: int | None
    package_url: str | None
    changed_at: datetime
    file_sequence: int | None
    file_name: str | None
    edit: int = 0


def document_name(administration: str, kind: str, document_id: str) -> str:
    """A document among all administrations: the key of its sequence, the same for all its revisions."""
    return f"{administration}\x1f{kind}\x1f{document_id}"


def posting_announcement(row: EventRow) -> Announcement:
    """The event that tells ENK where a posting stands now."""

    def build(sequence: int) -> OutboundRecord:
        event = PostingChanged(
            administration=row.administration_id,
            package=Package(row.package) if row.package else None,
            what=What(kind=WhatKind(row.kind), id=row.document_id, number=row.number, revision=row.revision),
            source_record=SourceRecord(
                topic=row.source_topic,
                partition=row.source_partition,
                offset=row.source_offset,
                event_id=row.event_id,
            ),
            outcome=Outcome(row.state),
            package_document=_document(row),
            file=None
            if row.file_sequence is None
            else FileRef(name=row.file_name or "", sequence=row.file_sequence),
            error=_error(row),
            attempt=row.attempt,
            edit=row.edit or None,
            sequence=sequence,
            occurred_at=row.changed_at,
        )
        return outbound(
            posting_record(
                event,
                event_id=event_id(row.administration_id, row.kind, row.document_id, sequence),
                causation_id=row.event_id,
                correlation_id=row.correlation_id,
                traceparent=row.traceparent,
                key=row.administration_id.encode(),
            )
        )

    return Announcement(document_name(row.administration_id, row.kind, row.document_id), build)


def event_id(*parts: object) -> str:
    """An event id that is the same whenever the same event is built again."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "nl.enk.koppeling/" + "/".join(map(str, parts))))


def outbound(record: Record) -> OutboundRecord:
    """A record of ours, which always has key and value."""
    assert record.key is not None
    assert record.value is not None
    return OutboundRecord(record.topic, record.key, record.headers, record.value)


def _document(row: EventRow) -> PackageDocument | None:
    if row.package_id is None and row.package_number is None:
        return None
    return PackageDocument(
        number=row.package_number or row.number,
        id=row.package_id,
        journal=row.package_journal,
        year=row.package_year,
        period=row.package_period,
        url=row.package_url,
    )


def _error(row: EventRow) -> PostingError | None:
    if row.code is None:
        return None
    return PostingError(
        code=Code(row.code),
        field=row.field,
        message=Message(nl=row.message_nl or "", en=row.message_en or ""),
        vendor_message=row.vendor_message,
        who_acts=WhoActs(row.who_acts or WhoActs.SUPPORT),
        next_attempt_at=row.due_at,
    )


def rejection_announcement(
    *,
    administration: str | None,
    package: str | None,
    kind: str,
    document_id: str | None,
    number: str | None,
    revision: int | None,
    source: SourceRecord,
    outcome: Outcome,
    error: PostingError | None,
    occurred_at: datetime,
    key: bytes | None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
) -> Announcement:
    """The event about input that could not become a posting.

    The key is the input record's, where it is readable.
    """

    def build(sequence: int) -> OutboundRecord:
        event = PostingChanged(
            administration=administration,
            package=Package(package) if package else None,
            what=What(kind=WhatKind(kind), id=document_id, number=number, revision=revision),
            source_record=source,
            outcome=outcome,
            package_document=None,
            file=None,
            error=error,
            attempt=0,
            sequence=sequence,
            occurred_at=occurred_at,
        )
        return outbound(
            posting_record(
                event,
                event_id=event_id(source.topic, source.partition, source.offset, sequence),
                causation_id=source.event_id,
                correlation_id=correlation_id,
                traceparent=traceparent,
                key=key if key and _is_utf8(key) else b"unreadable",
            )
        )

    if administration and document_id:
        name = document_name(administration, kind, document_id)
    else:
        name = f"{source.topic}\x1f{source.partition}\x1f{source.offset}"
    return Announcement(name, build)


def _is_utf8(key: bytes) -> bool:
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True
