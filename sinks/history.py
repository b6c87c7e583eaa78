"""Whether the ledger is behind what we left in Kafka; asked once when a worker starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import psycopg
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from psycopg.rows import TupleRow
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from ledger.events import document_name
from ledger.recovery import (
    SEQUENCE_BITS,
    Filing,
    PublishedSequence,
    behind_offsets,
    behind_sequences,
    enter_recovery,
    other_database,
    recovered_since,
)
from schemas.outcome import Outcome, Package
from schemas.topics import ENK_POSTINGS

_patiently = Retrying(
    retry=retry_if_exception_type(KafkaError),
    stop=stop_after_delay(60),
    wait=wait_exponential(0.1, max=2),
    reraise=True,
)
"""A broker that has just started has no group coordinator yet; these are reads."""

TAIL = 20
"""How many of the newest records of each partition are compared."""


def check_history(
    connection: psycopg.Connection[TupleRow],
    kafka: Mapping[str, object],
    group: str,
    *,
    told: str | None = None,
    since: datetime | None = None,
) -> str | None:
    """Enter recovery when the database went back in time; returns the cause, or None when it did not.

    `told` is what a person or a process that ran says: it counts where nothing else shows it, as when Kafka
    was away for all of the time that was lost. It does not when recovery was begun after `since`, on the
    database's clock: several processes notice the same.
    """
    committed = _patiently(_committed, kafka, group)
    published = _patiently(_published_tail, kafka)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(764103)")
        cause = other_database(cursor)
        place = behind_offsets(cursor, committed)
        if place is not None:
            cause = f"Kafka has a later offset for {place[0]}[{place[1]}] than the ledger"
        document = behind_sequences(cursor, published)
        if document is not None:
            cause = f"a later event was published for {document!r} than the ledger knows"
        if since is None or not recovered_since(connection, since):
            cause = cause or told
        if cause is None:
            return None
        epochs = [item.sequence >> SEQUENCE_BITS for item in published]
        filings = _patiently(_published_filings, kafka)
        enter_recovery(cursor, cause, max(epochs, default=0), committed, filings)
    return cause


def _committed(kafka: Mapping[str, object], group: str) -> dict[tuple[str, int], int]:
    admin = KafkaAdminClient(**kafka)
    try:
        offsets = admin.list_group_offsets({group: None})[group]
        return {
            (partition.topic, partition.partition): entry.offset
            for partition, entry in offsets.items()
            if entry.offset >= 0
        }
    finally:
        admin.close()


def _published_tail(kafka: Mapping[str, object]) -> list[PublishedSequence]:
    found: dict[str, int] = {}
    for event in _published(kafka, TAIL):
        what, administration = event.get("what", {}), event.get("administration")
        if administration and what.get("id"):
            name = document_name(administration, what["kind"], what["id"])
            found[name] = max(found.get(name, 0), int(event["sequence"]))
    return [PublishedSequence(document, sequence) for document, sequence in found.items()]


def _published_filings(kafka: Mapping[str, object]) -> list[Filing]:
    """Documents whose last published outcome is `filed`, as far back as the topic goes."""
    last: dict[str, tuple[int, Filing | None]] = {}
    for event in _published(kafka, None):
        what, administration = event.get("what", {}), event.get("administration")
        if not administration or not what.get("id"):
            continue
        name, sequence = document_name(administration, what["kind"], what["id"]), int(event["sequence"])
        if sequence < last.get(name, (0, None))[0]:
            continue
        file = event.get("file")
        filing = None
        if event.get("outcome") == Outcome.FILED and file:
            filing = Filing(
                administration,
                Package(event["package"]),
                what["kind"],
                what["id"],
                int(what.get("revision") or 1),
                int(file["sequence"]),
                str(file["name"]),
            )
        last[name] = (sequence, filing)
    return [filing for _, filing in last.values() if filing is not None]


def _published(kafka: Mapping[str, object], newest: int | None) -> Iterator[dict[str, Any]]:
    """Our posting events: the newest so many of each partition, or all that the topic still has."""
    consumer = KafkaConsumer(**kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        numbers = consumer.partitions_for_topic(ENK_POSTINGS) or set()
        partitions = [TopicPartition(ENK_POSTINGS, number) for number in numbers]
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        open_ = [partition for partition in partitions if ends[partition] > starts[partition]]
        if not open_:
            return
        consumer.assign(open_)
        for partition in open_:
            first = starts[partition] if newest is None else ends[partition] - newest
            consumer.seek(partition, max(starts[partition], first))
        while any(consumer.position(partition) < ends[partition] for partition in open_):
            for messages in consumer.poll(timeout_ms=1000).values():
                for message in messages:
                    yield json.loads(message.value or b"{}")
    finally:
        consumer.close()
