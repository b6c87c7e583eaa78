"""ENK's event behind a posting, as far as the ledger keeps it: enough to make its record again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas.envelope import Envelope, Header, envelope_headers
from schemas.event_kind import KIND_OF_TOPIC, TYPE_OF_KIND

EVENT_OF_POSTING = """p.administration_id, p.document_id, p.event_id, p.event_source, p.event_time,
    p.correlation_id, p.traceparent, p.source_topic"""
"""The columns of `OriginalEvent`; `p` is the posting."""


@dataclass
class OriginalEvent:
    """A row with `EVENT_OF_POSTING`."""

    administration_id: str
    document_id: str
    event_id: str
    event_source: str
    event_time: datetime
    correlation_id: str | None
    traceparent: str | None
    source_topic: str

    @property
    def headers(self) -> list[Header]:
        """The headers of the event's record in binary mode."""
        return envelope_headers(
            Envelope(
                id=self.event_id,
                source=self.event_source,
                type=TYPE_OF_KIND[KIND_OF_TOPIC[self.source_topic]],
                time=self.event_time,
                subject=self.document_id,
                partition_key=self.administration_id,
                correlation_id=self.correlation_id,
                traceparent=self.traceparent,
            )
        )

    @property
    def key(self) -> bytes:
        """The key of its record."""
        return self.administration_id.encode()
