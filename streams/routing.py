"""Where a source record goes: a pure function from one record to the records that come of it.

Three things can happen to a record, and nothing else:

- it can be read: it travels on, byte for byte, to the sink topic of its administration's package, or to the
  holding topic while that package is not known. A record with a field that we do not know yet
  (`SchemaAhead`) is one of these: the ledger holds it until our next release;
- it cannot be read: it goes to the dead-letter topic, byte for byte, with the reason in headers;
- reading it fails in a way that nobody foresaw. That is a fault of ours, and still one record of one
  administration: it goes to the dead-letter topic with code `internal`, so that it is kept, seen and can be
  published again, and what comes behind it flows on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import structlog

from schemas.administration import Administration
from schemas.envelope import Header
from schemas.outcome import Code, Package, Reason, reason
from schemas.reading import ReadEvent, Rejection, SchemaAhead, Tombstone, read_record
from schemas.topics import HOLDING, sink_topic
from streams.records import Outgoing, SourceRecord, dead_letter, forwarded

log = structlog.get_logger(__name__)

PackageOf = Callable[[str], Package | None]
"""The package that an administration last named; None while it is unknown."""

ReadRecord = Callable[[str, bytes | None, Sequence[Header], bytes | None], ReadEvent | Tombstone]


class Went(StrEnum):
    """Which way a record took."""

    SINK = "sink"
    HOLDING = "holding"
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True, slots=True)
class Assignment:
    """An administration and the package that it names from now on."""

    administration: str
    package: Package


@dataclass(frozen=True, slots=True)
class Routed:
    """What comes of one source record: what to send, in this order, and what to remember."""

    went: Went
    records: tuple[Outgoing, ...]
    assignment: Assignment | None = None
    code: Code | None = None


def route(record: SourceRecord, package_of: PackageOf, *, read: ReadRecord = read_record) -> Routed:
    """Decide what comes of a record; never raises, whatever the record holds.

    Args:
        record: as it was read, undecoded.
        package_of: where the administrations are kept.
        read: checks and decodes.
    """
    try:
        event = read(record.topic, record.key, cast(Sequence[Header], record.headers), record.value)
    except Rejection as rejection:
        return _refused(record, rejection.reason)
    except SchemaAhead as ahead:
        return _to_package(record, package_of(ahead.administration) if ahead.administration else None)
    except Exception as error:
        log.error(
            "record_not_read_by_our_fault",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            exc_info=error,
        )
        return _refused(record, reason(Code.INTERNAL, problem=type(error).__name__))
    if isinstance(event, Tombstone):
        return _to_package(record, package_of(event.administration))
    if isinstance(event.data, Administration):
        return _administration(record, event.data, package_of(event.data.id))
    return _to_package(record, package_of(event.administration))


def _administration(record: SourceRecord, data: Administration, former: Package | None) -> Routed:
    """To its package, and when it moved to the former one too, whose work this ends."""
    if former is data.package:
        return _to(record, Went.SINK, sink_topic(data.package))
    topics = [sink_topic(data.package)] + ([sink_topic(former)] if former else [])
    return _to(record, Went.SINK, *topics, assignment=Assignment(data.id, data.package))


def _to_package(record: SourceRecord, package: Package | None) -> Routed:
    if package is None:
        return _to(record, Went.HOLDING, HOLDING)
    return _to(record, Went.SINK, sink_topic(package))


def _to(record: SourceRecord, went: Went, *topics: str, assignment: Assignment | None = None) -> Routed:
    records = tuple(forwarded(record, topic) for topic in topics)
    if not all(outgoing.fits() for outgoing in records):
        return _refused(record, reason(Code.TOO_LONG, field="headers"))
    return Routed(went, records, assignment)


def _refused(record: SourceRecord, why: Reason) -> Routed:
    return Routed(Went.DEAD_LETTER, (dead_letter(record, why),), code=why.code)
