"""Kafka records as the intake reads and sends them: the source's bytes, and headers: where from, why."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from schemas.dead_letter import (
    DeadLetter,
    Place,
    PutBack,
    dead_letter_headers,
    put_back,
    stage_of,
    without_marks,
)
from schemas.outcome import Reason
from schemas.topics import (
    CUT_SHA256_HEADER,
    CUT_SIZE_HEADER,
    INTAKE_DLQ,
    ORIGIN_OFFSET_HEADER,
    ORIGIN_PARTITION_HEADER,
    ORIGIN_TOPIC_HEADER,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
    TOPIC,
    VALUE_WAS_NULL_HEADER,
)

Header = tuple[str, bytes | None]
"""Kafka allows a header without a value."""


BATCH_OVERHEAD_BYTES: Final = 256
"""What Kafka adds to the bytes of a record alone in its batch, generously."""

HEADER_OVERHEAD_BYTES: Final = 10
"""The two lengths that Kafka stores with a header."""

INTAKE: Final = "koppeling.intake"
"""Who refused a dead letter, under Kafka Connect's header names."""

KEPT_BYTES: Final = 1024 * 1024
KEPT_KEY_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record of a source topic as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to send, to the partition that its source came from."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]

    def fits(self) -> bool:
        """Whether its topic takes a record of this size."""
        size = len(self.key or b"") + len(self.value or b"") + BATCH_OVERHEAD_BYTES
        size += sum(
            len(name.encode()) + len(value or b"") + HEADER_OVERHEAD_BYTES for name, value in self.headers
        )
        return size <= TOPIC[self.topic].max_message_bytes


def forwarded(record: SourceRecord, topic: str) -> Outgoing:
    """The record as it is, its headers in their order, and after them where it came from.

    What a dead letter's headers say of one that was put back is not repeated, but for its first origin.
    """
    before = put_back(record.headers)
    headers = (*without_marks(record.headers), *_source(record), *(_origin(before.origin) if before else ()))
    return Outgoing(topic, record.key, record.value, headers)


def dead_letter(record: SourceRecord, why: Reason) -> Outgoing:
    """The record as it is, with the reason why it was refused, in our headers and in Kafka Connect's.

    Two records cannot travel as they are. One without key and value, which no producer sends, gets an empty
    value and a header that says so. One that is larger than the topic takes (a compressed batch may hold it)
    is cut: the beginning of its value, and the size and sha256 of the whole, which stays in the source topic
    for as long as that keeps it.
    """
    here = Place(record.topic, record.partition, record.offset)
    before = put_back(record.headers) or PutBack(here, 0, ())
    headers: tuple[Header, ...] = tuple(
        dead_letter_headers(
            DeadLetter(
                origin=before.origin,
                source=here,
                reason=why,
                stage=stage_of(why.field),
                component=INTAKE,
                attempts=before.attempts + 1,
                codes=(*before.codes, str(why.code)),
            )
        )
    )
    theirs = tuple(without_marks(record.headers))
    value = record.value
    if record.key is None and value is None:
        headers, value = (*headers, (VALUE_WAS_NULL_HEADER, b"true")), b""
    whole = Outgoing(INTAKE_DLQ, record.key, value, (*theirs, *headers))
    return whole if whole.fits() else _cut(whole, theirs, headers)


def _cut(whole: Outgoing, theirs: tuple[Header, ...], ours: tuple[Header, ...]) -> Outgoing:
    value = whole.value or b""
    return replace(
        whole,
        key=whole.key[:KEPT_KEY_BYTES] if whole.key is not None else None,
        value=value[:KEPT_BYTES],
        headers=(
            *_first(theirs),
            *ours,
            (CUT_SIZE_HEADER, str(len(value)).encode()),
            (CUT_SHA256_HEADER, hashlib.sha256(value).hexdigest().encode()),
        ),
    )


def _first(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    """The first headers, as far as they fit in `KEPT_BYTES`."""
    kept: list[Header] = []
    room = KEPT_BYTES
    for name, value in headers:
        room -= len(name.encode()) + len(value or b"") + HEADER_OVERHEAD_BYTES
        if room < 0:
            break
        kept.append((name, value))
    return tuple(kept)


def _source(record: SourceRecord) -> tuple[Header, ...]:
    return (
        (SOURCE_TOPIC_HEADER, record.topic.encode()),
        (SOURCE_PARTITION_HEADER, str(record.partition).encode()),
        (SOURCE_OFFSET_HEADER, str(record.offset).encode()),
    )


def _origin(place: Place) -> tuple[Header, ...]:
    return (
        (ORIGIN_TOPIC_HEADER, place.topic.encode()),
        (ORIGIN_PARTITION_HEADER, str(place.partition).encode()),
        (ORIGIN_OFFSET_HEADER, str(place.offset).encode()),
    )
