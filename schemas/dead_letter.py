"""The headers of a dead letter: Kafka Connect's own names, and beside them what only we know.

Tools made for Connect's dead-letter queues find what they look for under `__connect.errors.…` (KIP-298; the
names are those of `DeadLetterQueueReporter`). Ours say more: where the record came from the very first time,
every code it ever got, how often it was tried. They also are how a record that such a tool puts back on an
input topic is recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from schemas.envelope import Header
from schemas.outcome import Reason
from schemas.topics import (
    ATTEMPTS_HEADER,
    ERROR_CODE_HEADER,
    ERROR_CODES_HEADER,
    ERROR_EN_HEADER,
    ERROR_FIELD_HEADER,
    ERROR_NL_HEADER,
    ERROR_VENDOR_HEADER,
    ERROR_WHO_ACTS_HEADER,
    ORIGIN_OFFSET_HEADER,
    ORIGIN_PARTITION_HEADER,
    ORIGIN_TOPIC_HEADER,
    OWN_PREFIX,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
)

CONNECT_PREFIX = "__connect.errors."
CONNECT_TOPIC = CONNECT_PREFIX + "topic"
CONNECT_PARTITION = CONNECT_PREFIX + "partition"
CONNECT_OFFSET = CONNECT_PREFIX + "offset"
CONNECT_CONNECTOR = CONNECT_PREFIX + "connector.name"
CONNECT_TASK = CONNECT_PREFIX + "task.id"
CONNECT_STAGE = CONNECT_PREFIX + "stage"
CONNECT_CLASS = CONNECT_PREFIX + "class.name"
CONNECT_EXCEPTION = CONNECT_PREFIX + "exception.class.name"
CONNECT_MESSAGE = CONNECT_PREFIX + "exception.message"
CONNECT_STACK_TRACE = CONNECT_PREFIX + "exception.stacktrace"

_PLACES = (
    (ORIGIN_TOPIC_HEADER, ORIGIN_PARTITION_HEADER, ORIGIN_OFFSET_HEADER),
    (SOURCE_TOPIC_HEADER, SOURCE_PARTITION_HEADER, SOURCE_OFFSET_HEADER),
    (CONNECT_TOPIC, CONNECT_PARTITION, CONNECT_OFFSET),
)
"""Where a record may say that it came from, the first origin first."""

MOST_CODES = 20

V = TypeVar("V", bytes, bytes | None)


class Stage(StrEnum):
    """Connect's name for the part of the work that failed."""

    KEY = "KEY_CONVERTER"
    HEADERS = "HEADER_CONVERTER"
    VALUE = "VALUE_CONVERTER"
    SINK = "TASK_PUT"


@dataclass(frozen=True)
class Place:
    """Where a record is, or was, on a topic."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class PutBack:
    """What a record that was a dead letter before says of its past.

    Attributes:
        origin: where it came from the very first time.
        attempts: how often it had been tried.
        codes: every code it had got, in order.
    """

    origin: Place
    attempts: int
    codes: tuple[str, ...]


@dataclass(frozen=True)
class DeadLetter:
    """What the headers of a dead letter say.

    Attributes:
        origin: where the record came from the very first time.
        source: where it was read last; the same unless it was put back.
        reason: the last error.
        stage: which part of the work failed.
        component: what refused it, as people know it: `koppeling.intake`, `koppeling.sink.snelstart`.
        attempts: how often it was tried.
        codes: every code it got, in order, the last one included.
    """

    origin: Place
    source: Place
    reason: Reason
    stage: Stage
    component: str
    attempts: int
    codes: tuple[str, ...]


def stage_of(field: str | None) -> Stage:
    """Which part of reading a record found fault with that field."""
    if field == "key":
        return Stage.KEY
    return Stage.HEADERS if (field or "").startswith("headers.") else Stage.VALUE


def dead_letter_headers(letter: DeadLetter) -> list[Header]:
    """Connect's headers, and ours."""
    why, field = letter.reason, letter.reason.field or ""
    trace = f"{why.code}: {why.en}\n\tat {letter.component}({field or letter.stage})"
    values = {
        SOURCE_TOPIC_HEADER: letter.source.topic,
        SOURCE_PARTITION_HEADER: letter.source.partition,
        SOURCE_OFFSET_HEADER: letter.source.offset,
        ERROR_CODE_HEADER: why.code,
        ERROR_FIELD_HEADER: field,
        ERROR_NL_HEADER: why.nl,
        ERROR_EN_HEADER: why.en,
        ERROR_WHO_ACTS_HEADER: why.who_acts,
        ERROR_VENDOR_HEADER: why.vendor_message,
        ORIGIN_TOPIC_HEADER: letter.origin.topic,
        ORIGIN_PARTITION_HEADER: letter.origin.partition,
        ORIGIN_OFFSET_HEADER: letter.origin.offset,
        ATTEMPTS_HEADER: letter.attempts,
        ERROR_CODES_HEADER: ",".join(letter.codes[-MOST_CODES:]),
        CONNECT_TOPIC: letter.source.topic,
        CONNECT_PARTITION: letter.source.partition,
        CONNECT_OFFSET: letter.source.offset,
        CONNECT_CONNECTOR: letter.component,
        CONNECT_TASK: letter.source.partition,
        CONNECT_STAGE: letter.stage,
        CONNECT_CLASS: letter.component,
        CONNECT_EXCEPTION: f"nl.enk.koppeling.{why.code}",
        CONNECT_MESSAGE: why.en,
        CONNECT_STACK_TRACE: trace
        if why.vendor_message is None
        else f"{trace}\nCaused by: {why.vendor_message}",
    }
    return [(name, str(value).encode()) for name, value in values.items() if value is not None]


def without_marks(headers: Iterable[tuple[str, V]]) -> list[tuple[str, V]]:
    """The publisher's own headers, in order: without ours and Connect's."""
    return [(name, value) for name, value in headers if not name.startswith((OWN_PREFIX, CONNECT_PREFIX))]


def put_back(headers: Sequence[tuple[str, bytes | None]]) -> PutBack | None:
    """What a record says that was a dead letter before; None for one that says nothing credible.

    A tool may keep all headers of a dead letter, or Connect's alone.
    """
    found = {name: value for name, value in headers if value is not None}
    for names in _PLACES:
        origin = _place(*(found.get(name) for name in names))
        if origin is not None:
            codes = found.get(ERROR_CODES_HEADER, b"").decode("utf-8", "replace").split(",")
            return PutBack(
                origin,
                _number(found.get(ATTEMPTS_HEADER)) or 0,
                tuple(code for code in codes if code)[-MOST_CODES:],
            )
    return None


def _place(topic: bytes | None, partition: bytes | None, offset: bytes | None) -> Place | None:
    where = _number(partition, digits=9), _number(offset)
    if topic is None or where[0] is None or where[1] is None:
        return None
    try:
        return Place(topic.decode(), where[0], where[1])
    except UnicodeDecodeError:
        return None


def _number(text: bytes | None, digits: int = 18) -> int | None:
    if text is None or not text.isdigit() or len(text) > digits:
        return None
    return int(text)
