"""The CloudEvents 1.0 attributes around an event's data, and the Kafka headers that carry them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas.instant import format_instant

Header = tuple[str, bytes]

SPECVERSION = "1.0"
SOURCE = "/enk-koppeling"
"""`ce_source` of everything that we publish."""

JSON_CONTENT = "application/json"
STRUCTURED_CONTENT = "application/cloudevents+json"


@dataclass(frozen=True)
class Envelope:
    """Who said it, when, and about which administration. `source` + `id` name an event for ever."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None
    partition_key: str
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


def envelope_headers(envelope: Envelope) -> list[Header]:
    """The headers of a record in binary mode; attributes without a value are left out."""
    values = {
        "ce_specversion": SPECVERSION,
        "ce_id": envelope.id,
        "ce_source": envelope.source,
        "ce_type": envelope.type,
        "ce_time": format_instant(envelope.time),
        "ce_subject": envelope.subject,
        "ce_partitionkey": envelope.partition_key,
        "ce_correlationid": envelope.correlation_id,
        "ce_causationid": envelope.causation_id,
        "traceparent": envelope.traceparent,
        "content-type": JSON_CONTENT,
    }
    return [(name, value.encode()) for name, value in values.items() if value is not None]
